"""Couplings of many rows: python -m benchmarks.large [--rows 1024 8192] [--outputs 2 10 30]

Rows of a standard normal are coupled with other rows moved by a known optimal map, which is
affine, or monotone along axes of its own. Prints, for each way to couple, the mean squared
distance of the partners from where the map leads, over that of not moving, and CPU seconds. The
partners of independent samples cannot be nearer than `nearest`, the nearest rows there are.
"""

import argparse
import time
import warnings

import numpy as np
import ot
from scipy.spatial import cKDTree
from scipy.stats import ortho_group
from threadpoolctl import threadpool_limits

from sklearn_hti.solvers.affine import bures_map
from sklearn_hti.solvers.coupling import _split
from sklearn_hti.solvers.discrete import exact_plan

MAX_EXACT = 4096

RANK = 50


def affine(z):
    """Return the image of the coordinates: axes of different lengths."""
    return z * np.linspace(0.5, 2, z.shape[1]) + 1


def curved(z):
    """Return an image that no affine map has: the density falls apart around zero."""
    return z + 2 * np.tanh(3 * z)


def mini_batches(size):
    """Return exact couplings of random parts of at most `size` rows."""

    def couple(y0, y1, rng):
        moved = np.empty_like(y0)
        for i, j in _split(np.arange(len(y0)), np.arange(len(y1)), size, rng):
            plan = exact_plan(ot.dist(y0[i], y1[j]))
            moved[i] = y1[j[plan.argmax(axis=1)]]
        return moved

    return couple


def low_rank(y0, y1, rng):
    """Return partners drawn from a plan of low rank, which is never written out."""
    Q, R, _ = ot.lowrank_sinkhorn(y0, y1, rank=RANK, reg=0.0, warn=False, numItermax=200)
    of_row = _draw(Q / Q.sum(axis=1, keepdims=True), rng)
    moved = np.empty_like(y0)
    for r in np.unique(of_row):
        here = np.flatnonzero(of_row == r)
        moved[here] = y1[rng.choice(len(y1), len(here), p=R[:, r] / R[:, r].sum())]
    return moved


def _draw(weights, rng):
    return (
        (rng.random((len(weights), 1)) > weights.cumsum(axis=1))
        .sum(axis=1)
        .clip(max=weights.shape[1] - 1)
    )


def sliced(y0, y1, rng):
    """Return the best of 100 couplings along a line."""
    plan, _ = ot.sliced.min_sliced_transport_plan(y0, y1, n_projections=100, dense=False)
    return y1[plan.tocsr().indices]


def gaussian(y0, y1, rng):
    """Return where the affine map of the moments leads."""
    return bures_map(y0, y1)(y0)


WAYS = {
    "exact": (mini_batches(MAX_EXACT), MAX_EXACT),
    "mini-batches of 256": (mini_batches(256), None),
    "mini-batches of 1,024": (mini_batches(1024), None),
    f"low rank, {RANK}": (low_rank, None),
    "sliced": (sliced, None),
    "affine map": (gaussian, None),
}


def main():
    """Print one line per map, number of outputs, number of rows and way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1024, 8192])
    parser.add_argument("--outputs", type=int, nargs="+", default=[2, 10, 30])
    args = parser.parse_args()
    for function in (affine, curved):
        for n_outputs in args.outputs:
            for n_rows in args.rows:
                rng = np.random.default_rng(0)
                axes = ortho_group.rvs(n_outputs, random_state=rng)
                z0, z1 = rng.normal(size=(2, n_rows, n_outputs))
                y0, y1, goal = z0 @ axes, function(z1) @ axes, function(z0) @ axes
                still = np.mean((y0 - goal) ** 2)
                nearest = cKDTree(y1).query(goal)[0]
                figures = [f"nearest {np.mean(nearest**2) / n_outputs / still:.3f}"]
                for name, (couple, limit) in WAYS.items():
                    if limit is None or n_rows <= limit:
                        cpu = time.process_time()
                        with warnings.catch_warnings(), threadpool_limits(1):
                            warnings.simplefilter("ignore")
                            moved = couple(y0, y1, rng)
                        cpu = time.process_time() - cpu
                        error = np.mean((moved - goal) ** 2) / still
                        figures.append(f"{name} {error:.3f} ({cpu:.2f} s)")
                where = f"{function.__name__}, D = {n_outputs}, {n_rows} rows"
                print(f"{where}: {'; '.join(figures)}", flush=True)


if __name__ == "__main__":
    main()
