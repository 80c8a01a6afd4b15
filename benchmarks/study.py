"""The study's experiments from `SKLEARN_HTI_DATA`: python -m benchmarks.study [--seeds 3]

Held-out lambdas of the `test` parts are for measuring only. Two moons: mean exact W2^2 per
class. Therapy policies, ten draws of a state: mean squared error of their means, ratio of their
standard deviations, and energy score. Deterministic networks: mean squared error row by row,
moved from the `base` outputs. The straight line runs evenly (identity clock) to the far anchor
as the surrogate predicts it: the data do not hold the far network's outputs at the test inputs.
"""

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.exceptions import ClockWarning
from sklearn_hti.metrics import energy_score, squared_wasserstein
from sklearn_hti.solvers import CouplingSolver

DOSES = (0.0, 0.0), (10.0, 8.0)  # least and most of both


def load(folder, name):
    """Return the parts of one file of reference data as dicts of arrays."""
    with np.load(folder / f"{name}.npz") as arrays:
        parts = {}
        for key in arrays:
            part, field = key.split("_", 1)
            parts.setdefault(part, {})[field] = arrays[key]
    return parts


def at(part, lam):
    """Return (X, y) of one lambda, rows in the order of `row`."""
    rows = np.flatnonzero(part["lam"] == lam)
    rows = rows[np.argsort(part["row"][rows], kind="stable")]
    return part["X"][rows], part["y"][rows].astype(float)


def fit(part, seed, **params):
    """Fit on a part; return the surrogate, CPU and wall seconds."""
    model = HyperparameterTrajectoryRegressor(random_state=seed, **params)
    cpu, wall = time.process_time(), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClockWarning)
        model.fit(part["X"], part["y"], part["lam"])
    return model, time.process_time() - cpu, time.perf_counter() - wall


def two_moons(folder, seeds):
    """Print the mean W2^2 of the default on the test lambdas, seed by seed."""
    parts = load(folder, "two_moons_dropout")
    train, test = parts["train"], parts["test"]
    lams = np.unique(test["lam"])
    X0, y0 = at(train, 0.0)

    def w2(lam, X, y):
        X_true, y_true = at(test, lam)
        return squared_wasserstein(y_true, y, groups=(X_true[:, 0], X[:, 0]))

    print("two_moons_dropout, W2^2 at test lambdas", lams.tolist())
    middle = at(train, 0.5)
    print(f"  no transport {np.mean([w2(lam, X0, y0) for lam in lams]):.4f}", end="  ")
    print(f"middle anchor copied {np.mean([w2(lam, *middle) for lam in lams]):.4f}")
    for seed in seeds:
        model, cpu, wall = fit(train, seed)
        errors = [w2(lam, X0, model.transport(X0, y0, lam_from=0.0, lam_to=lam)) for lam in lams]
        anchors = [
            squared_wasserstein(
                y, model.transport(X0, y0, lam_from=0.0, lam_to=a), groups=(X[:, 0], X0[:, 0])
            )
            for a, (X, y) in ((a, at(train, a)) for a in (0.5, 0.99))
        ]
        print(
            f"  seed {seed}: mean {np.mean(errors):.4f} {np.round(errors, 4)}  clock "
            f"{model.lam_transform_.name}  at anchors {np.round(anchors, 3)}  fit {cpu:.0f} s "
            f"CPU {wall:.0f} s wall",
            flush=True,
        )


def deterministic(folder, name, seeds):
    """Print the MSE for each clock, baselines, and the distance to the far anchor."""
    parts = load(folder, name)
    train, base, test = parts["train"], parts["base"], parts["test"]
    first, last = np.unique(train["lam"])[[0, -1]]
    lams = np.unique(test["lam"])
    X, y = at(base, first)
    truth = {lam: at(test, lam)[1] for lam in lams}
    print(f"{name}, mean squared error at test lambdas {lams.tolist()}")
    still = [np.mean((y - truth[lam]) ** 2) for lam in lams]
    print(f"  {'no transport':16s} {np.mean(still):.5f} {np.round(still, 5)}")
    for clock in ("identity", "probit", "log", "entropy", "auto"):
        rows = []
        for seed in seeds:
            params = {"lam_transform": None if clock == "identity" else clock}
            try:
                model, cpu, wall = fit(train, seed, **params)
            except ValueError as error:
                print(f"  {clock:16s} not defined: {str(error).split(';')[0]}")
                break
            moved = {lam: model.transport(X, y, lam_from=first, lam_to=lam) for lam in lams}
            rows.append([np.mean((moved[lam] - truth[lam]) ** 2) for lam in lams])
            far = model.transport(X, y, lam_from=first, lam_to=last)
            back = model.transport(X, far, lam_from=last, lam_to=first)
        if not rows:
            continue
        size = np.median(np.linalg.norm(far - y, axis=1))
        loop = np.median(np.linalg.norm(back - y, axis=1)) / size
        label = {"auto": f"default: {model.lam_transform_.name}", "identity": "straight line"}
        label = label.get(clock, clock)
        print(
            f"  {label:16s} {np.mean(rows):.5f} {np.round(np.mean(rows, axis=0), 5)}  "
            f"sd over seeds {np.std(np.mean(rows, axis=1)):.5f}  there and back {loop:.2%}  "
            f"fit {cpu:.0f} s CPU {wall:.0f} s wall",
            flush=True,
        )
    far_anchor(train, first, last, seeds)


def of_states(X, actions):
    """Return actions (states, draws, D): the draws of one state are the rows of equal X."""
    labels, counts = np.unique(X, axis=0, return_inverse=True, return_counts=True)[1:]
    order = labels.ravel().argsort(kind="stable")
    return actions[order].reshape(len(counts), -1, actions.shape[1])


def compare_actions(X, actions, truth):
    """Return the mean squared error of mean actions, ratios of deviations, energy score."""
    found, true = of_states(X, actions), of_states(X, truth)
    draws = np.repeat(found.swapaxes(0, 1), true.shape[1], axis=1)
    return (
        np.mean((found.mean(axis=1) - true.mean(axis=1)) ** 2),
        *found.std(axis=1).mean(axis=0) / true.std(axis=1).mean(axis=0),
        energy_score(true.reshape(-1, truth.shape[1]), draws),
    )


def therapies(folder, seeds):
    """Print how actions at other states compare, lambda by lambda."""
    parts = load(folder, "cancer_linear")
    train, base, test = parts["train"], parts["base"], parts["test"]
    lams = np.unique(test["lam"])
    X, y = at(base, 0.0)

    def compare(lam, actions):
        return compare_actions(X, actions, at(test, lam)[1])

    def show(name, figures):
        print(f"  {name:16s} {np.mean(figures, axis=0).round(3)}  {np.round(figures, 3).tolist()}")

    print(
        f"cancer_linear, mean squared error of mean actions, standard deviations of both doses "
        f"over the true ones, energy score; then each of {lams.tolist()}"
    )
    show("no transport", [compare(lam, y) for lam in lams])
    alone = {"solver": CouplingSolver(min_draws=0)}  # every state's draws by themselves
    for name, params in (("default", {}), ("min_draws=0", alone)):
        for seed in seeds:
            model, *_ = fit(train, seed, y_bounds=DOSES, **params)
            moved = [model.transport(X, y, lam_from=0.0, lam_to=lam) for lam in lams]
            show(f"{name}, {seed}", [compare(*one) for one in zip(lams, moved, strict=True)])


def far_anchor(train, first, last, seeds):
    """Print the MSE to the far anchor on a fifth of the inputs, left out of fitting."""
    rows = np.unique(train["row"])
    held = np.isin(train["row"], rows[-len(rows) // 5 :])  # the last ones: no neighbours in time
    known = {k: v[~held] for k, v in train.items()}
    unseen = {k: v[held] for k, v in train.items()}
    (X, y0), (_, y1) = at(unseen, first), at(unseen, last)
    (X_fit, y0_fit), (_, y1_fit) = at(known, first), at(known, last)
    linear = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 2, 13)))
    linear.fit(np.hstack([X_fit, y0_fit]), y1_fit)
    ridge = linear.predict(np.hstack([X, y0]))
    errors, loops = [], []
    for seed in seeds:
        model, *_ = fit(known, seed)
        moved = model.transport(X, y0, lam_from=first, lam_to=last)
        back = model.transport(X, moved, lam_from=last, lam_to=first)
        size = np.median(np.linalg.norm(moved - y0, axis=1))
        errors.append(np.mean((moved - y1) ** 2))
        loops.append(np.median(np.linalg.norm(back - y0, axis=1)) / size)
    print(
        f"  far anchor on unseen inputs, MSE: transport {np.mean(errors):.5f} "
        f"{np.round(errors, 5)}, linear regression {np.mean((ridge - y1) ** 2):.5f}, not moving "
        f"{np.mean((y0 - y1) ** 2):.5f}; there and back {np.mean(loops):.2%}"
    )


def main():
    """Run the experiments that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("SKLEARN_HTI_DATA"))
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    if not args.data or not (Path(args.data) / "two_moons_dropout.npz").exists():
        sys.exit(
            f"The study's data are not in {args.data!r}: name their folder by --data or "
            "SKLEARN_HTI_DATA."
        )
    folder, seeds = Path(args.data), range(args.seeds)
    two_moons(folder, seeds)
    therapies(folder, seeds)
    deterministic(folder, "ett_quantiles", seeds)
    deterministic(folder, "reacher", seeds)


if __name__ == "__main__":
    main()
