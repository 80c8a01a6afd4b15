"""From what the user passed to checked arrays: (X, y, lam) and where lambda sits in X."""

import numbers
import re
from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples, validate_data

from .._utils.readable import as_readable
from .._utils.text import printable

_LARGEST = 1e150
LAM_ROUNDING = 4 * np.finfo(np.float32).eps  # of lambda: values that differ by less are one
_MOST_ROUNDING = 1e-3  # of the range of lambda: what lies farther outside was not rounded
_FARTHEST = 1e18  # standard deviations: the square is still a float32


def is_frame(X):
    """Tell whether X is a pandas DataFrame."""
    return hasattr(X, "iloc") and hasattr(X, "columns")


def as_float_array(value, name, **options):
    """Convert to a finite float64 array; errors name the argument."""
    with errors_name(name):
        value = as_readable(value)
        if _is_plain(value) and (value.ndim == 2 or not options.get("ensure_2d", True)):
            return np.asarray(value, dtype=np.float64)
        _refuse_times(value)
        return check_array(value, dtype=np.float64, input_name=name, **options)


def _is_plain(value):
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


def _is_number(value):
    """Tell whether a value is a plain number with nothing to be refused."""
    return type(value) in (float, int) and abs(value) <= _LARGEST


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


def _refuse_times(value):
    """Raise for dates and time spans, which numpy turns into numbers of whatever unit."""
    for dtype in np.atleast_1d(getattr(value, "dtypes", getattr(value, "dtype", None))):
        if getattr(dtype, "kind", "") in ("m", "M"):
            raise TypeError(f"dtype {dtype} is not a number; pass a time as a number in any unit.")


def precision(X):
    """Return the name of the floating-point dtype of an array, "float64" for all else."""
    name = str(getattr(X, "dtype", None)).removeprefix("torch.")
    return name if name in ("float16", "float32") else "float64"


def check_features(estimator, X, *, reset):
    """Check the whole X (lambda column included) and return it 2-D, or None.

    Frames stay frames, so that categorical columns keep their values.
    """
    if X is None:
        if reset:
            estimator.n_features_in_ = 0
            vars(estimator).pop("feature_names_in_", None)  # of a fit before
        elif estimator.n_features_in_:
            raise ValueError(
                f"X is None, but the estimator was fitted with "
                f"{estimator.n_features_in_} columns; pass X with the same columns."
            )
        return None
    if not reset and estimator.n_features_in_ == 0:
        raise ValueError("X was None in fit (no condition), so X must be None here too.")
    with errors_name("X"):
        X = as_readable(X)
        if hasattr(X, "to_pandas"):
            X = X.to_pandas()
        if not reset and _is_known(estimator, X):
            return np.asarray(X, dtype=np.float64)
        _refuse_no_table(X)
        _refuse_times(X)
        X = _check_table(estimator, X, reset)
        return X if reset else with_names(X, getattr(estimator, "feature_names_in_", None))


def with_names(X, names):
    """Return X with the names of columns that it had in a fit, by their places; None had none.

    What is asked next then finds X as it was, and has nothing to warn of once more.
    """
    if names is None and is_frame(X) and all(map(pd.api.types.is_numeric_dtype, X.dtypes)):
        return X.to_numpy(dtype=np.float64)
    if names is None or is_frame(X) or len(names) != X.shape[1]:
        return X
    return pd.DataFrame(X, columns=names)


def _refuse_no_table(X):
    """Raise for what holds one row, or named columns, and is no table."""
    if hasattr(X, "iloc") and not is_frame(X):
        raise ValueError(
            "X is a Series; pass a table: frame.iloc[[i]] is one row of a frame, "
            "series.to_frame() one column."
        )
    if isinstance(X, dict) and not issparse(X):  # of scipy, some are
        raise TypeError(
            "X is a dict; pass a table: pandas.DataFrame([X]) where it holds one row, "
            "pandas.DataFrame(X) where it holds columns."
        )
    if isinstance(X, list) and X and isinstance(X[0], dict):
        raise TypeError("X is a list of dicts; pass a table: pandas.DataFrame(X).")


def _is_known(estimator, X):
    """Tell whether `validate_data` would find nothing to do but to make numbers float64."""
    return (
        isinstance(estimator.categorical_features, str | None)
        and not hasattr(estimator, "feature_names_in_")
        and _is_plain(X)
        and X.ndim == 2
        and X.shape[1] == estimator.n_features_in_
    )


def _check_table(estimator, X, reset):
    """Check an X that is there; part of `check_features`."""
    minimum = 2 if reset else 1
    if is_frame(X):
        if len(X) < minimum:
            raise ValueError(
                f"Found array with {len(X)} sample(s) in X while a minimum of "
                f"{minimum} is required."
            )
        return _check_names(estimator, X, reset)
    listed = not isinstance(estimator.categorical_features, str | None)
    try:
        return validate_data(
            estimator,
            X,
            reset=reset,
            dtype=None if listed else np.float64,
            ensure_all_finite=not listed,
            ensure_min_samples=minimum,
        )
    except ValueError as error:
        if "array with dim" in str(error):
            raise ValueError(f"`X`: {error} {_flatten('X', np.shape(X))}") from error
        if "could not convert" not in str(error):
            raise
        raise ValueError(
            f"X: {error}. Columns of strings are read as categories in a DataFrame, or "
            "in an array when listed in `categorical_features`."
        ) from error


def _check_names(estimator, X, reset):
    """Check the names of the columns of a frame."""
    try:
        return validate_data(estimator, X, reset=reset, skip_check_array=True)
    except ValueError as error:
        known = getattr(estimator, "feature_names_in_", None)
        if reset or known is None or not set(known) <= set(X.columns):
            raise
        remedy = "Pass X[surrogate.feature_names_in_], the columns of fit in their order."
        raise ValueError(f"`X`: {error}{remedy}") from error


def _flatten(name, shape):
    """Say how to make two axes of more."""
    return f"It has shape {shape}: flatten its further axes, {name}.reshape({shape[0]}, -1)."


def locate_column(X, column):
    """Return the position of `lam_column` in X."""
    n_columns = X.shape[1]
    if isinstance(column, str):
        names = list(X.columns) if is_frame(X) else []
        if column not in names:
            found = names or (
                "no column names, which tools such as BaggingRegressor and transformers take "
                "away: give a position, ask transformers for frames, "
                'set_output(transform="pandas"), or pass `lam` (with metadata routing)'
            )
            raise ValueError(f"lam_column={column!r} is not a column of X; X has {found}.")
        return names.index(column)
    if not isinstance(column, numbers.Integral) or not -n_columns <= column < n_columns:
        raise ValueError(
            f"lam_column={column!r} does not point into X, which has {n_columns} column(s). "
            "Inside tools that choose columns, pass `lam` (with metadata routing)."
        )
    refuse_two_meanings("lam_column", column, X)
    return int(column) % n_columns


def refuse_two_meanings(parameter, column, X):
    """Raise where a position in X is the name of another column."""
    names = X.columns.tolist() if is_frame(X) else []
    if column in names and names.index(column) != column % len(names):
        raise ValueError(
            f"{parameter}: {column!r} is the position of column {names[column]!r} of X and the "
            f"name of another, at position {names.index(column)}. Name columns by texts: "
            "X.rename(columns=str)."
        )


def split_columns(X, columns):
    """Return X without the column of lambda, or the columns, and what they hold."""
    if not isinstance(columns, list):
        position = locate_column(X, columns)
        if is_frame(X):
            return X.drop(columns=X.columns[position]), X.iloc[:, position].to_numpy()
        return np.delete(X, position, axis=1), X[:, position]
    positions = [locate_column(X, column) for column in columns]
    if not positions or len(set(positions)) < len(positions):
        raise ValueError(f"lam_column={columns!r} must list columns of X, each once.")
    rest = np.setdiff1d(np.arange(X.shape[1]), positions)
    if is_frame(X):
        return X.iloc[:, rest], X.iloc[:, positions]
    return X[:, rest], X[:, positions]


def check_lam(lam, n_rows, *, name="lam"):
    """Return lambda as a float64 array of `n_rows` values; a scalar is broadcast."""
    if lam is None:
        raise ValueError(
            f"`{name}` is missing: pass the hyperparameter value of every row as "
            f"`{name}=...`, or make the estimator with `lam_column`. {_routing_hint()}"
        )
    if _is_number(lam):
        return np.full(n_rows, float(lam))
    lam = as_float_array(lam, name, ensure_2d=False, allow_nd=True, ensure_min_samples=0)
    check_size(lam, name)
    if lam.ndim == 0:
        return np.full(n_rows, float(lam))
    if lam.ndim == 2 and lam.shape[1] == 1:
        lam = lam[:, 0]
    if lam.ndim != 1 or len(lam) != n_rows:
        raise ValueError(
            f"`{name}` has shape {lam.shape}; pass one value for each of the {n_rows} rows, or a "
            "scalar."
        )
    return lam


def check_weight(sample_weight, n_rows):
    """Return weights as a float64 array of `n_rows` values, none negative; None stays None."""
    if sample_weight is None:
        return None
    options = {"ensure_2d": False, "allow_nd": True, "ensure_min_samples": 0}
    weight = as_float_array(sample_weight, "sample_weight", **options)
    if weight.ndim == 0:
        weight = np.full(n_rows, float(weight))
    if weight.shape != (n_rows,):
        raise ValueError(
            f"`sample_weight` has shape {weight.shape}; pass one weight for each of the {n_rows} "
            "rows."
        )
    if (weight < 0).any():
        raise ValueError(
            f"`sample_weight` is negative in {int((weight < 0).sum())} row(s), first "
            f"{weight[weight < 0][0]:g}; pass zero for rows that must not count."
        )
    check_size(weight, "sample_weight")
    if not weight.any():
        raise ValueError("`sample_weight` is zero for every row; pass a weight above zero.")
    return weight


def _routing_hint():
    """Say what scikit-learn's tools do with lambda under the present configuration."""
    if get_config()["enable_metadata_routing"]:
        return (
            "cross_val_predict, `predict` of a search, and the scorers of scikit-learn do not "
            "pass `lam`. Use `lam_column`, `search.best_estimator_.predict(X, lam)`, or "
            "sklearn_hti.metrics.make_lam_scorer as scoring."
        )
    return (
        "Searches, cross-validation and pipelines of scikit-learn pass `lam` only with metadata "
        "routing: sklearn.set_config(enable_metadata_routing=True). `predict` of a search "
        "never does: use `search.best_estimator_.predict(X, lam)`."
    )


def check_outputs(y, n_rows=None, *, name="y"):
    """Return y as (n, D) float64, and the shape of one of its rows as it came: () of (n,)."""
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None")
    y = as_float_array(y, name, ensure_2d=False, allow_nd=True, ensure_min_samples=1)
    if y.ndim == 0 or 0 in y.shape:
        raise ValueError(f"`{name}` must have shape (n,) or (n, D, ...); got {y.shape}.")
    if n_rows is not None and len(y) != n_rows:
        raise ValueError(
            f"X and {name} have inconsistent numbers of samples: [{n_rows}, {len(y)}]."
        )
    return y.reshape(len(y), -1), y.shape[1:]


def count_rows(X, lam=None):
    """Return the number of rows of a query; without X, as many as lambda has entries."""
    if X is not None:
        return _num_samples(X)
    lam = as_readable(lam)
    return 1 if lam is None or count_axes(lam) == 0 else _num_samples(lam)


def count_axes(values):
    """Return the number of axes of what is not checked yet."""
    try:
        return np.ndim(values)
    except ValueError:  # rows of unequal lengths, which the check names
        return 1


INTERPOLATES = (
    ": the surrogate interpolates only; train a network there and add its outputs to fit."
)


def check_within(lam, anchors, *, name="lam"):
    """Return lambdas, all within the anchors; what rounding to float32 puts outside is moved.

    Raises
    ------
    ValueError
        If a lambda lies outside the anchors.
    """
    lam, found = split_outside(lam, anchors, name)
    if found:
        raise ValueError(found + INTERPOLATES)
    return lam


def split_outside(lam, anchors, name, of="the anchors"):
    """Return lambdas, and what to say of those outside; what rounding puts there is moved."""
    low, high = anchors[0], anchors[-1]
    outside, within = lies_outside(lam, low, high), np.clip(lam, low, high)
    if not outside.any():
        return within, ""
    first = lam[outside][0]
    end = low if first < low else high
    found = (
        f"`{name}` has {int(outside.sum())} value(s) outside {of} [{low:.10g}, {high:.10g}], "
        f"first {first:.10g}, {abs(first - end) / (high - low):.3g} of their range from the "
        "nearest"
    )
    return np.where(outside, lam, within), found


def lies_outside(lam, low, high):
    """Tell which lambdas lie outside of two others by more than rounding to float32."""
    span = high - low
    dust = 4 * np.finfo(float).eps * span  # an end at 0 that was computed
    below, above = (
        min(LAM_ROUNDING * abs(end), _MOST_ROUNDING * span) + dust for end in (low, high)
    )
    return (lam < low - below) | (lam > high + above)


def check_size(values, name):
    """Raise where the square of a value is no float64."""
    if np.abs(values).max(initial=0) > _LARGEST:
        raise ValueError(f"`{name}` is too large for its squares; divide it by a constant.")


def check_reach(scaled, name):
    """Raise where scaled values are beyond what networks in single precision can take."""
    farthest = np.abs(scaled).max(initial=0)
    if not farthest < _FARTHEST:
        raise ValueError(
            f"`{name}` holds values that are {farthest:.0e} standard deviations away from those "
            "in fit, too far for networks; leave out these rows."
        )


def check_bounds(y_bounds, y, numbers=None, trailing=()):
    """Return (low, high) as arrays of D values, or None; y (n, D) came as (n, *trailing)."""
    if y_bounds is None:
        return None
    shape = trailing if len(trailing) > 1 else (y.shape[1],)
    try:
        low, high = (
            np.broadcast_to(np.asarray(as_readable(b), dtype=float), shape).reshape(-1)
            for b in y_bounds
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"y_bounds={y_bounds!r} must be (low, high), each a scalar or one value per "
            f"output ({y.shape[1]})."
        ) from error
    if np.isnan(low).any() or np.isnan(high).any() or not (low < high).all():
        raise ValueError(f"y_bounds={y_bounds!r}: every low must be below its high.")
    check_inside(y, (low, high), "y", numbers)
    return low, high


def check_inside(y, bounds, name, numbers=None):
    """Raise where outputs lie outside of `y_bounds`, to which answers are clipped."""
    low, high = bounds
    slack = 4 * np.finfo(np.float32).eps  # outputs that were clipped in single precision
    outside = (y < low - slack * np.abs(low)) | (y > high + slack * np.abs(high))
    if outside.any():
        i, j = np.argwhere(outside)[0]
        row = i if numbers is None else numbers[i]
        raise ValueError(
            f"`{name}` has {int(outside.sum())} value(s) outside y_bounds, such as {y[i, j]:g} "
            f"in row {row}, outside ({low[j]:g}, {high[j]:g}); clip `{name}`, or fit with wider "
            "bounds."
        )


def take_columns(X, positions):
    """Return some columns of an array or a DataFrame as numbers."""
    columns = X.iloc[:, positions] if is_frame(X) else X[:, positions]
    return np.asarray(columns, dtype=np.float64)


def take(X, rows):
    """Return some rows of an array or a DataFrame."""
    return X.iloc[rows] if is_frame(X) else X[rows]
