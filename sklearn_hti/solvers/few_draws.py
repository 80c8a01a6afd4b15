"""Couple few draws of each input together with those of near inputs, where that is better."""

from functools import partial

import numpy as np
from scipy.spatial.distance import cdist

from .._utils.groupby import split_by_group
from ..stats.distances import energy_miss
from ..stats.moments import condition_moments
from ..stats.neighbours import near_parts, neighbours
from ..stats.selection import select
from .discrete import exact_plan

_FACTORS = (2, 4, 8)  # of min_draws: rows of blocks, which grow while that is better
_N_FOLDS = 3
_N_NEAREST = 16  # trajectories that say how a draw moves
_TINY = 1e-9  # no division by zero


def shared_groups(groups0, groups1):
    """Return the pairs of rows, and the pairs of row sets, that have the same x."""
    order0, order1 = np.argsort(groups0, kind="stable"), np.argsort(groups1, kind="stable")
    shared = np.intersect1d(groups0, groups1)
    bounds = [
        (np.searchsorted(g[o], shared, "left"), np.searchsorted(g[o], shared, "right"))
        for g, o in ((groups0, order0), (groups1, order1))
    ]
    single = np.all([end - begin == 1 for begin, end in bounds], axis=0)
    alone = order0[bounds[0][0][single]], order1[bounds[1][0][single]]
    bounds = [part[~single] for side in bounds for part in side]
    return alone, [(order0[a:b], order1[c:d]) for a, b, c, d in zip(*bounds, strict=True)]


def standardised(data, edge):
    """Return outputs of both ends beside the mean of their x, in typical spreads."""
    return [condition_moments(data, k).standardise(data, data.anchors.rows(k)) for k in edge]


def near_blocks(data, edge, min_draws):
    """Return pairs of row sets of near conditions whose few draws are better coupled together.

    None are returned unless numbers tell conditions apart. What is better is judged by inputs
    that are left out: their draws move as near draws of other inputs do, and the result is
    compared with what they are at the other end. Where plans inside inputs match chance with
    chance, such moves lose spread; where plans mix what is unlike, they go astray.

    Parameters
    ----------
    data : TrainingData
        All encoded rows.
    edge : tuple of int
        The two trained values.
    min_draws : int
        So many draws of an input are not few.

    Returns
    -------
    list of (ndarray, ndarray)
        Rows of the first anchor and of the second, counted from the first of each anchor.
    """
    if not data.facts.few_draws(edge, min_draws):
        return []
    rows = [data.anchors.rows(k) for k in edge]
    groups = [data.groups[r] for r in rows]
    judge = _Judge(data, edge, _some_conditions(data, *groups))
    best, least = None, judge.misses(_own_blocks, pooled=False)
    for n_rows in (factor * min_draws for factor in _FACTORS):
        couple = partial(_near_groups, data, n_rows=n_rows)
        misses = judge.misses(couple, pooled=True)
        if select([least, misses], n_errors=0.0).index == 0:
            break
        best, least = couple, misses
    return best(*groups) if best else []


def _some_conditions(data, groups0, groups1):
    """Return conditions that both ends know, neighbours left beside each other."""
    shared, n_regions = np.intersect1d(groups0, groups1), data.budget.pooled_regions
    most = max(np.isin(groups, shared).sum() for groups in (groups0, groups1))
    n_parts = -(-most * n_regions // data.budget.pooled_rows)
    if n_parts <= n_regions:
        return shared
    part = near_parts(data, shared, n_parts)
    kept = np.random.default_rng(0).permutation(part.max() + 1)[:n_regions]
    return shared[np.isin(part, kept)]


class _Judge:
    """Tells how well couplings predict how draws of left-out conditions move.

    Parameters
    ----------
    data : TrainingData
        All encoded rows.
    edge : tuple of int
        The two trained values.
    conditions : ndarray
        The groups that are left out in turn.
    """

    def __init__(self, data, edge, conditions):
        self.data = data
        self.end = condition_moments(data, edge[1])
        self.conditions = conditions
        kept = [np.isin(data.groups[data.anchors.rows(k)], conditions) for k in edge]
        self.rows = [data.anchors.rows(k)[on] for k, on in zip(edge, kept, strict=True)]
        self.groups = [data.groups[rows] for rows in self.rows]
        self.y = [data.y[rows] for rows in self.rows]
        self.standard = [
            condition_moments(data, k).standardise(data, rows)
            for k, rows in zip(edge, self.rows, strict=True)
        ]
        places = np.hstack([self.y[0], data.features[self.rows[0]]])
        around = places - places.mean(axis=0)
        self.places = around / np.maximum(around.std(axis=0), _TINY)

    def misses(self, blocks_of, *, pooled):
        """Return, input by input, how far draws that move as near ones do are from true ones.

        `blocks_of` takes the groups of the rows of both ends and returns what to couple.
        """
        rng = np.random.default_rng(0)
        fold = rng.permutation(len(self.conditions)) % _N_FOLDS
        misses, most = [], self.data.budget.pooled_draws
        for held in (self.conditions[fold == f] for f in range(_N_FOLDS)):
            new = [np.isin(groups, held) for groups in self.groups]
            start, way = self._ways([np.flatnonzero(~on) for on in new], blocks_of, pooled)
            k = min(_N_NEAREST, len(start))
            near = neighbours(self.places[start], rng, self.data.budget)(self.places[new[0]], k)[1]
            arrived = self.y[0][new[0]] + way[near].reshape(len(near), k, -1).mean(axis=1)
            there = self.y[1][new[1]]
            misses += [
                energy_miss(arrived[_some(i, most)], there[_some(j, most)])
                for i, j in _own_blocks(*(g[on] for g, on in zip(self.groups, new, strict=True)))
            ]
        return misses

    def _ways(self, known, blocks_of, pooled):
        """Return rows of the first end, and how they move at their x if coupled as told."""
        blocks = blocks_of(*(g[on] for g, on in zip(self.groups, known, strict=True)))
        coupled = self.standard if pooled else self.y
        known_y = (y[on] for y, on in zip(coupled, known, strict=True))
        pairs = _pairs(*known_y, blocks, self.data.budget.pooled_block)
        start, end = (on[part] for on, part in zip(known, pairs, strict=True))
        there = self.y[1][end]
        if pooled:
            there = self.end.carry(self.data, self.rows[1][end], self.rows[0][start])
        return start, there - self.y[0][start]


def _pairs(y0, y1, blocks, most):
    """Return pairs of rows of optimal plans inside blocks, one per row of the first."""
    pairs = []
    for block in blocks:
        i, j = (_some(rows, most) for rows in block)
        pairs.append((i, j[exact_plan(cdist(y0[i], y1[j], "sqeuclidean")).argmax(axis=1)]))
    return (np.concatenate(side) for side in zip(*pairs, strict=True))


def _some(rows, most):
    return rows[:: -(-len(rows) // most)]


def _own_blocks(groups0, groups1):
    """Return the pairs of row sets of every condition."""
    alone, blocks = shared_groups(groups0, groups1)
    return [*zip(*(rows[:, None] for rows in alone), strict=True), *blocks]


def _near_groups(data, groups0, groups1, n_rows):
    """Return pairs of row sets of near conditions that both ends know, about `n_rows` each."""
    shared = np.intersect1d(groups0, groups1)
    smaller = min(np.isin(groups, shared).sum() for groups in (groups0, groups1))
    part = near_parts(data, shared, smaller // n_rows)
    sides = []
    for groups in (groups0, groups1):
        rows = np.flatnonzero(np.isin(groups, shared))
        of = part[np.searchsorted(shared, groups[rows])]
        sides.append([rows[on] for on in split_by_group(of, part.max() + 1)])
    return list(zip(*sides, strict=True))
