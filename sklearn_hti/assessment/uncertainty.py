"""What a fit does not know of means and other statistics (docs/method.md, section 11)."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from .._utils.progress import counted
from .._utils.registry import storable
from ..clocks.curve import fit_curve
from ..clocks.hull import interior
from ..clocks.selection import suggested_rule
from ..clocks.time_scale import FROM_ZERO, CurvedScale
from ..data.budget import BUDGET
from ..data.facts import FEW
from ..field.spread import FieldSpread, fit_spread, moments_of
from .known_draws import KnownDraws, Statistics, keep_draws
from .left_out import spread_out
from .means import known_means

PRIOR_VALUES = 4  # of times left out that the prior of the clock counts as
_BISECTIONS = 60


@storable
@dataclass(frozen=True)
class Uncertainty:
    """The errors of a statistic: between trained values, of the time, and of the base.

    A fit knows those of the conditional mean; `of` returns those of another statistic.

    Attributes
    ----------
    spread : FieldSpread
        Standard deviation of the statistic between trained values.
    scale : CurvedScale or PlacedScale
        Standard deviation of the time.
    ratios : ndarray of shape (N, S)
        Errors of it where a trained value was left out, over the deviation there, sorted.
    misplaced : ndarray of shape (V,)
        Errors of the time of each value left out, over the deviation there.
    base : ndarray of shape (M, M, S)
        Mean products of its errors at trained values.
    n_left_out : int
        Trained values that were left out.
    known : KnownDraws or None
        What other statistics are calibrated on; None where inputs have too few draws.
    """

    spread: FieldSpread
    scale: object
    ratios: np.ndarray
    misplaced: np.ndarray
    base: np.ndarray
    n_left_out: int
    known: KnownDraws | None = None

    def of(self, statistic, state):
        """Return the Uncertainty of another statistic of the outputs of one input.

        Raises
        ------
        ValueError
            If no input of fit has enough draws at all trained values.
        """
        if self.known is None:
            raise ValueError(
                f"statistic={statistic.name!r} needs at least {FEW} draws of one input at every "
                "trained value, and `fit` had none. Pass such draws, as sweep(..., n_draws=20) "
                "does, or use statistic='mean'."
            )
        found = Statistics(self.known, state, statistic)
        return replace(self, **calibrate(state, found, self.known.left_out))

    def averaging(self, lam):
        """Return the standard error (n, 1) of answers, over that of draws at one trained value.

        Trained values are asked for draws of their own, and answers are weighted sums of them.
        """
        weights = self.spread.field.weights(np.asarray(lam, dtype=float), self.spread.lams)
        return np.linalg.norm(weights, axis=1)[:, None]

    def half_widths(self, lam, coverage):
        """Return half the width (n, S) at lambdas (n,), of a known time.

        In scaled units, unless the statistic is a function of draws, which has units of its own.
        """
        lam, back = np.unique(lam, axis=0, return_inverse=True)
        field = self.spread.deviation(lam)[:, None] * self._factors(coverage)
        weights = self.spread.field.weights(lam, self.spread.lams)
        base = np.einsum("nm,mpd,np->nd", weights, self.base, weights)
        base = norm.ppf(0.5 + coverage / 2) * np.sqrt(np.maximum(base, 0))
        return np.hypot(field, base)[back.reshape(-1)]

    @property
    def time_factor(self):
        """What deviations of the time are multiplied by, as values left out tell."""
        n_known = PRIOR_VALUES + len(self.misplaced)
        return float(np.sqrt((PRIOR_VALUES + np.sum(self.misplaced**2)) / n_known))

    def lam_band(self, lam, coverage):
        """Return the lambdas (2, n) at the ends of the interval of the time of lam.

        Times keep between those of both neighbours; that of a trained value is certain. Outside
        the trained values, see `stretch`.
        """
        lams, time_of = self.spread.lams, self.spread.field.scale.time
        lam = np.asarray(lam, dtype=float)
        if lam.ndim == 2:  # what is not known of the axes is in the kernel
            return np.stack([lam, lam])
        at = np.clip(np.searchsorted(lams, lam, "right") - 1, 0, len(lams) - 2)
        sides = lams[at], lams[at + 1]
        low, high = map(time_of, sides)
        time = time_of(lam)
        width = self._width(_within(self.scale.deviation(lam), time, low, high), coverage)
        times = np.stack([time - width, time + width]).clip(low, high)
        return np.where(width > 0, inverse_times(time_of, times, *sides), lam)

    def stretch(self, lam, coverage):
        """Return the ends (n,) that lambdas lie beyond, and the interval of the time from there.

        It is half the width of the interval, as a fraction of that time; 0 where lambda lies
        within the trained range.
        """
        lams, time_of = self.spread.lams, self.spread.field.scale.time
        lam = np.asarray(lam, dtype=float)
        if lam.ndim == 2:
            return lam, np.zeros(len(lam))
        ends = np.clip(lam, lams[0], lams[-1])
        width = self._width(self.scale.deviation(lam), coverage)
        passed = np.abs(time_of(lam) - time_of(ends))
        return ends, np.divide(width, passed, where=ends != lam, out=np.zeros(len(lam)))

    def _factors(self, coverage):
        """Return half the widths (S,) of intervals over the deviation between trained values.

        Of several hyperparameters the kernel holds what is not known of the axes, so that its
        deviation is treated as that of a time: few values that are left out, at all inputs
        together, may be where errors vanish, as on lines of a grid.
        """
        if self.spread.lams.ndim == 1:
            return _quantiles(self.ratios, coverage)
        n_known, squares = PRIOR_VALUES + self.n_left_out, 0.0
        if self.n_left_out:
            squares = self.n_left_out * np.mean(self.ratios**2, axis=0)
        return student.ppf(0.5 + coverage / 2, n_known) * np.sqrt(
            (PRIOR_VALUES + squares) / n_known
        )

    def _width(self, deviation, coverage):
        """Return half the width of the interval of a time with a standard deviation."""
        n_known = PRIOR_VALUES + len(self.misplaced)
        return student.ppf(0.5 + coverage / 2, n_known) * (self.time_factor * deviation)


def learn_uncertainty(problem, data, state, lam_transform, rng):
    """Return the Uncertainty of a fitted state.

    Parameters
    ----------
    problem : Problem
        The rows of the fit.
    data : TrainingData
        The rows that networks were asked, where they were; else those of the problem.
    state : FittedState
        What the fit has learned.
    lam_transform : object
        The parameter of the estimator.
    rng : numpy.random.Generator
        Chooses rows.
    """
    field, lams = state.particle_field, data.anchors.lam
    means = known_means(problem, data, state, rng)
    scale = _scale_of(lam_transform, field.scale, lams)
    left_out = spread_out(interior(data.anchors), BUDGET.left_out_values)
    several = data.anchors.several
    return Uncertainty(
        scale=scale,
        misplaced=np.zeros(0) if several else _misplaced(scale, lams),
        known=keep_draws(problem, data, state, left_out, rng),
        **calibrate(state, means, left_out),
    )


def calibrate(state, found, left_out):
    """Return spread, ratios, base and n_left_out of an Uncertainty.

    Parameters
    ----------
    state : FittedState
        What the fit has learned.
    found : Means or Statistics
        Has the statistic at trained values, the surrogate's errors there, and ``miss(rest, k,
        weights)``, the errors where value k is left out, in the time of the fit.
    left_out : ndarray of shape (V,)
        Numbers of the trained values that are left out.
    """
    field, lams, ratios = state.particle_field, state.anchors, []
    spread, probabilities = fit_spread(field, moments_of(found.values), lams)
    for k in counted(left_out):
        rest = np.delete(np.arange(len(lams)), k)
        given = probabilities if len(rest) == 2 else None  # which tell nothing of a kernel
        without, _ = fit_spread(field, moments_of(found.values[:, rest]), lams[rest], given)
        deviation = without.deviation(lams[[k]]).item()
        error, chance = found.miss(rest, k, field.weights(lams[[k]], lams[rest])[0])
        error = np.abs(error)
        square = np.sum(error**2, axis=0)
        true = 1 - np.divide(chance, square, where=square > 0, out=np.ones_like(square))
        error = error * np.sqrt(np.maximum(true, 0))
        ratios.append(error / deviation if deviation > 0 else np.zeros_like(error))
    ratios = np.concatenate([np.zeros((0, found.values.shape[2])), *ratios])
    ratios = np.sort(ratios, axis=0)
    n_left_out = len(left_out)
    return {"spread": spread, "ratios": ratios, "base": found.base, "n_left_out": n_left_out}


def _quantiles(ratios, coverage):
    """Return the conformal quantile (D,) of ratios (N, D), normal where they are few."""
    normal = norm.ppf(0.5 + coverage / 2)
    if not len(ratios):
        return np.full(ratios.shape[1], normal)
    rank = int(np.ceil((len(ratios) + 1) * coverage))
    if rank <= len(ratios):
        return ratios[rank - 1]
    return np.maximum(ratios[-1], normal * np.sqrt(np.mean(ratios**2, axis=0)))


def _scale_of(lam_transform, scale, lams):
    """Return the scale whose deviation is that of the time: of a guess, the prior's."""
    if (
        lams.ndim == 2
        or len(lams) > 2
        or not (isinstance(lam_transform, str) and lam_transform == "auto")
    ):
        return scale
    return _curved(suggested_rule(lams), lams, np.array([0.0, 1.0]))


def _curved(rule, lams, places):
    """Return a rule, run at the speed that leads trained values to places from 0 to 1."""
    ends = lams[0], lams[-1]
    curve = fit_curve(rule.fraction(lams, *ends), places, trend=rule.name in FROM_ZERO)
    return CurvedScale(rule, *ends, curve)


def _misplaced(scale, lams):
    """Return the errors of times of values left out, over their deviations."""
    if not isinstance(scale, CurvedScale):
        return np.zeros(0)
    times, found = scale.time(lams), []
    for k in spread_out(np.arange(1, len(lams) - 1), BUDGET.left_out_values):
        rest = np.delete(np.arange(len(lams)), k)
        without = _curved(scale.rule, lams[rest], times[rest])
        low, here, high = without.time(lams[k - 1 : k + 2])
        # how far it is from one neighbour to the other
        fraction = (times[k] - times[k - 1]) / (times[k + 1] - times[k - 1])
        deviation = _within(without.deviation(lams[[k]]), here, low, high).item()
        if deviation > 0:
            found.append((low + fraction * (high - low) - here) / deviation)
    return np.array(found)


def _within(deviation, time, low, high):
    """Return deviations of times that lie between others, which bound them (Bhatia, Davis)."""
    return np.minimum(deviation, np.sqrt(np.maximum((time - low) * (high - time), 0)))


def inverse_times(time_of, times, low, high):
    """Return the lambdas of times, between low and high, by bisection."""
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        before = time_of(middle) < times
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return 0.5 * (low + high)
