"""Universal kriging: weights of the knots, their variance and their evidence.

The weights depend on lambda alone, not on particle, output or x: one solve serves all rows.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack, null_space
from scipy.spatial import Delaunay
from scipy.spatial.distance import cdist

_ROUNDING = 1e-6  # of a simplex: times that are this near its edge lie in it
_TINY = 1e-12  # relative jitter and rank tolerance, of rounding only


@dataclass(frozen=True)
class Nearest:
    """Weights that copy the value at the nearest knot (M, k)."""

    knots: np.ndarray

    def weights(self, z):
        """Return the weights (Q, M) of the knots at times z (Q, k)."""
        return np.eye(len(self.knots))[cdist(z, self.knots).argmin(axis=1)]


@dataclass(frozen=True)
class Simplices:
    """Weights of the corners of the simplex around a time: linear between knots (M, k)."""

    knots: np.ndarray

    def weights(self, z):
        """Return the weights (Q, M) of the knots at times z (Q, k); of the nearest outside."""
        center, axes = self._span
        knots, z = (self.knots - center) @ axes, (z - center) @ axes
        weights = Nearest(knots).weights(z)
        if knots.shape[1] == 1:
            order = np.argsort(knots[:, 0])
            of_knots = np.eye(len(knots))[order]
            return np.stack(
                [np.interp(z[:, 0], knots[order, 0], column) for column in of_knots.T], axis=1
            )
        mesh = Delaunay(knots)
        simplex = mesh.find_simplex(z, tol=_ROUNDING)
        for row in np.flatnonzero(simplex >= 0):
            transform = mesh.transform[simplex[row]]
            part = transform[:-1] @ (z[row] - transform[-1])
            weights[row] = 0.0
            weights[row, mesh.simplices[simplex[row]]] = np.r_[part, 1 - part.sum()]
        return weights

    @property
    def _span(self):
        """Centre and axes of the space that the knots span."""
        return span(self.knots)


def span(knots):
    """Return the centre (k,) of knots (M, k), and the axes (k, p) of the space that they span."""
    center = knots.mean(axis=0)
    _, size, axes = np.linalg.svd(knots - center, full_matrices=False)
    return center, axes[size > _TINY * max(size.max(initial=0), _TINY)].T


@dataclass(frozen=True)
class Kriging:
    """Best linear unbiased prediction from values at knots (docs/method.md, equations 19 to 21).

    Parameters
    ----------
    knots : ndarray of shape (M, k)
        Times at which values are known.
    kernel : callable
        Covariance of values at two times, up to the mean.
    mean : {"constant", "linear"}
        Functions that are reproduced exactly.
    noise : ndarray of shape (M,), default=None
        Error variance of the value at each knot; None: none, values are met exactly.

    References
    ----------
    Cressie, "Statistics for Spatial Data", Wiley 1993, section 3.4.
    """

    knots: np.ndarray
    kernel: object
    mean: str = "constant"
    noise: np.ndarray | None = None

    def weights(self, z):
        """Return the weights (Q, M) of the knots at times z (Q, k); each row sums to one."""
        weights = self._solve(self._right_side(z))[: len(self.knots)].T
        # at a knot without noise the answer is the knot's, to the bit
        same = (z[:, None, :] == self.knots).all(axis=2)
        if self.noise is not None:
            same &= np.asarray(self.noise) == 0
        hit = same.any(axis=1)
        weights[hit] = np.eye(len(self.knots))[same[hit].argmax(axis=1)]
        return weights

    def covariance(self, z):
        """Return the covariance (Q, Q) of the prediction errors at times z (Q, k)."""
        right = self._right_side(z)
        return self.kernel(z, z) - right.T @ self._solve(right)

    def variance(self, z):
        """Return the variance (Q,) of the prediction error at times z (Q, k)."""
        right = self._right_side(z)
        own = np.array([self.kernel(row, row)[0, 0] for row in z[:, None, :]])
        return np.maximum(own - np.sum(right * self._solve(right), axis=0), 0.0)

    def log_evidence(self, moments):
        """Return the log marginal likelihood of one value, up to a constant.

        Of contrasts of the values at knots, which no mean function changes, with the scale of
        the kernel profiled out.

        Parameters
        ----------
        moments : ndarray of shape (M, M)
            Mean outer product of the values at knots, over particles and outputs.
        """
        factor, spread = self._whitened(moments)
        n = len(factor[0])
        log_determinant = 2 * np.log(np.diag(factor[0])).sum()
        return -0.5 * (log_determinant + n * np.log(max(spread, np.finfo(float).tiny)) + n)

    def spread(self, moments):
        """Return the scale of the kernel that suits moments (M, M) of the values best."""
        return self._whitened(moments)[1]

    def _whitened(self, moments):
        """Return the Cholesky factor of the contrasts' covariance, and its best scale."""
        contrasts = self.contrasts
        n = contrasts.shape[1]
        covariance = contrasts.T @ self._covariance @ contrasts
        covariance += _TINY * np.trace(covariance) / n * np.eye(n)
        factor = cho_factor(covariance)
        return factor, np.trace(cho_solve(factor, contrasts.T @ moments @ contrasts)) / n

    @cached_property
    def contrasts(self):
        """Orthonormal contrasts (M, M - p) of the values, on which every mean vanishes."""
        return null_space(self._functions(self.knots).T)

    @cached_property
    def _covariance(self):
        covariance = self.kernel(self.knots, self.knots)
        if self.noise is not None:
            covariance = covariance + np.diag(self.noise)
        return covariance

    def _right_side(self, z):
        """Return kernel and mean functions at times z, (M + p, Q)."""
        return np.vstack([self.kernel(self.knots, z), self._functions(z).T])

    def _functions(self, z):
        """Return the mean functions at times z, (Q, p)."""
        ones = np.ones((len(z), 1))
        if self.mean == "constant":
            return ones
        center, axes = self._span
        return np.hstack([ones, (z - center) @ axes])

    @cached_property
    def _span(self):
        """Centre and axes (k, p - 1) of the space that the knots span."""
        return span(self.knots)

    def _solve(self, right):
        """Solve the kriging system of equation 19."""
        lu, pivots, unit = self._factor
        solution, _ = lapack.dsytrs(lu, pivots, right / unit[:, None])
        return solution / unit[:, None]

    @cached_property
    def _factor(self):
        """Factor of the symmetric system, whose rows are brought to one size first."""
        covariance, functions = self._covariance, self._functions(self.knots)
        n = functions.shape[1]
        largest = np.abs(self.kernel(self.knots, self.knots)).max()
        size = np.sqrt(max(largest, np.finfo(float).tiny))
        covariance = covariance + _TINY * size**2 * np.eye(len(covariance))
        system = np.block([[covariance, functions], [functions.T, np.zeros((n, n))]])
        unit = np.concatenate([np.full(len(covariance), size), np.full(n, 1 / size)])
        lu, pivots, _ = lapack.dsytrf(system / np.outer(unit, unit))
        return lu, pivots, unit
