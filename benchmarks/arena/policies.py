"""Policies of every method at the held-out lambdas of a family whose networks act."""

import time
import warnings
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.policies import TrajectoryPolicy

from ..control import Weighted
from ..simplices import Scales, weights_of
from .environments import CONTROLS

OURS = "ours, networks asked"
ALONE = "ours, outputs only"
MOVED = "ours, one network moved"
CONDITIONED = "conditioned network"
STRAIGHT = "straight line of actions"
CLOCK = "straight line in the λ scale"
NEAREST = "nearest trained policy"
OWN = "retrained, the seed of the fit"
NEEDS = {
    OURS: "networks",
    NEAREST: "networks",
    STRAIGHT: "networks",
    CLOCK: "networks",
    MOVED: "one network",
    ALONE: "outputs only",
    CONDITIONED: "outputs only",
    OWN: "retraining at λ",
}


@cache
def control_of(name):
    """Return a family, read once."""
    return CONTROLS[name]()


@cache
def networks_of(name, seed):
    """Return the networks of one seed, trained or read once."""
    return control_of(name).networks(seed)


@cache
def retrained(name, seed, n_episodes):
    """Return the returns (L, n_episodes) of retrained policies at all lambdas."""
    control, networks = control_of(name), networks_of(name, seed)
    policies = [Weighted([networks[lam]], [1.0], control.choose) for lam in control.lams]
    return play(control, policies, control.lams, n_episodes)


def play(control, policies, lams, n_episodes):
    """Return the returns (L, n_episodes) of one policy per lambda; draws are always the same."""
    returns = []
    for policy, lam in zip(policies, lams, strict=True):
        with seeded(len(returns)):
            returns.append(control.play(policy, lam, n_episodes))
    return np.array(returns)


def weights(control, kind, seed):
    """Return how much the network of each trained value counts, (held-out, trained)."""
    anchors, held_out = (
        np.array(lams, dtype=float) for lams in (control.anchors, control.held_out)
    )
    if anchors.ndim > 1:
        scales = Scales(anchors)
        if kind == STRAIGHT:  # two of three weights that sum to one place a third
            return weights_of("simplices", anchors[:, :-1], held_out[:, :-1])
        name = "nearest network" if kind == NEAREST else "simplices"
        return weights_of(name, scales(anchors), scales(held_out))
    if kind == NEAREST:
        return weights_of("nearest network", anchors[:, None], held_out[:, None])
    each = np.eye(len(anchors))
    if kind == CLOCK:
        time_of = surrogate(control.name, seed, OURS)[0].lam_transform_.time
        anchors, held_out = time_of(anchors), time_of(held_out)
    return np.column_stack([np.interp(held_out, anchors, column) for column in each])


def training_set(control, seed):
    """Return X, y, lam of the trained values, as `fit` takes them."""
    networks = networks_of(control.name, seed)
    with seeded(seed):
        y = np.concatenate([networks[lam](control.X) for lam in control.anchors])
    lam = np.repeat(np.array(control.anchors, dtype=float), len(control.X), axis=0)
    return np.tile(control.X, (len(control.anchors), 1)), y, lam


class Cloned:
    """One network of observations and lambda, trained to act as the trained policies do.

    Two layers of 64 as the policies of PPO have; lambda enters on the scale that its range
    suggests. Where policies are stochastic it would only know their means.
    """

    def __init__(self, control, seed):
        self.control, self.scales = control, Scales(_columns(control.anchors))
        self.net = make_pipeline(
            StandardScaler(),
            MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=1000, random_state=seed),
        )

    def fit(self, X, y, lam):
        """Train on outputs at the trained values."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.net.fit(np.hstack([X, self.scales(_columns(lam))]), y)
        return self

    def at(self, lam):
        """Return the policy at one lambda."""
        place = self.scales(_columns([lam]))

        def answer(X):
            X = np.hstack([X, np.repeat(place, len(X), axis=0)])
            return self.net.predict(X).reshape(len(X), -1)

        return Weighted([answer], [1.0], self.control.choose)


def _columns(lams):
    return np.array(lams, dtype=float).reshape(len(lams), -1)


@cache
def surrogate(name, seed, kind):
    """Return a fitted surrogate of one seed's networks, and the CPU seconds of its fit."""
    control, networks = control_of(name), networks_of(name, seed)
    params = {"random_state": seed, **control.params}
    if kind == CONDITIONED:
        model = Cloned(control, seed)
    elif kind == OURS:
        asked = {lam: networks[lam] for lam in control.anchors}
        model = HyperparameterTrajectoryRegressor(networks=asked, **params)
    else:
        model = HyperparameterTrajectoryRegressor(**params)
    data = training_set(control, seed)
    start = time.process_time()
    return model.fit(*data), time.process_time() - start


def policies_of(control, method, seed):
    """Return one policy per held-out lambda, and the CPU seconds of a fit."""
    networks = networks_of(control.name, seed)
    if method == OWN:
        policies = [Weighted([networks[lam]], [1.0], control.choose) for lam in control.held_out]
        return policies, 0.0
    if method in (NEAREST, STRAIGHT, CLOCK):
        trained = [networks[lam] for lam in control.anchors]
        rows = weights(control, method, seed)
        return [Weighted(trained, row, control.choose) for row in rows], 0.0
    # outputs only, or one network that is moved: the same fit
    model, cpu = surrogate(control.name, seed, ALONE if method == MOVED else method)
    if method == CONDITIONED:
        return [model.at(lam) for lam in control.held_out], cpu
    params = {"outputs": control.outputs, "random_state": seed}
    if method == MOVED:
        first = control.anchors[0]
        params |= {"base": networks[first], "lam_from": first}
    return [TrajectoryPolicy(model, lam, **params) for lam in control.held_out], cpu


@contextmanager
def seeded(seed):
    """Seed the global generator of torch, which networks draw from, inside `with`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
