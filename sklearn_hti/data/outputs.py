"""Outputs in the user's units and in scaled units."""

from dataclasses import dataclass

import numpy as np

from .._utils.registry import storable
from .encoding import OutputScaler


@storable
@dataclass(frozen=True)
class OutputSpace:
    """How outputs are scaled, in which box they lie, and which shape users give and get."""

    scaler: OutputScaler
    bounds: tuple | None  # (low, high), each of shape (D,)
    single: bool  # y had shape (n,) in fit

    @property
    def n_outputs(self):
        """Number of outputs D."""
        return len(self.scaler.center_)

    def encode(self, y):
        """Return outputs in scaled units."""
        return self.scaler.encode(y)

    def decode(self, y):
        """Return scaled outputs in the user's units, inside the box."""
        return self.clip(self.scaler.decode(y))

    def clip(self, y):
        """Return outputs inside the box."""
        return y if self.bounds is None else np.clip(y, *self.bounds)

    def std(self, draws, axis):
        """Return the standard deviation of outputs (..., D), however small their squares are."""
        _, exponent = np.frexp(self.scaler.scale_)
        return np.ldexp(np.ldexp(draws, -exponent).std(axis=axis), exponent)

    def shape(self, y):
        """Return outputs (..., D) in the shape of y in fit: if it had no axis D, without one."""
        return y[..., 0] if self.single else y
