"""Outputs in the user's units, in coordinates, and in scaled units."""

from dataclasses import dataclass
from math import prod

import numpy as np

from .._utils.registry import storable
from .encoding import OutputScaler


@storable
@dataclass(frozen=True)
class OutputSpace:
    """How outputs are mapped and scaled, in which box they lie, and the shape users know.

    Users give and get outputs of any shape per row; inside, they are D numbers. Coordinates are
    what `output_transform` makes of them, and what is scaled; None: outputs themselves.
    """

    scaler: OutputScaler
    bounds: tuple | None  # (low, high), each of shape (D,)
    trailing: tuple  # shape of the outputs of one row: () where y had shape (n,) in fit
    coordinates: object | None = None

    @property
    def n_outputs(self):
        """Number of outputs D."""
        return prod(self.trailing)

    @property
    def n_coordinates(self):
        """Number of coordinates, in which all is computed."""
        return len(self.scaler.center_)

    @property
    def keeps_quantiles(self):
        """Whether each coordinate grows with one output, so that quantiles are those of both."""
        return self.coordinates is None or getattr(self.coordinates, "increasing", False)

    def encode(self, y, name="outputs"):
        """Return outputs in scaled units."""
        if self.coordinates is not None:
            y = self.coordinates.encode(y, name)
        return self.scaler.encode(y)

    def decode(self, scaled):
        """Return scaled outputs in the user's units, inside the box."""
        return self.clip(self.unclipped(scaled))

    def unclipped(self, scaled):
        """Return scaled outputs in the user's units."""
        z = self.scaler.decode(scaled)
        return z if self.coordinates is None else self.coordinates.decode(z)

    def clip(self, y):
        """Return outputs inside the box."""
        return y if self.bounds is None else np.clip(y, *self.bounds)

    def move(self, y, moved):
        """Return outputs (n, D) after scaled displacements (L, n, coordinates), (L, n, D).

        Outputs that are not displaced are returned to the bit.
        """
        if self.coordinates is None:
            return self.clip(y + moved * self.scaler.scale_)
        there = self.decode(self.encode(y) + moved)
        return np.where(np.any(moved, axis=-1, keepdims=True), there, y)

    def reach(self, y, width):
        """Return how far outputs (n, D) fall and rise while coordinates do by scaled widths.

        One coordinate moves at a time, and what it does to an output is added as independent.
        """
        if self.coordinates is None:
            return (self.scaler.scale_ * width,) * 2
        here = self.encode(y)
        center = self.unclipped(here)
        down, up = np.zeros_like(center), np.zeros_like(center)
        for j in range(self.n_coordinates):
            step = np.zeros_like(here)
            step[:, j] = width[:, j]
            ends = [self.unclipped(here + sign * step) - center for sign in (-1, 1)]
            down = np.hypot(down, np.maximum(-np.minimum(*ends), 0))
            up = np.hypot(up, np.maximum(np.maximum(*ends), 0))
        return down, up

    def std(self, draws, axis):
        """Return the standard deviation of outputs (..., D), however small their squares are."""
        unit = self.scaler.scale_ if self.coordinates is None else np.abs(draws).max(initial=0)
        _, exponent = np.frexp(unit)
        return np.ldexp(np.ldexp(draws, -exponent).std(axis=axis), exponent)

    def shape(self, y):
        """Return outputs (..., D) in the shape that they have in fit."""
        return y.reshape(*y.shape[:-1], *self.trailing)

    def flat(self, y):
        """Return outputs of the shape that they have in fit as (..., D)."""
        return y.reshape(*y.shape[: y.ndim - len(self.trailing)], self.n_outputs)

    def in_coordinates(self):
        """Return the space whose answers are coordinates, not yet decoded."""
        if self.coordinates is None:
            return self
        return _Coordinates(self.scaler, None, (self.n_coordinates,), self.coordinates)


class _Coordinates(OutputSpace):
    """Takes outputs of users, and answers in their coordinates."""

    def unclipped(self, scaled):
        return self.scaler.decode(scaled)
