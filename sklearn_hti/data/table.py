"""The table X: checked, and without the columns that hold lambda."""

import numbers

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from .._utils.readable import as_readable
from .arrays import errors_name, is_frame, is_plain, refuse_times


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
        refuse_times(X)
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
        and is_plain(X)
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
