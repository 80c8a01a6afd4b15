"""Fewer rows, where more would not be looked at (docs/benchmarks/scaling.md)."""

from dataclasses import replace

import numpy as np

from .._utils.groupby import number_groups, rank_in_group
from .budget import Reading


def for_movement(data, settings, rng):
    """Return as many rows as the steps of a training look at, conditions numbered anew.

    Conditions keep at most so many draws that training looks at each a few times. Of conditions
    with few draws, which are quickly coupled, there are as many as steps see; where conditions
    do not repeat, all rows count as draws.
    """
    budget = data.budget
    n_seen = settings.max_iter * settings.batch_size
    fit = budget.movement_numbers // (5 * len(data.anchors.edges) * data.facts.n_outputs)
    fit = max(fit, budget.movement_rows // 8)
    max_draws, max_rows = (
        min(fit, max(budget.movement_rows, n)) for n in (n_seen // budget.passes, n_seen)
    )
    if not data.facts.inputs_shared[0]:
        max_rows = max_draws
    thin = thinned(data, Reading(max_rows, max_draws, budget.movement_draws), rng)
    if thin is data:
        return data
    return replace(thin, groups=number_groups(thin.groups))


def thinned(data, reading, rng):
    """Return what a stage reads of the data; the same where there are no more.

    Parameters
    ----------
    data : TrainingData
        All encoded rows.
    reading : Reading
        How many rows and draws of every anchor.
    rng : numpy.random.Generator
        Chooses.

    Returns
    -------
    TrainingData
        All anchors; conditions keep their numbers.
    """
    n_anchors, index = len(data.anchors.lam), data.anchors.index
    max_rows, max_draws = reading.max_rows, reading.max_draws or reading.max_rows
    if np.bincount(index).max() <= min(max_rows, max_draws):
        return data
    n_groups = int(data.groups.max()) + 1
    # the draws of a condition at an anchor, in random order
    order = rng.permutation(len(index))
    cell = data.groups[order] * n_anchors + index[order]
    kept = order[rank_in_group(cell)[0] < max(reading.min_draws, max_draws // n_groups)]
    # conditions in random order, until the fullest anchor is full
    place = rng.permutation(n_groups)[data.groups[kept]]
    most = np.zeros(n_groups, dtype=np.int64)
    for k in range(n_anchors):
        at = np.bincount(place[index[kept] == k], minlength=n_groups)
        most = np.maximum(most, np.cumsum(at))
    return data.take(np.sort(kept[(most[place] <= max_rows) | (place == 0)]))
