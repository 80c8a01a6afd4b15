"""One monotone curve through the places of the trained values (docs/method.md, equation 33)."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.spatial.distance import cdist

from .._utils.piecewise import straight_on
from .._utils.registry import storable

N_CELLS = 200
_SPEED = 1.0  # deviation of the log speed over the whole range, at random
_TREND = 10.0  # deviation of a trend in it, where the range of lambda leaves one open
_PLACE = 0.07  # error of a trained value on the suggested scale, of the whole range
_OWN = 1e-3  # fraction of the time that runs as the suggested scale does
_LEAST = 1e-9  # mass of a cell, of the largest
_MAX_STEPS, _LARGEST_STEP, _SETTLED = 200, 1.0, 1e-6


@storable
@dataclass(frozen=True)
class MonotoneCurve:
    """How the suggested scale u depends on the time s of the outputs, both from 0 to 1.

    The logarithm of du/ds is a Brownian motion, beside a linear trend where one is left open:
    the most probable curve through the places of the trained values. An exponential, as between
    a linear and a logarithmic scale, has a linear trend.

    Attributes
    ----------
    u : ndarray of shape (N + 1,)
        The suggested scale at evenly spaced times.
    known : ndarray of shape (M, N)
        Directions of the log speeds that the trained values determine.
    trend : bool
        Whether a trend was left open.
    """

    u: np.ndarray
    known: np.ndarray
    trend: bool

    def time(self, u):
        """Return the time s of places u on the suggested scale; beyond the ends, it runs on."""
        return straight_on(u, self.u, np.linspace(0, 1, len(self.u)))

    def deviation(self, u):
        """Return the standard deviation of the time s at places u, given the trained values."""
        mass, time = np.diff(self.u), self.time(u)
        at = np.clip((time * len(mass)).astype(int), 0, len(mass) - 1)
        # a change of u at a fixed time is one of the time at a fixed u
        slope = _sensitivity(_cells_until(time, len(mass)), mass)
        slope = slope / (mass[at] * len(mass))[:, None]
        variance = np.einsum("qn,qn->q", slope @ _prior(len(mass), self.trend), slope)
        variance = np.maximum(variance - np.sum((slope @ self.known.T) ** 2, axis=1), 0)
        # beyond the ends, the log speed wanders on
        beyond = np.maximum(np.maximum(-time, time - 1), 0)
        return np.sqrt(variance + _SPEED**2 * beyond**3 / 3)


def fit_curve(u, places, *, trend):
    """Return the most probable MonotoneCurve through places on the way of the outputs.

    Gauss-Newton steps, each of which is the mean of a Gaussian process given linearised places.

    Parameters
    ----------
    u : ndarray of shape (M,)
        Trained values on the suggested scale, increasing from 0 to 1.
    places : ndarray of shape (M,)
        Where they sit on the way of the outputs, increasing from 0 to 1.
    trend : bool
        Whether a trend of the log speed is left open.
    """
    u = np.asarray(u, dtype=float)
    places = with_own(places, u)
    until, prior = _cells_until(places[1:-1], N_CELLS), _prior(N_CELLS, trend)

    def loss(dual, log_speed):
        miss = until @ _masses(log_speed) - u[1:-1]
        return np.sum(miss**2) / _PLACE**2 + dual @ log_speed

    dual, log_speed = np.zeros(N_CELLS), np.zeros(N_CELLS)  # log_speed = prior @ dual
    for _ in range(_MAX_STEPS):
        mass = _masses(log_speed)
        slope = _sensitivity(until, mass)
        precision = slope @ prior @ slope.T + _PLACE**2 * np.eye(len(slope))
        target = u[1:-1] - until @ mass + slope @ log_speed
        dual_step = slope.T @ np.linalg.solve(precision, target) - dual
        step = prior @ dual_step
        size = np.abs(step).max()
        if size < _SETTLED:
            break
        factor, before = min(1.0, _LARGEST_STEP / size), loss(dual, log_speed)
        while factor > _SETTLED:
            moved = dual + factor * dual_step, log_speed + factor * step
            if loss(*moved) < before:
                break
            factor *= 0.5
        else:
            break
        dual, log_speed = moved
    mass = _masses(log_speed)
    grid = np.concatenate([[0.0], np.cumsum(mass)])
    grid /= grid[-1]
    # what the curve says of trained values is so by definition: their outputs are known
    times = np.interp(u[1:-1], grid, np.linspace(0, 1, len(grid)))
    slope = _sensitivity(_cells_until(times, N_CELLS), mass)
    root = cholesky(slope @ prior @ slope.T + _OWN**2 * np.eye(len(slope)), lower=True)
    known = solve_triangular(root, slope @ prior, lower=True)
    return MonotoneCurve(grid, known, trend)


def log_speeds(parts, lengths):
    """Return the log speeds over intervals of some lengths, in which parts of the way lie."""
    return np.log((1 - _OWN) * parts / lengths + _OWN)


def log_detours(parts, lengths):
    """Return the same of ways beside a line, on which no place is known better than trained ones.

    What is less than their error is none.
    """
    return np.log((1 - _PLACE) * parts / lengths + _PLACE)


def speed_kernel(z, z_other):
    """Return the covariance (M, M') of log speeds at times, up to a constant: they wander."""
    return -0.5 * _SPEED**2 * cdist(z, z_other)


def speed_noise():
    """Return the variance of a log speed between trained values, both of which are misplaced.

    The error of a place is that of a value in the middle of two intervals.
    """
    return 2 * (2 * _PLACE) ** 2


def with_own(places, u):
    """Return places of which no two are the same: a small part of the time runs as u does."""
    return (1 - _OWN) * np.asarray(places, dtype=float) + _OWN * u


def _masses(log_speed):
    """Return the fraction of u in each cell of time; none is empty, so that time is unique."""
    mass = np.maximum(np.exp(log_speed - log_speed.max()), _LEAST)
    return mass / mass.sum()


def _cells_until(time, n_cells):
    """Return how much of every cell lies before each time, (Q, N); the outer cells go on."""
    cells = np.asarray(time)[:, None] * n_cells - np.arange(n_cells)
    until = np.clip(cells, 0, 1)
    until[:, 0] = np.minimum(cells[:, 0], 1)
    until[:, -1] = np.maximum(cells[:, -1], 0)
    return until


def _sensitivity(until, mass):
    """Return the derivative (Q, N) of u at some times by the log speed of each cell."""
    return (until - (until @ mass)[:, None]) * mass


def _prior(n_cells, trend):
    """Return the covariance of the log speeds: Brownian, and a trend."""
    time = (np.arange(n_cells) + 0.5) / n_cells
    covariance = _SPEED**2 * np.minimum(time[:, None], time)
    return covariance + _TREND**2 * np.outer(time, time) if trend else covariance
