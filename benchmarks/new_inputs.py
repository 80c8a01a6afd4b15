"""Answers at inputs that were not in fit: python -m benchmarks.new_inputs [--only without]

Networks at three trained values of lambda answer the same inputs, and these outputs are fitted.
The question is what networks at values between answer at other inputs. The first table is of
methods that see nothing else, the second of those that ask the trained networks at the new inputs.

Cells hold the error relative to that of the last column and, in parentheses, the error: the mean
squared error of the conditional mean, and where networks answer with draws the exact W2^2 of as
many draws per input and the energy score. Means over held-out values and seeds. Lines, regressors
and nearest values use the scale of lambda that its range suggests. Geometric means are those of
errors of the conditional mean. Families are those of `benchmarks.askable`.
"""

import argparse
import time
import warnings
from itertools import product

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.metrics import energy_score, squared_wasserstein

from .askable import FAMILIES

MEAN = "mean"
CPU, DIFFERENCE = FIGURES = "CPU s of fit", "difference at trained values"


class Forest:
    """Extremely randomised trees; a draw is an output of fit from the leaf of a random tree."""

    def __init__(self, features, y, seed):
        self.y, self.seed = y, seed
        self.trees = ExtraTreesRegressor(random_state=seed)
        self.trees.fit(features, y[:, 0] if y.shape[1] == 1 else y)
        self.leaves = self.trees.apply(features)

    def answer(self, features, n_draws):
        """Return means (n, D), and draws (n, n_draws, D) where there are several."""
        mean = self.trees.predict(features).reshape(len(features), -1)
        if n_draws == 1:
            return mean, None
        rng, asked = np.random.default_rng(self.seed), self.trees.apply(features)
        chosen = rng.integers(asked.shape[1], size=(len(features), n_draws))
        draws = np.empty((*chosen.shape, self.y.shape[1]))
        for tree, (leaves, leaf) in enumerate(zip(self.leaves.T, asked.T, strict=True)):
            order = np.argsort(leaves)
            low, high = (np.searchsorted(leaves[order], leaf, side) for side in ("left", "right"))
            row, draw = np.nonzero(chosen == tree)
            draws[row, draw] = self.y[order[rng.integers(low[row], high[row])]]
        return mean, draws


def fit(problem, seed, **params):
    """Return the surrogate's answer at a lambda, as of any method, and figures of the fit.

    An answer is the conditional mean (n, D), and draws (n, m, D) or None.
    """
    model = HyperparameterTrajectoryRegressor(random_state=seed, **problem.params, **params)
    cpu = time.process_time()
    model.fit(problem.X, problem.y, problem.lam)
    cpu = time.process_time() - cpu
    n, m, n_outputs = problem.shape

    def answer(lam):
        mean = model.predict(problem.inputs, lam).reshape(n, n_outputs)
        if m == 1:
            return mean, None
        draws = model.sample(problem.inputs, lam, n_samples=m, random_state=seed)
        return mean, np.moveaxis(draws.reshape(m, n, n_outputs), 0, 1)

    return answer, {CPU: cpu}


def regressors(seed):
    """Return the regressors on inputs and lambda."""
    network = MLPRegressor(hidden_layer_sizes=(128,) * 3, max_iter=500, random_state=seed)
    network = make_pipeline(StandardScaler(), network)
    return {
        "MLP": TransformedTargetRegressor(network, transformer=StandardScaler()),
        "boosting": MultiOutputRegressor(HistGradientBoostingRegressor(random_state=seed)),
    }


def without_networks(problem, seed):
    """Return the answers of methods that see the outputs in fit alone, and figures of the fit."""
    surrogate, figures = fit(problem, seed)
    n, m, n_outputs = problem.shape
    X, y = problem.X, problem.y.reshape(len(problem.X), -1)

    def features(X, lam):
        return np.column_stack([X, np.broadcast_to(problem.time(lam), len(X))])

    def direct(regressor):
        regressor.fit(features(X, problem.lam), y)
        new = problem.inputs
        return lambda lam: (regressor.predict(features(new, lam)).reshape(n, n_outputs), None)

    forest = Forest(features(X, problem.lam), y, seed)
    at = {value: problem.lam == value for value in problem.networks}
    forests = {value: Forest(X[rows], y[rows], seed) for value, rows in at.items()}

    def of_value(value):
        return forests[value].answer(problem.inputs, m)

    def lines(lam):
        share = problem.share(lam)
        (low, draws_low), (high, draws_high) = map(of_value, problem.neighbours(lam))
        draws = None if draws_low is None else problem.line(draws_low, draws_high, share)
        return (1 - share) * low + share * high, draws

    return {
        "surrogate": surrogate,
        **{name: direct(regressor) for name, regressor in regressors(seed).items()},
        "trees": lambda lam: forest.answer(features(problem.inputs, lam), m),
        "surrogate, nearest value": lambda lam: surrogate(problem.nearest(lam)),
        "trees, nearest value": lambda lam: of_value(problem.nearest(lam)),
        "trees, lines": lines,
    }, figures


def with_networks(problem, seed):
    """Return the answers of methods that ask the trained networks, and figures of the fit."""
    surrogate, figures = fit(problem, seed, networks=problem.networks)
    figures[DIFFERENCE] = largest_difference(problem, surrogate)
    return {"surrogate": surrogate, **of_networks(problem)}, figures


def of_networks(problem):
    """Return the answers that need the trained networks and no surrogate."""

    def answer(draws):
        return draws.mean(axis=1), draws if draws.shape[1] > 1 else None

    def line(lam, share):
        ends = (problem.outputs[value] for value in problem.neighbours(lam))
        return answer(problem.line(*ends, share))

    def in_lambda(lam):
        low, high = problem.neighbours(lam)
        return line(lam, (lam - low) / (high - low))

    return {
        "nearest network": lambda lam: answer(problem.outputs[problem.nearest(lam)]),
        "lines in lambda": in_lambda,
        "lines": lambda lam: line(lam, problem.share(lam)),
    }


def largest_difference(problem, method):
    """Return how far answers at trained values are from an output of the network, at most."""
    found = []
    for value in problem.networks:
        mean, draws = method(value)
        answers = mean[:, None] if draws is None else draws
        pairs = zip(answers, problem.outputs[value], strict=True)
        found += [cdist(*pair, "chebyshev").min(axis=1).max() for pair in pairs]
    return max(found)


def errors(problem, method):
    """Return the errors of a method by measure, means over held-out values."""
    n, m, n_outputs = problem.shape
    found = {}
    for lam in problem.held_out:
        truth, (mean, draws) = problem.outputs[lam], method(lam)
        found.setdefault(MEAN, []).append(np.mean((mean - truth.mean(axis=1)) ** 2))
        if draws is not None:
            flat = (y.reshape(-1, n_outputs) for y in (truth, draws))
            distance = squared_wasserstein(*flat, groups=np.repeat(np.arange(n), m))
            pairs = zip(truth, np.repeat(draws[:, :, None], m, axis=2), strict=True)
            found.setdefault("W2^2", []).append(distance)
            found.setdefault("energy", []).append(np.mean([energy_score(*p) for p in pairs]))
    return {measure: float(np.mean(values)) for measure, values in found.items()}


PARTS = {"without": without_networks, "with": with_networks}


def judge(part, name, seed):
    """Return errors of one family {measure: {method: value}}, figures of the fit among them."""
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        problem = FAMILIES[name](seed)
        methods, figures = PARTS[part](problem, seed)
        found = {}
        for method, answer in methods.items():
            for measure, value in errors(problem, answer).items():
                found.setdefault(measure, {})[method] = value
    found[MEAN] |= figures
    return found


def table(runs):
    """Return the lines of a table of {family: what `judge` found, by seed}."""
    columns = list(next(iter(runs.values()))[0][MEAN])
    methods = [column for column in columns if column not in FIGURES]
    lines, ratios = [], []
    for name, by_seed in runs.items():
        for measure, row in by_seed[0].items():
            values = {c: np.mean([found[measure][c] for found in by_seed]) for c in row}
            unit = values[methods[-1]]
            cells = {c: f"{value / unit:.2f} ({value:.3g})" for c, value in values.items()}
            cells |= {c: f"{values[c]:.2g}" for c in FIGURES if c in values}
            label = name if measure == MEAN else f"{name}, {measure}"
            lines.append([label, *(cells.get(c, "") for c in columns)])
            if measure == MEAN:
                ratios.append([values[method] / unit for method in methods])
    middle = [f"{value:.2f}" for value in np.exp(np.mean(np.log(ratios), axis=0))]
    lines.append(["geometric mean", *middle, *[""] * (len(columns) - len(methods))])
    head = ["family", *columns]
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines)]


def main():
    """Print a table without networks and one with them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds")
    parser.add_argument("--only", choices=PARTS, help="one of the tables")
    args = parser.parse_args()
    for part in [args.only] if args.only else PARTS:
        runs = {name: [] for name in args.families}
        for name, seed in tqdm(list(product(args.families, range(args.seeds))), desc=part):
            runs[name].append(judge(part, name, seed))
        print(f"\n{part} networks\n", *table(runs), sep="\n", flush=True)


if __name__ == "__main__":
    main()
