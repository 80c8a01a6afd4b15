"""What `monotone` costs, and what it mends: python -m benchmarks.monotone

Levels of quantiles and expectiles of the zoo, whose networks are asked at 3 and 5 trained values.
Prints the share of test outputs that cross somewhere between the ends, on 101 levels, and
the mean squared error at held-out levels, without `monotone` and with it; means of three seeds.
"""

import argparse
import warnings

import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor

from .tasks import make_task

FAMILIES = ("quantile_diabetes", "quantile_sunspots", "expectile_elnino")


def figures(task, monotone):
    """Return the share of outputs that cross, and the error, of one task."""
    model = HyperparameterTrajectoryRegressor(base=None, monotone=monotone, random_state=0)
    model.fit(task.X, task.y, task.lam)
    outputs, lams = task.questions[0].asked
    path = [
        model.interpolate(task.questions[0].X, outputs, lams=lams, lam=lam)
        for lam in np.linspace(lams[0], lams[-1], 101)
    ]
    crossing = (np.diff(path, axis=0) < -1e-9).any(axis=0).mean()
    return crossing, task.score(model)["score"]


def main():
    """Print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    warnings.simplefilter("ignore")
    print("family".ljust(22), "crossing, error without and with monotone=1")
    for name in (f"{family}/{n}" for family in FAMILIES for n in (3, 5)):
        tasks = [make_task(name, seed) for seed in range(3)]
        found = [np.mean([figures(task, m) for task in tasks], axis=0) for m in (None, 1)]
        print(name.ljust(22), *(f"{share:8.1%} {error:8.5f}" for share, error in found))


if __name__ == "__main__":
    main()
