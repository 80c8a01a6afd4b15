"""Affine trajectories, where samples say no more than means and covariances.

Couplings of n samples in D dimensions miss the transport map by about n^(-1/D): in many
dimensions, a regression on them averages most of the spread away. The affine map between
Gaussians of the same moments (docs/method.md, equation 14) needs n^(-1/2) only.
"""

from functools import reduce

import numpy as np
from scipy.spatial import cKDTree

from .._utils.groupby import number_groups, split_by_group
from ..data.facts import MANY, DrawCounts
from ..stats.distances import energy_miss
from ..stats.moments import known_moments, scattered_moments
from ..stats.neighbours import N_NEIGHBOURS, near_parts
from ..stats.selection import select

_NEAR_ROWS = 128  # of a block of near conditions that have few draws each
_N_SPLITS = 8


def affine_where_better(trajectories, data, rng):
    """Replace trajectories by affine ones if those predict held-out rows better.

    Halves of the rows of every condition move the first outputs of the other half: by the
    affine map, and as the nearest trajectory goes. What arrives at later anchors is compared
    with the rows there by the energy distance (Szekely and Rizzo, 2013).

    Parameters
    ----------
    trajectories : Trajectories
        Straight trajectories through coupled rows.
    data : TrainingData
        All encoded rows.
    rng : numpy.random.Generator
        Splits the rows.

    Returns
    -------
    Trajectories
        The given ones, or affine ones from the same first points.
    """
    n_outputs = data.facts.n_outputs
    n_least = 2 * max(MANY, 2 * n_outputs)  # rows of a half
    blocks = _blocks(trajectories, data, n_least)
    if blocks is None or min(map(len, blocks)) < n_least:
        return trajectories
    budget = data.budget
    some = rng.permutation(len(blocks))[: budget.affine_blocks]
    losses = [
        np.mean([blocks[i].losses(rng, budget) for i in some], axis=0) for _ in range(_N_SPLITS)
    ]
    if select(np.transpose(losses), ["nearest", "affine"], n_errors=2.0).name == "nearest":
        return trajectories
    return _through_maps(trajectories, blocks)


def affine_trajectories(trajectories, data):
    """Replace trajectories by affine ones from the same first points.

    Raises
    ------
    ValueError
        If a condition has too few rows for a covariance, or lacks an anchor.
    """
    n_outputs = data.facts.n_outputs
    blocks = _blocks(trajectories, data)
    if blocks is None or min(map(len, blocks)) <= n_outputs:
        found = "not all anchors" if blocks is None else f"{min(map(len, blocks))} row(s)"
        raise ValueError(
            f"CouplingSolver: affine=True needs more than {n_outputs} rows of every condition at "
            f"every trained value; one has {found}. Use affine='auto'."
        )
    return _through_maps(trajectories, blocks)


def _through_maps(trajectories, blocks):
    points = trajectories.points.copy()
    for block in blocks:
        block.move(points)
    return trajectories.through(points)


class Block:
    """Trajectories of one condition, or of several, relative to mean and spread at their x."""

    def __init__(self, on, points, means, spreads, features, n_rows, edges):
        self.on = on  # which trajectories
        self.points = points  # (n, K + 1, D)
        self.means = means  # (n, K + 1, D)
        self.spreads = spreads  # (n, K + 1, D)
        self.features = features  # (n, F): what is left of x to compare
        self.n_rows = n_rows  # distinct ones, where fewest are
        self.edges = edges  # (parent, child) of anchors
        self.root = edges[0][0]

    def __len__(self):
        return self.n_rows

    def move(self, points):
        """Write affine trajectories from the first points on."""
        moved = {self.root: self.points[:, self.root]}
        for k, child in self.edges:
            here = bures_map(self.points[:, k], self.points[:, child])(moved[k])
            points[self.on, child] = self.means[:, child] + self.spreads[:, child] * here
            moved[child] = here

    def losses(self, rng, budget):
        """Return how far neighbours and the affine map end from held-out outputs, (2,)."""
        root = self.root
        start = number_groups(self.points[:, root])
        half = rng.permutation(start.max() + 1)[start] % 2 == 0
        known, new = np.flatnonzero(half), rng.permutation(np.flatnonzero(~half))
        new = new[: budget.affine_rows]
        if len(known) > budget.affine_known:
            known = rng.choice(known, budget.affine_known, replace=False)
        x, start = self.features[new], self.points[:, root]
        moved = {root: start[new]}
        tree = cKDTree(np.hstack([start[known], self.features[known]]))
        nearest = known[tree.query(np.hstack([moved[root], x]), k=N_NEIGHBOURS)[1]]
        losses = np.zeros(2)
        for k, child in self.edges:
            here, before = self.points[:, child], self.points[known, k]
            moved[child] = bures_map(before, here[known])(moved[k])
            carried = start[new] + (here[nearest] - start[nearest]).mean(axis=1)
            arrived = moved[child]
            carried, arrived, held = (np.hstack([y, x]) for y in (carried, arrived, here[new]))
            losses += energy_miss(carried, held), energy_miss(arrived, held)
        return losses


def _blocks(trajectories, data, n_least=0):
    """Return the blocks; None where a trajectory misses an anchor, or one has too few."""
    n_knots = trajectories.points.shape[1]
    if (trajectories.first > 0).any() or (trajectories.last < n_knots - 1).any():
        return None
    origin = trajectories.origin
    rows = [data.anchors.rows(k) for k in range(n_knots)]
    features, spreads = np.zeros((len(origin), 0)), np.ones(trajectories.points.shape)
    if trajectories.pooled:
        if not np.isin(data.groups[origin], _known_everywhere(data)).all():
            return None
        means, spreads = _moments_at(data, known_moments, origin, n_knots)
        distinct, of = np.unique(data.groups[origin], return_inverse=True)
        fewest = min(map(len, rows))
        groups = near_parts(data, distinct, fewest // max(_NEAR_ROWS, n_least))[of.reshape(-1)]
    elif all(data.facts.inputs_shared):
        groups = data.groups[origin]
        if DrawCounts.of(groups).fewest < n_least:
            return None
        means = np.broadcast_to(0.0, trajectories.points.shape)
    else:
        groups = np.zeros(len(origin), dtype=int)
        features = data.features[origin]
        means, spreads = _moments_at(data, scattered_moments, origin, n_knots)
    blocks = []
    for on in split_by_group(groups):
        points = (trajectories.points[on] - means[on]) / spreads[on]
        n_rows = min(len(np.unique(column)) for column in trajectories.rows[on].T)
        # equal outputs say no more
        n_rows = min(n_rows, len(np.unique(points[:, trajectories.root], axis=0)))
        edges = data.anchors.edges
        blocks.append(Block(on, points, means[on], spreads[on], features[on], n_rows, edges))
    return blocks


def _moments_at(data, moments_of, origin, n_knots):
    """Return means and units of spread (n, K + 1, D) of all anchors at the x of some rows."""
    means, units = [], []
    for anchor in range(n_knots):
        moments = moments_of(data, anchor)
        mean, spread = moments.at(data, origin)
        means.append(mean)
        units.append(moments.unit(spread))
    return np.stack(means, axis=1), np.stack(units, axis=1)


def _known_everywhere(data):
    """Return the conditions that all anchors know."""
    of_anchors = [data.groups[data.anchors.rows(k)] for k in range(len(data.anchors.lam))]
    return reduce(np.intersect1d, of_anchors)


def bures_map(source, target):
    """Return the affine map that carries mean and covariance of one sample to the other's."""
    from ot.gaussian import empirical_bures_wasserstein_mapping

    reg = 1e-6 * max(source.var(axis=0).sum(), target.var(axis=0).sum(), 1e-9)
    matrix, shift = empirical_bures_wasserstein_mapping(source, target, reg=reg)
    return lambda y: y @ matrix + shift
