"""What is near: places around knots, and points beside each other in an order."""

import numpy as np
from scipy.spatial import KDTree
from sklearn.neighbors import NearestNeighbors

from .._utils.groupby import first_of_each, number_groups, split_by_group
from ..data.budget import BUDGET
from ..data.facts import FEW, DrawCounts

_N_PLACES = 16  # around each knot
_MANY_OUTPUTS = 8  # with more, trees look at all knots: some are enough
N_NEIGHBOURS = 4  # that say how far apart places are, and how a draw moves


def nearby_places(points, passes, groups, rng, budget=BUDGET):
    """Draw places around knots where conditions have many draws; else return the knots alone.

    A flow map that has seen nothing but the knots themselves learns them by heart and errs
    between them. So it is told to go there as the nearest trajectory of the condition goes.
    Half of the places remain the knot.

    Parameters
    ----------
    points : ndarray of shape (N, K + 1, D)
        Knots of trajectories.
    passes : ndarray of shape (N, K + 1)
        Whether the trajectory passes the anchor.
    groups : ndarray of shape (N,)
        Condition of each trajectory.
    rng : numpy.random.Generator
        Source of randomness.
    budget : Budget
        Limits the places.

    Returns
    -------
    places : ndarray of shape (N, K + 1, P, D)
        The knots, and places about as far from them as knots of the condition are apart.
    nearest : ndarray of shape (N, K + 1, P)
        The trajectory whose knot is nearest to each place.
    """
    n, n_knots, n_outputs = points.shape
    most = min(budget.places, budget.place_numbers // n_outputs) // (n * n_knots)
    n_places = int(np.clip(most, 1, _N_PLACES)) if DrawCounts.of(groups).show_spread else 1
    places = np.repeat(points[:, :, None], n_places, axis=2)
    nearest = np.broadcast_to(np.arange(n)[:, None, None], (n, n_knots, n_places)).copy()
    if n_places == 1:
        return places, nearest
    n_kept = n_places // 2
    for rows in split_by_group(groups):
        for k in range(n_knots):
            on = rows[passes[rows, k]]
            known, which = np.unique(points[on, k], axis=0, return_inverse=True)
            if len(known) < FEW:
                continue
            query = neighbours(known, rng, budget)
            apart = query(known, N_NEIGHBOURS + 1)[0][:, 1:].mean(axis=1)
            noise = rng.standard_normal((len(on), n_places - n_kept, n_outputs))
            apart = apart[which.reshape(-1)] * np.sqrt(2 / n_outputs)
            drawn = points[on, None, k] + apart[:, None, None] * noise
            found = query(drawn.reshape(-1, n_outputs), 1)[1].reshape(drawn.shape[:2])
            places[on, k, n_kept:] = drawn
            nearest[on, k, n_kept:] = on[_one_of_each(which.reshape(-1), found, rng)]
    return places, nearest


def neighbours(known, rng, budget=BUDGET):
    """Return the function (places, k) -> distances and numbers of their k nearest."""
    n, n_outputs = known.shape
    if n_outputs <= _MANY_OUTPUTS:
        return KDTree(known).query
    most = budget.known_knots
    some = np.arange(n) if n <= most else rng.choice(n, most, replace=False)
    search = NearestNeighbors(algorithm="brute").fit(known[some])

    def query(places, k):
        distance, found = search.kneighbors(places, k)
        return distance, some[found]

    return query


def _one_of_each(labels, wanted, rng):
    """Return, for every wanted label, the position of one of those that have it."""
    order = np.argsort(labels, kind="stable")
    count = np.bincount(labels)
    first = np.cumsum(count) - count
    return order[first[wanted] + (rng.random(wanted.shape) * count[wanted]).astype(int)]


def k_d_order(y):
    """Return an order of points (n, D) in which those of each even part are close together."""
    parts = [np.arange(len(y))]
    while max(map(len, parts)) > 1:
        halves = []
        for part in parts:
            spread = np.ptp(y[part], axis=0)
            part = part[np.argsort(y[part, spread.argmax()], kind="stable")]
            halves += [half for half in np.array_split(part, 2) if len(half)]
        parts = halves
    return np.concatenate(parts)


def near_parts(data, groups, n_parts):
    """Return the part, of about so many, of every one of some conditions of the TrainingData.

    Those of a part have the same categories, and numbers that are near.
    """
    known, category, order = _near_order(data)
    of = np.searchsorted(known, groups)
    part = np.empty(len(groups), dtype=np.int64)
    n_before = 0
    for one in np.unique(category[of]):
        members = np.flatnonzero(category[of] == one)
        members = members[np.argsort(order[of[members]])]
        n = int(np.clip(round(n_parts * len(members) / len(groups)), 1, len(members)))
        part[members] = n_before + np.arange(len(members)) * n // len(members)
        n_before += n
    return part


def _near_order(data):
    """Return all conditions, the number of their categories, and their places in an order."""
    if _near_order not in data.memo:
        first = first_of_each(data.groups)
        category = number_groups(data.conditions.codes[first])
        order = np.empty(len(first), dtype=np.int64)
        order[k_d_order(data.conditions.scaled[first])] = np.arange(len(first))
        data.memo[_near_order] = data.groups[first], category, order
    return data.memo[_near_order]
