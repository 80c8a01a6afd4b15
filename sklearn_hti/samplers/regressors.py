"""Regressors of many outputs on x: plain arrays once fitted, so that files can hold them."""

import warnings

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist, pdist
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from .._utils.registry import storable
from ..data.budget import BUDGET

_LENGTHS = (0.2, 0.4, 0.8, 1.6, 3.2, 6.4)  # of the median distance of two inputs
_ALPHAS = np.logspace(-8, 1, 10)  # variance of what no smooth function explains
_SMALLEST = 1e-12  # eigenvalue of the kernel, of the largest, that is not rounding
_MODES = 16  # of outputs, which say where trees split
_HIDDEN = (64, 64, 64, 64)  # units of the network, with tanh
_RATE, _DECAY = 4e-3, 0.1  # of Adam; of the squared weights, for every row
_BATCH, _LEAST_PASSES = 64, 20  # rows of a step; passes over many rows
_AT_ONCE = 2**20  # numbers of an answer, at a time


@storable
class KernelRidge:
    r"""Ridge regression with a Matérn kernel, of the smoothness 3/2 or 5/2.

    Smoothness, length and penalty are those of the least squared leave-one-out errors. Many
    inputs are regressed on the kernel at some of them (Nyström).

    Parameters
    ----------
    setting : tuple of (float, float, float), default=None
        Smoothness, length and penalty; None: they are chosen.
    """

    def __init__(self, setting=None):
        self.setting = setting

    def fit(self, x, y):
        """Fit on inputs (n, F) and outputs (n, D)."""
        self.setting = self.setting or _choose_setting(x, y)
        smoothness, length, alpha = self.setting
        order = np.random.default_rng(0).permutation(len(x))[: BUDGET.kernel_rows]
        x, y = x[order], y[order]
        self.mean, self.centers = y.mean(axis=0), x[: BUDGET.kernel_centers]
        squares, axes = np.linalg.eigh(_matern(self.centers, self.centers, smoothness, length))
        kept = squares > _SMALLEST * squares[-1]
        whiten = axes[:, kept] / np.sqrt(squares[kept])
        features = _matern(x, self.centers, smoothness, length) @ whiten
        gram = features.T @ features + alpha * np.eye(features.shape[1])
        weights = cho_solve(cho_factor(gram), features.T @ (y - self.mean))
        self.weights = whiten @ weights
        return self

    def predict(self, x):
        """Return outputs (n, D)."""
        smoothness, length, _ = self.setting
        out = np.empty((len(x), len(self.mean)))
        for part in _parts(len(x), len(self.centers)):
            out[part] = _matern(x[part], self.centers, smoothness, length) @ self.weights
        return out + self.mean


def _matern(x, centers, smoothness, length):
    """Return the Matérn kernel (n, m) between inputs."""
    distance = np.sqrt(2 * smoothness) / length * cdist(x, centers)
    square = distance**2 / 3 if smoothness > 2 else 0.0
    return (1 + distance + square) * np.exp(-distance)


def _choose_setting(x, y):
    """Return smoothness, length and penalty of the least leave-one-out errors."""
    y, unit, best = leading(y), np.median(pdist(x)) or 1.0, (np.inf, None)
    for smoothness in (1.5, 2.5):
        for length in unit * np.array(_LENGTHS):
            squares, axes = np.linalg.eigh(_matern(x, x, smoothness, length))
            along = axes.T @ y
            for alpha in _ALPHAS:
                shrunk = 1 / (squares.clip(min=0) + alpha)
                miss = axes @ (shrunk[:, None] * along) / (axes**2 @ shrunk)[:, None]
                best = min(best, (np.mean(miss**2), (smoothness, float(length), float(alpha))))
    return best[1]


@storable
class Forest:
    """Extremely randomised trees, grown by scikit-learn; an answer is a mean of outputs of fit.

    Every leaf holds one row of fit, or rows of equal outputs.

    Parameters
    ----------
    seed : int
        Seed of the trees.
    n_jobs : int, default=None
        Trees that are grown at once.

    References
    ----------
    Geurts, Ernst and Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006.
    """

    def __init__(self, seed, n_jobs=None):
        self.seed = seed
        self.n_jobs = n_jobs

    def fit(self, x, y):
        """Fit on inputs (n, F) and outputs (n, D)."""
        n_trees = int(np.clip(BUDGET.tree_rows // len(x), 20, 100))
        grown = ExtraTreesRegressor(n_trees, random_state=self.seed, n_jobs=self.n_jobs)
        split_by = leading(y)
        grown.fit(x, split_by[:, 0] if split_by.shape[1] == 1 else split_by)
        trees = [one.tree_ for one in grown.estimators_]
        sizes = np.array([tree.node_count for tree in trees])
        self.roots = np.cumsum(sizes) - sizes
        starts = np.repeat(self.roots, sizes)
        own = np.arange(sizes.sum())
        self.threshold = _rounded_down(np.concatenate([tree.threshold for tree in trees]))
        feature = np.concatenate([tree.feature for tree in trees])
        leaf = feature < 0
        self.feature = np.where(leaf, 0, feature).astype(np.int32)
        left, right = (
            np.where(leaf, own, starts + np.concatenate([getattr(t, side) for t in trees]))
            for side in ("children_left", "children_right")
        )
        self.children = np.stack([left, right]).astype(np.int32)  # a leaf is its own child
        self.depth = max(tree.max_depth for tree in trees)
        self.row = np.zeros(len(own), dtype=np.int32)  # a row of fit, of every leaf
        self.row[self._leaves(x)] = np.arange(len(x))[:, None]
        self.y = y
        return self

    def predict(self, x):
        """Return outputs (n, D)."""
        out = np.empty((len(x), self.y.shape[1]))
        for part in _parts(len(x), len(self.roots) * self.y.shape[1]):
            out[part] = self.y[self.row[self._leaves(x[part])]].mean(axis=1)
        return out

    def _leaves(self, x):
        """Return the leaf (n, T) of every row in every tree."""
        x, row = x.astype(np.float32), np.arange(len(x))[:, None]
        node = np.tile(self.roots, (len(x), 1))
        for _ in range(min(self.depth, len(self.row))):  # a file may say anything
            right = x[row, self.feature[node]] > self.threshold[node]
            node = self.children[right.astype(np.intp), node]
        return node


@storable
class Network:
    """A deep network with tanh, trained by scikit-learn: for outputs that saturate, as they do.

    Many inputs are as many as a kernel regression is fitted to, at most.

    Parameters
    ----------
    n_steps : int
        Steps of Adam, by 64 rows each; more if that is less than 20 passes over the rows.
    seed : int
        Seed of the first weights, and of the order of rows.
    """

    def __init__(self, n_steps, seed):
        self.n_steps = n_steps
        self.seed = seed

    def fit(self, x, y):
        """Fit on inputs (n, F) and outputs (n, D)."""
        order = np.random.default_rng(0).permutation(len(x))[: BUDGET.kernel_rows]
        x, y = x[np.sort(order)], y[np.sort(order)]
        self.mean = y.mean(axis=0)
        n_passes = max(_LEAST_PASSES, -(-self.n_steps * _BATCH // len(x)))
        network = MLPRegressor(
            hidden_layer_sizes=_HIDDEN,
            activation="tanh",
            alpha=_DECAY,
            batch_size=min(_BATCH, len(x)),
            learning_rate_init=_RATE,
            max_iter=n_passes,
            n_iter_no_change=n_passes,
            random_state=self.seed,
        )
        target = (y - self.mean).astype(np.float32)
        with warnings.catch_warnings():  # the number of steps is the user's
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(x.astype(np.float32), target[:, 0] if y.shape[1] == 1 else target)
        self.weights, self.biases = network.coefs_, network.intercepts_
        return self

    def predict(self, x):
        """Return outputs (n, D)."""
        out = np.empty((len(x), len(self.mean)))
        for part in _parts(len(x), max(len(self.mean), *_HIDDEN)):
            layer = x[part]
            for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
                layer = np.tanh(layer @ weight + bias)
            out[part] = layer @ self.weights[-1] + self.biases[-1]
        return out + self.mean


@storable
class Average:
    """The mean of several regressors."""

    def __init__(self, parts):
        self.parts = parts

    def fit(self, x, y):
        """Fit all on inputs (n, F) and outputs (n, D)."""
        for part in self.parts:
            part.fit(x, y)
        return self

    def predict(self, x):
        """Return outputs (n, D)."""
        return sum(part.predict(x) for part in self.parts) / len(self.parts)


def leading(y):
    """Return the leading principal components (n, at most 16) of many outputs; few as they are."""
    if y.shape[1] <= _MODES:
        return y
    some = y[: BUDGET.judged_inputs] - y[: BUDGET.judged_inputs].mean(axis=0)
    axes = np.linalg.svd(some, full_matrices=False)[2][:_MODES]
    return y @ axes.T


def _rounded_down(threshold):
    """Return thresholds in single precision, which part numbers of that precision as before."""
    single = threshold.astype(np.float32)
    return np.where(single > threshold, np.nextafter(single, np.float32(-np.inf)), single)


def _parts(n_rows, width):
    """Yield slices of as many rows as are to be in memory at a time."""
    size = max(1, _AT_ONCE // max(1, width))
    return [slice(begin, begin + size) for begin in range(0, n_rows, size)]
