"""Quantile regression forests on [x, lambda]."""

from importlib.util import find_spec

import numpy as np

from .emulator import Features
from .method import Method


class QuantileForest(Method):
    """The forest of the library `quantile-forest`, at its defaults.

    Deterministic networks: its means. Others: rows of fit, drawn as often as they share leaves
    with the question, so that the parts of an output stay together.
    """

    def fit(self):
        """Grow the forest."""
        from quantile_forest import RandomForestQuantileRegressor

        X, self.y, lam = self.case.data
        self.features = Features(self.case)
        deterministic = self.case.family.deterministic
        self.forest = RandomForestQuantileRegressor(
            random_state=self.seed,
            min_samples_leaf=1 if deterministic else 5,
            max_samples_leaf=None,
        )
        y = self.y[:, 0] if self.y.shape[1] == 1 else self.y
        self.forest.fit(self.features(X, lam), y)
        self.rng = np.random.default_rng(self.seed)
        return self

    def answer(self, question):
        """Return means, or rows of fit as draws."""
        Z = self.features(question.X, question.lam)
        if self.case.family.deterministic:
            return self.forest.predict(Z, quantiles="mean").reshape(len(Z), -1)
        unique, back = np.unique(Z, axis=0, return_inverse=True)
        draws = np.empty((len(Z), self.y.shape[1]))
        for k, pairs in enumerate(self.forest.proximity_counts(unique)):
            rows, counts = np.array(pairs).T
            asked = np.flatnonzero(back.ravel() == k)
            draws[asked] = self.y[self.rng.choice(rows, len(asked), p=counts / counts.sum())]
        return draws


METHODS = {"quantile forest": QuantileForest} if find_spec("quantile_forest") else {}
MISSING = {} if METHODS else {"quantile forest": "pip install quantile-forest"}
