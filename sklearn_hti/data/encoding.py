"""Scaling of X and y, categories and groups of equal x; arrays to tensors."""

import numpy as np
import pandas as pd
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from .._utils.findings import warn_once
from .._utils.registry import storable
from ..exceptions import SupportWarning
from .arrays import as_float_array, check_size, errors_name, is_frame
from .categories import categorical_mask
from .conditions import Conditions
from .targets import check_reach

_COARSE = 1e-3  # of the standard deviation of a column: single precision resolves no finer
_EXPONENTS = 96  # binary ones of numbers that are single precision with room for outliers
_FAR = 0.5  # of the range of a column in fit: a number farther out is unlike those of fit


def as_arrays(transformer):
    """Have a transformer return arrays, whatever users set for all of theirs."""
    if hasattr(transformer, "set_output"):  # those that name their columns have it
        transformer.set_output(transform="default")
    return transformer


@storable
class ConditionEncoder:
    """Standardises numeric columns and numbers the values of categorical ones."""

    def fit(self, X, categorical_features, n_rows):
        """Learn scales and categories from X (None: no condition)."""
        n_columns = 0 if X is None else X.shape[1]
        self.categorical_ = categorical_mask(X, categorical_features)
        numeric, values = self._split(X, n_rows)
        self.scaler_ = _standardise(numeric) if numeric.shape[1] else None
        with errors_name("X"):
            self.ordinal_ = as_arrays(OrdinalEncoder()).fit(values) if values.shape[1] else None
        self.n_categories_ = [len(c) for c in self.ordinal_.categories_] if values.shape[1] else []
        self.n_numeric_ = n_columns - len(self.n_categories_)
        # the least and the greatest of every number
        self.range_ = np.stack([numeric.min(axis=0), numeric.max(axis=0)])
        return self

    def refuse_many(self, X, most):
        """Raise where X has more categories than a fit can take as features."""
        if sum(self.n_categories_) <= most:
            return
        largest = int(np.argmax(self.n_categories_))
        name = _column_name(X, np.flatnonzero(self.categorical_)[largest])
        raise ValueError(
            f"X: column {name} holds {self.n_categories_[largest]:,} categories; a fit accepts "
            f"{most:,} in all columns together. Leave out a column that only names rows, or "
            "describe categories by numbers. Or group rare categories, as "
            "sklearn.preprocessing.OneHotEncoder(max_categories=...) does before the surrogate."
        )

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
                self._raise_unseen(X, values)
                raise ValueError(f"X: {error}") from error
        scaled = numeric
        if self.scaler_ is not None:  # its `transform` would check once more what was checked
            scaled = (numeric - self.scaler_.mean_) / self.scaler_.scale_
        check_reach(scaled, "X")
        if asked is not None:
            self._warn_if_far(asked, X, numeric)
        numeric = numeric * self._units()
        with np.errstate(over="ignore"):
            keys = numeric.astype(np.float32)
            rest = (numeric - keys)[:, self._coarse()].astype(np.float32)
            if codes.size or rest.size:
                keys = np.hstack([keys, codes.astype(np.float32), rest])
        return Conditions(scaled, codes, keys)

    def _raise_unseen(self, X, values):
        """Raise for the first column with categories that did not occur in fit."""
        columns, categories = np.flatnonzero(self.categorical_), self.ordinal_.categories_
        for column, of_one, known in zip(columns, values.T, categories, strict=True):
            new = pd.unique(of_one[~pd.Series(of_one).isin(known).to_numpy()])
            if len(new):
                raise ValueError(
                    f"X: column {_column_name(X, column)} holds {_listed(new)}, which did not "
                    f"occur in fit; there it held {_listed(known)}. Add outputs of the networks "
                    "at such inputs and fit again, or leave out these rows."
                )

    def _coarse(self):
        """Return the numbers of columns too far from zero for single precision.

        Times in seconds since 1970 are 1.8e9, and would all be equal.
        """
        if self.scaler_ is None:
            return slice(0)
        far = np.finfo(np.float32).eps * np.abs(self.scaler_.mean_)
        return np.flatnonzero(far > _COARSE * self.scaler_.scale_)

    def _units(self):
        """Return what columns beyond the range of single precision are multiplied by; else 1."""
        if self.scaler_ is None:
            return 1.0
        largest = np.maximum(np.abs(self.scaler_.mean_), self.scaler_.scale_)
        exponent = np.frexp(largest)[1]
        return np.where(np.abs(exponent) > _EXPONENTS, np.ldexp(1.0, -exponent), 1.0)

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
        name = _column_name(X, column)
        # every process that asks a copy of the surrogate has this text, and shows it once
        warn_once(
            asked,
            f"X: rows are unlike the inputs of fit: column {name} ran from {low[j]:g} to "
            f"{high[j]:g} there, and is far outside. Answers to such rows are guesses. Add "
            "outputs of the networks at such inputs, and fit again.",
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
            missing = categories.isna().to_numpy()
            if missing.any():
                row, j = np.argwhere(missing)[0]
                name = _column_name(X, np.flatnonzero(self.categorical_)[j])
                raise ValueError(
                    f"Input X contains NaN in a categorical column: {name}, at row {row}. Replace "
                    "missing values, for instance with a separate category."
                )
            numeric, values = frame.loc[:, ~self.categorical_], categories.to_numpy()
        if not numeric.shape[1]:
            return np.zeros((len(X), 0)), values
        numbers = self._numbers(numeric)
        check_size(numbers, "X")
        return numbers, values

    def _numbers(self, numeric):
        """Return the numeric columns as float64; errors name the first that holds none."""
        try:
            return as_float_array(numeric, "X", ensure_min_features=0)
        except ValueError as error:
            for name in numeric.columns if is_frame(numeric) else ():
                of_one = pd.to_numeric(numeric[name], errors="coerce")
                good = np.isfinite(of_one.to_numpy(float, na_value=np.nan))
                if not good.all():
                    where = f"column {name!r}, at row {good.argmin()}"
                    raise ValueError(f"{error} This is in {where}.") from error
            raise


def _column_name(X, column):
    """Return how users find a column of X, which lacks that of lambda here."""
    if is_frame(X):
        return repr(X.columns[column])
    return f"{column} (without the lambda column)"


def _listed(values, most=5):
    """Return the first of some values, for messages."""
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(repr(v) for v in np.asarray(values)[:most].tolist()) + more


def _standardise(numeric):
    """Return a fitted StandardScaler, also where squares of the numbers would be zero."""
    _, exponent = np.frexp(np.abs(numeric).max(axis=0))
    scaler = as_arrays(StandardScaler()).fit(np.ldexp(numeric, -exponent))
    varies = scaler.scale_ == np.sqrt(scaler.var_)
    scaler.mean_ = np.ldexp(scaler.mean_, exponent)
    scaler.scale_ = np.where(varies, np.ldexp(scaler.scale_, exponent), 1.0)
    scaler.var_ = np.ldexp(scaler.var_, 2 * exponent)
    return scaler


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
        _, exponent = np.frexp(np.abs(y).max())  # squares of small numbers are zero
        spread = np.std(np.ldexp(y, -exponent) - np.ldexp(self.center_, -exponent), axis=0)
        if mode == "common":
            spread = np.full_like(spread, np.sqrt(np.mean(spread**2)))
        spread = np.ldexp(spread, exponent)
        with np.errstate(over="ignore"):
            if not np.isfinite(spread**2).all():
                raise ValueError("y is too large to be scaled; divide it by a constant.")
        tiny = np.finfo(np.float64).eps * np.abs(self.center_) * 10
        self.scale_ = np.where(spread > tiny, spread, 1.0)
        return self

    def encode(self, y):
        """Return y in scaled units."""
        return (y - self.center_) / self.scale_

    def decode(self, y):
        """Return scaled outputs in the user's units."""
        return y * self.scale_ + self.center_
