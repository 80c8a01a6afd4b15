"""Draws that a fitted state holds, and any statistic of them (docs/method.md, section 11)."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .._utils.groupby import first_of_each, rank_in_group
from .._utils.registry import storable
from ..answers.sampling import summarise
from ..data.arrays import take
from ..data.budget import BUDGET
from ..data.conditions import Conditions, Query
from ..data.facts import FEW, MANY
from ..data.lam_space import repeat_lam
from ..field.fit import aligned_draws
from ..field.particles import partners_in_groups
from ..samplers.wrapped import CallableBase, EstimatorBase
from .means import products_of, squares_of


@storable
@dataclass(frozen=True)
class KnownDraws:
    """Some draws of some inputs, which all trained values know.

    Attributes
    ----------
    outputs : ndarray of shape (M, n, D), float32
        Outputs at every trained value, scaled; those of one input side by side.
    counts : ndarray of shape (G,)
        Draws of every input.
    left_out : ndarray of shape (V,)
        Numbers of the trained values that are left out.
    compared : ndarray of shape (H,)
        Inputs at which answers of the surrogate are compared with the draws.
    conditions : Conditions or None
        Those inputs; None where networks are asked, or errors at inputs held out are known.
    X : array, DataFrame or None
        The same in the user's terms, for bases that take them so.
    """

    outputs: np.ndarray
    counts: np.ndarray
    left_out: np.ndarray
    compared: np.ndarray
    conditions: Conditions | None = None
    X: object | None = None


def keep_draws(problem, data, state, left_out, rng):
    """Return the KnownDraws of a fit; None where no input has enough at all trained values.

    Parameters
    ----------
    problem : Problem
        The rows of the fit.
    data : TrainingData
        The rows that networks were asked, where they were; else those of the problem.
    state : FittedState
        What the fit has learned.
    left_out : ndarray of shape (V,)
        Numbers of the trained values that are left out.
    rng : numpy.random.Generator
        Chooses rows.
    """
    budget = data.budget
    n_values, n_outputs = len(data.anchors.lam), data.y.shape[1]
    most = max(MANY, min(budget.left_out_rows, budget.kept_numbers // (n_values * n_outputs)))
    if state.regresses:
        known = state.base.judged_[:most]
        outputs = np.moveaxis(state.base.known_[known], 0, 1).astype(np.float32)
        counts, every = np.ones(len(known), dtype=int), np.arange(len(known))
        return KnownDraws(outputs, counts, left_out, every) if len(known) else None
    if not all(data.facts.inputs_shared):
        return None
    outputs, groups = aligned_draws(data, rng, most, min(most, budget.left_out_draws))
    inputs, counts = np.unique(groups, return_counts=True)
    enough = counts >= (1 if data.facts.one_answer else FEW)
    if not enough.any():
        return None
    outputs = outputs[:, np.repeat(enough, counts)].astype(np.float32)
    found = KnownDraws(outputs, counts[enough], left_out, np.arange(0))
    if state.networks is not None:
        return found
    compared = np.sort(rng.permutation(int(enough.sum()))[: budget.mean_inputs])
    rows = first_of_each(data.groups)
    rows = rows[np.searchsorted(np.unique(data.groups), inputs[enough][compared])]
    wrapped = isinstance(state.base, CallableBase | EstimatorBase)
    X = take(problem.X, rows) if wrapped else None
    return replace(found, compared=compared, conditions=data.conditions[rows], X=X)


@dataclass(frozen=True)
class Statistics:
    """A statistic of known draws, and how the surrogate misses it; like `Means`.

    Attributes
    ----------
    known : KnownDraws
        What the fit has kept.
    state : FittedState
        What has answered.
    statistic : Statistic
        Of the draws of one input.
    """

    known: KnownDraws
    state: object
    statistic: object

    @cached_property
    def values(self):
        """The statistic (G, M, S) at trained values."""
        return np.stack([self._of(y, self._whole) for y in self._whole.outputs], axis=1)

    @cached_property
    def base(self):
        """Mean products (M, M, S) of the surrogate's errors; zero where it asks networks."""
        if self.state.networks is not None:
            return products_of(self.values[:0], np.zeros(self.values.shape[1:]))
        errors, chance = self._errors(), 0.0
        if not self.state.regresses:
            chance = [
                self._chance(lambda part, k=k: self._of(part.outputs[k], part))
                for k in range(self.values.shape[1])
            ]
            chance = np.mean(chance, axis=1)
        return products_of(errors, squares_of(errors, chance))

    def miss(self, rest, k, weights):
        """Return errors (G, S) of what others say of value k, and the sum of squares by chance.

        Parameters
        ----------
        rest : ndarray of shape (M - 1,)
            Numbers of the other values.
        k : int
            The value left out.
        weights : ndarray of shape (M - 1,)
            Of the outputs of the others.
        """
        edges = self.state.particle_field.edges(self.state.anchors[rest])
        edges = [(rest[a], rest[b]) for a, b in edges]

        def miss(part):
            answer = part.answer(edges, dict(zip(rest, weights, strict=True)))
            return self._of(answer, part) - self._of(part.outputs[k], part)

        return miss(self._whole), self._chance(miss).sum(axis=0)

    def _errors(self):
        """Return the errors (H, M, S) of the surrogate's answers at trained values."""
        state, known = self.state, self.known
        if state.regresses:
            wrong = known.outputs - np.moveaxis(state.base.errors_[known.compared], 0, 1)
            return np.stack([self._of(y, self._whole) for y in wrong], axis=1) - self.values
        X = np.empty((len(known.compared), 0)) if known.X is None else known.X
        query = Query(X, known.conditions, None)
        asked = replace(state, outputs=self._space)
        answers = [
            summarise(asked, replace(query, lam=lam), self.statistic, BUDGET.statistic_draws)
            for lam in (repeat_lam(lam, len(query)) for lam in state.anchors)
        ]
        return self._scaled(np.stack(answers, axis=1)) - self.values[known.compared]

    def _of(self, y, part):
        """Return the statistic (G, S) of scaled draws (n, D) of each input."""
        out, first = None, np.cumsum(part.counts) - part.counts
        for n_draws in np.unique(part.counts):
            inputs = np.flatnonzero(part.counts == n_draws)
            rows = first[inputs] + np.arange(n_draws)[:, None]
            found = self._scaled(self.statistic(self._space.decode(y[rows])))
            out = np.empty((len(part.counts), found.shape[1])) if out is None else out
            out[inputs] = found
        return out

    def _chance(self, measure):
        """Return what chance brings to the square of a measure (G, S): halves tell it."""
        pairs = [(measure(a) - measure(b)) ** 2 for a, b in self._halves]
        return np.mean(pairs, axis=0) / 4 if pairs else np.zeros_like(measure(self._whole))

    @cached_property
    def _whole(self):
        return _Part(self.known.outputs.astype(float), self.known.counts)

    @cached_property
    def _halves(self):
        if self.known.counts.max() == 1:
            return []
        rng = np.random.default_rng(0)
        return [self._whole.halved(rng) for _ in range(BUDGET.halvings)]

    @property
    def _space(self):
        """The space in which errors of the statistic are taken."""
        outputs = self.state.outputs
        return outputs.in_coordinates() if self.statistic.in_coordinates(outputs) else outputs

    def _scaled(self, values):
        """Return the statistic (..., S) in scaled units, if it is one of coordinates."""
        outputs = self.state.outputs
        return outputs.scaler.encode(values) if self.statistic.in_coordinates(outputs) else values


class _Part:
    """Draws (M, n, D) of inputs, side by side, and the couplings between them."""

    def __init__(self, outputs, counts):
        self.outputs, self.counts = outputs, counts
        self._groups = np.repeat(np.arange(len(counts)), counts)
        self._rng = np.random.default_rng(0)  # cuts inputs of very many draws
        self._partners = {}

    def halved(self, rng):
        """Return two parts, of half the draws of every input each."""
        order = np.lexsort((rng.random(len(self._groups)), self._groups))
        first = rank_in_group(self._groups)[0] < np.repeat(self.counts // 2, self.counts)
        halves = ((first, self.counts // 2), (~first, self.counts - self.counts // 2))
        return [_Part(self.outputs[:, order[kept]], counts) for kept, counts in halves]

    def answer(self, edges, weights):
        """Return the sum (n, D) of the outputs of particles, which follow edges, with weights."""
        numbers = {}
        for parent, child in edges:
            parents = numbers.setdefault(parent, np.arange(len(self._groups)))
            numbers[child] = self._pair(parent, child)[parents]
        numbers = numbers or {k: np.arange(len(self._groups)) for k in weights}
        return sum(weight * self.outputs[k][numbers[k]] for k, weight in weights.items())

    def _pair(self, parent, child):
        """Return the partner of each draw of a trained value at another."""
        if (parent, child) not in self._partners:
            ends = self.outputs[parent], self.outputs[child]
            self._partners[parent, child] = partners_in_groups(*ends, self._groups, self._rng)
        return self._partners[parent, child]
