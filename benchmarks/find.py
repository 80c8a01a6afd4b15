"""Whether `find_lam` recovers hidden networks: python -m benchmarks.find [--anchors 5]

Stored families of one answer per input. Trained values are those of the zoo's protocol; the
network at every other listed value is hidden, and `find_lam` gets its outputs on test rows.
Prints, by family, the median of the error in clock units (the trained range is one, in the time of
the fit), and which share of the 90 % intervals holds the true lambda.
"""

import argparse
import warnings

import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.design import find_lam

from .askable import lookup
from .zoo.registry import CARDS, load


def errors_of(family, n_anchors, seed):
    """Return the errors, in clock units, and whether intervals hold lambda, of hidden networks."""
    networks = {
        lam: lookup(family.X, family.at(lam, seed=seed)) for lam in family.anchors(n_anchors)
    }
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    model.fit(*family.training_set(n_anchors, seed=seed))
    time, rows = model._state.particle_field.scale.time, family.test_rows
    found = []
    for lam in sorted(set(family.lams) - set(networks)):
        answer = find_lam(model, family.X[rows], None, family.at(lam, seed=seed, rows=rows))
        off = abs(np.diff(time(np.array([lam, answer.lam])))[0])
        found.append((off, answer.interval[0] <= lam <= answer.interval[1]))
    return found


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=list(CARDS), metavar="NAME")
    parser.add_argument("--anchors", type=int, default=5, metavar="K")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    print("family".ljust(28), "median error", "coverage")
    for family in map(load, args.only):
        if not family.deterministic or args.anchors not in family.protocols:
            continue
        seeds = range(len(family.y))
        found = np.array([row for s in seeds for row in errors_of(family, args.anchors, s)])
        rows.append((np.median(found[:, 0]), found[:, 1].mean()))
        print(f"{family.name:28} {rows[-1][0]:12.4f} {rows[-1][1]:8.2f}")
    error, coverage = np.median([row[0] for row in rows]), np.mean([row[1] for row in rows])
    print(f"{'all':28} {error:12.4f} {coverage:8.2f}")


if __name__ == "__main__":
    main()
