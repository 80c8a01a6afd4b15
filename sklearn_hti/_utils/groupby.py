"""Rows by group: numbers of groups, rows of each, ranks and means within them."""

import numpy as np


def number_groups(labels):
    """Return the number of the group of every entry, 0, 1, ... in the order of their labels.

    Parameters
    ----------
    labels : ndarray of shape (n,) or (n, C)
        Entries, or rows, are of one group where they are equal.

    Returns
    -------
    ndarray of shape (n,)
        The numbers.

    Examples
    --------
    >>> from sklearn_hti._utils.groupby import number_groups
    >>> number_groups([30, 10, 30]).tolist()
    [1, 0, 1]
    """
    axis = 0 if np.ndim(labels) == 2 else None
    return np.unique(labels, axis=axis, return_inverse=True)[1].reshape(-1)


def first_of_each(labels):
    """Return the position of the first entry of every group, in the order of their labels."""
    return np.unique(labels, return_index=True)[1]


def split_by_group(labels, n_groups=None):
    """Return the positions of the entries of every group, in the order of their labels.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Entries are of one group where they are equal.
    n_groups : int, default=None
        Labels are then numbers below `n_groups`, and groups without an entry are empty.

    Returns
    -------
    list of ndarray
        Ascending positions, an array for each group.

    Examples
    --------
    >>> from sklearn_hti._utils.groupby import split_by_group
    >>> [rows.tolist() for rows in split_by_group([7, 5, 7])]
    [[1], [0, 2]]
    """
    if n_groups is None:
        sizes = np.unique(labels, return_counts=True)[1]
    else:
        sizes = np.bincount(labels, minlength=n_groups)
    return np.split(np.argsort(labels, kind="stable"), np.cumsum(sizes)[:-1])


def rank_in_group(labels):
    """Return how many entries of its group come before each, and how many the group has.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Entries are of one group where they are equal.

    Returns
    -------
    rank, size : ndarray of shape (n,)
        Rank of each entry in its group, from 0, and the size of the group.

    Examples
    --------
    >>> from sklearn_hti._utils.groupby import rank_in_group
    >>> rank, size = rank_in_group([7, 5, 7])
    >>> rank.tolist(), size.tolist()
    ([0, 0, 1], [2, 1, 2])
    """
    order = np.argsort(labels, kind="stable")
    first, sizes = np.unique(np.asarray(labels)[order], return_index=True, return_counts=True)[1:]
    rank, size = np.empty(len(order), dtype=np.int64), np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(first, sizes)
    size[order] = np.repeat(sizes, sizes)
    return rank, size


def mean_of_groups(number, values):
    """Return the mean (G, D) of the values (n, D) of every group, by the numbers of groups."""
    total = np.zeros((number.max() + 1, values.shape[1]))
    np.add.at(total, number, values)
    return total / np.bincount(number)[:, None]


def squares_of_groups(number, values):
    """Return mean and sum of squared deviations (G, D) of the values of every group."""
    means = mean_of_groups(number, values)
    squares = mean_of_groups(number, (values - means[number]) ** 2)
    return means, squares * np.bincount(number)[:, None]
