"""What users pass, as arrays of numbers; rows and columns of arrays and frames."""

import re
from contextlib import contextmanager

import numpy as np
from sklearn.utils import check_array

from .._utils.readable import as_readable
from .._utils.text import printable

_LARGEST = 1e150


def is_frame(X):
    """Tell whether X is a pandas DataFrame."""
    return hasattr(X, "iloc") and hasattr(X, "columns")


def as_float_array(value, name, **options):
    """Convert to a finite float64 array; errors name the argument."""
    with errors_name(name):
        value = as_readable(value)
        if is_plain(value) and (value.ndim == 2 or not options.get("ensure_2d", True)):
            return np.asarray(value, dtype=np.float64)
        refuse_times(value)
        return check_array(value, dtype=np.float64, input_name=name, **options)


def is_plain(value):
    """Tell whether `check_array` would find nothing to do but to make numbers float64.

    It takes a tenth of a millisecond to find out, which a single row has to wait for.
    """
    return (
        type(value) is np.ndarray
        and value.dtype.kind in "fiu"
        and value.dtype.itemsize <= 8
        and value.ndim in (1, 2)
        and value.size > 0
        and bool(np.isfinite(value).all())
    )


@contextmanager
def errors_name(name):
    """Put the name of the argument before the text of errors that lack it; names in it print."""
    try:
        yield
    except (ValueError, TypeError) as error:
        told = printable(error)
        prints, is_named = told == str(error), re.search(rf"\b{name}\b", told)
        if is_named and prints:
            raise
        raise (ValueError if isinstance(error, ValueError) else TypeError)(
            told if is_named else f"`{name}`: {told}"
        ) from (error if prints else None)


def refuse_times(value):
    """Raise for dates and time spans, which numpy turns into numbers of whatever unit."""
    for dtype in np.atleast_1d(getattr(value, "dtypes", getattr(value, "dtype", None))):
        if getattr(dtype, "kind", "") in ("m", "M"):
            raise TypeError(f"dtype {dtype} is not a number; pass a time as a number in any unit.")


def precision(X):
    """Return the name of the floating-point dtype of an array, "float64" for all else."""
    name = str(getattr(X, "dtype", None)).removeprefix("torch.")
    return name if name in ("float16", "float32") else "float64"


def is_number(value):
    """Tell whether a value is a plain number with nothing to be refused."""
    return type(value) in (float, int) and abs(value) <= _LARGEST


def check_size(values, name):
    """Raise where the square of a value is no float64."""
    if np.abs(values).max(initial=0) > _LARGEST:
        raise ValueError(f"`{name}` is too large for its squares; divide it by a constant.")


def count_axes(values):
    """Return the number of axes of what is not checked yet."""
    try:
        return np.ndim(values)
    except ValueError:  # rows of unequal lengths, which the check names
        return 1


def take(X, rows):
    """Return some rows of an array or a DataFrame."""
    return X.iloc[rows] if is_frame(X) else X[rows]


def take_columns(X, positions):
    """Return some columns of an array or a DataFrame as numbers."""
    columns = X.iloc[:, positions] if is_frame(X) else X[:, positions]
    return np.asarray(columns, dtype=np.float64)
