"""Particles that jump between trained values, not move (docs/method.md, section 12)."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from .._utils.groupby import number_groups
from .._utils.registry import storable
from ..clocks.clock import Clock
from ..clocks.selection import suggested_rule
from ..clocks.time_scale import CurvedScale, PlacedScale
from ..lagrangian.growth import reach
from .kriging import Simplices
from .particle_field import ParticleField


@storable
@dataclass(frozen=True)
class Reweighting:
    """How mass changes between trained values: which particles jump, and when.

    On every edge between two trained values a particle moves on the field if its ends are near,
    else it jumps: it stays where it is until its switch number, uniform on [0, 1], is passed by
    the time fraction. A fraction of the time of those that jump is at the upper end: a mixture.

    Attributes
    ----------
    name : {"mixture", "unbalanced"}
        The geometry.
    delta : float
        What growth costs: particles jump between ends that are pi delta apart or more. 0: all do.
    field : ParticleField
        Moves all others.
    scale : object
        The time in which particles jump, from lambda.
    levels : tuple of ndarray, or None
        Values that each output takes, in the user's units, which draws keep to; None: any.
    seen : tuple of ndarray, or None
        The same, scaled, between which moves step; None: outputs move freely, or rows of values
        jump as a whole.
    by_logit : bool
        Of an output of two values, whether the logit of the upper one is linear in the time.
    """

    name: str
    delta: float
    field: ParticleField
    scale: object
    levels: tuple | None = None
    seen: tuple | None = None
    by_logit: bool = False

    def outcomes(self, particles, lam, lams, parts=None):
        """Return where particles may be at lam: points (n, B, D) and their probabilities (n, B).

        Parameters
        ----------
        particles : ndarray of shape (n, M, D)
            Outputs followed through the trained values.
        lam : ndarray of shape (n,) or (n, k)
            Where they are wanted.
        lams : ndarray of shape (M,) or (M, k)
            Trained values.
        parts : ndarray of shape (n, M), default=None
            Of an output of two values, the part of the draws of the same input that have the upper
            one; it is read where time is linear in its logit.
        """
        if np.ndim(lams) == 2:
            knots, z = self.scale.time(lams), self.scale.time(lam)
            values, back = np.unique(z, axis=0, return_inverse=True)
            weights = Simplices(knots).weights(values)[back.reshape(-1)].clip(min=0)
            return particles, weights / weights.sum(axis=1, keepdims=True)
        k = np.clip(np.searchsorted(lams, lam, "right") - 1, 0, len(lams) - 2)
        rows = np.arange(len(particles))
        time, here = self.scale.time(lams), self.scale.time(lam)
        s = np.clip((here - time[k]) / (time[k + 1] - time[k]), 0, 1)
        if self.by_logit and parts is not None:
            s = _time_of_logit(s, parts[rows, k], parts[rows, k + 1])
        points = np.stack([particles[rows, k], particles[rows, k + 1]], axis=1)
        probability = np.stack([1 - s, s], axis=1)
        if self.delta > 0:
            jumps = self.jumps(particles)
            moving = np.flatnonzero(~jumps[rows, k])
            moved = self._moved(particles[moving], jumps[moving], lam[moving], lams, k[moving])
            stepped, likely = self.stepped(moved)
            more = stepped.shape[1] - 2
            points = np.pad(points, ((0, 0), (0, more), (0, 0)), mode="edge")
            probability = np.pad(probability, ((0, 0), (0, more)))
            points[moving], probability[moving] = stepped, likely
        return points, probability

    def mean_field(self, field):
        """Return the ParticleField that means follow, and that answers to what is not known."""
        if self.delta > 0:
            return field
        simple = {"rough_fraction": 1.0, "simple": "straight_line_in_clock"}
        return replace(field, scale=self.scale, **simple)

    def at(self, particles, lam, lams, switch, parts=None):
        """Return outputs (n, D) of particles whose switch numbers (n,) are given."""
        points, probability = self.outcomes(particles, lam, lams, parts)
        return pick(points, probability, switch)

    def settled(self, y):
        """Return outputs (..., D), in the user's units, on the values that are kept to."""
        if self.levels is None:
            return y
        out = np.empty_like(y)
        for j, values in enumerate(self.levels):
            middle = 0.5 * (values[1:] + values[:-1])
            out[..., j] = values[np.searchsorted(middle, y[..., j])]
        return out

    def upper_parts(self, particles, groups):
        """Return the part (n, M) of the draws of each input that have the upper of two values.

        One draw more is spread evenly over both values, so that no logit is infinite. None where
        time is not linear in the logit.
        """
        if not self.by_logit:
            return None
        number = number_groups(groups)
        upper = particles[:, :, 0] > self.seen[0].mean()
        size = np.bincount(number)[:, None]
        total = [np.bincount(number, weights=column) for column in upper.T]
        return ((np.stack(total, axis=1) + 0.5) / (size + 1))[number]

    def jumps(self, particles):
        """Return on which edges particles (n, M, D) of a chain jump, (n, M - 1)."""
        step = np.linalg.norm(np.diff(particles, axis=1), axis=2)
        return step >= reach(self.delta)

    def reweighted(self, particles, edges):
        """Return the part of the squared movement of particles along edges that jumps make."""
        a, b = np.asarray(edges).T
        squares = np.sum((particles[:, b] - particles[:, a]) ** 2, axis=2)
        jump = np.sqrt(squares) >= reach(self.delta)
        return float(squares[jump].sum() / squares.sum()) if squares.any() else 0.0

    def _moved(self, particles, jumps, lam, lams, k):
        """Return moved outputs (n, D) in intervals k, on the field between two jumps."""
        places = np.arange(jumps.shape[1])
        first = np.where(jumps & (places < k[:, None]), places + 1, 0).max(axis=1, initial=0)
        last = np.where(jumps & (places > k[:, None]), places, len(lams) - 1)
        last = last.min(axis=1, initial=len(lams) - 1)
        out = np.empty((len(particles), particles.shape[2]))
        for a, b in np.unique(np.column_stack([first, last]), axis=0):
            on, known = np.flatnonzero((first == a) & (last == b)), slice(a, b + 1)
            out[on] = self.field.at(particles[on, known], lam[on], lams[known])
        return out

    def stepped(self, moved):
        """Return places (n, B, D) of moved outputs, and their probabilities (n, B).

        Each output is at one of the values seen on both sides, whose mean it is. One switch number
        steps them all, the likeliest first.
        """
        if self.seen is None:
            return np.stack([moved, moved], axis=1), np.tile([1.0, 0.0], (len(moved), 1))
        n, n_outputs = moved.shape
        low, high = np.empty((2, n, n_outputs))
        for j, seen in enumerate(self.seen):
            above = np.clip(np.searchsorted(seen, moved[:, j]), 1, len(seen) - 1)
            low[:, j], high[:, j] = seen[above - 1], seen[above]
        up = np.clip((moved - low) / (high - low), 0, 1)
        order = np.argsort(-up, axis=1, kind="stable")
        rank = np.argsort(order, axis=1, kind="stable")
        first = np.arange(n_outputs + 1)[:, None] > rank[:, None]  # of those that are up
        falling = np.take_along_axis(up, order, axis=1)
        ends = np.hstack([np.ones((n, 1)), falling, np.zeros((n, 1))])
        return np.where(first, high[:, None], low[:, None]), -np.diff(ends, axis=1)


def pick(points, probability, switch):
    """Return those of the points (n, B, D) that switch numbers (n,) fall on."""
    passed = np.cumsum(probability, axis=1)[:, :-1]
    branch = np.sum(switch[:, None] >= passed, axis=1)
    return points[np.arange(len(points)), branch]


def _time_of_logit(s, low, high):
    """Return the time at which a part between two others is where its logit is linear in s."""
    apart = high - low
    wanted = expit((1 - s) * logit(low) + s * logit(high)) - low
    return np.clip(np.divide(wanted, apart, out=np.array(s), where=apart != 0), 0, 1)


def time_of_jumps(field, lams, lam_transform):
    """Return the scale in which probabilities are linear: that of lambda, not of distances.

    Parameters
    ----------
    field : ParticleField
        Of the moves.
    lams : ndarray of shape (M,) or (M, k)
        Trained values.
    lam_transform : object
        The parameter of the estimator; what users ask for stays.
    """
    scale = field.scale
    if np.ndim(lams) == 2:
        return scale.unbent()
    asked = not (isinstance(lam_transform, str) and lam_transform == "auto")
    if isinstance(scale, PlacedScale) and asked:
        return scale
    rule = scale.rule if isinstance(scale, CurvedScale) else suggested_rule(lams)
    clock = Clock(rule, lams, "suggested by the range of lambda")
    return PlacedScale(clock, rule.fraction(lams, lams[0], lams[-1]))


def mixture(field, lams, lam_transform, **settings):
    """Return the Reweighting in which all particles jump."""
    scale = time_of_jumps(field, lams, lam_transform)
    return Reweighting("mixture", 0.0, field, scale, **settings)
