"""Joins: how paths go on at an anchor, and what their turns there say of them.

A network's output moves smoothly with lambda, through the anchors too. Geodesics are drawn
interval by interval, and what they turn at an anchor is an error of theirs or of the couplings.
"""

import numpy as np
from numpy.polynomial import polynomial as poly

from ..data.facts import DrawCounts
from ..paths.deviation import bend_coefficients, fit_bends
from ..paths.spline import retime
from .turns import MIN_ROWS, known_share, known_shares_of_draws

_SAMPLES = 32  # of a path, per interval
_CHUNK = 8192  # paths at once


def join_paths(trajectories, data, rng):
    """Return trajectories whose paths turn at the anchors as little as they are known to.

    Where every network answered every input once, all bends are scaled by the factor in [0, 1]
    with which paths turn least at the anchors, in least squares: of bends that are no part of
    the truth, nothing is left. Then curves take up the turns that remain, but for the share that
    is noise. Of many draws, bends stay, and curves take up turns as far as bends do not account
    for them: bends that do have the middle of the way right, too. Affine trajectories through
    many draws stay as they are.

    Parameters
    ----------
    trajectories : Trajectories
        Through the anchors, with their bends.
    data : TrainingData
        All encoded rows.
    rng : numpy.random.Generator
        Picks the trajectories that tell noise apart.

    Returns
    -------
    Trajectories
        The same knots, other bends.
    """
    whole, position = trajectories.whole, _positions(trajectories.points)
    if position is None or whole.sum() < MIN_ROWS:
        return trajectories
    of_chords = _turns(trajectories.points, position)[whole]
    of_bends = _turns_of_bends(trajectories.bends, position)[whole]
    rows, tiny = trajectories.rows[whole, 0], np.finfo(float).tiny
    if DrawCounts.of(data.groups[rows]).one_each:
        least = -np.sum(of_chords * of_bends) / max(np.sum(of_bends**2), tiny)
        kept = np.clip(least, 0, 1)
        share = known_share(data.features[rows], of_chords, rng)
    elif trajectories.affine:
        return trajectories
    else:
        step = np.diff(position)
        # what a short step tells of its slope does not reach over a long one
        even = np.minimum(step[1:], step[:-1]) / np.maximum(step[1:], step[:-1])
        left = np.sum((of_chords + of_bends) ** 2) / max(np.sum(of_chords**2), tiny)
        known = known_shares_of_draws(data, rng, pooled=trajectories.pooled)
        kept, share = 1.0, min(left, 1.0) * (even * known)[:, None]
    return join(trajectories.bent(kept * trajectories.bends), share)


def join(trajectories, share=1.0):
    """Return trajectories that turn less at the anchors, by a share of what they do.

    Added is what lies between a polygon with these turns, over the distance travelled on
    average, and the cubic spline through its knots, a parabola at both ends. Paths then run at
    constant speed in each interval; those that miss an anchor stay as they are.

    Parameters
    ----------
    trajectories : Trajectories
        Through the anchors, with their bends.
    share : float or ndarray of shape (K - 1, 1), default=1.0
        Of the turn, at each inner anchor.

    Returns
    -------
    Trajectories
        The same knots, other bends.
    """
    position = _positions(trajectories.points)
    if position is None:
        return trajectories
    bends = [
        _joined(trajectories[begin : begin + _CHUNK], position, share)
        for begin in range(0, len(trajectories.points), _CHUNK)
    ]
    return trajectories.bent(np.concatenate(bends))


def _joined(trajectories, position, share):
    """Return the bends of some trajectories, joined."""
    points, bends, whole = trajectories.points, trajectories.bends, trajectories.whole
    step = np.diff(position)
    turns = share * (_turns(points, position) + _turns_of_bends(bends, position))
    second = _second_derivatives(turns, step)

    s = np.linspace(0, 1, _SAMPLES + 1)[:, None]
    functions = poly.polyval(s[:, 0], bend_coefficients(bends.shape[2]).T).T
    joined = []
    for k in range(len(step)):
        start, end = second[:, [k]], second[:, [k + 1]]
        curve = step[k] ** 2 / 6 * (((1 - s) ** 3 - (1 - s)) * start + (s**3 - s) * end)
        chord = points[:, [k]] + s * (points[:, [k + 1]] - points[:, [k]])
        path = chord + functions @ bends[:, k] + curve
        speed = np.linalg.norm(np.diff(path, axis=1), axis=2)
        joined.append(fit_bends(retime(path, speed)))
    joined = np.stack(joined, axis=1)
    joined[~whole] = 0
    joined[~whole, :, : bends.shape[2]] = bends[~whole]
    return joined


def _second_derivatives(turns, step):
    """Return those at all knots of the cubic spline of a polygon with these turns, (N, K + 1, D).

    The same at both ends as at the next knot: a spline whose third derivative goes on through
    the second knot swings far where steps are uneven.
    """
    matrix = 2 * np.diag(step[:-1] + step[1:])
    matrix += np.diag(step[1:-1], 1) + np.diag(step[1:-1], -1)
    matrix[0, 0] += step[0]
    matrix[-1, -1] += step[-1]
    inner = np.einsum("ij,njd->nid", np.linalg.inv(matrix), 6 * turns)
    return np.concatenate([inner[:, :1], inner, inner[:, -1:]], axis=1)


def _positions(points):
    """Return the distance travelled on average at each knot; None where none is between."""
    step = np.sqrt(np.mean(np.sum(np.diff(points, axis=1) ** 2, axis=2), axis=0))
    if len(step) < 2 or not step.any():
        return None
    return np.concatenate([[0.0], np.cumsum(np.maximum(step, 1e-9 * step.max()))])


def _turns(points, position):
    """Return by how much the slopes of chords change at the inner knots, (N, K - 1, D)."""
    return np.diff(np.diff(points, axis=1) / np.diff(position)[:, None], axis=1)


def _turns_of_bends(bends, position):
    """Return by how much bends change the slopes at the inner knots, (N, K - 1, D)."""
    powers = bend_coefficients(bends.shape[2])
    slopes = poly.polyder(powers, axis=1)
    at_start, at_end = (
        np.tensordot(bends, slopes @ [float(s) ** i for i in range(slopes.shape[1])], (2, 0))
        for s in (0, 1)
    )
    step = np.diff(position)[:, None]
    return (at_start / step)[:, 1:] - (at_end / step)[:, :-1]
