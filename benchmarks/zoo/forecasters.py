"""Quantile forecasters at a level and a weight decay."""

import numpy as np
import torch

from . import quantiles
from .ensemble import Ensemble, collect, column, fit, generator
from .family import DATA
from .several import Axis, Box, SeveralCard

N_NEXT = 3


def stored_series(name):
    """Return the series of a family whose inputs are its windows, one step apart."""
    with np.load(DATA / f"{name}.npz") as stored:
        X = stored["X"]
    return np.concatenate([X[0], X[1:, -1]])


def elnino_windows():
    """Return the past 12 months and the next 6; every other month, as inputs are alike."""
    X, target = quantiles.windows(stored_series("expectile_elnino"), 6)
    return X[::2], target[::2]


def train(lams, seeds, progress):
    """Train forecasters of the sunspots of the next years on the years until 1900."""
    X, target = quantiles.windows(stored_series("quantile_sunspots"), N_NEXT)
    n_train, n_gap = 190, quantiles.N_PAST + N_NEXT - 1
    inputs, targets = (torch.from_numpy(part[:n_train].copy()) for part in (X, target))
    level, decay = column(lams[:, 0]), column(lams[:, 1])[:, 0, 0]

    def answer(seed):
        model = Ensemble((quantiles.N_PAST, 32, 32, N_NEXT), len(lams), generator(seed))

        def losses():
            size = sum(weight.square().sum((1, 2)) for weight in model.weights)
            excess = targets - model(inputs)
            return quantiles.pinball(excess, level).mean((1, 2)) + decay * size

        fit(model, losses, 500, learning_rate=0.02)
        return model(torch.from_numpy(X.copy())).numpy()

    test_rows = np.arange(n_train + n_gap, len(X))
    return collect(answer, seeds, progress, X, np.arange(n_train), test_rows)


CARDS = (
    SeveralCard(
        name="quantile_decay_sunspots",
        network="12-32-32-3 perceptron, pinball loss",
        hyperparameter="quantile level and penalty of squared weights",
        changes="predicted quantiles of the next 3 years move up; under a penalty they flatten",
        data="sunspots of statsmodels, yearly, 1700 to 2008",
        space=Box((Axis("level", 0.05, 0.95, "probit"), Axis("decay", 3e-4, 3e-2, "log"))),
        deterministic=True,
        train=train,
    ),
)
