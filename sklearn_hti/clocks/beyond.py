"""Lambdas outside the trained range: which of them a scale places."""

import numpy as np

from ..data.lambdas import lies_outside

FARTHEST = 100.0  # trained ranges beyond which nothing is answered


def unplaced(scale, lam, anchors):
    """Return which lambdas (n,) or (n, k) lie where a scale is not defined, or too far.

    A scale has to lead beyond an end: one that stops there says nothing of what comes after.

    Parameters
    ----------
    scale : CurvedScale, PlacedScale or AxesScale
        The scale of the field.
    lam : ndarray of shape (n,) or (n, k)
        Lambdas.
    anchors : ndarray of shape (M,) or (M, k)
        Trained values.
    """
    if lam.ndim == 1:
        return _unplaced(scale.time, lam, anchors[0], anchors[-1])
    found = np.zeros(len(lam), dtype=bool)
    for axis, column in zip(scale.axes, lam.T, strict=True):
        if axis.is_number:
            found |= _unplaced(
                lambda v, axis=axis: axis.place(v)[:, 0], column, axis.low, axis.high
            )
    return found


def _unplaced(place, lam, low, high):
    found = np.zeros(len(lam), dtype=bool)
    outside = np.flatnonzero(lies_outside(lam, low, high))
    if len(outside):
        lam = lam[outside]
        try:
            with np.errstate(all="ignore"):
                u = place(lam)
        except ValueError:  # a transformer that refuses what it has not seen
            u = np.full(len(lam), np.nan)
        led = np.where(lam < low, u < 0, u > 1) & (np.abs(u) <= FARTHEST)
        found[outside] = ~led
    return found
