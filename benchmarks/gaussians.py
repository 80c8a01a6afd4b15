"""Known truth, Gaussian families: python -m benchmarks.gaussians [--outputs 1 2 5] [--seeds 1]

Conditions are Wasserstein geodesics of Gaussians, anchors at 0, 1/2, 1 of a
bent clock that the surrogate is told. Prints (W2^2 - floor) / (W2^2 of not moving - floor)
of fresh draws moved from lambda = 0 against fresh draws of the truth, the mean squared distance
from where the exact map moves them (over that of not moving), the variance that is kept (over the
exact map's), and the errors of mean and covariance. The floor moves the same draws by the exact
map, which makes them draws of the truth, so that all figures share their sampling noise. With
2,000 draws per condition expect ratios below 0.05, means within 0.05 of the spread, and
covariances within 0.1 with one or two outputs, 0.25 with five.
"""

import argparse
import time

import numpy as np
from sklearn.preprocessing import FunctionTransformer

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_gaussians
from sklearn_hti.metrics import squared_wasserstein
from sklearn_hti.solvers import CouplingSolver

LAMS = (0.25, 0.5, 0.75, 1.0)
N_PAIRS = 4  # all figures are means over pairs of draws


def run(n_outputs, seed, n_samples, affine):
    """Print one line per lambda."""
    data = make_gaussians(
        n_samples, n_outputs=n_outputs, lams=(0.0, 0.5, 1.0), warp=np.square, random_state=seed
    )
    model = HyperparameterTrajectoryRegressor(
        solver=CouplingSolver(affine=affine),
        lam_transform=FunctionTransformer(np.square),
        random_state=seed,
    )
    cpu, wall = time.process_time(), time.perf_counter()
    model.fit(data.X, data.y, data.lam)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"D = {n_outputs}, seed {seed}: fit {cpu:.0f} s CPU {wall:.0f} s wall")

    X = data.X[data.lam == 0.0]
    draws = range(1000 * seed + 100, 1000 * seed + 100 + N_PAIRS)  # fresh, not those of fit
    still = [data.truth(X, 0.0, random_state=s) for s in draws]
    for lam in LAMS:
        moved = [model.transport(X, y, lam_from=0.0, lam_to=lam) for y in still]
        truth = [data.truth(X, lam, random_state=s + 300) for s in draws]
        others = [data.truth.transport(X, y, 0.0, lam) for y in still]
        ours, floor, rest = (
            np.mean([squared_wasserstein(t, y, groups=X[:, 0]) for t, y in pairs])
            for pairs in (
                zip(truth, moved, strict=True),
                zip(truth, others, strict=True),
                zip(truth, still, strict=True),
            )
        )
        gone, whole = np.concatenate(moved), np.concatenate(others)
        error = np.mean((gone - whole) ** 2) / np.mean((np.concatenate(still) - whole) ** 2)
        kept = variance(X, moved) / variance(X, others)
        mean_error, cov_error = moments(data.truth, X, gone, lam)
        sampled_mean, sampled_cov = moments(data.truth, X, whole, lam)
        print(
            f"  lambda {lam:4.2f}{' (anchor)' if lam in (0.5, 1.0) else '         '} W2^2 "
            f"{ours:.4f}, floor {floor:.4f}, not moving {rest:.3f}, ratio "
            f"{(ours - floor) / (rest - floor):+.4f}; from the exact map {error:.3f}, variance "
            f"kept {kept:.2f}; relative error of mean "
            f"{mean_error:.3f} (true draws {sampled_mean:.3f}), covariance {cov_error:.3f} "
            f"({sampled_cov:.3f})",
            flush=True,
        )


def variance(X, draws):
    """Return the variance within conditions, summed over outputs, mean over conditions."""
    y = np.stack(draws)
    parts = (y[:, X[:, 0] == c] for c in np.unique(X[:, 0]))
    return np.mean([part.reshape(-1, y.shape[2]).var(axis=0).sum() for part in parts])


def moments(truth, X, y, lam):
    """Return the errors of mean and covariance, relative to spread and covariance."""
    errors = []
    for c in np.unique(X[:, 0]):
        drawn = y.reshape(-1, len(X), y[0].size)[:, X[:, 0] == c].reshape(-1, y[0].size)
        mean, covariance = truth.mean(c, lam), truth.covariance(c, lam)
        covariance = np.atleast_2d(covariance)
        miss = np.linalg.norm(drawn.mean(axis=0) - mean) / np.sqrt(np.trace(covariance))
        gap = np.atleast_2d(np.cov(drawn, rowvar=False)) - covariance
        errors.append((miss, np.linalg.norm(gap) / np.linalg.norm(covariance)))
    return np.mean(errors, axis=0)


def main():
    """Run every dimension."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--samples", type=int, default=2000, help="draws per condition")
    parser.add_argument("--outputs", type=int, nargs="+", default=[1, 2, 5])
    parser.add_argument("--couplings", action="store_true", help="never by affine maps")
    args = parser.parse_args()
    for n_outputs in args.outputs:
        for seed in range(args.seeds):
            run(n_outputs, seed, args.samples, False if args.couplings else "auto")


if __name__ == "__main__":
    main()
