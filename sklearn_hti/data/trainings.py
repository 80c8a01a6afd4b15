"""The values of hyperparameters that `sweep` trains at: of one, on a grid, or in any design."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import isfinite
from numbers import Real

import numpy as np
import pandas as pd

from .arrays import errors_name, is_frame
from .lam_space import learn_space


@dataclass(frozen=True)
class Trainings:
    """The hyperparameters of every training.

    Attributes
    ----------
    names : tuple of str
        Hyperparameters, in the order of the columns of lambda.
    values : list of tuple
        Their values in every training, as users give them.
    design : bool
        Whether they came with their names, as a grid or a design.
    """

    names: tuple
    values: list
    design: bool

    def params(self, k):
        """Return the parameters of training k."""
        return dict(zip(self.names, self.values[k], strict=True))

    def text(self, k):
        """Return the parameters of training k as text."""
        return ", ".join(f"{name}={value!r}" for name, value in self.params(k).items())

    def key(self, k):
        """Return the key of training k among networks: a float, or a tuple of several."""
        key = tuple(v if _is_category(v) else float(v) for v in self.values[k])
        return key if len(key) > 1 else key[0]

    def lam(self, rows=slice(None)):
        """Return lambda of some trainings: an array of one hyperparameter, or a DataFrame."""
        if self.design:
            frame = pd.DataFrame(self.values, columns=list(self.names))
            return frame.iloc[rows].reset_index(drop=True)
        return np.array(self.values, dtype=float)[rows, 0]


def find_trainings(param_name, param_values):
    """Return the Trainings that the parameters of `sweep` describe.

    Raises
    ------
    ValueError
        If they are not distinct, or outputs at them would be refused as lambda.
    """
    if not is_design(param_name):
        _check_names([param_name])
        return Trainings((param_name,), _check_values(param_values), design=False)
    if param_values is not None:
        raise ValueError(
            "param_values was given beside a grid or a design, which has the values; leave out "
            "param_values."
        )
    names, values = _read(param_name)
    _check_names(names)
    _check_design(names, values)
    found = Trainings(names, values, design=True)
    with errors_name("param_name"):
        learn_space(found.lam(), len(values))
    return found


def is_design(param_name):
    """Tell whether names come with their values."""
    return is_frame(param_name) or (
        isinstance(param_name, Iterable) and not isinstance(param_name, str)
    )


def _read(design):
    """Return the names of a grid or a design, and the values of every training."""
    if isinstance(design, Mapping):
        for name, values in design.items():
            if isinstance(values, str) or not isinstance(values, Iterable):
                raise ValueError(
                    f"param_name: the grid has {name}={values!r}; pass a list of values."
                )
        return tuple(design), list(product(*design.values()))
    points = design.to_dict("records") if is_frame(design) else list(design)
    if not points or not all(isinstance(point, Mapping) for point in points):
        raise ValueError(
            f"param_name={points[:2]!r} must be a name, a dict of lists (a grid), or a list of "
            "dicts, one per training."
        )
    names = tuple(points[0])
    for point in points:
        if set(point) != set(names):
            raise ValueError(
                f"param_name: the dicts of a design must have the same keys; got {list(names)} "
                f"and {list(point)}."
            )
    return names, [tuple(point[name] for name in names) for point in points]


def _check_names(names):
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise ValueError(
            f"param_name: {wrong[0]!r} is not a parameter name; pass a string, such as 'alpha'."
        )


def _check_design(names, values):
    """Raise unless values are numbers or categories, and trainings distinct."""
    for point in values:
        for name, value in zip(names, point, strict=True):
            if not (_is_category(value) or _is_finite(value)):
                raise ValueError(
                    f"param_name: {name} has the value {value!r}; pass finite numbers, or "
                    "categories: strings, True and False."
                )
    twice = [value for value in values if values.count(value) > 1]
    if len(values) < 2 or twice:
        found = f"{twice[0]} more than once" if twice else f"{len(values)}"
        raise ValueError(
            f"param_name: pass at least two trainings, each of them once; got {found}."
        )


def _check_values(param_values):
    """Return the values of one hyperparameter, each as a tuple."""
    values = list(param_values)
    wrong = [value for value in values if isinstance(value, bool) or not _is_finite(value)]
    if wrong:
        raise ValueError(f"param_values holds {wrong[:3]!r}; pass finite numbers.")
    if len(values) < 2 or len(set(values)) < len(values):
        raise ValueError(
            f"param_values={values!r} must hold at least two values, each of them once."
        )
    return [(value,) for value in values]


def _is_category(value):
    return isinstance(value, str | bool | np.bool_)


def _is_finite(value):
    return isinstance(value, Real) and isfinite(value)
