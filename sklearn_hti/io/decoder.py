"""From plain data to objects again, of which nothing is executed.

Classes come from a given table, are made without their constructors, and get the attributes alone
that their own methods give them. What is copied or built from arrays counts against the size of
the file, however often a node names them.
"""

import math
import re
import sys

import numpy as np
import torch
from torch import nn

from .._utils.registry import attributes_of, parts_of
from .codec import CODECS, PLAIN

_GROWTH = 32  # bytes of objects per byte of a file, at most, where a byte may stand for many
_OBJECT = 128  # bytes of an array without its numbers


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
        if tag in CODECS:
            _, _, expected, make = CODECS[tag]
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
        if not isinstance(value, PLAIN):
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


def _checked_dtype(name, kinds):
    # numpy compiles what is no plain name
    plain = isinstance(name, str) and re.fullmatch(r"[a-zA-Z]+\d*", name)
    dtype = np.dtype(name) if plain else None
    if dtype is None or dtype.kind not in kinds:
        raise ValueError(f"{name!r} is no type of numbers")
    return dtype
