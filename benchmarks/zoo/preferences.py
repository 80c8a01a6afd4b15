"""Policies at preference weights of three objectives: a point mass that passes a hazard."""

import torch

from .ensemble import Ensemble, batch, collect, fit, generator, split
from .several import SeveralCard, Simplex

N_STEPS, DT = 12, 0.3
N_STARTS, N_STATES = 1000, 300
GOAL = (1.5, 0.0)
HAZARD, WIDTH = (0.6, 0.5), 0.35


def train(lams, seeds, progress):
    """Train policies through the simulation; return their actions in visited states."""
    X = visited()

    def answer(seed):
        return act(trained(lams, seed), X).numpy()

    return collect(answer, seeds, progress, X, *split(len(X), 200))


def visited():
    """Return the states at which policies are asked."""
    return states(N_STATES, generator(7))


def trained(lams, seed):
    """Return policies that were trained through the simulation, to be read by `act`."""
    weights = torch.tensor(lams, dtype=torch.float32)[:, None]  # (L, 1, 3)
    source = generator(seed)
    policies = Ensemble((4, 24, 24, 2), len(lams), source)
    starts = states(N_STARTS, generator(seed, 1))

    def losses():
        state = starts[batch(N_STARTS, 64, source)].expand(len(lams), -1, -1)
        total = 0.0
        for _ in range(N_STEPS):
            action = act(policies, state)
            total = total - (weights * rewards(state, action)).sum(-1)
            state = step(state, action)
        return total.mean(-1) / N_STEPS

    return fit(policies, losses, 600, learning_rate=0.02)


def states(n, source):
    """Return states of trajectories under random pushes towards the goal."""
    position = torch.rand(n, 2, generator=source) * torch.tensor([0.8, 1.6])
    state = torch.cat([position - torch.tensor([1.0, 0.8]), torch.zeros(n, 2)], 1)
    seen = []
    for _ in range(N_STEPS):
        seen.append(state)
        push = 0.4 * (torch.tensor(GOAL) - state[:, :2]) - 0.5 * state[:, 2:]
        state = step(state, push + 0.5 * torch.randn(push.shape, generator=source))
    when = torch.randint(N_STEPS, (n,), generator=source)
    return torch.stack(seen)[when, torch.arange(n)]


def act(policies, state):
    """Return the force of every policy."""
    return policies(state).tanh()


def step(state, force):
    """Return the next state: positions and velocities, with friction."""
    position, velocity = state[..., :2], state[..., 2:]
    velocity = 0.95 * velocity + DT * force
    return torch.cat([position + DT * velocity, velocity], -1)


def rewards(state, force):
    """Return three objectives (..., 3): near the goal, little force, away from the hazard."""
    position = state[..., :2]
    goal = (position - torch.tensor(GOAL)).square().sum(-1)
    effort = 2 * force.square().sum(-1)
    danger = (position - torch.tensor(HAZARD)).square().sum(-1) / (2 * WIDTH**2)
    return torch.stack([-goal / 2, -effort, -3 * (-danger).exp()], -1)


CARDS = (
    SeveralCard(
        name="preferences_point_mass",
        network="policy 4-24-24-2, trained by gradients through 12 steps of the simulation",
        hyperparameter="weights of arriving, of saving force, and of keeping away from a hazard",
        changes="forces at 300 states: from straight to the goal, to detours, to drifting",
        data="a point mass in the plane, made here",
        space=Simplex(("arrive", "save", "avoid"), least=0.06),
        deterministic=True,
        train=train,
        y_bounds=(-1.0, 1.0),
    ),
)
