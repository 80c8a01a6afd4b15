"""Where trained values sit on the way of the outputs (docs/method.md, equation 32)."""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from sklearn.base import clone

from ..data.thinning import thinned
from ..paths import StraightGeodesic
from ..paths.trajectories import Trajectories, build_trajectories
from ..solvers.affine import affine_where_better
from ..stats.distances import half_distance

_N_SPLITS = 8  # of the noise of samples


@dataclass(frozen=True)
class Way:
    """Coupled outputs of a part of the data, followed through the trained values.

    `places` (K + 1,) says how far along their mean way the trained values sit, from 0 to 1; None
    where nothing moves, or several hyperparameters vary. `noise` (K + 1,) is the squared distance
    between samples of each, which coupled outputs are apart without any movement.
    """

    trajectories: Trajectories
    places: np.ndarray | None
    noise: np.ndarray


def way_reader(data, solver, rng):
    """Return a function that returns the Way of the data along chords, which is read once."""
    return cache(partial(read_way, data, solver, StraightGeodesic(), rng))


def read_way(data, solver, geodesic, rng):
    """Couple a part of the data and read off where the trained values sit on the way.

    Sampling noise is subtracted: the distance between two samples of one distribution.
    """
    data = thinned(data, data.budget.clock, rng)
    if "min_draws" in solver.get_params():
        solver = clone(solver).set_params(min_draws=0)  # that noise is of draws of one input
    plans = [solver.plan(data, edge, geodesic, rng) for edge in data.anchors.edges]
    trajectories = build_trajectories(data, plans, rng)
    noise = np.array([_noise(data, anchor, rng) for anchor in range(len(data.anchors.lam))])
    if noise.any() and getattr(solver, "affine", False):
        trajectories = affine_where_better(trajectories, data, rng)
    if trajectories.affine:
        noise = np.zeros_like(noise)
    if data.anchors.several:
        return Way(trajectories, None, noise)
    steps = np.diff(trajectories.points, axis=1)
    k = np.arange(steps.shape[1])
    inside = (trajectories.first[:, None] <= k) & (k < trajectories.last[:, None])
    squared = np.mean((steps**2).sum(axis=2), axis=0, where=inside)
    squared = np.maximum(squared - 0.5 * (noise[:-1] + noise[1:]), 0)
    way = np.cumsum(np.sqrt(squared))
    places = np.concatenate([[0.0], way / way[-1]]) if way[-1] > 0 else None
    return Way(trajectories, places, noise)


def _noise(data, anchor, rng):
    """Return W2^2 between samples of an anchor as large as it is, from those half as large."""
    rows, values, most = data.anchors.rows(anchor), [], data.budget.noise_draws
    for _ in range(_N_SPLITS):
        values.append(half_distance(data.y, data.groups, rng.permutation(rows), most))
        if not values[0]:
            return 0.0
    return 2 ** (-2 / max(data.facts.n_outputs, 2)) * float(np.mean(values))
