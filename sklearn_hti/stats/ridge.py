"""The part of y that is linear in x."""

import numpy as np

from .._utils.registry import storable
from ..data.budget import BUDGET

ALPHAS = np.logspace(-3, 3, 13)  # penalties that are tried


@storable
class LinearMean:
    """Ridge regression of y (n, D) on features (n, F); the mean of y where F = 0.

    The penalty is chosen by leave-one-out cross-validation. Memory is that of some rows of the
    features and of their covariance, however many rows there are.
    """

    def fit(self, features, y):
        """Fit on rows of features and outputs."""
        (self.intercept,), (self.coefficients,) = fit_ridge(features, y[:, None])
        return self

    def predict(self, features):
        """Return the mean of every row, (n, D)."""
        mean = np.empty((len(features), len(self.intercept)))
        for part in _parts(features):
            mean[part] = features[part] @ self.coefficients
        mean += self.intercept
        return mean


def fit_ridge(features, y):
    """Return intercepts (T, D) and slopes (T, F, D) of T regressions, a penalty for each.

    Parameters
    ----------
    features : array-like of shape (n, F)
        Anything that gives arrays of some rows.
    y : ndarray of shape (n, T, D)
        The outputs of each.
    """
    n, n_targets, n_outputs = y.shape
    mean = y.mean(axis=0)
    n_features = features.shape[1]
    if not n_features or n <= 2:
        return mean, np.zeros((n_targets, n_features, n_outputs))
    centre = sum(features[part].sum(axis=0) for part in _parts(features)) / n
    gram, cross = np.zeros((n_features, n_features)), np.zeros((n_features, y[0].size))
    for part in _parts(features):
        x = features[part] - centre
        gram += x.T @ x
        cross += x.T @ (y[part] - mean).reshape(len(x), -1)
    squares, axes = np.linalg.eigh(gram)
    squares = squares.clip(min=0)
    along = (axes.T @ cross).reshape(n_features, n_targets, n_outputs)

    n_judged = min(n, BUDGET.ridge_rows, max(1024, BUDGET.ridge_numbers // n_features))
    judged = np.linspace(0, n - 1, n_judged).astype(np.int64)
    z, left = (features[judged] - centre) @ axes, y[judged] - mean
    errors = []
    for alpha in ALPHAS:
        shrunk = 1 / (squares + alpha)
        leverage = 1 / n + z**2 @ shrunk
        miss = left - np.tensordot(z * shrunk, along, axes=1)
        errors.append(((miss / (1 - leverage)[:, None, None]) ** 2).mean(axis=(0, 2)))
    alpha = ALPHAS[np.argmin(errors, axis=0)]
    slopes = np.einsum(
        "fg,gt,gtd->tfd", axes, 1 / (squares[:, None] + alpha), along, optimize=True
    )
    return mean - centre @ slopes, slopes


def _parts(features):
    """Yield slices of as many rows as are to be in memory at a time."""
    size = max(1, BUDGET.ridge_numbers // max(1, features.shape[1]))
    for begin in range(0, len(features), size):
        yield slice(begin, begin + size)


def linear_mean(data, rows):
    """Return the regression of y on x over some rows of the TrainingData."""
    return LinearMean().fit(data.features.of(rows), data.y[rows])
