"""Families of several hyperparameters judged: python -m benchmarks.several [--methods field]

Every method sees networks at anchors on a grid, then at scattered ones, and answers at values that
are held out, on inputs that were not in the fit. Its error is compared with the trivial answers:
the network of the most central anchor (not moving), that of the nearest one, and the linear
interpolation on simplices of the anchors' networks. Near and linear are meant on the scales that
the ranges suggest. Any object with `fit(X, y, lam)` and `interpolate`, or `predict` and `sample`,
can be judged: give a function that makes it to `judge`.
"""

import argparse
import json
import time
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor

from .methods import FIELD, make_method
from .methods import METHODS as OF_ONE
from .several_report import several_tables, write_page
from .simplices import TRIVIAL, Coupled, GaussianProcess, Scales, ThinPlates, weights_of
from .zoo.registry import SEVERAL, load
from .zoo.several import DESIGNS, SeveralFamily

REFUSED = (ValueError, TypeError, NotImplementedError)


class Judged:
    """What is asked of a surrogate, and the trivial answers to it.

    Attributes
    ----------
    name, design, seed : str, str, int
        The family, where it is trained, and which of its trainings.
    data : tuple
        X, y, lam for `fit`.
    params : dict
        Parameters of surrogates that any user would set.
    lams, targets : ndarray of shape (M, k) and (H, k)
        The anchors, and the values that are asked.
    inputs : ndarray of shape (n, C) or None
        Inputs of the outputs; several draws at one input are neighbours.
    outputs : ndarray of shape (M, n, D)
        What the anchors' networks answer there.
    floors : ndarray of shape (H,)
        Distances of fresh truth from the truth.
    deterministic : bool
        Whether there is one output per input.
    """

    @cached_property
    def trivial(self):
        """Distances (H,) of every trivial answer."""
        scales, coupled = Scales(self.lams), Coupled(self.inputs, self.outputs)
        anchors, z = scales(self.lams), scales(self.targets)
        distances = {}
        for name in TRIVIAL:
            weights = weights_of(name, anchors, z)
            # draws are coupled to those of the network that counts most
            distances[name] = self.distances([coupled.mean(w, w.argmax()) for w in weights])
        return distances

    @property
    def best(self):
        """Name of the best trivial answer."""
        return min(TRIVIAL, key=lambda name: self.trivial[name].mean())

    @property
    def avoidable(self):
        """Error of the best trivial answer above the floor, and its standard error over lambda."""
        excess = self.trivial[self.best] - self.floors
        return excess.mean(), excess.std(ddof=1) / np.sqrt(len(excess))

    def share(self, score):
        """Return the share of the avoidable error that a mean distance leaves removed."""
        best = self.trivial[self.best].mean()
        return (best - score) / (best - self.floors.mean())


@dataclass(frozen=True)
class Problem(Judged):
    """One family, design and pair of seeds: networks of one seed, judged by those of another."""

    family: SeveralFamily
    design: str
    seed: int = 0

    @property
    def name(self):
        """The family."""
        return self.family.name

    @property
    def deterministic(self):
        """Whether there is one output per input."""
        return self.family.deterministic

    @cached_property
    def rows(self):
        """Test rows; the draws of one input are neighbours."""
        rows = self.family.test_rows
        return rows[np.argsort(self.family.groups[rows], kind="stable")]

    @property
    def inputs(self):
        """Inputs of the test rows."""
        return self.family.X[self.rows]

    @property
    def data(self):
        """X, y, lam for `fit`."""
        return self.family.training_set(self.design, seed=self.seed)

    @property
    def lams(self):
        """The anchors (M, k)."""
        return self.family.lams[self.family.anchors(self.design)]

    @cached_property
    def outputs(self):
        """Outputs (M, n, D) of the anchors' networks at the test rows."""
        anchors = self.family.anchors(self.design)
        return np.stack([self.family.at(a, seed=self.seed, rows=self.rows) for a in anchors])

    @property
    def targets(self):
        """The held-out lambdas (H, k)."""
        return self.family.lams[self.family.held_out]

    @property
    def params(self):
        """Parameters that any user would set."""
        given = {"y_bounds": self.family.y_bounds}
        if self.family.categorical:
            given["categorical_features"] = list(self.family.categorical)
        return given

    @cached_property
    def floors(self):
        """Distances between networks of different seeds, by held-out lambda."""
        return np.array([self.family.floor(lam) for lam in self.family.held_out])

    def distances(self, answers):
        """Return the distances (H,) of answers, in the order of `targets`, from the truth."""
        other = (self.seed + 1) % len(self.family.y)
        return np.array(
            [
                self.family.distance(y, self.family.at(lam, seed=other, rows=self.rows), self.rows)
                for y, lam in zip(answers, self.family.held_out, strict=True)
            ]
        )


def answers(model, problem, networks_answer=True):
    """Yield what a fitted model says at the held-out lambdas.

    From the outputs of all trained networks at the test rows, by `interpolate`, or from the model
    alone, by `predict` (deterministic networks) or `sample`.
    """
    shape = problem.outputs.shape[1:]
    for lam in problem.targets:
        if networks_answer:
            y = model.interpolate(problem.inputs, problem.outputs, lams=problem.lams, lam=lam)
        elif problem.deterministic:
            y = model.predict(problem.inputs, lam=lam)
        elif problem.inputs is None:
            y = model.sample(None, lam=lam, n_samples=len(problem.outputs[0]), random_state=0)
        else:
            y = model.sample(problem.inputs, lam=lam, random_state=0)
        yield np.reshape(y, shape)


def judge(make, problem, networks_answer=True):
    """Return the record of one fit of what `make(**params)` returns; refusals are noted."""
    record = {
        "family": problem.name,
        "design": problem.design,
        "seed": problem.seed,
        "n_anchors": len(problem.lams),
        "floor": problem.floors.mean(),
        "best": problem.best,
        "avoidable": problem.avoidable,
        **{name: distances.mean() for name, distances in problem.trivial.items()},
    }
    cpu = time.process_time()
    try:
        model = make(**problem.params).fit(*problem.data)
        score = problem.distances(answers(model, problem, networks_answer)).mean()
    except REFUSED as error:
        return record | {"refused": f"{type(error).__name__}: {error}"}
    cpu = time.process_time() - cpu
    return record | {"score": score, "share": problem.share(score), "cpu": cpu}


def of_one(name, seed, **params):
    """Return a surrogate of `benchmarks.methods`."""
    return make_method(name, seed, **params)


def without_parameters(kind, seed, **params):
    """Return an answer from outputs, which needs no parameters."""
    return kind()


def default(seed, **params):
    """Return the estimator, whose networks are not asked at questions."""
    return HyperparameterTrajectoryRegressor(networks=None, random_state=seed, **params)


# by name: a function (seed, **params) -> model, and whether networks answer for the test rows
METHODS = {
    **{name: (partial(of_one, name), True) for name in OF_ONE},
    "thin plates": (partial(without_parameters, ThinPlates), True),
    "Gaussian process": (partial(without_parameters, GaussianProcess), True),
    "without networks": (default, False),
}
QUICK = (FIELD, "thin plates")


def problems_of(families, designs, seeds):
    """Yield the problems of families; exact training has one seed."""
    for name in families:
        family = load(name)
        for design in designs:
            for seed in range(min(seeds, len(family.y))):
                yield Problem(family, design, seed)


def judge_all(problems, methods, known=None):
    """Return the records of methods, by name, on problems."""
    known = METHODS if known is None else known
    records = []
    for problem in problems:
        for name in methods:
            make, networks_answer = known[name]
            record = judge(partial(make, problem.seed), problem, networks_answer)
            records.append(record | {"method": name})
    return records


def main(arguments=None):
    """Judge, print the tables, and write them into a page if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=SEVERAL, default=list(SEVERAL))
    parser.add_argument("--designs", nargs="+", choices=DESIGNS, default=list(DESIGNS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(QUICK))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--results", type=Path, help="file for one JSON record per fit")
    parser.add_argument("--write", type=Path, help="page to write")
    args = parser.parse_args(arguments)
    records = judge_all(problems_of(args.families, args.designs, args.seeds), args.methods)
    if args.results:
        args.results.write_text("".join(json.dumps(record) + "\n" for record in records))
    print("\n".join(several_tables(records, args.methods)))
    if args.write:
        write_page(records, args.methods, args.write)


if __name__ == "__main__":
    main()
