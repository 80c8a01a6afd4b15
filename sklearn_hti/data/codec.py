"""Few coordinates of many outputs, and what they leave out."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

from .._utils.registry import storable
from .budget import BUDGET
from .encoding import OutputScaler

_LOST = 1e-5  # of the variance, that principal coordinates may leave out
_ROUNDING = 1e-20  # of the variance: outputs that differ by less came back


def make_codec(y, scaling):
    """Return the principal coordinates of outputs (n, D), so many that all variance is in them.

    None where outputs are too few for that to pay: `Budget.coordinates` at most.

    Parameters
    ----------
    y : ndarray of shape (n, D)
        Outputs of fit, free to take every value.
    scaling : {"common", "per_output"}
        Unit of distances between outputs.
    """
    most = BUDGET.coordinates
    if y.shape[1] <= most:
        return None
    scaler = OutputScaler().fit(y, scaling)
    scaled = scaler.encode(y)
    total = scaled.var(axis=0).sum()
    with np.errstate(invalid="ignore"):  # parts of the variance of equal outputs
        found = PCA(min(most, len(y)), random_state=0).fit(scaled)
    kept = np.cumsum(found.explained_variance_) * (len(y) - 1) / len(y)
    n_kept = 1 + int(np.sum(kept[:-1] < (1 - _LOST) * total))
    unit = np.sqrt(kept[n_kept - 1] / n_kept) or 1.0
    axes = np.ascontiguousarray(found.components_[:n_kept])
    lost = (scaled - scaled @ axes.T @ axes).std(axis=0)
    return Principal(scaler.center_, scaler.scale_ * unit, axes, lost * scaler.scale_)


@storable
@dataclass(frozen=True)
class Principal:
    """Coordinates along the axes on which outputs vary most.

    What they leave out is orthogonal to them: distances in both together are those of outputs.
    """

    center: np.ndarray  # (D,)
    scale: np.ndarray  # (D,)
    axes: np.ndarray  # (R, D), orthonormal
    lost: np.ndarray  # (D,): standard deviations of what is left out

    def encode(self, v, name="y", numbers=None):
        """Return coordinates (..., R) of values (..., D)."""
        return (v - self.center) / self.scale @ self.axes.T

    def decode(self, z):
        """Return values at coordinates."""
        return z @ self.axes * self.scale + self.center

    def rest(self, v, z):
        """Return what coordinates leave out, scaled."""
        return (v - self.center) / self.scale - z @ self.axes

    def reach(self, width):
        """Return how far values go while coordinates do by widths (n, R), independently."""
        return self.scale * np.sqrt(width**2 @ self.axes**2)

    @property
    def unit(self):
        """Root mean square of values for a coordinate of one."""
        return float(np.sqrt(np.mean(self.scale**2) * len(self.axes) / len(self.scale)))


@dataclass(frozen=True)
class OwnCodec:
    """A transformer of the user that does not return all that it was given."""

    transformed: object  # Transformed
    scale: float
    lost: np.ndarray  # (D,): root mean squares of what is left out

    def encode(self, v, name="y", numbers=None):
        """Return coordinates (..., R) of values (..., D)."""
        return self.transformed.encode(v, name, numbers)

    def decode(self, z):
        """Return values at coordinates."""
        return self.transformed.decode(z)

    def rest(self, v, z):
        """Return what coordinates leave out, scaled."""
        return (v - self.decode(z)) / self.scale

    @property
    def transformer(self):
        """That of the user."""
        return self.transformed.transformer


def as_codec(transformed, y):
    """Return an OwnCodec of a Transformed that loses some of outputs y (n, D), else None."""
    back = transformed.decode(transformed.encode(y))
    variance, lost = np.mean(y.var(axis=0)), np.sqrt(np.mean((y - back) ** 2, axis=0))
    if not np.mean(lost**2) > _ROUNDING * max(variance, np.mean(y) ** 2):
        return None
    return OwnCodec(transformed, float(np.sqrt(variance)) or 1.0, lost)
