"""Regressions: a ridge penalty on a series, and bootstrapped networks under label noise."""

import numpy as np
import torch
from sklearn.datasets import load_linnerud
from sklearn.linear_model import Ridge
from sklearn.preprocessing import scale

from .ensemble import Ensemble, collect, fit, generator
from .family import Card

N_PAST, N_NEXT = 12, 8
N_FEATURES = 1000
N_INPUTS = 18
N_DRAWS = 128  # networks, each one draw of all outputs


def train_co2(lams, seeds, progress):
    """Fit the output layer of networks with random hidden units; return forecasts."""
    X, target = co2_windows()
    train_rows = np.arange(360)
    test_rows = np.arange(360 + (N_PAST + N_NEXT) // 4, len(X))

    def answer(seed):
        hidden = random_features(X, seed)
        return np.stack(
            [
                Ridge(alpha=lam).fit(hidden[train_rows], target[train_rows]).predict(hidden)
                for lam in lams
            ]
        )

    return collect(answer, seeds, progress, X, train_rows, test_rows)


def co2_windows():
    """Return scaled changes of the past weeks, and those of the next ones."""
    from statsmodels.datasets import co2

    series = co2.load_pandas().data["co2"].to_numpy()
    parts = np.lib.stride_tricks.sliding_window_view(series, N_PAST + N_NEXT)[::4]
    parts = parts[~np.isnan(parts).any(1)]
    parts = parts - parts[:, N_PAST - 1 : N_PAST]  # changes from the last value that is known
    return scale(parts[:, : N_PAST - 1]), parts[:, N_PAST:]


def random_features(X, seed):
    """Return the hidden units of the network of a seed."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(X.shape[1], N_FEATURES)) / X.shape[1] ** 0.5
    return np.tanh(X @ weights + rng.normal(size=N_FEATURES))


def train_linnerud(lams, seeds, progress):
    """Train networks on resampled athletes with noise on their labels; one draw is one network."""
    athletes, target = (scale(part) for part in load_linnerud(return_X_y=True))
    inputs, target = torch.from_numpy(athletes).float(), torch.from_numpy(target).float()
    X = made_up_athletes(athletes).astype(np.float32)

    def answer(seed):
        return [_bootstrap(inputs, target, lam, generator(seed, lam), X) for lam in lams]

    repeated = np.repeat(X, N_DRAWS, axis=0)
    n_train = 12 * N_DRAWS
    rows = np.arange(len(repeated))
    return collect(answer, seeds, progress, repeated, rows[:n_train], rows[n_train:], np.float16)


def _bootstrap(inputs, target, noise_level, source, X):
    """Train networks on resampled rows; return their outputs by input and network."""
    model = Ensemble((3, 16, 3), N_DRAWS, source, own_start=True)
    rows = torch.randint(len(inputs), (N_DRAWS, len(inputs)), generator=source)
    noise = torch.randn(N_DRAWS, *target.shape, generator=source)
    noisy = target[rows] + noise_level * noise
    fit(
        model,
        lambda: (model(inputs[rows]) - noisy).square().mean((1, 2)),
        200,
        learning_rate=0.02,
        weight_decay=2.0,
    )
    return model(torch.from_numpy(X)).transpose(0, 1).flatten(0, 1).numpy()


def made_up_athletes(athletes):
    """Return N_INPUTS inputs, each between two athletes."""
    rng = np.random.default_rng(0)
    one, other = rng.integers(len(athletes), size=(2, N_INPUTS))
    share = rng.random((N_INPUTS, 1))
    return share * athletes[one] + (1 - share) * athletes[other]


CARDS = (
    Card(
        name="ridge_co2",
        network="1,000 random tanh units, output layer by ridge regression",
        hyperparameter="ridge penalty",
        changes="forecast of 8 weeks: from sharp to flat, then to the mean",
        data="co2 of statsmodels, weekly, 1958 to 2001",
        lams=(1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 1e4, 1e5),
        clock="log",
        deterministic=True,
        train=train_co2,
        n_seeds=3,
    ),
    Card(
        name="bootstrap_linnerud",
        network="3-16-3 perceptrons, 128 for each draw of the data",
        hyperparameter="standard deviation of the noise on bootstrapped labels",
        changes="the spread of predictions grows, their mean stays",
        data="linnerud of scikit-learn: exercises to body, inputs between athletes",
        lams=(0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0),
        clock="identity",
        deterministic=False,
        train=train_linnerud,
    ),
)
