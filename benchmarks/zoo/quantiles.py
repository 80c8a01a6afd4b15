"""Quantile and expectile networks on real series and on the diabetes data."""

import numpy as np
import torch
from sklearn.preprocessing import scale

from sklearn_hti.datasets import make_quantile_networks

from .ensemble import Ensemble, collect, column, fit, generator
from .family import Card

LEVELS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
N_PAST = 12


def train_diabetes(lams, seeds, progress):
    """Train one network per level on the diabetes data."""
    data = make_quantile_networks(lams, max_epochs=1, random_state=0)
    X = data.X[: len(data.X) // len(lams)]

    def answer(seed):
        y = make_quantile_networks(lams, random_state=seed).y
        return y.reshape(len(lams), len(X), 1)

    return collect(answer, seeds, progress, X, data.train_rows, data.test_rows)


def train_sunspots(lams, seeds, progress):
    """Train forecasters of the sunspots of the next 3 years on the years until 1900."""
    from statsmodels.datasets import sunspots

    X, target = windows(sunspots.load_pandas().data["SUNACTIVITY"], 3)
    return _train_forecasters(lams, seeds, progress, X, target, 190, pinball)


def train_elnino(lams, seeds, progress):
    """Train forecasters of the sea's temperature in the next 6 months."""
    from statsmodels.datasets import elnino

    months = elnino.load_pandas().data.drop(columns="YEAR").to_numpy().ravel()
    X, target = windows(months, 6)
    return _train_forecasters(lams, seeds, progress, X, target, 480, _expectile)


def windows(series, n_next):
    """Return (X, target): the scaled values of N_PAST steps and of the next ones."""
    parts = np.lib.stride_tricks.sliding_window_view(
        scale(np.asarray(series, dtype=float)), N_PAST + n_next
    ).astype(np.float32)
    return parts[:, :N_PAST], parts[:, N_PAST:]


def _train_forecasters(lams, seeds, progress, X, target, n_train, loss):
    """Fit on the first windows; those that overlap the last of them belong to no part."""
    n_gap = N_PAST + target.shape[1] - 1
    inputs, targets = (torch.from_numpy(part[:n_train].copy()) for part in (X, target))
    level = column(lams)

    def answer(seed):
        sizes = (N_PAST, 32, 32, target.shape[1])
        model = Ensemble(sizes, len(lams), generator(seed))
        fit(
            model,
            lambda: loss(targets - model(inputs), level).mean((1, 2)),
            800,
            learning_rate=0.02,
            weight_decay=3.0,
        )
        return model(torch.from_numpy(X.copy())).numpy()

    test_rows = np.arange(n_train + n_gap, len(X))
    return collect(answer, seeds, progress, X, np.arange(n_train), test_rows)


def pinball(excess, level):
    return torch.maximum(level * excess, (level - 1) * excess)


def _expectile(excess, level):
    return torch.where(excess > 0, level, 1 - level) * excess**2


CARDS = (
    Card(
        name="quantile_diabetes",
        network="10-32-32-1 perceptron, pinball loss",
        hyperparameter="quantile level",
        changes="predicted quantile of the progression of diabetes moves up",
        data="diabetes of scikit-learn",
        lams=LEVELS,
        clock="probit",
        deterministic=True,
        train=train_diabetes,
        n_seeds=3,
    ),
    Card(
        name="quantile_sunspots",
        network="12-32-32-3 perceptron, pinball loss",
        hyperparameter="quantile level",
        changes="predicted quantiles of the sunspots of the next 3 years move up, skewed",
        data="sunspots of statsmodels, yearly, 1700 to 2008",
        lams=LEVELS,
        clock="probit",
        deterministic=True,
        train=train_sunspots,
        n_seeds=3,
    ),
    Card(
        name="expectile_elnino",
        network="12-32-32-6 perceptron, asymmetric squared loss",
        hyperparameter="expectile level",
        changes="predicted expectiles of the sea's temperature in the next 6 months move up",
        data="elnino of statsmodels, monthly, 1950 to 2010",
        lams=LEVELS,
        clock="logit",
        deterministic=True,
        train=train_elnino,
        n_seeds=3,
    ),
)
