"""Dropout with a second hyperparameter: noise on inputs in use, guidance of a diffusion model."""

from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch.nn.functional import cross_entropy, one_hot

from .diffusion import N_CLASSES, N_NOISE, schedule, see, shapes
from .ensemble import Ensemble, batch, collect, column, fit, generator, split
from .several import Axis, Box, SeveralCard

N_INPUTS, N_DRAWS = 20, 160  # of the Monte Carlo dropout
PER_CLASS = 120  # of the noise that the diffusion model takes
UNCONDITIONAL = 0.15  # share of rows that are trained without their class


def train_dropout(lams, seeds, progress):
    """Train classifiers under dropout and input noise; return log-odds with both left on."""
    data, labels = load_wine(return_X_y=True)
    inputs, labels = torch.from_numpy(scale(data)).float(), torch.from_numpy(labels)
    X = inputs[:: len(inputs) // N_INPUTS][:N_INPUTS]
    repeated = X.repeat_interleave(N_DRAWS, 0)
    rate, spread = column(lams[:, 0]), column(lams[:, 1])

    def answer(seed):
        source = generator(seed)
        model = Ensemble((inputs.shape[1], 48, 48, 3), len(lams), source)

        def losses():
            rows = batch(len(inputs), 128, source)
            logits = disturbed(model, inputs[rows], rate, spread, source)
            target = labels[rows].expand(len(lams), -1)
            return cross_entropy(logits.transpose(1, 2), target, reduction="none").mean(1)

        fit(model, losses, 800, learning_rate=5e-3, weight_decay=2.0)
        draws = []
        for member, lam in enumerate(lams):  # each with random numbers of its own
            one, own = member_of(model, [member]), generator(seed, *lam, 1)
            draws.append(disturbed(one, repeated, rate[[member]], spread[[member]], own)[0])
        logits = torch.stack(draws)
        return (logits[..., :2] - logits[..., 2:]).numpy()

    n_train = 12 * N_DRAWS
    rows = np.arange(len(repeated))
    return collect(answer, seeds, progress, repeated, rows[:n_train], rows[n_train:], np.float16)


def disturbed(model, x, rate, spread, source):
    """Return outputs (M, n, D) under dropout and input noise, random numbers shared by members."""
    return model(
        x + spread * torch.randn(x.shape, generator=source),
        lambda hidden: drop(hidden, rate, source),
    )


def drop(hidden, rate, source):
    """Return activations (M, n, width) under dropout at the rate of each member."""
    kept = torch.rand(hidden.shape[1:], generator=source) >= rate
    return hidden * kept / (1 - rate)


def train_guidance(lams, seeds, progress):
    """Train denoisers with and without classes under dropout; return where they take noise."""
    classes = np.arange(N_CLASSES).repeat(PER_CLASS)
    noise = torch.randn(len(classes), 2, generator=generator(0, 1)).clamp(-2, 2)
    X = np.column_stack([classes, noise])
    points, labels = shapes(generator(0))
    hot = one_hot(labels, N_CLASSES).float()
    rates, network = np.unique(lams[:, 0], return_inverse=True)
    rate = column(rates)

    def answer(seed):
        source = generator(seed)
        model = Ensemble((2 + 4 + N_CLASSES, 48, 48, 2), len(rates), source)

        def losses():
            rows = batch(len(points), 128, source)
            time = torch.rand(len(rows), 1, generator=source)
            noise = torch.randn(len(rows), 2, generator=source)
            told = torch.rand(len(rows), 1, generator=source) >= UNCONDITIONAL
            keep, spread = schedule(time)
            x = see(keep * points[rows] + spread * noise, time, told * hot[rows])
            predicted = model(x, lambda hidden: drop(hidden, rate, source))
            return (predicted - keep * noise + spread * points[rows]).square().mean((1, 2))

        fit(model, losses, 2000, learning_rate=5e-3)
        told = one_hot(torch.from_numpy(classes), N_CLASSES).float()
        return guided(model, network.ravel(), told, noise, lams).numpy()

    return collect(answer, seeds, progress, X, *split(len(X), 2 * len(X) // 3))


def guided(model, network, classes, points, lams):
    """Return where noise goes (L, n, 2): velocities of both kinds, combined by the guidance."""
    guidance, n = column(lams[:, 1]), len(classes)
    model = member_of(model, network)
    for now, then in pairwise(torch.linspace(1.0, 0.0, N_NOISE + 1)):
        time = now.expand(n, 1)
        plain, told = (model(see(points, time, hot)) for hot in (0 * classes, classes))
        velocity = plain + guidance * (told - plain)
        (keep, spread), (keep_then, spread_then) = schedule(now), schedule(then)
        clean, noise = keep * points - spread * velocity, spread * points + keep * velocity
        points = keep_then * clean + spread_then * noise
    return points


def member_of(model, rows):
    """Return an ensemble of the members `rows`, which may repeat."""
    sizes = [weight.shape[1] for weight in model.weights] + [model.weights[-1].shape[2]]
    picked = Ensemble(sizes, len(rows), generator(0)).requires_grad_(False)
    for new, old in zip(picked.parameters(), model.parameters(), strict=True):
        new.copy_(old[rows])
    return picked


CARDS = (
    SeveralCard(
        name="dropout_noise_wine",
        network="13-48-48-3 perceptron, dropout and input noise in training and in use",
        hyperparameter="dropout rate and standard deviation of the noise on scaled inputs",
        changes="draws of log-odds to the third class shrink; their spread grows, then shrinks",
        data="wine of scikit-learn",
        space=Box((Axis("dropout", 0.1, 0.8), Axis("noise", 0.2, 4.0))),
        deterministic=False,
        train=train_dropout,
    ),
    SeveralCard(
        name="dropout_guidance",
        network="denoiser 9-48-48-2, velocity prediction, 40 steps, classifier-free guidance",
        hyperparameter="dropout rate of training and guidance weight of drawing",
        changes="where noise goes: to any class at weight 0, to its own, then beyond it",
        data="points made here, those of dropout_diffusion",
        space=Box((Axis("dropout", 0.0, 0.8), Axis("guidance", 0.0, 5.0))),
        deterministic=True,
        train=train_guidance,
        categorical=(0,),
    ),
)
