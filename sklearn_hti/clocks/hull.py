"""The region between trained values of several hyperparameters."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from .._utils.registry import storable
from ..data.lam_space import LamSpace, combinations

_ROUNDING = 1e-6  # of the trained range


@storable
@dataclass(frozen=True)
class Hull:
    """Convex hulls of the trained values, one for every combination of categories.

    A lambda is inside if it is so on one of the scales: the hull of scattered values on a
    logarithmic scale is another than that in lambda itself.

    Attributes
    ----------
    space : LamSpace
        The hyperparameters.
    scales : tuple of AxesScale
        Give the places in which hulls are convex.
    lams : ndarray of shape (M, k)
        Trained values.
    """

    space: LamSpace
    scales: tuple
    lams: np.ndarray

    def check(self, lam, name):
        """Return lambdas (n, k); raise where one lies outside.

        Raises
        ------
        ValueError
            Names the nearest trained value, and how far it is.
        """
        outside = self.distance(lam)
        bad = np.flatnonzero(~(outside <= _ROUNDING))
        if len(bad):
            lam = lam[bad[0]]
            if np.isinf(outside[bad[0]]) and not self._seen(lam):
                raise ValueError(
                    f"`{name}` has {len(bad)} value(s), first {self.space.text(lam)}, whose "
                    "combination of categories was never seen in fit; train networks with it."
                )
            scale = self.scales[0]
            scale = scale if np.isfinite(scale.place(lam[None])).all() else scale.plain()
            apart = cdist(scale.place(lam[None]), scale.place(self.lams))[0]
            nearest = int(apart.argmin())
            raise ValueError(
                f"`{name}` has {len(bad)} value(s) outside the convex hull of the trained "
                f"values, first {self.space.text(lam)}, {apart[nearest]:.3g} of the trained "
                f"range from the nearest trained value, {self.space.text(self.lams[nearest])}. "
                "The surrogate interpolates only; train a network there and add its outputs to "
                "fit."
            )
        return lam

    def _seen(self, lam):
        """Return whether the combination of categories of one lambda is trained."""
        of, _ = combinations(self.space.kept_levels, np.vstack([lam[None], self.lams]))
        return bool((of[1:] == of[0]).any())

    def distance(self, lam):
        """Return how far lambdas (n, k) lie outside; infinite for unseen categories."""
        levels = self.space.kept_levels
        of, _ = combinations(levels, np.vstack([self.lams, lam]))
        trained, asked = of[: len(self.lams)], of[len(self.lams) :]
        out = np.full(len(lam), np.inf)
        for scale in self.scales:
            with np.errstate(all="ignore"):  # where a scale is not defined
                places, own = scale.numbers(self.lams), scale.numbers(lam)
            for k in np.intersect1d(trained, asked):
                rows = np.flatnonzero((asked == k) & np.isfinite(own).all(axis=1))
                if len(rows):
                    out[rows] = np.minimum(out[rows], _outside(places[trained == k], own[rows]))
        return out


def _outside(knots, z):
    """Return how far points z (n, k) lie outside the convex hull of knots (M, k)."""
    center = knots.mean(axis=0)
    _, size, axes = np.linalg.svd(knots - center, full_matrices=True)
    rank = int(np.sum(size > _ROUNDING))
    within, across = axes[:rank].T, axes[rank:].T
    off = np.linalg.norm((z - center) @ across, axis=1)
    u, v = (knots - center) @ within, (z - center) @ within
    if rank == 1:
        beyond = np.maximum(u.min() - v, v - u.max())[:, 0]
    else:
        equations = ConvexHull(u).equations
        beyond = (v @ equations[:, :-1].T + equations[:, -1]).max(axis=1)
    return np.maximum(np.maximum(beyond, 0), off)


def interior(anchors):
    """Return the numbers of trained values that others surround."""
    return surrounded(anchors.lam, anchors.scale)


def surrounded(lams, scale):
    """Return the numbers of lambdas (M,) or (M, k) that others surround."""
    if lams.ndim == 1:
        return np.arange(1, len(lams) - 1)
    levels = [None if hasattr(axis, "rule") else axis for axis in scale.axes]
    of, _ = combinations(levels, lams)
    places, found = scale.numbers(lams), []
    for k in range(len(of)):
        rest = np.flatnonzero((of == of[k]) & (np.arange(len(of)) != k))
        if len(rest) > 1 and _outside(places[rest], places[[k]])[0] <= _ROUNDING:
            found.append(k)
    return np.array(found, dtype=int)
