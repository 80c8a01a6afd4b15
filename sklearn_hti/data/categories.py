"""Which columns of X are categorical."""

from datetime import date, timedelta
from numbers import Number

import numpy as np
import pandas as pd

from .arrays import is_frame
from .table import refuse_two_meanings


def categorical_mask(X, categorical_features):
    """Return a boolean mask over the columns of X (as HistGradientBoosting does)."""
    n_columns = 0 if X is None else X.shape[1]
    mask = np.zeros(n_columns, dtype=bool)
    if categorical_features is None or X is None:
        return mask
    if isinstance(categorical_features, str):
        if categorical_features != "from_dtype":
            raise ValueError(
                f"categorical_features={categorical_features!r} is not available; "
                "accepted: 'from_dtype', None, or a list of columns."
            )
        if is_frame(X):
            mask[:] = [_is_categorical(X.iloc[:, i]) for i in range(n_columns)]
        return mask
    listed = np.asarray(categorical_features)
    if listed.dtype == bool:
        if listed.shape != mask.shape:
            raise ValueError(
                f"categorical_features: a mask of {mask.size} entries was expected "
                f"(columns of X without the lambda column), got {listed.shape}."
            )
        return listed.copy()
    names = list(X.columns) if is_frame(X) else []
    for column in listed.tolist():
        if isinstance(column, int) and -n_columns <= column < n_columns:
            refuse_two_meanings("categorical_features", column, X)
        if column in names:
            mask[names.index(column)] = True
        elif isinstance(column, int) and -n_columns <= column < n_columns:
            mask[column] = True
        else:
            raise ValueError(
                f"categorical_features: {column!r} is not a column of X (without the "
                f"lambda column: {names or f'{n_columns} columns'})."
            )
    return mask


def _is_categorical(column):
    """Tell whether a column of a frame holds categories; raise where it is not clear."""
    dtype = column.dtype
    if pd.api.types.is_object_dtype(dtype):
        return _holds_categories(column)
    return isinstance(dtype, pd.CategoricalDtype) or (
        not pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    )


def _holds_categories(column):
    """Tell whether an object column holds categories, or else numbers; raise where both."""
    given = column[column.notna()].tolist()
    if any(isinstance(v, (date, timedelta, np.datetime64, np.timedelta64)) for v in given):
        raise TypeError(
            f"X: column {column.name!r} holds dates or time spans, not numbers; pass the time as "
            "a number in any unit."
        )
    is_number = [isinstance(v, (Number, np.bool_)) for v in given]
    if not any(is_number):
        return True
    if not all(is_number):
        number, other = given[is_number.index(True)], given[is_number.index(False)]
        raise ValueError(
            f"X: column {column.name!r} mixes numbers and categories, such as {number!r} and "
            f"{other!r}. Convert it to numbers, with pandas.to_numeric(X[{column.name!r}], "
            f"errors='coerce') and filled gaps, or to categories, X[{column.name!r}].astype(str)."
        )
    return False
