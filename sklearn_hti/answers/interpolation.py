"""Answers between networks that were asked, from the outputs of all or of both neighbours."""

from dataclasses import dataclass

import numpy as np

from .._utils.groupby import number_groups
from ..field.particles import chain, follow, partners_in_groups

_MISSED = 0.5  # of the chord: a transport that ends farther from the other output is ignored


@dataclass(frozen=True)
class Carried:
    """Outputs of one network, and where the transport carries them."""

    start: np.ndarray  # (n, D), at their own lambda
    here: np.ndarray  # at the lambda in question
    end: np.ndarray  # at the lambda of the other network


def interpolate(state, query, said):
    """Return outputs (n, D) at the lambdas of a query, between those of several networks."""
    if state.particle_field is None:
        return state.outputs.decode(_between_neighbours(state.movement, query, said))
    edges = chain(len(said.lams))
    groups = query.conditions.groups()
    particles = follow(said.outputs, groups, edges, np.random.default_rng(0))
    return state.outputs.decode(state.particle_field.at(particles, query.lam, said.lams))


def _between_neighbours(movement, query, said):
    """Return scaled outputs (n, D) from the networks on both sides of each lambda."""
    last = len(said.lams) - 2
    interval = np.clip(np.searchsorted(said.lams, query.lam, "right") - 1, 0, last)
    out = np.empty(said.outputs.shape[1:])
    for k in np.unique(interval):
        rows = np.flatnonzero(interval == k)
        low, high = (np.full(len(rows), lam) for lam in said.lams[k : k + 2])
        out[rows] = between(
            movement,
            query.conditions[rows],
            y_from=said.outputs[k, rows],
            y_to=said.outputs[k + 1, rows],
            lam_from=low,
            lam_to=high,
            lam=query.lam[rows],
        )
    return out


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
    groups = number_groups(networks)
    if len(np.unique(groups)) < len(groups):
        y_to = y_to[partners_in_groups(forward.end, y_to, groups, np.random.default_rng(0))]
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
