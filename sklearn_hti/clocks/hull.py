"""The region between trained values of several hyperparameters."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from .._utils.registry import storable
from ..data.lam_space import LamSpace, combinations
from ..data.lambdas import INTERPOLATES

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
        found = self.outside(lam, name)
        if found:
            raise ValueError(found + INTERPOLATES)
        return lam

    def outside(self, lam, name):
        """Return what to say of lambdas (n, k) that lie outside; nothing if none does.

        Raises
        ------
        ValueError
            If nothing is known there: of categories that were never together, or off the line or
            plane that all trained values lie in.
        """
        outside = self.distance(lam)
        bad = np.flatnonzero(~(outside <= _ROUNDING))
        if not len(bad):
            return ""
        unseen = [i for i in bad if np.isinf(outside[i]) and not self._seen(lam[i])]
        if unseen:
            raise ValueError(
                f"`{name}` has {len(unseen)} value(s), first {self.space.text(lam[unseen[0]])}, "
                "whose combination of categories did not occur in fit; train networks with it."
            )
        off = bad[~(self.distance(lam[bad], _off) <= _ROUNDING)]
        at = lam[off[0] if len(off) else bad[0]]
        scale = self.scales[0]
        scale = scale if np.isfinite(self._places(scale, at[None])).all() else scale.plain()
        apart = cdist(scale.place(at[None]), scale.place(self.lams))[0]
        nearest = int(apart.argmin())
        where = (
            f"first {self.space.text(at)}, {apart[nearest]:.3g} of the trained range from the "
            f"nearest trained value, {self.space.text(self.lams[nearest])}"
        )
        if len(off):
            raise ValueError(
                f"`{name}` has {len(off)} value(s) outside the convex hull of the trained values, "
                f"{where}, and outside the line or plane of these values. Answers there are "
                "unknown. Train networks outside this line or plane."
            )
        return (
            f"`{name}` has {len(bad)} value(s) outside the convex hull of the trained values, "
            f"{where}"
        )

    def _seen(self, lam):
        """Return whether the combination of categories of one lambda is trained."""
        of, _ = combinations(self.space.kept_levels, np.vstack([lam[None], self.lams]))
        return bool((of[1:] == of[0]).any())

    @staticmethod
    def _places(scale, lam):
        with np.errstate(all="ignore"):  # where a scale is not defined
            return scale.numbers(lam)

    def distance(self, lam, measure=None):
        """Return how far lambdas (n, k) lie outside; infinite for unseen categories.

        `measure` returns that of points (n, k) from the hull of knots (M, k).
        """
        measure = _outside if measure is None else measure
        levels = self.space.kept_levels
        of, _ = combinations(levels, np.vstack([self.lams, lam]))
        trained, asked = of[: len(self.lams)], of[len(self.lams) :]
        out = np.full(len(lam), np.inf)
        for scale in self.scales:
            places, own = (self._places(scale, values) for values in (self.lams, lam))
            for k in np.intersect1d(trained, asked):
                rows = np.flatnonzero((asked == k) & np.isfinite(own).all(axis=1))
                if len(rows):
                    out[rows] = np.minimum(out[rows], measure(places[trained == k], own[rows]))
        return out


def _outside(knots, z):
    """Return how far points z (n, k) lie outside the convex hull of knots (M, k)."""
    center, within, _ = _span(knots)
    off = _off(knots, z)
    u, v = (knots - center) @ within, (z - center) @ within
    if within.shape[1] == 1:
        beyond = np.maximum(u.min() - v, v - u.max())[:, 0]
    else:
        equations = ConvexHull(u).equations
        beyond = (v @ equations[:, :-1].T + equations[:, -1]).max(axis=1)
    return np.maximum(np.maximum(beyond, 0), off)


def _off(knots, z):
    """Return how far points z (n, k) lie off the space that knots (M, k) span."""
    center, _, across = _span(knots)
    return np.linalg.norm((z - center) @ across, axis=1)


def _span(knots):
    """Return the centre of knots (M, k), and the axes within their span and across it."""
    center = knots.mean(axis=0)
    _, size, axes = np.linalg.svd(knots - center, full_matrices=True)
    rank = int(np.sum(size > _ROUNDING))
    return center, axes[:rank].T, axes[rank:].T


def interior(anchors):
    """Return the numbers of trained values that others surround."""
    return surrounded(anchors.lam, anchors.scale)


def surrounded(lams, scale):
    """Return the numbers of lambdas (M,) or (M, k) that others surround."""
    if lams.ndim == 1:
        return np.arange(1, len(lams) - 1)
    of, _ = combinations(scale.levels, lams)
    places, found = scale.numbers(lams), []
    for k in range(len(of)):
        rest = np.flatnonzero((of == of[k]) & (np.arange(len(of)) != k))
        if len(rest) > 1 and _outside(places[rest], places[[k]])[0] <= _ROUNDING:
            found.append(k)
    return np.array(found, dtype=int)
