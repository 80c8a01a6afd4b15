"""Answers between networks that were asked, from the outputs of all or of both neighbours."""

import numpy as np

from .._utils.groupby import number_groups, rank_in_group
from .._utils.torch_state import own_torch_state
from .._utils.tree import rooted_tree
from ..data.lam_space import repeat_lam
from ..field.kriging import Simplices
from ..field.particles import follow, partners_in_groups
from ..flow_map.transport import TransportMap


@own_torch_state()
def interpolate(state, query, said):
    """Return outputs (n, D) at the lambdas of a query, between those of several networks."""
    if state.reweighting is not None:
        return _of_particles(state, query, said)
    if state.particle_field is None:
        answer = _between_neighbours if said.lams.ndim == 1 else _over_simplices
        return state.outputs.decode(answer(state.movement, query, said))
    outputs, n_kept = state.outputs, state.outputs.n_coordinates
    trained = isinstance(state.movement.flow_map, TransportMap) and said.lams.ndim == 1

    def carry(y, parent, child):
        start, end = (np.full(len(y), said.lams[k]) for k in (parent, child))
        moved = state.movement.displace(y[:, :n_kept], query.conditions, start, end)
        return outputs.displaced(y, moved)

    groups, edges = query.conditions.groups(), state.particle_field.edges(said.lams)
    rng = np.random.default_rng(0)
    particles = follow(said.outputs, groups, edges, rng, carry if trained else None)
    answers = state.particle_field.at(particles, query.lam, said.lams)
    if trained:
        scaled = np.ascontiguousarray(particles[..., :n_kept])
        answers[:, :n_kept] = _on_the_field(state, query, scaled, said.lams)
    return outputs.decode(answers)


def _of_particles(state, query, said):
    """Return outputs (n, D) in the user's units, of particles that move or jump.

    The switch numbers of the draws of an input are spread evenly, in random order.
    """
    mix, groups = state.reweighting, number_groups(query.conditions.groups())
    rng, edges = np.random.default_rng(0), state.particle_field.edges(said.lams)
    particles = follow(said.outputs, groups, edges, rng, delta=mix.delta)
    order = rng.permutation(len(groups))
    switch = np.empty(len(groups))
    rank, size = rank_in_group(groups[order])
    switch[order] = (rank + rng.random(len(groups))) / size
    parts = mix.upper_parts(particles, groups)
    y = mix.at(particles, query.lam, said.lams, switch, parts)
    return mix.settled(state.outputs.decode(y))


def _on_the_field(state, query, particles, lams):
    """Return scaled outputs (n, D) on the field through particles (n, A, D) known at lams (A,).

    Knots that are not known come from the flow map, asked from both neighbours of lambda.
    """
    clock, flow_map = state.movement.clock, state.movement.flow_map
    known = clock.time(lams)
    knots = np.setdiff1d(flow_map.knots, known)
    times = np.concatenate([known, knots])
    here = clock.time(query.lam)
    out = np.empty((len(particles), particles.shape[2]))
    for k, rows in _by_interval(query.lam, lams):
        of = query.conditions[rows]
        low, high = particles[rows, k], particles[rows, k + 1]
        said = _knots_between(flow_map, of, low, high, known[k : k + 2], knots)
        points = np.concatenate([particles[rows], said], axis=1)
        weights = state.particle_field.weights_of_knots(here[rows], times, state.anchors)
        out[rows] = np.einsum("nq,nqd->nd", weights, points)
    return out


def _knots_between(flow_map, conditions, low, high, times, knots):
    """Return the mean (n, Q, D) of what the flow map says at knots (Q,) from both neighbours.

    Between the neighbours, it says how paths leave the chord (docs/method.md, equation 42).
    """
    ends = np.tile(np.concatenate([knots, times]), (len(low), 1))
    start, end = (np.full(len(low), t) for t in times)
    forward = low[:, None] + flow_map.displacements(low, conditions, start, ends)
    backward = high[:, None] + flow_map.displacements(high, conditions, end, ends)
    between = (knots > times[0]) & (knots < times[1])
    fraction = np.where(between, (knots - times[0]) / (times[1] - times[0]), np.nan)[:, None]
    missed = (1 - fraction) * (backward[:, -2:-1] - low[:, None])
    missed = missed + fraction * (forward[:, -1:] - high[:, None])
    mean = 0.5 * (forward + backward)[:, : len(knots)]
    return mean - 0.5 * np.nan_to_num(missed)


def _between_neighbours(movement, query, said):
    """Return scaled outputs (n, D) from the networks on both sides of each lambda."""
    out = np.empty(said.outputs.shape[1:])
    for k, rows in _by_interval(query.lam, said.lams):
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


def _over_simplices(movement, query, said):
    """Return scaled outputs (n, D) of several hyperparameters, from networks around each lambda.

    The outputs of the corners of a simplex are moved to lambda, and averaged by their weights.
    """
    knots = movement.scale.place(said.lams)
    groups = query.conditions.groups()

    def carry(y, parent, child):
        start, end = (repeat_lam(said.lams[k], len(y)) for k in (parent, child))
        return y + movement.displace(y, query.conditions, start, end)

    rng = np.random.default_rng(0)
    particles = follow(said.outputs, groups, rooted_tree(knots), rng, carry)
    weights = Simplices(knots).weights(movement.scale.place(query.lam))
    out = np.zeros(said.outputs.shape[1:])
    for k, weight in enumerate(weights.T):
        rows = np.flatnonzero(weight)
        if not len(rows):
            continue
        y, start = particles[rows, k], repeat_lam(said.lams[k], len(rows))
        moved = y + movement.displace(y, query.conditions[rows], start, query.lam[rows])
        out[rows] += weight[rows, None] * moved
    return out


def _by_interval(lam, lams):
    """Yield intervals between known lambdas and the rows whose lambda lies in them."""
    interval = np.clip(np.searchsorted(lams, lam, "right") - 1, 0, len(lams) - 2)
    for k in np.unique(interval):
        yield int(k), np.flatnonzero(interval == k)


def between(movement, conditions, *, y_from, y_to, lam_from, lam_to, lam):
    """Return outputs at lambda between those of two networks, (n, D), all in scaled units.

    Points on the chords, and the mean of how transports from both sides leave theirs.

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

    def carried(y, start):
        return (y + movement.displace(y, conditions, start, to) for to in (lam, lam_from, lam_to))

    fraction = movement.time_fraction(lam, lam_from, lam_to)[:, None]
    there, _, end = carried(y_from, lam_from)
    groups = number_groups(np.column_stack([conditions.groups(), lam_from, lam_to]))
    if len(np.unique(groups)) < len(groups):
        y_to = y_to[partners_in_groups(end, y_to, groups, np.random.default_rng(0))]
    back, begin, _ = carried(y_to, lam_to)
    missed = fraction * (end - y_to) + (1 - fraction) * (begin - y_from)
    return 0.5 * (there + back - missed)
