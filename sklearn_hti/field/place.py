"""The clock of a field; of several hyperparameters, where lambda is, as a flow map reads it."""

from dataclasses import dataclass, replace

import numpy as np

from .._utils.registry import storable
from ..clocks.time_scale import clock_of
from .particle_field import ParticleField


@storable
@dataclass(frozen=True)
class PlaceClock:
    """The place of lambda among the knots of the field: their weights, and its coordinates.

    Attributes
    ----------
    field : ParticleField
        Gives the weights.
    anchors : ndarray of shape (M, k)
        Trained values.
    knots : ndarray of shape (Q, k')
        Times of the knots: of the trained values, and of points on paths between them.
    coordinates : ndarray of shape (Q, k')
        The same in units of the trained range.
    reason : str
        Why these scales are used.
    """

    field: ParticleField
    anchors: np.ndarray
    knots: np.ndarray
    coordinates: np.ndarray
    reason: str = "suggested by the ranges of lambda, bent to fit the outputs"

    @property
    def name(self):
        """Names of the scales."""
        return self.field.scale.name

    @property
    def axes(self):
        """The axes of the hyperparameters."""
        return self.field.scale.axes

    @property
    def n_intervals(self):
        """Number of edges of the tree of trained values."""
        return len(self.anchors) - 1

    def time(self, lam):
        """Return weights of the knots, and coordinates, side by side (n, Q + k')."""
        lam = np.asarray(lam, dtype=float)
        values, back = np.unique(lam, axis=0, return_inverse=True)
        found = self._at(self.field._times(values), self.field.scale.place(values))
        return found[back.reshape(-1)]

    @property
    def at_knots(self):
        """The places of all knots, (Q, Q + k')."""
        return self._at(self.knots, self.coordinates)

    @property
    def at_anchors(self):
        """The places of the trained values, (M, Q + k')."""
        return self.at_knots[: len(self.anchors)]

    def between(self, corners, shares):
        """Return places between trained values, by their numbers and shares (S, C)."""
        times, coordinates = (
            np.einsum("sc,sck->sk", shares, of[corners]) for of in (self.knots, self.coordinates)
        )
        return self._at(times, coordinates)

    def _at(self, times, coordinates):
        kriging = self.field._kriging(self.knots, self.field._times(self.anchors))
        return np.hstack([kriging.weights(times), coordinates])

    def __repr__(self):
        return f"PlaceClock({self.name!r}: {self.reason})"


def clock_at(field, anchors):
    """Return the clock of a field at Anchors: that of its scale, or a PlaceClock of several."""
    if anchors.several:
        return place_clock(field, anchors.lam)
    return clock_of(field.scale, anchors.lam)


def place_clock(field, anchors, edges=(), n_between=0):
    """Return the PlaceClock of trained values, and of even points on the edges between them.

    Parameters
    ----------
    field : ParticleField
        The field.
    anchors : ndarray of shape (M, k)
        Trained values.
    edges : sequence of (int, int), default=()
        Pairs of trained values.
    n_between : int, default=0
        Points on each edge.
    """
    times, coordinates = (
        with_between(of, edges, n_between)
        for of in (field._times(anchors), field.scale.place(anchors))
    )
    clock = PlaceClock(field, anchors, times, coordinates)
    free = any(axis.free for axis in field.scale.axes)
    return clock if free else replace(clock, reason="asked for")


def with_between(knots, edges, n_between):
    """Return knots (M, k), and even points on the edges between them."""
    s = np.arange(1, n_between + 1)[:, None] / (n_between + 1)
    between = [(1 - s) * knots[a] + s * knots[b] for a, b in edges if n_between]
    return np.vstack([knots, *between])
