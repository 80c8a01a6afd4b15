"""Anchors: the values of lambda that networks were trained at, or bins of many values."""

from dataclasses import dataclass
from functools import cached_property
from numbers import Real

import numpy as np

from .._utils.tree import chain, rooted_tree
from .facts import FEW
from .lambdas import LAM_ROUNDING

_MAX_VALUES, _TYPICAL = 20, 3  # of lambda that are anchors, and rows of most; else bins
_N_BINS, _BIN = (5, 9), 150  # how many, and rows of each that are worth one more


@dataclass(frozen=True)
class Anchors:
    """The anchors and the anchor of every row.

    One hyperparameter makes a chain. Several make a tree, in the places that a scale gives.
    """

    lam: np.ndarray  # (M,), or (M, k) of several hyperparameters
    index: np.ndarray  # (n,)
    binned: bool
    scale: object | None = None  # AxesScale of several hyperparameters

    @cached_property
    def edges(self):
        """Pairs (parent, child) of anchors between which transport is learned."""
        if self.scale is None:
            return chain(len(self.lam))
        return rooted_tree(self.scale.place(self.lam))

    @property
    def root(self):
        """The anchor at which particles begin."""
        return self.edges[0][0]

    @property
    def several(self):
        """Whether several hyperparameters vary."""
        return self.lam.ndim == 2

    def number(self, lam):
        """Return the number of the anchor at lambda; None if there is none."""
        same = np.reshape(self.lam == lam, (len(self.lam), -1)).all(axis=1)
        return int(same.argmax()) if same.any() else None

    def rows(self, k):
        """Return the rows that belong to anchor k."""
        return np.flatnonzero(self.index == k)


def find_anchors(lam, n_anchors="auto"):
    """Return the Anchors of the rows: the distinct values of lambda, or quantile bins."""
    if np.ndim(lam) == 2:
        return _all_rows(lam, n_anchors)
    values, index, counts = distinct_lambdas(lam)
    if len(values) < 2:
        raise ValueError(
            f"`lam` holds one value only ({values[0]:g}); at least two are needed. Pass outputs "
            "of networks trained at two or more hyperparameter values."
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


def _all_rows(lam, n_anchors):
    """Return the Anchors of several hyperparameters: all distinct rows of lambda."""
    if not isinstance(n_anchors, str) and n_anchors < len(np.unique(lam, axis=0)):
        raise ValueError(
            f"n_anchors={n_anchors} merges trained values of one hyperparameter, and `lam` has "
            f"{lam.shape[1]} that vary; use n_anchors='auto'."
        )
    snapped = [distinct_lambdas(column) for column in lam.T]
    snapped = np.column_stack([values[index] for values, index, _ in snapped])
    values, index = np.unique(snapped, axis=0, return_inverse=True)
    return Anchors(values, index.reshape(-1), binned=False)


def _nearest(centers, values, index):
    """Return the Anchors where every value belongs to the nearest of some centres."""
    nearest = np.abs(values[:, None] - centers).argmin(axis=1)
    used, position = np.unique(nearest, return_inverse=True)
    return Anchors(centers[used], position.reshape(-1)[index], binned=len(used) < len(values))


def asked_base(base_lam, anchors, space):
    """Return the lambda that the parameter `base_lam` names, encoded, or that of the first anchor.

    Parameters
    ----------
    base_lam : object
        The parameter.
    anchors : Anchors
        The trained values.
    space : LamSpace
        The hyperparameters.
    """
    if base_lam is None:
        lam = anchors.lam[0]
    elif space.n_columns == 1 and isinstance(base_lam, Real):
        lam = base_lam
    else:
        lam = space.encode(base_lam, 1, "base_lam")[0]
    return float(lam) if np.ndim(lam) == 0 else lam


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
