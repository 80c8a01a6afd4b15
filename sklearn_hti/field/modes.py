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

    def start(self, t):
        """Return a clock time as the flow map reads it, (1,)."""
        return np.array([t])

    def steps_of(self, points):
        """Return the steps (N, Q - 1, D) from knot to knot of points (N, Q, D)."""
        return np.diff(points, axis=1)

    def passed_by(self, first, last):
        """Return which steps (N, Q - 1) particles reach both ends of."""
        begin, end = self.knots[:-1], self.knots[1:]
        return (first[:, None] <= begin) & (end <= last[:, None])

    @property
    def of_anchors(self):
        """Which knots are trained values, (Q,)."""
        return self.knots == np.floor(self.knots)

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
    return FieldModes(knots, weights, mode_vectors(points))


def mode_vectors(points):
    """Return the orthonormal vectors (Q, R) in which particles (N, Q, D) leave their mean."""
    centered = (points - points.mean(axis=1, keepdims=True)).transpose(1, 0, 2)
    flat = centered.reshape(points.shape[1], -1)
    squares, vectors = np.linalg.eigh(flat @ flat.T)
    squares, vectors = squares[::-1], vectors[:, ::-1]
    left = squares.sum() - np.cumsum(squares)
    n_modes = 1 + int(np.sum(left > _LEFT * squares.sum()))
    vectors = vectors[:, : min(n_modes, _MOST, points.shape[1] - 1)]
    return vectors - vectors.mean(axis=0)


@dataclass(frozen=True)
class PlaneModes:
    """The modes of particles over several hyperparameters, which pass all knots of a tree.

    Attributes
    ----------
    vectors : ndarray of shape (Q, R)
        Orthonormal; the mean over the knots is in none of them.
    edges : ndarray of shape (Q - 1, 2)
        Pairs (parent, child) of knots; a parent comes before its children.
    places : ndarray of shape (S, P)
        Places that training begins at: those of the knots, then others between.
    n_anchors : int
        Knots that are trained values, the first.
    """

    vectors: np.ndarray
    edges: np.ndarray
    places: np.ndarray
    n_anchors: int

    @property
    def table(self):
        """The functions psi_r at the knots, (Q, R)."""
        return self.vectors

    def start(self, i):
        """Return a place as the flow map reads it, (P,)."""
        return self.places[i]

    def at(self, points, i):
        """Return the points (N, D) at one place of particles with knots (N, Q, D)."""
        return np.tensordot(self.places[i, : len(self.vectors)], points, axes=(0, 1))

    def steps_of(self, points):
        """Return the steps (N, Q - 1, D) along the edges of points (N, Q, D)."""
        return points[:, self.edges[:, 1]] - points[:, self.edges[:, 0]]

    def passed_by(self, first, last):
        """Return which steps (N, Q - 1) particles reach both ends of: all."""
        return np.ones((len(first), len(self.edges)), dtype=bool)

    @property
    def of_anchors(self):
        """Which knots are trained values, (Q,)."""
        return np.arange(len(self.vectors)) < self.n_anchors

    @property
    def along(self):
        """How much of every mode is in every step, (Q - 1, R)."""
        return self.vectors[self.edges[:, 1]] - self.vectors[self.edges[:, 0]]

    @property
    def of_steps(self):
        """Coefficients of the modes by the steps, (R, Q - 1)."""
        # a knot is the root plus all steps on the way to it, and the root is in no mode
        below = self.vectors.copy()
        for parent, child in self.edges[::-1]:
            below[parent] += below[child]
        return below[self.edges[:, 1]].T


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
