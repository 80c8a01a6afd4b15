"""Joins: how paths go on at an anchor, and what their turns there say of them.

A network's output moves smoothly with lambda, through the anchors too. Geodesics are drawn
interval by interval, and what they turn at an anchor is an error of theirs or of the couplings.
"""

import warnings

import numpy as np
from numpy.polynomial import polynomial as poly
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from ._bends import bend_coefficients, fit_bends
from .paths.spline import retime

_SAMPLES = 32  # of a path, per interval
_CHUNK = 8192  # paths at once
_MIN_ROWS, _MAX_ROWS = 20, 200  # trajectories that tell noise apart


def join_paths(trajectories, data, rng):
    """Return trajectories whose paths turn at the anchors as little as they are known to.

    All bends are scaled by the factor in [0, 1] with which paths turn least at the anchors, in
    least squares: of bends that are no part of the truth, nothing is left. Cubic curves take
    up the turns that remain, but for what is noise in them: that which a Gaussian process of x
    leaves, nothing where networks are deterministic. Where x repeats, outputs are followed by
    couplings, which know too little of turns, and the paths stay as they are.

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
    whole, position = _whole(trajectories), _positions(trajectories.points)
    if position is None or whole.sum() < _MIN_ROWS:
        return trajectories
    rows = trajectories.rows[whole, 0]
    if len(np.unique(data.groups[rows])) < len(rows):
        return trajectories
    of_chords = _turns(trajectories.points, position)[whole]
    of_bends = _turns_of_bends(trajectories.bends, position)[whole]
    least = -np.sum(of_chords * of_bends) / max(np.sum(of_bends**2), np.finfo(float).tiny)
    bent = trajectories.bent(np.clip(least, 0, 1) * trajectories.bends)
    return join(bent, known_share(data.features[rows], of_chords, rng))


def join(trajectories, share=1.0):
    """Return trajectories that turn less at the anchors, by a share of what they do.

    Added is the cubic spline over the distance travelled on average, a parabola through three
    knots, of a polygon with these turns. Paths then run at constant speed in each interval;
    those that miss an anchor stay as they are.
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
    points, bends, whole = trajectories.points, trajectories.bends, _whole(trajectories)
    turns = share * (_turns(points, position) + _turns_of_bends(bends, position))
    step = np.diff(position)
    slopes = np.cumsum(np.insert(turns, 0, 0, axis=1), axis=1)
    polygon = np.insert(np.cumsum(slopes * step[:, None], axis=1), 0, 0, axis=1)
    spline = CubicSpline(position, polygon, axis=1)

    s = np.linspace(0, 1, _SAMPLES + 1)
    functions = poly.polyval(s, bend_coefficients(bends.shape[2]).T).T
    joined = []
    for k in range(len(step)):
        chord, side = (
            v[:, [k]] + s[:, None] * (v[:, [k + 1]] - v[:, [k]]) for v in (points, polygon)
        )
        path = chord + functions @ bends[:, k] + spline(position[k] + s * step[k]) - side
        speed = np.linalg.norm(np.diff(path, axis=1), axis=2)
        joined.append(fit_bends(retime(path, speed)))
    joined = np.stack(joined, axis=1)
    joined[~whole] = 0
    joined[~whole, :, : bends.shape[2]] = bends[~whole]
    return joined


def known_share(features, turns, rng):
    """Return which share of squared turns (n, K, D) is a smooth function of features (n, F).

    The rest is the white noise of the Gaussian process that explains them best.
    """
    some = rng.permutation(len(turns))[:_MAX_ROWS]
    features, turns = features[some], turns[some].reshape(len(some), -1)
    around = turns - turns.mean(axis=0)
    scale = np.sqrt(np.mean(around**2))
    if scale < 1e-6:  # of slopes, whose mean square is one: all turn alike
        return 1.0
    # what varies faster than from row to row is as good as noise
    nearest = max(np.median(cKDTree(features).query(features, k=2)[0][:, 1]), 1e-5)
    smooth = Matern(max(np.sqrt(features.shape[1]), nearest), (nearest, 1e5), nu=1.5)
    process = GaussianProcessRegressor(ConstantKernel() * smooth + WhiteKernel(0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # no noise is at the lower bound
        process.fit(features, around / scale)
    noise = process.kernel_.k2.noise_level * scale**2
    # two digits, which are the same however many threads there are
    return round(float(np.clip(1 - noise / np.mean(turns**2), 0, 1)), 2)


def _whole(trajectories):
    """Tell which trajectories pass all anchors."""
    return (trajectories.first == 0) & (trajectories.last == trajectories.points.shape[1] - 1)


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
