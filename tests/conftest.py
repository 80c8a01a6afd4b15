"""What all tests share: quiet libraries, small families of networks, fitted surrogates."""

import importlib.util
import os
import sys
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.data.anchors import find_anchors
from sklearn_hti.data.conditions import Features
from sklearn_hti.data.encoding import ConditionEncoder
from sklearn_hti.data.training_data import TrainingData

if importlib.util.find_spec("matplotlib"):
    import matplotlib

    matplotlib.use("Agg")

# threads of several processes on the same cores wait for each other, up to ten times as long
torch.set_num_threads(1)
threadpool_limits(1)
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # of the processes that tests start

# a warning that torch gives once per process would fail one test or another
torch.set_warn_always(True)


@pytest.fixture(autouse=True)
def figures_are_closed():
    """Close the figures of a test: many open ones are a warning of whichever test comes last."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def make():
    """The estimator with a short training, straight paths and the linear clock."""
    return partial(
        HyperparameterTrajectoryRegressor,
        kinetic="euclidean",
        potential=None,
        lam_transform=None,
        max_iter=50,
        validate=False,
        random_state=0,
    )


@pytest.fixture(scope="session")
def encode():
    """Training rows as the stages behind the encoder read them; y is not scaled."""

    def encode(X, y, lam, *, categorical=None, n_anchors="auto"):
        y = np.asarray(y, dtype=float)
        y = y.reshape(len(y), -1)
        X = np.zeros((len(y), 0)) if X is None else X
        encoder = ConditionEncoder().fit(X, categorical, len(y))
        conditions = encoder.transform(X, len(y))
        return TrainingData(
            y,
            conditions,
            Features(conditions, encoder.n_categories_),
            conditions.groups(),
            np.asarray(lam, dtype=float),
            find_anchors(np.asarray(lam, dtype=float), n_anchors),
        )

    return encode


@pytest.fixture(scope="session")
def networks():
    """Deterministic networks y = f(x, lambda), linear in lambda, asked at the same 80 x."""

    def f(X, lam):
        lam = np.broadcast_to(lam, len(X))
        start = np.column_stack([X[:, 0] + X[:, 1], X[:, 1] - 1])
        slope = np.column_stack([1 + 0.5 * X[:, 0], X[:, 0] - X[:, 1]])
        return start + lam[:, None] * slope

    rng = np.random.default_rng(0)
    X = np.tile(rng.uniform(-1, 1, size=(80, 2)), (3, 1))
    lam = np.repeat([0.0, 1.0, 2.0], 80)
    return Bunch(X=X, y=f(X, lam), lam=lam, f=f)


@pytest.fixture(scope="session")
def plane():
    """Deterministic networks y = f(x, lambda) of two hyperparameters, on a grid of 3 times 2."""

    def f(X, lam):
        a, b = np.broadcast_to(lam, (len(X), 2)).T
        return X[:, 0] + a * (1 + X[:, 1]) + b * (X[:, 1] - a)

    X = np.repeat(np.random.default_rng(0).uniform(-1, 1, size=(6, 2)), 6, axis=0)
    lam = np.tile([(a, b) for a in (0.0, 1.0, 2.0) for b in (0.0, 1.0)], (6, 1))
    return Bunch(X=X, y=f(X, lam), lam=lam, f=f)


@pytest.fixture(scope="session")
def clouds():
    """Stochastic networks: two conditions, y ~ N((1 + x) lambda, (1 + lambda)^2 / 4)."""
    rng = np.random.default_rng(0)
    X = np.tile(np.repeat([[0.0], [1.0]], 60, axis=0), (3, 1))
    lam = np.repeat([0.0, 0.5, 2.0], 120)
    z = norm.ppf((np.arange(60) + 0.5) / 60)  # even draws: sampling noise needs no allowance
    z = np.concatenate([rng.permutation(z) for _ in range(6)])[:, None]
    return Bunch(X=X, y=(1 + X) * lam[:, None] + 0.5 * (1 + lam[:, None]) * z, lam=lam)


@pytest.fixture(scope="session")
def on_networks(make, networks):
    """A surrogate of `networks`; for queries only."""
    return make(max_iter=300).fit(networks.X, networks.y, networks.lam)


@pytest.fixture(scope="session")
def on_clouds(make, clouds):
    """A surrogate of `clouds`; for queries only."""
    return make(max_iter=300).fit(clouds.X, clouds.y, clouds.lam)
