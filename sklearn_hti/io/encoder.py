"""From object graphs to plain data: JSON for structure and numbers, arrays beside it."""

import math

import numpy as np
from sklearn.base import BaseEstimator
from torch import nn

from .._utils.registry import attributes_of
from .codec import CODECS

_NUMBERS = "biuf"  # kinds of arrays that are stored as they are
_FEW = 8  # arrays of a list that are stored one by one
_DEVICE_NAMES = ("device", "device_")


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
        for tag, (stored, to_state, *_) in CODECS.items():
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


def _described(value):
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = getattr(value, "__name__", None)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return f"an object of type {kind}" + (f" ({name})" if name else "")
