"""One family, one pair of networks and a choice of trained values."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from threadpoolctl import threadpool_limits

from sklearn_hti.clocks.selection import suggested_rule

from ..zoo.control import actions
from ..zoo.family import Family
from ..zoo.registry import load
from . import extra_families

N_PAIRS = 3
# policies of N_PAIRS seeds are stored with the zoo
POLICIES = ("reacher_control_cost", "pendulum_torque_cost")


def networks_of(name, folder, lams=None, n_seeds=N_PAIRS):
    """Return a family with the outputs of networks at `lams`, trained where none is stored.

    Parameters
    ----------
    name : str
        A family of the zoo with one hyperparameter, or of `extra_families`.
    folder : Path
        Where outputs of the networks trained here are kept.
    lams : tuple of float, default=None
        Values of the hyperparameter; None: those of the card.
    n_seeds : int
        Number of trainings with other random numbers.
    """
    if name in extra_families.MAKERS:
        return extra_families.MAKERS[name](n_seeds)
    family = load(name)
    if name in POLICIES:
        y = actions(name, family.X, family.lams, range(n_seeds))
        return replace(family, y=y, n_seeds=n_seeds)
    if lams is None and len(family.y) >= n_seeds:
        return replace(family, y=family.y[:n_seeds])
    if lams is None:
        seeds = range(len(family.y), n_seeds)
        new = _train(family, family.lams, seeds, folder / f"{name}.npz")
        return replace(family, y=np.concatenate([family.y, new]), n_seeds=n_seeds)
    y = _train(family, lams, range(n_seeds), folder / f"{name}_{len(lams)}.npz")
    return replace(family, y=y, lams=tuple(lams), n_seeds=n_seeds)


def _train(card, lams, seeds, file):
    """Return outputs (S, L, n, D) of trainings, those of the file if they are the same."""
    if file.exists():
        with np.load(file) as stored:
            if np.array_equal(stored["lams"], lams) and np.array_equal(stored["seeds"], seeds):
                return stored["y"]
    with threadpool_limits(1):
        y = card.train(tuple(lams), list(seeds), iter).y
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez_compressed(part, y=y, lams=np.array(lams), seeds=np.array(seeds))
    part.replace(file)
    return y


@dataclass(frozen=True)
class Case:
    """Networks of one seed at a few trained values, judged by those of another seed.

    Attributes
    ----------
    family : Family
        Outputs of all networks.
    trained, held_out : tuple of float
        The values that methods may use, and those that are asked.
    seed : int
        Which pair of networks.
    """

    family: Family
    trained: tuple
    held_out: tuple
    seed: int = 0

    @property
    def name(self):
        """The family."""
        return self.family.name

    @property
    def own(self):
        """Seed of the networks that methods see."""
        return self.seed % len(self.family.y)

    @property
    def other(self):
        """Seed of the networks that are the truth."""
        return (self.seed + 1) % len(self.family.y)

    @cached_property
    def rows(self):
        """Test rows; the draws of one input are neighbours."""
        rows = self.family.test_rows
        return rows[np.argsort(self.family.groups[rows], kind="stable")]

    @property
    def inputs(self):
        """Inputs (n, C) of the test rows."""
        return self.family.X[self.rows]

    @cached_property
    def data(self):
        """X, y, lam of the training rows, as `fit` takes them."""
        rows, lams = self.family.train_rows, self.trained
        y = np.concatenate([self.family.at(lam, seed=self.own, rows=rows) for lam in lams])
        return np.tile(self.family.X[rows], (len(lams), 1)), y, np.repeat(lams, len(rows))

    @cached_property
    def outputs(self):
        """Outputs (M, n, D) of the trained networks at the test rows."""
        at = self.family.at
        return np.stack([at(lam, seed=self.own, rows=self.rows) for lam in self.trained])

    @property
    def lam_column(self):
        """The trained values (M, 1)."""
        return np.array(self.trained)[:, np.newaxis]

    @property
    def params(self):
        """What any user would tell a surrogate."""
        if self.name in extra_families.MAKERS:
            return {"output_transform": "simplex"}
        given = {"y_bounds": self.family.y_bounds}
        if self.family.categorical:
            given["categorical_features"] = list(self.family.categorical)
        return given

    def time(self, lam):
        """Return the place of lambda from 0 to 1, on the scale that the range suggests."""
        lams = np.array(self.trained)
        return suggested_rule(lams).fraction(lam, lams[0], lams[-1])

    def truth(self, lam):
        """Outputs (n, D) at the test rows of the network that was trained at a held-out value."""
        return self.family.at(lam, seed=self.other, rows=self.rows)

    def distance(self, y, lam):
        """Return the mean squared error, or the exact W2^2 per input, to the truth."""
        y = np.reshape(y, (len(self.rows), self.family.n_outputs))
        return self.family.distance(y, self.truth(lam), self.rows)

    @cached_property
    def floor(self):
        """Mean distance of networks of two seeds."""
        return float(np.mean([self.family.floor(lam) for lam in self.held_out]))


def case_of(name, folder, seed, n_trained=3, family=None):
    """Return the case of the zoo's protocol: trained values even in the list of values."""
    family = networks_of(name, folder) if family is None else family
    return Case(family, family.anchors(n_trained), family.held_out, seed)
