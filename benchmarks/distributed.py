"""What moves over the wire on a cluster: python -m benchmarks.distributed [--iterations 20]

Pickled bytes of fitted surrogates, by base and number of training rows, and what they consist
of; bytes of the answers beside them, and how long draws with one seed per row take. Training is
cut short: its length changes no size.
"""

import argparse
import pickle
import time

import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import DisplacementInterpolationRegressor

N_FEATURES, N_OUTPUTS = 10, 2


def make_rows(n_inputs):
    """Return outputs of networks at three lambdas, each asked at the same inputs."""
    rng = np.random.default_rng(0)
    X = np.tile(rng.normal(size=(n_inputs, N_FEATURES)), (3, 1))
    lam = np.repeat([0.0, 0.5, 1.0], n_inputs)
    return X, X[:, :N_OUTPUTS] + lam[:, None], lam


def surrogates(n_iterations):
    """Yield names and surrogates with a short training."""
    common = {"lam_transform": None, "random_state": 0}
    short = {**common, "kinetic": "euclidean", "potential": None, "max_iter": n_iterations}
    for base in ("flow", "neighbors"):
        yield f"{base} base", HyperparameterTrajectoryRegressor(base=base, **short)
    yield "no network (displacement)", DisplacementInterpolationRegressor(**common)


def size(thing):
    """Return the bytes of the pickle that is sent."""
    return len(pickle.dumps(thing, protocol=pickle.HIGHEST_PROTOCOL))


def measure(n_inputs, n_iterations):
    """Yield a line of the table for every surrogate."""
    X, y, lam = make_rows(n_inputs)
    for name, surrogate in surrogates(n_iterations):
        surrogate.fit(X, y, lam)
        parts = {k: size(v) for k, v in vars(surrogate).items() if k.endswith("_")}
        largest = max(parts, key=parts.get)
        asked = X[:1000]
        drawn = surrogate.sample(asked, 0.25, random_state=0)
        seconds = [
            _seconds(surrogate, asked, seed) / len(asked) for seed in (0, np.arange(len(asked)))
        ]
        yield [
            name,
            f"{len(X):,}",
            f"{size(surrogate) / 1e6:.2f}",
            f"{largest} {parts[largest] / 1e6:.2f}",
            f"{size((X, y, lam)) / 1e6:.2f}",
            f"{size(drawn) / len(asked):.0f}",
            *(f"{1e6 * s:.0f}" for s in seconds),
        ]


def _seconds(surrogate, X, seed):
    start = time.process_time()
    surrogate.sample(X, 0.25, random_state=seed)
    return time.process_time() - start


HEAD = [
    "surrogate",
    "training rows",
    "fitted, MB",
    "largest part, MB",
    "training rows, MB",
    "answer, bytes a row",
    "µs a draw, one seed",
    "µs a draw, seed per row",
]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--iterations", type=int, default=20)
    options = parser.parse_args()
    print("| " + " | ".join(HEAD) + " |")
    print("| --- " * len(HEAD) + "|")
    for n_inputs in (400, 4000):
        for row in measure(n_inputs, options.iterations):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
