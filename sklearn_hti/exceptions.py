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
    """Most x have equal outputs at the first trained value; draws are taken at another."""


class BreakWarning(TrajectoryWarning):
    """Outputs change between two trained values faster than all other trained values suggest."""


class ClockWarning(TrajectoryWarning):
    """The data do not determine the lambda scale, and a prior does."""


class CouplingWarning(TrajectoryWarning):
    """Training rows are few, far out, or without a partner, or maps fit their outputs poorly."""


class ConvergenceWarning(TrajectoryWarning, _SklearnConvergenceWarning):
    """The fit stopped before its result can be trusted."""


class ExtrapolationWarning(TrajectoryWarning):
    """Lambdas lie outside the trained values."""


class SupportWarning(TrajectoryWarning):
    """Inputs are unlike those of fit."""


class ValidationWarning(TrajectoryWarning):
    """Left-out trained values or inputs are predicted no better than without a surrogate."""


class DivergenceError(RuntimeError):
    """Training produced values that are not finite."""
