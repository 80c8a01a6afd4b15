"""Answers where particles move or jump (docs/method.md, section 12)."""

from zlib import crc32

import numpy as np

from .._utils.random import sampling_generator
from ..data.budget import BUDGET
from ..data.facts import FEW
from ..data.lam_space import repeat_lam
from ..field.jumps import pick
from .from_networks import coupled_answers

_MAX_NUMBERS = 2**22  # of particles, at a time
_MAX_SEED = 2**31 - 1


def follow_particles(state, query, grid, n_samples, random_state):
    """Return the same draws (L, n_samples, n, D) at lambdas (L, n), in the user's units."""
    rng = sampling_generator(random_state)
    drawn, switch, seed = _randomness(state, len(query), n_samples, rng)
    out = np.empty((len(grid), n_samples, len(query), state.outputs.n_outputs))
    for rows, particles, parts in _parts_of(state, query, drawn, seed):
        switches = switch[rows].reshape(-1)
        for answer, lam in zip(out, grid, strict=True):
            at = np.repeat(lam[rows], n_samples, axis=0)
            y = state.reweighting.at(particles, at, state.anchors, switches, parts)
            y = _decoded(state, y).reshape(len(rows), n_samples, -1)
            answer[:, rows] = np.moveaxis(y, 1, 0)
    return out


def moments_of_particles(state, query):
    """Return mean and standard deviation of y (n, D); those of switch numbers are exact."""
    if state.networks is None:  # rows of equal x and lambda are done once
        key = np.column_stack([query.conditions.groups(), query.lam])
        _, first, back = np.unique(key, axis=0, return_index=True, return_inverse=True)
        if len(first) < len(key):
            found = moments_of_particles(state, query.take(first))
            return tuple(part[back.reshape(-1)] for part in found)
    drawn, seed = _fixed(state, len(query))
    mean = np.empty((len(query), state.outputs.n_outputs))
    std = np.empty_like(mean)
    for rows, particles, parts in _parts_of(state, query, drawn, seed):
        n_draws = len(particles) // len(rows)
        at = np.repeat(query.lam[rows], n_draws, axis=0)
        points, probability = state.reweighting.outcomes(particles, at, state.anchors, parts)
        y = _decoded(state, points).reshape(len(rows), -1, mean.shape[1])
        weights = probability.reshape(len(rows), -1, 1) / n_draws
        mean[rows] = np.sum(weights * y, axis=1)
        left = y - mean[rows][:, None]
        unit = np.abs(left).max(axis=(1, 2), keepdims=True)
        unit[unit == 0] = 1.0
        std[rows] = unit[:, 0] * np.sqrt(np.sum(weights * (left / unit) ** 2, axis=1))
    return mean, std


def move_along_particles(state, query, given, grid):
    """Return how far scaled outputs move (L, n, coordinates) from lambdas (n,) to others (L, n).

    No map does this: of equal outputs, some jump and others do not. An output follows one of the
    particles that are near it at its own lambda, drawn by their probabilities. What is drawn
    depends on nothing but the question.

    Raises
    ------
    ValueError
        If networks answer with draws, none of which is the one that is given.
    """
    if state.networks is not None and state.networks.draws:
        raise ValueError(
            "networks= that answer with draws cannot move given outputs, because it is unknown "
            "which draw is the given one. Use `sample` or `trajectory`, or fit with "
            "networks=None."
        )
    y, mix, lams = state.outputs.encode(given.y), state.reweighting, state.anchors
    seeds = [crc32(np.ascontiguousarray(part)) for part in (y, query.conditions.keys, given.lam)]
    uniform = np.random.default_rng(seeds).random((len(y), 2))
    moved = np.zeros((len(grid), *y.shape))
    key = np.column_stack([query.conditions.groups(), given.lam, *grid])
    _, of = np.unique(key, axis=0, return_inverse=True)
    for group in range(of.max() + 1 if len(of) else 0):
        rows = np.flatnonzero(of.reshape(-1) == group)
        particles, parts = _around(state, query.take(rows[:1]))
        at = repeat_lam(given.lam[rows[0]], len(particles))
        points, probability = mix.outcomes(particles, at, lams, parts)
        particle, switch = _follow_near(y[rows], points, probability, uniform[rows])
        own = None if parts is None else parts[particle]
        start = pick(points[particle], probability[particle], switch)
        for out, lam in zip(moved, grid, strict=True):
            end = mix.at(
                particles[particle], repeat_lam(lam[rows[0]], len(rows)), lams, switch, own
            )
            out[rows] = end - start
    return moved


def _follow_near(y, points, probability, uniform):
    """Return for each output (n, D) a particle near it, and a switch number that leads there."""
    n_branches = points.shape[1]
    flat, weight = points.reshape(-1, points.shape[2]), probability.reshape(-1)
    likely = np.flatnonzero(weight > 0)
    distance = np.linalg.norm(y[:, None] - flat[likely], axis=2)
    rank = min(FEW, len(likely)) - 1
    reach = np.partition(distance, rank, axis=1)[:, rank]
    passed = np.cumsum(weight[likely] * (distance <= reach[:, None]), axis=1)
    found = np.sum(uniform[:, :1] * passed[:, -1:] >= passed, axis=1).clip(max=len(likely) - 1)
    particle, branch = np.divmod(likely[found], n_branches)
    before = np.cumsum(probability, axis=1) - probability
    switch = before[particle, branch] + uniform[:, 1] * probability[particle, branch]
    return particle, switch


def _around(state, query):
    """Return the particles (P, M, D) of one input, and their parts of the upper value."""
    if state.networks is not None:
        particles = coupled_answers(state, query, 1, 0)
    else:
        particles = state.base.pool(query.conditions)
    return particles, state.reweighting.upper_parts(particles, np.zeros(len(particles), dtype=int))


def _decoded(state, y):
    """Return scaled outputs (..., D) in the user's units, on the values that are kept to."""
    flat = state.outputs.decode(y.reshape(-1, y.shape[-1]))
    return state.reweighting.settled(flat).reshape(*y.shape[:-1], -1)


def _randomness(state, n_rows, n_samples, rng):
    """Return what picks particles, their switch numbers (n, n_samples), and a seed."""
    if state.networks is None:
        noise = state.base.noise(n_rows, n_samples, rng)
        return noise, noise[:, 1], None
    order, uniform, picked = rng.random((n_rows, 3, n_samples)).swapaxes(0, 1)
    switch = (np.argsort(order, axis=1) + uniform) / n_samples
    seed = int(rng.integers(_MAX_SEED)) if state.networks.draws else 0
    return picked, switch, seed


def _fixed(state, n_rows):
    """Return what picks the particles behind means, and a seed."""
    if state.networks is None:
        return np.repeat(state.noise, n_rows, axis=0), None
    return None, state.noise


def _parts_of(state, query, drawn, seed):
    """Yield rows, their particles (rows * n_draws, M, D), and parts of the upper value."""
    size_of_one = len(state.anchors) * state.outputs.n_coordinates
    n_draws = BUDGET.coupled_draws if drawn is None else drawn.shape[-1]
    size = max(1, _MAX_NUMBERS // (size_of_one * max(n_draws, BUDGET.coupled_draws)))
    for i, begin in enumerate(range(0, len(query), size)):
        rows = np.arange(begin, min(begin + size, len(query)))
        part = query.take(rows)
        if state.networks is not None:
            asked = None if drawn is None else drawn[rows]
            yield rows, *_of_networks(state, part, asked, seed, i)
        else:
            yield rows, *_of_base(state, part, drawn[rows])


def _of_base(state, query, noise):
    particles = state.base.particles(query, noise)
    flat = particles.reshape(-1, *particles.shape[2:])
    return flat, state.base.parts(query, state.reweighting, particles.shape[1])


def _of_networks(state, query, picked, seed, i):
    """Return particles of draws that networks are asked for; all of them, or some at random."""
    n_wanted = None if picked is None else picked.shape[1]
    n_asked = 1
    if state.networks.draws:
        n_asked = max(n_wanted or 0, BUDGET.coupled_draws)
    particles = coupled_answers(state, query, n_asked, (seed + i) % _MAX_SEED)
    groups = np.repeat(np.arange(len(query)), n_asked)
    parts = state.reweighting.upper_parts(particles, groups)
    if n_wanted is None:
        return particles, parts
    order = np.argsort(np.random.default_rng(seed + i).random((len(query), n_asked)), axis=1)
    order = np.resize(order, (len(query), n_wanted)) if n_asked == 1 else order[:, :n_wanted]
    rows = (np.arange(len(query))[:, None] * n_asked + order).reshape(-1)
    return particles[rows], None if parts is None else parts[rows]
