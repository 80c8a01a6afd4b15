"""Fewer rows, where more would not be looked at (docs/scaling.md)."""

from dataclasses import replace

import numpy as np

from .._utils.groupby import number_groups, rank_in_group

_PASSES = 4  # over draws that training looks at; that many are as good as fresh ones
_MIN_DRAWS = 512  # of a condition: fewer make couplings worse
_MIN_ROWS = 65_536
_MAX_NUMBERS = 2**25  # of all trajectories: of each, a chord and four bends per interval


def for_movement(data, settings, rng):
    """Return as many rows as the steps of a training look at, conditions numbered anew.

    Conditions keep at most so many draws that each is looked at `_PASSES` times. Of conditions
    with few draws, which are quickly coupled, there are as many as steps see; where conditions
    do not repeat, all rows count as draws.
    """
    n_seen = settings.max_iter * settings.batch_size
    fit = _MAX_NUMBERS // (5 * len(data.anchors.edges) * data.y.shape[1])
    fit = max(fit, _MIN_ROWS // 8)
    max_draws, max_rows = (min(fit, max(_MIN_ROWS, n)) for n in (n_seen // _PASSES, n_seen))
    if not data.facts.inputs_shared[0]:
        max_rows = max_draws
    thin = thinned(data, max_rows, rng, max_draws=max_draws, min_draws=_MIN_DRAWS)
    if thin is data:
        return data
    return replace(thin, groups=number_groups(thin.groups))


def thinned(data, max_rows, rng, *, max_draws=None, min_draws=_MIN_DRAWS):
    """Return data of at most `max_rows` rows per anchor; the same where there are no more.

    Parameters
    ----------
    data : TrainingData
        All encoded rows.
    max_rows : int
        Rows per anchor of whole conditions: a random choice of them, with all anchors.
    rng : numpy.random.Generator
        Chooses.
    max_draws : int, default=None
        Rows per anchor that are shared out evenly among the conditions; None: `max_rows`.
    min_draws : int, default=512
        Draws that a condition keeps at every anchor, if it has them.
    """
    n_anchors, index = len(data.anchors.lam), data.anchors.index
    max_draws = max_draws or max_rows
    if np.bincount(index).max() <= min(max_rows, max_draws):
        return data
    n_groups = int(data.groups.max()) + 1
    # the draws of a condition at an anchor, in random order
    order = rng.permutation(len(index))
    cell = data.groups[order] * n_anchors + index[order]
    kept = order[rank_in_group(cell)[0] < max(min_draws, max_draws // n_groups)]
    # conditions in random order, until the fullest anchor is full
    place = rng.permutation(n_groups)[data.groups[kept]]
    most = np.zeros(n_groups, dtype=np.int64)
    for k in range(n_anchors):
        at = np.bincount(place[index[kept] == k], minlength=n_groups)
        most = np.maximum(most, np.cumsum(at))
    return data.take(np.sort(kept[(most[place] <= max_rows) | (place == 0)]))


def half_of_each(strata, rng):
    """Return a mask of half of the entries of every stratum, rounded up, at random."""
    order = rng.permutation(len(strata))
    rank, size = rank_in_group(strata[order])
    mask = np.zeros(len(strata), dtype=bool)
    mask[order[rank < -(-size // 2)]] = True
    return mask
