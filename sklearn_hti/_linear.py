"""The part of y that is linear in x."""

import numpy as np
from sklearn.linear_model import RidgeCV

_ALPHAS = np.logspace(-3, 3, 13)


class LinearMean:
    """Ridge regression of y (n, D) on features (n, F); the mean of y where F = 0.

    The penalty is chosen by leave-one-out cross-validation.
    """

    def fit(self, features, y):
        """Fit on rows of features and outputs."""
        self.mean_ = y.mean(axis=0)
        self.n_features_ = features.shape[1]
        usable = features.shape[1] and len(features) > 2
        self.ridge_ = RidgeCV(_ALPHAS).fit(features, y) if usable else None
        return self

    def predict(self, features):
        """Return the mean of every row, (n, D)."""
        if self.ridge_ is None:
            return np.broadcast_to(self.mean_, (len(features), len(self.mean_)))
        return self.ridge_.predict(features).reshape(len(features), -1)

    @property
    def coefficients(self):
        """Slopes, (F, D)."""
        if self.ridge_ is None:
            return np.zeros((self.n_features_, len(self.mean_)))
        return np.reshape(self.ridge_.coef_, (len(self.mean_), -1)).T

    @property
    def intercept(self):
        """Value at features of zero, (D,)."""
        return self.mean_ if self.ridge_ is None else np.atleast_1d(self.ridge_.intercept_)
