"""Paths between two points: natural cubic splines, and constant speed along them."""

import numpy as np
from scipy.interpolate import CubicSpline

_SEGMENTS = 32  # of a curve, per interval, at least about


def spline_basis(n_nodes, n_segments):
    """Return B (n_segments + 1, n_nodes): natural cubic splines, zero at both ends.

    Column m is one at interior node m and zero at the other nodes.
    """
    nodes = np.linspace(0, 1, n_nodes + 2)
    values = np.eye(n_nodes + 2)[:, 1:-1]
    spline = CubicSpline(nodes, values, bc_type="natural")
    basis = spline(np.linspace(0, 1, n_segments + 1))
    basis[[0, -1]] = 0.0
    return basis


def retime(path, speed):
    """Resample paths (N, T + 1, D) so that their speed (N, T) in each segment is constant."""
    length = np.hstack([np.zeros((len(path), 1)), np.cumsum(speed, axis=1)])
    total = length[:, -1:]
    n_segments = path.shape[1] - 1
    # a path of length zero stays where it is
    length = np.where(total > 0, length / np.where(total > 0, total, 1), 0)
    s = np.linspace(0, 1, n_segments + 1)
    # position of s among the sorted lengths of each row: offset rows to search them at once
    shift = 2.0 * np.arange(len(path))[:, None]
    k = np.searchsorted((length + shift).ravel(), (s + shift).ravel(), side="right")
    k = (k.reshape(len(path), -1) - 1) - (n_segments + 1) * np.arange(len(path))[:, None]
    k = np.clip(k, 0, n_segments - 1)
    low, high = np.take_along_axis(length, k, 1), np.take_along_axis(length, k + 1, 1)
    gap = high - low
    fraction = np.clip((s - low) / np.where(gap > 0, gap, 1), 0, 1)[:, :, None]
    y0, y1 = (np.take_along_axis(path, (k + i)[:, :, None], 1) for i in (0, 1))
    resampled = y0 + fraction * (y1 - y0)
    resampled[:, [0, -1]] = path[:, [0, -1]]
    return resampled


def smooth_between(trajectories, n_points):
    """Return evenly spaced points (N, K, n_points, D) of curves through the anchors.

    Cubic splines over the distance that is travelled on average, parabolas at both ends, of
    constant speed in each interval; chords where a trajectory misses an anchor. None where no
    anchor lies between others, or nothing moves.
    """
    points = trajectories.points
    step = np.sqrt(np.mean(np.sum(np.diff(points, axis=1) ** 2, axis=2), axis=0))
    if len(step) < 2 or not step.any():
        return None
    step = np.maximum(step, 1e-9 * step.max())
    kinks = np.diff(np.diff(points, axis=1) / step[:, None], axis=1)
    # second derivatives at the ends are those of the next knots: third ones swing uneven steps
    matrix = 2 * np.diag(step[:-1] + step[1:])
    matrix += np.diag(step[1:-1], 1) + np.diag(step[1:-1], -1)
    matrix[0, 0] += step[0]
    matrix[-1, -1] += step[-1]
    second = np.einsum("ij,njd->nid", np.linalg.inv(matrix), 6 * kinks)
    second = np.concatenate([second[:, :1], second, second[:, -1:]], axis=1)
    second[~trajectories.whole] = 0

    per_point = _SEGMENTS // (n_points + 1)
    s = np.linspace(0, 1, per_point * (n_points + 1) + 1)[:, None]
    between = []
    for k, length in enumerate(step):
        start, end = second[:, [k]], second[:, [k + 1]]
        curve = length**2 / 6 * (((1 - s) ** 3 - (1 - s)) * start + (s**3 - s) * end)
        path = (1 - s) * points[:, [k]] + s * points[:, [k + 1]] + curve
        path = retime(path, np.linalg.norm(np.diff(path, axis=1), axis=2))
        between.append(path[:, per_point:-1:per_point])
    return np.stack(between, axis=1)
