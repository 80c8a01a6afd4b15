"""Loop errors: what couplings along a tree leave open (docs/method.md, equation 18)."""

import numpy as np

from .._utils.tree import edges_left_out
from ..field.particles import partners_in_groups


def loop_errors(trajectories, data, rows, rng):
    """Return how far transport around a loop ends from where it began, by edges left out.

    An edge (a, b) that the tree leaves out closes a loop. Outputs of a are coupled with those of b
    directly, and the partner is compared with the particle's own output at b: the mean squared
    distance, over the variance at b. The shortest edges are taken, as many as the tree has.

    Parameters
    ----------
    trajectories : Trajectories
        Particles along the tree.
    data : TrainingData
        Rows that were coupled.
    rows : ndarray of shape (n,)
        Which trajectories are looked at.
    rng : numpy.random.Generator
        Splits inputs of many draws.
    """
    points, groups = trajectories.points[rows], data.groups[trajectories.origin[rows]]
    errors = []
    for a, b in edges_left_out(data.anchors.scale.place(data.anchors.lam)):
        there = points[:, b]
        partner = partners_in_groups(points[:, a], there, groups, rng)
        missed = np.mean(np.sum((there[partner] - there) ** 2, axis=1))
        spread = there.var(axis=0).sum()
        errors.append(float(missed / spread) if spread > 0 else 0.0)
    return errors
