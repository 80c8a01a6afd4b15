"""The time scale of the field: how far along the whole way of the outputs a lambda is."""

from dataclasses import dataclass

import numpy as np

from .._utils.piecewise import straight_on
from .._utils.registry import storable
from .clock import Clock
from .curve import MonotoneCurve, fit_curve, with_own
from .selection import clock_asked_for, confirmed_rule, guess_of_two, suggested_rule
from .warps import WarpClock

FROM_ZERO = "identity", "odds"  # rules that begin at 0, whose speed may have a trend


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
        return straight_on(self.clock.time(lam), np.arange(len(self.places)), self.places)

    def deviation(self, lam):
        """Return zeros: the scale is taken as it is, whether asked for or guessed."""
        return np.zeros(np.shape(lam))


def clock_of(scale, anchors):
    """Return the Clock whose times are those of a time scale."""
    if isinstance(scale, PlacedScale):
        return scale.clock
    confirmed = isinstance(scale, CurvedScale) and scale.rule != suggested_rule(anchors)
    by = "trained values" if confirmed else "range of lambda"
    reason = f"suggested by the {by}, run at the speed of the outputs"
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

    Warns
    -----
    ClockWarning
        If "auto" meets two anchors, which cannot tell.
    """
    if data.anchors.several:
        return data.anchors.scale
    anchors = data.anchors.lam
    ends = anchors[0], anchors[-1]
    clock = clock_asked_for(lam_transform, data)
    if clock is None and len(anchors) == 2:
        clock = guess_of_two(data)
    if clock is not None and clock.name != "entropy":
        return PlacedScale(clock, clock.rule.fraction(anchors, *ends))
    way = read()
    rule = confirmed_rule(anchors, way.trajectories)
    u = rule.fraction(anchors, *ends)
    places = u if way.places is None else way.places
    if clock is None:
        return CurvedScale(rule, *ends, fit_curve(u, places, trend=rule.name in FROM_ZERO))
    if not (np.diff(places) > 0).all():  # equal outputs: two values, each of its own time
        places = with_own(places, u)
    return PlacedScale(clock, np.asarray(places, dtype=float))
