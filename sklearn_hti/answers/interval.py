"""Intervals of the conditional mean (docs/method.md, section 11)."""

from dataclasses import replace
from functools import reduce

import numpy as np
from scipy.stats import norm

from ..data.budget import BUDGET
from .sampling import moments


def interval(state, query, coverage):
    """Return lower and upper bounds (n, D) of the conditional mean, in the user's units."""
    mean, deviation = moments(state, query)
    known = state.uncertainty
    parts = [_of_time(state, query, mean, coverage)]
    if state.networks is not None and state.networks.draws:  # the mean is one of some draws
        parts.append(norm.ppf(0.5 + coverage / 2) * deviation / np.sqrt(BUDGET.coupled_draws))
    widths = known.half_widths(query.lam, coverage)
    # networks give all of their outputs, beside what a codec keeps
    n_lost = norm.ppf(0.5 + coverage / 2) if state.networks is None else 0.0
    reach = state.outputs.reach(mean, widths, n_lost)
    down, up = (reduce(np.hypot, (own, *parts)) for own in reach)
    return state.outputs.clip(mean - down), state.outputs.clip(mean + up)


def _of_time(state, query, mean, coverage):
    """Return how far the mean moves (n, D) while time does within its own interval."""
    ends = state.uncertainty.lam_band(query.lam, coverage)
    width = np.zeros_like(mean)
    rows = np.flatnonzero(np.reshape(ends[0] < ends[1], (len(mean), -1)).any(axis=1))
    if len(rows):
        part = query.take(rows)
        for end in ends:
            moved, _ = moments(state, replace(part, lam=end[rows]))
            width[rows] = np.maximum(width[rows], np.abs(moved - mean[rows]))
    ends, fraction = state.uncertainty.stretch(query.lam, coverage)
    rows = np.flatnonzero(fraction)
    if len(rows):  # beyond the trained values, the way from the last of them is so much longer
        reached, _ = moments(state, replace(query.take(rows), lam=ends[rows]))
        width[rows] = fraction[rows, None] * np.abs(mean[rows] - reached)
    return width
