"""Sample weights as numbers of copies: a weighted fit is a fit on rows that count alike."""

import numpy as np

from .._utils.groupby import first_of_each, number_groups, split_by_group
from .anchors import find_anchors
from .facts import MANY
from .lam_space import shown


def rows_by_weight(weight, lam, inputs, y):
    """Return the rows of a data set of equal rows that stands for weighted ones.

    Whole weights repeat rows, exactly. Other weights are first divided by the mean of those above
    zero, so that their ratios count alone. Every row is then taken as often as its weight says,
    rounded up or down so that the copies of the rows before it, in the order of input and output,
    are never off by more than half a row. Rounding begins anew at every trained value: an input
    of the same weight at all values is taken equally often at all. Inputs that several trained
    values share keep one row at each of them.

    Parameters
    ----------
    weight : ndarray of shape (n,)
        Weights, none negative, not all zero.
    lam, inputs : ndarray of shape (n,)
        Lambda, and number of the input, of every row.
    y : ndarray of shape (n, D)
        Outputs.

    Returns
    -------
    ndarray of int
        Numbers of rows, ascending, as often as they are taken.

    Raises
    ------
    ValueError
        If no two values of lambda keep a weight above zero, while there are two.
    """
    kept = np.flatnonzero(weight > 0)
    _check_values(lam, lam[kept])
    weight = weight[kept]
    whole, mean = bool((weight == np.trunc(weight)).all()), weight.mean()
    if whole and mean <= MANY:
        return np.repeat(kept, weight.astype(np.int64))
    # more copies of a row on average would take time and change nothing
    wanted = weight / mean * (MANY if whole else 1)
    anchor = find_anchors(lam[kept]).index
    of = find_anchors(lam[kept], len(kept)).index  # lambda as a number
    return np.repeat(kept, _rounded(wanted, anchor, inputs[kept], of, y[kept]))


def _rounded(wanted, anchor, inputs, lam, y):
    """Return whole numbers of copies whose running sums follow those that are wanted."""
    copies = np.zeros(len(wanted), dtype=np.int64)
    for rows in split_by_group(anchor):
        rows = rows[np.lexsort((y[rows, 0], lam[rows], inputs[rows]))]
        copies[rows] = np.diff(np.floor(np.cumsum(wanted[rows]) + 0.5), prepend=0)
    cell = number_groups(np.column_stack([inputs, anchor]))
    first = first_of_each(cell)
    shared = (np.bincount(inputs[first]) > 1)[inputs[first]]
    lost = shared & (np.bincount(cell, weights=copies) == 0)
    heaviest = np.lexsort((-wanted, cell))[np.r_[0, np.cumsum(np.bincount(cell))[:-1]]]
    copies[heaviest[lost]] = 1
    return copies


def _check_values(lam, kept):
    """Raise where weights leave one value of lambda."""
    if len(np.unique(kept, axis=0)) < 2 <= len(np.unique(lam, axis=0)):
        raise ValueError(
            f"`sample_weight` is zero for all rows except those of lam={shown(kept[0])}; at least "
            "two trained values need rows with a weight above zero."
        )
