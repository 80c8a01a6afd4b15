"""Answers of a surrogate at many lambdas for the same inputs, and how far they may be off."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from ..clocks.hull import surrounded
from ..field.spread import fit_spread, moments_of
from ._errors import prior_values, steps_of
from ._region import decode

_LEAST_DRAWS, _MOST_DRAWS = 4096, 4096  # in all, of rows with draws; and of one row


@dataclass(frozen=True)
class Path:
    """Answers at some lambdas.

    Attributes
    ----------
    state : FittedState
        What has answered.
    lam : ndarray of shape (Q,) or (Q, k)
        Lambdas, encoded.
    draws : ndarray of shape (Q, n_draws, n, D)
        The same draws at all lambdas.
    known : ndarray of shape (M, n_draws, n, D)
        The same at trained values.
    ask : callable
        Returns such draws at other lambdas.
    """

    state: object
    lam: np.ndarray
    draws: np.ndarray
    known: np.ndarray
    ask: object

    @property
    def times(self):
        """Times (Q,) of one hyperparameter."""
        return self.state.particle_field.scale.time(self.lam)

    def deviations(self):
        """Return the standard deviations (Q,) of one output, scaled."""
        moments = self._moments()
        return fit_spread(self.state.particle_field, moments, self.state.anchors)[0].deviation(
            self.lam
        )

    def scaled(self, draws):
        """Return draws in scaled units."""
        return self.state.outputs.encode(draws)

    def _moments(self):
        scaled = self.scaled(self.known)
        return moments_of(np.moveaxis(scaled.reshape(len(scaled), -1, scaled.shape[-1]), 0, 1))

    def factor(self, measure, coverage, expected=True):
        """Return by what deviations of outputs are multiplied, for half the width of an interval.

        Trained values are left out; ``measure(answer, k)`` compares what others say of trained
        value k with its own draws. What is usual, the step of the measure over that of the
        outputs, counts as much as some values do. Where it is not what is ``expected`` of the
        measure, the mean of the values left out takes its place, if there are any.
        """
        field, lams, moments = self.state.particle_field, self.state.anchors, self._moments()
        _, probabilities = fit_spread(field, moments, lams)
        edges = np.asarray(field.edges(lams))
        moved = np.mean([measure(self.known[a], b) ** 2 for a, b in edges])
        steps = np.mean(steps_of(moments)[edges[:, 0], edges[:, 1]])
        usual, ratios = (moved / steps if steps > 0 else 0.0), []
        for k in surrounded(lams, field.scale):
            rest = np.delete(np.arange(len(lams)), k)
            given = probabilities if len(rest) == 2 else None
            spread, _ = fit_spread(field, moments[np.ix_(rest, rest)], lams[rest], given)
            deviation = spread.deviation(lams[[k]]).item()
            weights = field.weights(lams[[k]], lams[rest])[0]
            if deviation > 0:
                answer = np.tensordot(weights, self.known[rest], axes=1)
                ratios.append((measure(answer, k) / deviation) ** 2)
        prior = prior_values(lams, len(ratios))
        if ratios and not expected:
            usual = np.mean(ratios)
        n_known = prior + len(ratios)
        square = (prior * usual + sum(ratios)) / n_known
        return student.ppf(0.5 + coverage / 2, n_known) * np.sqrt(square)


def answer_along(surrogate, X, lam):
    """Return the Path of a surrogate for the inputs X at lambdas (Q,) or (Q, k)."""
    state = surrogate._state
    one = state.regresses or (state.networks is not None and not state.networks.draws)
    n_rows = 1 if X is None else len(X)
    n_draws = 1 if one else int(np.clip(_LEAST_DRAWS // n_rows, 32, _MOST_DRAWS))

    def ask(lam):
        draws = surrogate.trajectory(X, decode(state, lam), n_samples=n_draws, random_state=0)
        return draws.reshape(len(lam), n_draws, n_rows, state.outputs.n_outputs)

    draws = ask(np.concatenate([lam, state.anchors]))
    return Path(state, lam, draws[: len(lam)], draws[len(lam) :], ask)
