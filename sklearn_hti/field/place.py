"""The clock of several hyperparameters: where lambda is, as a flow map reads it."""

from dataclasses import dataclass

import numpy as np

from .._utils.registry import storable
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
    reason : str
        Why these scales are used.
    """

    field: ParticleField
    anchors: np.ndarray
    knots: np.ndarray
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
        """Return weights of the knots, and coordinates from 0 to 1, side by side (n, Q + k')."""
        lam = np.asarray(lam, dtype=float)
        values, back = np.unique(lam, axis=0, return_inverse=True)
        weights = self._kriging.weights(self.field._times(values))
        return np.hstack([weights, self.field.scale.place(values)])[back.reshape(-1)]

    @property
    def _kriging(self):
        return self.field._kriging(self.knots, self.field._times(self.anchors))

    @property
    def at_anchors(self):
        """The places of the trained values."""
        return self.time(self.anchors)

    def __repr__(self):
        return f"PlaceClock({self.name!r}: {self.reason})"


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
    knots = field._times(anchors)
    s = np.arange(1, n_between + 1)[:, None] / (n_between + 1)
    between = [(1 - s) * knots[a] + s * knots[b] for a, b in edges if n_between]
    return PlaceClock(field, anchors, np.vstack([knots, *between]))
