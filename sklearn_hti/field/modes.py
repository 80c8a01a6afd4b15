"""The few modes in which all particles move (docs/method.md, equations 48 to 50).

The weights of the field are the same for all particles, so their paths span a space of few
functions of time: y(t) = mean of the knots + sum_r psi_r(t) c_r, with coefficients c_r of each.
"""

from dataclasses import dataclass

import numpy as np

CELLS = 32  # of the table of an interval, between which paths are straight
_LEFT = 1e-6  # of the squared distances of knots from their mean: worth no mode
_MOST = 16  # modes


@dataclass(frozen=True)
class FieldModes:
    """Functions of time that the paths of particles are made of.

    Attributes
    ----------
    knots : ndarray of shape (Q,)
        Clock times of the knots of particles: whole numbers at anchors.
    weights : ndarray of shape (n_intervals * CELLS + 1, Q)
        Weights of the knots at even clock times.
    vectors : ndarray of shape (Q, R)
        Orthonormal; the mean over the knots is in none of them.
    """

    knots: np.ndarray
    weights: np.ndarray
    vectors: np.ndarray

    @property
    def table(self):
        """The functions psi_r at even clock times, (n_intervals * CELLS + 1, R)."""
        return self.weights @ self.vectors

    @property
    def along(self):
        """How much of every mode is between neighbouring knots, (Q - 1, R)."""
        return np.diff(self.vectors, axis=0)

    @property
    def of_steps(self):
        """Coefficients of the modes by the steps from knot to knot, (R, Q - 1)."""
        # knot m is the first plus all steps before it, and the first is in no mode
        return np.cumsum(self.vectors[::-1], axis=0)[::-1][1:].T

    def at(self, points, t):
        """Return the points (N, D) at one clock time of particles with knots (N, Q, D)."""
        return np.tensordot(self.weights[round(t * CELLS)], points, axes=(0, 1))


def field_modes(field, clock, knots, points):
    """Return the FieldModes of particles.

    Parameters
    ----------
    field : ParticleField
        Gives the weights.
    clock : Clock
        Of the anchors.
    knots : ndarray of shape (Q,)
        Clock times of the knots.
    points : ndarray of shape (N, Q, D)
        Particles that pass all knots.
    """
    times = np.linspace(0, clock.n_intervals, clock.n_intervals * CELLS + 1)
    weights = field.weights_of_knots(times, knots, clock.anchors)
    centered = (points - points.mean(axis=1, keepdims=True)).transpose(1, 0, 2)
    flat = centered.reshape(len(knots), -1)
    squares, vectors = np.linalg.eigh(flat @ flat.T)
    squares, vectors = squares[::-1], vectors[:, ::-1]
    left = squares.sum() - np.cumsum(squares)
    n_modes = 1 + int(np.sum(left > _LEFT * squares.sum()))
    vectors = vectors[:, : min(n_modes, _MOST, len(knots) - 1)]
    return FieldModes(knots, weights, vectors - vectors.mean(axis=0))


def complete(points, first, last, knots, field, clock):
    """Return points (N, Q, D) whose knots before `first` and after `last` come from the others.

    Parameters
    ----------
    points : ndarray of shape (N, Q, D)
        Knots of particles; those outside are not read.
    first, last : ndarray of shape (N,)
        Positions of the first and the last knot of each.
    knots : ndarray of shape (Q,)
        Clock times of the knots.
    field : ParticleField
        Gives the weights.
    clock : Clock
        Of the anchors.
    """
    points = points.copy()
    for a, b in np.unique(np.column_stack([first, last]), axis=0):
        known = slice(a, b + 1)
        missing = np.delete(np.arange(len(knots)), known)
        if len(missing):
            on = np.flatnonzero((first == a) & (last == b))
            weights = field.weights_of_knots(knots[missing], knots[known], clock.anchors)
            points[np.ix_(on, missing)] = np.einsum("mk,nkd->nmd", weights, points[on, known])
    return points
