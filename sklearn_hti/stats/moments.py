"""What outputs of an anchor are like at every x: their mean and spread."""

import numpy as np
from scipy.special import digamma, polygamma
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import SplineTransformer

from .._utils.groupby import squares_of_groups
from ..data.budget import BUDGET
from ..data.facts import MANY, DrawCounts
from .ridge import ALPHAS, LinearMean
from .selection import select

_N_COMPONENTS = 100  # of the kernel part
_MAX_ALONE, _N_KNOTS = 32, (5, 8)  # numbers that have a function each, and knots of it
_SCALES = (0.1, 0.3, 1.0, 3.0)  # of the kernel exp(-s |x - x'|^2 / F)
_TINY = 1e-100  # no division by zero, and no underflow of its square root
_LEAST_VARIANCE, _LEAST_UNIT = 0.01, 0.3  # of the mean variance, and of the typical spread


class Moments:
    """The conditional mean and spread of the outputs of an anchor.

    Subclasses set ``typical`` (D,), the root mean square spread, and say what is ``at`` an x.
    """

    def unit(self, spread):
        """Return spreads of at least a part of the typical one, to divide by.

        Where draws hardly differ, what errs in the mean must not be taken for spread.
        """
        return np.maximum(spread, _LEAST_UNIT * self.typical)

    def standardise(self, data, rows):
        """Return outputs (n, D) of the anchor's rows beside their mean, in typical spreads."""
        mean, spread = self.at(data, rows)
        return (data.y[rows] - mean) * (self.typical / self.unit(spread))

    def carry(self, data, rows, to):
        """Return outputs (n, D) of the anchor's rows as they would be at the x of other rows."""
        mean, spread = self.at(data, to)
        return mean + spread / self.typical * self.standardise(data, rows)


class ScatteredMoments(Moments):
    """The conditional mean and spread where every x has one draw: smooth functions of x.

    Parameters
    ----------
    data : TrainingData
        All encoded rows.
    rows : ndarray of shape (n,)
        Rows of the anchor.
    """

    def __init__(self, data, rows):
        given, y = _given(data, rows), data.y[rows]
        self.mean = _Smooth(*given, y)
        squares = (y - self.mean(*given)) ** 2
        variance = squares.mean(axis=0)
        log = np.log(np.maximum(squares, _LEAST_VARIANCE * variance) + _TINY)
        self.log = _Smooth(*given, log)
        told = self.log(*given)
        self.range = told.min(axis=0), told.max(axis=0)
        # logarithms are lower than that of the mean, by what their distribution says
        self.shift = np.log(variance + _TINY) - np.log(np.exp(told).mean(axis=0))
        self.typical = np.sqrt(variance + _TINY)

    def at(self, data, rows):
        """Return mean and spread (n, D) at the conditions of some rows."""
        given = _given(data, rows)
        return self.mean(*given), np.exp(0.5 * (self.log(*given).clip(*self.range) + self.shift))


class ConditionMoments(Moments):
    """The conditional mean and spread of the outputs of an anchor, where x has several draws.

    Each is a linear function of x, a smooth one of its numbers, and what the draws at x tell
    beyond both, as far as it is not the chance of so few (empirical Bayes). Spreads are told
    by logarithms of variances, whose chance is that of normal draws.

    Parameters
    ----------
    data : TrainingData
        All encoded rows.
    rows : ndarray of shape (n,)
        Rows of the anchor.
    """

    def __init__(self, data, rows):
        self.groups, first, of, size = np.unique(
            data.groups[rows], return_index=True, return_inverse=True, return_counts=True
        )
        y, of = data.y[rows], of.reshape(-1)
        counts = DrawCounts(self.groups, size)
        self.noise = np.zeros(y.shape[1])  # variance of the draws at one x
        if not counts.tell_variance:
            return
        means, squares = squares_of_groups(of, y)
        self.noise = squares.sum(axis=0) / counts.n_spare
        given = _given(data, rows[first])
        self.mean = _shrunken(*given, means, self.noise / size[:, None], size)

        half = np.maximum(size - 1, 1)[:, None] / 2
        variance = np.maximum(squares / (2 * half), _LEAST_VARIANCE * self.noise + _TINY)
        variance[size == 1] = self.noise
        chance = polygamma(1, half) + np.zeros_like(means)
        log = np.log(variance) + np.log(half) - digamma(half)
        self.spread = np.exp(0.5 * _shrunken(*given, log, chance, 1 / chance[:, 0]))
        self.typical = np.sqrt(np.mean(self.spread**2, axis=0))

    def at(self, data, rows):
        """Return mean and spread (n, D) at the conditions of some rows, which the anchor knows."""
        known = np.searchsorted(self.groups, data.groups[rows])
        return self.mean[known], self.spread[known]


def condition_moments(data, anchor):
    """Return the ConditionMoments of an anchor."""
    return _learned(ConditionMoments, data, anchor)


def scattered_moments(data, anchor):
    """Return the ScatteredMoments of an anchor, which know every x."""
    return _learned(ScatteredMoments, data, anchor)


def known_moments(data, anchor):
    """Return the moments of an anchor at x that it knows: of draws, where they tell more."""
    kind = condition_moments if data.facts.draws_differ[anchor] else scattered_moments
    return kind(data, anchor)


def _learned(kind, data, anchor):
    key = kind, anchor
    if key not in data.memo:
        data.memo[key] = kind(data, data.anchors.rows(anchor))
    return data.memo[key]


def _given(data, rows):
    """Return the features and the numbers of some rows."""
    features = data.features.of(rows)
    return features, features.conditions.scaled


def _shrunken(features, numbers, values, chance, weight):
    """Return what is to be believed of values (G, D) at conditions, given their chance."""
    smooth = _Smooth(features, numbers, values, weight)(features, numbers)
    left = values - smooth
    believed = np.maximum((left**2 - chance).mean(axis=0), 0)
    return smooth + left * believed / np.maximum(believed + chance, _TINY)


class _Smooth:
    """Regression of values (n, D) on x: linear, then of each number alone, then of all of them.

    Each part, ridge regressions on splines and on kernels, is fitted to what those before have
    left, where left-out errors say that it is worth it. They choose penalties and the scale of
    the kernel, too, for each column of the values.
    """

    def __init__(self, features, numbers, values, weight=None):
        self.linear = LinearMean().fit(features, values)
        self.parts = []  # a transformer of numbers, a regression, and the columns that it is for
        n_numbers = numbers.shape[1]
        if not n_numbers or len(values) < MANY:
            return
        left = values - self.linear.predict(features)
        most = BUDGET.smooth_inputs
        if len(left) > most:
            some = np.random.default_rng(0).permutation(len(left))[:most]
            numbers, left = numbers[some], left[some]
            weight = None if weight is None else weight[some]
        splines = [
            SplineTransformer(n, knots="quantile", extrapolation="linear", include_bias=False)
            for n in _N_KNOTS
        ]
        kernels = [
            Nystroem(
                gamma=scale / n_numbers, n_components=min(_N_COMPONENTS, len(left)), random_state=0
            )
            for scale in _SCALES
        ]
        without = np.ones(len(left)) if weight is None else weight
        for tried in (splines, kernels) if n_numbers <= _MAX_ALONE else (kernels,):
            found = [_fit_ridge(transformer, numbers, left, weight) for transformer in tried]
            losses = np.stack([without[:, None] * left**2, *(errors for *_, errors in found)])
            by_column = np.moveaxis(losses, 2, 0)  # without this part, and with each kind of it
            picked = [select(one, n_errors=1.0, compare="best").index for one in by_column]
            picked = np.array(picked)
            for i in np.unique(picked[picked > 0]):
                transformer, ridge, fitted, _ = found[i - 1]
                on = picked == i
                left[:, on] -= fitted[:, on]
                self.parts.append((transformer, ridge, on))

    def __call__(self, features, numbers):
        """Return the values (n, D) at the x of some rows."""
        values = self.linear.predict(features)
        for begin in range(0, len(numbers), BUDGET.smooth_inputs):
            rows = slice(begin, begin + BUDGET.smooth_inputs)
            for transformer, ridge, on in self.parts:
                found = ridge.predict(transformer.transform(numbers[rows]))
                values[rows, on] += found.reshape(-1, len(on))[:, on]
        return values


def _fit_ridge(transformer, numbers, values, weight):
    """Return the transformer and a regression on what it makes of numbers.

    Returned beside them: fitted values, and squared errors where the row was left out (n, D).
    """
    z = transformer.fit_transform(numbers)
    ridge = RidgeCV(ALPHAS, alpha_per_target=True, store_cv_results=True)
    ridge.fit(z, values, weight)
    errors = ridge.cv_results_
    del ridge.cv_results_
    alpha = errors.mean(axis=0).argmin(axis=1)
    errors = np.take_along_axis(errors, alpha[None, :, None], axis=2)[:, :, 0]
    return transformer, ridge, ridge.predict(z).reshape(values.shape), errors
