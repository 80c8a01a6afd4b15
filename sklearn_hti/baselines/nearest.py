"""Move outputs as the trajectories, or particles, nearest to them go."""

import numpy as np
from scipy.spatial import cKDTree

from .._utils.registry import storable
from ..data.facts import DrawCounts

_APART = 1e3  # makes any other difference dearer than all of y
_DIGITS = 9
_SLOTS = 64  # per interval: start times that share one search tree


@storable
class NearestTrajectories:
    """Moves outputs as the trajectories nearest to them go, in straight lines between knots.

    Near is where |y - y'|^2 / 2 + |x - x'|^2 is small, in the same categories. Where conditions
    have many draws, the nearest condition comes first.
    """

    def __init__(self, trajectories, data, clock, encoder, n_neighbors):
        self.points = trajectories.points
        self.times = clock.time(data.lam)[trajectories.rows]
        ends = np.column_stack([trajectories.first, trajectories.last])
        self.begin, self.end = np.take_along_axis(self.times, ends, axis=1).T
        origin = trajectories.origin
        self.n_categories = encoder.n_categories_
        self.weight = _weight(data.groups[origin])
        self.features = self._features(data.conditions[origin])
        self.n_neighbors = n_neighbors

    def displacement(self, y, conditions, start, end, *, dtype=None):
        """Return the mean displacement (n, D) of the nearest trajectories between two times."""
        features = self._features(conditions)
        moved = np.empty(y.shape)
        slots = np.round(np.column_stack([start, end]) * _SLOTS) / _SLOTS
        for from_, to in np.unique(slots, axis=0):
            rows = np.flatnonzero((slots == [from_, to]).all(axis=1))
            low, high = sorted((from_, to))
            on = np.flatnonzero((self.begin <= low) & (high <= self.end))
            on = on if len(on) else np.arange(len(self.points))
            here = np.hstack([self._at(on, np.full(len(on), from_)), self.features[on]])
            near = _nearest(here, np.hstack([y[rows], features[rows]]), self.n_neighbors)
            ways = [self._at(on[i], end[rows]) - self._at(on[i], start[rows]) for i in near.T]
            moved[rows] = np.mean(ways, axis=0)
        return moved

    def _features(self, conditions):
        return _features(conditions, self.n_categories, self.weight)

    def _at(self, rows, time):
        """Return the points (n, D) of trajectories at times (n,); they rest beyond their ends."""
        times = self.times[rows]
        k = (times[:, 1:-1] <= time[:, None]).sum(axis=1)
        i = np.arange(len(rows))
        length = times[i, k + 1] - times[i, k]
        s = np.clip((time - times[i, k]) / np.where(length > 0, length, 1.0), 0, 1)[:, None]
        return (1 - s) * self.points[rows, k] + s * self.points[rows, k + 1]


@storable
class NearestParticles:
    """Moves outputs as the particles nearest to them go, over several hyperparameters.

    Times are places (`sklearn_hti.field.place.PlaceClock`), which begin with the weights of the
    trained values. Near is what is near for `NearestTrajectories`.
    """

    def __init__(self, trajectories, data, encoder, n_neighbors):
        self.points = trajectories.points
        origin = trajectories.origin
        self.n_categories = encoder.n_categories_
        self.weight = _weight(data.groups[origin])
        self.features = _features(data.conditions[origin], self.n_categories, self.weight)
        self.n_neighbors = n_neighbors

    def displacement(self, y, conditions, start, end, *, dtype=None):
        """Return the mean displacement (n, D) of the nearest particles between places (n, P)."""
        n_knots = self.points.shape[1]
        start, end = start[:, :n_knots], end[:, :n_knots]
        wanted = np.hstack([y, _features(conditions, self.n_categories, self.weight)])
        places, of = np.unique(start, axis=0, return_inverse=True)
        moved = np.empty(y.shape)
        for k, place in enumerate(places):
            rows = np.flatnonzero(of.reshape(-1) == k)
            here = np.hstack([np.einsum("m,nmd->nd", place, self.points), self.features])
            near = _nearest(here, wanted[rows], self.n_neighbors)
            ways = self.points[near].mean(axis=1)
            moved[rows] = np.einsum("nm,nmd->nd", end[rows] - start[rows], ways)
        return moved


def _weight(groups):
    """Return what a number of x counts in distances, beside outputs."""
    return _APART if DrawCounts.of(groups).match_by_input else np.sqrt(2)


def _features(conditions, n_categories, weight):
    """Return conditions, scaled as they count in distances."""
    one_hot = conditions.one_hot(n_categories)
    n_numeric = conditions.scaled.shape[1]
    return one_hot * np.where(np.arange(one_hot.shape[1]) < n_numeric, weight, _APART)


def _nearest(points, wanted, n_neighbors):
    """Return the numbers (n, n_neighbors) of the nearest points, as many as there are."""
    n_neighbors = min(n_neighbors, len(points))
    # rounded: trajectories may start at one point, and the last digit must not choose
    tree = cKDTree(points.round(_DIGITS))
    return tree.query(wanted.round(_DIGITS), k=[*range(1, n_neighbors + 1)])[1]
