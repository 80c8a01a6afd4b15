"""A chaotic family: rollouts of a network that learned one step of the Lorenz system."""

import numpy as np
import torch

from .ensemble import Ensemble, collect, column, generator, split
from .family import Card

N_ROLL = 32
STEP = 0.12  # of the network, in the time of the system
N_INPUTS = 300
N_STEPS = 1500


def train(lams, seeds, progress):
    """Train the networks by plain momentum; return the first coordinate of their rollouts."""
    states = lorenz(4001)
    centre, size = states.mean(0), states.std(0)
    states = ((states - centre) / size).float()
    before, after = states[:-1], states[1:]
    X = before[torch.linspace(0, len(before) - 1, N_INPUTS).long()]

    def answer(seed):
        source = generator(seed)
        model = Ensemble((3, 48, 48, 3), len(lams), source)
        descend(model, before, after, column(lams), source)
        state, path = X.expand(len(lams), -1, -1), []
        for _ in range(N_ROLL):
            state = (state + model(state)).clamp(-4, 4)
            path.append(state[..., 0])
        return torch.stack(path, -1).numpy()

    return collect(answer, seeds, progress, X, *split(N_INPUTS, 200), dtype=np.float16)


def descend(model, before, after, rate, source):
    """Gradient descent with momentum, each member at its own learning rate."""
    momentum = [torch.zeros_like(p) for p in model.parameters()]
    for k in range(N_STEPS):
        rows = torch.randint(len(before), (128,), generator=source)
        miss = before[rows] + model(before[rows]) - after[rows]
        slopes = torch.autograd.grad(miss.square().mean((1, 2)).sum(), list(model.parameters()))
        with torch.no_grad():
            for p, m, slope in zip(model.parameters(), momentum, slopes, strict=True):
                m.mul_(0.9).add_(slope)
                p.sub_(rate * (1 - k / N_STEPS) * m)
    model.requires_grad_(False)


def lorenz(n_states):
    """Return states on the attractor, STEP apart, by Runge-Kutta."""
    state, states = torch.tensor([1.0, 1.0, 25.0], dtype=torch.float64), []
    for k in range(40 * (n_states + 50)):
        if k % 40 == 0 and k >= 40 * 50:
            states.append(state)
        state = _runge_kutta(state, STEP / 40)
    return torch.stack(states)


def _runge_kutta(state, step):
    a = _velocity(state)
    b = _velocity(state + step / 2 * a)
    c = _velocity(state + step / 2 * b)
    d = _velocity(state + step * c)
    return state + step / 6 * (a + 2 * b + 2 * c + d)


def _velocity(state):
    x, y, z = state
    return torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


CARDS = (
    Card(
        name="rollout_lorenz",
        network="3-48-48-3 perceptron for one step, fed its own outputs 32 times",
        hyperparameter="learning rate of 1,500 steps of gradient descent with momentum",
        changes="first coordinate at 32 times: from settling to chaos that differs by seed",
        data="the Lorenz system, integrated here",
        lams=(0.0003, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
        clock="log",
        deterministic=True,
        train=train,
        y_bounds=(-4.0, 4.0),
        n_seeds=3,
        traits=("chaotic",),
    ),
)
