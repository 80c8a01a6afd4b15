"""A diffusion model in the plane under its dropout rate."""

import math
from itertools import pairwise

import numpy as np
import torch

from .ensemble import Ensemble, alternate, batch, collect, column, fit, generator
from .family import Card

N_CLASSES = 3
N_DRAWS = 400  # per class
N_NOISE = 40  # steps from noise to data
WIDTH = 64


def train(lams, seeds, progress):
    """Train the denoisers; return draws of each class."""
    X = np.repeat(np.arange(N_CLASSES), N_DRAWS)[:, np.newaxis]

    def answer(seed):
        source = generator(seed)
        points, classes = shapes(source)
        model = Ensemble((2 + 4 + N_CLASSES, WIDTH, WIDTH, 2), len(lams), source)
        rate = column(lams)

        def drop(hidden):  # the same random numbers for every member
            kept = torch.rand(hidden.shape[1:], generator=source) >= rate
            return hidden * kept / (1 - rate)

        def losses():
            rows = batch(len(points), 192, source)
            time = torch.rand(len(rows), 1, generator=source)
            noise = torch.randn(len(rows), 2, generator=source)
            keep, spread = schedule(time)
            predicted = model(
                features(keep * points[rows] + spread * noise, time, classes[rows]), drop
            )
            velocity = keep * noise - spread * points[rows]  # of the path from data to noise
            return (predicted - velocity).square().mean((1, 2))

        fit(model, losses, 3000, learning_rate=5e-3)
        return draw(model, torch.from_numpy(X[:, 0]), lams, seed)

    return collect(answer, seeds, progress, X, *alternate(len(X)), dtype=np.float16)


def shapes(source, n_points=900):
    """Return points of two moons and an arm of a spiral, with their classes."""
    angle = math.pi * torch.rand(n_points, generator=source)
    noise = 0.08 * torch.randn(n_points, 2, generator=source)
    moon = torch.stack([angle.cos(), angle.sin()], 1)
    other = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    turn = 2 * angle
    arm = torch.stack([turn.cos(), turn.sin()], 1) * (0.3 + 0.25 * turn[:, None])
    classes = torch.arange(n_points) % N_CLASSES
    points = torch.stack([moon, other, arm], 1)[torch.arange(n_points), classes]
    return points + noise, classes


def schedule(time):
    """Return the factors of data and of noise."""
    return (0.5 * math.pi * time).cos(), (0.5 * math.pi * time).sin()


def features(points, time, classes):
    """Return what the denoiser sees; points may have a leading axis of members."""
    return see(points, time, torch.nn.functional.one_hot(classes, N_CLASSES))


def see(points, time, hot):
    """Return the same for indicators of the class, (n, N_CLASSES)."""
    waves = [f(k * math.pi * time) for k in (0.5, 2.0) for f in (torch.sin, torch.cos)]
    condition = torch.cat([*waves, hot], 1)
    return torch.cat([points, condition.expand(*points.shape[:-1], -1)], -1)


def draw(model, classes, lams, seed):
    """Return draws (L, n, 2), from noise of its own for each lambda."""
    shape = len(classes), 2
    points = torch.stack([torch.randn(shape, generator=generator(seed, lam, 1)) for lam in lams])
    times = torch.linspace(1.0, 0.0, N_NOISE + 1)
    for now, then in pairwise(times):
        predicted = model(features(points, now.expand(len(classes), 1), classes))
        (keep, spread), (keep_then, spread_then) = schedule(now), schedule(then)
        clean, noise = keep * points - spread * predicted, spread * points + keep * predicted
        points = keep_then * clean + spread_then * noise
    return points.numpy()


CARDS = (
    Card(
        name="dropout_diffusion",
        network="denoiser 9-64-64-2, velocity prediction, 40 steps, no dropout in use",
        hyperparameter="dropout rate of training",
        changes="two moons and a spiral blur; near 1 the network hardly denoises",
        data="points made here",
        lams=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99),
        clock="odds",
        deterministic=False,
        train=train,
        categorical=(0,),
        traits=("breaks",),
    ),
)
