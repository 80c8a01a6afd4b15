"""At which anchor outputs are drawn: where they tell most of the particles that pass them."""

import numpy as np
from scipy.spatial import cKDTree

from .._utils.groupby import mean_of_groups, number_groups, split_by_group
from ..data.facts import DrawCounts
from ..stats.moments import scattered_moments
from ..stats.selection import select

_CLEARLY = 1.0  # times its own loss: by so much more has the first anchor to lose
_FAR = 5.0  # times as far apart: draws that a map from the first anchor would stretch
_NOTHING = 1e-4  # a distance of scaled outputs that is none


def choose_anchor(data, trajectories):
    """Return the number of the base anchor.

    Draws are taken at one anchor and moved to the others by a function of the draw. It stretches
    the errors of draws that are far nearer to each other there than at another anchor: then that
    one takes the place of the first. Where draws of a network are few, or equal, no function can
    spread them. So every particle is predicted from the one that is nearest at the anchor, and
    another anchor is taken if it does clearly better.

    Parameters
    ----------
    data : TrainingData
        Rows that were coupled.
    trajectories : Trajectories
        Their outputs, followed through all anchors.
    """
    whole = trajectories[trajectories.whole]
    if len(whole.points) < 2 or data.facts.one_answer:
        return 0
    left, groups = _beside_means(data, whole)
    losses = np.zeros((left.shape[1], len(left)))
    for rows in split_by_group(groups):
        if len(rows) > 1:
            for anchor, loss in enumerate(losses):
                nearest = rows[_nearest(left[rows, anchor])]
                loss[rows] = np.sum((left[rows] - left[nearest]) ** 2, axis=(1, 2))
    size = np.maximum(np.linalg.norm(left, axis=2), _NOTHING)
    # less where many draws are equal, or few far out
    apart = np.exp(2 * np.mean(np.log(size), axis=0)) / np.sqrt(np.mean(size**2, axis=0))
    start = int(apart.argmax()) if apart.max() > _FAR * apart[0] else 0
    order = [start, *np.delete(np.arange(len(losses)), start)]
    return order[select(losses[order], relative=_CLEARLY, compare="best").index]


def _beside_means(data, whole):
    """Return particles without the mean of their input, and which may be compared."""
    origin = whole.origin
    groups = number_groups(data.groups[origin])
    if DrawCounts.of(groups).show_spread:
        n, n_knots, n_outputs = whole.points.shape
        means = mean_of_groups(groups, whole.points.reshape(n, -1))
        return whole.points - means[groups].reshape(n, n_knots, n_outputs), groups
    left = np.empty_like(whole.points)
    for anchor in range(left.shape[1]):
        means, _ = scattered_moments(data, anchor).at(data, origin)
        left[:, anchor] = whole.points[:, anchor] - means
    return left, np.zeros(len(left), dtype=int)


def _nearest(y):
    """Return for each row of y (n, D) the nearest other one."""
    found = cKDTree(y).query(y, k=2)[1]
    return np.where(found[:, 1] == np.arange(len(y)), found[:, 0], found[:, 1])
