"""Memory of one process that fits again and again: python -m benchmarks.leaks [--fits 1000]

Prints the resident memory (RSS) after every 100 small fits, each of which is asked and dropped.
Straight paths from neighbours, learned paths from a flow and the neural dual in turn.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.solvers import NeuralDual

_STATM = Path("/proc/self/statm")
_PAGE = 4096 / 2**20  # MiB

_STRAIGHT = {"base": "neighbors", "kinetic": "euclidean", "potential": None}
_LEARNED = {"base": "flow", "path": GeodesicPath(max_iter=3, n_nodes=2)}
_DUAL = {
    "base": "neighbors",
    "potential": None,
    "solver": NeuralDual(max_iter=3, path_iter=2, inner_iter=1, hidden_layer_sizes=[8, 8]),
}
KINDS = (*[_STRAIGHT] * 7, *[_LEARNED] * 2, _DUAL)  # the quick ones more often


def fit_and_ask(i):
    """Fit the i-th small surrogate on data of its own, ask it in every way, and drop it."""
    rng = np.random.default_rng(i)
    X = np.tile(rng.normal(size=(20, 2)), (3, 1))
    lam = np.repeat([0.0, 1.0, 2.0], 20)
    y = X * (1 + lam[:, None]) + 0.1 * rng.normal(size=X.shape)
    model = HyperparameterTrajectoryRegressor(
        max_iter=5,
        batch_size=16,
        lam_transform=None,
        random_state=i,
        **KINDS[i % len(KINDS)],
    ).fit(X, y, lam)
    model.sample(X[:20], 0.5, random_state=i)
    model.predict(X[:20], 1.5)
    moved = model.transport(X[:20], y[:20], lam_from=0.0, lam_to=2.0)
    model.interpolate(X[:20], [y[:20], moved], lams=[0.0, 2.0], lam=1.0)


def resident():
    """Return the resident memory of this process in MiB."""
    return int(_STATM.read_text().split()[1]) * _PAGE


def memory_curve(n_fits, every, report=lambda *figures: None):
    """Return the MiB that are resident after every so many fits, handed to `report` as well."""
    curve = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(n_fits):
            fit_and_ask(i)
            if (i + 1) % every == 0:
                curve.append(resident())
                report(i + 1, curve[-1])
    return curve


def main():
    """Print the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=1000)
    parser.add_argument("--every", type=int, default=100)
    args = parser.parse_args()
    torch.set_num_threads(1)
    begin = time.process_time()

    def report(n, mib):
        spent = time.process_time() - begin
        print(f"{n:6d} fits  {mib:8.1f} MiB  {spent:7.1f} s of CPU", flush=True)

    curve = memory_curve(args.fits, args.every, report)
    print(f"growth after the first {args.every}: {curve[-1] - curve[0]:.1f} MiB")


if __name__ == "__main__":
    main()
