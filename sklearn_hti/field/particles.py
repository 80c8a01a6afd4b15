"""Particles: one output followed through all trained values of lambda (docs/method.md, section 3).

Outputs of neighbouring values are coupled by exact optimal transport inside each input, and the
couplings are composed along a tree of edges; with one hyperparameter the tree is a chain.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from .._utils.groupby import split_by_group
from ..data.budget import BUDGET
from ..lagrangian.growth import growth_cost

MAX_COUPLED = BUDGET.coupled_answers


def follow(outputs, groups, edges, rng, carry=None, delta=0.0):
    """Return particles (n, M, D): row i is the output i of the root, followed along the edges.

    Parameters
    ----------
    outputs : ndarray of shape (M, n, D)
        Outputs at every knot, for the same inputs in the same order.
    groups : ndarray of shape (n,)
        Number of the input of each row. Inputs of one row are particles as they are.
    edges : sequence of (int, int)
        Pairs (parent, child) of knots; a parent comes before its children.
    rng : numpy.random.Generator
        Splits inputs of more than `MAX_COUPLED` draws.
    carry : callable, default=None
        ``carry(y, parent, child)`` moves outputs of a knot to its child, where they meet the
        nearest; None: they are not moved.
    delta : float, default=0.0
        What growth costs; 0: costs are squared distances.
    """
    particles = np.array(outputs, dtype=float)
    if len(np.unique(groups)) == len(groups):
        return np.ascontiguousarray(particles.transpose(1, 0, 2))
    for parent, child in edges:
        y = particles[parent]
        y = y if carry is None else carry(y, parent, child)
        partner = partners_in_groups(y, particles[child], groups, rng, delta)
        particles[child] = particles[child, partner]
    return np.ascontiguousarray(particles.transpose(1, 0, 2))


def partners_in_groups(y, y_other, groups, rng, delta=0.0):
    """Return for each row of y (n, D) its partner in y_other, among the rows of its group."""
    partner = np.arange(len(y))
    if len(np.unique(groups)) == len(groups):
        return partner
    for rows in split_by_group(groups):
        partner[rows] = rows[partners(y[rows], y_other[rows], rng, delta)]
    return partner


def partners(y, y_other, rng, delta=0.0):
    """Return for each row of y its partner in y_other, by exact optimal transport.

    Parameters
    ----------
    y, y_other : ndarray of shape (n, D)
        As many rows in both; more than `MAX_COUPLED` are coupled in random parts.
    rng : numpy.random.Generator
        Draws the parts.
    delta : float, default=0.0
        What growth costs (docs/method.md, equation 65): pairs that are far apart cost all the
        same; 0: costs are squared distances.
    """
    n_parts = -(-len(y) // MAX_COUPLED)
    mine, theirs = (rng.permutation(len(y)) if n_parts > 1 else np.arange(len(y)) for _ in "ab")
    partner = np.empty(len(y), dtype=np.int64)
    for i, j in zip(np.array_split(mine, n_parts), np.array_split(theirs, n_parts), strict=True):
        cost = cdist(y[i], y_other[j], "sqeuclidean")
        if delta > 0:
            cost = growth_cost(np.sqrt(cost), delta)
        partner[i] = j[linear_sum_assignment(cost)[1]]
    return partner


def equal_sizes(clouds, rng):
    """Return clouds (M, n, D) with the rows of each repeated evenly up to the largest number."""
    n = max(map(len, clouds))
    if all(len(cloud) == n for cloud in clouds):
        return np.stack(clouds)
    return np.stack([cloud[rng.permutation(np.arange(n) % len(cloud))] for cloud in clouds])
