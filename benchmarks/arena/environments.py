"""Families of the zoo whose networks act: their networks, and episodes that start alike for all.

`networks(seed)` trains or reads the networks of one seed. An episode is one of the environment; in
the family of entropy weights, which has no steps, it is one input and the mean over its draws.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from ..control import FIRST_EPISODE, act, mean_action
from ..zoo import decisions, load, load_policy, make_env, preferences
from ..zoo.ensemble import generator
from ..zoo.policies import policy_key, read_policies

N_CAR_DECISIONS = 34  # of six steps: the 200 steps of MountainCar-v0
N_ACTIONS = 20  # draws behind the mean of one input
N_ANCHORS = 3  # of one hyperparameter
ALL_SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Control:
    """A family whose networks act.

    Attributes
    ----------
    name : str
        The family.
    X : ndarray of shape (n, C)
        Inputs of fit; draws at one input are rows of their own.
    anchors, held_out : tuple of float or of tuple
        Trained values, and values to measure at.
    networks : callable
        ``networks(seed)`` returns functions from inputs (n, C) to outputs (n, D), by lambda.
    play : callable
        ``play(policy, lam, n_episodes)`` returns the return of each episode.
    params : dict
        Parameters of surrogates that any user would set.
    outputs : {"actions", "logits"}
        What networks answer: actions, or values of actions, the largest of which is taken.
    seeds : tuple of int
        The seeds with networks at all these values.
    deterministic : bool
        Whether networks give one output per input.
    """

    name: str
    X: np.ndarray
    anchors: tuple
    held_out: tuple
    networks: Callable
    play: Callable
    params: dict = field(default_factory=dict)
    outputs: str = "actions"
    seeds: tuple = ALL_SEEDS
    deterministic: bool = True

    @property
    def lams(self):
        """All values, the trained ones first."""
        return self.anchors + self.held_out

    def seeds_of(self, pair):
        """Return the seeds of a pair: of the networks that methods see, and of those retrained."""
        return self.seeds[pair], self.seeds[(pair + 1) % len(self.seeds)]

    def choose(self, outputs):
        """Return actions by outputs (n, D) of networks."""
        return outputs if self.outputs == "actions" else outputs.argmax(axis=1)


def of_gymnasium(name):
    """Return policies of a task of gymnasium, read from the zoo.

    `benchmarks.zoo.control.train` with the seeds (2,) trains and stores those of a third seed.
    """
    family = load(name)
    anchors, held_out = family.anchors(N_ANCHORS), family.held_out
    stored = read_policies(name)
    lams = anchors + held_out
    seeds = tuple(s for s in ALL_SEEDS if all(policy_key(lam, s) in stored for lam in lams))

    def networks(seed):
        return {lam: mean_action(load_policy(name, lam, seed)) for lam in lams}

    def play(policy, lam, n_episodes):
        envs = [make_env(name, lam) for _ in range(n_episodes)]
        returns = act(policy, envs)
        for env in envs:
            env.close()
        return returns

    X = family.X[family.train_rows]
    params = {"y_bounds": family.y_bounds}
    return Control(name, X, anchors, held_out, networks, play, params, seeds=seeds)


def mountain_car():
    """Return value networks of the mountain car; its return is minus the number of decisions."""
    family = load("discount_mountain_car")
    anchors, held_out = family.anchors(N_ANCHORS), family.held_out

    def networks(seed):
        model = decisions.car_values(anchors + held_out, seed)
        return _members(anchors + held_out, lambda X: model(decisions.scaled(X)))

    def play(policy, lam, n_episodes):
        rng = np.random.default_rng(FIRST_EPISODE)
        place = rng.uniform(-0.6, -0.4, n_episodes)  # as MountainCar-v0 starts
        state = torch.tensor(np.column_stack([place, np.zeros(n_episodes)])).float()
        returns, running = np.zeros(n_episodes), np.ones(n_episodes, dtype=bool)
        for _ in range(N_CAR_DECISIONS):
            action, _ = policy.predict(state.numpy(), deterministic=True)
            state, arrived = decisions.drive(state, torch.as_tensor(action))
            returns -= running
            running &= ~arrived.numpy()
        return returns

    X = family.X[family.train_rows]
    return Control(family.name, X, anchors, held_out, networks, play, outputs="logits")


def entropy():
    """Return stochastic policies by the weight of entropy; the return is the reward alone."""
    family = load("entropy_policy")
    anchors, held_out = family.anchors(N_ANCHORS), family.held_out

    def networks(seed):
        model = decisions.entropy_policies(anchors + held_out, seed)

        def drawn(i, X):
            goal, turn = torch.as_tensor(np.asarray(X, dtype=np.float32)).T
            parts = (part[i] for part in decisions.mixture(model, goal.round().long(), turn))
            return decisions.draw(*parts).numpy()

        return {lam: partial(drawn, i) for i, lam in enumerate(anchors + held_out)}

    def play(policy, lam, n_episodes):
        rng = np.random.default_rng(FIRST_EPISODE)
        X = np.column_stack([np.arange(n_episodes) % 2, rng.uniform(-1, 1, n_episodes)])
        X = X.astype(np.float32).repeat(N_ACTIONS, 0)
        action, _ = policy.predict(X, deterministic=False)
        goal, turn = torch.from_numpy(X).T
        action = torch.as_tensor(np.asarray(action, dtype=np.float32))[:, None]
        gained = decisions.reward(goal.long(), turn, action)
        return gained.numpy().reshape(n_episodes, N_ACTIONS).mean(axis=1)

    X = family.X[family.train_rows]
    params = {"categorical_features": [0]}
    return Control(family.name, X, anchors, held_out, networks, play, params, deterministic=False)


def point_mass():
    """Return policies at preference weights of three objectives, from scattered trained values."""
    family = load("preferences_point_mass")
    parts = (family.lams[family.anchors("scattered")], family.lams[family.held_out])
    anchors, held_out = (tuple(map(tuple, part.tolist())) for part in parts)

    def networks(seed):
        policies = preferences.trained(anchors + held_out, seed)
        return _members(anchors + held_out, lambda X: preferences.act(policies, X))

    def play(policy, lam, n_episodes):
        state = preferences.states(n_episodes, generator(FIRST_EPISODE))
        returns = np.zeros(n_episodes)
        for _ in range(preferences.N_STEPS):
            action, _ = policy.predict(state.numpy(), deterministic=True)
            force = torch.as_tensor(np.asarray(action, dtype=np.float32)).clamp(-1, 1)
            gained = preferences.rewards(state, force)
            returns += (gained * torch.tensor(lam)).sum(-1).numpy()
            state = preferences.step(state, force)
        return returns

    X, params = family.X[family.train_rows], {"y_bounds": family.y_bounds}
    return Control(family.name, X, anchors, held_out, networks, play, params)


def _members(lams, forward):
    """Return the members of networks that answer side by side, by lambda."""

    def answer(i, X):
        return forward(torch.as_tensor(np.asarray(X, dtype=np.float32)))[i].numpy()

    return {lam: partial(answer, i) for i, lam in enumerate(lams)}


CONTROLS = {
    "discount_mountain_car": mountain_car,
    "pendulum_torque_cost": partial(of_gymnasium, "pendulum_torque_cost"),
    "reacher_control_cost": partial(of_gymnasium, "reacher_control_cost"),
    "entropy_policy": entropy,
    "preferences_point_mass": point_mass,
}
OF_GYMNASIUM = ("pendulum_torque_cost", "reacher_control_cost")
