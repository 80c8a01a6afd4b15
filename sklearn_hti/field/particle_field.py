"""The particle field: y(lambda) = sum of w_m(lambda) P_m (docs/method.md, equation 18)."""

from dataclasses import dataclass, replace

import numpy as np

from .._utils.piecewise import straight_on
from .._utils.registry import storable
from .._utils.tree import chain, rooted_tree, spanning_tree
from .kernels import Brownian, Matern, blend
from .kriging import Kriging, Nearest, Simplices
from .modes import CELLS
from .monotone import between_knots, projected

# candidates, in times of which the trained range is one; the longer one wins a tie
LENGTHS = (10.0, 5.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)
ROUGH_FRACTION = 0.2  # of the increments of networks without noise
_MAX_NUMBERS = 2**22  # of an answer, at a time


@storable
@dataclass(frozen=True)
class ParticleField:
    """Outputs at any lambda from those at trained values.

    The weights are the same for every particle and every output, so that all outputs at a
    lambda are one product of matrices. At a trained value the answer is the value's own.

    Attributes
    ----------
    scale : CurvedScale or PlacedScale
        From lambda to time.
    smooth : callable
        The smooth kernel.
    rough_fraction : float
        Fraction of the increments that is rough.
    noise : float
        Fraction of the increments that comes from few draws; 0 for one answer per input.
    simple : {"", "straight_line_in_clock", "straight_line", "nearest_anchor"}
        The answer that needs no surrogate and has taken the place of the kriging.
    monotone : tuple of int or None
        The direction of every output along one hyperparameter, -1, 0 or 1. Values at knots that
        go against it are projected. None: no output has one.
    """

    scale: object
    smooth: object
    rough_fraction: float
    noise: float = 0.0
    simple: str = ""
    monotone: tuple | None = None

    def weights(self, lam, lams):
        """Return the weights (n, M) of outputs at lams (M,) for answers at lam (n,).

        Of k hyperparameters, lambdas have shape (M, k) and (n, k).
        """
        return self._kriging(self._times(lams)).weights(self._times(lam))

    def at(self, particles, lam, lams):
        """Return outputs (n, D) at lam (n,) of particles (n, M, D) known at lams (M,)."""
        lams = np.asarray(lams, dtype=float)
        values, where = np.unique(lam, axis=0 if np.ndim(lam) == 2 else None, return_inverse=True)
        where = where.reshape(-1)
        weights = self.weights(values, lams)
        out = np.empty((len(particles), particles.shape[2]))
        n_numbers = particles[:1].size if self.monotone is None else CELLS * particles.shape[2]
        size = max(1, _MAX_NUMBERS // max(1, particles[:1].size, n_numbers))
        for begin in range(0, len(out), size):
            rows = slice(begin, begin + size)
            part = particles[rows]
            if self.monotone is not None:
                part = projected(part, np.array(self.monotone))
            out[rows] = np.einsum("nm,nmd->nd", weights[where[rows]], part)
            if self.monotone is not None and self.simple != "nearest_anchor":
                self._rise(out[rows], part, values[where[rows]], lams)
        return out

    def _rise(self, out, particles, lam, lams):
        """Write those outputs that have a direction into answers (n, D)."""
        signs = np.array(self.monotone)
        on = np.flatnonzero(signs)
        kriging = self._kriging(self._times(lams))
        out[:, on] = signs[on] * between_knots(
            lambda times: kriging.weights(times[:, None]),
            particles[:, :, on] * signs[on],
            self._times(lams)[:, 0],
            self._times(lam)[:, 0],
        )

    def edges(self, lams):
        """Return the edges (parent, child) along which outputs at lams are coupled."""
        return chain(len(lams)) if np.ndim(lams) == 1 else rooted_tree(self.scale.place(lams))

    def weights_of_knots(self, times, knots, anchors):
        """Return the weights (n, Q) of knots at clock times (Q,) for answers at clock times (n,).

        Parameters
        ----------
        times, knots : ndarray of shape (n,) and (Q,)
            Clock times: k at trained value k. Knots may lie between trained values.
        anchors : ndarray of shape (M,)
            Trained values.
        """
        trained = self._times(anchors)
        here, there = (
            straight_on(t, np.arange(len(trained)), trained[:, 0]) for t in (times, knots)
        )
        return self._kriging(there[:, None], trained).weights(here[:, None])

    def _times(self, lam):
        """Return the times (n, k) of lambdas."""
        return np.reshape(self.scale.time(lam), (len(lam), -1))

    def _kriging(self, knots, trained=None):
        """Return the kriging of values at knots (M, k) in any order.

        Within a length, particles that are straight stay straight, by a linear mean. Beyond, they
        return to a constant mean, as those of chaotic networks do. The share that is rough is one
        of the increments between trained values, which are the knots unless they are given.
        """
        if self.simple == "nearest_anchor":
            return Nearest(knots)
        if self.simple and knots.shape[1] > 1:
            return Simplices(knots)
        trained = knots if trained is None else trained
        edges = spanning_tree(trained)
        kernel = blend(self.smooth, Brownian(), self.rough_fraction, trained, edges)
        straight = knots.shape[1] > 1 or self.smooth.length > 1
        return Kriging(knots, kernel, "linear" if straight else "constant")


def fit_field(scale, particles, lams, *, noise=0.0):
    """Return the ParticleField whose kernel explains the particles best.

    Parameters
    ----------
    scale : object
        From lambda to time.
    particles : ndarray of shape (N, M, D)
        Outputs followed through the trained values.
    lams : ndarray of shape (M,)
        Trained values, increasing.
    noise : float, default=0.0
        Fraction of the increments that comes from few draws.
    """
    if len(lams) == 2:  # one increment tells nothing of a kernel: a straight line
        return ParticleField(scale, Matern(LENGTHS[0]), 1.0, noise)
    # of a kink both increments have to be signal (docs/method.md, equation 28)
    rough_fraction = 1 - (1 - ROUGH_FRACTION) * (1 - noise) ** 2
    fields = [ParticleField(scale, Matern(length), rough_fraction, noise) for length in LENGTHS]
    knots = fields[0]._times(lams)
    centered = particles - particles.mean(axis=1, keepdims=True)
    flat = centered.transpose(1, 0, 2).reshape(len(knots), -1)
    moments = flat @ flat.T / flat.shape[1]
    if not np.trace(moments) > 0:
        return fields[0]
    # on the same contrasts for all lengths: those of a constant mean
    evidence = [
        replace(field._kriging(knots), mean="constant").log_evidence(moments) for field in fields
    ]
    return fields[int(np.argmax(evidence))]
