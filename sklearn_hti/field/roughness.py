"""How much of the increments of particles is noise of few draws (docs/method.md, equation 27)."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from .._utils.groupby import number_groups, rank_in_group
from .particles import follow

_N_SPLITS = 3
_MIN_DRAWS = 4  # of an input: halves of two


def measure_noise(outputs, groups, edges, rng):
    """Return the fraction of the squared increments that couplings of other draws do not share.

    The draws of each input are cut into halves, each half is followed on its own, and the
    increment of a particle is multiplied by that of the nearest particle of the other half:
    what both have in common is signal, the rest comes from which draws happened to be there.

    Parameters
    ----------
    outputs : ndarray of shape (M, n, D)
        Draws at every knot, for the same inputs in the same order.
    groups : ndarray of shape (n,)
        Number of the input of each row.
    edges : sequence of (int, int)
        Pairs of knots.
    rng : numpy.random.Generator
        Cuts the halves.

    Returns
    -------
    float
        From 0 to 1; 1 where no input has four draws.
    """
    groups = number_groups(groups)
    many = np.bincount(groups)[groups] >= _MIN_DRAWS
    outputs, groups = outputs[:, many], groups[many]
    if not len(groups):
        return 1.0
    common = total = 0.0
    for _ in range(_N_SPLITS):
        in_first = _half(groups, rng)
        halves = [
            (groups[mask], follow(outputs[:, mask], groups[mask], edges, rng))
            for mask in (in_first, ~in_first)
        ]
        for a, b in edges:
            here, there = (
                _Increments(points[:, b] - points[:, a], points[:, a], of) for of, points in halves
            )
            nearest = _nearest_in_group(here, there)
            common += np.sum(here.steps * there.steps[nearest])
            total += 0.5 * (np.sum(here.steps**2) + np.sum(there.steps**2))
    return float(np.clip(1 - common / total, 0, 1)) if total > 0 else 0.0


@dataclass(frozen=True)
class _Increments:
    """Increments of particles along one edge, where they start, and their inputs."""

    steps: np.ndarray
    starts: np.ndarray
    groups: np.ndarray


def _half(groups, rng):
    """Return a mask of half of the rows of each group, at random."""
    order = rng.permutation(len(groups))
    mask = np.empty(len(groups), dtype=bool)
    mask[order] = rank_in_group(groups[order])[0] % 2 == 0
    return mask


def _nearest_in_group(here, there):
    """Return for each particle the nearest start of the same input on the other side."""
    unit = np.sqrt(max(np.mean(np.var(here.starts, axis=0)), np.finfo(float).tiny))
    apart = 1e6 * unit  # no neighbour of another input
    points = [np.column_stack([side.starts, apart * side.groups]) for side in (here, there)]
    return KDTree(points[1]).query(points[0])[1]
