"""What a codec of outputs leaves out of them."""

import numpy as np

from .._utils.findings import warn
from ..data.budget import BUDGET
from ..exceptions import TrajectoryWarning
from .diagnostics import SHORT
from .left_out import spread_out

_MAX_WHOLE = 256  # particles of all outputs


def check_remainder(problem, particles, asked):
    """Return what a codec of outputs leaves out; nothing without a codec.

    Keys are ``n_coordinates``, and ``lost_of_variance`` and ``lost_of_movement``: the mean square
    that is left out, of the variance of outputs and of the mean squared distance between
    neighbouring trained values, nan if no input is known at all of them.

    Parameters
    ----------
    problem : Problem
        The rows of the fit.
    particles : ndarray of shape (N, M, R)
        Particles in scaled units.
    asked : bool
        Whether networks are asked, whose answers lose nothing.
    """
    space, edges = problem.outputs, np.asarray(problem.data.anchors.edges)
    if space.codec is None:
        return {}
    some = spread_out(problem.y, BUDGET.checked_rows)
    free = space.free(some)
    lost = np.mean(np.sum(space.rest(some) ** 2, axis=1))
    variance = np.sum(np.var(free / space.codec.scale, axis=0))
    moved = np.nan
    if len(particles):
        points = space.codec.decode(space.scaler.decode(spread_out(particles, _MAX_WHOLE)))
        way = (points[:, edges[:, 1]] - points[:, edges[:, 0]]) / space.codec.scale
        moved = np.mean(np.sum(way**2, axis=2))
    record = {
        "n_coordinates": space.n_coordinates,
        "lost_of_variance": _fraction(lost, variance),
        "lost_of_movement": _fraction(lost, moved),
    }
    if record["lost_of_movement"] > SHORT and not asked:
        warn(
            f"y: {space.n_coordinates} coordinates represent {space.n_outputs} outputs. They "
            f"leave out {record['lost_of_movement']:.2g} of the movement between trained values "
            "(mean squares). Answers at new inputs, and draws, lack it. Pass networks=, which "
            "lose nothing, or use output_transform=None, which keeps all outputs but is slower.",
            TrajectoryWarning,
        )
    return record


def _fraction(part, whole):
    """Return a part of a whole; 0 of nothing."""
    return float(part / whole) if part > 0 else 0.0
