"""Anchors: the values of lambda that networks were trained at, or bins of many values."""

from dataclasses import dataclass

import numpy as np

from .facts import FEW
from .validation import LAM_ROUNDING

_MAX_VALUES, _TYPICAL = 20, 3  # of lambda that are anchors, and rows of most; else bins
_N_BINS, _BIN = (5, 9), 150  # how many, and rows of each that are worth one more


@dataclass(frozen=True)
class Anchors:
    """The anchors of the chain and the anchor of every row."""

    lam: np.ndarray  # (K + 1,)
    index: np.ndarray  # (n,)
    binned: bool

    @property
    def edges(self):
        """Pairs of anchors between which transport is learned; a chain."""
        return [(k, k + 1) for k in range(len(self.lam) - 1)]

    def rows(self, k):
        """Return the rows that belong to anchor k."""
        return np.flatnonzero(self.index == k)


def find_anchors(lam, n_anchors="auto"):
    """Return the Anchors of the rows: the distinct values of lambda, or quantile bins."""
    values, index, counts = distinct_lambdas(lam)
    if len(values) < 2:
        raise ValueError(
            f"`lam` holds one value only ({values[0]:g}); at least two anchors are needed: "
            "outputs of networks trained at two or more hyperparameter values."
        )
    if isinstance(n_anchors, str):
        typical = np.median(counts)
        full = counts >= min(FEW, typical)
        if len(values) <= _MAX_VALUES and typical >= _TYPICAL and full[[0, -1]].all():
            return _nearest(values[full], values, index)
        n_anchors = int(np.clip(len(lam) // _BIN, *_N_BINS))
    if n_anchors >= len(values):
        return _nearest(values, values, index)
    return _nearest(np.unique(np.quantile(lam, np.linspace(0, 1, n_anchors))), values, index)


def _nearest(centers, values, index):
    """Return the Anchors where every value belongs to the nearest of some centres."""
    nearest = np.abs(values[:, None] - centers).argmin(axis=1)
    used, position = np.unique(nearest, return_inverse=True)
    return Anchors(centers[used], position.reshape(-1)[index], binned=len(used) < len(values))


def distinct_lambdas(lam):
    """Return the values of lambda, the number of each row's, and how many rows have each.

    Values that differ by the rounding of single precision, such as 0.3 and 0.1 + 0.2, are one,
    that which most rows have: two anchors of the same networks would validate each other.
    """
    values, index, counts = np.unique(lam, return_inverse=True, return_counts=True)
    size = np.maximum(abs(values[:-1]), abs(values[1:]))
    rounding = np.maximum(
        LAM_ROUNDING * np.minimum(size, values[-1] - values[0]), 4 * np.finfo(float).eps * size
    )
    begins = np.concatenate([[True], np.diff(values) > rounding])
    cluster = np.cumsum(begins) - 1
    order = np.lexsort((-counts, cluster))  # within a cluster, that of most rows first
    counts = np.add.reduceat(counts, np.flatnonzero(begins))
    return values[order[begins]], cluster[index.reshape(-1)], counts
