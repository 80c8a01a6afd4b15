"""Draws at any lambda, their moments, and draws that are followed along lambda."""

import numpy as np
import torch

from .._utils.random import sampling_generator
from .._utils.torch_state import own_torch_state
from ..data.arrays import take
from ..data.budget import BUDGET
from ..data.conditions import Query
from ..data.lam_space import repeat_lam
from .from_networks import fixed_draws_of_networks, follow_networks, sample_networks
from .from_particles import follow_particles, moments_of_particles
from .from_regression import follow_regression
from .query import check_n_samples
from .transport import check_asked, check_trained, transports

_AT_ONCE = 256  # distinct rows whose means are computed at once
_MAX_SEED = 2**31 - 1


@own_torch_state()
def sample(state, query, n_samples, random_state):
    """Return draws (n_samples, n, D) in the user's units."""
    check_n_samples(n_samples)
    if state.reweighting is not None:
        check_asked(state)
        return follow_particles(state, query, query.lam[None], n_samples, random_state)[0]
    if state.networks is not None:
        return sample_networks(state, query, n_samples, random_state)
    if state.regresses:
        return follow_regression(state, query, query.lam[None], n_samples, random_state)[0]
    rng = sampling_generator(random_state)
    if state.generator is not None:
        seed = int(rng.integers(_MAX_SEED))
        return state.outputs.decode(state.generator.draw(query, n_samples, seed))
    y = _draw_base(state, query, n_samples, rng)
    start = repeat_lam(state.base_lam, len(query) * n_samples)
    end = np.repeat(query.lam, n_samples, axis=0)
    moved = _move(state, y, query.conditions.repeat(n_samples), start, end)
    return np.ascontiguousarray(np.moveaxis(moved, 1, 0))


def moments(state, query):
    """Return mean and standard deviation of y (n, D)."""
    if state.reweighting is not None:
        check_asked(state)
        return moments_of_particles(state, query)

    def measure(draws):
        return np.stack([draws.mean(axis=0), state.outputs.std(draws, axis=0)], axis=1)

    mean, std = np.moveaxis(summarise(state, query, measure), 1, 0)
    return mean, std


@own_torch_state()
def summarise(state, query, measure, n_draws=None):
    """Return what a function makes of the same draws at every call.

    Parameters
    ----------
    state : FittedState
        The fitted surrogate.
    query : Query
        What is asked; rows of equal x and lambda are done once.
    measure : callable
        From draws (n_draws, n, D), in the user's units, to an array (n, ...).
    n_draws : int, default=None
        Draws of each row; None: those behind conditional means. Rows with one answer have one.
    """
    if state.networks is not None:
        return measure(fixed_draws_of_networks(state, query, n_draws))
    if state.regresses:
        return measure(follow_regression(state, query, query.lam[None])[0])
    if state.generator is not None:
        return measure(sample(state, query, n_draws or BUDGET.mean_draws, state.noise))
    key = np.column_stack([query.conditions.scaled, query.conditions.codes, query.lam])
    _, first, back = np.unique(key, axis=0, return_index=True, return_inverse=True)
    parts = []
    for begin in range(0, len(first), _AT_ONCE):
        draws = _fixed_draws(state, query, first[begin : begin + _AT_ONCE], n_draws)
        parts.append(measure(np.moveaxis(draws, 1, 0)))
    return np.concatenate(parts)[back.reshape(-1)]


@own_torch_state()
def follow(state, query, grid, *, given=None, n_draws=1, random_state=None):
    """Return outputs (L, n_draws, n, D) along a grid, drawn at the base unless they are given."""
    along = np.stack([repeat_lam(lam, len(query)) for lam in grid])
    if given is None and state.reweighting is not None:
        check_n_samples(n_draws)
        check_asked(state)
        return follow_particles(state, query, along, n_draws, random_state)
    if given is None and state.networks is not None:
        check_n_samples(n_draws)
        return follow_networks(state, query, along, n_draws, random_state)
    if state.generator is not None:
        return _draws_along(state, query, grid, given, n_draws, random_state)
    if given is not None:
        return transports(state, query, given, along)[:, None]
    check_n_samples(n_draws)
    if state.regresses:
        return follow_regression(state, query, along, n_draws, random_state)
    y = _draw_base(state, query, n_draws, sampling_generator(random_state))
    conditions = query.conditions.repeat(n_draws)
    start = repeat_lam(state.base_lam, len(conditions))
    path = np.empty((len(grid), n_draws, len(y), state.outputs.n_outputs))
    for out, lam in zip(path, grid, strict=True):
        moved = _move(state, y, conditions, start, repeat_lam(lam, len(start)))
        out[:] = np.moveaxis(moved, 1, 0)
    return path


def _draw_base(state, query, n_draws, rng):
    """Return draws at the base anchor (n, n_draws, D), scaled, whole where the base has them."""
    check_trained(state)
    return state.base.draw(query, state.base.noise(len(query), n_draws, rng))


def _move(state, y, conditions, lam_from, lam_to, dtype=torch.float32):
    """Return outputs (n, n_draws, D) moved, in the user's units; the rest is per draw."""
    outputs, flat = state.outputs, y.reshape(-1, y.shape[2])
    scaled = flat[:, : outputs.n_coordinates]
    moved = state.movement.displace(scaled, conditions, lam_from, lam_to, dtype)
    return outputs.decode(outputs.displaced(flat, moved)).reshape(*y.shape[:2], -1)


def _fixed_draws(state, query, rows, n_draws):
    """Return the same draws (n, n_draws, D) of some rows, in double precision."""
    check_trained(state)
    part = Query(take(query.X, rows), query.conditions[rows], None)
    noise = state.noise
    if n_draws is not None:
        noise = state.base.fixed_noise(np.random.default_rng(0), n_draws)
    if isinstance(noise, np.ndarray):
        noise = np.repeat(noise, len(rows), axis=0)
    y = state.base.draw(part, noise, torch.float64)
    n_draws = y.shape[1]
    start = repeat_lam(state.base_lam, len(rows) * n_draws)
    end = np.repeat(query.lam[rows], n_draws, axis=0)
    return _move(state, y, part.conditions.repeat(n_draws), start, end, torch.float64)


def _draws_along(state, query, grid, given, n_draws, random_state):
    """Return draws of a generator along a grid of lambdas, by one seed."""
    if given is not None:
        raise ValueError(
            "`y`: a generator does not determine which draw at one lambda belongs to which at "
            "another; use a regressor, or leave out y."
        )
    seed = int(sampling_generator(random_state).integers(_MAX_SEED))
    along = (Query(query.X, query.conditions, repeat_lam(lam, len(query))) for lam in grid)
    return np.stack([sample(state, at, n_draws, seed) for at in along])
