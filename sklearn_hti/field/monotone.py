"""Answers of the field that are monotone in lambda (docs/method.md, section 4)."""

import numpy as np

from .modes import CELLS


def projected(particles, signs):
    """Return particles (n, M, D) whose outputs go in given directions from knot to knot.

    Those that do are returned to the bit; of others the nearest monotone ones, by least squares.

    Parameters
    ----------
    particles : ndarray of shape (n, M, D)
        Outputs at knots, in the order of lambda.
    signs : ndarray of shape (D,)
        -1, 0 or 1 for each output.
    """
    particles = np.array(particles)
    for sign in (-1, 1):
        on = np.flatnonzero(signs == sign)
        values = sign * particles[:, :, on].transpose(0, 2, 1)
        particles[:, :, on] = sign * rising(values).transpose(0, 2, 1)
    return particles


def rising(values):
    """Return the nearest nondecreasing sequences to values (..., M): the isotonic regression.

    By its formula: at i, the largest, over the first element, of the least mean, over the last
    one, of the parts of the sequence that hold i (Robertson, Wright and Dykstra, "Order Restricted
    Statistical Inference", 1988). The same means count everywhere, so that rounding keeps order.
    """
    falling = (np.diff(values, axis=-1) < 0).any(axis=-1)
    part = values[falling]
    n_knots = part.shape[-1]
    sums = np.concatenate([np.zeros((len(part), 1)), np.cumsum(part, axis=-1)], axis=-1)
    found = np.full_like(part, -np.inf)
    for first in range(n_knots):
        means = (sums[:, first + 1 :] - sums[:, first, None]) / np.arange(1, n_knots - first + 1)
        least = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        found[:, first:] = np.maximum(found[:, first:], least)
    values = values.copy()
    values[falling] = found
    return values


def between_knots(weights_at, values, times, here):
    """Return values (n, D) that rise between knots, from what weights make of the knots.

    What leaves the values of both neighbouring knots is brought back, and what falls becomes the
    mean of the least and the largest sequence that rise: that on its way up which has the largest
    value so far, and the smallest to come. Rising answers are kept, but for straight lines within
    cells. Beyond the ends, answers go on straight.

    Parameters
    ----------
    weights_at : callable
        Weights (Q, M) of the knots at times (Q,).
    values : ndarray of shape (n, M, D)
        At the knots, nondecreasing.
    times : ndarray of shape (M,)
        Of the knots, increasing.
    here : ndarray of shape (n,)
        Times that are asked for.
    """
    out = np.empty((len(values), values.shape[2]))
    interval = np.clip(np.searchsorted(times, here, "right") - 1, 0, len(times) - 2)
    for k in np.unique(interval):
        rows = np.flatnonzero(interval == k)
        grid = np.linspace(times[k], times[k + 1], CELLS + 1)
        ends = values[rows, k, None], values[rows, k + 1, None]
        curve = np.einsum("qm,nmd->nqd", weights_at(grid), values[rows])
        curve = np.clip(curve, *ends)
        curve[:, [0]], curve[:, [-1]] = ends
        so_far = np.maximum.accumulate(curve, axis=1)
        to_come = np.minimum.accumulate(curve[:, ::-1], axis=1)[:, ::-1]
        curve = 0.5 * so_far + 0.5 * to_come
        place = (here[rows] - times[k]) / (times[k + 1] - times[k]) * CELLS
        cell = np.clip(np.floor(place), 0, CELLS - 1).astype(int)
        each, within = np.arange(len(rows)), (place - cell)[:, None]
        low, high = curve[each, cell], curve[each, cell + 1]
        line = low + within * (high - low)
        # rounding must not pass the end of a cell
        line = np.where((within >= 0) & (within < 1), np.minimum(line, high), line)
        out[rows] = np.where(within == 1, high, line)
    return out
