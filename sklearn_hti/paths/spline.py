"""Paths between two points: natural cubic splines, and constant speed along them."""

import numpy as np
from scipy.interpolate import CubicSpline


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
