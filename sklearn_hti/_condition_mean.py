"""What outputs of an anchor are on average at every x."""

import numpy as np
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import RidgeCV

_MIN_SPARE = 20  # draws beyond the first of their x, which tell how far draws of one x are apart
_MAX_KNOWN, _N_COMPONENTS = 8192, 100  # conditions that the smooth part is fitted to; its size
_SCALES = (0.1, 0.3, 1.0, 3.0)  # of the kernel exp(-s |x - x'|^2 / F)
_ALPHAS = np.logspace(-3, 3, 13)


class ConditionMean:
    """The conditional mean of the outputs of an anchor, at x with several draws and at others.

    A linear function of x, a smooth one, and what the mean of the draws at x tells beyond that,
    as far as it is not the chance of so few draws (empirical Bayes). Where x has no second draw,
    chance is unknown: the linear part stands alone.

    Parameters
    ----------
    data : TrainingData
        All encoded rows.
    rows : ndarray of shape (n,)
        Rows of the anchor.
    """

    def __init__(self, data, rows):
        self.linear = data.linear_mean(rows)
        self.smooth = []
        self.groups, first, of, size = np.unique(
            data.groups[rows], return_index=True, return_inverse=True, return_counts=True
        )
        left = data.y[rows] - self.linear.predict(data.features.of(rows))
        means = _means(of.reshape(-1), left)
        self.own = np.zeros_like(means)
        self.noise = np.zeros(means.shape[1])  # variance of the draws at one x
        n_spare = len(rows) - len(size)
        if n_spare < _MIN_SPARE:
            return
        self.noise = ((left - means[of.reshape(-1)]) ** 2).sum(axis=0) / n_spare
        some = np.random.default_rng(0).permutation(len(size))[:_MAX_KNOWN]
        features = data.features[rows[first]]
        self.smooth = _smooth_parts(features[some], means[some], size[some])
        means -= self._smooth_at(features)
        chance = self.noise / size[:, None]
        believed = np.maximum((means**2 - chance).mean(axis=0), 0)
        self.own = means * believed / np.maximum(believed + chance, np.finfo(float).tiny)

    def predict(self, features, groups):
        """Return the mean (n, D) at conditions that are given by features and numbers."""
        mean = self.linear.predict(features)
        if not self.smooth:
            return mean
        distinct, first, of = np.unique(groups, return_index=True, return_inverse=True)
        more = self._smooth_at(features[first])
        place = np.searchsorted(self.groups, distinct).clip(max=len(self.groups) - 1)
        more += np.where((self.groups[place] == distinct)[:, None], self.own[place], 0)
        return mean + more[of.reshape(-1)]

    def _smooth_at(self, features):
        """Return the smooth part, (n, D)."""
        values = np.empty((len(features), self.noise.size))
        for kernel, ridge, of in self.smooth:
            found = ridge.predict(kernel.transform(features)).reshape(values.shape)
            values[:, of] = found[:, of]
        return values


def _means(of, values):
    """Return the mean (G, D) of the values (n, D) of every group."""
    total = np.zeros((of.max() + 1, values.shape[1]))
    np.add.at(total, of, values)
    return total / np.bincount(of)[:, None]


def _smooth_parts(features, means, size):
    """Return kernel maps, ridges on them, and the outputs of each: left-out errors choose."""
    fits = []
    for scale in _SCALES:
        kernel = Nystroem(
            gamma=scale / features.shape[1],
            n_components=min(_N_COMPONENTS, len(features)),
            random_state=0,
        )
        known = kernel.fit_transform(features)
        ridge = RidgeCV(_ALPHAS, alpha_per_target=True).fit(known, means, sample_weight=size)
        fits.append((kernel, ridge))
    best = np.argmax([ridge.best_score_ for _, ridge in fits], axis=0)
    return [(*fit, best == i) for i, fit in enumerate(fits) if (best == i).any()]
