"""A surrogate of several hyperparameters, for files and graphs."""

import numpy as np
import pandas as pd
import pytest

LAMS = [(c, g, k) for c in (0.1, 1.0, 10.0) for g in (0.0, 0.5, 1.0) for k in ("poly", "rbf")]


@pytest.fixture(scope="module")
def of_several(make):
    """A surrogate of two numbers and a category, with draws, and questions about it."""
    rng = np.random.default_rng(0)
    lam = pd.DataFrame([row for row in LAMS for _ in range(15)], columns=["C", "gamma", "kernel"])
    X = np.tile(rng.normal(size=(15, 2)), (len(LAMS), 1))
    size = np.log10(lam["C"].to_numpy())
    mean = np.column_stack([np.sin(X[:, 0] + size), X[:, 1] * lam["gamma"] + (size - 1) ** 2])
    mean[lam["kernel"] == "rbf"] *= 1.3
    y = 1e3 + 5 * (mean + 0.1 * rng.normal(size=mean.shape))
    model = make(base="neighbors", lam_transform="auto", max_iter=30).fit(X, y, lam)
    n = 120
    numbers = np.column_stack([10 ** rng.uniform(-1, 1, n), rng.uniform(0, 1, n)])
    numbers[:3] = (0.1, 0.0), (1.0, 0.5), (10.0, 1.0)  # trained values
    kernel = rng.integers(0, 2, n)
    to = pd.DataFrame(numbers, columns=["C", "gamma"]).assign(
        kernel=np.array(["poly", "rbf"])[kernel]
    )
    return model, X[:n], y[:n], to, [X[:n], y[:n], np.column_stack([numbers, kernel])]
