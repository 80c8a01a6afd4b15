"""Which draws at the base anchor the parameter `base` names, or the data suggest."""

import numpy as np

from .flow import FlowBase
from .neighbours import NeighborsBase
from .wrapped import CallableBase, EstimatorBase

_MAX_CONDITIONS = 50
_MIN_ROWS = 5
_MAX_LEVELS = 10  # of a continuous number, between which the generator knows better


def check_base(base, X, scaler, n_outputs):
    """Raise, before any training, where the user's own network cannot be the base."""
    if isinstance(base, type):
        raise ValueError(f"base={base.__name__} is a class; pass an instance.")
    if callable(base) and not hasattr(base, "fit"):
        CallableBase(scaler, n_outputs).fit(base, X)


def make_base(
    base,
    *,
    scaled_y,
    conditions,
    groups,
    X,
    y,
    scaler,
    training,
):
    """Build and fit the base that the parameter asks for; record its name and the reason."""
    reason = "asked for"
    if isinstance(base, str) and base == "auto":
        base, reason = _choose(groups, conditions)
    if isinstance(base, str) and base == "neighbors":
        fitted = NeighborsBase().fit(scaled_y, conditions, groups)
        name = base
    elif isinstance(base, str):
        fitted = FlowBase().fit(scaled_y, conditions, groups, training)
        name = base
    elif hasattr(base, "fit"):
        fitted = EstimatorBase(scaler, scaled_y.shape[1]).fit(base, X, y)
        name = type(base).__name__
    else:
        fitted = CallableBase(scaler, scaled_y.shape[1]).fit(base, X)
        name = getattr(base, "__name__", type(base).__name__)
    fitted.name, fitted.reason = name, reason
    return fitted


def _choose(groups, conditions):
    """Return "neighbors" where the rows of the base anchor repeat few conditions often."""
    _, first, counts = np.unique(groups, return_index=True, return_counts=True)
    described = f"{len(counts)} distinct condition(s), at least {counts.min()} row(s) each"
    if len(counts) > _MAX_CONDITIONS or counts.min() < _MIN_ROWS:
        return "flow", described
    if any(map(_is_continuous, conditions.numbers[first].T)):
        return "flow", f"{described}, of continuous numbers"
    return "neighbors", described


def _is_continuous(values):
    """Tell numbers from levels: many values, not all of them whole."""
    return len(np.unique(values)) > _MAX_LEVELS and (values != np.trunc(values)).any()
