"""A few coordinates of many outputs."""

import numpy as np

MOST_AXES = 64  # coordinates that are learned from, where there are more outputs


def principal_axes(y):
    """Return the axes (D, R) along which rows y (n, D) differ most: at most `MOST_AXES`."""
    axes = np.linalg.svd(y - y.mean(axis=0), full_matrices=False)[2]
    return axes[:MOST_AXES].T
