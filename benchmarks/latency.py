"""How long an answer takes: python -m benchmarks.latency [--repeats 300]

Median wall milliseconds on one thread of `transport` and of its exported graph in torch and in
onnxruntime (the extra `onnx`, and onnxruntime), and how far their answers are apart.
"""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from sklearn_hti import HyperparameterTrajectoryRegressor, load
from sklearn_hti.datasets import make_semicircles
from sklearn_hti.exceptions import TrajectoryWarning

_ROWS = (1, 10_000)


def median_ms(answer, repeats):
    """Return the median wall time of a call in milliseconds."""
    answer()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        answer()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def answers(model, folder, X, y, lam):
    """Return, by name, functions of no argument that answer the same question."""
    given = [np.asarray(v, dtype=np.float64) for v in (X, y, lam)]
    tensors = [torch.as_tensor(v) for v in given]
    model.export(folder / "graph.pt2", "torch")
    graph = torch.export.load(folder / "graph.pt2").module()
    found = {
        "transport": lambda: model.transport(X, y, lam_from=0.0, lam_to=lam),
        "exported, torch": lambda: graph(*tensors).numpy(),
    }
    try:
        import onnxruntime
    except ImportError:
        print("onnxruntime is not installed; left out")
        return found
    model.export(folder / "graph.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "graph.onnx", options)
    inputs = dict(zip(("x", "y", "lam"), given, strict=True))
    return found | {"exported, onnxruntime": lambda: session.run(None, inputs)[0]}


def main():
    """Print one line per way to ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=300)
    args = parser.parse_args()
    torch.set_num_threads(1)
    data = make_semicircles(100, random_state=0)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore", TrajectoryWarning)
        model = HyperparameterTrajectoryRegressor(categorical_features=[0], random_state=0)
        model.fit(data.X, data.y, data.lam)
        file = Path(folder, "surrogate.safetensors")
        saving, loading = (
            median_ms(call, 20) for call in (lambda: model.save(file), lambda: load(file))
        )
        print(f"save {saving:.1f} ms, load {loading:.1f} ms, {file.stat().st_size / 1e3:.0f} kB")
        start = np.flatnonzero(data.lam == 0.0)
        for n in _ROWS:
            rows = np.resize(start, n)
            X, y, lam = data.X[rows], data.y[rows], np.linspace(0, 1, n + 1)[1:]
            reference = model.transport(X, y, lam_from=0.0, lam_to=lam)
            for name, answer in answers(model, Path(folder), X, y, lam).items():
                off = np.abs(answer() - reference).max()
                ms = median_ms(answer, args.repeats if n == 1 else 10)
                print(f"{n:6d} row(s)  {name:22s} {ms:8.3f} ms  off by {off:.1e} at most")


if __name__ == "__main__":
    main()
