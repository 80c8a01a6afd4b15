"""Clocks: how far along the path between two anchors a lambda is (docs/method.md, equation 31)."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logit, ndtri
from sklearn.base import clone

from .._utils.registry import storable


def _odds(lam):
    lam = np.asarray(lam, dtype=float)
    return np.where((lam >= 0) & (lam < 1), lam / (1 - lam), np.nan)


# name -> (monotone function w, where it is defined; elsewhere it is no number)
_WARPS = {
    "identity": (lambda lam: lam, lambda lam: np.isfinite(lam)),
    "log": (np.log, lambda lam: lam > 0),
    "reciprocal": (lambda lam: -1 / np.asarray(lam, dtype=float), lambda lam: lam > 0),
    "logit": (logit, lambda lam: (lam > 0) & (lam < 1)),
    "probit": (ndtri, lambda lam: (lam > 0) & (lam < 1)),
    "odds": (lambda lam: _odds(lam), lambda lam: (lam >= 0) & (lam < 1)),
}
CLOCK_NAMES = (None, "auto", "log", "reciprocal", "logit", "probit", "odds", "entropy")


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
        raise ValueError(_not_available(transformer))
    fitted = clone(transformer).fit(lam.reshape(-1, 1))
    rule = TransformerClock(fitted, type(transformer).__name__)
    grid = np.union1d(np.linspace(lam.min(), lam.max(), 201), lam)
    with np.errstate(all="ignore"):
        steps = np.diff(rule._warp(grid))
    if not (np.isfinite(steps).all() and (np.all(steps > 0) or np.all(steps < 0))):
        raise ValueError(
            f"lam_transform={transformer!r} must be strictly monotone and finite between "
            f"{lam.min():g} and {lam.max():g}."
        )
    return rule


def _not_available(asked):
    accepted = ", ".join(repr(name) for name in CLOCK_NAMES)
    return (
        f"lam_transform={asked!r} is not available; accepted: {accepted}, or a scikit-learn "
        "transformer."
    )


def make_warp_clock(name, lam):
    """Return the named clock; raise where it is not defined on the given lambdas."""
    if name not in _WARPS:  # in a list or a dict
        raise ValueError(_not_available(name))
    rule = WarpClock(name)
    if not rule.defined_on(lam):
        usable = [n for n in CLOCK_NAMES if n not in _WARPS or WarpClock(n).defined_on(lam)]
        raise ValueError(
            f"lam_transform={name!r} is not defined on all of `lam` (from {lam.min():g} to "
            f"{lam.max():g}); accepted there: {', '.join(map(repr, usable))}, or a transformer."
        )
    return rule
