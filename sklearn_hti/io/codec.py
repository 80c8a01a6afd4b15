"""Object graphs as plain data: JSON for structure and numbers, arrays beside it.

Nothing is executed when data become objects again: classes come from a given table, are made
without their constructors, and get the attributes alone that their own methods give them. What is
copied or built from arrays counts against the size of the file, however often a node names them.
"""

import math
import re
import sys

import numpy as np
import pandas as pd
import torch
from scipy.spatial import cKDTree
from sklearn.base import BaseEstimator
from torch import nn

from .._utils.registry import attributes_of, parts_of

_NUMBERS = "biuf"  # kinds of arrays that are stored as they are
_FEW = 8  # arrays of a list that are stored one by one
_DEVICE_NAMES = ("device", "device_")
_PLAIN = (type(None), bool, int, float, str)
_GROWTH = 32  # bytes of objects per byte of a file, at most, where a byte may stand for many
_OBJECT = 128  # bytes of an array without its numbers


class Encoder:
    """Turns objects into JSON nodes and collects their arrays.

    Parameters
    ----------
    classes : dict of str to type
        What may be stored, by name.
    left_out : dict of str to set
        Names of attributes that are not stored, by name of the class.
    foreign : list, default=None
        Takes the objects that the table does not name; None refuses them.
    """

    def __init__(self, classes, left_out, foreign=None):
        self.names = {cls: name for name, cls in classes.items()}
        self.left_out = left_out
        self.foreign = foreign
        self.arrays = {}
        self._keys = {}  # by id, of arrays that stay alive in `_kept`
        self._kept = []

    def encode(self, value, where=""):
        """Return the node of a value; `where` names it in messages.

        Raises
        ------
        TypeError
            If it is, or holds, an object that the table does not name, unless those are taken.
        """
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind is list and _is_ragged(value):
            sizes = np.array([len(part) for part in value])
            return {"ragged": [self.encode(np.concatenate(value)), self.encode(sizes)]}
        if kind is list:
            return [self.encode(v, f"{where}[{i}]") for i, v in enumerate(value)]
        if isinstance(value, np.ndarray):
            return self._array(value, where)
        for tag, (stored, to_state, *_) in _CODECS.items():
            if kind is stored:
                return {tag: self.encode(to_state(value), where)}
        if isinstance(value, np.generic) and value.dtype.kind in _NUMBERS + "U":
            return {"scalar": [value.dtype.kind + str(value.itemsize), self.encode(value.item())]}
        if kind is type and issubclass(value, np.generic):
            return {"dtype": np.dtype(value).name}
        if kind not in self.names:
            if self.foreign is not None:
                self.foreign.append(value)
                return {"foreign": len(self.foreign) - 1}
            raise TypeError(
                f"save: {where or 'the surrogate'} is {_described(value)}, which a plain data "
                "file cannot hold. skops.io.dump keeps it, or joblib.dump, whose files run code "
                "when they are loaded."
            )
        state = self._module if isinstance(value, nn.Module) else self._attributes
        return {"object": [self.names[kind], state(value, where)]}

    def _array(self, array, where):
        if array.dtype.kind == "O":
            items = [self.encode(v, where) for v in array.ravel().tolist()]
            return {"objects": [list(array.shape), items]}
        if array.dtype.kind == "U":  # as wide in the file as in memory
            letters = np.require(array, array.dtype.newbyteorder("="), "C").reshape(-1)
            shape = (*array.shape, array.itemsize // 4)
            return {"texts": self._array(letters.view(np.uint32).reshape(shape), where)}
        if array.dtype.kind not in _NUMBERS:
            raise TypeError(f"save: {where} has dtype {array.dtype}; convert it to numbers.")
        if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous:
            return {"transposed": self._array(array.T, where)}  # sums depend on the order
        if id(array) not in self._keys:
            key = str(len(self.arrays))
            self._keys[id(array)] = key
            self._kept.append(array)
            # `require` keeps arrays without axes as they are
            self.arrays[key] = np.require(array, array.dtype.newbyteorder("="), "C")
        return {"array": self._keys[id(array)]}

    def _attributes(self, value, where):
        dropped = self.left_out.get(self.names[type(value)], ())
        state = {}
        for name, part in vars(value).items():
            if name in dropped:
                continue
            if self.foreign is None and name not in attributes_of(type(value)):
                raise TypeError(
                    f"save: {where}.{name}".replace(" .", " ") + f" is no attribute that a "
                    f"{type(value).__name__} has; delete it, or use skops.io.dump or joblib.dump."
                )
            if name in _DEVICE_NAMES and not isinstance(value, BaseEstimator):
                state[name] = {"device": True}
            else:
                state[name] = self.encode(part, f"{where}.{name}".lstrip("."))
        return state

    def _module(self, module, where):
        plain = {n: v for n, v in vars(module).items() if n[0] != "_" and n != "training"}
        parts = {
            "plain": plain,
            "parameters": {n: _to_numpy(p) for n, p in module._parameters.items()},
            "buffers": {n: _to_numpy(b) for n, b in module._buffers.items()},
            "modules": module._modules,
        }
        return {
            group: {n: self.encode(v, f"{where}.{n}") for n, v in named.items()}
            for group, named in parts.items()
        }


class Decoder:
    """Turns the nodes of an Encoder into objects again.

    Parameters
    ----------
    classes : dict of str to type
        What may be built, by name.
    arrays : dict of str to ndarray
        The arrays of the nodes.
    device : str
        Where networks go.
    foreign : list, default=None
        The objects that the table does not name; with it, the source is trusted.
    size : int, default=None
        Bytes of the file, which bound what is built; None is no bound.
    """

    def __init__(self, classes, arrays, device, foreign=None, size=None):
        self.classes = classes
        self.arrays = arrays
        self.device = device
        self.foreign = foreign
        self.room = math.inf if size is None else _GROWTH * size

    def decode(self, node):
        """Return the value of a node.

        Raises
        ------
        ValueError, TypeError, KeyError
            If the node is not what an Encoder writes.
        """
        if isinstance(node, list):
            return [self.decode(part) for part in node]
        if not isinstance(node, dict):
            return node
        ((tag, state),) = node.items()
        if tag in _CODECS:
            _, _, expected, make = _CODECS[tag]
            value = self.decode(state)
            if not isinstance(value, expected):
                raise ValueError(f"a {tag} of a {type(value).__name__} is not known")
            if isinstance(value, np.ndarray):
                self._spend(value)
            return make(value)
        if tag not in _TAGS:
            raise ValueError(f"{tag!r} is no kind of node")
        return getattr(self, f"_{tag}")(state)

    def _spend(self, array, n_objects=0):
        """Count what is built of an array against the size of the file."""
        rows = array.shape[0] if array.ndim else 1
        self.room -= array.nbytes + 8 * rows + _OBJECT * n_objects
        if self.room < 0:
            raise ValueError("it would take far more memory than the file")

    def _float(self, text):
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text]

    def _array(self, key):
        return self.arrays[key]

    def _foreign(self, index):
        return self.foreign[index]

    def _transposed(self, node):
        return self.decode(node).T

    def _ragged(self, nodes):
        joined, sizes = self.decode(nodes)
        self._spend(joined, n_objects=len(sizes))
        return np.split(joined, np.cumsum(sizes)[:-1])

    def _objects(self, state):
        shape, items = state
        array = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            array[i] = self.decode(item)
        return array.reshape(shape)

    def _texts(self, node):
        letters = self.decode(node)
        self._spend(letters)
        if letters.dtype != np.uint32 or (letters > sys.maxunicode).any():
            raise ValueError("its texts hold what is no letter")
        return letters.view(f"U{letters.shape[-1]}")[..., 0]

    def _scalar(self, state):
        name, value = state[0], self.decode(state[1])
        if not isinstance(value, _PLAIN):
            raise ValueError("its scalars are none")
        return _checked_dtype(name, "biufU").type(value)

    def _dtype(self, name):
        return _checked_dtype(name, "biuf").type

    def _device(self, _):
        return self.device

    def _object(self, state):
        name, parts = state
        if name not in self.classes:
            raise ValueError(f"an object {name!r} is not known")
        cls = self.classes[name]
        if issubclass(cls, nn.Module):
            return self._module(cls, parts)
        value = cls.__new__(cls)
        for attribute in parts:
            self._check_name(cls, attribute, attributes_of(cls))
        vars(value).update({n: self.decode(part) for n, part in parts.items()})
        return value

    def _module(self, cls, parts):
        module = cls.__new__(cls)
        nn.Module.__init__(module)
        for name, node in parts["plain"].items():
            if name.startswith("_"):
                raise ValueError(f"{cls.__name__} has no stored attribute {name!r}")
            self._check_name(cls, name, attributes_of(cls))
            vars(module)[name] = self.decode(node)
        for name in (name for group in _GROUPS for name in parts[group]):
            if not (name.isdecimal() and issubclass(cls, nn.Sequential | nn.ModuleList)):
                self._check_name(cls, name, parts_of(cls))
        for name, node in parts["parameters"].items():
            tensor = self._tensor(node)
            module.register_parameter(
                name, None if tensor is None else nn.Parameter(tensor, requires_grad=False)
            )
        for name, node in parts["buffers"].items():
            module.register_buffer(name, self._tensor(node))
        for name, node in parts["modules"].items():
            child = self.decode(node)
            if child is not None and not isinstance(child, nn.Module):
                raise ValueError(f"{name!r} is no network")
            module.register_module(name, child)
        return module.eval()

    def _tensor(self, node):
        array = self.decode(node)
        if array is None:
            return None
        self._spend(array)
        return torch.tensor(array, device=self.device)

    def _check_name(self, cls, name, known):
        """Refuse attributes that a class does not have, or has for itself."""
        unknown = self.foreign is None and name not in known
        if unknown or name.startswith("__") or callable(getattr(cls, name, None)):
            raise ValueError(f"{cls.__name__} has no stored attribute {name!r}")


# nodes that a Decoder has a method for
_TAGS = (
    *("array", "device", "dtype", "float", "foreign", "object", "objects"),
    *("ragged", "scalar", "texts", "transposed"),
)

_GROUPS = ("parameters", "buffers", "modules")  # of a network


def _to_frame(columns):
    if not all(isinstance(v, (*_PLAIN, np.generic)) for _, column in columns for v in column):
        raise ValueError("its tables hold more than numbers and texts")
    return pd.DataFrame(dict(columns))


# tag -> (type, to what can be encoded, what that becomes, and back)
_CODECS = {
    "tuple": (tuple, list, list, tuple),
    "dict": (dict, lambda pairs: [[*pair] for pair in pairs.items()], list, dict),
    "tree": (cKDTree, lambda tree: np.asarray(tree.data), np.ndarray, cKDTree),
    "frame": (
        pd.DataFrame,
        lambda frame: [[str(name), frame[name].tolist()] for name in frame],
        list,
        _to_frame,
    ),
}


def _is_ragged(parts):
    """Tell whether a list holds many short arrays of one kind."""
    return len(parts) > _FEW and all(
        isinstance(p, np.ndarray)
        and p.ndim == 1
        and p.dtype == parts[0].dtype
        and p.dtype.kind in _NUMBERS
        for p in parts
    )


def _to_numpy(tensor):
    return None if tensor is None else tensor.detach().cpu().numpy()


def _checked_dtype(name, kinds):
    # numpy compiles what is no plain name
    plain = isinstance(name, str) and re.fullmatch(r"[a-zA-Z]+\d*", name)
    dtype = np.dtype(name) if plain else None
    if dtype is None or dtype.kind not in kinds:
        raise ValueError(f"{name!r} is no type of numbers")
    return dtype


def _described(value):
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = getattr(value, "__name__", None)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return f"an object of type {kind}" + (f" ({name})" if name else "")
