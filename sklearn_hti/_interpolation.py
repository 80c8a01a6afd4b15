"""Answers between two networks that were both asked, from both."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

_MAX_COUPLED = 2048  # draws of one input that are coupled at once


def meet(forward, backward, share):
    """Return the mean of two answers: the first at share 0, the second at share 1.

    What a transport gets wrong grows with its way, and so does the weight of the other.
    """
    share = share[:, None]
    return (1 - share) * forward + share * backward


def partners(arrived, y, groups, rng):
    """Return for every row the row of `y` of its group that is coupled with where it arrived.

    Exact optimal transport inside each group of equal inputs; single rows are pairs as they
    are.
    """
    partner = np.arange(len(y))
    order = np.argsort(groups, kind="stable")
    _, first = np.unique(groups[order], return_index=True)
    for rows in np.split(order, first[1:]):
        if len(rows) == 1:
            continue
        rows = rng.permutation(rows) if len(rows) > _MAX_COUPLED else rows
        for part in np.array_split(rows, -(-len(rows) // _MAX_COUPLED)):
            cost = cdist(arrived[part], y[part], "sqeuclidean")
            partner[part] = part[linear_sum_assignment(cost)[1]]
    return partner
