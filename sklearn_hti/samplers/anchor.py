"""At which anchor outputs are drawn: maps bring draws together, but split none that are equal."""

import numpy as np

from ..data.thinning import thinned
from ..stats.moments import scattered_moments

_FAR_LESS = 5.0  # times another anchor's, from which draws of the first are not spread out
_NOTHING = 1e-4  # of scaled outputs: draws that are nearer than this count as equal
_MOST = 0.5  # of the differences of draws: mostly equal
_FEWEST = 20  # rows of an anchor that tell how far apart draws are


def choose_anchor(data):
    """Return the number of the base anchor, how much farther apart draws are, and a fault.

    The first, unless two draws of one x are far farther apart at another: draws of a network
    without dropout are equal, those of a rare event mostly, and a map moves what is equal to one
    place. Then the anchor where they are farthest apart.

    Parameters
    ----------
    data : TrainingData
        All rows.

    Returns
    -------
    anchor : int
        Number of the anchor.
    ratio : float
        How many times as far apart draws of one x are there as at the first anchor.
    fault : str
        Why maps from the first anchor cannot spread its draws; empty where they can.
    """
    first = 0, 1.0, ""
    if np.bincount(data.anchors.index).min() < _FEWEST:
        return first
    rng = np.random.default_rng(0)
    data = thinned(data, data.budget.base, rng)
    anchors = range(len(data.anchors.lam))
    differences = [_between_draws(data, k, rng) for k in anchors]
    if all(differ is None for differ in differences):
        if data.facts.inputs_shared[0]:
            return first  # one answer per x
        differences = [_beside_mean(data, k, rng) for k in anchors]
    apart = np.array([_evenly_apart(differ) for differ in differences])
    most = int(apart.argmax())
    ratio = apart[most] / apart[0]
    return (most, float(ratio), _fault(differences[0])) if ratio > _FAR_LESS else first


def _fault(differences):
    """Return what is wrong with the draws of an anchor, to be told to users."""
    if differences is None:
        return "most x have one output each"
    equal = np.linalg.norm(differences, axis=1) <= _NOTHING
    return "outputs of one x are mostly equal" if np.mean(equal) > _MOST else ""


def _between_draws(data, anchor, rng):
    """Return differences of draws of one x, None where few rows have a second draw of theirs."""
    rows = rng.permutation(data.anchors.rows(anchor))
    rows = rows[np.argsort(data.groups[rows], kind="stable")]
    same = np.diff(data.groups[rows]) == 0
    if not data.facts.draws[anchor].mostly_repeated:
        return None
    return np.diff(data.y[rows], axis=0)[same]


def _beside_mean(data, anchor, rng):
    """Return differences of what the conditional mean leaves of single draws."""
    rows = rng.permutation(data.anchors.rows(anchor))
    left = data.y[rows] - scattered_moments(data, anchor).at(data, rows)[0]
    return np.diff(left, axis=0)


def _evenly_apart(differences):
    """Return the typical distance of two draws, less where many are equal or few far out.

    The geometric mean, times its ratio to the root mean square.
    """
    if differences is None or not len(differences):
        return _NOTHING
    size = np.maximum(np.linalg.norm(differences, axis=1), _NOTHING)
    return float(np.exp(2 * np.mean(np.log(size))) / np.sqrt(np.mean(size**2)))
