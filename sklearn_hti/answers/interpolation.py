"""Answers between two networks that were both asked, from both."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

_MISSED = 0.5  # of the chord: a transport that ends farther from the other output is ignored
_MAX_COUPLED = 2048  # draws of one input that are coupled at once


@dataclass(frozen=True)
class Carried:
    """Outputs of one network, and where the transport carries them."""

    start: np.ndarray  # (n, D), at their own lambda
    here: np.ndarray  # at the lambda in question
    end: np.ndarray  # at the lambda of the other network


def interpolate(state, query, low, high):
    """Return outputs (n, D) at the lambdas of a query, between those given at two others."""
    scaled = between(
        state.movement,
        query.conditions,
        y_from=state.outputs.encode(low.y),
        y_to=state.outputs.encode(high.y),
        lam_from=low.lam,
        lam_to=high.lam,
        lam=query.lam,
    )
    return state.outputs.decode(scaled)


def between(movement, conditions, *, y_from, y_to, lam_from, lam_to, lam):
    """Return outputs at lambda between those of two networks, (n, D), all in scaled units.

    Parameters
    ----------
    movement : object
        Has ``displace(y, conditions, lam_from, lam_to)`` and
        ``time_fraction(lam, lam_from, lam_to)``.
    conditions : Conditions
        Of every row.
    y_from, y_to : ndarray of shape (n, D)
        The outputs; those of equal conditions and lambdas are coupled first.
    lam_from, lam_to, lam : ndarray of shape (n,)
        Lambda of the outputs, and of those wanted.
    """

    def carried(y, start, end):
        here, there = (y + movement.displace(y, conditions, start, to) for to in (lam, end))
        return Carried(y, here, there)

    forward = carried(y_from, lam_from, lam_to)
    networks = np.column_stack([conditions.groups(), lam_from, lam_to])
    groups = np.unique(networks, axis=0, return_inverse=True)[1].reshape(-1)
    if len(np.unique(groups)) < len(groups):
        y_to = y_to[partners(forward.end, y_to, groups, np.random.default_rng(0))]
    backward = carried(y_to, lam_to, lam_from)
    return blend(forward, backward, movement.time_fraction(lam, lam_from, lam_to))


def blend(forward, backward, time_fraction):
    """Return points on the chords, plus the deviation of the transports from both sides, (n, D).

    Parameters
    ----------
    forward, backward : Carried
        The outputs of both networks.
    time_fraction : ndarray of shape (n,)
        Fraction of the time between both, 0 to 1.

    Returns
    -------
    ndarray of shape (n, D)
        The deviation counts less, the farther the transports end from the other output. The
        error of a transport grows along its path, and so does the weight of the other.
    """
    fraction = time_fraction[:, None]

    def on_chord(start, end):
        return (1 - fraction) * start + fraction * end

    deviation = on_chord(
        forward.here - on_chord(forward.start, forward.end),
        backward.here - on_chord(backward.end, backward.start),
    )
    y_from, y_to = forward.start, backward.start
    missed = ((forward.end - y_to) ** 2 + (backward.end - y_from) ** 2).sum(axis=1, keepdims=True)
    allowed = 2 * (_MISSED * (y_to - y_from)) ** 2
    allowed = np.maximum(allowed.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    trust = 1 - np.minimum(missed, allowed) / allowed
    return on_chord(y_from, y_to) + trust * deviation


def partners(arrived, y, groups, rng):
    """Return for every row the row of `y` of its group that is coupled with where it arrived.

    Exact optimal transport inside each group of equal inputs; single rows are pairs as they
    are.
    """
    partner = np.arange(len(y))
    order = np.argsort(groups, kind="stable")
    _, first = np.unique(groups[order], return_index=True)
    for rows in np.split(order, first[1:]):
        if len(rows) == 1:
            continue
        rows = rng.permutation(rows) if len(rows) > _MAX_COUPLED else rows
        for part in np.array_split(rows, -(-len(rows) // _MAX_COUPLED)):
            cost = cdist(arrived[part], y[part], "sqeuclidean")
            partner[part] = part[linear_sum_assignment(cost)[1]]
    return partner
