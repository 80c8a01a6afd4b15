"""Values of lambda: one per row, and within the trained ones."""

import numpy as np
from sklearn import get_config
from sklearn.utils.validation import _num_samples

from .._utils.readable import as_readable
from .arrays import as_float_array, check_size, count_axes, is_number

LAM_ROUNDING = 4 * np.finfo(np.float32).eps  # of lambda: values that differ by less are one
_MOST_ROUNDING = 1e-3  # of the range of lambda: what lies farther outside was not rounded
INTERPOLATES = (
    ": the surrogate interpolates only; train a network there and add its outputs to fit."
)


def check_lam(lam, n_rows, *, name="lam"):
    """Return lambda as a float64 array of `n_rows` values; a scalar is broadcast."""
    if lam is None:
        raise ValueError(
            f"`{name}` is missing: pass the hyperparameter value of every row as "
            f"`{name}=...`, or make the estimator with `lam_column`. {_routing_hint()}"
        )
    if is_number(lam):
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


def count_rows(X, lam=None):
    """Return the number of rows of a query; without X, as many as lambda has entries."""
    if X is not None:
        return _num_samples(X)
    lam = as_readable(lam)
    return 1 if lam is None or count_axes(lam) == 0 else _num_samples(lam)


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
