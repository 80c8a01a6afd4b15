"""Draw y at the base anchor from the training rows of the nearest condition."""

import numpy as np
from scipy.spatial import cKDTree

from .._utils.groupby import first_of_each, split_by_group
from .._utils.registry import storable
from ..data.budget import BUDGET
from ..data.facts import FEW
from ..stats.neighbours import k_d_order

_DIGITS = 9


@storable
class NeighborsBase:
    """Draws among the outputs of the nearest distinct conditions.

    Each condition draws from its own rows if it has at least `min_rows`; else the nearest
    conditions are pooled until that many rows are gathered. Categories never mix.

    Parameters
    ----------
    min_rows : int, default=5
        Rows to choose from, at least (fewer where a category has fewer).
    """

    name: str  # of the kind of base, and why it was chosen: see `make_base`
    reason: str

    def __init__(self, min_rows=FEW):
        self.min_rows = min_rows

    def fit(self, y, conditions, groups):
        """Store the outputs of each distinct condition and their pools."""
        own = split_by_group(groups)
        self.y_ = y
        self.centers_ = conditions[first_of_each(groups)]
        self.trees_ = {}
        for code in np.unique(self.centers_.codes, axis=0):
            members = np.flatnonzero((self.centers_.codes == code).all(axis=1))
            self.trees_[tuple(code)] = (cKDTree(_places(self.centers_)[members]), members)
        self.pools_ = [self._pool(g, own) for g in range(len(own))]
        return self

    def _pool(self, g, own):
        """Return the rows that condition g draws from."""
        tree, members = self.trees_[tuple(self.centers_.codes[g])]
        n_near = min(len(members), self.min_rows)
        _, near = tree.query(_places(self.centers_)[g], k=[*range(1, n_near + 1)])
        near = [g, *(m for m in members[near] if m != g)]
        sizes = np.cumsum([len(own[m]) for m in near])
        n_used = int(np.searchsorted(sizes, self.min_rows)) + 1
        pool = np.concatenate([own[m] for m in near[:n_used]])
        return pool[k_d_order(self.y_[pool])]  # even parts of which are like the whole

    def noise(self, n_rows, n_draws, rng):
        """Return the randomness of the draws, rows first.

        The draws of a row are spread evenly over its pool, in random order: of independent ones,
        some rows of the pool would come twice and others never.
        """
        uniform, order = rng.random((n_rows, 2, n_draws)).swapaxes(0, 1)
        return (np.argsort(order, axis=1) + uniform) / n_draws

    def fixed_noise(self, rng, n_draws=BUDGET.listed_draws):
        """Return noise that spreads evenly over the rows of a pool, to be shared by rows."""
        return (np.arange(n_draws)[None] + 0.5) / n_draws

    def draw(self, query, noise, dtype=None):
        """Return scaled outputs (n, n_draws, D)."""
        return self.y_[self._rows(self._nearest(query.conditions), noise)]

    def _rows(self, nearest, noise):
        """Return the rows (n, n_draws) that noise picks from the pools of conditions."""
        used, own = np.unique(nearest, return_inverse=True)
        pools = [self.pools_[g] for g in used]
        sizes = np.array([len(pool) for pool in pools])
        first = np.cumsum(sizes) - sizes
        place = first[own, None] + (noise * sizes[own, None]).astype(np.int64)
        return np.concatenate(pools)[place]

    def _nearest(self, conditions):
        """Return the nearest distinct condition of every row."""
        nearest = np.empty(len(conditions), dtype=np.int64)
        for code in np.unique(conditions.codes, axis=0):
            here = (conditions.codes == code).all(axis=1)
            if tuple(code) not in self.trees_:
                raise ValueError(
                    "X holds a combination of categories that has no row at the base "
                    "value, so base='neighbors' cannot draw there. Use base='flow'."
                )
            tree, members = self.trees_[tuple(code)]
            nearest[here] = members[tree.query(_places(conditions)[here])[1]]
        return nearest


def _places(conditions):
    """Return the numeric part of x, with at least one column, for a KD tree.

    Rounded, lest the last digit choose between neighbours that are equally near.
    """
    if conditions.scaled.shape[1]:
        return conditions.scaled.round(_DIGITS)
    return np.zeros((len(conditions), 1))
