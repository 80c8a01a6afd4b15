"""Answers between two networks that were both asked, from both."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from .._utils.groupby import number_groups, split_by_group
from ..data.budget import BUDGET

_MISSED = 0.5  # of the way: a transport that ends farther from the other output is not asked
_MAX_COUPLED = BUDGET.coupled_answers


def interpolate(displace, share, y_from, y_to, conditions, lam_from, lam_to, lam):
    """Return outputs at lambda between those of two networks, (n, D), all in scaled units.

    Parameters
    ----------
    displace : callable
        How far outputs move, ``displace(y, conditions, lam_from, lam_to)``.
    share : callable
        How far on the way lambda is, ``share(lam, lam_from, lam_to)``.
    y_from, y_to : ndarray of shape (n, D)
        The outputs; those of equal conditions and lambdas are coupled first.
    conditions : Conditions
        Of every row.
    lam_from, lam_to, lam : ndarray of shape (n,)
        Lambda of the outputs, and of those wanted.
    """

    def moved(y, start, end):
        return y + displace(y, conditions, start, end)

    arrived = moved(y_from, lam_from, lam_to)
    networks = np.column_stack([conditions.groups(), lam_from, lam_to])
    groups = number_groups(networks)
    if len(np.unique(groups)) < len(groups):
        y_to = y_to[partners(arrived, y_to, groups, np.random.default_rng(0))]
    forward = moved(y_from, lam_from, lam), arrived
    backward = moved(y_to, lam_to, lam), moved(y_to, lam_to, lam_from)
    return meet(y_from, y_to, forward, backward, share(lam, lam_from, lam_to))


def meet(y_from, y_to, forward, backward, share):
    """Return where the ways from both outputs meet, (n, D).

    Parameters
    ----------
    y_from, y_to : ndarray of shape (n, D)
        The outputs.
    forward, backward : tuple of ndarray
        Where a transport leads the first and the second: on the way, and at the other end.
    share : ndarray of shape (n,)
        How far on the way, 0 to 1.

    Returns
    -------
    ndarray of shape (n, D)
        Points on straight lines, and by how much the transports leave the lines of their own
        ways, as far as these arrive at the other output. A transport's error grows with its
        way, and so does the weight of the other.
    """
    share = share[:, None]

    def on_line(start, end):
        return (1 - share) * start + share * end

    leaves = on_line(
        forward[0] - on_line(y_from, forward[1]), backward[0] - on_line(backward[1], y_to)
    )
    missed = ((forward[1] - y_to) ** 2 + (backward[1] - y_from) ** 2).sum(axis=1, keepdims=True)
    allowed = 2 * (_MISSED * (y_to - y_from)) ** 2
    allowed = np.maximum(allowed.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    trust = 1 - np.minimum(missed, allowed) / allowed
    return on_line(y_from, y_to) + trust * leaves


def partners(arrived, y, groups, rng):
    """Return for every row the row of `y` of its group that is coupled with where it arrived.

    Exact optimal transport inside each group of equal inputs; single rows are pairs as they
    are.
    """
    partner = np.arange(len(y))
    for rows in split_by_group(groups):
        if len(rows) == 1:
            continue
        rows = rng.permutation(rows) if len(rows) > _MAX_COUPLED else rows
        for part in np.array_split(rows, -(-len(rows) // _MAX_COUPLED)):
            cost = cdist(arrived[part], y[part], "sqeuclidean")
            partner[part] = part[linear_sum_assignment(cost)[1]]
    return partner
