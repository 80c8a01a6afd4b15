"""What few noisy rows give: python -m benchmarks.few_rows [--rows 200 1000] [--seeds 0 1]

Every row has an x of its own and one noisy y, as tables of records have. Prints, by family, rows
and method, at the first anchor, between, and at the last: the squared error of the conditional
mean, the spread of draws over the true one, the share of the truth that the middle 90 % of draws
hold, and the energy distance of draws from true ones at new x; errors and distances over the
variance and the standard deviation of y. Means over seeds.
"""

import argparse
import warnings

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingRegressor

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import ConditionalFlowMatchingRegressor, DirectSurrogateRegressor

N_NUMBERS, N_NEW, N_DRAWS, N_TRUE = 9, 100, 200, 200
LAMS = (0.0, 0.5, 1.0)


def still(X, lam):
    """Return mean and spread of outputs that no lambda changes."""
    return 0.8 * X[:, 0] + 0.3 * np.sin(3 * X[:, 1]), np.full(len(X), 0.6)


def moving(X, lam):
    """Return mean and spread of outputs that bend, and that lambda gathers."""
    mean = (0.8 + 0.5 * lam) * X[:, 0] + lam * np.sin(2 * X[:, 1])
    return mean, np.full(len(X), 0.6 - 0.3 * lam)


def crossing(X, lam):
    """Return mean and spread of outputs that grow surer here and less sure there."""
    share = 1 / (1 + np.exp(-3 * X[:, 0]))
    return np.sin(2 * X[:, 0]) * (1 - lam), 0.2 + 0.6 * (share + lam * (1 - 2 * share))


FAMILIES = {f.__name__: f for f in (still, moving, crossing)}
METHODS = {
    "transport": HyperparameterTrajectoryRegressor,
    "flow matching": ConditionalFlowMatchingRegressor,
    "direct, boosting": lambda **options: DirectSurrogateRegressor(
        HistGradientBoostingRegressor(), random_state=options["random_state"]
    ),
}


def judge(family, make, n_rows, seed):
    """Return what `compare` does at every lambda, (3, 4)."""
    rng = np.random.default_rng([seed, n_rows])
    X, X_new = (rng.normal(size=(n, N_NUMBERS)) for n in (n_rows, N_NEW))
    lam = np.tile([0.0, 1.0], -(-n_rows // 2))[:n_rows]
    mean, spread = np.transpose(
        [np.where(lam == 0, *pair) for pair in zip(family(X, 0.0), family(X, 1.0), strict=True)]
    ).T
    y = mean + spread * rng.normal(size=n_rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make(lam_transform=None, random_state=seed).fit(X, y, lam)
        draws = [model.sample(X_new, at, n_samples=N_DRAWS, random_state=0) for at in LAMS]
    return [compare(d, *family(X_new, at), rng) for d, at in zip(draws, LAMS, strict=True)]


def compare(draws, mean, spread, rng):
    """Return error of the mean, spread, share held, and energy distance."""
    true = mean + spread * rng.normal(size=(N_TRUE, len(mean)))
    distance = np.mean(
        [
            2 * cdist(a, b).mean() - _among(a) - _among(b)
            for a, b in zip(draws.T[..., None], true.T[..., None], strict=True)
        ]
    )
    error = np.mean((draws.mean(axis=0) - mean) ** 2)
    share = draws.std(axis=0).mean() / spread.mean()
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    held = np.mean(norm.cdf(high, mean, spread) - norm.cdf(low, mean, spread))
    return error / true.var(), share, held, distance / true.std()


def _among(draws):
    n = len(draws)
    return cdist(draws, draws).sum() / (n * (n - 1))


def main():
    """Print one line per family, rows and method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 1000, 5000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    args = parser.parse_args()
    print(f"{'family':10}{'rows':>6}  {'method':18}{'error of the mean':>21}", end="")
    print(f"{'spread':>18}{'held':>18}{'energy distance':>21}   at lambda = {LAMS}")
    for name in args.families:
        for n_rows in args.rows:
            for method in args.methods:
                found = np.mean(
                    [judge(FAMILIES[name], METHODS[method], n_rows, s) for s in args.seeds], axis=0
                )
                print(f"{name:10}{n_rows:6}  {method:18}", end="")
                for values, digits in zip(found.T, (3, 2, 2, 3), strict=True):
                    print("  ", *(f"{v:.{digits}f}" for v in values), end="")
                print(flush=True)


if __name__ == "__main__":
    main()
