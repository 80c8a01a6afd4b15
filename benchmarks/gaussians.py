"""Known truth, Gaussian families: python -m benchmarks.gaussians [--seeds 1]

Conditions are Wasserstein geodesics of Gaussians in D = 1, 2, 5, anchors at 0, 1/2, 1 of a
bent clock that the surrogate is told. Prints (W2^2 - floor) / (W2^2 of not moving - floor)
of fresh draws moved from lambda = 0 against fresh draws of the truth, and the errors of mean
and covariance. The floor moves the same draws by the exact transport map, which makes them
draws of the truth, so that all three figures share their sampling noise. With 2,000 draws per
condition expect ratios below 0.05, means within 0.05 of the spread, and covariances within 0.1
with one or two outputs, 0.25 with five (couplings of so few draws lose some of the spread).
"""

import argparse
import time

import numpy as np
from sklearn.preprocessing import FunctionTransformer

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_gaussians
from sklearn_hti.metrics import squared_wasserstein

LAMS = (0.25, 0.5, 0.75, 1.0)
N_PAIRS = 4  # all figures are means over pairs of draws


def run(n_outputs, seed, n_samples):
    """Print one line per lambda."""
    data = make_gaussians(
        n_samples, n_outputs=n_outputs, lams=(0.0, 0.5, 1.0), warp=np.square, random_state=seed
    )
    model = HyperparameterTrajectoryRegressor(
        lam_transform=FunctionTransformer(np.square), random_state=seed
    )
    cpu, wall = time.process_time(), time.perf_counter()
    model.fit(data.X, data.y, data.lam)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"D = {n_outputs}, seed {seed}: fit {cpu:.0f} s CPU {wall:.0f} s wall")

    X = data.X[data.lam == 0.0]
    draws = range(1000 * seed + 100, 1000 * seed + 100 + N_PAIRS)  # fresh, not those of fit
    still = [data.truth(X, 0.0, random_state=s) for s in draws]
    for lam in LAMS:
        moved = [model.transport(X, y, 0.0, lam) for y in still]
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
        mean_error, cov_error = moments(data.truth, X, np.concatenate(moved), lam)
        sampled_mean, sampled_cov = moments(data.truth, X, np.concatenate(others), lam)
        print(
            f"  lambda {lam:4.2f}{' (anchor)' if lam in (0.5, 1.0) else '         '} W2^2 "
            f"{ours:.4f}, floor {floor:.4f}, not moving {rest:.3f}, ratio "
            f"{(ours - floor) / (rest - floor):+.4f}; relative error of mean "
            f"{mean_error:.3f} (true draws {sampled_mean:.3f}), covariance {cov_error:.3f} "
            f"({sampled_cov:.3f})",
            flush=True,
        )


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
    args = parser.parse_args()
    for n_outputs in (1, 2, 5):
        for seed in range(args.seeds):
            run(n_outputs, seed, args.samples)


if __name__ == "__main__":
    main()
