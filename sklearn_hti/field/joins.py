"""Joins: how paths continue at an anchor, and what their kinks there tell about them.

The output of a network moves smoothly with lambda, also through the anchors. Geodesics are drawn
interval by interval; a kink at an anchor is an error of the geodesics or of the couplings.
"""

import numpy as np
from numpy.polynomial import polynomial as poly

from ..data.facts import DrawCounts
from ..paths.deviation import deviation_basis, fit_deviation
from ..paths.spline import retime
from .kinks import MIN_ROWS, signal_fraction, signal_fractions_of_draws

_SAMPLES = 32  # of a path, per interval
_CHUNK = 8192  # paths at once


def join_paths(trajectories, data, rng):
    """Return trajectories whose kinks at the anchors are reduced as far as the data support.

    Where every network answers every input once, all deviations are scaled by the factor in
    [0, 1] that makes the kinks smallest in least squares: a deviation that is no part of the
    truth gets the factor 0. Curves then remove the signal fraction of the remaining kinks. With
    many draws per input, deviations stay as they are, and curves remove the kinks that they do
    not explain. Affine trajectories through many draws stay as they are.

    Parameters
    ----------
    trajectories : Trajectories
        Through the anchors, with their deviations.
    data : TrainingData
        All encoded rows.
    rng : numpy.random.Generator
        Picks the trajectories that tell noise apart.

    Returns
    -------
    Trajectories
        The same knots, other deviations.
    """
    whole, position = trajectories.whole, _positions(trajectories.points)
    if position is None or whole.sum() < MIN_ROWS:
        return trajectories
    of_chords = _kinks(trajectories.points, position)[whole]
    of_deviation = _kinks_of_deviation(trajectories.deviation, position)[whole]
    rows, tiny = trajectories.rows[whole, 0], np.finfo(float).tiny
    if DrawCounts.of(data.groups[rows]).one_each:
        least = -np.sum(of_chords * of_deviation) / max(np.sum(of_deviation**2), tiny)
        kept = np.clip(least, 0, 1)
        fraction = signal_fraction(data.features[rows], of_chords, rng)
    elif trajectories.affine:
        return trajectories
    else:
        step = np.diff(position)
        # the slope of a short step does not hold over a long one
        even = np.minimum(step[1:], step[:-1]) / np.maximum(step[1:], step[:-1])
        left = np.sum((of_chords + of_deviation) ** 2) / max(np.sum(of_chords**2), tiny)
        known = signal_fractions_of_draws(data, rng, pooled=trajectories.pooled)
        kept, fraction = 1.0, min(left, 1.0) * (even * known)[:, None]
    return join(trajectories.deviating(kept * trajectories.deviation), fraction)


def join(trajectories, fraction=1.0):
    """Return trajectories with smaller kinks at the anchors, by a given fraction.

    The curve that is added is the difference of two lines through the knots, over the mean
    distance travelled: the cubic spline, a parabola at both ends, and a polygon with these
    kinks. Paths then run at constant speed in each interval. Trajectories that miss an anchor
    stay as they are.

    Parameters
    ----------
    trajectories : Trajectories
        Through the anchors, with their deviations.
    fraction : float or ndarray of shape (K - 1, 1), default=1.0
        Of the kink that is removed, at each inner anchor.

    Returns
    -------
    Trajectories
        The same knots, other deviations.
    """
    position = _positions(trajectories.points)
    if position is None:
        return trajectories
    deviation = [
        _joined(trajectories[begin : begin + _CHUNK], position, fraction)
        for begin in range(0, len(trajectories.points), _CHUNK)
    ]
    return trajectories.deviating(np.concatenate(deviation))


def _joined(trajectories, position, fraction):
    """Return the deviations of some trajectories, joined."""
    points, deviation, whole = trajectories.points, trajectories.deviation, trajectories.whole
    step = np.diff(position)
    kinks = fraction * (_kinks(points, position) + _kinks_of_deviation(deviation, position))
    second = _second_derivatives(kinks, step)

    s = np.linspace(0, 1, _SAMPLES + 1)[:, None]
    basis = poly.polyval(s[:, 0], deviation_basis(deviation.shape[2]).T).T
    joined = []
    for k in range(len(step)):
        start, end = second[:, [k]], second[:, [k + 1]]
        curve = step[k] ** 2 / 6 * (((1 - s) ** 3 - (1 - s)) * start + (s**3 - s) * end)
        chord = points[:, [k]] + s * (points[:, [k + 1]] - points[:, [k]])
        path = chord + basis @ deviation[:, k] + curve
        speed = np.linalg.norm(np.diff(path, axis=1), axis=2)
        joined.append(fit_deviation(retime(path, speed)))
    joined = np.stack(joined, axis=1)
    joined[~whole] = 0
    joined[~whole, :, : deviation.shape[2]] = deviation[~whole]
    return joined


def _second_derivatives(kinks, step):
    """Return those at all knots of the cubic spline of a polygon with these kinks, (N, K + 1, D).

    The same at both ends as at the next knot: a spline whose third derivative goes on through
    the second knot swings far where steps are uneven.
    """
    matrix = 2 * np.diag(step[:-1] + step[1:])
    matrix += np.diag(step[1:-1], 1) + np.diag(step[1:-1], -1)
    matrix[0, 0] += step[0]
    matrix[-1, -1] += step[-1]
    inner = np.einsum("ij,njd->nid", np.linalg.inv(matrix), 6 * kinks)
    return np.concatenate([inner[:, :1], inner, inner[:, -1:]], axis=1)


def _positions(points):
    """Return the distance travelled on average at each knot; None where none is between."""
    step = np.sqrt(np.mean(np.sum(np.diff(points, axis=1) ** 2, axis=2), axis=0))
    if len(step) < 2 or not step.any():
        return None
    return np.concatenate([[0.0], np.cumsum(np.maximum(step, 1e-9 * step.max()))])


def _kinks(points, position):
    """Return by how much the slopes of chords change at the inner knots, (N, K - 1, D)."""
    return np.diff(np.diff(points, axis=1) / np.diff(position)[:, None], axis=1)


def _kinks_of_deviation(deviation, position):
    """Return by how much deviations change the slopes at the inner knots, (N, K - 1, D)."""
    powers = deviation_basis(deviation.shape[2])
    slopes = poly.polyder(powers, axis=1)
    at_start, at_end = (
        np.tensordot(deviation, slopes @ [float(s) ** i for i in range(slopes.shape[1])], (2, 0))
        for s in (0, 1)
    )
    step = np.diff(position)[:, None]
    return (at_start / step)[:, 1:] - (at_end / step)[:, :-1]
