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

    The expected error at each lambda has two parts. The first is how far outputs leave the path of
    the particle field between trained values. The second is the error of the time of lambda, times
    the speed of the outputs. Both follow from the outputs at the trained values alone. They are
    scaled by the errors at trained values that were left out. They can be computed in advance for
    any further trained value. The suggestion lowers the mean error over the candidates, or over
    the trained range, which is even on the lambda scale.

    Parameters
    ----------
    surrogate : HyperparameterTrajectoryRegressor
        Fitted. With ``networks=``, or ``base=None``, a fit takes less than a second.
    n_points : int, default=1
        Number of lambdas to train at once. They are chosen one after the other, as if each were
        then trained.
    candidates : array-like of shape (C,) or (C, k) or DataFrame, default=None
        Lambdas to choose from, within the trained values. Their mean error counts, so list the
        lambdas at which you need answers. None: the trained range.
    cost : array-like of shape (C,) or callable, default=None
        Cost of training each candidate, or a function from lambda, in the units of `fit`, to this
        cost. The chosen lambda has the largest gain per cost. None: all costs are equal.

    Returns
    -------
    Bunch
        It has these items:

        * ``lam`` of shape (n_points,) or (n_points, k): the suggested lambdas.
        * ``gain`` (n_points,): the decrease of the mean expected squared error by each of them.
        * ``expected_error``: the present error. It and ``gain`` are per output, in scaled units as
          in `validation_`.
        * ``stop``: whether this error is within the noise of few draws, or below 0.001 if there is
          no such noise. More training then gives no measurable gain.

    Raises
    ------
    ValueError
        If a candidate lies outside the trained values. If there are fewer new candidates than
        `n_points`. If the trained values share no input, so outputs cannot be followed.

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
    n_free = len(np.unique(lam[free], axis=0))
    if n_free < n_points:
        raise ValueError(
            f"n_points={n_points} exceeds the {n_free} different candidates that are not trained "
            "yet; add candidates, or lower n_points."
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
            "X: no input occurs at all trained values, so no output can be followed through "
            "them. Pass the same inputs to every network, and fit again."
        )


def _costs(cost, lam):
    """Return the cost (C,) of every lambda."""
    if cost is None:
        return np.ones(len(lam))
    cost = np.array([cost(value) for value in lam] if callable(cost) else cost, dtype=float)
    if cost.shape != (len(lam),):
        raise ValueError(
            f"`cost` has shape {cost.shape}; pass one cost per candidate, ({len(lam)},), or a "
            "function of lambda."
        )
    if not (np.isfinite(cost) & (cost > 0)).all():
        raise ValueError("`cost` must be positive and finite for every candidate.")
    return cost
