"""Four noisy arcs on two touching circles."""

import numpy as np
from scipy.stats import norm, vonmises
from sklearn.utils import Bunch, check_random_state

from .._utils.annotations import Lam, RandomState
from ._common import check_categories, check_lam, check_outputs, draw_family

_CENTRES = np.array([[-1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
_START = np.array([0.0, 0.0, np.pi, -np.pi])
_END = np.array([np.pi, -np.pi, 0.0, 0.0])
_KAPPA = 5.0
_SIGMA = 0.05


def make_semicircles(
    n_samples: int = 100, *, lams: Lam = (0.0, 0.5, 1.0), random_state: RandomState = None
) -> Bunch:
    r"""Draw points that travel along four semicircles.

    Category 0 follows the top half of the circle of radius 1 around (-1, 0), from angle 0 at
    lambda = 0 to :math:`\pi` at lambda = 1. Category 1 follows its bottom half, from 0 to
    :math:`-\pi`. Category 2 follows the top half of the circle around (1, 0), from :math:`\pi` to
    0. Category 3 follows its bottom half, from :math:`-\pi` to 0. All start at the origin. The
    angle is von Mises around the target angle (:math:`\kappa = 5`), and the radius is log-normal
    (:math:`\sigma = 0.05` around 1). Lambda is proportional to the arc length. The straight line
    between two trained values leaves the circle.

    Parameters
    ----------
    n_samples : int, default=100
        Draws for each category and lambda.
    lams : sequence of float, default=(0.0, 0.5, 1.0)
        The trained values, in [0, 1].
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    Bunch
        With the attributes

        X : ndarray of shape (n, 1)
            The category, 0 to 3, n = len(lams) * 4 * n_samples.
        y : ndarray of shape (n, 2)
            The point.
        lam : ndarray of shape (n,)
            The hyperparameter value lambda of each row.
        truth : callable
            ``truth(X, lam, random_state=None)`` draws a point per row at any lambda in
            [0, 1]. ``truth.log_density(X, y, lam)`` is the log-density of given points, and
            ``truth.circle_distance(X, y)`` is their distance to the circle.

    Raises
    ------
    ValueError
        If a lambda is outside [0, 1], or X is not a category.

    Notes
    -----
    Compare surrogates by the exact squared Wasserstein distance per category. The distance to the
    circle is misleading, because true points are 0.04 away from it.

    References
    ----------
    Amad & van der Schaar, "Hyperparameter Trajectory Inference with Conditional
    Lagrangian Optimal Transport", ICLR 2026.

    Examples
    --------
    >>> from sklearn_hti.datasets import make_semicircles
    >>> data = make_semicircles(n_samples=25, random_state=0)
    >>> data.X.shape, data.y.shape
    ((300, 1), (300, 2))
    >>> data.truth([[0.0], [3.0]], 0.25, random_state=0).shape
    (2, 2)
    """
    return draw_family(_Semicircles(), 4, n_samples, lams, random_state)


class _Semicircles:
    """The true distribution of the points at any lambda."""

    def __call__(self, X, lam, random_state=None):
        """One draw per row of X."""
        category = check_categories(X, 4)
        rng = check_random_state(random_state)
        angle = rng.vonmises(_target_angle(category, lam), _KAPPA)
        radius = np.exp(rng.normal(0.0, _SIGMA, size=len(category)))
        direction = np.column_stack([np.cos(angle), np.sin(angle)])
        return _CENTRES[category] + radius[:, np.newaxis] * direction

    def log_density(self, X, y, lam):
        """Log-density of the points y, per row.

        In polar coordinates it is the density of the angle times that of log r; the
        change to Cartesian coordinates divides it by r for the logarithm and by r again
        for the arc.
        """
        category = check_categories(X, 4)
        offset = check_outputs(y, len(category), 2) - _CENTRES[category]
        radius = np.linalg.norm(offset, axis=1)
        log_radius = np.log(np.maximum(radius, np.finfo(float).tiny))
        angle = np.arctan2(offset[:, 1], offset[:, 0]) - _target_angle(category, lam)
        log_angular = vonmises.logpdf(angle, _KAPPA)
        return log_angular + norm.logpdf(log_radius, scale=_SIGMA) - 2 * log_radius

    def circle_distance(self, X, y):
        """Distance of the points y to the circle of their category, per row."""
        category = check_categories(X, 4)
        offset = check_outputs(y, len(category), 2) - _CENTRES[category]
        return np.abs(np.linalg.norm(offset, axis=1) - 1.0)


def _target_angle(category, lam):
    lam = check_lam(lam, len(category))
    return (1 - lam) * _START[category] + lam * _END[category]
