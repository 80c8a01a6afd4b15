"""Whether intervals hold the truth: python -m benchmarks.calibration --seeds 0 1 2 [--jobs 2]

Families whose conditional mean is known at every lambda. Prints, by family, which share of the
true means at held-out lambdas is inside the intervals (all inputs, outputs and lambdas counted
alike), the same of the true 10 % and 90 % quantiles at a coverage of 90 %, the root mean square
error of the mean and that of half the width, both over the standard deviation of y, and CPU
seconds of the fit and of all questions; then the means over seeds, and over families. The rule
behind the intervals was found while all nine families were looked at, so that they are no blind
test of it; the figures that scale them come from each fit alone.

Six families have one answer per input, which is all its quantiles. True quantiles of *noise* are
in closed form. Those of *gaussians* and *semicircles* are of 40,000 draws of held-out networks;
the standard error of those, from two halves, is added to the width as independent.
"""

import argparse
import time
import warnings
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from scipy import stats
from sklearn.datasets import load_diabetes
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_gaussians, make_semicircles

COVERAGES = (0.5, 0.8, 0.9, 0.95)
LEVELS = (0.1, 0.9)  # of quantiles
N_DRAWS = 20_000  # of a held-out network, twice


@dataclass(frozen=True)
class Family:
    """Outputs at the anchors, and the conditional mean at lambdas between."""

    X: np.ndarray
    y: np.ndarray
    lam: np.ndarray
    X_new: np.ndarray
    held_out: tuple
    mean: object  # mean(X_new, lam)
    params: dict
    quantile: object = None  # quantile(X_new, lam, level), and its error; None: the mean


def gaussians(seed):
    """Return Gaussians on geodesics, two outputs, three conditions."""
    data = make_gaussians(200, random_state=seed)
    return sampled(data, np.arange(3.0)[:, None], 2_000)


def semicircles(seed):
    """Return four arcs."""
    data = make_semicircles(100, random_state=seed)
    return sampled(data, np.arange(4.0)[:, None], 2_000)


def sampled(data, X_new, n):
    """Return the family of a dataset whose truth can be drawn from."""

    def mean(X, lam):
        draws = data.truth(np.repeat(X, n, axis=0), lam, random_state=0)
        return draws.reshape(len(X), n, -1).mean(axis=1)

    def quantile(X, lam, level):
        draws = data.truth(np.repeat(X, 2 * N_DRAWS, axis=0), lam, random_state=1)
        parts = np.quantile(draws.reshape(len(X), 2, N_DRAWS, -1), level, axis=2)
        return parts.mean(axis=1), np.sqrt(np.mean(np.diff(parts, axis=1) ** 2)) / 2

    held_out, params = (0.1, 0.25, 0.4, 0.6, 0.75, 0.9), {"categorical_features": [0]}
    return Family(data.X, data.y, data.lam, X_new, held_out, mean, params, quantile)


def swept(outputs, anchors, held_out, X, X_new, **params):
    """Return the family of ``outputs(X, lam)``, the same inputs at all anchors."""
    y = np.concatenate([outputs(X, a) for a in anchors])
    lam = np.repeat(anchors, len(X))
    return Family(np.tile(X, (len(anchors), 1)), y, lam, X_new, held_out, outputs, params)


def quantiles(seed):
    """Return quantiles of a distribution whose mean and spread depend on x.

    Normal, logistic or uniform, by seed: three symmetric levels cannot tell which.
    """
    rng = np.random.default_rng(seed)
    law = (stats.norm, stats.logistic, stats.uniform(-0.5))[seed % 3]

    def outputs(X, lam):
        return np.sin(3 * X[:, 0]) + (0.5 + X[:, 1] ** 2) * law.ppf(lam) / law.std()

    X, X_new = rng.uniform(-1, 1, (2, 150, 2))
    return swept(outputs, (0.05, 0.5, 0.95), (0.1, 0.2, 0.3, 0.7, 0.8, 0.9), X, X_new)


def ridge(seed):
    """Return ridge regressions of the diabetes data, whose strength changes."""
    X, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(X))
    own, asked, new = order[:200], order[200:320], order[320:]

    def outputs(X_asked, lam):
        return Ridge(alpha=lam).fit(X[own], y[own]).predict(X_asked)

    held_out = (0.03, 0.06, 0.3, 0.6)
    return swept(outputs, (0.01, 0.1, 1.0), held_out, X[asked], X[new])


def kernels(seed, anchors=(0.1, 0.3, 1.0, 3.0, 10.0), held_out=(0.2, 0.6, 2.0, 6.0)):
    """Return kernel regressions whose bandwidth changes, five anchors."""
    rng = np.random.default_rng(seed)
    own = rng.uniform(-2, 2, (120, 1))
    target = np.column_stack([np.sin(3 * own[:, 0]), np.abs(own[:, 0])])
    target = target + 0.2 * rng.normal(size=target.shape)

    def outputs(X_asked, lam):
        return KernelRidge(kernel="rbf", gamma=lam, alpha=0.1).fit(own, target).predict(X_asked)

    X, X_new = rng.uniform(-2, 2, (2, 150, 1))
    return swept(outputs, anchors, held_out, X, X_new)


def few_kernels(seed):
    """Return the same, three anchors."""
    return kernels(seed, (0.1, 1.0, 10.0), (0.2, 0.5, 2.0, 5.0))


def decays(seed):
    """Return two outputs that decay and saturate at rates of their own, four anchors."""
    rng = np.random.default_rng(seed)

    def outputs(X, lam):
        return np.column_stack([np.exp(-lam * np.exp(X[:, 0])), X[:, 1] * lam / (1 + lam)])

    X, X_new = rng.uniform(-1, 1, (2, 150, 2))
    return swept(outputs, (0.0, 0.5, 1.5, 4.0), (0.1, 0.25, 0.75, 1.0, 2.0, 3.0), X, X_new)


def turning(seed):
    """Return three outputs that run on a spiral at a speed of their own, four anchors."""
    rng = np.random.default_rng(seed)

    def outputs(X, lam):
        angle = X[:, 0] + 2 * lam**1.5
        return np.column_stack([np.cos(angle), np.sin(angle), lam * X[:, 1]])

    X, X_new = rng.uniform(-1, 1, (2, 150, 2))
    return swept(outputs, (0.0, 0.3, 0.6, 1.0), (0.1, 0.2, 0.45, 0.7, 0.8, 0.9), X, X_new)


def noise(seed):
    """Return noise that grows with lambda around a mean that drifts, 20 draws per input."""
    rng = np.random.default_rng(seed)
    X, X_new = rng.uniform(-1, 1, (2, 40, 1))

    def mean(X, lam):
        return np.cos(2 * X[:, 0]) + 2 * lam / (1 + lam)

    X, anchors = np.repeat(X, 20, axis=0), (0.0, 0.5, 1.0, 2.0)
    lam = np.repeat(anchors, len(X))
    X = np.tile(X, (len(anchors), 1))
    y = mean(X, lam) + (0.2 + 0.3 * lam) * rng.normal(size=len(lam))

    def quantile(X, lam, level):
        return mean(X, lam) + (0.2 + 0.3 * lam) * stats.norm.ppf(level), 0.0

    return Family(X, y, lam, X_new, (0.25, 0.75, 1.25, 1.75), mean, {}, quantile)


FAMILIES = (
    gaussians,
    quantiles,
    kernels,
    few_kernels,
    decays,
    semicircles,
    ridge,
    turning,
    noise,
)


def run(make, seed, max_iter):
    """Return coverages, errors and half-widths of one family."""
    family = make(seed)
    model = HyperparameterTrajectoryRegressor(
        max_iter=max_iter, random_state=seed, **family.params
    )
    cpu = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(family.X, family.y, family.lam)
    fit, cpu = time.process_time() - cpu, time.process_time()
    held, errors, widths = {c: [] for c in COVERAGES}, [], []
    for lam in family.held_out:
        truth = family.mean(family.X_new, lam)
        errors.append(model.predict(family.X_new, lam) - truth)
        for coverage in COVERAGES:
            low, high = model.interval(family.X_new, lam, coverage)
            held[coverage].append((low <= truth) & (truth <= high))
            if coverage == 0.9:
                widths.append(0.5 * (high - low))
    error, width = (np.sqrt(np.mean(np.square(v))) / family.y.std() for v in (errors, widths))
    shares = [np.mean(v) for v in held.values()]
    shares += [_held_quantiles(model, family, level) for level in LEVELS]
    ask = time.process_time() - cpu
    return shares, error, width, fit, ask


def _held_quantiles(model, family, level):
    """Return which share of true quantiles is inside of 90 % intervals."""
    X, n = family.X_new, len(family.held_out)
    lam = np.repeat(family.held_out, len(X))
    bounds = np.split(np.array(model.interval(np.tile(X, (n, 1)), lam, 0.9, level)), n, axis=1)
    held = []
    for lam, (low, high) in zip(family.held_out, bounds, strict=True):
        if family.quantile is None:
            truth, error = family.mean(X, lam), 0.0
        else:
            truth, error = family.quantile(X, lam, level)
            truth = truth.reshape(low.shape)
        half = np.hypot(0.5 * (high - low), stats.norm.ppf(0.95) * error)
        held.append(np.abs(truth - 0.5 * (low + high)) <= half + 1e-12)
    return np.mean(held)


def main():
    """Print one line per family and seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-iter", type=int, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", nargs="+", help="names of families")
    args = parser.parse_args()
    jobs = [
        (f, s) for f in FAMILIES for s in args.seeds if f.__name__ in (args.only or [f.__name__])
    ]
    columns = [f"{c:.0%} interval" for c in COVERAGES]
    columns += [f"{level:.0%} quantile, 90 %" for level in LEVELS]
    columns = [
        "family",
        "seed",
        *columns,
        "error",
        "half-width at 90 %",
        "fit, CPU s",
        "ask, CPU s",
    ]
    print(_line(columns), "| --- " * len(columns) + "|", sep="\n")
    results = Parallel(args.jobs, return_as="generator")(
        delayed(run)(f, s, args.max_iter) for f, s in jobs
    )
    seen = {}
    for (f, seed), (held, *rest) in zip(jobs, results, strict=True):
        seen.setdefault(f.__name__, []).append([*held, *rest])
        print(_line([f.__name__, seed, *_cells([*held, *rest])]), flush=True)
    means = {name: np.mean(figures, axis=0) for name, figures in seen.items()}
    for name, figures in means.items():
        low, high = (pick(seen[name], axis=0)[2] for pick in (np.min, np.max))
        print(_line([name, f"{low:.0%} to {high:.0%} at 90 %", *_cells(figures)]))
    print(_line(["mean", "", *_cells(np.mean(list(means.values()), axis=0))]))


def _cells(figures):
    """Return coverages, error, half-width and seconds as text."""
    *held, error, width, fit, ask = figures
    return [
        *(f"{h:.1%}" for h in held),
        f"{error:.3f}",
        f"{width:.3f}",
        f"{fit:.0f}",
        f"{ask:.0f}",
    ]


def _line(cells):
    """Return a line of a table."""
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()
