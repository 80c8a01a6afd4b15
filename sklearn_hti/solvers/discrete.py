"""Discrete optimal transport with uniform weights by POT, and what its plans are worth."""

import warnings

import numpy as np

from .._utils.findings import warn
from ..exceptions import ConvergenceWarning

_MAX_ITER = 10_000_000  # of the exact solver
_SINKHORN_ITER = 10_000
_DUAL_ITER = 1000
_BALANCING_ITER = 200
_TOLERATED = 0.05  # share of the mass that may lie in wrong columns
_NEGLIGIBLE = 1e-4  # of a row's mass


def exact_plan(cost):
    """Return the optimal plan of a cost matrix (n, m); its entries sum to one."""
    import ot

    # costs may be negative ("action"); a constant does not change the plan
    cost = cost - min(cost.min(), 0)
    cost = np.ascontiguousarray(cost / max(cost.max(), np.finfo(float).tiny))
    return ot.emd(*_weights(cost), cost, numItermax=_MAX_ITER)


def entropic_plan(cost, strength):
    """Return the plan of Sinkhorn's algorithm in the log domain (Cuturi, 2013).

    `strength` is relative to the median cost. Entries of less than 1e-4 of a row are left out.
    """
    import ot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # its own, of what is checked below
        plan = ot.sinkhorn(
            *_weights(cost),
            _in_medians(cost),
            reg=strength,
            method="sinkhorn_log",
            numItermax=_SINKHORN_ITER,
            stopThr=1e-6,
        )
    plan = _rows_of_even_mass(np.where(plan * len(plan) > _NEGLIGIBLE, plan, 0.0))
    _check_columns(plan, "entropic", "a larger `strength`")
    return plan


def sparse_plan(cost, strength, max_partners):
    """Return a plan with at most `max_partners` entries per row (Liu et al., 2023).

    POT limits entries per column, hence the transposition, and its marginals drift: the plan
    is balanced on its own entries afterwards, and checked.
    """
    import ot

    rows, columns = _weights(cost)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # POT's call of scipy's L-BFGS
        plan = ot.smooth.smooth_ot_dual(
            columns,
            rows,
            np.ascontiguousarray(_in_medians(cost).T),
            reg=strength,
            reg_type="sparsity_constrained",
            max_nz=min(max_partners, len(columns)),
            numItermax=_DUAL_ITER,
        ).T
    for _ in range(_BALANCING_ITER):
        mass = plan.sum(axis=0)
        plan = plan * np.divide(columns, mass, out=np.ones_like(mass), where=mass > 0)
        plan = _rows_of_even_mass(plan)
    _check_columns(plan, "sparse", "more `max_partners`, or another `strength`")
    return plan


def _weights(cost):
    return tuple(np.full(n, 1 / n) for n in cost.shape)


def _in_medians(cost):
    """Return costs of at least zero in units of their median; a constant changes no plan."""
    cost = cost - cost.min()
    return cost / max(np.median(cost), np.finfo(float).tiny)


def _rows_of_even_mass(plan):
    mass = plan.sum(axis=1, keepdims=True)
    if not (np.isfinite(mass).all() and (mass > 0).all()):
        raise ValueError(
            "CouplingSolver: rows lost all their mass; use a larger `strength`, or "
            "regularization=None."
        )
    return plan / (len(plan) * mass)


def _check_columns(plan, name, remedy):
    """Warn where the second marginal is far from uniform; the first is exact."""
    misplaced = 0.5 * np.abs(plan.sum(axis=0) - 1 / plan.shape[1]).sum()
    if misplaced > _TOLERATED:
        warn(
            f"CouplingSolver: more than {_TOLERATED:.0%} of the mass of {name} plans arrives at "
            f"the wrong outputs. Use {remedy}, or regularization=None.",
            ConvergenceWarning,
        )
