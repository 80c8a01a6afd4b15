"""Gaussians that travel along Wasserstein geodesics."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import ortho_group
from sklearn.utils import Bunch, check_random_state

from .._utils.annotations import Lam, RandomState
from .._utils.random import draw_seeds
from ._common import check_categories, check_lam, check_outputs, draw_family


def make_gaussians(
    n_samples: int = 2000,
    *,
    n_outputs: int = 2,
    n_conditions: int = 3,
    lams: Lam = (0.0, 0.5, 1.0),
    warp: Callable[..., Any] | None = None,
    random_state: RandomState = None,
) -> Bunch:
    r"""Draw from Gaussians on a Wasserstein geodesic, one for each condition.

    A condition goes from :math:`N(m_0, S_0)` at lambda = 0 to :math:`N(m_1, S_1)` at
    lambda = 1 along optimal transport with the squared Euclidean cost. With the Monge
    map :math:`y \mapsto m_1 + T (y - m_0)` and the time fraction w = warp(lambda), outputs are

    .. math::
        y = (1 - w) m_0 + w m_1 + \big((1 - w) I + w T\big) S_0^{1/2} z,
        \quad z \sim N(0, I), \quad
        T = S_0^{-1/2} (S_0^{1/2} S_1 S_0^{1/2})^{1/2} S_0^{-1/2} .

    The means move by two to four units. At lambda = 0, outputs are correlated, with standard
    deviations of about one. These change by factors between 1/2 and 2 (the eigenvalues of T),
    along other axes.

    Parameters
    ----------
    n_samples : int, default=2000
        Draws for each condition and lambda.
    n_outputs : int, default=2
        Dimension D of y.
    n_conditions : int, default=3
        Number of conditions, each with its own geodesic.
    lams : sequence of float, default=(0.0, 0.5, 1.0)
        The trained values, in [0, 1].
    warp : callable, default=None
        The lambda scale: an increasing function of arrays with warp(0) = 0 and warp(1) = 1. It
        returns the position of a lambda along the geodesic. None: the identity.
    random_state : int, RandomState instance or None, default=None
        Seed of the geodesics and the draws, which have separate streams. The geodesics of a seed
        depend on `n_outputs` and `n_conditions` only.

    Returns
    -------
    Bunch
        With the attributes

        X : ndarray of shape (n, 1)
            The condition, numbered from 0, n = len(lams) * n_conditions * n_samples.
        y : ndarray of shape (n, n_outputs)
            The draws.
        lam : ndarray of shape (n,)
            The hyperparameter value lambda of each row.
        truth : callable
            ``truth(X, lam, random_state=None)`` returns a draw per row at any lambda in
            [0, 1]. Closed forms are ``truth.mean(condition, lam)`` and
            ``truth.covariance(condition, lam)``, of shapes (D,) and (D, D), and
            ``truth.squared_wasserstein(condition, lam_from, lam_to)``.
            ``truth.transport(X, y, lam_from, lam_to)`` is the optimal map between any two
            lambdas.

    Raises
    ------
    ValueError
        If a lambda is outside [0, 1], if warp does not increase from 0 to 1, or if X is not a
        condition.

    References
    ----------
    Takatsu, "Wasserstein geometry of Gaussian measures", Osaka Journal of Mathematics
    48, 2011.

    Examples
    --------
    >>> from sklearn_hti.datasets import make_gaussians
    >>> data = make_gaussians(n_samples=10, random_state=0)
    >>> data.X.shape, data.y.shape
    ((90, 1), (90, 2))
    >>> moved = data.truth.transport(data.X, data.y, data.lam, 1.0)
    >>> bool(abs(moved - data.y)[data.lam == 1].max() < 1e-12)
    True
    """
    seeds = draw_seeds(random_state, ["geometry", "draws"])
    truth = _Gaussians(n_outputs, n_conditions, _check_warp(warp), seeds["geometry"])
    return draw_family(truth, n_conditions, n_samples, lams, seeds["draws"])


class _Gaussians:
    """The true distribution at any lambda, and the optimal maps between them."""

    def __init__(self, n_outputs, n_conditions, warp, seed):
        self.warp = warp
        rng = check_random_state(seed)
        shape = (n_conditions, n_outputs)
        self.start = rng.normal(scale=2.0, size=shape)
        step = rng.normal(size=shape)
        step /= np.linalg.norm(step, axis=1, keepdims=True)
        self.step = step * rng.uniform(2.0, 4.0, size=(n_conditions, 1))
        self.root = _random_spd(rng, shape, np.sqrt(2.0))  # S_0^{1/2}
        self.monge = _random_spd(rng, shape, 2.0)  # T

    def __call__(self, X, lam, random_state=None):
        """One draw per row of X."""
        condition = check_categories(X, len(self.start))
        z = check_random_state(random_state).normal(size=(len(condition), self.start.shape[1]))
        y_start = self.start[condition] + _apply(self.root[condition], z)
        return self.transport(X, y_start, 0.0, lam)

    def mean(self, condition, lam):
        """Mean at one condition and lambda, shape (D,)."""
        k, w = check_categories([[condition]], len(self.start)), self._fraction(lam, 1)
        return (self.start[k] + w[:, np.newaxis] * self.step[k])[0]

    def covariance(self, condition, lam):
        """Covariance at one condition and lambda, shape (D, D)."""
        k, w = check_categories([[condition]], len(self.start)), self._fraction(lam, 1)
        root = (self._stretch(k, w) @ self.root[k])[0]
        return root @ root.T

    def transport(self, X, y, lam_from, lam_to):
        """The outputs y at lam_from, moved by the optimal map to lam_to."""
        condition = check_categories(X, len(self.start))
        y = check_outputs(y, len(condition), self.start.shape[1])
        w_from = self._fraction(lam_from, len(y), "lam_from")
        w_to = self._fraction(lam_to, len(y), "lam_to")
        start, step = self.start[condition], self.step[condition]
        centred = y - start - w_from[:, np.newaxis] * step
        stretch_from = self._stretch(condition, w_from)
        at_start = np.linalg.solve(stretch_from, centred[..., np.newaxis])[..., 0]
        moved = _apply(self._stretch(condition, w_to), at_start)
        return start + w_to[:, np.newaxis] * step + moved

    def squared_wasserstein(self, condition, lam_from, lam_to):
        """Squared Wasserstein distance between two lambdas at one condition."""
        [k] = check_categories([[condition]], len(self.start))
        [w_from] = self._fraction(lam_from, 1, "lam_from")
        [w_to] = self._fraction(lam_to, 1, "lam_to")
        excess = (self.monge[k] - np.eye(self.start.shape[1])) @ self.root[k]
        whole = np.sum(self.step[k] ** 2) + np.sum(excess**2)
        return float((w_to - w_from) ** 2 * whole)

    def _fraction(self, lam, n_rows, name="lam"):
        lam = check_lam(lam, n_rows, name)
        return lam if self.warp is None else np.asarray(self.warp(lam), dtype=float)

    def _stretch(self, condition, w):
        """The linear part (1 - w) I + w T of the map from lambda = 0, per row."""
        w = w[:, np.newaxis, np.newaxis]
        return (1 - w) * np.eye(self.start.shape[1]) + w * self.monge[condition]


def _random_spd(rng, shape, factor):
    """Symmetric matrices with random axes and eigenvalues in [1 / factor, factor]."""
    n_matrices, size = shape
    log_values = rng.uniform(-np.log(factor), np.log(factor), size=shape)
    axes = np.ones((n_matrices, 1, 1))
    if size > 1:
        axes = ortho_group.rvs(size, n_matrices, random_state=rng)
        axes = axes.reshape(n_matrices, size, size)
    return axes * np.exp(log_values)[:, np.newaxis] @ axes.transpose(0, 2, 1)


def _apply(matrices, vectors):
    return np.einsum("nij,nj->ni", matrices, vectors)


def _check_warp(warp):
    if warp is None:
        return None
    grid = np.linspace(0.0, 1.0, 101)
    values = np.asarray(warp(grid), dtype=float)
    increasing = values.shape == grid.shape and np.all(np.diff(values) > 0)
    if not increasing or not np.allclose(values[[0, -1]], [0.0, 1.0]):
        raise ValueError(
            f"warp={warp!r} is not a scale of lambda. It must accept an array, increase, and have "
            "warp(0) = 0 and warp(1) = 1, like the function x -> x**2."
        )
    return warp
