"""Gaussians that depend on several hyperparameters: means bend, scales grow, axes turn."""

import numbers

import numpy as np
from scipy.stats import ortho_group
from sklearn.utils import Bunch, check_random_state

from .._utils.annotations import RandomState
from .._utils.random import draw_seeds
from ._common import check_outputs
from ._designs import as_given, check_no_condition, check_points, check_rows, draw_anchors

_TURN = np.deg2rad(75.0)  # of the axes, between the corners 0 and 1


def make_gaussian_field(
    n_hyperparameters: int = 2,
    *,
    n_anchors: int | None = None,
    n_samples: int = 500,
    n_outputs: int = 2,
    design: str = "scattered",
    random_state: RandomState = None,
) -> Bunch:
    r"""Draw from Gaussians that depend on several hyperparameters.

    The outputs at lambda, a point of the box :math:`[0, 1]^k`, have the distribution

    .. math::
        N\big(m(\lambda), Q R(\lambda) S(\lambda) R(\lambda)^\top Q^\top\big), \quad
        m(\lambda) = m_0 + A \lambda + b_1 \sin(\pi u_1^\top \lambda) +
        b_2 \cos(\pi u_2^\top \lambda), \quad
        S(\lambda) = \mathrm{diag}\big(s_d^2 e^{2 g_d^\top \lambda}\big).

    Means are curved: the absolute values in u add up to one, so sine and cosine go through half a
    period in the box. Standard deviations grow along every hyperparameter, by a factor between 1.5
    and 2.5 from the corner 0 to the corner 1. Axes rotate: R rotates the planes of outputs (1, 2),
    (3, 4), ... by the angle :math:`t^\top \lambda`, with t positive and 75 degrees in total. Q is
    a fixed rotation. The optimal maps around a triangle of lambdas therefore do not return to the
    start.

    Parameters
    ----------
    n_hyperparameters : int, default=2
        Number k of hyperparameters, at least 2.
    n_anchors : int, default=None
        Number M of trained values. None: 16, 28, 34, 40 for k = 2, 3, 4, 5. A grid then has the
        largest number of values that does not exceed this.
    n_samples : int, default=500
        Draws at each trained value.
    n_outputs : int, default=2
        Dimension D of y.
    design : {"scattered", "grid"}, default="scattered"
        Positions of the trained values. "scattered" has all :math:`2^k` corners of the box and a
        scrambled Halton sequence, so the convex hull is the whole box. "grid" is a full grid. M is
        then the k-th power of the number of values on each axis.
    random_state : int, RandomState instance or None, default=None
        Seed of the field, the trained values and the draws, which have separate streams. The
        field of a seed depends on `n_hyperparameters` and `n_outputs` only.

    Returns
    -------
    Bunch
        With the attributes

        X : None
            There are no inputs x.
        y : ndarray of shape (n, n_outputs)
            The draws, n = M * n_samples.
        lam : ndarray of shape (n, k)
            The hyperparameter values lambda of each row.
        anchors : ndarray of shape (M, k)
            The trained values.
        truth : callable
            ``truth(None, lam, random_state=None)`` returns a draw per row of lam, of shape
            (n, k), anywhere in the box. Closed forms for one lambda (k,) or several (n, k) are
            ``truth.mean(lam)``, ``truth.covariance(lam)``,
            ``truth.squared_wasserstein(lam_from, lam_to)`` and the optimal map,
            ``truth.transport(None, y, lam_from, lam_to)``.

    Raises
    ------
    ValueError
        If there are fewer than two hyperparameters, if the design cannot have this number of
        trained values, or if a lambda is outside the box.

    See Also
    --------
    make_gaussians : One hyperparameter, along Wasserstein geodesics.
    make_lognormal_field : Two hyperparameters of a skewed distribution.

    References
    ----------
    Bhatia, Jain and Lim, "On the Bures-Wasserstein distance between positive definite
    matrices", Expositiones Mathematicae 37, 2019.

    Examples
    --------
    >>> from sklearn_hti.datasets import make_gaussian_field
    >>> data = make_gaussian_field(n_samples=10, random_state=0)
    >>> data.X, data.y.shape, data.lam.shape, data.anchors.shape
    (None, (160, 2), (160, 2), (16, 2))
    >>> data.truth.covariance([0.3, 0.6]).shape
    (2, 2)
    >>> data.truth.squared_wasserstein([0.3, 0.6], [0.3, 0.6])
    0.0
    """
    least = {"n_hyperparameters": 2, "n_samples": 1, "n_outputs": 1}
    counts = (n_hyperparameters, n_samples, n_outputs)
    for (name, low), count in zip(least.items(), counts, strict=True):
        if not isinstance(count, numbers.Integral) or count < low:
            raise ValueError(f"{name} is {count!r}; pass an integer of at least {low}.")
    seeds = draw_seeds(random_state, ["field", "anchors", "draws"])
    anchors = draw_anchors(design, n_anchors, n_hyperparameters, seeds["anchors"])
    truth = _GaussianField(n_hyperparameters, n_outputs, seeds["field"])
    lam = np.repeat(anchors, n_samples, axis=0)
    return Bunch(X=None, y=truth(None, lam, seeds["draws"]), lam=lam, anchors=anchors, truth=truth)


class _GaussianField:
    """The true distribution anywhere in the box, and the optimal maps between two lambdas."""

    def __init__(self, n_axes, n_outputs, seed):
        self.n_axes, self.n_outputs = n_axes, n_outputs
        rng = check_random_state(seed)
        self.start = rng.normal(size=n_outputs)
        slope = rng.normal(size=(n_axes, n_outputs))
        self.slope = 3.0 / np.sqrt(n_axes) * slope / np.linalg.norm(slope, axis=1, keepdims=True)
        bend = rng.normal(size=(2, n_outputs))
        self.bend = 1.5 * bend / np.linalg.norm(bend, axis=1, keepdims=True)
        wave = rng.uniform(0.5, 1.0, (2, n_axes)) * rng.choice([-1.0, 1.0], (2, n_axes))
        self.wave = np.pi * wave / np.abs(wave).sum(axis=1, keepdims=True)
        # the two outputs of a plane differ, so that its turn shows
        self.log_std = np.log(np.where(np.arange(n_outputs) % 2, 0.3, 0.9))
        growth = rng.uniform(0.3, 1.0, (n_axes, n_outputs))
        factor = rng.uniform(1.5, 2.5, n_outputs)
        self.growth = growth / growth.sum(axis=0) * np.log(factor)
        turn = rng.uniform(0.5, 1.0, n_axes)
        self.turn = _TURN * turn / turn.sum()
        self.axes = np.eye(n_outputs)
        if n_outputs > 1:
            self.axes = ortho_group.rvs(n_outputs, random_state=rng)

    def __call__(self, X, lam, random_state=None):
        """One draw per row of lam."""
        points = self._in_box(check_no_condition(X, lam, self.n_axes))
        z = check_random_state(random_state).normal(size=(len(points), self.n_outputs))
        y = self._means(points) + np.einsum("nij,nj->ni", self._factors(points), z)
        return as_given(y, lam)

    def mean(self, lam):
        """Mean, shape (D,) at one lambda (k,), else (n, D)."""
        return as_given(self._means(self._check(lam)), lam)

    def covariance(self, lam):
        """Covariance, shape (D, D) at one lambda (k,), else (n, D, D)."""
        factors = self._factors(self._check(lam))
        return as_given(factors @ factors.swapaxes(1, 2), lam)

    def squared_wasserstein(self, lam_from, lam_to):
        """Squared Wasserstein distance between two lambdas, or (n,) of them row by row."""
        start, end = self._pair(lam_from, lam_to)
        shift = np.sum((self._means(end) - self._means(start)) ** 2, axis=1)
        # Bures: |F - G U|^2 at the best orthogonal U, for covariances F F' and G G'
        first, second = self._factors(start), self._factors(end)
        left, _, right = np.linalg.svd(second.swapaxes(1, 2) @ first)
        bures = np.sum((first - second @ left @ right) ** 2, axis=(1, 2))
        # equal laws are at distance zero to the digit
        distance = np.where((start == end).all(axis=1), 0.0, shift + bures)
        one = np.ndim(lam_from) == 1 and np.ndim(lam_to) == 1
        return float(distance[0]) if one else distance

    def transport(self, X, y, lam_from, lam_to):
        """The outputs y at lam_from, moved by the optimal map to lam_to."""
        if X is not None:
            raise ValueError("X was given, but this family has no inputs x; pass X=None.")
        start, end = self._check(lam_from, "lam_from"), self._check(lam_to, "lam_to")
        y = check_outputs(y, len(y), self.n_outputs)
        check_rows(start, end, y)
        start, end = np.broadcast_arrays(start, end)
        first, second = self._factors(start), self._factors(end)
        left, _, right = np.linalg.svd(second.swapaxes(1, 2) @ first)
        monge = second @ left @ right @ np.linalg.inv(first)
        return self._means(end) + np.einsum("nij,nj->ni", monge, y - self._means(start))

    def _check(self, lam, name="lam"):
        return self._in_box(check_points(lam, self.n_axes, name), name)

    def _in_box(self, points, name="lam"):
        if not np.all((points >= 0) & (points <= 1)):
            raise ValueError(
                f"{name} reaches from {points.min(axis=0)} to {points.max(axis=0)}; this family "
                f"is defined for lambda in [0, 1]^{self.n_axes}."
            )
        return points

    def _pair(self, lam_from, lam_to):
        pair = self._check(lam_from, "lam_from"), self._check(lam_to, "lam_to")
        return np.broadcast_arrays(*pair)

    def _means(self, lam):
        phase = lam @ self.wave.T
        waves = np.column_stack([np.sin(phase[:, 0]), np.cos(phase[:, 1])])
        return self.start + lam @ self.slope + waves @ self.bend

    def _factors(self, lam):
        """Return F (n, D, D) with the covariance F F'."""
        n_planes = self.n_outputs // 2
        turn = np.broadcast_to(np.eye(self.n_outputs), (len(lam), *self.axes.shape)).copy()
        even, odd = 2 * np.arange(n_planes), 2 * np.arange(n_planes) + 1
        angle = (lam @ self.turn)[:, np.newaxis]
        turn[:, even, even] = turn[:, odd, odd] = np.cos(angle)
        turn[:, even, odd], turn[:, odd, even] = -np.sin(angle), np.sin(angle)
        std = np.exp(self.log_std + lam @ self.growth)
        return self.axes @ turn * std[:, np.newaxis]
