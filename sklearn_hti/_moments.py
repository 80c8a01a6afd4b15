"""What outputs of an anchor are like at every x: their mean and spread, of few draws."""

import numpy as np
from scipy.special import digamma, polygamma
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import RidgeCV

from ._linear import LinearMean

_MIN_SPARE = 20  # draws beyond the first of their x, which tell how far draws of one x are apart
_MIN_CONDITIONS = 20  # fewer tell no smooth function
_MAX_KNOWN, _N_COMPONENTS = 8192, 100  # conditions that the smooth part is fitted to; its size
_SCALES = (0.1, 0.3, 1.0, 3.0)  # of the kernel exp(-s |x - x'|^2 / F)
_ALPHAS = np.logspace(-3, 3, 13)
_TINY = 1e-100  # no division by zero, and no underflow of its square root
_LEAST_VARIANCE, _LEAST_UNIT = 0.01, 0.3  # of the mean variance, and of the typical spread


class ConditionMoments:
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
        means = _means(of, y)
        self.noise = np.zeros(y.shape[1])  # variance of the draws at one x
        n_spare = len(rows) - len(size)
        if n_spare < _MIN_SPARE or len(size) < _MIN_CONDITIONS:
            return
        squares = _means(of, (y - means[of]) ** 2) * size[:, None]
        self.noise = squares.sum(axis=0) / n_spare
        given = data.features.of(rows[first]), data.conditions.scaled[rows[first]]
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


def _shrunken(features, numbers, values, chance, weight):
    """Return what is to be believed of values (G, D) at conditions, given their chance."""
    linear = LinearMean().fit(features, values).predict(features)
    left = values - linear
    smooth = _smooth_part(numbers, left, weight) if numbers.shape[1] else 0
    left = left - smooth
    believed = np.maximum((left**2 - chance).mean(axis=0), 0)
    return linear + smooth + left * believed / np.maximum(believed + chance, _TINY)


def _means(of, values):
    """Return the mean (G, D) of the values (n, D) of every group."""
    total = np.zeros((of.max() + 1, values.shape[1]))
    np.add.at(total, of, values)
    return total / np.bincount(of)[:, None]


def _smooth_part(numbers, values, weight):
    """Return a kernel ridge regression of the values (G, D); left-out errors choose its scale."""
    some = np.random.default_rng(0).permutation(len(values))[:_MAX_KNOWN]
    best, smooth = np.full(values.shape[1], -np.inf), np.zeros_like(values)
    for scale in _SCALES:
        kernel = Nystroem(
            gamma=scale / numbers.shape[1],
            n_components=min(_N_COMPONENTS, len(some)),
            random_state=0,
        ).fit(numbers[some])
        ridge = RidgeCV(_ALPHAS, alpha_per_target=True)
        ridge.fit(kernel.transform(numbers[some]), values[some], sample_weight=weight[some])
        found = ridge.predict(kernel.transform(numbers)).reshape(values.shape)
        better = np.atleast_1d(ridge.best_score_) > best
        best = np.maximum(best, ridge.best_score_)
        smooth[:, better] = found[:, better]
    return smooth
