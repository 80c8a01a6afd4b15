"""Hyperparameters at random, inside the trained range."""

import numpy as np

from ..data.lam_space import combinations

DISTRIBUTIONS = ("clock", "uniform")
_BISECTIONS = 60
_MOST_TRIES = 1000


def draw_lambdas(surrogate, n_draws, distribution, rng):
    """Return random lambdas as users pass them, and those that are encoded, (n,) or (n, k).

    Parameters
    ----------
    surrogate : estimator
        Fitted.
    n_draws : int
        How many.
    distribution : {"clock", "uniform"}
        Uniform in the times of lambda, or in lambda.
    rng : Generator
        Source of randomness.
    """
    state = surrogate._state
    if state.hull is not None:
        lam = _inside_hull(state.hull, n_draws, distribution, rng)
        return state.hull.space.decode(lam), lam
    low, high = state.anchors[0], state.anchors[-1]
    if distribution == "uniform":
        lam = rng.uniform(low, high, n_draws)
    else:
        lam = _draw_times(surrogate.lam_transform_, low, high, n_draws, rng)
    return state.lam_space.decode(lam), lam


def _draw_times(clock, low, high, n_draws, rng):
    """Return lambdas whose times are uniform.

    The scale of a field has the times of outputs; others number their trained values.
    """
    scale = getattr(clock, "rule", None)
    scale = scale if hasattr(scale, "time") else clock
    ends = np.array([low, high])
    first, last = scale.time(ends)
    return _invert(scale.time, rng.uniform(first, last, n_draws), low, high)


def _invert(time, asked, low, high):
    """Return the lambdas of given values of an increasing function, by bisection."""
    low, high = np.full(len(asked), float(low)), np.full(len(asked), float(high))
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        below = time(middle) < asked
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def _inside_hull(hull, n_draws, distribution, rng):
    """Return lambdas (n, k) that are uniform in the hull; combinations of categories are equal."""
    scale = hull.scales[0] if distribution == "clock" else hull.scales[0].plain()
    levels = hull.space.kept_levels
    of, _ = combinations(levels, hull.lams)
    wanted = rng.integers(of.max() + 1, size=n_draws)
    lam = np.empty((n_draws, len(levels)))
    for k in range(of.max() + 1):
        rows = np.flatnonzero(wanted == k)
        lam[rows] = _of_combination(hull, scale, hull.lams[of == k], len(rows), rng)
    return lam


def _of_combination(hull, scale, lams, n_draws, rng):
    """Return lambdas inside the hull of some, which share their categories."""
    places = scale.numbers(lams)
    center = places.mean(axis=0)
    _, size, axes = np.linalg.svd(places - center, full_matrices=False)
    axes = axes[size > 1e-6]  # weights that sum to one lie in a plane
    box = (places - center) @ axes.T
    if len(axes) == places.shape[1]:
        axes, box = np.eye(len(center)), places - center
    found, tries = [lams[:0]], 0
    while sum(map(len, found)) < n_draws:
        tries += 1
        if tries > _MOST_TRIES:
            raise ValueError(
                "the convex hull of the trained values is too thin to draw lambdas from it; pass "
                "a surrogate whose trained values fill a region."
            )
        drawn = center + rng.uniform(box.min(axis=0), box.max(axis=0), (n_draws, len(axes))) @ axes
        drawn = drawn[((drawn >= 0) & (drawn <= 1)).all(axis=1)]
        lam = np.repeat(lams[:1], len(drawn), axis=0)
        numbers = [j for j, axis in enumerate(scale.axes) if axis.is_number]
        for j, column in zip(numbers, drawn.T, strict=True):
            axis = scale.axes[j]
            lam[:, j] = _invert(lambda v, a=axis: a.place(v)[:, 0], column, axis.low, axis.high)
        found.append(lam[hull.distance(lam) <= 1e-6] if len(lam) else lam)
    return np.concatenate(found)[:n_draws]
