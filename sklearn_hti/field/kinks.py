"""The signal fraction of the kinks of trajectories at anchors; the rest is noise."""

import warnings

import numpy as np
from scipy.spatial import cKDTree
from sklearn.exceptions import ConvergenceWarning

from ..data.budget import BUDGET
from ..data.thinning import half_of_each, thinned
from ..paths import StraightGeodesic
from ..paths.trajectories import build_trajectories
from ..solvers.coupling import CouplingSolver

_N_SPLITS = 3
MIN_ROWS = 20  # trajectories that tell noise apart


def signal_fraction(features, kinks, rng):
    """Return the fraction of squared kinks (n, K, D) that is a smooth function of features (n, F).

    For networks of one answer. The rest is the white noise of the Gaussian process that
    explains them best.
    """
    some = rng.permutation(len(kinks))[: BUDGET.kink_rows]
    kinks = kinks[some].reshape(len(some), -1)
    around = kinks - kinks.mean(axis=0)
    scale = np.sqrt(np.mean(around**2))
    if scale < 1e-6:  # of slopes, whose mean square is one: all kinks are equal
        return 1.0
    process = _fit_process(features[some], around / scale)
    noise = process.kernel_.k2.noise_level * scale**2
    # two digits, which are the same however many threads there are
    return round(float(np.clip(1 - noise / np.mean(kinks**2), 0, 1)), 2)


def signal_fractions_of_draws(data, rng, *, pooled=True):
    """Return the signal fraction of the kink at each inner anchor, (K - 1,).

    For networks of many draws per input. A path whose slope on one side of an anchor is
    unknown is expected to go straight on, so both slopes have to be known. Each is estimated
    twice, as a function of x and of the output at the anchor, by couplings of independent
    halves of the draws; the correlation of both is the reliability of half the data, from which
    that of all follows (Spearman 1910, Brown 1910). `pooled`: few draws may be coupled with
    those of near inputs.
    """
    solver = CouplingSolver() if pooled else CouplingSolver(min_draws=0)
    data = thinned(data, data.budget.kinks, rng)
    n_inner = len(data.anchors.lam) - 2
    alike = np.zeros((_N_SPLITS, n_inner, 2))
    for split in alike:
        in_first = half_of_each(data.groups * (n_inner + 2) + data.anchors.index, rng)
        halves = [
            _couple(solver, data.take(np.flatnonzero(mask)), rng) for mask in (in_first, ~in_first)
        ]
        if any(half is None for half in halves):
            return np.zeros(n_inner)
        for k in range(n_inner):
            split[k] = _correlation(halves, k + 1, rng)
    alike = np.clip(alike.mean(axis=0), 0, 1)
    return np.prod(2 * alike / (1 + alike), axis=1).round(2)


def _correlation(halves, k, rng):
    """Return how much the halves agree on the slopes before and after knot k, (2,)."""
    places = [np.hstack([features, points[:, k]]) for features, points in halves]
    asked = np.concatenate(
        [place[rng.permutation(len(place))[: BUDGET.kink_asked]] for place in places]
    )
    one, other = (
        _slopes(place, points, k, rng).predict(asked).reshape(len(asked), 2, -1)
        for place, (_, points) in zip(places, halves, strict=True)
    )
    size = np.sqrt(np.sum(one**2, axis=(0, 2)) * np.sum(other**2, axis=(0, 2)))
    return np.sum(one * other, axis=(0, 2)) / np.maximum(size, np.finfo(float).tiny)


def _couple(solver, data, rng):
    """Return features (n, F) and points (n, K + 1, D) of trajectories; None if they are few."""
    n_knots = len(data.anchors.lam)
    if np.bincount(data.anchors.index, minlength=n_knots).min() < MIN_ROWS:
        return None
    plans = [solver.plan(data, edge, StraightGeodesic(), rng) for edge in data.anchors.edges]
    trajectories = build_trajectories(data, plans, rng)
    trajectories = trajectories[trajectories.whole]
    if len(trajectories.points) < MIN_ROWS:
        return None
    return data.features[trajectories.rows[:, 0]], trajectories.points


def _slopes(places, points, k, rng):
    """Return the process of the steps before and after knot k, each of mean square one."""
    steps = points[:, k] - points[:, k - 1], points[:, k + 1] - points[:, k]
    tiny = np.finfo(float).tiny
    steps = [step / np.sqrt(np.maximum(np.mean(step**2), tiny)) for step in steps]
    some = rng.permutation(len(points))[: BUDGET.kink_fitted]
    return _fit_process(places[some], np.hstack(steps)[some])


def _fit_process(features, values):
    """Return the Gaussian process of values (n, M) that are a smooth function and white noise."""
    from sklearn.gaussian_process import GaussianProcessRegressor  # a tenth of our import
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    # what varies faster than from row to row is as good as noise
    nearest = max(np.median(cKDTree(features).query(features, k=2)[0][:, 1]), 1e-5)
    smooth = Matern(max(np.sqrt(features.shape[1]), nearest), (nearest, 1e5), nu=1.5)
    process = GaussianProcessRegressor(ConstantKernel() * smooth + WhiteKernel(0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # no noise is at the lower bound
        return process.fit(features, values)
