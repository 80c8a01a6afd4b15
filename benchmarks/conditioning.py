"""How x enters the networks: python -m benchmarks.conditioning [--seeds 3] [--jobs 1]

Hypernetwork, FiLM and concatenation, linear and sinusoidal encoding, starts of the networks:
families of known truth, of which `make_rotations` turns discs by an angle that depends on x.
Each line has the mean exact W2^2 over x, at the lambdas half-way between anchors, of fresh
draws (50 per x, 300 per category) moved from lambda = 0 against fresh draws of the truth, and
the root mean square distance of the moved draws to where the true map moves them; on x of fit
and on new x. The floor moves the draws by the true map. Means over seeds; sd: the standard
deviation over seeds of W2^2 on new x, or on those of fit where there are no others.
"""

import argparse
import time
import warnings
from contextlib import nullcontext
from itertools import islice, product
from unittest.mock import patch

import numpy as np
from joblib import Parallel, delayed

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_gaussians, make_rotations, make_semicircles
from sklearn_hti.exceptions import TrajectoryWarning
from sklearn_hti.metrics import squared_wasserstein
from sklearn_hti.nn import Conditioning
from sklearn_hti.nn.modules import ConditionalMLP
from sklearn_hti.solvers import NeuralDual

KINDS = ("film", "concat", "hypernetwork")
ENCODINGS = ("linear", "sinusoidal")
BETWEEN = (0.25, 0.75)
N_JUDGED, N_DRAWS = 40, 50
N_DRAWS_OF_CATEGORY = 300

# paths that bend as little as can be: what is left is the error of the networks
SMOOTH = {"kinetic": "euclidean", "potential": None, "path": "smooth"}
ROTATIONS = {
    "rotations": {"n_conditions": 60},
    "two inputs": {"n_conditions": 100, "n_features": 2},
    "nine turns": {"n_conditions": 100, "n_turns": 9},
    "mixed": {"n_conditions": 100, "with_sense": True},
}
CATEGORICAL = {"semicircles": (make_semicircles, 100), "gaussians": (make_gaussians, 300)}


def variants():
    """Yield (part, family, kind, encoding, start, parameters of the estimator)."""
    for family, kind, encoding in product(ROTATIONS, KINDS, ENCODINGS):
        yield "coupling", family, kind, encoding, "zero", SMOOTH
    for family, kind in product(CATEGORICAL, KINDS):
        yield "categorical", family, kind, "linear", "zero", {}
    for kind in KINDS:
        yield "defaults", "rotations", kind, "linear", "zero", {}
    for kind in KINDS:
        yield "start", "rotations", kind, "linear", "random", SMOOTH
    starts = {"zero": None, "random": 0, "100 steps": 100}
    for kind, encoding, (start, n_steps) in product(KINDS, ENCODINGS, starts.items()):
        dual = SMOOTH | {"solver": NeuralDual(pretrain_iter=n_steps)}
        yield "dual", "rotations", kind, encoding, start, dual


def run(seed, part, family, kind, encoding, start, params):
    """Return the figures on x of fit and on new x, (2, 3), and CPU seconds of the fit."""
    if family in CATEGORICAL:
        make, n_samples = CATEGORICAL[family]
        data, categorical = make(n_samples, random_state=seed), [0]
    else:
        data = make_rotations(**ROTATIONS[family], random_state=seed)
        categorical = [1] if family == "mixed" else None
    model = HyperparameterTrajectoryRegressor(
        conditioning=Conditioning(kind, encoding),
        lam_transform=None,
        categorical_features=categorical,
        base="neighbors",
        random_state=seed,
        **params,
    )
    cpu = time.process_time()
    with warnings.catch_warnings(), random_start() if part == "start" else nullcontext():
        warnings.simplefilter("ignore", TrajectoryWarning)
        model.fit(data.X, data.y, data.lam)
    cpu = time.process_time() - cpu
    figures = np.full((2, 3), np.nan)
    n_draws = N_DRAWS if family in ROTATIONS else N_DRAWS_OF_CATEGORY
    seen = np.random.default_rng(seed).permutation(np.unique(data.X, axis=0))[:N_JUDGED]
    figures[0] = judge(model, data.truth, seen, n_draws, seed)
    if family in ROTATIONS:
        new = data.truth.conditions(N_JUDGED, random_state=1000 + seed)
        figures[1] = judge(model, data.truth, new, n_draws, seed)
    return figures, cpu


def random_start():
    """Leave the output layers of all networks as torch would draw them."""
    return patch.object(ConditionalMLP, "init_parameters", lambda self, generator: None)


def judge(model, truth, X, n_draws, seed):
    """Return W2^2 per x, its floor, and the distance to the true map (nan: not known)."""
    group = np.repeat(np.arange(len(X)), n_draws)
    X = X[group]
    y, other = (truth(X, 0.0, random_state=10_000 * seed + k) for k in (1, 2))
    exact = getattr(truth, "transport", None)
    figures = []
    for k, lam in enumerate(BETWEEN):
        fresh = truth(X, lam, random_state=10_000 * seed + k + 3)
        moved = model.transport(X, y, lam_from=0.0, lam_to=lam)
        floor = truth(X, lam, random_state=10_000 * seed + k + 5)
        error = np.nan
        if exact is not None:
            floor = exact(X, other, 0.0, lam)
            error = np.sqrt(np.mean(np.sum((moved - exact(X, y, 0.0, lam)) ** 2, axis=1)))
        w2, least = (squared_wasserstein(fresh, z, groups=group) for z in (moved, floor))
        figures.append((w2, least, error))
    return np.mean(figures, axis=0)


def main():
    """Print one line per variant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="fits that run at once")
    parts = list(dict.fromkeys(part for part, *_ in variants()))
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    args = parser.parse_args()
    asked = [variant for variant in variants() if variant[0] in args.parts]
    jobs = (delayed(run)(seed, *variant) for variant in asked for seed in range(args.seeds))
    runs = Parallel(args.jobs, return_as="generator")(jobs)
    print(
        "| part | family | kind | encoding | start | floor | W² seen | W² new | sd | RMSE seen | "
        "RMSE new | CPU s |"
    )
    print("|" + " --- |" * 12)
    for *names, _ in asked:
        of_seeds = list(islice(runs, args.seeds))
        figures = np.array([figures for figures, _ in of_seeds])
        (seen, floor, seen_error), (new, _, new_error) = figures.mean(axis=0)
        spread = figures[:, 0 if np.isnan(new) else 1, 0].std()
        numbers = (floor, seen, new, spread, seen_error, new_error)
        cells = [f"{v:.3f}".lstrip("0") if np.isfinite(v) else "" for v in numbers]
        cpu = np.mean([cpu for _, cpu in of_seeds])
        print("| " + " | ".join([*names, *cells, f"{cpu:.0f}"]) + " |", flush=True)


if __name__ == "__main__":
    main()
