"""Warnings and errors of their own category, so that they can be filtered by name."""

from sklearn.exceptions import ConvergenceWarning as _SklearnConvergenceWarning

__all__ = [
    "BaseWarning",
    "BreakWarning",
    "ClockWarning",
    "ConvergenceWarning",
    "CouplingWarning",
    "DivergenceError",
    "ExtrapolationWarning",
    "SupportWarning",
    "TrajectoryWarning",
    "ValidationWarning",
]


class TrajectoryWarning(UserWarning):
    """Base class of every warning of this package."""


class BaseWarning(TrajectoryWarning):
    """Most x have equal outputs at the first anchor, or one; draws are taken at another."""


class BreakWarning(TrajectoryWarning):
    """Outputs change between two trained values faster than all other trained values suggest."""


class ClockWarning(TrajectoryWarning):
    """The data cannot tell how outputs move between anchors; a prior decided."""


class CouplingWarning(TrajectoryWarning):
    """Training rows are few, far out, without a partner, or have outputs no map follows well."""


class ConvergenceWarning(TrajectoryWarning, _SklearnConvergenceWarning):
    """The fit stopped before its result can be trusted."""


class ExtrapolationWarning(TrajectoryWarning):
    """Lambdas lie outside the trained values."""


class SupportWarning(TrajectoryWarning):
    """Inputs are unlike those of fit."""


class ValidationWarning(TrajectoryWarning):
    """What was left out of the fit was predicted no better than without a surrogate."""


class DivergenceError(RuntimeError):
    """Training produced values that are not finite."""
