"""Classes that files of `save` may hold: what is not here is neither saved nor loaded."""

import dis
import inspect
from dataclasses import fields, is_dataclass
from functools import cache
from types import CodeType

from sklearn.base import BaseEstimator

_CLASSES: dict[str, type] = {}
_ASSIGNED = "STORE_ATTR"
_READ_OR_ASSIGNED = (_ASSIGNED, "LOAD_ATTR", "LOAD_METHOD")  # a method, for the compiler
# what scikit-learn sets on estimators from outside
_OF_ESTIMATORS = {
    *("n_features_in_", "feature_names_in_", "_sklearn_output_config", "_metadata_request"),
}


def storable(cls):
    """Register a class by its name, and return it.

    Derived classes are not registered with it: those of users may do anything.

    Raises
    ------
    ValueError
        If another class has that name.
    """
    known = _CLASSES.setdefault(cls.__name__, cls)
    if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(f"{cls.__name__} is the name of {known!r}, too")
    _CLASSES[cls.__name__] = cls
    return cls


def storable_classes():
    """Return the classes registered so far, by name."""
    return dict(_CLASSES)


@cache
def attributes_of(cls):
    """Return the names of the attributes that objects of a class may have.

    These are its fields or parameters, what its methods assign, and what it only annotates.
    """
    names = {field.name for field in fields(cls)} if is_dataclass(cls) else set()
    if issubclass(cls, BaseEstimator):
        names |= _OF_ESTIMATORS.union(cls._get_param_names())
    for kind in cls.__mro__:
        names.update(inspect.get_annotations(kind).keys() - vars(kind).keys())
    return names | {step.argval for step in _steps(cls) if step.opname == _ASSIGNED}


@cache
def parts_of(cls):
    """Return the names that parameters, buffers and parts of a network of a class may have.

    These are the attributes that its methods read or assign.
    """
    return {step.argval for step in _steps(cls) if step.opname in _READ_OR_ASSIGNED}


def _steps(cls):
    """Return the instructions of all methods that a class has."""
    members = [member for kind in cls.__mro__ for member in vars(kind).values()]
    functions = [inspect.unwrap(getattr(m, "fget", None) or m) for m in members]
    functions = [getattr(f, "__func__", getattr(f, "func", f)) for f in functions]
    codes = [f.__code__ for f in functions if hasattr(f, "__code__")]
    for code in codes:  # and of the functions inside
        codes += [part for part in code.co_consts if isinstance(part, CodeType)]
    return [step for code in codes for step in dis.get_instructions(code)]
