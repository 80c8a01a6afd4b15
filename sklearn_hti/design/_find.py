"""The lambda that gives what is wanted."""

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import KDTree
from sklearn.utils import Bunch

from .._utils.findings import warn
from ..answers.statistic import check_statistic
from ..exceptions import TrajectoryWarning
from ._path import answer_along
from ._region import decode, encode, line_through, places_of, state_of, unit_places
from ._target import explain

_N_AROUND = 12  # places per hyperparameter that tell in which direction a statistic changes


def find_lam(
    surrogate: Any,
    X: ArrayLike | None,
    statistic: str | float | Callable[..., Any] | None,
    target: ArrayLike,
    coverage: float = 0.9,
    *,
    near: ArrayLike | Mapping[Any, Any] | None = None,
) -> Bunch:
    """Return the hyperparameter value at which a statistic of the outputs has a given value.

    Parameters
    ----------
    surrogate : HyperparameterTrajectoryRegressor
        A fitted surrogate with networks or a base.
    X : array-like of shape (n, C), DataFrame or None
        Inputs, without the lambda column.
    statistic : "mean", float, callable or None
        Statistic of all outputs at the rows of X: their mean, a quantile level, or a function of
        draws (n_draws, n, D) that returns a number. None: `target` holds outputs.
    target : float or array-like of shape (n,) or (n, D)
        The target value of the statistic. Without a statistic, outputs of an unknown network at X,
        whose lambda is estimated.
    coverage : float, default=0.9
        Intended probability that the interval contains the lambda of the true networks.
    near : float, array-like of shape (k,) or dict, default=None
        Of several solutions, the one nearest to this lambda is returned. None: the one with the
        smallest uncertainty or, if `target` holds outputs, with the nearest outputs.

    Returns
    -------
    Bunch
        It has these items:

        * ``lam``: the solution, in the units of `fit`.
        * ``interval`` of shape (2,) or (2, k): its confidence interval. With several
          hyperparameters, it lies on the line along which the statistic changes most.
        * ``achieved``: the statistic at ``lam``. If `target` holds outputs, it is the root mean
          square of the remaining differences, in their units.
        * ``solutions`` of shape (S,) or (S, k): all solutions, none if the target is out of reach.

    Warns
    -----
    TrajectoryWarning
        If no lambda of the trained range reaches the target. ``lam`` is then the nearest one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti import HyperparameterTrajectoryRegressor
    >>> from sklearn_hti.design import find_lam
    >>> X, lam = np.tile(np.linspace(0, 1, 30), 3)[:, None], np.repeat([0.0, 1.0, 2.0], 30)
    >>> networks = {v: lambda X, v=v: 2 * v + X[:, 0] for v in (0.0, 1.0, 2.0)}
    >>> surrogate = HyperparameterTrajectoryRegressor(networks=networks).fit(
    ...     X, 2 * lam + X[:, 0], lam
    ... )
    >>> round(float(find_lam(surrogate, X[:30], "mean", 2.5).lam), 2)
    1.0
    """
    state = state_of(surrogate)
    if not (isinstance(coverage, Real) and 0 < coverage < 1):
        raise ValueError(f"coverage={coverage!r} must lie between 0 and 1.")
    if near is not None:
        near = encode(surrogate, near if state.lam_space.n_columns > 1 else [near], "near")[0]
    path = answer_along(surrogate, X, places_of(state, few=True))
    if statistic is None:
        return explain(path, target, coverage, near)
    measure = _measure_of(statistic)
    if not (isinstance(target, Real) and np.isfinite(target)):
        raise ValueError(f"target={target!r} must be a finite number, like the statistic.")
    found = None
    if state.anchors.ndim == 2:
        found, start = _crossings(path, measure, target, near)
        line = line_through(state, start, _steepest(path, measure, start))
        path, near = answer_along(surrogate, X, line), start
    found_on_line = _on_line(path, measure, target, coverage, near)
    lam, interval, achieved, solutions = found_on_line
    solutions = solutions if found is None else found
    if not len(solutions):
        values = _values(path, measure)
        warn(
            f"target={target:g} is out of reach: the statistic goes from {values.min():.4g} to "
            f"{values.max():.4g} over the trained range. The nearest lambda is returned. Train "
            "networks beyond it.",
            TrajectoryWarning,
        )
    return Bunch(
        lam=decode(state, lam[None])[0],
        interval=decode(state, interval),
        achieved=achieved,
        solutions=decode(state, solutions),
    )


def _measure_of(statistic):
    """Return the function from draws (n_draws, n, D) to a number."""
    check_statistic(statistic, "a number, or None with outputs as target")
    if callable(statistic):
        return statistic
    if isinstance(statistic, str):
        return np.mean
    return lambda draws: np.quantile(draws, statistic)


def _values(path, measure):
    values = np.array([np.asarray(measure(draws), dtype=float) for draws in path.draws])
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("`statistic` must return one finite number for draws (n_draws, n, D).")
    return values


def _on_line(path, measure, target, coverage, near):
    """Return lambda, its interval, the value there, and all solutions, along a line of lambdas."""
    values = _values(path, measure)
    own = [measure(draws) for draws in path.known]
    factor = path.factor(lambda answer, k: measure(answer) - own[k], coverage)
    width = factor * path.deviations()
    steps = np.arange(len(values), dtype=float)
    if path.lam.ndim == 1 and path.state.uncertainty is not None:
        for end in path.state.uncertainty.lam_band(path.lam, coverage):
            off = np.abs(np.interp(end, path.lam, values) - values)
            width = np.hypot(width, off)
    miss = values - target
    roots = _roots(miss)
    if len(roots):
        places = unit_places(path.state, _between(path.lam, roots))
        if near is None:
            spans = [np.ptp(_around(miss, width, root)) for root in roots]
            best = int(np.argmin(spans))
        else:
            away = places - unit_places(path.state, near[None])
            best = int(np.linalg.norm(away, axis=1).argmin())
        at = roots[best]
    else:
        at = float(np.abs(miss).argmin())
    ends = _around(miss, width, at)
    return (
        _between(path.lam, np.array([at]))[0],
        _between(path.lam, ends),
        float(np.interp(at, steps, values)),
        _between(path.lam, roots),
    )


def _roots(miss):
    """Return the places, counted in steps, at which a piecewise linear function is zero."""
    before, after = miss[:-1], miss[1:]
    crossed = np.flatnonzero((before * after < 0) | (before == 0))
    slope = before[crossed] - after[crossed]
    roots = crossed + np.divide(before[crossed], slope, where=slope != 0, out=0.0 * slope)
    return np.append(roots, len(miss) - 1.0) if miss[-1] == 0 else roots


def _around(miss, width, at):
    """Return the ends, in steps, of the part around a place where a miss is within its width."""
    steps = np.arange(len(miss), dtype=float)
    excess = np.abs(miss) - width
    own = abs(np.interp(at, steps, miss)) - np.interp(at, steps, width)
    ends = []
    for order in (steps[steps < at][::-1], steps[steps > at]):
        last, level = at, own
        for step in order:
            here = excess[int(step)]
            if here > 0:
                share = -level / (here - level) if level < 0 else 0.0
                last = last + (step - last) * share
                break
            last, level = step, here
        ends.append(last)
    return np.array(ends)


def _between(lam, steps):
    """Return lambdas at places counted in steps."""
    low = np.minimum(steps.astype(int), len(lam) - 1)
    high = np.minimum(low + 1, len(lam) - 1)
    share = np.reshape(steps - low, (-1, *[1] * (lam.ndim - 1)))
    return (1 - share) * lam[low] + share * lam[high]


def _crossings(path, measure, target, near):
    """Return lambdas (S, k) between places where the statistic crosses, and one to start from."""
    miss, places = _values(path, measure) - target, unit_places(path.state, path.lam)
    n_near = min(2 * places.shape[1] + 2, len(places))
    partners = KDTree(places).query(places, n_near)[1][:, 1:]
    a, b = np.repeat(np.arange(len(places)), n_near - 1), partners.ravel()
    kept = (miss[a] < 0) & (miss[b] >= 0)
    a, b = a[kept], b[kept]
    if not len(a):
        return path.lam[:0], path.lam[np.abs(miss).argmin()]
    share = (-miss[a] / (miss[b] - miss[a]))[:, None]
    found = (1 - share) * path.lam[a] + share * path.lam[b]
    if near is None:
        return found, found[path.deviations()[a].argmin()]
    away = unit_places(path.state, found) - unit_places(path.state, near[None])
    return found, found[np.linalg.norm(away, axis=1).argmin()]


def _steepest(path, measure, start):
    """Return the direction, in places, in which the statistic changes most around a lambda."""
    values, places = _values(path, measure), unit_places(path.state, path.lam)
    here = unit_places(path.state, start[None])
    n_near = min(_N_AROUND * places.shape[1], len(places))
    rows = KDTree(places).query(here[0], n_near)[1]
    design = np.column_stack([np.ones(len(rows)), places[rows] - here])
    slope = np.linalg.lstsq(design, values[rows], rcond=None)[0][1:]
    size = np.linalg.norm(slope)
    return slope / size if size > 0 else np.eye(len(slope))[0]
