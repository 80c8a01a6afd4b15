"""The lambda whose training helps most."""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from ._errors import expect_errors, noise_floor
from ._region import decode, encode, places_of, state_of, trained


def suggest_lam(
    surrogate: Any,
    n_points: int = 1,
    candidates: ArrayLike | None = None,
    cost: ArrayLike | Callable[..., Any] | None = None,
) -> Bunch:
    """Return the hyperparameter value whose training lowers the expected error most.

    The error that is expected at each lambda has two parts: how far outputs leave the path that
    the particle field draws between trained values, and how far the time of lambda may be off,
    times the speed of the outputs. Both follow from the outputs at the trained values alone, are
    scaled by the errors where a trained value was left out, and are known in advance for any
    further trained value. The mean over the trained range, which is even in the clock, or over
    the candidates, is lowered.

    Parameters
    ----------
    surrogate : HyperparameterTrajectoryRegressor
        Fitted. With ``networks=``, or ``base=None``, a fit takes less than a second.
    n_points : int, default=1
        Number of lambdas to train at once, chosen one after the other as if each were trained.
    candidates : array-like of shape (C,) or (C, k) or DataFrame, default=None
        Lambdas to choose from, within the trained values; their mean error counts, so list them as
        they will be asked for. None: the trained range.
    cost : array-like of shape (C,) or callable, default=None
        Cost of training each candidate, or a function from lambda, as users pass it, to that:
        the gain per cost is largest then. None: all cost the same.

    Returns
    -------
    Bunch
        ``lam`` of shape (n_points,) or (n_points, k); ``gain`` (n_points,), by how much each
        lowers the mean expected squared error; ``expected_error``, the error now, both in
        scaled units as in `validation_`, per output; and ``stop``, whether that error is within
        the noise of few draws, or 0.001 where there is none: training more shows nothing.

    Raises
    ------
    ValueError
        If a candidate lies outside the trained values, there are fewer new ones than `n_points`,
        or the trained values share no input, so that outputs cannot be followed.

    References
    ----------
    Cressie, "Statistics for Spatial Data", Wiley 1993, section 5.6 (spatial designs).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti import HyperparameterTrajectoryRegressor
    >>> from sklearn_hti.design import suggest_lam
    >>> X, lam = np.tile(np.linspace(0, 1, 30), 3)[:, None], np.repeat([0.0, 1.0, 4.0], 30)
    >>> y = np.exp(-X[:, 0] * lam)
    >>> surrogate = HyperparameterTrajectoryRegressor(base=None).fit(X, y, lam)
    >>> suggest_lam(surrogate, candidates=[0.5, 2.0, 3.0]).lam
    array([2.])
    """
    state = state_of(surrogate)
    _check_followed(state)
    if not isinstance(n_points, Integral) or isinstance(n_points, bool) or n_points < 1:
        raise ValueError(f"n_points={n_points!r} must be a positive integer.")
    lam = places_of(state) if candidates is None else encode(surrogate, candidates, "candidates")
    free = ~trained(state, lam)
    if len(np.unique(lam[free], axis=0)) < n_points:
        raise ValueError(
            f"n_points={n_points} asks for more than the {free.sum()} candidates that are not "
            "trained yet; list more of them, or take fewer."
        )
    cost = _costs(cost, decode(state, lam))
    errors, floor = expect_errors(state, lam), noise_floor(state)
    chosen, gains = [], []
    before = expected = float(np.mean(errors.values()))
    for _ in range(n_points):
        others = np.flatnonzero(free)
        left = np.mean(errors.left_by(others), axis=1)
        best = others[int(np.argmax((before - left) / cost[others]))]
        chosen.append(best)
        errors = errors.with_value(best)
        after = float(np.mean(errors.values()))
        gains.append(before - after)
        before = after
        same = np.reshape(lam == lam[best], (len(lam), -1)).all(axis=1)
        free &= ~same
    return Bunch(
        lam=decode(state, lam[chosen]),
        gain=np.array(gains),
        expected_error=expected,
        stop=expected <= floor,
    )


def _check_followed(state):
    """Raise where outputs could not be followed through all trained values."""
    if state.moments is None:
        raise ValueError(
            "No input is known at all trained values, so that no output can be followed through "
            "them; put the same inputs to every network."
        )


def _costs(cost, lam):
    """Return the cost (C,) of every lambda."""
    if cost is None:
        return np.ones(len(lam))
    cost = np.array([cost(value) for value in lam] if callable(cost) else cost, dtype=float)
    if cost.shape != (len(lam),):
        raise ValueError(
            f"`cost` has shape {cost.shape}; expected ({len(lam)},), one per candidate, or a "
            "function of lambda."
        )
    if not (np.isfinite(cost) & (cost > 0)).all():
        raise ValueError("`cost` must be positive and finite for every candidate.")
    return cost
