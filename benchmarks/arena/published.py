"""The original study's outputs: what is moved to which held-out values, and how it is measured."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from scipy.spatial.distance import pdist

from sklearn_hti.datasets import make_semicircles
from sklearn_hti.metrics import squared_wasserstein

from ..study import DOSES, at, compare_actions, load, of_states

W2, MSE = "W²", "mean squared error"
ACTIONS = (
    "squared error of mean actions",
    "deviation of dose 1 / true",
    "deviation of dose 2 / true",
    "energy score",
)
BETWEEN = (0.25, 0.75)  # of the semicircles, which have no held-out part
# the README of the data: no transport, straight line, floor, over all held-out values
GIVEN = {
    "semicircles": ("1.71", ".172", ".018"),
    "two_moons_dropout": (".064", ".568", ".025 to .037"),
    "ett_quantiles": ("1.040", "1.387", ".079"),
    "reacher": (".0046", ".0020", "0"),
    "cancer_linear": ("2.19", ".67", "0"),
}


@dataclass(frozen=True)
class Moves:
    """Outputs (X, y) at a trained value, and how answers at held-out values are measured.

    `measure(lam, y)` returns one number for each of `names`; `floor(lam)` returns the numbers of
    the truth itself, or None where these are not known.
    """

    train: dict
    X: np.ndarray
    y: np.ndarray
    lam_from: float
    lams: tuple
    names: tuple
    measure: Callable
    floor: Callable = field(default=lambda lam: None)
    params: dict = field(default_factory=dict)  # what any user would set


def semicircles(folder):
    """Return the four arcs; the truth is drawn from its closed form."""
    train = load(folder, "semicircles")["train"]
    truth = make_semicircles(1, random_state=0).truth
    X, y = at(train, 0.0)

    def measure(lam, moved):
        return (squared_wasserstein(truth(X, lam, random_state=1), moved, groups=X[:, 0]),)

    def floor(lam):
        return measure(lam, truth(X, lam, random_state=2))

    params = {"categorical_features": [0]}
    return Moves(train, X, y, 0.0, BETWEEN, (W2,), measure, floor, params)


def two_moons(folder):
    """Return dropout rates of a diffusion model."""
    parts = load(folder, "two_moons_dropout")
    X, y = at(parts["train"], 0.0)

    def measure(lam, moved):
        X_true, y_true = at(parts["test"], lam)
        return (squared_wasserstein(y_true, moved, groups=(X_true[:, 0], X[:, 0])),)

    lams = _values(parts["test"])
    params = {"categorical_features": [0]}
    return Moves(parts["train"], X, y, 0.0, lams, (W2,), measure, params=params)


def deterministic(folder, name, **params):
    """Return networks with one output per input."""
    parts = load(folder, name)
    first = _values(parts["train"])[0]
    X, y = at(parts["base"], first)

    def measure(lam, moved):
        return (np.mean((moved - at(parts["test"], lam)[1]) ** 2),)

    lams = _values(parts["test"])
    return Moves(parts["train"], X, y, first, lams, (MSE,), measure, params=params)


def therapies(folder):
    """Return stochastic policies of doses, ten actions in each state."""
    parts = load(folder, "cancer_linear")
    X, y = at(parts["base"], 0.0)

    def measure(lam, moved):
        return compare_actions(X, moved, at(parts["test"], lam)[1])

    def floor(lam):
        # the mean energy score that the true distribution has
        spread = np.mean([pdist(a).mean() / 2 for a in of_states(X, at(parts["test"], lam)[1])])
        return 0.0, 1.0, 1.0, spread

    lams, params = _values(parts["test"]), {"y_bounds": DOSES}
    return Moves(parts["train"], X, y, 0.0, lams, ACTIONS, measure, floor, params)


def _values(part):
    return tuple(np.unique(part["lam"]).tolist())


TASKS = {
    "semicircles": semicircles,
    "two_moons_dropout": two_moons,
    "ett_quantiles": partial(deterministic, name="ett_quantiles"),
    "reacher": partial(deterministic, name="reacher", y_bounds=(-1.0, 1.0)),
    "cancer_linear": therapies,
}
