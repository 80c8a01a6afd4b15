"""Semicircles, variants of the Lagrangian: python -m benchmarks.semicircles [--seeds 5] [--jobs 2]

Anchors 0, 1/2, 1 with 400 rows each. Prints, at t = 1/4, 1/2, 3/4, 1, the exact W2^2 per
category of the outputs at t = 0 moved to t against fresh draws, the floor (fresh against
fresh), and at 1/4 and 3/4 the distance to the circle, the NLL and the ratio of the standard
deviations of log r (moved over true). Means over seeds. Fits run one by one unless --jobs
says otherwise; seconds are comparable within one run.
"""

import argparse
import time
import warnings
from itertools import islice, product

import numpy as np
from joblib import Parallel, delayed

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_semicircles
from sklearn_hti.exceptions import TrajectoryWarning
from sklearn_hti.metrics import squared_wasserstein

TIMES = (0.25, 0.5, 0.75, 1.0)
BETWEEN = [0, 2]
CENTRES = np.array([[-1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
CHOICES = {
    "kinetic": ("euclidean", "learned", "fixed_spectrum"),
    "potential": ("none", "density"),
    "cost": ("jacobi", "study"),
    "solver": ("coupling", "neural_dual"),
}


def run(seed, **params):
    """Return one row of figures per time, and CPU and wall seconds of the fit."""
    data = make_semicircles(100, random_state=seed)
    model = HyperparameterTrajectoryRegressor(
        lam_transform=None,
        categorical_features=[0],
        base="neighbors",
        random_state=seed,
        **params,
    )
    cpu, wall = time.process_time(), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrajectoryWarning)
        model.fit(data.X, data.y, data.lam)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    start = data.lam == 0.0
    X, y = data.X[start], data.y[start]
    figures = []
    for t in TIMES:
        moved = model.transport(X, y, lam_from=0.0, lam_to=t)
        truth, other = (data.truth(X, t, random_state=1000 * seed + s) for s in (1, 2))
        figures.append(
            (
                squared_wasserstein(truth, moved, groups=X[:, 0]),
                squared_wasserstein(truth, other, groups=X[:, 0]),
                data.truth.circle_distance(X, moved).mean(),
                -data.truth.log_density(X, moved, t).mean(),
                log_radius(X, moved).std() / log_radius(X, truth).std(),
            )
        )
    return np.array(figures), cpu, wall


def log_radius(X, y):
    """Return log r around the circle of each category."""
    return np.log(np.linalg.norm(y - CENTRES[X[:, 0].astype(int)], axis=1))


def main():
    """Print one line per variant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    for name, values in CHOICES.items():
        parser.add_argument(f"--{name}", nargs="+", choices=values, default=values)
    parser.add_argument("--default", action="store_true", help="the defaults alone")
    parser.add_argument("--jobs", type=int, default=1, help="fits that run at once")
    args = parser.parse_args()
    asked = [getattr(args, name) for name in CHOICES]
    if args.default:
        asked = [("learned",), ("density",), ("jacobi",), ("coupling",)]
    print("kinetic, potential, cost, solver: W2^2 at t = .25 .5 .75 1 (floor); circle distance,")
    print("NLL and radial ratio at .25 .75; CPU and wall seconds of a fit")
    variants = [dict(zip(CHOICES, values, strict=True)) for values in product(*asked)]
    for variant in variants:
        variant["potential"] = None if variant["potential"] == "none" else variant["potential"]
    jobs = (delayed(run)(seed, **variant) for variant in variants for seed in range(args.seeds))
    runs = Parallel(args.jobs, return_as="generator")(jobs)
    for variant in variants:
        values = [str(value) for value in variant.values()]
        of_seeds = list(islice(runs, args.seeds))
        f = np.mean([figures for figures, *_ in of_seeds], axis=0)
        spread = np.std([figures[:, 0].mean() for figures, *_ in of_seeds])
        cpu, wall = (np.mean([r[k] for r in of_seeds]) for k in (1, 2))
        print(
            f"{' '.join(values):40s} W2^2 {np.round(f[:, 0], 3)} (floor {f[:, 1].mean():.3f}, sd "
            f"over seeds {spread:.3f})  circle {np.round(f[BETWEEN, 2], 3)}  NLL "
            f"{np.round(f[BETWEEN, 3], 2)}  radial {np.round(f[BETWEEN, 4], 2)}  {cpu:.0f} s CPU "
            f"{wall:.0f} s wall",
            flush=True,
        )


if __name__ == "__main__":
    main()
