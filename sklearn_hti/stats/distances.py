"""How far samples are from each other."""

import numpy as np
from scipy.spatial.distance import cdist

from .._utils.groupby import rank_in_group
from ..data.budget import BUDGET
from ..metrics import squared_wasserstein


def half_distance(y, groups, order, max_draws=np.inf):
    """Return W2^2 between halves of the rows of each group, in a random order of rows.

    At most `max_draws` rows of a group and so many groups, those that come first, are taken as the
    budget allows. Zero where no group has two.
    """
    seen, first = np.unique(groups[order], return_index=True)
    if len(seen) > BUDGET.distance_inputs:
        seen = seen[np.argsort(first)[: BUDGET.distance_inputs]]
        order = order[np.isin(groups[order], seen)]
    order = order[np.argsort(groups[order], kind="stable")]
    rank, size = rank_in_group(groups[order])
    kept = rank < np.minimum(2 * (size // 2), max_draws)
    one, other = (order[kept & (rank % 2 == parity)] for parity in (0, 1))
    if not len(one):
        return 0.0
    return squared_wasserstein(y[one], y[other], groups=(groups[one], groups[other]))


def energy_miss(a, b):
    """Return 2 E|a - b| - E|a - a'|, the part of the energy distance that a decides.

    Szekely and Rizzo, "Energy statistics", Journal of Statistical Planning and Inference, 2013.
    """
    return 2 * cdist(a, b).mean() - cdist(a, a).sum() / max(1, len(a) * (len(a) - 1))
