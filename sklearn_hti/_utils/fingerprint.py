"""What an object is, in text that is the same in the next process."""

import hashlib
import re
import sysconfig
from collections.abc import Mapping
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType

import numpy as np
import torch

_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


def describe(value):
    """Return text that tells parameters of a fit apart: by what they do, not where they are.

    Functions are told by their code and the values that it refers to (those of libraries by
    their names), objects by their class and attributes, arrays and tensors by their numbers.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    str
        The text.
    """
    return _describe(value, {})


def _describe(value, seen):
    if id(value) in seen:  # a cycle
        return f"number {list(seen).index(id(value))}"
    if isinstance(value, FunctionType) or hasattr(value, "__dict__"):
        seen[id(value)] = value  # kept alive, lest another take its identity
    parts = _parts(value)
    if parts is None:
        return re.sub(r" at 0x\w+", "", repr(value))
    told = [_describe(part, seen) for part in parts]
    if isinstance(value, set | frozenset):
        told.sort()
    return f"{_name(type(value))}({', '.join(told)})"


def _parts(value):
    """Return what an object consists of; None where its own text says it all."""
    if isinstance(value, type | ModuleType):
        return [_name(value)]
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return [value.dtype, value.shape, hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, Mapping):
        return [part for item in value.items() for part in item]
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return list(value)
    if isinstance(value, FunctionType):
        return _parts_of_function(value)
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, CodeType):
        return [value.co_code, value.co_names, value.co_consts]
    if hasattr(value, "get_params"):
        return [value.get_params(deep=False), *_methods(type(value))]
    return [vars(value), *_methods(type(value))] if hasattr(value, "__dict__") else None


def _parts_of_function(function):
    code = function.__code__
    if code.co_filename.startswith(_LIBRARIES):
        return [_name(function)]
    named = {name: function.__globals__.get(name) for name in code.co_names}
    closure = [cell.cell_contents for cell in function.__closure__ or ()]
    return [code, function.__defaults__, function.__kwdefaults__, closure, named]


def _methods(kind):
    """Return the functions that a class of the user defines."""
    found = [part for part in vars(kind).values() if isinstance(part, FunctionType)]
    return [part for part in found if not part.__code__.co_filename.startswith(_LIBRARIES)]


def _name(value):
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__name__)}"
