"""Scaling of X and y, categories and groups of equal x; arrays to tensors."""

import numpy as np
import pandas as pd
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from .._utils.findings import warn_once
from .._utils.registry import storable
from ..exceptions import SupportWarning
from .conditions import Conditions
from .validation import as_float_array, check_reach, check_size, errors_name, is_frame

_COARSE = 1e-3  # of the standard deviation of a column: single precision resolves no finer
_FAR = 0.5  # of the range of a column in fit: a number farther out is unlike those of fit


def as_arrays(transformer):
    """Have a transformer return arrays, whatever users set for all of theirs."""
    return transformer.set_output(transform="default")


@storable
class ConditionEncoder:
    """Standardises numeric columns and numbers the values of categorical ones."""

    def fit(self, X, categorical_features, n_rows):
        """Learn scales and categories from X (None: no condition)."""
        n_columns = 0 if X is None else X.shape[1]
        self.categorical_ = categorical_mask(X, categorical_features)
        numeric, values = self._split(X, n_rows)
        self.scaler_ = as_arrays(StandardScaler()).fit(numeric) if numeric.shape[1] else None
        with errors_name("X"):
            self.ordinal_ = as_arrays(OrdinalEncoder()).fit(values) if values.shape[1] else None
        self.n_categories_ = [len(c) for c in self.ordinal_.categories_] if values.shape[1] else []
        self.n_numeric_ = n_columns - len(self.n_categories_)
        # the least and the greatest of every number
        self.range_ = np.stack([numeric.min(axis=0), numeric.max(axis=0)])
        return self

    def transform(self, X, n_rows, *, asked=None):
        """Return the Conditions of X, `n_rows` empty ones for None.

        Numbers far out of the range of fit are warned of, once by the surrogate that is `asked`;
        without, answers do not depend on fit there.
        """
        numeric, values = self._split(X, n_rows)
        codes = np.zeros((len(numeric), 0), dtype=np.int64)
        if self.ordinal_ is not None:
            try:
                codes = self.ordinal_.transform(values).astype(np.int64)
            except ValueError as error:
                raise ValueError(
                    f"X: {error}. Every category has to occur in fit; categorical columns "
                    f"are at {np.flatnonzero(self.categorical_).tolist()} of X without "
                    "the lambda column."
                ) from error
        scaled = numeric
        if self.scaler_ is not None:  # its `transform` would check once more what was checked
            scaled = (numeric - self.scaler_.mean_) / self.scaler_.scale_
        check_reach(scaled, "X")
        if asked is not None:
            self._warn_if_far(asked, X, numeric)
        with np.errstate(over="ignore"):
            keys = numeric.astype(np.float32)
            rest = (numeric - keys)[:, self._coarse()].astype(np.float32)
            if codes.size or rest.size:
                keys = np.hstack([keys, codes.astype(np.float32), rest])
        return Conditions(scaled, codes, keys)

    def _coarse(self):
        """Return the numbers of columns too far from zero for single precision.

        Times in seconds since 1970 are 1.8e9, and would all be equal.
        """
        if self.scaler_ is None:
            return slice(0)
        far = np.finfo(np.float32).eps * np.abs(self.scaler_.mean_)
        return np.flatnonzero(far > _COARSE * self.scaler_.scale_)

    def _warn_if_far(self, asked, X, numeric):
        """Warn of numbers far out of the range that they had in fit."""
        low, high = self.range_
        margin = _FAR * (high - low) + 1e-6 * np.maximum(np.abs(low), np.abs(high))
        with np.errstate(over="ignore"):
            far = (numeric < low - margin) | (numeric > high + margin)
        if not far.any():
            return
        j = far.any(axis=0).argmax()
        column = np.flatnonzero(~self.categorical_)[j]
        name = repr(X.columns[column]) if is_frame(X) else f"{column}"
        # every process that asks a copy of the surrogate has this text, and shows it once
        warn_once(
            asked,
            f"X: rows are unlike the inputs of fit: column {name} (without the lambda column) ran "
            f"from {low[j]:g} to {high[j]:g} there, and is far outside. Answers to such rows are "
            "guesses: ask the networks for inputs like these, and fit again with the outputs.",
            SupportWarning,
        )

    def _split(self, X, n_rows):
        """Return the numeric columns as float64 and the categorical ones as objects."""
        if X is None or not X.shape[1]:
            return np.zeros((n_rows, 0)), np.zeros((n_rows, 0), dtype=object)
        numeric, values = X, np.zeros((len(X), 0), dtype=object)
        if self.categorical_.any():
            frame = X if is_frame(X) else pd.DataFrame(X)
            categories = frame.loc[:, self.categorical_].astype(object)
            if categories.isna().to_numpy().any():
                raise ValueError(
                    "Input X contains NaN in a categorical column; replace missing values, "
                    "for instance by a category of their own."
                )
            numeric, values = frame.loc[:, ~self.categorical_], categories.to_numpy()
        if not numeric.shape[1]:
            return np.zeros((len(X), 0)), values
        numeric = as_float_array(numeric, "X", ensure_min_features=0)
        check_size(numeric, "X")
        return numeric, values


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
            mask[:] = [_is_categorical(dtype) for dtype in X.dtypes]
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


def _is_categorical(dtype):
    return isinstance(dtype, pd.CategoricalDtype) or (
        not pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    )


@storable
class OutputScaler:
    """Centre y and divide it by one common scale, or by one scale per output.

    A common scale keeps the geometry of y: distances shrink by the same factor in every
    direction, so optimal transport is unchanged. One scale per output changes it, which is
    what outputs in different units need.
    """

    def fit(self, y, mode):
        """Learn the centre and the scale from all rows."""
        self.center_ = y.mean(axis=0)
        with np.errstate(over="ignore"):
            spread = np.std(y - self.center_, axis=0)
        if not np.isfinite(spread).all():
            raise ValueError("y is too large to be scaled; divide it by a constant.")
        if mode == "common":
            spread = np.full_like(spread, np.sqrt(np.mean(spread**2)))
        tiny = np.finfo(np.float64).eps * np.maximum(np.abs(self.center_), 1e-200) * 10
        self.scale_ = np.where(spread > tiny, spread, 1.0)
        return self

    def encode(self, y):
        """Return y in scaled units."""
        return (y - self.center_) / self.scale_

    def decode(self, y):
        """Return scaled outputs in the user's units."""
        return y * self.scale_ + self.center_
