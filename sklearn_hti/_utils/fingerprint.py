"""What an object is, in text that is the same in the next process."""

import dis
import hashlib
import importlib.util
import os
import re
import site
import sys
import sysconfig
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import (
    CodeType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    NoneType,
)

import numpy as np
import torch

_PLAIN = (NoneType, type(...), bool, int, float, complex, str, bytes)
# whose functions and classes are told by name: they come with a version
_LIBRARIES = (
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    *(*site.getsitepackages(), site.getusersitepackages(), str(Path(__file__).parents[1])),
)
_LIBRARIES = (*(f"{folder}{os.sep}" for folder in _LIBRARIES), "<frozen ")


def describe(value):
    """Return text that tells parameters of a fit apart: by what they do, not where they are.

    Functions are told by their code and the values that it refers to, classes by what they
    define and inherit (those of libraries by their names), objects by their class and state,
    arrays and tensors by their numbers. What functions read from files is not seen.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    str
        The text.
    """
    found, places = [value], {id(value): 0}  # kept alive, lest another take an identity

    def refer(part):
        text = _plain(part)
        if text is not None:
            return text
        if id(part) not in places:
            places[id(part)] = len(found)
            found.append(part)
        return f"#{places[id(part)]}"

    lines = []
    for part in found:  # which grows
        parts = _parts(part)
        told = parts if isinstance(parts, str) else ", ".join(map(refer, parts))
        lines.append(f"{_name(type(part))}({told})")
    return "\n".join(lines)


def _plain(value):
    """Return the text of a value that is no more than that; None of others."""
    if type(value) in _PLAIN or isinstance(value, np.dtype | torch.dtype):
        return repr(value)
    if type(value) not in (tuple, frozenset):
        return None
    told = [_plain(part) for part in value]
    if None in told:
        return None
    return f"{type(value).__name__}({', '.join(told if type(value) is tuple else sorted(told))})"


def _parts(value):
    """Return what an object consists of, or text that says it all."""
    if (text := _plain(value)) is not None:
        return text
    if isinstance(value, type):
        return _parts_of_class(value)
    if isinstance(value, ModuleType):
        return [value.__name__]
    if isinstance(value, FunctionType):
        return _parts_of_function(value)
    if isinstance(value, CodeType):
        of_code = ("code", "names", "consts", "varnames", "freevars", "flags", "exceptiontable")
        return [getattr(value, f"co_{name}", None) for name in of_code]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    own = [] if _is_library(type(value)) else [type(value)]
    content = _content(value)
    if content is None:
        return [*own, *_parts_of_object(value)]
    return [*own, *content, *([_attributes(value)] if _attributes(value) else [])]


def _content(value):
    """Return what a container or an array holds; None of others."""
    if isinstance(value, torch.Tensor):
        dense = value.detach().to_dense() if value.layout != torch.strided else value.detach()
        if dense.dtype == torch.bfloat16:  # which numpy lacks
            dense = dense.float()
        return [value.dtype, str(value.device.type), *_content(dense.cpu().resolve_conj().numpy())]
    if isinstance(value, np.ndarray) and value.dtype != object:
        return [value.dtype, value.shape, hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, np.ndarray):
        return [value.shape, *value.ravel().tolist()]
    if isinstance(value, dict | MappingProxyType):
        return [part for item in value.items() for part in item]
    if isinstance(value, set | frozenset):
        return sorted(map(describe, value))
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, torch.nn.Module) and hasattr(value, "inlined_graph"):  # compiled
        return [str(value.inlined_graph), dict(value.state_dict())]
    return list(value) if isinstance(value, list | tuple) else None


def _parts_of_object(value):
    """Return the state of an object as pickle keeps it, and the attributes of the user's."""
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # of those that cannot be pickled
        reduced = re.sub(r" at 0x\w+", "", repr(value))
    if isinstance(reduced, str):
        return [reduced, _attributes(value)]
    state = [list(p) if hasattr(p, "__next__") else p for p in reduced]
    return state if _is_library(type(value)) else [*state, _attributes(value)]


def _attributes(value):
    """Return the attributes of an object by name, those in slots as well."""
    found = dict(getattr(value, "__dict__", ()))
    for kind in type(value).__mro__:
        for name, part in vars(kind).items() if "__slots__" in vars(kind) else ():
            if isinstance(part, MemberDescriptorType):
                with suppress(AttributeError):
                    found[name] = part.__get__(value)
    return found


def _parts_of_class(kind):
    if _is_library(kind):
        return [_name(kind)]
    own = {
        name: part
        for name, part in vars(kind).items()
        if not re.fullmatch("__.*__", name) or hasattr(part, "__get__")
    }
    for name in ("__dict__", "__weakref__"):
        own.pop(name, None)
    return [_name(kind), type(kind), *kind.__bases__, own]


def _parts_of_function(function):
    cells = []
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # still empty
            cells.append(cell.cell_contents)
    given = [function.__defaults__, function.__kwdefaults__, cells, vars(function)]
    if function.__code__.co_filename.startswith(_LIBRARIES):
        return [_name(function), *given]
    return [function.__code__, *given, *_globals(function)]


def _globals(function):
    """Return what a function reads from its module, and from other modules of the user."""
    codes = [function.__code__]
    for code in codes:  # and of the functions and comprehensions inside
        codes += [part for part in code.co_consts if isinstance(part, CodeType)]
    names = sorted({name for code in codes for name in code.co_names})
    spaces = [function.__globals__, *map(vars, _imported(codes, function))]
    found = []
    for space in spaces:  # which grow
        read = {name: space[name] for name in names if name in space}
        for part in read.values():
            if isinstance(part, ModuleType) and not _is_library(part):
                spaces += [] if any(vars(part) is s for s in spaces) else [vars(part)]
        found.append(read)
    return found


def _imported(codes, function):
    """Return the modules of the user that a function imports when it is called."""
    package = function.__globals__.get("__package__") or None
    steps = [step for code in codes for step in dis.get_instructions(code)]
    found = []
    for name in (step.argval for step in steps if step.opname == "IMPORT_NAME"):
        for known in (name, f".{name}"):
            with suppress(Exception):  # the function would raise it
                spec = importlib.util.find_spec(known, package)
                if spec.origin and not spec.origin.startswith(_LIBRARIES):
                    found.append(importlib.import_module(known, package))
    return found


def _is_library(value):
    """Tell whether a class or module is one of a library."""
    name = value.__name__ if isinstance(value, ModuleType) else value.__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return str(name).partition(".")[0] in sys.stdlib_module_names - {"__main__"}
    return file.startswith(_LIBRARIES)


def _name(value):
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__name__)}"
