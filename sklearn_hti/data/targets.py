"""Outputs y, their weights and their bounds."""

import numpy as np

from .._utils.readable import as_readable
from .arrays import as_float_array, check_size

_FARTHEST = 1e18  # standard deviations: the square is still a float32


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
