"""The exact Wasserstein distance of samples, condition by condition."""

import warnings

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from .._utils.readable import as_readable
from ._outputs import check_outputs, scale_exponent

# The network simplex stops at this many pivots. 2,000 points a side need about 4e4, so
# the bound ends a solve that cycles, not one that is slow.
_MAX_PIVOTS = 1_000_000_000


def squared_wasserstein(
    y_true: ArrayLike, y_pred: ArrayLike, *, groups: ArrayLike | None = None
) -> float:
    r"""Exact squared 2-Wasserstein distance between two samples.

    With uniform weights on the n true and the m predicted outputs, the distance is

    .. math::
        W_2^2 = \min_{P \ge 0} \sum_{ij} P_{ij} \lVert y_i - \hat y_j \rVert^2
        \quad \text{s.t.} \quad P 1 = 1/n, \; P^\top 1 = 1/m .

    With ``groups``, it is solved inside each group and averaged, with equal weights of groups.
    Groups with one row on each side give the mean squared error, which is the measure for
    deterministic networks.

    Exact optimal transport between finite samples is biased upward: the distance between two
    samples of the same distribution is positive. Compare values at equal sample sizes only.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, D)
        Outputs of the true network.
    y_pred : array-like of shape (m,) or (m, D)
        Outputs of the surrogate.
    groups : array-like of shape (n,) or tuple of two, default=None
        Labels of the groups, for instance the category of x or the ``row`` of
        :func:`~sklearn_hti.sweep`. One array is for both samples (then m = n). A pair
        ``(groups_true, groups_pred)`` has one array for each. None: a single group.

    Returns
    -------
    float
        Mean over groups of the squared distance, in squared units of y.

    Raises
    ------
    ValueError
        If the outputs have different dimensions, contain NaN, or have squares that overflow. If a
        group occurs on one side only.
    RuntimeError
        If the POT solver does not reach the optimum.

    References
    ----------
    Peyré & Cuturi, "Computational Optimal Transport", Foundations and Trends in
    Machine Learning 11, 2019.

    Examples
    --------
    >>> from sklearn_hti.metrics import squared_wasserstein
    >>> squared_wasserstein([0.0, 1.0], [3.0, 2.0])
    4.0
    >>> squared_wasserstein([0.0, 1.0], [3.0, 2.0], groups=[0, 1])
    5.0
    """
    y_true, y_pred = check_outputs(y_true, "y_true"), check_outputs(y_pred, "y_pred")
    if y_true.shape[1] != y_pred.shape[1]:
        raise ValueError(
            f"y_true has {y_true.shape[1]} output dimension(s) and y_pred has "
            f"{y_pred.shape[1]}; pass outputs of the same network family."
        )
    exponent = scale_exponent(y_true, y_pred)
    scaled = np.ldexp(y_true, -exponent), np.ldexp(y_pred, -exponent)
    if groups is None:
        value = _solve_transport(*scaled)
    else:
        value = _mean_over_groups(*scaled, *_encode_groups(groups, len(y_true), len(y_pred)))
    with np.errstate(over="ignore"):
        value = float(np.ldexp(value, 2 * exponent))
    if np.isinf(value):
        raise ValueError(
            "y_true and y_pred are too large for the square of their distance; divide both by a "
            "constant."
        )
    return value


def _encode_groups(groups, n_true, n_pred):
    """Group of each row as integers 0, 1, ... shared by both sides."""
    is_pair = isinstance(groups, tuple) and len(groups) == 2 and np.ndim(groups[0]) > 0
    sides = groups if is_pair else (groups, groups)
    of_true = _check_labels(sides[0], n_true, "y_true")
    of_pred = _check_labels(sides[1], n_pred, "y_pred")
    one_sided = np.setxor1d(of_true, of_pred)
    if len(one_sided):
        raise ValueError(
            f"groups: {len(one_sided)} group(s) occur on one side only, such as "
            f"{one_sided[:3].tolist()}; drop their rows, or draw the missing outputs."
        )
    labels = np.unique(of_true)
    return np.searchsorted(labels, of_true), np.searchsorted(labels, of_pred)


def _check_labels(labels, n_rows, name):
    labels = np.asarray(as_readable(labels))
    if labels.shape != (n_rows,):
        raise ValueError(
            f"groups has shape {labels.shape} for the {n_rows} rows of {name}; pass one "
            "label per row, or a pair (groups_true, groups_pred)."
        )
    return labels


def _mean_over_groups(y_true, y_pred, of_true, of_pred):
    """Average of the squared distance over groups; single rows need no solver."""
    y_true, start_true, size_true = _sort_by_group(y_true, of_true)
    y_pred, start_pred, size_pred = _sort_by_group(y_pred, of_pred)
    single = (size_true == 1) & (size_pred == 1)
    gaps = y_true[start_true[single]] - y_pred[start_pred[single]]
    total = np.sum(gaps**2)
    for i, j, n, m in zip(
        *(a[~single] for a in (start_true, start_pred, size_true, size_pred)),
        strict=True,
    ):
        total += _solve_transport(y_true[i : i + n], y_pred[j : j + m])
    return float(total / len(single))


def _sort_by_group(y, group):
    """Rows ordered by group, with the first row and the size of each group."""
    sizes = np.bincount(group)
    return y[np.argsort(group, kind="stable")], np.cumsum(sizes) - sizes, sizes


def _solve_transport(y_true, y_pred):
    """Squared Wasserstein distance of two samples, shapes (n, D) and (m, D)."""
    import ot  # looks for every array backend, which takes a second

    if y_true.shape[1] == 1:
        return float(ot.emd2_1d(y_true, y_pred, metric="sqeuclidean"))
    cost = cdist(y_true, y_pred, "sqeuclidean")
    scale = cost.max()  # the solver's tolerance is absolute: costs of 1e-16 go wrong
    if scale == 0:
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the log has the same message
        value, log = ot.emd2([], [], cost / scale, numItermax=_MAX_PIVOTS, log=True)
    if log["warning"] is not None:
        raise RuntimeError(
            f"ot.emd2 found no optimal plan for {len(y_true)} x {len(y_pred)} rows: "
            f"{log['warning']} Split the rows into groups, or compare fewer of them."
        )
    return float(value * scale)
