"""Intervals of the conditional mean: what the surrogate does not know of it."""

from dataclasses import replace

import numpy as np
from scipy.stats import t as student

from ..answers.sampling import moments

_CLOSER = 0.4  # error between neighbours over that between anchors twice as far apart


def interval(state, query, coverage):
    """Return lower and upper bounds (n, D) of the conditional mean, in the user's units."""
    mean, _ = moments(state, query)
    means = np.stack([moments(member.of(state), query)[0] for member in state.members])
    errors = state.errors
    if errors is not None:
        scale = state.outputs.scaler.scale_
        errors = [replace(error, values=error.values * scale) for error in errors]
    time = state.movement.clock.time(query.lam)
    width = half_widths(means, mean, errors, time, coverage)
    return state.outputs.clip(mean - width), state.outputs.clip(mean + width)


def half_widths(means, mean, errors, time, coverage):
    """Return half the width of the interval of the conditional mean, (n, D).

    Parameters
    ----------
    means : ndarray of shape (n_members, n, D)
        Means of the members.
    mean : ndarray of shape (n, D)
        Mean of the surrogate.
    errors : list of MeanErrors or None
        Errors of the mean at anchors that were left out, if any was.
    time : ndarray of shape (n,)
        Time of lambda: k + s at the time fraction s from anchor k to the next.
    coverage : float
        Probability that the interval is to cover.

    Returns
    -------
    ndarray of shape (n, D)
        The half-widths: the members' spread and the error of interpolation, which vanishes at
        anchors, added as independent ones.
    """
    spread = np.sqrt(np.mean((means - mean) ** 2, axis=0))
    width = student.ppf(0.5 * (1 + coverage), len(means)) * spread
    if errors is not None:
        begin = np.floor(time)
        for k in np.unique(begin):
            rows = begin == k
            fraction = (time % 1.0)[rows, None]
            unseen = _CLOSER * np.quantile(np.abs(_nearest(errors, k)), coverage, axis=0)
            width[rows] = np.hypot(width[rows], 4 * fraction * (1 - fraction) * unseen)
    return width


def _nearest(errors, k):
    """Return the errors for interval k, or the nearest that there are."""
    gap = min(abs(error.interval - k) for error in errors)
    return np.concatenate([e.values for e in errors if abs(e.interval - k) == gap])
