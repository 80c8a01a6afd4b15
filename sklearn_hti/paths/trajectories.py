"""Chain transport plans into trajectories: one output followed through all anchors."""

from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from .._utils.groupby import rank_in_group, split_by_group
from ..data.facts import MOST
from ..stats.moments import known_moments, scattered_moments


@dataclass(frozen=True)
class Trajectories:
    """Coupled outputs, one row per trajectory, one column per anchor.

    A trajectory may cover a part of the anchors, from `first` to `last`; knots outside it
    repeat the nearest one.
    """

    points: np.ndarray  # (N, K + 1, D), scaled
    deviation: np.ndarray  # (N, K, M, D): of paths from chords (deviation.py); else M = 0
    rows: np.ndarray  # (N, K + 1): training rows; the x of the first is the condition
    first: np.ndarray  # (N,)
    last: np.ndarray  # (N,)
    root: int = 0  # the anchor at which trajectories begin
    affine: bool = False  # later points come from affine maps, not from rows
    pooled: bool = False  # few draws of an input were coupled with those of near ones

    @property
    def whole(self):
        """Which trajectories pass all anchors, (N,)."""
        return (self.first == 0) & (self.last == self.points.shape[1] - 1)

    @property
    def origin(self):
        """Training rows whose x is the condition, (N,)."""
        return self.rows[:, self.root]

    def deviating(self, deviation):
        """Return the same trajectories on other paths between their knots."""
        return replace(self, deviation=deviation)

    def through(self, points):
        """Return trajectories from the same first points through others, by affine maps."""
        return replace(self, points=points, affine=True)

    def __getitem__(self, picked):
        names = [f.name for f in fields(self) if f.name not in ("root", "affine", "pooled")]
        return replace(self, **{name: getattr(self, name)[picked] for name in names})


def build_trajectories(data, plans, rng, carry=True):
    """Draw trajectories through the plans, so that every row is visited evenly.

    Parameters
    ----------
    data : TrainingData
        All encoded rows.
    plans : list of csr_array
        One plan per edge of the chain or tree of anchors.
    rng : numpy.random.Generator
        Source of randomness.
    carry : bool, default=True
        Whether outputs of another input are carried to the input of the trajectory; else they
        stay as they are.

    Returns
    -------
    Trajectories
        Trajectories through at least two anchors each.
    """
    anchors = data.anchors
    if anchors.several:
        rows = _grown(plans, anchors, rng)
        rows = rows[(rows >= 0).all(axis=1)]
    else:
        rows = _glued(_chain(plans, rng), data)
        rows = rows[(rows >= 0).sum(axis=1) >= 2]
    n_knots = rows.shape[1]
    first = (rows >= 0).argmax(axis=1)
    last = n_knots - 1 - (rows[:, ::-1] >= 0).argmax(axis=1)
    columns = np.clip(np.arange(n_knots), first[:, None], last[:, None])
    local = np.take_along_axis(rows, columns, axis=1)
    index = np.empty_like(local)
    for k in range(n_knots):
        anchor_rows = data.anchors.rows(k)
        here = columns == k
        index[here] = anchor_rows[local[here]]

    root = anchors.root
    origin = index[:, root]
    points = data.y[index]
    n_pooled = n_moved = 0
    for k in range(n_knots if carry else 0):
        moved = np.flatnonzero(data.groups[index[:, k]] != data.groups[origin])
        known = np.isin(data.groups[origin[moved]], data.groups[data.anchors.rows(k)])
        known &= known.any() and data.facts.draws_differ[k]
        n_moved, n_pooled = n_moved + len(known), n_pooled + known.sum()
        # another x: carry what is left of y over to the origin's x, beside mean and spread there,
        for on, moments in (
            (moved[known], known_moments),
            (moved[~known], scattered_moments),
        ):
            if len(on):
                points[on, k] = moments(data, k).carry(data, index[on, k], origin[on])
    deviation = np.zeros((len(points), n_knots - 1, 0, points.shape[2]))
    pooled = bool(n_pooled > MOST * n_moved)
    return Trajectories(points, deviation, index, first, last, root, pooled=pooled)


def _chain(plans, rng):
    """Return local row numbers (N, K + 1), -1 where a trajectory does not reach."""
    sizes = [plans[0].shape[0]] + [plan.shape[1] for plan in plans]
    target = max(sizes)
    starts = np.diff(plans[0].indptr) > 0
    current = np.repeat(np.flatnonzero(starts), -(-target // sizes[0]))
    columns = [current]
    for k, plan in enumerate(plans):
        reached = np.full(len(current), -1)
        alive = np.flatnonzero(current >= 0)
        alive = alive[np.diff(plan.indptr)[current[alive]] > 0]
        reached[alive] = _partners(plan, current[alive], rng)
        # rows that no plan leads to begin trajectories of their own
        unseen = np.setdiff1d(np.arange(sizes[k + 1]), plan.indices)
        if k + 1 < len(plans):
            unseen = unseen[np.diff(plans[k + 1].indptr)[unseen] > 0]
            # as often as the rows beside them are visited
            n_copies = (reached >= 0).sum() / max(1, len(np.unique(plan.indices)))
            unseen = np.repeat(unseen, max(1, round(n_copies)))
            columns = [np.concatenate([c, np.full(len(unseen), -1)]) for c in columns]
            reached = np.concatenate([reached, unseen])
        columns.append(reached)
        current = reached
    return np.stack(columns, axis=1)


def _grown(plans, anchors, rng):
    """Return local row numbers (N, M) of trajectories that grow from the root of the tree.

    A trajectory that finds no partner has -1 from there on.
    """
    sizes = [len(anchors.rows(k)) for k in range(len(anchors.lam))]
    n_copies = -(-max(sizes) // sizes[anchors.root])
    columns = {anchors.root: np.repeat(np.arange(sizes[anchors.root]), n_copies)}
    for (parent, child), plan in zip(anchors.edges, plans, strict=True):
        current = columns[parent]
        reached = np.full(len(current), -1)
        alive = np.flatnonzero(current >= 0)
        alive = alive[np.diff(plan.indptr)[current[alive]] > 0]
        reached[alive] = _partners(plan, current[alive], rng)
        columns[child] = reached
    return np.stack([columns[k] for k in range(len(sizes))], axis=1)


def _glued(rows, data):
    """Match the ways into every row with those out of it: near before, near after.

    Where anchors have unlike numbers of rows, trajectories cross in the rows of the smaller. Were
    they to part by chance, a map that follows them would follow their mean, and lose the spread.
    """
    rows = rows.copy()
    for k in range(1, rows.shape[1] - 1):
        here = np.flatnonzero((rows[:, k - 1 : k + 2] >= 0).all(axis=1))
        crossings = [here[on] for on in split_by_group(rows[here, k])]
        parts = [part for one in crossings for part in _parts(one, data.budget.matched_ways)]
        parts = [part for part in parts if _branch(rows[part], k)]
        if not parts:
            continue
        before, after = _beside_means(data, k - 1), _beside_means(data, k + 1)
        for part in parts:
            cost = cdist(before[rows[part, k - 1]], after[rows[part, k + 1]], "sqeuclidean")
            rows[part, k + 1 :] = rows[part[linear_sum_assignment(cost)[1]], k + 1 :]
    return rows


def _parts(crossing, most):
    """Return evenly mixed parts of the trajectories that cross in a row."""
    n_parts = -(-len(crossing) // most)
    return [crossing[i::n_parts] for i in range(n_parts)]


def _branch(rows, k):
    """Tell whether trajectories come from several rows to that of anchor k, and go to several."""
    before, after = rows[:, k - 1], rows[:, k + 1]
    return (before != before[0]).any() and (after != after[0]).any()


def _beside_means(data, anchor):
    """Return what means leave of the outputs of an anchor, beside the numbers of x."""
    rows = data.anchors.rows(anchor)
    mean, _ = known_moments(data, anchor).at(data, rows)
    return np.hstack([data.y[rows] - mean, data.conditions.scaled[rows]])


def _partners(plan, rows, rng):
    """Draw a partner for each row from its line of the plan, stratified over its copies."""
    order = np.argsort(rows, kind="stable")
    sorted_rows = rows[order]
    rank, count = rank_in_group(sorted_rows)
    level = (rank + rng.random(len(rows))) / count

    line = np.repeat(np.arange(plan.shape[0]), np.diff(plan.indptr))
    mass = plan.data / np.asarray(plan.sum(axis=1)).reshape(-1)[line]
    cumulative = np.cumsum(mass)
    before = np.concatenate([[0.0], cumulative])[plan.indptr[:-1]]
    position = np.searchsorted(cumulative, before[sorted_rows] + level, side="left")
    low, high = plan.indptr[sorted_rows], plan.indptr[sorted_rows + 1] - 1
    partners = np.empty(len(rows), dtype=np.int64)
    partners[order] = plan.indices[np.clip(position, low, high)]
    return partners
