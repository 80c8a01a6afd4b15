"""Outputs of a bin of lambdas as they would be at the anchor in its middle."""

from dataclasses import replace

import numpy as np

from .._utils.groupby import number_groups
from ..data.conditions import Conditions
from .moments import ScatteredMoments

_MIN_ROWS = 50  # of one combination of categories, to follow lambda in a way of their own


def to_anchors(data):
    """Move outputs to the anchors of their bins, as their mean and spread go with lambda.

    Couplings of bins would else take for chance what lambda does within them, and follow
    neither.

    Parameters
    ----------
    data : TrainingData
        All encoded rows, of bins.

    Returns
    -------
    TrainingData
        The same rows at the lambdas of the anchors.
    """
    n, lam = len(data.y), data.anchors.lam
    ranks = np.sort(data.lam), np.linspace(-1.7, 1.7, n)  # about standard deviations
    here, there = np.interp(data.lam, *ranks), np.interp(lam, *ranks)[data.anchors.index]
    x = data.conditions
    both = Conditions(
        np.column_stack([np.tile(x.scaled, (2, 1)), np.concatenate([here, there])]),
        np.tile(x.codes, (2, 1)),
        np.tile(x.keys, (2, 1)),
    )
    with_lam = replace(
        data,
        y=np.tile(data.y, (2, 1)),
        conditions=both,
        features=replace(data.features, conditions=both),
    )
    moved = np.empty_like(data.y)
    for rows in _alike(x.codes):
        moments = ScatteredMoments(with_lam, rows)
        moved[rows] = moments.carry(with_lam, rows, rows + n)
    moved = np.where((here == there)[:, None], data.y, moved)
    return replace(data, y=moved, lam=lam[data.anchors.index])


def _alike(codes):
    """Yield rows of the same categories, and those of rare ones together."""
    of = number_groups(codes)
    label = np.where(np.bincount(of)[of] >= _MIN_ROWS, of, -1)
    for one in np.unique(label):
        yield np.flatnonzero(label == one)
