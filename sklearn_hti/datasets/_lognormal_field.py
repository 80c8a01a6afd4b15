"""The terminal value of a geometric Brownian motion, by its drift and its volatility."""

import numbers
from typing import Any

import numpy as np
from scipy.special import ndtri
from sklearn.utils import Bunch, check_random_state

from .._utils.annotations import RandomState
from .._utils.random import draw_seeds
from ._designs import as_given, check_no_condition, check_points, check_rows, draw_anchors


def make_lognormal_field(
    n_anchors: int = 12,
    *,
    n_samples: int = 500,
    drift: tuple[Any, ...] = (-0.2, 0.6),
    volatility: tuple[Any, ...] = (0.1, 0.8),
    horizon: float = 1.0,
    design: str = "scattered",
    random_state: RandomState = None,
) -> Bunch:
    r"""Draw terminal values of a geometric Brownian motion, by drift and volatility.

    A price starts at one and follows :math:`dY_t = \mu Y_t \, dt + \sigma Y_t \, dB_t`. With
    lambda = (:math:`\mu`, :math:`\sigma`), the price at the horizon T is

    .. math::
        y = \exp(a + b z), \quad z \sim N(0, 1), \quad
        a = (\mu - \sigma^2 / 2) T, \quad b = \sigma \sqrt{T} .

    Outputs are positive, and their skewness grows with the volatility. The optimal map between two
    lambdas is increasing: it keeps z. The squared distance is therefore

    .. math::
        W_2^2 = e^{2 a_0 + 2 b_0^2} + e^{2 a_1 + 2 b_1^2}
        - 2 e^{a_0 + a_1 + (b_0 + b_1)^2 / 2} ,

    and :math:`(a_0 - a_1)^2 + (b_0 - b_1)^2` for the logarithms of the outputs.

    Parameters
    ----------
    n_anchors : int, default=12
        Number M of trained values.
    n_samples : int, default=500
        Draws at each trained value.
    drift : tuple of two float, default=(-0.2, 0.6)
        Least and greatest trained drift.
    volatility : tuple of two float, default=(0.1, 0.8)
        Least and greatest trained volatility, positive.
    horizon : float, default=1.0
        Time T at which the price is read.
    design : {"scattered", "grid"}, default="scattered"
        Positions of the trained values in the rectangle of drifts and volatilities. "scattered"
        has its four corners and a scrambled Halton sequence, so the convex hull is the rectangle.
        "grid" is a full grid, with M a square number.
    random_state : int, RandomState instance or None, default=None
        Seed of the trained values and the draws, which have separate streams.

    Returns
    -------
    Bunch
        With the attributes

        X : None
            There are no inputs x.
        y : ndarray of shape (n,)
            The draws, n = M * n_samples.
        lam : ndarray of shape (n, 2)
            Drift and volatility of each row.
        anchors : ndarray of shape (M, 2)
            The trained values.
        truth : callable
            ``truth(None, lam, random_state=None)`` returns a draw per row of lam, of shape
            (n, 2), at any drift and positive volatility. Closed forms for one lambda (2,) or
            several (n, 2) are ``truth.mean(lam)``, ``truth.variance(lam)``,
            ``truth.quantile(level, lam)``,
            ``truth.squared_wasserstein(lam_from, lam_to, log=False)`` and the optimal map,
            ``truth.transport(None, y, lam_from, lam_to)``.

    Raises
    ------
    ValueError
        If a range does not increase, if a volatility or the horizon is not positive, or if the
        design cannot have this number of trained values.

    See Also
    --------
    make_gaussian_field : Any number of hyperparameters, Gaussian outputs.

    Examples
    --------
    >>> from sklearn_hti.datasets import make_lognormal_field
    >>> data = make_lognormal_field(n_samples=10, random_state=0)
    >>> data.X, data.y.shape, data.lam.shape
    (None, (120,), (120, 2))
    >>> float(data.truth.quantile(0.5, [0.5, 1.0]))  # the median: a = 0
    1.0
    """
    if not isinstance(n_samples, numbers.Integral) or n_samples < 1:
        raise ValueError(f"n_samples is {n_samples!r}; pass an integer of at least 1.")
    if not 0 < horizon < np.inf:
        raise ValueError(f"horizon is {horizon}; pass a positive time.")
    for name, (low, high) in {"drift": drift, "volatility": volatility}.items():
        if not -np.inf < low < high < np.inf:
            raise ValueError(
                f"{name} is ({low}, {high}); pass the least value, then the greatest."
            )
    seeds = draw_seeds(random_state, ["anchors", "draws"])
    low, high = np.transpose([drift, volatility]).astype(float)
    share = draw_anchors(design, n_anchors, 2, seeds["anchors"])
    anchors = (1 - share) * low + share * high  # exact at both ends
    truth = _LognormalField(horizon)
    lam = np.repeat(anchors, n_samples, axis=0)
    return Bunch(X=None, y=truth(None, lam, seeds["draws"]), lam=lam, anchors=anchors, truth=truth)


class _LognormalField:
    """The true distribution at any drift and volatility, and the optimal maps between two."""

    def __init__(self, horizon):
        self.horizon = horizon

    def __call__(self, X, lam, random_state=None):
        """One draw per row of lam."""
        check_no_condition(X, lam, 2)
        a, b = self._log_moments(lam)
        return as_given(np.exp(a + b * check_random_state(random_state).normal(size=len(a))), lam)

    def mean(self, lam):
        """Mean at one lambda (2,), or (n,) of them."""
        a, b = self._log_moments(lam)
        return as_given(np.exp(a + b**2 / 2), lam)

    def variance(self, lam):
        """Variance at one lambda (2,), or (n,) of them."""
        a, b = self._log_moments(lam)
        return as_given(np.exp(2 * a + b**2) * np.expm1(b**2), lam)

    def quantile(self, level, lam):
        """Quantile of one level, or one per lambda; of several levels at one lambda (2,)."""
        level = np.asarray(level, dtype=float)
        if not np.all((level >= 0) & (level <= 1)):
            raise ValueError(f"level is {level}; pass levels in [0, 1].")
        a, b = self._log_moments(lam)
        values = np.exp(a + b * ndtri(level))
        return as_given(values, lam) if level.ndim == 0 else values

    def squared_wasserstein(self, lam_from, lam_to, log=False):
        """Squared Wasserstein distance of outputs, or of their logarithms, row by row."""
        (a0, b0), (a1, b1) = (
            self._log_moments(lam_from, "lam_from"),
            self._log_moments(lam_to, "lam_to"),
        )
        if log:
            distance = (a1 - a0) ** 2 + (b1 - b0) ** 2
        else:
            # the formula of the docstring by means, variances and the covariance of the map
            m0, m1 = np.exp(a0 + b0**2 / 2), np.exp(a1 + b1**2 / 2)
            var0, var1 = (m**2 * np.expm1(b**2) for m, b in ((m0, b0), (m1, b1)))
            distance = (m0 - m1) ** 2 + var0 + var1 - 2 * m0 * m1 * np.expm1(b0 * b1)
            distance = np.maximum(distance, 0.0)
        one = np.ndim(lam_from) == 1 and np.ndim(lam_to) == 1
        return float(distance[0]) if one else distance

    def transport(self, X, y, lam_from, lam_to):
        """The outputs y at lam_from, moved by the increasing map to lam_to."""
        if X is not None:
            raise ValueError("X was given, but this family has no inputs x; pass X=None.")
        y = np.asarray(y, dtype=float)
        if y.ndim != 1 or not (y > 0).all():
            raise ValueError(f"y has shape {y.shape}; pass positive outputs of shape (n,).")
        check_rows(np.atleast_2d(lam_from), np.atleast_2d(lam_to), y)
        (a0, b0), (a1, b1) = (
            self._log_moments(lam_from, "lam_from"),
            self._log_moments(lam_to, "lam_to"),
        )
        return np.exp(a1 + b1 * (np.log(y) - a0) / b0)

    def _log_moments(self, lam, name="lam"):
        """Return mean and standard deviation of the logarithm, (n,) each."""
        drift, volatility = check_points(lam, 2, name).T
        if not (volatility > 0).all():
            raise ValueError(
                f"{name} has a volatility of {volatility.min()}; its second value is positive."
            )
        a = (drift - volatility**2 / 2) * self.horizon
        return a, volatility * np.sqrt(self.horizon)
