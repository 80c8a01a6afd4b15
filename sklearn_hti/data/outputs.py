"""Outputs in the user's units, in coordinates, and in scaled units."""

from dataclasses import dataclass
from math import prod

import numpy as np

from .._utils.registry import storable
from .codec import Principal, as_codec, make_codec
from .coordinates import Transformed, make_coordinates
from .encoding import OutputScaler

_HALVINGS = 50  # of a step, to find the last output of a transformer


@storable
@dataclass(frozen=True)
class OutputSpace:
    """How outputs are mapped and scaled, in which box they lie, and the shape users know.

    Users give and get outputs of any shape per row; inside, they are D numbers. Coordinates are
    what `output_transform` makes of them; None: outputs themselves. Of many, a codec keeps few,
    in which all is learned. What it leaves out follows them as *rest*: *whole* outputs are
    scaled coordinates and rest, side by side, and lose nothing.
    """

    scaler: OutputScaler
    bounds: tuple | None  # (low, high), each of shape (D,)
    trailing: tuple  # shape of the outputs of one row: () where y had shape (n,) in fit
    coordinates: object | None = None
    codec: object | None = None

    @property
    def n_outputs(self):
        """Number of outputs D."""
        return prod(self.trailing)

    @property
    def n_coordinates(self):
        """Number of coordinates R, in which all is computed."""
        return len(self.scaler.center_)

    @property
    def keeps_quantiles(self):
        """Whether each coordinate grows with one output, so that quantiles are those of both."""
        if self.codec is not None:
            return False
        return self.coordinates is None or getattr(self.coordinates, "increasing", False)

    @property
    def as_they_are(self):
        """Whether coordinates are the outputs themselves."""
        return self.coordinates is None and self.codec is None

    @property
    def unit(self):
        """Root mean square of outputs, or coordinates without a codec, for a scaled one."""
        own = np.sqrt(np.mean(np.square(self.scaler.scale_)))
        return own * getattr(self.codec, "unit", 1.0)

    def coordinates_of(self, y, name="outputs"):
        """Return the coordinates of outputs, not scaled."""
        return self._kept(self.free(y, name), name)

    def encode(self, y, name="outputs"):
        """Return outputs in scaled units."""
        return self.scaler.encode(self.coordinates_of(y, name))

    def encode_whole(self, y, name="outputs"):
        """Return whole outputs."""
        if self.codec is None:
            return self.encode(y, name)
        free = self.free(y, name)
        z = self._kept(free, name)
        return np.concatenate([self.scaler.encode(z), self.codec.rest(free, z)], axis=-1)

    def rest(self, y):
        """Return what the codec leaves out of outputs; None without."""
        return None if self.codec is None else self.encode_whole(y)[..., self.n_coordinates :]

    def decode(self, scaled):
        """Return scaled outputs, whole or without their rest, in the user's units, in the box.

        Raises
        ------
        ValueError
            If the transformer of the user has none there.
        """
        y = self.unclipped(scaled)
        own = getattr(self.codec or self.coordinates, "transformer", None)
        if own is not None and np.isnan(y).any():
            raise ValueError(
                f"output_transform={own!r}: inverse_transform returns nan beyond the coordinates "
                "of the outputs of fit. Use a transformer whose inverse is defined for all "
                "numbers, such as output_transform='log', or None."
            )
        return self.clip(y)

    def unclipped(self, scaled):
        """Return scaled outputs, whole or without their rest, in the user's units."""
        n_kept = self.n_coordinates
        free = self.scaler.decode(scaled[..., :n_kept])
        if self.codec is not None:
            free = self.codec.decode(free)
            if scaled.shape[-1] > n_kept:
                free = free + scaled[..., n_kept:] * self.codec.scale
        return free if self.coordinates is None else self.coordinates.decode(free)

    def clip(self, y):
        """Return outputs inside the box."""
        return y if self.bounds is None else np.clip(y, *self.bounds)

    def displaced(self, outputs, moved):
        """Return scaled outputs after displacements; the rest stays where those have none."""
        if outputs.shape[-1] == moved.shape[-1]:
            return outputs + moved
        n_moved = moved.shape[-1]
        rest = np.broadcast_to(outputs[..., n_moved:], (*moved.shape[:-1], self._n_rest(outputs)))
        return np.concatenate([outputs[..., :n_moved] + moved, rest], axis=-1)

    def move(self, y, moved):
        """Return outputs (n, D) after scaled displacements (L, n, coordinates), (L, n, D).

        Outputs that are not displaced are returned to the bit.
        """
        if self.as_they_are:
            return self.clip(y + moved * self.scaler.scale_)
        there = self.decode(self.displaced(self.encode_whole(y), moved))
        return np.where(np.any(moved, axis=-1, keepdims=True), there, y)

    def reach(self, y, width, n_lost=0.0):
        """Return how far outputs (n, D) fall and rise while coordinates do by scaled widths.

        One coordinate moves at a time, and what it does to an output is added as independent; so
        is what a codec leaves out, `n_lost` standard deviations of it. Where the inverse of a
        transformer ends, outputs go as far as it is defined.
        """
        if self.as_they_are:
            return (self.scaler.scale_ * width,) * 2
        if self.coordinates is None and isinstance(self.codec, Principal):
            reach = self.codec.reach(self.scaler.scale_ * width)
            return (np.hypot(reach, n_lost * self.codec.lost),) * 2
        here = self.encode(y)
        center = self.unclipped(here)
        down, up = np.zeros_like(center), np.zeros_like(center)
        for ends in self._ends(here, width, n_lost):
            ends = [end - center for end in ends]
            down = np.hypot(down, np.maximum(-np.minimum(*ends), 0))
            up = np.hypot(up, np.maximum(np.maximum(*ends), 0))
        return down, up

    def _ends(self, here, width, n_lost):
        """Yield outputs below and above others, scaled, by the width of one coordinate a time."""
        for j in range(self.n_coordinates):
            step = np.zeros_like(here)
            step[:, j] = width[:, j]
            yield [self._moved(here, sign * step) for sign in (-1, 1)]
        if self.codec is not None and n_lost:
            lost = np.tile(n_lost * self.codec.lost / self.codec.scale, (len(here), 1))
            step = np.hstack([np.zeros_like(here), lost])
            here = np.hstack([here, np.zeros_like(lost)])
            yield [self._moved(here, sign * step) for sign in (-1, 1)]

    def _moved(self, here, step):
        """Return outputs after scaled steps, or after the part of them that has outputs."""
        y = self.unclipped(here + step)
        rows = np.flatnonzero(np.isnan(y).any(axis=1))
        if len(rows):
            part = np.zeros((len(rows), 1))
            for size in 0.5 ** np.arange(1, _HALVINGS):
                there = self.unclipped(here[rows] + (part + size) * step[rows])
                part[~np.isnan(there).any(axis=1)] += size
            y[rows] = self.unclipped(here[rows] + part * step[rows])
        return y

    def std(self, draws, axis):
        """Return the standard deviation of outputs (..., D), however small their squares are."""
        unit = self.scaler.scale_ if self.as_they_are else np.abs(draws).max(initial=0)
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
        if self.as_they_are:
            return self
        shape = (self.n_coordinates,)
        return _Coordinates(self.scaler, None, shape, self.coordinates, self.codec)

    def free(self, y, name="outputs"):
        """Return outputs (..., D) as numbers that are free to take every value."""
        return y if self.coordinates is None else self.coordinates.encode(y, name)

    def _kept(self, free, name):
        return free if self.codec is None else self.codec.encode(free, name)

    def _n_rest(self, outputs):
        return outputs.shape[-1] - self.n_coordinates


class _Coordinates(OutputSpace):
    """Takes outputs of users, and answers in their coordinates."""

    def unclipped(self, scaled):
        return self.scaler.decode(scaled[..., : self.n_coordinates])


def make_space(transform, scaling, y, trailing, bounds=None, numbers=None, reduces=True):
    """Return the OutputSpace of outputs y (n, D) of fit.

    Parameters
    ----------
    transform : None, str or transformer
        The parameter `output_transform`.
    scaling : {"common", "per_output"}
        The parameter `output_scaling`.
    y, trailing, bounds, numbers : object
        See `sklearn_hti.data.coordinates.make_coordinates`.
    reduces : bool, default=True
        Whether many outputs may be learned in few coordinates.
    """
    coordinates = make_coordinates(transform, y, trailing, bounds, numbers)
    codec = as_codec(coordinates, y) if isinstance(coordinates, Transformed) else None
    if codec is not None:
        coordinates = None
    elif reduces and isinstance(transform, str):
        codec = make_codec(y if coordinates is None else coordinates.encode(y), scaling)
    if coordinates is not None:
        bounds = coordinates.limits(y.shape[1]) if bounds is None else bounds
        y = coordinates.encode(y)
    if codec is not None:
        y = codec.encode(y)
        scaling = "common" if isinstance(codec, Principal) else scaling
    return OutputSpace(OutputScaler().fit(y, scaling), bounds, trailing, coordinates, codec)
