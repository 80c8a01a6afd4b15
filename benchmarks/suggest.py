"""Which lambda to train next, on stored families: python -m benchmarks.suggest [--only NAME ...]

Nothing is trained. A rule begins with the ends of the listed values and takes one after the
other, until five are known (`--anchors`); it sees the outputs at the values that it has taken,
alone. What counts is the squared error of straight lines between those, on the scale that the
range suggests, over all listed values, on rows of fit. 0 is the mean over all choices, 1 the best
one. Rules:

* even: in the list, which a person has spaced already
* even in lambda, even in the clock: the suggested scale
* longest step: the middle of the two trained values that are farthest apart
* MBTL: `sklearn_hti.design.mbtl` by the likelihood of the true classes, or minus the pinball loss
  of the family's level, on rows of fit; where neither is known, nan
* suggest_lam, and all at once (batch)
"""

import argparse
import itertools
import warnings

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.special import log_softmax
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.preprocessing import scale

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.clocks.selection import suggested_rule
from sklearn_hti.design import mbtl, suggest_lam

from .zoo.registry import CARDS, load

N_INPUTS, N_DRAWS = 20, 48  # of networks with draws


class Sweep:
    """Outputs of one seed of a family at all listed values, and the error of every choice."""

    def __init__(self, family, seed):
        rows, groups = family.train_rows, family.groups[family.train_rows]
        if not family.deterministic:
            first = [np.flatnonzero(groups == k)[:N_DRAWS] for k in np.unique(groups)[:N_INPUTS]]
            rows = rows[np.concatenate(first)]
        self.family, self.lams = family, np.array(family.lams)
        self.X, self.groups = family.X[rows], family.groups[rows]
        self.y = [family.at(lam, seed=seed, rows=rows) for lam in family.lams]
        self.u = suggested_rule(self.lams).fraction(self.lams, *self.lams[[0, -1]])
        n, self.fits = len(self.lams), {}
        self.errors, self.steps = np.zeros((n, n)), np.zeros((n, n))
        for i, j in itertools.combinations(range(n), 2):
            end = self.y[j][self.partners(self.y[i], self.y[j])]
            self.steps[i, j] = np.mean((end - self.y[i]) ** 2)
            for m in range(i + 1, j):
                s = (self.u[m] - self.u[i]) / (self.u[j] - self.u[i])
                line = (1 - s) * self.y[i] + s * end
                true = self.y[m][self.partners(line, self.y[m])]
                self.errors[i, j] += np.mean((line - true) ** 2) / n

    def partners(self, y, y_other):
        """Return the row of y_other that belongs to each row of y."""
        rows = np.arange(len(y))
        if self.family.deterministic:
            return rows
        for k in np.unique(self.groups):
            own = np.flatnonzero(self.groups == k)
            rows[own] = own[linear_sum_assignment(cdist(y[own], y_other[own], "sqeuclidean"))[1]]
        return rows

    def error(self, taken):
        """Return the error of straight lines between the values taken."""
        return sum(self.errors[pair] for pair in itertools.pairwise(taken))

    def choices(self, n_anchors):
        """Return all choices of values."""
        last = len(self.lams) - 1
        inner = itertools.combinations(range(1, last), n_anchors - 2)
        return [(0, *some, last) for some in inner]

    def surrogate(self, taken):
        """Return the surrogate of the values taken."""
        if taken not in self.fits:
            lam = np.repeat(self.lams[list(taken)], len(self.X))
            y = np.concatenate([self.y[k] for k in taken])
            params = {
                "y_bounds": self.family.y_bounds,
                "categorical_features": list(self.family.categorical),
            }
            model = HyperparameterTrajectoryRegressor(base=None, random_state=0, **params)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.fits[taken] = model.fit(np.tile(self.X, (len(taken), 1)), y, lam)
        return self.fits[taken]


def nearest_to_even(x, sweep, n_anchors):
    """Return the choice nearest to even steps of x."""
    places = np.linspace(x[0], x[-1], n_anchors)
    return min(sweep.choices(n_anchors), key=lambda c: np.abs(x[list(c)] - places).sum())


def longest(sweep, taken):
    """Return the middle of the longest step."""
    a, b = max(
        (pair for pair in itertools.pairwise(taken) if np.diff(pair) > 1),
        key=sweep.steps.__getitem__,
    )
    return a + 1 + np.abs(sweep.u[a + 1 : b] - (sweep.u[a] + sweep.u[b]) / 2).argmin()


def scores_known(sweep):
    """Return the score of the network at each listed value; None where it is not known."""
    name, rows = sweep.family.name, sweep.family.train_rows
    if name == "adversarial_wine":
        labels = load_wine().target[rows]
        return [np.mean(log_softmax(y, axis=1)[np.arange(len(y)), labels]) for y in sweep.y]
    if name == "quantile_diabetes":
        target = scale(load_diabetes().target)[rows]
        off = [target - y[:, 0] for y in sweep.y]
        return [
            -np.mean(np.maximum(lam * e, (lam - 1) * e))
            for lam, e in zip(sweep.lams, off, strict=True)
        ]
    if name == "weight_decay_cancer":
        true = load_breast_cancer().target[rows] == 1
        return [np.mean(np.log(np.where(true, y[:, 0], 1 - y[:, 0]) + 1e-9)) for y in sweep.y]
    return None


def by_scores(sweep, n_anchors):
    """Return what MBTL takes."""
    scores = scores_known(sweep)
    if scores is None:
        return None

    def rule(sweep, taken):
        taken = list(taken)
        found = mbtl(sweep.lams[taken], np.array(scores)[taken], candidates=sweep.lams).lam
        return np.flatnonzero(sweep.lams == found[0])[0]

    return one_by_one(rule)(sweep, n_anchors)


def ours(sweep, taken):
    """Return what `suggest_lam` takes."""
    found = suggest_lam(sweep.surrogate(taken), candidates=sweep.lams).lam
    return np.flatnonzero(sweep.lams == found[0])[0]


def one_by_one(rule):
    """Return the function that takes values by a rule, from two to a number of them."""

    def take(sweep, n_anchors):
        taken = (0, len(sweep.lams) - 1)
        while len(taken) < n_anchors:
            taken = tuple(sorted((*taken, int(rule(sweep, taken)))))
        return taken

    return take


def batch(sweep, n_anchors):
    """Return all values at once, from the ends."""
    ends = (0, len(sweep.lams) - 1)
    found = suggest_lam(sweep.surrogate(ends), n_anchors - 2, candidates=sweep.lams).lam
    return (*sorted((*ends, *map(int, np.flatnonzero(np.isin(sweep.lams, found))))),)


RULES = {
    "even": lambda sweep, n: nearest_to_even(np.arange(len(sweep.lams)), sweep, n),
    "even in lambda": lambda sweep, n: nearest_to_even(sweep.lams, sweep, n),
    "even in clock": lambda sweep, n: nearest_to_even(sweep.u, sweep, n),
    "longest step": one_by_one(longest),
    "MBTL": by_scores,
    "suggest_lam": one_by_one(ours),
    "batch": batch,
}


def scores_of(name, n_anchors):
    """Return the score of every rule on a family, mean over seeds; None where all are taken."""
    family, found = load(name), []
    if len(family.lams) <= n_anchors:
        return None
    for seed in range(len(family.y)):
        sweep = Sweep(family, seed)
        errors = np.array([sweep.error(choice) for choice in sweep.choices(n_anchors)])
        taken = [rule(sweep, n_anchors) for rule in RULES.values()]
        of_rules = np.array([np.nan if some is None else sweep.error(some) for some in taken])
        found.append((errors.mean() - of_rules) / (errors.mean() - errors.min()))
    return np.mean(found, axis=0)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=list(CARDS), metavar="NAME")
    parser.add_argument("--anchors", type=int, nargs="+", default=[5], metavar="K")
    args = parser.parse_args()
    for n_anchors in args.anchors:
        print(f"2 -> {n_anchors} trained values".ljust(28), *(f"{r:>14}" for r in RULES))
        table = {name: scores_of(name, n_anchors) for name in args.only}
        table = {name: scores for name, scores in table.items() if scores is not None}
        table["mean"] = np.nanmean(list(table.values()), axis=0)
        for name, scores in table.items():
            print(f"{name:28}", *(f"{score:14.2f}" for score in scores))


if __name__ == "__main__":
    main()
