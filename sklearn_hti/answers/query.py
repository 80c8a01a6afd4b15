"""What a method is asked, checked: conditions, lambdas and given outputs."""

from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..data import validation as check
from ..data.conditions import Query


class QueryMixin:
    """Checks what is asked of a fitted surrogate, and shapes what it answers."""

    def _split_lam(self, X, lam, *, reset, n_rows=None):
        """Check X, take the lambda column off; return (X, lam, number of rows)."""
        X = check.check_features(self, X, reset=reset)
        if X is not None and self.lam_column is not None:
            position = check.locate_column(X, self.lam_column)
            X, column = check.drop_column(X, position)
            lam = column if lam is None else lam
        if X is not None:
            return X, lam, len(X)
        if n_rows is None:
            n_rows = check.count_rows(None, lam)
        return np.zeros((n_rows, 0)), lam, n_rows

    def _query(self, X, lam, *, name="lam", n_rows=None):
        """Check the inputs of a method after fit."""
        check_is_fitted(self)
        X, lam, n_rows = self._split_lam(X, lam, reset=False, n_rows=n_rows)
        lam = check.check_lam(lam, n_rows, name=name)
        lam = check.check_within(lam, self.anchors_, name=name)
        return Query(X, self._encoder.transform(X, n_rows), lam)

    def _check_lam_from(self, lam, n_rows, name="lam_from"):
        """Return the lambda that given outputs come from, one per row."""
        lam = check.check_lam(lam, n_rows, name=name)
        return check.check_within(lam, self.anchors_, name=name)

    def _check_given(self, y, n_rows, name="y"):
        """Return given outputs as (n, D) and whether they came as (n,)."""
        y, single = check.check_outputs(y, n_rows, name=name)
        if y.shape[1] != len(self._scaler.center_):
            raise ValueError(
                f"`{name}` has {y.shape[1]} output(s) per row; in fit it had "
                f"{len(self._scaler.center_)}."
            )
        check.check_reach(self._scaler.encode(y), name)
        return y, single

    @property
    def _deployed_lam(self):
        """The lambda of a deployed network, unless told: never one that the data chose."""
        return float(self.anchors_[0] if self.base_lam is None else self.base_lam)

    @property
    def _base_time(self):
        return int(np.searchsorted(self.anchors_, self.base_lam_))

    def _decode(self, y):
        return self._clip(self._scaler.decode(y))

    def _clip(self, y):
        return y if self._bounds is None else np.clip(y, *self._bounds)

    def _shape(self, y):
        """Drop the output axis if y had none in fit."""
        return y[..., 0] if self._single_output else y


def count_outputs(values):
    """Return the number of rows of y, before it is checked; None if it has none."""
    if hasattr(values, "shape"):  # sparse matrices have no length
        return values.shape[0] if values.shape else None
    return len(values) if hasattr(values, "__len__") and check.count_axes(values) else None


def check_n_samples(n_samples):
    """Raise unless a number of draws is a positive integer."""
    if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 1:
        raise ValueError(f"n_samples={n_samples!r} must be None or a positive integer.")


def before_last(pipeline, X):
    """Return X as the last step of a pipeline takes it."""
    return pipeline[:-1].transform(X) if len(pipeline.steps) > 1 else X
