"""Trained outputs that go against the direction that `monotone` names."""

import numpy as np

from .._utils.findings import warn
from ..data.facts import SAME_DRAWS
from ..exceptions import TrajectoryWarning
from ..field.monotone import projected


def warn_if_crossing(monotone, particles, outputs):
    """Warn of particles (N, M, D), scaled, that are projected, and by how much.

    Parameters
    ----------
    monotone : tuple of int or None
        The direction of every output.
    particles : ndarray of shape (N, M, D)
        Outputs of the trained values, followed.
    outputs : OutputSpace
        The outputs.
    """
    if monotone is None or not len(particles):
        return
    there = projected(particles, np.array(monotone))
    moved = np.abs(there - particles).max(axis=1) > np.sqrt(SAME_DRAWS)
    if not moved.any():
        return
    change = np.abs(outputs.decode(there) - outputs.decode(particles))
    share = np.mean(moved[:, np.array(monotone) != 0])
    mean, most = change.max(axis=1)[moved].mean(), change.max()
    warn(
        f"monotone: {share:.1%} of the trained outputs, followed along lambda, go against it. "
        f"They are moved by {mean:.2g} on average and {most:.2g} at most (in units of y). Answers "
        "at trained values are not exact for them.",
        TrajectoryWarning,
    )
