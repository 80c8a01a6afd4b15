"""The region between trained values of several hyperparameters."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from .._utils.registry import storable
from ..data.lam_space import LamSpace, combinations
from .axes import AxesScale

_ROUNDING = 1e-6  # of the trained range


@storable
@dataclass(frozen=True)
class Hull:
    """Convex hulls of the trained values, one for every combination of categories.

    Attributes
    ----------
    space : LamSpace
        The hyperparameters.
    scale : AxesScale
        Gives the places in which hulls are convex.
    lams : ndarray of shape (M, k)
        Trained values.
    """

    space: LamSpace
    scale: AxesScale
    lams: np.ndarray

    def check(self, lam, name):
        """Return lambdas (n, k); raise where one lies outside.

        Raises
        ------
        ValueError
            Names the nearest trained value, and how far it is.
        """
        outside = self.distance(lam)
        bad = np.flatnonzero(outside > _ROUNDING)
        if len(bad):
            lam = lam[bad[0]]
            if np.isinf(outside[bad[0]]):
                raise ValueError(
                    f"`{name}` has {len(bad)} value(s), first {self.space.text(lam)}, whose "
                    "combination of categories was never seen in fit; train networks with it."
                )
            apart = cdist(self.scale.place(lam[None]), self.scale.place(self.lams))[0]
            nearest = int(apart.argmin())
            raise ValueError(
                f"`{name}` has {len(bad)} value(s) outside the convex hull of the trained "
                f"values, first {self.space.text(lam)}, by {outside[bad[0]]:.3g} of the trained "
                f"range; the nearest trained value is {self.space.text(self.lams[nearest])}. The "
                "surrogate interpolates only; train a network there and add its outputs to fit."
            )
        return lam

    def distance(self, lam):
        """Return how far lambdas (n, k) lie outside; infinite for unseen categories."""
        levels = self.space.kept_levels
        of, _ = combinations(levels, np.vstack([self.lams, lam]))
        trained, asked = of[: len(self.lams)], of[len(self.lams) :]
        out = np.full(len(lam), np.inf)
        places, own = self.scale.numbers(self.lams), self.scale.numbers(lam)
        for k in np.intersect1d(trained, asked):
            rows = np.flatnonzero(asked == k)
            out[rows] = _outside(places[trained == k], own[rows])
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
