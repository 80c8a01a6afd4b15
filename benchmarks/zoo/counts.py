"""Counts: Poisson regressions under the strength of their penalty, and what they predict."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.preprocessing import scale
from torch.nn.functional import poisson_nll_loss

from .ensemble import Ensemble, batch, collect, column, fit, generator
from .family import Card

N_SEEN = 32  # pixels of the upper half
TARGETS = (43, 44)  # pixels of the lower half: of 16 points each, those with ink
N_TRAIN, N_INPUTS, N_DRAWS = 500, 30, 64


def train(lams, seeds, progress):
    """Train the regressions; return counts drawn at each input."""
    images = load_digits().data
    seen = scale(images[:, :N_SEEN]) / N_SEEN**0.5
    inputs = torch.from_numpy(seen[:N_TRAIN]).float()
    target = torch.from_numpy(images[:N_TRAIN][:, TARGETS]).float()
    X = seen[N_TRAIN : N_TRAIN + N_INPUTS].astype(np.float32)
    strength = column(lams)[:, 0, 0]

    def answer(seed):
        source = generator(seed)
        model = Ensemble((N_SEEN, 24, len(TARGETS)), len(lams), source)

        def losses():
            rows = batch(len(inputs), 128, source)
            log_rate = model(inputs[rows])
            miss = poisson_nll_loss(log_rate, target[rows].expand_as(log_rate), reduction="none")
            return miss.mean((1, 2)) + strength * sum(
                weight.square().sum((1, 2)) for weight in model.weights
            )

        fit(model, losses, 1500)
        rate = model(torch.from_numpy(X)).exp().repeat_interleave(N_DRAWS, 1)
        return [
            torch.poisson(one, generator=generator(seed, lam, 1)).numpy()
            for one, lam in zip(rate, lams, strict=True)
        ]

    repeated, rows = np.repeat(X, N_DRAWS, axis=0), np.arange(N_INPUTS * N_DRAWS)
    n_train = 20 * N_DRAWS
    return collect(answer, seeds, progress, repeated, rows[:n_train], rows[n_train:], np.float16)


CARDS = (
    Card(
        name="poisson_penalty_digits",
        network="32-24-2 perceptron, Poisson likelihood; draws are counts",
        hyperparameter="strength of the penalty on squared weights",
        changes="two counts: from those that each input suggests to those of the mean image",
        data="digits of scikit-learn: points with ink in two cells, from the upper half",
        lams=(1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0),
        clock="log",
        deterministic=False,
        train=train,
        possible=lambda X, y: ((y >= 0) & (y == np.round(y))).all(axis=1),
    ),
)
