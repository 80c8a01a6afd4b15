"""The time scale of the field: how far along the whole way of the outputs a lambda is."""

from dataclasses import dataclass

import numpy as np

from .._utils.registry import storable
from ..stats.selection import select
from .clock import Clock
from .curve import MonotoneCurve, fit_curve, with_own
from .selection import FROM_ZERO, choose_clock, prior_clock
from .warps import WarpClock


@storable
@dataclass(frozen=True)
class CurvedScale:
    """The scale that the range of lambda suggests, run at the speed of the outputs."""

    rule: WarpClock
    low: float
    high: float
    curve: MonotoneCurve

    @property
    def name(self):
        """Name of the suggested scale."""
        return self.rule.name

    def fraction(self, lam, lo, hi):
        """Return how far lam is on the way from lo to hi."""
        here, start, end = (self.time(value) for value in (lam, lo, hi))
        return (here - start) / (end - start)

    def time(self, lam):
        """Return the times of lambdas, 0 at the first trained value and 1 at the last."""
        return self.curve.time(self._suggested(lam))

    def deviation(self, lam):
        """Return the standard deviation of the times, given the trained values."""
        return self.curve.deviation(self._suggested(lam))

    def _suggested(self, lam):
        return self.rule.fraction(np.asarray(lam, dtype=float), self.low, self.high)


@storable
@dataclass(frozen=True)
class PlacedScale:
    """A clock whose trained values sit at given places; it is not adjusted."""

    clock: Clock
    places: np.ndarray

    def time(self, lam):
        """Return the times of lambdas, 0 at the first trained value and 1 at the last."""
        return np.interp(self.clock.time(lam), np.arange(len(self.places)), self.places)

    def deviation(self, lam):
        """Return zeros: the scale is taken as it is, whether asked for or guessed."""
        return np.zeros(np.shape(lam))


def first_clock(lam_transform, data, read):
    """Return the Clock that a time scale starts from: that asked for, or for "auto" the suggested.

    `read` returns the Way of the data; it is called where the clock follows the outputs.
    """
    auto = isinstance(lam_transform, str) and lam_transform == "auto"
    if not auto or len(data.anchors.lam) == 2:
        return choose_clock(lam_transform, data, read)
    rule = WarpClock(prior_clock(data.anchors.lam, data.anchors.binned))
    return Clock(rule, data.anchors.lam, "suggested by the range of lambda")


def clock_of(scale, anchors):
    """Return the Clock whose times are those of a time scale."""
    if isinstance(scale, PlacedScale):
        return scale.clock
    reason = "suggested by the range of lambda, run at the speed of the outputs"
    return Clock(scale, anchors, reason)


def make_time_scale(lam_transform, data, read):
    """Return the time scale of the field.

    Parameters
    ----------
    lam_transform : object
        The parameter of the estimator. "auto" runs the suggested scale at the speed of the
        outputs; all else is taken as it is.
    data : TrainingData
        All encoded rows.
    read : callable
        Returns the Way of the data; it is called where the scale follows the outputs.
    """
    anchors, binned = data.anchors.lam, data.anchors.binned
    ends = anchors[0], anchors[-1]
    clock = first_clock(lam_transform, data, read)
    auto = isinstance(lam_transform, str) and lam_transform == "auto"
    suggested = WarpClock(prior_clock(anchors, binned))
    if auto and len(anchors) > 2 and suggested.name != "identity":
        suggested = _confirmed(suggested, anchors, read().trajectories)
    u = suggested.fraction(anchors, *ends)
    if not (isinstance(lam_transform, str) and lam_transform in ("auto", "entropy")):
        return PlacedScale(clock, clock.rule.fraction(anchors, *ends))
    places = read().places
    places = u if places is None else places
    if auto and len(anchors) > 2:
        curve = fit_curve(u, places, trend=suggested.name in FROM_ZERO)
        return CurvedScale(suggested, *ends, curve)
    if not (np.diff(places) > 0).all():  # equal outputs: two values, each of its own time
        places = with_own(places, u)
    return PlacedScale(clock, np.asarray(places, dtype=float))


def _confirmed(suggested, anchors, trajectories):
    """Return the suggested rule, or the linear one where that puts trained values better.

    Each trained value is predicted from both neighbours on the line between them.
    """
    points = trajectories.points[trajectories.whole]
    if not len(points):
        return suggested
    rules = suggested, WarpClock("identity")
    losses = []
    for rule in rules:
        s = rule.fraction(anchors[1:-1], anchors[:-2], anchors[2:])[:, None]
        miss = (1 - s) * points[:, :-2] + s * points[:, 2:] - points[:, 1:-1]
        losses.append(np.sum(miss**2, axis=(1, 2)))
    return rules[select(losses).index]
