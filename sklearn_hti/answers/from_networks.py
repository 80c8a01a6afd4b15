"""Answers of the particle field from trained networks (docs/method.md, section 6)."""

from dataclasses import replace
from functools import reduce

import numpy as np

from .._utils.groupby import first_of_each
from .._utils.random import sampling_generator
from ..data.anchors import find_anchors
from ..data.arrays import take
from ..data.budget import BUDGET
from ..data.facts import MOST
from ..data.problem import Rows, encode
from ..field.particles import follow

_MAX_NUMBERS = 2**24  # of particles, at a time
_MAX_SEED = 2**31 - 1


def sample_networks(state, query, n_samples, random_state):
    """Return draws (n_samples, n, D) at the lambdas of a query, in the user's units."""
    return follow_networks(state, query, query.lam[None], n_samples, random_state)[0]


def follow_networks(state, query, grid, n_samples, random_state):
    """Return the same draws (L, n_samples, n, D) at lambdas (L, n), in the user's units."""
    rng = sampling_generator(random_state)
    if not state.networks.draws:
        answers = np.repeat(_answers(state, query, grid, 1, 0), n_samples, axis=2)
    else:
        n_asked = max(n_samples, BUDGET.coupled_draws)
        answers = _answers(state, query, grid, n_asked, int(rng.integers(_MAX_SEED)))
        picked = np.argsort(rng.random((len(query), n_asked)), axis=1)[:, :n_samples]
        answers = np.take_along_axis(answers, picked[None, :, :, None], axis=2)
    return np.ascontiguousarray(np.moveaxis(answers, 2, 1))


def fixed_draws_of_networks(state, query, n_draws):
    """Return the same draws (n_draws, n, D) at every call, in the user's units."""
    n_asked = n_draws or BUDGET.coupled_draws
    n_asked = n_asked if state.networks.draws else 1
    return np.moveaxis(_answers(state, query, query.lam[None], n_asked, state.noise)[0], 1, 0)


def displacements_of_networks(state, query, lam_from, grid):
    """Return how far scaled answers (L, n, D) move from lambdas (n,) to others (L, n).

    Raises
    ------
    ValueError
        If the networks answer with draws: no draw of theirs is the one that is given.
    """
    if state.networks.draws:
        raise ValueError(
            "networks= that answer with draws cannot move given outputs, because it is unknown "
            "which draw is the given one. Use `sample` or `trajectory`, or fit with "
            "networks=None."
        )
    particles = coupled_answers(state, query, 1, 0)
    lams = state.networks.lams
    start, *ends = (state.particle_field.at(particles, lam, lams) for lam in (lam_from, *grid))
    return np.stack(ends) - start


def readable(problem, networks, seed):
    """Return the TrainingData whose outputs are coupled in a fit with networks.

    That of the fit where its inputs are shared and have as many draws as couplings need; else
    the networks are asked some of its inputs.
    """
    data = problem.data
    facts, budget = data.facts, data.budget
    too_few = networks.draws and facts.draws[0].median < budget.asked_draws / 2
    if all(facts.inputs_shared) and _known_at_all_values(data) and not too_few:
        return data
    n_draws = budget.asked_draws if networks.draws else 1
    rows = np.random.default_rng(seed).permutation(first_of_each(data.groups))
    rows = rows[: budget.asked_inputs]
    X = take(problem.X, rows)
    outputs = networks.ask(X, n_draws, seed).reshape(-1, networks.n_outputs)
    repeated = np.tile(np.repeat(np.arange(len(rows)), n_draws), len(networks.lams))
    lam = np.repeat(networks.lams, len(rows) * n_draws, axis=0)
    asked = Rows(take(X, repeated), outputs, lam, problem.outputs.trailing)
    anchors = replace(find_anchors(lam, len(networks.lams)), scale=data.anchors.scale)
    return encode(asked, anchors, problem.encoder, problem.outputs)


def _known_at_all_values(data):
    """Tell whether most inputs are known at all trained values, so that particles go through."""
    inputs = [counts.inputs for counts in data.facts.draws]
    return len(reduce(np.intersect1d, inputs)) >= MOST * min(map(len, inputs))


def _answers(state, query, grid, n_asked, seed):
    """Return answers (L, n, n_asked, D) at lambdas (L, n), in the user's units."""
    lams, n_outputs = state.networks.lams, state.outputs.n_outputs
    out = np.empty((len(grid), len(query), n_asked, n_outputs))
    size = max(1, _MAX_NUMBERS // (n_asked * n_outputs * len(lams)))
    for i, begin in enumerate(range(0, len(query), size)):
        rows = np.arange(begin, min(begin + size, len(query)))
        particles = coupled_answers(state, query.take(rows), n_asked, (seed + i) % _MAX_SEED)
        for answer, lam in zip(out, grid, strict=True):
            at = np.repeat(lam[rows], n_asked, axis=0)
            flat = state.particle_field.at(particles, at, lams)
            answer[rows] = state.outputs.decode(flat).reshape(len(rows), n_asked, n_outputs)
    return out


def coupled_answers(state, query, n_asked, seed):
    """Return scaled particles (n * n_asked, M, D): draws of each input, coupled."""
    outputs = state.outputs.encode_whole(state.networks.ask(query.X, n_asked, seed), "networks")
    flat = outputs.reshape(len(outputs), -1, outputs.shape[-1])
    groups = np.repeat(np.arange(len(query)), n_asked)
    edges = state.particle_field.edges(state.networks.lams)
    delta = 0.0 if state.reweighting is None else state.reweighting.delta
    return follow(flat, groups, edges, np.random.default_rng(seed), delta=delta)
