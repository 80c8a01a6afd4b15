"""Piecewise linear functions that go on beyond their ends."""

import numpy as np


def straight_on(x, knots, values):
    """Return `numpy.interp`, which beyond the ends goes on with the slope of the last piece.

    Parameters
    ----------
    x : ndarray
        Where.
    knots, values : ndarray of shape (N,)
        Increasing knots, and the values there.
    """
    x = np.asarray(x, dtype=float)
    found = np.interp(x, knots, values)
    for outside, end, next_to_it in ((x < knots[0], 0, 1), (x > knots[-1], -1, -2)):
        if outside.any():
            slope = (values[next_to_it] - values[end]) / (knots[next_to_it] - knots[end])
            found = np.where(outside, values[end] + (x - knots[end]) * slope, found)
    return found
