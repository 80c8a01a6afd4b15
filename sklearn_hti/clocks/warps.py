"""Clocks: how far along the path between two anchors a lambda is (docs/method.md, equation 31)."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import logit, ndtri
from sklearn.base import clone

from .._utils.registry import storable

# name -> (monotone function w, where it is defined)
_WARPS = {
    "identity": (lambda lam: lam, lambda lam: np.isfinite(lam)),
    "log": (np.log, lambda lam: lam > 0),
    "logit": (logit, lambda lam: (lam > 0) & (lam < 1)),
    "probit": (ndtri, lambda lam: (lam > 0) & (lam < 1)),
    "odds": (lambda lam: lam / (1 - lam), lambda lam: (lam >= 0) & (lam < 1)),
}
_OWN = 1e-3  # share of the way that does not follow the outputs
CLOCK_NAMES = (None, "auto", "log", "logit", "probit", "odds", "entropy")


@storable
@dataclass(frozen=True)
class WarpClock:
    """Fraction s = (w(lam) - w(lo)) / (w(hi) - w(lo)) with a named monotone w."""

    name: str

    def defined_on(self, lam):
        """Tell whether w is finite at every given lambda."""
        return bool(np.all(_WARPS[self.name][1](np.asarray(lam))))

    def fraction(self, lam, lo, hi):
        """Return how far lam is on the way from lo to hi."""
        warp = _WARPS[self.name][0]
        start = warp(lo)
        return (warp(lam) - start) / (warp(hi) - start)


@storable
@dataclass(frozen=True)
class TransformerClock:
    """The same with w a fitted monotone scikit-learn transformer."""

    transformer: object
    name: str = "transformer"

    def _warp(self, lam):
        lam = np.asarray(lam, dtype=float)
        column = np.asarray(self.transformer.transform(lam.reshape(-1, 1)), dtype=float)
        return column.reshape(lam.shape)

    def fraction(self, lam, lo, hi):
        """Return how far lam is on the way from lo to hi."""
        start = self._warp(lo)
        return (self._warp(lam) - start) / (self._warp(hi) - start)


@storable
@dataclass(frozen=True)
class BentClock:
    """Another clock over the whole range of lambda, its time s(t) bent as by a gain in entropy.

    Read backwards, a bent clock is bent by as much the other way.
    """

    rule: WarpClock
    lo: float
    hi: float
    bend: float

    @property
    def name(self):
        """Name of the rule that is bent."""
        return self.rule.name

    @property
    def how(self):
        """What was done to the rule."""
        return f"bent by {self.bend:.2g}"

    def fraction(self, lam, lo, hi):
        """Return how far lam is on the way from lo to hi."""
        start, here, end = (
            bend_time(self.rule.fraction(value, self.lo, self.hi), self.bend)
            for value in (lo, np.asarray(lam, dtype=float), hi)
        )
        return (here - start) / (end - start)


@storable
@dataclass(frozen=True)
class PlacedClock:
    """Another clock over the whole range of lambda, led to the places of the anchors.

    Time is a monotone cubic through them; a thousandth of it runs as the other clock does, so
    that it never stands still.

    References
    ----------
    Fritsch and Butland, "A method for constructing local monotone piecewise cubic
    interpolants", SIAM Journal on Scientific and Statistical Computing, 1984.
    """

    rule: WarpClock
    anchors: tuple
    places: tuple  # how far along the way of the outputs, from 0 to 1

    @property
    def name(self):
        """Name of the rule that is led."""
        return self.rule.name

    @property
    def how(self):
        """What was done to the rule."""
        return "led to where outputs have the anchors"

    def fraction(self, lam, lo, hi):
        """Return how far lam is on the way from lo to hi."""
        ends, place = (self.anchors[0], self.anchors[-1]), _places(self)
        start, here, end = (
            place(self.rule.fraction(value, *ends))
            for value in (lo, np.asarray(lam, dtype=float), hi)
        )
        return (here - start) / (end - start)


@lru_cache
def _places(clock):
    """Return the curve of places on the way over the time of the rule that is led."""
    own = clock.rule.fraction(np.array(clock.anchors), clock.anchors[0], clock.anchors[-1])
    return PchipInterpolator(own, (1 - _OWN) * np.array(clock.places) + _OWN * own)


@storable
@dataclass(frozen=True)
class MeanClock:
    """Half-way between other clocks: a hedge between guesses."""

    rules: tuple

    @property
    def name(self):
        """Names of the rules."""
        return " and ".join(rule.name for rule in self.rules)

    def fraction(self, lam, lo, hi):
        """Return how far lam is on the way from lo to hi."""
        return np.mean([rule.fraction(lam, lo, hi) for rule in self.rules], axis=0)


def bend_time(t, kappa):
    """Return -log(1 - t (1 - exp(-kappa))) / kappa: t at 0 and 1, and for kappa = 0."""
    t, flat = np.asarray(t), np.abs(kappa) < 1e-8
    kappa = np.where(flat, 1.0, kappa)
    # log1p and expm1 keep digits where kappa is small; at t = 1 rounding loses them
    s = -np.log1p(t * np.expm1(-kappa)) / kappa
    return np.where(flat | (t == 1), t, s)


def make_transformer_clock(transformer, lam):
    """Fit a clone of a scikit-learn transformer on lambda and check that it is monotone."""
    if not hasattr(transformer, "transform"):
        accepted = ", ".join(repr(name) for name in CLOCK_NAMES)
        raise ValueError(
            f"lam_transform={transformer!r} is not available; accepted: {accepted}, or a "
            "scikit-learn transformer."
        )
    fitted = clone(transformer).fit(lam.reshape(-1, 1))
    rule = TransformerClock(fitted, type(transformer).__name__)
    grid = np.union1d(np.linspace(lam.min(), lam.max(), 201), lam)
    with np.errstate(all="ignore"):
        steps = np.diff(rule._warp(grid))
    if not (np.isfinite(steps).all() and (np.all(steps > 0) or np.all(steps < 0))):
        raise ValueError(
            f"lam_transform={transformer!r} is not strictly monotone and finite between "
            f"{lam.min():g} and {lam.max():g}."
        )
    return rule


def make_warp_clock(name, lam):
    """Return the named clock; raise where it is not defined on the given lambdas."""
    rule = WarpClock(name)
    if not rule.defined_on(lam):
        usable = [n for n in _WARPS if n != "identity" and WarpClock(n).defined_on(lam)]
        raise ValueError(
            f"lam_transform={name!r} is not defined on all of `lam` (from {lam.min():g} to "
            f"{lam.max():g}); defined there: {', '.join(map(repr, usable)) or 'none'}, or "
            "None, 'entropy', 'auto', or a transformer."
        )
    return rule


def candidate_rules(lam):
    """Return every named clock that is defined on the data, identity first."""
    return [WarpClock(n) for n in _WARPS if WarpClock(n).defined_on(lam)]
