"""The time scale of the field: how far along the whole way of the outputs a lambda is."""

from dataclasses import dataclass

import numpy as np

from .._utils.registry import storable
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
    if not (isinstance(lam_transform, str) and lam_transform == "auto"):
        return choose_clock(lam_transform, data, read)
    rule = WarpClock(prior_clock(data.anchors.lam, data.anchors.binned))
    return Clock(rule, data.anchors.lam, "suggested by the range of lambda")


def clock_of(scale, anchors):
    """Return the Clock whose times are those of a time scale."""
    if isinstance(scale, PlacedScale):
        return scale.clock
    reason = "suggested by the range of lambda, run at the speed of the outputs"
    return Clock(scale, anchors, reason)


def make_time_scale(lam_transform, clock, places, binned=False):
    """Return the time scale of the field.

    Parameters
    ----------
    lam_transform : object
        The parameter of the estimator. "auto" runs the suggested scale at the speed of the
        outputs; all else is taken as it is.
    clock : Clock
        The clock of the fit, with the trained values.
    places : ndarray of shape (K + 1,) or None
        Where the trained values sit on the way of the outputs, 0 to 1; None: nothing moves.
    binned : bool, default=False
        Whether the trained values stand for bins.
    """
    anchors = clock.anchors
    ends = anchors[0], anchors[-1]
    if places is None:
        places = WarpClock(prior_clock(anchors, binned)).fraction(anchors, *ends)
    if isinstance(lam_transform, str) and lam_transform == "auto" and len(anchors) > 2:
        rule = WarpClock(prior_clock(anchors, binned))
        u = rule.fraction(anchors, *ends)
        return CurvedScale(rule, *ends, fit_curve(u, places, trend=rule.name in FROM_ZERO))
    if not (isinstance(lam_transform, str) and lam_transform in ("auto", "entropy")):
        places = clock.rule.fraction(anchors, *ends)
    elif not (np.diff(places) > 0).all():  # equal outputs: two values, each of its own time
        suggested = WarpClock(prior_clock(anchors, binned)).fraction(anchors, *ends)
        places = with_own(places, suggested)
    return PlacedScale(clock, np.asarray(places, dtype=float))
