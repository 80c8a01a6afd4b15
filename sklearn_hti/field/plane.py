"""The particle field over several hyperparameters (docs/method.md, section 4)."""

from dataclasses import replace

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, null_space
from scipy.optimize import minimize

from .._utils.tree import spanning_tree
from ..clocks.warps import WarpClock
from .kernels import Brownian, Matern, blend
from .particle_field import ROUGH_FRACTION, ParticleField

SMOOTH = Matern()  # times are in units of the lengths of the axes
_PARTICLES = 3  # whose evidence counts: particles of many inputs move alike
_SLOPE = 10.0  # variance of linear functions over the trained range, of an increment's
_LENGTH, _BEND = 1.0, 1.0  # prior deviations of the logarithm of a length, and of a bend
_ODDS = 3.0  # logarithm, of a suggested scale to a linear one before outputs are seen
_USED = 6.0  # the same, of an axis that has an influence to one that has none
_STARTS = (0.5, 2.0)  # lengths that the search begins at
_LIMITS = (0.05, 50.0), (-4.0, 4.0)  # of lengths and of bends
_JITTER = 1e-8
_ENOUGH = 60  # trained values whose outputs tell lengths and bends


def fit_plane(scale, particles, lams, noise=0.0):
    """Return the ParticleField whose lengths and bends of axes are the most probable.

    Parameters
    ----------
    scale : AxesScale
        Axes of length one without bends.
    particles : ndarray of shape (N, M, D)
        Outputs followed through the trained values.
    lams : ndarray of shape (M, k)
        Trained values.
    noise : float, default=0.0
        Fraction of the increments that comes from few draws.
    """
    rough_fraction = 1 - (1 - ROUGH_FRACTION) * (1 - noise) ** 2
    scale = _confirmed(scale, _moments(particles), lams, rough_fraction)
    return ParticleField(scale, SMOOTH, rough_fraction, noise)


def influential_axes(scale, particles, lams):
    """Return the axes without which outputs are not clearly more probable, in order.

    Where the outputs do not depend on an axis, evidence prefers to leave it out. Users vary what
    they believe to matter, so it has to be clear: of up to five trained values it is not. One
    number stays.

    Parameters
    ----------
    scale : AxesScale
        Axes of length one without bends.
    particles : ndarray of shape (N, M, D)
        Outputs followed through the trained values.
    lams : ndarray of shape (M, k)
        Trained values.
    """
    moments, kept = _moments(particles), list(range(len(scale.axes)))
    if not np.trace(moments) > 0:
        return kept

    def probability(axes):
        part = replace(scale, axes=tuple(scale.axes[j] for j in axes))
        return _most_probable(part, moments, lams[:, axes], ROUGH_FRACTION)[1]

    best = probability(kept)
    while len(kept) > 1:
        numbers = [j for j in kept if scale.axes[j].is_number]
        options = [j for j in kept if j not in numbers or len(numbers) > 1]
        found = {j: probability([i for i in kept if i != j]) for j in options}
        worst = max(found, key=found.get)
        if found[worst] < best + _USED:
            break
        best = found[worst]
        kept.remove(worst)
    return kept


def _moments(particles):
    """Return the mean outer product (M, M) of centred particles."""
    centered = particles - particles.mean(axis=1, keepdims=True)
    flat = centered.transpose(1, 0, 2).reshape(particles.shape[1], -1)
    return flat @ flat.T / max(1, flat.shape[1])


def _confirmed(scale, moments, lams, rough_fraction):
    """Return the most probable AxesScale: every axis as suggested, or linear."""
    found, best = _most_probable(scale, moments, lams, rough_fraction)
    for j, axis in enumerate(scale.axes):
        if axis.free and axis.rule.name != "identity":
            linear = replace(axis, rule=WarpClock("identity"))
            other = replace(scale, axes=(*scale.axes[:j], linear, *scale.axes[j + 1 :]))
            of_other, probability = _most_probable(other, moments, lams, rough_fraction)
            if probability > best + _ODDS:
                scale, found, best = other, of_other, probability
    return found


def _most_probable(scale, moments, lams, rough_fraction):
    """Return the AxesScale of the most probable lengths and bends, and its log probability."""
    some = _far_apart(scale.place(lams))
    moments, lams = moments[np.ix_(some, some)], lams[some]
    n_axes, n_free = len(scale.axes), sum(axis.free for axis in scale.axes)
    if not np.trace(moments) > 0:
        return scale, 0.0
    contrasts = null_space(np.ones((1, len(lams))))
    edges = spanning_tree(scale.place(lams))

    def loss(settings):
        lengths, bends = settings[:n_axes], settings[n_axes:]
        prior = np.sum((lengths / _LENGTH) ** 2) + np.sum((bends / _BEND) ** 2)
        shaped = scale.shaped(np.exp(lengths), bends)
        evidence = _log_evidence(shaped, moments, lams, rough_fraction, edges, contrasts)
        return 0.5 * prior - _PARTICLES * evidence

    bounds = [np.log(_LIMITS[0])] * n_axes + [_LIMITS[1]] * n_free
    found = [
        minimize(loss, np.r_[np.full(n_axes, np.log(start)), np.zeros(n_free)], bounds=bounds)
        for start in _STARTS
    ]
    best = min(found, key=lambda one: one.fun)
    return scale.shaped(np.exp(best.x[:n_axes]), best.x[n_axes:]), -best.fun


def _far_apart(places):
    """Return at most `_ENOUGH` of the places (M, k), each far from those before it."""
    if len(places) <= _ENOUGH:
        return np.arange(len(places))
    found, distance = [0], np.full(len(places), np.inf)
    while len(found) < _ENOUGH:
        distance = np.minimum(distance, np.linalg.norm(places - places[found[-1]], axis=1))
        found.append(int(distance.argmax()))
    return np.sort(found)


def _log_evidence(scale, moments, lams, rough_fraction, edges, contrasts):
    """Return the log marginal likelihood of one value, up to a constant (equation 21).

    All scales have the same contrasts, those of a constant mean, and linear functions have a wide
    prior.
    """
    knots, places = scale.time(lams), scale.place(lams)
    kernel = blend(SMOOTH, Brownian(), rough_fraction, knots, edges)
    covariance = kernel(knots, knots) + _SLOPE * places @ places.T
    covariance = contrasts.T @ covariance @ contrasts
    n = len(covariance)
    covariance += _JITTER * np.trace(covariance) / n * np.eye(n)
    try:
        factor = cho_factor(covariance)
    except LinAlgError:
        return -np.inf
    size = np.trace(cho_solve(factor, contrasts.T @ moments @ contrasts)) / n
    log_determinant = 2 * np.log(np.diag(factor[0])).sum()
    return -0.5 * (log_determinant + n * np.log(max(size, np.finfo(float).tiny)))
