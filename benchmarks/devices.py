"""CPU against GPU, in ratios of one run: python -m benchmarks.devices

The family of benchmarks.speed, two outputs and seven inputs: fits of small and of large data by
solver, `sample` and `transport` by the number of rows. One thread of the processor; seconds are
those of the clock on the wall. Ratios above 1: the GPU is faster.
"""

import argparse
import time
import warnings
from functools import partial

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from sklearn_hti.exceptions import TrajectoryWarning

from .methods import DEFAULT, make_method
from .speed import ANCHORS, BETWEEN, LAM, Draws, Timer, inputs

DEVICES = ("cpu", "cuda")
FITTED = (DEFAULT, "coupling, straight lines", "neural_dual, film", "monge_gap, film")


def fit(method, device, n_rows, **params):
    """Return a surrogate of the family, and the seconds of its fit."""
    X = inputs(n_rows)
    y = np.concatenate([Draws(lam, seed=2)(X) for lam in ANCHORS])
    data = np.tile(X, (len(ANCHORS), 1)), y, np.repeat(ANCHORS, len(X))
    model = make_method(method, 0, device=device, base=Draws(), validate=False, **params)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrajectoryWarning)
        model.fit(*data)
    return model, time.perf_counter() - start


def row(name, seconds):
    """Print a row of the table."""
    cpu, gpu = (seconds[device] for device in DEVICES)
    print(f"| {name} | {cpu:.3g} | {gpu:.3g} | {cpu / gpu:.2f} |", flush=True)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-iter", type=int, default=600)
    parser.add_argument("--rows", type=int, nargs="+", default=[300, 100_000])
    args = parser.parse_args()
    if not torch.cuda.is_available():
        parser.exit(message="There is no GPU here.\n")
    print(f"{torch.cuda.get_device_name()}\n")
    print("| | CPU s | GPU s | ratio |\n| --- | --- | --- | --- |")
    with threadpool_limits(1):
        torch.set_num_threads(1)
        fit(DEFAULT, "cuda", 300, max_iter=50)  # what a GPU does once
        for n_rows in args.rows:
            for method in FITTED:
                seconds = {d: fit(method, d, n_rows, max_iter=args.max_iter)[1] for d in DEVICES}
                row(f"fit: {method}, {n_rows:,} rows per anchor", seconds)
        models = {d: fit(FITTED[1], d, 300, max_iter=100)[0] for d in DEVICES}
        timer = Timer(time.perf_counter, 5)
        for n_rows in (1, 100, 10_000, 1_000_000):
            X = inputs(n_rows, seed=3)
            sampled, moved = (LAM,), (Draws(BETWEEN)(X), BETWEEN, LAM)
            for name, given in (("sample", sampled), ("transport", moved)):
                calls = {d: partial(getattr(models[d], name), X, *given) for d in DEVICES}
                seconds = {d: timer(call) for d, call in calls.items()}
                row(f"{name}, {n_rows:,} rows", seconds)


if __name__ == "__main__":
    main()
