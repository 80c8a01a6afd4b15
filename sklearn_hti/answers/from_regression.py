"""Answers of the particle field from particles that are regressed on x: no two draws."""

import numpy as np

from .._utils.random import sampling_generator

_MAX_NUMBERS = 2**22  # of particles, at a time


def displacements_of_regression(state, query, lam_from, grid):
    """Return how far scaled answers (L, n, D) move from lambdas (n,) to others (L, n)."""
    particles = state.base.particles(query.conditions)
    start, *ends = (
        state.particle_field.at(particles, lam, state.anchors) for lam in (lam_from, *grid)
    )
    return np.stack(ends) - start


def follow_regression(state, query, grid, n_samples=1, random_state=None):
    """Return outputs (L, n_samples, n, D) at lambdas (L, n), in the user's units.

    All draws of an input are the same; `random_state` is checked alone.
    """
    sampling_generator(random_state)
    out = np.empty((len(grid), 1, len(query), state.outputs.n_outputs))
    size = max(1, _MAX_NUMBERS // (state.outputs.n_outputs * len(state.anchors)))
    for begin in range(0, len(query), size):
        rows = slice(begin, begin + size)
        particles = state.base.particles(query.conditions[rows])
        for answer, lam in zip(out[:, 0], grid, strict=True):
            flat = state.particle_field.at(particles, lam[rows], state.anchors)
            answer[rows] = state.outputs.decode(flat)
    return np.repeat(out, n_samples, axis=1)
