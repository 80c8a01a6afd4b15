"""Answers of the particle field from the outputs of trained networks (docs/method.md, section 6).

All outputs are scaled; networks answer in the user's units and are scaled here.
"""

from dataclasses import dataclass

import numpy as np

from ..field.particle_field import ParticleField
from ..field.particles import chain, follow
from ..samplers.networks import Networks

MIN_COUPLED = 64  # draws of an input that are coupled, however few are wanted
_MAX_NUMBERS = 2**24  # of particles, at a time


@dataclass(frozen=True)
class AskedField:
    """A particle field and the networks that its particles come from."""

    field: ParticleField
    networks: Networks
    scaler: object

    @property
    def has_draws(self):
        """Whether the networks answer with draws."""
        return self.networks.draws

    def sample(self, query, n_samples, rng):
        """Return scaled draws (n, n_samples, D) at the lambdas of a query."""
        return self.follow(query, query.lam[None], n_samples, rng)[0]

    def follow(self, query, grid, n_samples, rng):
        """Return the same draws (L, n, n_samples, D) at lambdas (L, n)."""
        if not self.has_draws:
            return np.repeat(self._answers(query, grid, 1, rng), n_samples, axis=2)
        n_asked = max(n_samples, MIN_COUPLED)
        answers = self._answers(query, grid, n_asked, rng)
        picked = np.argsort(rng.random((len(query), n_asked)), axis=1)[:, :n_samples]
        return np.take_along_axis(answers, picked[None, :, :, None], axis=2)

    def moments(self, query, rng):
        """Return the conditional mean and standard deviation (n, D), in the user's units."""
        n_asked = MIN_COUPLED if self.has_draws else 1
        draws = self.scaler.decode(self._answers(query, query.lam[None], n_asked, rng)[0])
        return draws.mean(axis=1), draws.std(axis=1)

    def displacement(self, query, lam_from, lam_to, rng):
        """Return how far the answers move between lambdas (n,), of networks without draws."""
        start, end = self._answers(query, np.stack([lam_from, lam_to]), 1, rng)
        return (end - start)[:, 0]

    def _answers(self, query, grid, n_asked, rng):
        """Return scaled answers (L, n, n_asked, D) at lambdas (L, n)."""
        n_outputs, lams = self.networks.n_outputs, self.networks.lams
        out = np.empty((len(grid), len(query), n_asked, n_outputs))
        size = max(1, _MAX_NUMBERS // (n_asked * n_outputs * len(lams)))
        for begin in range(0, len(query), size):
            rows = np.arange(begin, min(begin + size, len(query)))
            particles = self._particles(query.take(rows), n_asked, rng)
            for answer, lam in zip(out, grid, strict=True):
                flat = self.field.at(particles, np.repeat(lam[rows], n_asked), lams)
                answer[rows] = flat.reshape(len(rows), n_asked, n_outputs)
        return out

    def _particles(self, query, n_asked, rng):
        """Return particles (n * n_asked, M, D): draws of each input, coupled."""
        seed = int(rng.integers(2**31 - 1))
        outputs = self.scaler.encode(self.networks.ask(query.X, n_asked, seed))
        flat = outputs.reshape(len(outputs), -1, outputs.shape[-1])
        groups = np.repeat(np.arange(len(query)), n_asked)
        return follow(flat, groups, chain(len(outputs)), rng)
