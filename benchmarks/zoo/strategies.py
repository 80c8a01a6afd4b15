"""Policies of two strategies: around an obstacle on one side or on the other."""

import numpy as np
import torch

from .decisions import log_density
from .ensemble import Ensemble, collect, column, fit, generator
from .family import Card

N_PARTS = 4  # of the mixture
N_STEPS = 1500
N_STATES, N_DRAWS = 30, 64
TEMPERATURE = 0.1  # weight of the entropy
BONUS = 0.3  # of the side that is preferred
GOAL = 2.0  # on the horizontal axis, the start being at 0 and the obstacle half way


def train(lams, seeds, progress):
    """Train mixture policies; return the points by way of which they pass the obstacle."""
    rng = np.random.default_rng(0)
    X = rng.uniform([-0.1, 0.3], [0.1, 0.6], (N_STATES, 2)).astype(np.float32)
    above = column(lams)[:, 0]

    def answer(seed):
        source = generator(seed)
        model = Ensemble((2, 48, 48, 5 * N_PARTS), len(lams), source)
        # more entropy at first, so that all policies find both sides
        heat = iter(torch.logspace(0, -3, N_STEPS))

        def losses():
            place = 0.2 * torch.rand(64, generator=source) - 0.1
            radius = 0.3 + 0.3 * torch.rand(64, generator=source)
            share, mean, std = mixture(model, place, radius)
            action = mean + std * torch.randn(mean.shape[1:], generator=source)
            price = (TEMPERATURE + next(heat)) * log_density(action, share, mean, std)
            gain = reward(place[:, None], radius[:, None], above[..., None], action) - price
            return -(share.exp() * gain).sum(-1).mean(-1)

        fit(model, losses, N_STEPS, learning_rate=5e-3)
        share, mean, std = mixture(model, *torch.from_numpy(X.repeat(N_DRAWS, 0)).T)
        return np.stack(
            [
                drawn(*part, generator(seed, lam, 1))
                for lam, *part in zip(lams, share, mean, std, strict=True)
            ]
        )

    repeated, rows = X.repeat(N_DRAWS, 0), np.arange(N_STATES * N_DRAWS)
    n_train = 20 * N_DRAWS
    return collect(answer, seeds, progress, repeated, rows[:n_train], rows[n_train:], np.float16)


def mixture(model, place, radius):
    """Return log shares (M, n, parts), means and standard deviations (M, n, parts, 2)."""
    seen = torch.stack([10 * place, 10 * (radius - 0.45)], 1)
    logits, rest = model(seen).split([N_PARTS, 4 * N_PARTS], -1)
    mean, log_std = rest.unflatten(-1, (N_PARTS, 4)).split(2, -1)
    return logits.log_softmax(-1), mean, (log_std - 1).clamp(-4, 2).exp()


def drawn(share, mean, std, source):
    """Return one action (n, 2) for each row."""
    part = torch.multinomial(share.exp(), 1, generator=source)[:, :, None].expand(-1, -1, 2)
    mean, std = (of.gather(1, part)[:, 0] for of in (mean, std))
    return mean + std * torch.randn(mean.shape, generator=source)


def reward(place, radius, above, action):
    """Return rewards of the way to the goal by actions (..., 2): short, free, on the right side.

    `above` is the preference, 1 for ways above the obstacle and 0 for ways below.
    """
    start_to, to_goal = action, action - torch.tensor([GOAL, 0.0])
    length = (start_to.norm(dim=-1) + to_goal.norm(dim=-1)) / 2
    height = action[..., 1] - place
    middle = (action[..., 0] - GOAL / 2).square()
    inside = (1 - height.square() / radius**2).clamp(min=0)
    side = (height / 0.1).sigmoid()
    return BONUS * (above * side + (1 - above) * (1 - side)) - length - 3 * inside - middle


def free(X, y):
    """Tell which points (n, 2) do not lie deep in the obstacle, the gap between both ways."""
    return np.abs(y[:, 1] - X[:, 0]) > X[:, 1] / 2


CARDS = (
    Card(
        name="two_ways_preference",
        network="2-48-48-20 perceptron, mixture of 4 Gaussians, reward plus entropy",
        hyperparameter="preference for the way above an obstacle over the way below",
        changes="points where the obstacle is passed: shares of two modes, which stay in place",
        data="a way to a goal made here; x: height and radius of the obstacle",
        lams=(0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0),
        clock="identity",
        deterministic=False,
        train=train,
        possible=free,
    ),
)
