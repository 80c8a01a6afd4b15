"""Intervals of the mean, and of other statistics of y given x (docs/method.md, section 11)."""

from dataclasses import replace
from functools import reduce

import numpy as np
from scipy.stats import norm

from ..data.budget import BUDGET
from .sampling import moments, summarise


def interval(state, query, coverage, statistic):
    """Return lower and upper bounds (n, S) of a Statistic, in the user's units."""
    draws = state.networks is not None and state.networks.draws
    if not statistic.is_mean and statistic.of_outputs and has_one_answer(state):
        statistic = type(statistic)("mean")  # of one answer, every quantile is the answer

    n_draws = None if statistic.is_mean else BUDGET.statistic_draws
    value, *errors = _values(state, query, statistic, n_draws, draws)
    known = state.uncertainty
    if not statistic.is_mean:
        known = known.of(statistic, state)
        errors = [error * known.averaging(query.lam) for error in errors]

    def answer(lam_query):
        return _values(state, lam_query, statistic, n_draws, False)[0]

    parts = [_of_time(state, query, value, coverage, answer)]
    parts += [norm.ppf(0.5 + coverage / 2) * error for error in errors]  # it is one of some draws
    widths = known.half_widths(query.lam, coverage)
    ends = (widths, widths)
    if statistic.in_coordinates(state.outputs):
        # networks give all of their outputs, beside what a codec keeps
        n_lost = norm.ppf(0.5 + coverage / 2) if state.networks is None else 0.0
        ends = state.outputs.reach(value, widths, n_lost)
    down, up = (reduce(np.hypot, (own, *parts)) for own in ends)
    bounds = value - down, value + up
    if statistic.of_outputs:
        bounds = map(state.outputs.clip, bounds)
    return tuple(statistic.shape(bound, state.outputs) for bound in bounds)


def _values(state, query, statistic, n_draws, with_errors):
    """Return the statistic (n, S), and the errors (n, S) that it has by the chance of draws."""
    if state.reweighting is not None:
        if not statistic.is_mean:
            raise ValueError(
                f"statistic={statistic.name!r} has no calibrated bounds for draws that jump "
                "between trained values; only the mean has. Use statistic='mean', or fit with "
                "geometry='transport'."
            )
        mean, deviation = moments(state, query)
        return mean, *([deviation / np.sqrt(BUDGET.coupled_draws)] if with_errors else [])

    def measure(y):
        parts = [statistic(y), *([statistic.error(y, state.outputs)] if with_errors else [])]
        return np.stack(parts, axis=1)

    return tuple(np.moveaxis(summarise(state, query, measure, n_draws), 1, 0))


def has_one_answer(state):
    """Tell whether answers of one input are all the same."""
    return state.regresses or (state.networks is not None and not state.networks.draws)


def _of_time(state, query, value, coverage, answer):
    """Return how far a statistic moves (n, S) while time does within its own interval."""
    ends = state.uncertainty.lam_band(query.lam, coverage)
    width = np.zeros_like(value)
    rows = np.flatnonzero(np.reshape(ends[0] < ends[1], (len(value), -1)).any(axis=1))
    if len(rows):
        part = query.take(rows)
        for end in ends:
            moved = answer(replace(part, lam=end[rows]))
            width[rows] = np.maximum(width[rows], np.abs(moved - value[rows]))
    ends, fraction = state.uncertainty.stretch(query.lam, coverage)
    rows = np.flatnonzero(fraction)
    if len(rows):  # beyond the trained values, the way from the last of them is so much longer
        reached = answer(replace(query.take(rows), lam=ends[rows]))
        width[rows] = fraction[rows, None] * np.abs(value[rows] - reached)
    return width
