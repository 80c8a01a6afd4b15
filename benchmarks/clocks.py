"""Which clock scikit-learn models keep: python -m benchmarks.clocks [--draws 6]

Trains each model at about forty values of a hyperparameter, takes a few of them as anchors (the
ends, and others at random), and asks straight lines between their outputs for all the others.
Prints, by family, the root mean square error over the way from the first anchor to the last:
with a linear clock, the one that the range suggests, what "auto" makes of it, and the best that
any time on the lines could do. Then means of the families by suggested clock, and by number of
anchors. A minute.
"""

import argparse
import warnings
from types import SimpleNamespace

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, make_friedman1
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LogisticRegression,
    QuantileRegressor,
    Ridge,
)
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.svm import SVR

from sklearn_hti import sweep
from sklearn_hti.clocks.clock import Clock
from sklearn_hti.clocks.curve import fit_curve
from sklearn_hti.clocks.selection import confirmed_rule, suggested_rule
from sklearn_hti.clocks.time_scale import FROM_ZERO, CurvedScale
from sklearn_hti.clocks.warps import WarpClock

COLUMNS = ("linear", "range", "auto", "best")
N_ANCHORS = (3, 4, 5)


def wave():
    """Return noisy waves over two numbers."""
    rng = np.random.default_rng(3)
    X = rng.uniform(-2, 2, (300, 2))
    return X, np.sin(2 * X[:, 0]) + np.abs(X[:, 1]) + 0.3 * rng.normal(size=300)


DATA = {
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "friedman": lambda: make_friedman1(400, noise=1.0, random_state=1),
    "wave": wave,
}


def far(low, high):
    """Return values evenly spread on a logarithmic scale."""
    return np.geomspace(low, high, 41)


def even(low, high):
    """Return values evenly spread."""
    return np.linspace(low, high, 41)


SPLINES = make_pipeline(SplineTransformer(12), Ridge())
REGRESSORS = (
    ("ridge", Ridge(), "alpha", far(0.1, 1e4)),
    ("lasso", Lasso(), "alpha", far(0.003, 1)),
    ("SVM, C", SVR(), "C", far(0.01, 10)),
    ("SVM, gamma", SVR(), "gamma", far(0.003, 1)),
    ("kernel ridge, alpha", KernelRidge(kernel="rbf", gamma=0.5), "alpha", far(1e-3, 100)),
    ("kernel ridge, gamma", KernelRidge(kernel="rbf", alpha=0.1), "gamma", far(0.03, 10)),
    ("splines", SPLINES, "ridge__alpha", far(1e-3, 100)),
    ("network", MLPRegressor(hidden_layer_sizes=(30,), max_iter=400), "alpha", far(1e-2, 30)[::3]),
    ("neighbours", KNeighborsRegressor(), "n_neighbors", range(1, 101, 3)),
    ("ridge, from 0", Ridge(), "alpha", even(0, 300)),
    ("lasso, from 0", Lasso(), "alpha", even(1e-4, 0.6)),
    ("elastic net, share", ElasticNet(alpha=0.3), "l1_ratio", even(0.02, 1)),
    ("SVM, C, even", SVR(), "C", even(0.05, 4)),
    ("SVM, epsilon", SVR(), "epsilon", even(0, 1)),
    ("neighbours, few", KNeighborsRegressor(), "n_neighbors", range(1, 42)),
    ("kernel ridge, gamma, even", KernelRidge(kernel="rbf", alpha=0.1), "gamma", even(0.1, 5)),
    ("boosting, trees", GradientBoostingRegressor(), "n_estimators", range(5, 205, 10)),
    ("Huber", HuberRegressor(max_iter=1000), "epsilon", even(1.01, 5)),
    ("levels", QuantileRegressor(alpha=0, solver="highs"), "quantile", even(0.02, 0.98)[::2]),
    ("inner levels", QuantileRegressor(alpha=0, solver="highs"), "quantile", even(0.1, 0.9)[::2]),
)


def families():
    """Yield (name, values, outputs at each of them)."""
    for data, load in DATA.items():
        X, y = load()
        X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
        for name, model, parameter, values in REGRESSORS:
            yield f"{name}: {data}", *outputs(model, parameter, values, X, y, "predict")
    X, y = load_breast_cancer(return_X_y=True)
    X, model = StandardScaler().fit_transform(X), LogisticRegression(max_iter=5000)
    for name, values in (("logistic", far(1e-4, 10)), ("logistic, even", even(0.05, 4))):
        found = outputs(model, "C", values, X, y, "predict_proba")
        yield f"{name}: cancer", *found


def outputs(model, parameter, values, X, y, method):
    """Return the values of lambda, and what models trained at them say of half of the rows."""
    given, asked, target, _ = train_test_split(X, y, test_size=0.5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = sweep(model, parameter, values, given, target, asked, method=method, random_state=0)
    y = np.stack([data.y[data.lam == value].ravel() for value in values])
    return np.array(values, dtype=float), y


def errors(lam, y, anchors):
    """Return the relative errors of straight lines by each clock, and the least there could be."""
    held = np.setdiff1d(np.arange(len(lam)), anchors)
    ends, y_at = lam[anchors], y[anchors]
    way = np.cumsum([0, *np.sqrt(np.mean(np.diff(y_at, axis=0) ** 2, axis=1))])
    straight = SimpleNamespace(points=y_at.T[:, :, None], whole=np.ones(y.shape[1], dtype=bool))
    kept, around = confirmed_rule(ends, straight), (ends[0], ends[-1])
    curve = fit_curve(kept.fraction(ends, *around), way / way[-1], trend=kept.name in FROM_ZERO)
    rules = {
        "linear": WarpClock("identity"),
        "range": suggested_rule(ends),
        "auto": CurvedScale(kept, *around, curve),
    }
    times = {name: Clock(rule, ends, "").time(lam[held]) for name, rule in rules.items()}
    k = np.searchsorted(ends, lam[held]) - 1
    line = y_at[k + 1] - y_at[k]
    along = np.sum((y[held] - y_at[k]) * line, axis=1) / np.maximum(np.sum(line**2, axis=1), 1e-12)
    times["best"] = k + np.clip(along, 0, 1)
    return {
        name: np.sqrt(np.mean((y_at[k] + (t - k)[:, None] * line - y[held]) ** 2)) / way[-1]
        for name, t in times.items()
    }


def some_anchors(n_values, n_anchors, n_draws, rng):
    """Yield even anchors, and others at random that are not neighbours; the ends always."""
    yield np.linspace(0, n_values - 1, n_anchors).round().astype(int)
    while n_draws > 1:
        inner = rng.choice(np.arange(2, n_values - 2), n_anchors - 2, replace=False)
        anchors = np.sort([0, *inner, n_values - 1])
        if np.diff(anchors).min() > 1:
            n_draws -= 1
            yield anchors


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=6, help="choices of anchors, of each number")
    args = parser.parse_args()
    print(_line(["family", "suggested", *COLUMNS]), "| --- " * (2 + len(COLUMNS)) + "|", sep="\n")
    groups = {}
    for name, lam, y in families():
        rng, found = np.random.default_rng(0), []
        suggested = suggested_rule(lam[[0, -1]]).name
        for n in N_ANCHORS:
            for anchors in some_anchors(len(lam), n, args.draws, rng):
                found.append(list(errors(lam, y, anchors).values()))
                groups.setdefault(f"{n} anchors", []).append(found[-1])
        groups.setdefault(f"clock: {suggested}", []).append(np.mean(found, axis=0))
        print(_line([name, suggested, *_cells(found)]), flush=True)
    for name, found in sorted(groups.items()):
        print(_line([f"**{name}**", "", *_cells(found)]))


def _cells(found):
    """Return means as text."""
    return [f"{error:.3f}" for error in np.mean(found, axis=0)]


def _line(cells):
    """Return a line of a table."""
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()
