"""Coordinates in which outputs are computed: smooth maps from where outputs lie to all numbers."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import helmert
from scipy.special import expit, logit, softmax
from sklearn.base import clone

from .._utils.registry import storable
from .encoding import as_arrays
from .targets import check_inside

NAMES = ("auto", "simplex", "log", "logit")


def make_coordinates(transform, y, trailing, bounds=None, numbers=None):
    """Return the coordinates that the parameter `output_transform` names; None for outputs as is.

    Parameters
    ----------
    transform : None, str or transformer
        The parameter; "auto" has no map of its own.
    y : ndarray of shape (n, D)
        Outputs of fit, in the user's units.
    trailing : tuple of int
        Shape of the outputs of one row.
    bounds : tuple of two ndarray of shape (D,), default=None
        `y_bounds`.
    numbers : ndarray of shape (n,), default=None
        What messages call the rows; None: 0 to n - 1.

    Raises
    ------
    ValueError
        If outputs lie where the map is not defined.
    """
    if transform is None or transform == "auto":
        return None
    if not isinstance(transform, str):
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            fitted = as_arrays(clone(transform)).fit(y)
        return Transformed(fitted).checked(y, numbers)
    if transform == "log":
        check_above_zero(y, "y", numbers)
        return Log()
    if transform == "logit":
        return _make_logit(y, bounds)
    if not trailing or trailing[-1] < 2:
        raise ValueError(
            "output_transform='simplex' needs y with two columns or more, whose rows sum to one. "
            "For one probability per row, use output_transform='logit' and y_bounds=(0, 1)."
        )
    if bounds is not None:
        raise ValueError(
            "y_bounds: output_transform='simplex' keeps outputs between zero and one, and clipped "
            "rows would not sum to one; leave out y_bounds."
        )
    check_simplex(y, trailing[-1], "y", numbers)
    return LogRatio(helmert(trailing[-1]), _resolution_of_parts(y, trailing[-1]) / 2)


def _make_logit(y, bounds):
    """Return the logit between bounds."""
    if bounds is None or not np.isfinite(bounds).all():
        raise ValueError(
            "output_transform='logit' needs finite y_bounds=(low, high), such as (0, 1) for "
            "probabilities. For positive outputs without an upper bound, use 'log'."
        )
    low, high = bounds
    within = (y - low) / (high - low)
    return Logit(low, high, _resolution(np.minimum(within, 1 - within), len(y)) / 2)


def _resolution(fractions, n_rows):
    """Return the smallest fraction seen: of frequencies one count; without any, one row of all."""
    seen = fractions[(fractions > 0) & (fractions < 1)]
    return float(seen.min()) if len(seen) else 1 / n_rows


def _resolution_of_parts(y, n_parts):
    """Return the smallest part that is typical of rows with zeros; of no such row, of any."""
    parts = np.reshape(y, (-1, n_parts))
    least = np.where(parts > 0, parts, np.inf).min(axis=1)
    rough = (parts <= 0).any(axis=1) & (least < 1)
    return float(np.median(least[rough])) if rough.any() else _resolution(y, len(y))


@storable
@dataclass(frozen=True)
class Log:
    """Logarithms of positive outputs."""

    increasing = True  # in each output alone

    def encode(self, y, name="y", numbers=None):
        """Return the coordinates of outputs (..., D)."""
        check_above_zero(y, name, numbers)
        return np.log(y)

    def decode(self, z):
        """Return outputs at coordinates (..., D)."""
        return np.exp(np.clip(z, *_exponents()))

    def limits(self, n_outputs):
        """Return the bounds of outputs."""
        return np.zeros(n_outputs), np.full(n_outputs, np.inf)


@storable
@dataclass(frozen=True)
class Logit:
    """Logits of outputs between bounds; those on a bound count as `floor` of the range off it."""

    low: np.ndarray  # (D,)
    high: np.ndarray  # (D,)
    floor: float
    increasing = True  # in each output alone

    def encode(self, y, name="y", numbers=None):
        """Return the coordinates of outputs (..., D)."""
        flat = np.reshape(y, (-1, np.shape(y)[-1]))
        check_inside(flat, (self.low, self.high), name, numbers)
        within = (y - self.low) / (self.high - self.low)
        within = np.where(within > 0, within, self.floor)
        return logit(np.where(within < 1, within, 1 - self.floor))

    def decode(self, z):
        """Return outputs at coordinates (..., D)."""
        return self.low + (self.high - self.low) * expit(z)

    def limits(self, n_outputs):
        """Return the bounds of outputs."""
        return self.low, self.high


@storable
@dataclass(frozen=True)
class LogRatio:
    """Isometric log-ratios of rows that sum to one, along the last axis of the outputs of a row.

    Parts that are zero count as `floor`, and as less than the other parts of their row.
    """

    basis: np.ndarray  # (K - 1, K): orthonormal rows, orthogonal to ones
    floor: float

    def encode(self, y, name="y", numbers=None):
        """Return the coordinates (..., B (K - 1)) of outputs (..., B K), B rows side by side."""
        n_parts = self.basis.shape[1]
        check_simplex(y, n_parts, name, numbers)
        parts = np.reshape(y, (*np.shape(y)[:-1], -1, n_parts))
        seen = parts > 0
        least = np.where(seen, parts, np.inf).min(axis=-1, keepdims=True)
        z = np.log(np.where(seen, parts, np.minimum(least / 2, self.floor))) @ self.basis.T
        return z.reshape(*z.shape[:-2], -1)

    def decode(self, z):
        """Return outputs at coordinates."""
        blocks = np.reshape(z, (*np.shape(z)[:-1], -1, len(self.basis)))
        y = softmax(blocks @ self.basis, axis=-1)
        return y.reshape(*y.shape[:-2], -1)

    def limits(self, n_outputs):
        """Return the bounds of outputs."""
        return np.zeros(n_outputs), np.ones(n_outputs)


@dataclass(frozen=True)
class Transformed:
    """What a transformer of scikit-learn makes of outputs."""

    transformer: object  # fitted

    def encode(self, y, name="y", numbers=None):
        """Return the coordinates of outputs (..., D)."""
        z = self._apply(self.transformer.transform, y)
        wrong = ~np.isfinite(z.reshape(-1, z.shape[-1])).all(axis=1)
        if wrong.any():
            row = int(wrong.argmax())
            values = np.reshape(y, (len(wrong), -1))[row]
            row = _number(row, numbers)
            raise ValueError(
                f"`{name}`: output_transform={self.transformer!r} returns no finite number for "
                f"{int(wrong.sum())} row(s), such as row {row} with "
                f"{np.array2string(values, threshold=5)}."
            )
        return z

    def decode(self, z):
        """Return outputs at coordinates."""
        return self._apply(self.transformer.inverse_transform, z)

    def limits(self, n_outputs):
        """Return the bounds of outputs: none that are known."""
        return None

    def checked(self, y, numbers):
        """Return it; raise unless outputs of fit have finite coordinates and come back."""
        back = self.decode(self.encode(y, "y", numbers))
        if back.shape != y.shape or not np.isfinite(back).all():
            raise ValueError(
                f"output_transform={self.transformer!r}: inverse_transform returns shape "
                f"{back.shape}; it must return finite numbers of shape {y.shape}."
            )
        return self

    def _apply(self, function, values):
        flat = np.reshape(values, (-1, np.shape(values)[-1]))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            found = np.asarray(function(flat), dtype=float)
        return found.reshape(*np.shape(values)[:-1], -1)


def check_above_zero(y, name, numbers=None):
    """Raise where outputs are not positive."""
    if (y > 0).all():
        return
    flat = np.reshape(y, (-1, np.shape(y)[-1]))
    i, j = np.argwhere(~(flat > 0))[0]
    raise ValueError(
        f"`{name}` has {int((~(y > 0)).sum())} value(s) that are not positive, such as "
        f"{flat[i, j]:g} in row {_number(i, numbers)}, column {j}: output_transform='log' needs "
        "outputs above zero. Leave it out, or use your own transformer, such as "
        "FunctionTransformer(numpy.log1p, numpy.expm1)."
    )


def check_simplex(y, n_parts, name, numbers=None):
    """Raise where rows have negative parts or do not sum to one."""
    slack = 1e-3  # of half precision
    parts = np.reshape(y, (-1, np.shape(y)[-1] // n_parts, n_parts))
    sums = parts.sum(axis=-1)
    if (np.abs(sums - 1) <= slack).all() and (parts >= -slack).all():
        return
    negative = parts < -slack
    if negative.any():
        i, block, j = np.argwhere(negative)[0]
        fault = f"{parts[i, block, j]:g} in row {_number(i, numbers)}, column {j}, is negative"
    else:
        i, block = np.argwhere(~(np.abs(sums - 1) <= slack))[0]
        fault = f"row {_number(i, numbers)} sums to {sums[i, block]:g}"
    raise ValueError(
        f"`{name}`: {fault}; log-ratios (output_transform='simplex') need rows of probabilities "
        "that sum to one. Divide rows of counts by their sums, y / y.sum(axis=-1, keepdims=True), "
        "or pass logits through scipy.special.softmax."
    )


def _number(row, numbers):
    return row if numbers is None else numbers[row]


def _exponents():
    """Return the logarithms between which exponentials have squares."""
    half = np.log(np.finfo(float).max) / 2
    return -half, half
