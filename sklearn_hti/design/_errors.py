"""The error that is expected between trained values, and what one more would leave of it."""

from dataclasses import dataclass, replace

import numpy as np

from ..assessment.simple_answers import NOTHING
from ..assessment.uncertainty import PRIOR_VALUES
from ..clocks.hull import surrounded
from ..field.spread import fit_spread

_TINY = 1e-9  # variance of a trained value, of the largest


@dataclass(frozen=True)
class ExpectedErrors:
    """Expected squared errors of an output at some lambdas, in scaled units.

    Attributes
    ----------
    field : ndarray of shape (K, Q, Q)
        Covariances of what leaves the path between trained values, of every kernel.
    of_time : ndarray of shape (Q,)
        Variances of the times; they keep between those of trained values.
    speed : ndarray of shape (Q,)
        Squared speed of the outputs in time.
    at, knots : ndarray of shape (Q,) and (M,)
        Times of the lambdas, and of trained values, where there is one hyperparameter.
    """

    field: np.ndarray
    of_time: np.ndarray
    speed: np.ndarray
    at: np.ndarray
    knots: np.ndarray

    def values(self):
        """Return the expected squared errors (Q,)."""
        field = np.maximum(np.einsum("kqq->q", self.field), 0)
        return field + self.speed * self._of_time(self.knots)

    def left_by(self, others):
        """Return the expected squared errors (C, Q) once one of other lambdas (C,) is trained."""
        field = np.einsum("kqq->q", self.field) - sum(_told(part, others) for part in self.field)
        knots = (np.sort(np.append(self.knots, at)) for at in self.at[others])
        of_time = np.stack([self._of_time(own) for own in knots])
        return np.maximum(field, 0) + self.speed * of_time

    def with_value(self, other):
        """Return the errors once a lambda is trained."""
        parts = [_without(part, other) for part in self.field]
        knots = np.sort(np.append(self.knots, self.at[other]))
        return replace(self, field=np.stack(parts), knots=knots)

    def _of_time(self, knots):
        """Return variances (Q,) of times between knots (M,), which bound them (Bhatia, Davis)."""
        end = np.clip(np.searchsorted(knots, self.at, "right"), 1, len(knots) - 1)
        bound = (self.at - knots[end - 1]) * (knots[end] - self.at)
        return np.minimum(self.of_time, np.maximum(bound, 0))


def _told(covariance, others):
    """Return the part of the variances (C, Q) that the value at one of others (C,) tells."""
    own = np.diag(covariance)[others]
    known = own <= _TINY * max(np.diag(covariance).max(), np.finfo(float).tiny)
    scale = np.divide(1.0, own, where=~known, out=np.zeros_like(own))
    return covariance[others] ** 2 * scale[:, None]


def _without(covariance, other):
    """Return a covariance given the value at one place."""
    own = covariance[other, other]
    if own <= _TINY * max(np.diag(covariance).max(), np.finfo(float).tiny):
        return covariance
    return covariance - np.outer(covariance[other], covariance[other]) / own


def expect_errors(state, lam):
    """Return the ExpectedErrors of a fitted state at lambdas (Q,) or (Q, k), encoded."""
    field, lams, moments = state.particle_field, state.anchors, state.moments
    spread, probabilities = fit_spread(field, moments, lams)
    covariances = spread.covariances(lam) * _calibration(field, moments, lams, probabilities)
    if not len(covariances):  # nothing moves
        covariances = np.zeros((1, len(lam), len(lam)))
    if lams.ndim == 2:  # what is not known of the axes is in the kernel
        none = np.zeros(len(lam))
        return ExpectedErrors(covariances, none, none, none, np.zeros(len(lams)))
    at, knots, known = field.scale.time(lam), field.scale.time(lams), state.uncertainty
    scale, factor = (field.scale, 1.0) if known is None else (known.scale, known.time_factor)
    steps = steps_of(moments)[np.arange(len(lams) - 1), np.arange(1, len(lams))]
    interval = np.clip(np.searchsorted(lams, lam, "right") - 1, 0, len(lams) - 2)
    speed = (steps / np.diff(knots) ** 2)[interval]
    return ExpectedErrors(covariances, (factor * scale.deviation(lam)) ** 2, speed, at, knots)


def steps_of(moments):
    """Return the mean squared differences (M, M) between trained values."""
    own = np.diag(moments)
    return np.maximum(own[:, None] + own - 2 * moments, 0)


def _calibration(field, moments, lams, probabilities):
    """Return squared errors where a trained value was left out, over those expected there.

    The expectation itself counts as much as some values do: see `prior_values`.
    """
    ratios = []
    for k in surrounded(lams, field.scale):
        rest = np.delete(np.arange(len(lams)), k)
        given = probabilities if len(rest) == 2 else None
        part = moments[np.ix_(rest, rest)]
        deviation = fit_spread(field, part, lams[rest], given)[0].deviation(lams[[k]]).item()
        weights = np.zeros(len(lams))
        weights[rest], weights[k] = field.weights(lams[[k]], lams[rest])[0], -1.0
        if deviation > 0:
            ratios.append(weights @ moments @ weights / deviation**2)
    prior = prior_values(lams, len(ratios))
    return (prior + sum(ratios)) / (prior + len(ratios))


def prior_values(lams, n_left_out):
    """Return as how many values left out an expectation counts.

    That of several hyperparameters, whose lengths may be far off, counts where there is none.
    """
    return PRIOR_VALUES if lams.ndim == 1 or not n_left_out else 0


def noise_floor(state):
    """Return the squared error below which more trained values show nothing."""
    edges = np.asarray(state.particle_field.edges(state.anchors))
    steps = steps_of(state.moments)[edges[:, 0], edges[:, 1]]
    return max(0.5 * state.particle_field.noise * float(np.mean(steps)), NOTHING)
