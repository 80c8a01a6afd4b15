"""The columns of lambda, in whatever form users pass them: arrays, frames, dicts, one row."""

from collections.abc import Mapping
from numbers import Real

import numpy as np

from .arrays import as_float_array, check_size


def names_of(lam):
    """Return the names of the hyperparameters of a frame or a mapping; none otherwise."""
    if isinstance(lam, Mapping):
        return tuple(map(str, lam))
    columns = getattr(lam, "columns", None)
    return () if columns is None else tuple(map(str, columns))


def columns_of(lam, names, n_columns, name):
    """Return the columns of lambda as arrays, in the order of `fit`."""
    given = names_of(lam)
    if n_columns > 1 and not names and isinstance(lam, Mapping):
        raise ValueError(
            f"`{name}` has the names {sorted(given)}, but lambda had none in fit; pass its "
            f"{n_columns} hyperparameters as an array in the order of fit."
        )
    if not given and names and hasattr(lam, "index") and getattr(lam, "ndim", 0) == 1:
        given = tuple(map(str, lam.index))
        if set(given) == set(names):
            lam = dict(zip(given, lam, strict=True))  # a Series that is one row
        else:
            given = ()
    if given:
        wanted = names or given
        if set(given) != set(wanted):
            raise ValueError(
                f"`{name}` has the hyperparameters {sorted(given)}; expected {sorted(wanted)}."
            )
        keys = dict(zip(given, lam if isinstance(lam, Mapping) else lam.columns, strict=True))
        return [np.atleast_1d(np.asarray(lam[keys[column]])) for column in wanted]
    table = as_table(lam)
    if table.ndim == 1 and len(table) == n_columns:
        table = table[None]
    if table.ndim != 2 or table.shape[1] != n_columns:
        called = f" ({', '.join(names)})" if names else ""
        raise ValueError(
            f"`{name}` has shape {table.shape}; pass ({n_columns},) or (n, {n_columns}), one "
            f"column per hyperparameter{called}."
        )
    return list(table.T)


def as_table(lam):
    """Return an array of numbers, or of objects where not all are."""
    if hasattr(lam, "detach"):
        lam = lam.detach().cpu()
    table = np.asarray(lam)
    return np.asarray(lam, dtype=object) if table.dtype.kind in "US" else table


def is_numeric(column):
    if column.dtype.kind in "fiu":
        return True
    return column.dtype.kind == "O" and all(
        isinstance(v, Real) and not isinstance(v, bool) for v in column
    )


def numbers_of(column, name):
    column = as_float_array(column, name, ensure_2d=False)
    check_size(column, name)
    return column
