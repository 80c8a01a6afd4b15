"""Checks of the parameters of components, which are read when a fit begins."""

import copy
from collections.abc import Sequence
from numbers import Integral, Real

from sklearn.base import clone

# the one place that imports what scikit-learn keeps private
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "check_choice",
    "check_range",
    "check_sizes",
    "clone_parameters",
]


def clone_parameters(estimator, kept):
    """Return an unfitted estimator of the same parameters; those in `kept` are not copied."""
    parameters = {
        name: value if name in kept else clone(value, safe=False)
        for name, value in estimator.get_params(deep=False).items()
    }
    same = type(estimator)(**parameters)
    if hasattr(estimator, "_metadata_request"):
        same._metadata_request = copy.deepcopy(estimator._metadata_request)
    return same


def check_range(component, *, integer=(), real=(), lowest=None, above=None, words=None):
    """Raise ValueError unless the named parameters are numbers in their range.

    Parameters
    ----------
    component : BaseEstimator
        Whose parameters are checked.
    integer, real : sequence of str
        Names of parameters.
    lowest : float, default=None
        Smallest value.
    above : float, default=None
        Number that all values exceed.
    words : dict of str to tuple, default=None
        What a parameter may be instead of a number.
    """
    words = words or {}
    for names, kind, noun in ((integer, Integral, "an integer"), (real, Real, "a number")):
        for name in names:
            value = getattr(component, name)
            if isinstance(value, str) and value in words.get(name, ()):
                continue
            good = isinstance(value, kind) and not isinstance(value, bool)
            good = good and (lowest is None or value >= lowest)
            if not (good and (above is None or value > above)):
                bound = f"of at least {lowest}" if above is None else f"above {above}"
                options = "".join(f" or {option!r}" for option in words.get(name, ()))
                raise ValueError(
                    f"{type(component).__name__}: {name}={value!r} must be {noun} "
                    f"{bound}{options}."
                )


def check_choice(component, name, accepted):
    """Raise ValueError unless a parameter has one of the accepted values."""
    value = getattr(component, name)
    if not any(value is a or (isinstance(value, str) and value == a) for a in accepted):
        raise ValueError(
            f"{type(component).__name__}: {name}={value!r} is not available; accepted: "
            f"{', '.join(map(repr, accepted))}."
        )


def check_sizes(component, names):
    """Raise ValueError unless parameters are sequences of positive integers."""
    for name in names:
        value = getattr(component, name)
        if not (
            isinstance(value, Sequence)
            and len(value)
            and all(isinstance(size, Integral) and size > 0 for size in value)
        ):
            raise ValueError(
                f"{type(component).__name__}: {name}={value!r} must hold positive integers."
            )
