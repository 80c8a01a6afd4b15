"""Decisions: the discount factor of a value network, the entropy weight of a policy."""

import math

import numpy as np
import torch
from torch.nn.functional import one_hot

from .ensemble import Ensemble, batch, collect, column, fit, generator, split
from .family import Card

N_REPEAT = 6  # steps of the mountain car that an action lasts
TARGET_RATE = 0.03
N_BUMPS = 4
N_PARTS = 6  # of the mixture
N_STEPS = 2000
N_STATES = 30
N_DRAWS = 64


def train_mountain_car(lams, seeds, progress):
    """Fitted Q iteration on the mountain car; return the values of three actions."""
    X, answered = mountain_car()[0], 400

    def answer(seed):
        return car_values(lams, seed)(scaled(X[:answered])).numpy()

    return collect(answer, seeds, progress, X[:answered], *split(answered, 280))


def mountain_car():
    """Return states (n, 2), those after each action (3, n, 2), and which are at the goal."""
    rng = np.random.default_rng(0)
    X = torch.from_numpy(rng.uniform([-1.2, -0.07], [0.5, 0.07], (2000, 2))).float()
    after = zip(*(drive(X, action) for action in torch.arange(3)), strict=True)
    return X, *(torch.stack(part) for part in after)


def car_values(lams, seed):
    """Return trained networks from scaled states to the values of three actions."""
    X, after, arrived = mountain_car()
    gamma = column(lams)
    source = generator(seed)
    model = Ensemble((2, 48, 48, 3), len(lams), source)
    slow = [p.detach().clone() for p in model.parameters()]
    behind = Ensemble((2, 48, 48, 3), len(lams), source).requires_grad_(False)

    def losses():
        with torch.no_grad():
            for kept, now in zip(slow, model.parameters(), strict=True):
                kept.lerp_(now, TARGET_RATE)
            for copy, kept in zip(behind.parameters(), slow, strict=True):
                copy.copy_(kept)
            rows = batch(len(X), 128, source)
            ahead = behind(scaled(after[:, rows].flatten(0, 1))).amax(-1).unflatten(1, (3, -1))
            target = (gamma * ahead - 1) * ~arrived[:, rows]  # every action costs 1
        return (model(scaled(X[rows])).transpose(1, 2) - target).square().mean((1, 2))

    return fit(model, losses, 3000, learning_rate=3e-3)


def scaled(states):
    """Return states as networks see them."""
    return (states - torch.tensor([-0.35, 0.0])) / torch.tensor([0.85, 0.07])


def drive(states, action):
    """Return states after N_REPEAT steps of one action (0, 1, 2), and whether at the goal."""
    position, velocity = states.T
    arrived = position >= 0.5
    for _ in range(N_REPEAT):
        velocity = velocity + 0.001 * (action - 1) - 0.0025 * (3 * position).cos()
        velocity = velocity.clamp(-0.07, 0.07)
        position = (position + velocity).clamp(-1.2, 0.6)
        velocity = torch.where((position <= -1.2) & (velocity < 0), 0.0, velocity)
        arrived = arrived | (position >= 0.5)
    return torch.stack([position, velocity], 1), arrived


def train_entropy(lams, seeds, progress):
    """Train mixture policies on rewards plus entropy; return actions."""
    repeated = entropy_inputs()

    def answer(seed):
        goal, turn = torch.from_numpy(repeated).T
        share, mean, std = mixture(entropy_policies(lams, seed), goal.long(), turn)
        return np.stack(
            [
                draw(*part, generator(seed, lam, 1))
                for lam, *part in zip(lams, share, mean, std, strict=True)
            ]
        )

    n_train = 20 * N_DRAWS
    rows = np.arange(N_STATES * N_DRAWS)
    return collect(answer, seeds, progress, repeated, rows[:n_train], rows[n_train:], np.float16)


def entropy_inputs():
    """Return the rows of the family: a task and an angle, each N_DRAWS times."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(N_STATES) % 2, rng.uniform(-1, 1, N_STATES)])
    return X.astype(np.float32).repeat(N_DRAWS, 0)


def entropy_policies(lams, seed):
    """Return trained mixture policies, to be read by `mixture`."""
    weight = column(lams)[:, 0]
    source = generator(seed)
    model = Ensemble((4, 48, 48, 5 * N_PARTS), len(lams), source)
    # more entropy at first, so that seeds find the same goals
    heat = iter(torch.logspace(0, -3, N_STEPS))

    def losses():
        goal = torch.randint(2, (64,), generator=source)
        turn = 2 * torch.rand(64, generator=source) - 1
        share, mean, std = mixture(model, goal, turn)
        action = mean + std * torch.randn(mean.shape[1:], generator=source)
        price = (weight + next(heat))[..., None] * log_density(action, share, mean, std)
        gain = reward(goal, turn, action) - price
        return -(share.exp() * gain).sum(-1).mean(-1)

    return fit(model, losses, N_STEPS, learning_rate=5e-3)


def mixture(model, goal, turn):
    """Return log shares (M, n, parts), means and standard deviations (M, n, parts, 2)."""
    angle = math.pi * turn
    seen = torch.cat([one_hot(goal, 2), angle.cos()[:, None], angle.sin()[:, None]], 1)
    logits, rest = model(seen).split([N_PARTS, 4 * N_PARTS], -1)
    mean, log_std = rest.unflatten(-1, (N_PARTS, 4)).split(2, -1)
    return logits.log_softmax(-1), 2 * mean, (log_std - 1).clamp(-4, 2).exp()


def reward(goal, turn, action):
    """Return the reward of actions (..., n, parts, 2): bumps on a circle that x turns."""
    angle = math.pi / 4 * turn[:, None] + 2 * math.pi / N_BUMPS * torch.arange(N_BUMPS)
    centre = 1.5 * torch.stack([angle.cos(), angle.sin()], -1)[:, None]
    height = torch.tensor([[1.0, 0.7, 0.4, 0.1], [0.4, 1.0, 0.1, 0.7]])[goal][:, None]
    gap = (action[..., None, :] - centre).square().sum(-1)
    return (height * (-gap / 0.5).exp()).sum(-1) - 0.05 * action.square().sum(-1)


def log_density(action, share, mean, std):
    """Return the log-density of the mixture at actions (M, n, parts, 2)."""
    z = (action[..., None, :] - mean[..., None, :, :]) / std[..., None, :, :]
    each = -z.square().sum(-1) / 2 - std.log().sum(-1)[..., None, :] - math.log(2 * math.pi)
    return (each + share[..., None, :]).logsumexp(-1)


def draw(share, mean, std, source=None):
    """Return one action (n, 2) for each row."""
    part = torch.multinomial(share.exp(), 1, generator=source)[:, 0]
    rows = torch.arange(len(part))
    return mean[rows, part] + std[rows, part] * torch.randn(len(part), 2, generator=source)


CARDS = (
    Card(
        name="discount_mountain_car",
        network="2-48-48-3 perceptron, fitted Q iteration on the mountain car",
        hyperparameter="discount factor",
        changes="values of three actions fall, far from the goal the most",
        data="equations of motion of gymnasium's MountainCar-v0, each action for 6 steps",
        lams=(0.0, 0.3, 0.5, 0.65, 0.75, 0.82, 0.88, 0.93, 0.97),
        clock="odds",
        deterministic=True,
        train=train_mountain_car,
    ),
    Card(
        name="entropy_policy",
        network="4-48-48-30 perceptron, mixture of 6 Gaussians",
        hyperparameter="weight of the entropy in the objective",
        changes="actions: from one or two goals to all of them, then a wide cloud",
        data="a reward with four bumps on a circle; x: one of two tasks and an angle",
        lams=(0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.17, 0.22, 0.3),
        clock="log",
        deterministic=False,
        train=train_entropy,
        categorical=(0,),
    ),
)
