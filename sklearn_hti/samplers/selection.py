"""Which draws at the base anchor the parameter `base` names, or the data suggest."""

from .._utils.groupby import first_of_each
from ..data.facts import DrawCounts, is_continuous
from .flow import FlowBase
from .neighbours import NeighborsBase
from .wrapped import CallableBase, EstimatorBase


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
    counts = DrawCounts.of(groups)
    described = f"{counts.n_inputs} distinct condition(s), at least {counts.fewest} row(s) each"
    if not counts.can_be_listed:
        return "flow", described
    # between values of a continuous number the generator is better
    if any(map(is_continuous, conditions.numbers[first_of_each(groups)].T)):
        return "flow", f"{described}, of continuous numbers"
    return "neighbors", described
