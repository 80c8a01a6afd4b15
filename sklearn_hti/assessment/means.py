"""Conditional means at trained values: those that are known, and how the surrogate misses them."""

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from .._utils.groupby import first_of_each, number_groups, squares_of_groups
from ..answers.sampling import moments
from ..data.arrays import take
from ..data.conditions import Query
from ..data.lam_space import repeat_lam


@dataclass(frozen=True)
class Means:
    """Conditional means of some inputs at all trained values.

    Attributes
    ----------
    values : ndarray of shape (G, M, D)
        Means of the outputs, scaled.
    chance : ndarray of shape (G, M, D)
        Their squared standard errors; zero for one answer per input.
    base : ndarray of shape (M, M, D)
        Mean products of the errors that the surrogate makes there; zero where it asks networks.
    """

    values: np.ndarray
    chance: np.ndarray
    base: np.ndarray

    def miss(self, rest, k, weights):
        """Return errors (G, D) of what others say of value k, and the sum of squares by chance."""
        every = np.zeros(self.values.shape[1])
        every[rest], every[k] = weights, -1.0
        errors = np.einsum("m,imd->id", every, self.values)
        return errors, np.einsum("m,imd->d", every**2, self.chance)


def known_means(problem, data, state, rng):
    """Return the Means of inputs that all trained values know, else those of the surrogate.

    Parameters
    ----------
    problem : Problem
        The rows of the fit.
    data : TrainingData
        The rows that networks were asked, where they were; else those of the problem.
    state : FittedState
        What the fit has learned.
    rng : numpy.random.Generator
        Chooses inputs.
    """
    anchors = [data.anchors.rows(k) for k in range(len(data.anchors.lam))]
    inputs = reduce(np.intersect1d, [data.groups[rows] for rows in anchors])
    if not all(data.facts.inputs_shared) or not len(inputs):
        return _means_of_others(problem, data, state, rng)
    shared = (rows[np.isin(data.groups[rows], inputs)] for rows in anchors)
    of_anchors = [_means_of_draws(data, rows) for rows in shared]
    values, chance = (np.stack(part, axis=1) for part in zip(*of_anchors, strict=True))
    if state.base is None:
        return Means(values, chance, products_of(values[:0], chance[0]))
    errors, of_draws = unseen_errors(state), 0.0
    if errors is None:
        some = rng.permutation(len(inputs))[: data.budget.mean_inputs]
        rows = first_of_each(data.groups)[np.searchsorted(np.unique(data.groups), inputs[some])]
        errors = _surrogate_means(problem, state, rows) - values[some]
        of_draws = chance.mean(axis=0)
    return Means(values, chance, products_of(errors, squares_of(errors, of_draws)))


def unseen_errors(state):
    """Return errors (G, M, D) of the base at inputs that it did not see; None if unknown."""
    return getattr(state.base, "errors_", None)


def products_of(errors, own):
    """Return mean products (M, M, D) of errors (H, M, D), with own mean squares (M, D)."""
    if not len(errors):
        return np.zeros((len(own), *own.shape))
    products = np.einsum("imd,ipd->mpd", errors, errors) / len(errors)
    every = np.arange(len(own))
    square = products[every, every]
    shrink = np.divide(own, square, where=square > own, out=np.ones_like(square))
    products *= np.sqrt(shrink[:, None] * shrink)
    products[every, every] = own
    return products


def squares_of(errors, chance):
    """Return mean squared errors (M, D) of what was learned from means with chance (M, D).

    Errors (H, M, D) are the differences from those means. Of a projection without bias, what it
    follows of their chance is its error, and the rest is the difference. A bias adds to both. The
    standard error of the mean square comes on top.
    """
    square = np.mean(errors**2, axis=0)
    return np.abs(chance - square) + np.sqrt(2 / len(errors)) * square


def _means_of_draws(data, rows):
    """Return the mean of each input of some rows, and its squared standard error, (G, D)."""
    number = number_groups(data.groups[rows])
    means, squares = squares_of_groups(number, data.y[rows])
    size = np.bincount(number)[:, None]
    return means, squares / (size * np.maximum(size - 1, 1))


def _surrogate_means(problem, state, rows):
    """Return the surrogate's means (n, M, D) at the inputs of some rows, scaled."""
    query = Query(take(problem.X, rows), problem.data.conditions[rows], None)
    state = replace(state, outputs=state.outputs.in_coordinates())
    means = (
        moments(state, replace(query, lam=repeat_lam(lam, len(rows))))[0] for lam in state.anchors
    )
    return np.stack([state.outputs.scaler.encode(mean) for mean in means], axis=1)


def _means_of_others(problem, data, state, rng):
    """Return the Means of the surrogate, where hardly an input is known at all trained values.

    Its error at a trained value is that on average over rows, beside the standard error of a
    linear regression on all rows there.
    """
    n_values = len(data.anchors.lam)
    n_rows = max(2, data.budget.mean_inputs // n_values)
    rows = [rng.permutation(data.anchors.rows(k))[:n_rows] for k in range(n_values)]
    values = _surrogate_means(problem, state, np.concatenate(rows))
    of = np.repeat(np.arange(n_values), [len(some) for some in rows])
    misses = values[np.arange(len(of)), of] - data.y[np.concatenate(rows)]
    mean, squares = squares_of_groups(of, misses)
    size = np.bincount(of)[:, None]
    variance = squares / np.maximum(size - 1, 1)
    n_rows = np.bincount(data.anchors.index)[:, None]
    own = np.maximum(mean**2 - variance / size, 0)
    own = own + (1 + data.features.shape[1]) * variance / n_rows
    return Means(values, np.zeros_like(values), products_of(np.zeros((1, *own.shape)), own))
