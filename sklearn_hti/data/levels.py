"""Outputs that take few values: zeros and ones, counts, labels."""

from dataclasses import dataclass

import numpy as np

from .._utils.groupby import number_groups
from .facts import LEVELS, MOST, DrawCounts

_REPEATS = 10  # rows of each of few values, on average
_ENOUGH = 100  # rows that are looked at first


@dataclass(frozen=True)
class Levels:
    """Values that outputs keep to.

    Attributes
    ----------
    values : tuple of ndarray
        Of each output, in the user's units, ascending.
    seen : tuple of ndarray, or None
        The same, scaled, of one output or of some counts. None where rows are values as a whole,
        as those of classes are.
    """

    values: tuple
    seen: tuple | None

    @classmethod
    def of(cls, values, outputs):
        """Return the Levels of values in an OutputSpace."""
        counts = all(len(of_one) > 2 and _are_whole(of_one) for of_one in values)
        single = len(values) == 1 and outputs.n_coordinates == 1
        if not single and not (counts and outputs.as_they_are and len(values) <= LEVELS):
            return cls(values, None)
        longest = max(map(len, values))
        table = np.stack([np.pad(v, (0, longest - len(v)), mode="edge") for v in values], axis=1)
        scaled = np.sort(outputs.encode(table), axis=0)
        return cls(values, tuple(map(np.unique, scaled.T)))


def read_few_values(rows, anchors, encoder):
    """Return the `few_values` of Rows; their inputs are encoded if it pays to look closer."""
    if any(_values(of_one) is None for of_one in rows.y.T):
        return None
    groups = encoder.transform(rows.X, len(rows.y)).groups()
    return few_values(rows.y, groups, anchors.index)


def few_values(y, groups, anchor):
    """Return the values of each output, ascending, if all outputs take few; else None.

    Of draws, few are ten values at most, or whole numbers fewer than the root of the rows, as
    counts are. Of networks that give one answer to every input, they are ten at most. Outputs that
    differ at no trained value are not few values: they follow lambda alone. Nor are those of
    which trained values have others each, as the steps of trees may be.

    Parameters
    ----------
    y : ndarray of shape (n, D)
        Outputs.
    groups, anchor : ndarray of shape (n,)
        Input and trained value of every row.

    Returns
    -------
    tuple of ndarray, or None
        The values.
    """
    found = [_values(of_one) for of_one in y.T]
    if any(values is None for values in found) or not _any_differ(y, anchor):
        return None
    if not all(_are_shared(of_one, anchor) for of_one in y.T):
        return None
    most, cells = max(map(len, found)), number_groups(groups * (anchor.max() + 1) + anchor)
    drawn = DrawCounts.of(groups).mostly_single or _any_differ(y, cells)
    n_answers = len(y) if drawn else cells.max() + 1
    few = most <= LEVELS and n_answers >= _REPEATS * most
    counts = drawn and all(map(_are_whole, found)) and most**2 <= len(y)
    return tuple(found) if few or counts else None


def _values(of_one):
    """Return the values of an output if they may be few."""
    most = max(LEVELS, int(np.sqrt(len(of_one))))
    if len(np.unique(of_one[:_ENOUGH])) > most:  # no need to sort all
        return None
    values = np.unique(of_one)
    return values if len(values) <= most else None


def _are_shared(of_one, anchor):
    """Return whether most rows have a value that occurs at another trained value, too."""
    values, number = np.unique(of_one, return_inverse=True)
    occurs = np.zeros((len(values), anchor.max() + 1), dtype=bool)
    occurs[number, anchor] = True
    return np.mean(occurs.sum(axis=1)[number] > 1) >= MOST


def _are_whole(values):
    return (values == np.trunc(values)).all()


def _any_differ(y, cells):
    """Return whether rows of one cell differ."""
    order = np.argsort(cells, kind="stable")
    same = np.diff(cells[order]) == 0
    return bool((np.diff(y[order], axis=0) != 0).any(axis=1)[same].any())
