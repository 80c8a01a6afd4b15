"""Indices from a surrogate and from true trainings: python -m benchmarks.sensitivity

Support vector regressions of the diabetes data at 16 (C, gamma) make a surrogate. Its
indices are compared with those of 400 trainings, whose values come from the same distribution:
for predictions at all inputs, and at single ones, where hyperparameters alone move the output and
errors of the surrogate count most. The errors of `ot_sensitivity` on known functions follow.
"""

import argparse

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.svm import SVR

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.inspection import sensitivity
from sklearn_hti.inspection._draws import draw_lambdas
from sklearn_hti.metrics import ot_sensitivity

NAMES = ["C", "gamma"]


def fit_surrogate(X, y, n_scattered, rng):
    """Return a surrogate of regressions at corners and scattered values."""
    corners = [(c, g) for c in (0.1, 100.0) for g in (1e-3, 10**-0.5)]
    scattered = 10 ** rng.uniform([-1, -3], [2, -0.5], size=(n_scattered, 2))
    lams = [*corners, *map(tuple, scattered.tolist())]
    networks = {(c, g): SVR(C=c, gamma=g).fit(X, y).predict for c, g in lams}
    outputs = np.concatenate([predict(X) for predict in networks.values()])
    lam = pd.DataFrame(np.repeat(lams, len(X), axis=0), columns=NAMES)
    surrogate = HyperparameterTrajectoryRegressor(networks=networks, validate=False)
    return surrogate.fit(np.tile(X, (len(lams), 1)), outputs, lam)


def compare(X, y, n_trainings=400, n_inputs=5, n_scattered=12, seed=0):
    """Return a frame: indices from trainings and from the surrogate, and their difference."""
    rng = np.random.default_rng(seed)
    X, y = X / X.std(axis=0), y / y.std()
    surrogate = fit_surrogate(X, y, n_scattered, rng)
    lams, _ = draw_lambdas(surrogate, n_trainings, "clock", rng)
    true = np.array([SVR(C=c, gamma=g).fit(X, y).predict(X) for c, g in lams])
    rows = []
    for i in [None, *rng.permutation(len(X))[:n_inputs]]:
        if i is None:  # runs at all inputs; slices of 20 trainings
            Z, Y = np.repeat(lams, len(X), axis=0), true.ravel()
            of_true = ot_sensitivity(Z, Y, n_slices=n_trainings // 20, random_state=seed)
        else:
            of_true = ot_sensitivity(lams, true[:, i], random_state=seed)
        inputs = X if i is None else X[[i]]
        found = sensitivity(surrogate, inputs, n_draws=4000, random_state=seed)
        for name, t, s in zip(NAMES, of_true["index"], found["index"][NAMES], strict=True):
            where = "all inputs" if i is None else f"input {i}"
            rows.append([where, name, t, s, abs(t - s)])
    return pd.DataFrame(rows, columns=["at", "of", "trainings", "surrogate", "difference"])


def draw_linear(n, rng):
    """Return Z and Y = A Z of three correlated inputs and two outputs."""
    Z = rng.multivariate_normal(np.zeros(3), 0.5 + 0.5 * np.eye(3), n)
    return Z, Z @ np.array([[4.0, -2, 1], [2, 5, -1]]).T


def draw_gaussian(n, rng, fraction):
    """Return Z, and Y whose variance it explains in part."""
    z, noise = rng.normal(size=(2, n))
    return z, np.sqrt(fraction) * z + np.sqrt(1 - fraction) * noise


def draw_ishigami(n, rng, a, b):
    """Return Z and the function of Ishigami and Homma."""
    Z = rng.uniform(-np.pi, np.pi, (n, 3))
    return Z, np.sin(Z[:, 0]) * (1 + b * Z[:, 2] ** 4) + a * np.sin(Z[:, 1]) ** 2


KNOWN = {
    "Gaussian, r2 = .1": (draw_gaussian, (0.1,), (0.0513,)),
    "Gaussian, r2 = .5": (draw_gaussian, (0.5,), (0.2929,)),
    "Gaussian, r2 = .9": (draw_gaussian, (0.9,), (0.6838,)),
    "linear, two outputs": (draw_linear, (), (0.4924, 0.5066, 0.1171)),
    "Ishigami, a = 7, b = .1": (draw_ishigami, (7, 0.1), (0.201, 0.275, 0.094)),
    "Ishigami, a = 2, b = 1": (draw_ishigami, (2, 1), (0.439, 0.0005, 0.531)),
}


def errors(name, n_rows, n_sets):
    """Return the errors (n_sets, p) of the indices of a function that is known."""
    draw, options, truth = KNOWN[name]
    found = []
    for seed in range(n_sets):
        Z, Y = draw(n_rows, np.random.default_rng(seed), *options)
        found.append(ot_sensitivity(Z, Y, random_state=seed)["index"])
    return np.array(found) - truth


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=10)
    parser.add_argument("--trainings", type=int, default=400)
    parser.add_argument("--scattered", type=int, default=12, help="trainings beside 4 corners")
    args = parser.parse_args()
    data = load_diabetes(return_X_y=True)
    print(compare(*data, args.trainings, n_scattered=args.scattered).round(3).to_string())
    for n_rows in (1000, 10_000):
        for name in KNOWN:
            found = errors(name, n_rows, args.sets)
            size = np.abs(found)
            print(
                f"{name}, {n_rows} rows: mean error {found.mean(axis=0).round(4)}, largest "
                f"{size.max(axis=0).round(4)}, summed {size.sum(axis=1).mean():.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
