"""Trees through knots: which trained values of lambda are coupled with which."""

from itertools import pairwise

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.spatial.distance import cdist


def chain(n_knots):
    """Return the edges of a chain, from the first knot on."""
    return [(k, k + 1) for k in range(n_knots - 1)]


def spanning_tree(knots):
    """Return the edges of the shortest tree through knots (M, k); of one axis, the chain."""
    if knots.shape[1] == 1:
        order = np.argsort(knots[:, 0], kind="stable")
        return list(pairwise(order.tolist()))
    return _pairs(_tree(knots))


def rooted_tree(knots):
    """Return the edges (parent, child) of the shortest tree through knots (M, k).

    The root is the most central knot: that with the least sum of distances. A parent comes before
    its children.
    """
    root = int(cdist(knots, knots).sum(axis=1).argmin())
    order, parents = breadth_first_order(_tree(knots), root, directed=False)
    return [(int(parents[child]), int(child)) for child in order[1:]]


def edges_left_out(knots):
    """Return the shortest edges (a, b) that are in no tree: as many as the tree has, at most."""
    distance = cdist(knots, knots)
    taken = {frozenset(edge) for edge in rooted_tree(knots)}
    pairs = [(a, b) for b in range(len(knots)) for a in range(b) if frozenset((a, b)) not in taken]
    return sorted(pairs, key=lambda edge: distance[edge])[: len(taken)]


def _tree(knots):
    # a constant changes no tree, and zero would be no edge
    return minimum_spanning_tree(np.triu(1 + cdist(knots, knots), 1))


def _pairs(tree):
    return [(int(a), int(b)) for a, b in zip(*tree.nonzero(), strict=True)]
