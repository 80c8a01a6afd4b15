"""Draws of whole particles (docs/method.md, section 12).

For geometries in which particles jump: which of them do is not a function of the output.
"""

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from .._utils.groupby import first_of_each, mean_of_groups, number_groups
from .._utils.registry import storable
from ..data.budget import BUDGET
from ..data.conditions import Features
from ..data.facts import FEW, MANY, DrawCounts
from ..field.jumps import pick
from ..stats.ridge import LinearMean
from ..stats.selection import select
from .neighbours import NeighborsBase
from .regressors import KernelRidge

_POOLS = (FEW, 4 * FEW, 16 * FEW, 64 * FEW)  # rows of near inputs that draws are taken among
_N_FOLDS = 5
_COMMON = 0.05  # of the draws at a trained value: outputs that so many have stay at other inputs


@storable
class WholeParticles(NeighborsBase):
    """Draws among the particles of the nearest inputs, carried to the input that is asked.

    An input with many draws has its own. Of few, those of near inputs are added, as many as
    predict the outputs of inputs best that are left out. A regression on x says how far the means
    of outputs move to another input. Outputs that many draws have in common, such as zeros, stay;
    an output of few values steps between them, so that its mean moves, and rows of them stay.

    Attributes
    ----------
    mean_ : LinearMean, KernelRidge or None
        The regression of means at all trained values; None: they are not moved.
    """

    def fit(self, points, conditions, groups, *, n_categories, mix, one_answer, seed):
        """Store particles (N, M, D), their inputs, and whose draws stand for each other."""
        rng = np.random.default_rng(seed)
        self.shape_, self.n_categories_ = points.shape[1:], n_categories
        flat = points.reshape(len(points), -1)
        self.mix_, self.mean_ = mix, None
        self.moves_ = np.ones(points.shape[:2], dtype=bool)
        if mix.levels is None:
            self.moves_ = ~np.stack([_in_common(y) for y in points.swapaxes(0, 1)], axis=1)
        if not one_answer and (mix.levels is None or mix.seen is not None):
            x, moves = self._features(conditions), np.repeat(self.moves_, self.shape_[1], axis=1)
            self.mean_ = _choose_mean(x, flat, moves, groups)
        few = not one_answer and DrawCounts.of(groups).median < MANY
        left = flat - self._means(conditions)
        self.min_rows = 1 if one_answer else FEW
        if few:
            self.min_rows = _choose_pool(left, conditions, groups, rng)
        super().fit(flat, conditions, groups)
        self.at_own_ = self._means(conditions)
        return self

    def noise(self, n_rows, n_draws, rng):
        """Return the randomness of the draws, rows first: of the particle, and of its switch."""
        uniform, order = rng.random((n_rows, 2, 3, n_draws)).swapaxes(0, 1)
        return (np.argsort(order, axis=2) + uniform) / n_draws

    def fixed_noise(self, rng):
        """Return noise that spreads evenly over the rows of a pool, to be shared by rows."""
        even = super().fixed_noise(rng)
        steps = np.random.default_rng(0).permutation(even[0])[None]
        return np.stack([even, np.full_like(even, 0.5), steps], axis=1)

    def particles(self, query, noise):
        """Return scaled particles (n, n_draws, M, D) that noise (n, 3, n_draws) picks."""
        nearest = self._nearest(query.conditions)
        rows = self._rows(nearest, noise[:, 0])
        return self._carried(rows, query.conditions, noise[:, 2])

    def pool(self, conditions):
        """Return the particles (P, M, D) of the pool of one condition, carried to it."""
        rows = self.pools_[self._nearest(conditions)[0]]
        steps = np.random.default_rng(0).permutation((np.arange(len(rows)) + 0.5) / len(rows))
        return self._carried(rows[None], conditions, steps[None])[0]

    def parts(self, query, reweighting, n_draws):
        """Return the parts (n * n_draws, M) of pools with the upper of two values, or None."""
        if not reweighting.by_logit:
            return None
        used, own = np.unique(self._nearest(query.conditions), return_inverse=True)
        sizes = [len(self.pools_[g]) for g in used]
        rows = np.concatenate([self.pools_[g] for g in used])
        particles = self.y_[rows].reshape(-1, *self.shape_)
        parts = reweighting.upper_parts(particles, np.repeat(np.arange(len(used)), sizes))
        first = np.cumsum(sizes) - sizes
        return np.repeat(parts[first[own.reshape(-1)]], n_draws, axis=0)

    def _carried(self, rows, conditions, steps):
        """Return particles (n, n_draws, M, D) as they would be at other inputs."""
        points = self.y_[rows].reshape(*rows.shape, *self.shape_)
        if self.mean_ is None:
            return points
        shift = self._means(conditions)[:, None] - self.at_own_[rows]
        points = points + shift.reshape(points.shape) * self.moves_[rows][..., None]
        if self.mix_.seen is None:
            return points
        flat = points.reshape(-1, self.shape_[1])
        switch = np.repeat(steps.reshape(-1), self.shape_[0])
        return pick(*self.mix_.stepped(flat), switch).reshape(points.shape)

    def draw(self, query, noise, dtype=None):
        """Return scaled outputs (n, n_draws, D) at the first trained value."""
        return self.particles(query, noise)[:, :, 0]

    def _features(self, conditions):
        return Features(conditions, self.n_categories_)[:]

    def _means(self, conditions):
        """Return the means (n, M * D) at inputs; zeros where they are not moved."""
        if self.mean_ is None:
            return np.zeros((len(conditions), int(np.prod(self.shape_))))
        return self.mean_.predict(self._features(conditions))


def _in_common(y):
    """Return which rows of outputs (N, D) many others are equal to."""
    _, number, count = np.unique(y, axis=0, return_inverse=True, return_counts=True)
    return count[number.reshape(-1)] > max(MANY, _COMMON * len(y))


def _choose_mean(x, flat, moves, groups):
    """Return the regression of means on x that predicts inputs best; None: the nearest input's."""
    first, number = first_of_each(groups), number_groups(groups)
    part, total = mean_of_groups(number, moves * 1.0), flat.sum(axis=0, where=moves)
    typical = total / np.maximum(moves.sum(axis=0), 1)
    y = mean_of_groups(number, np.where(moves, flat - typical, 0.0)) / np.where(part > 0, part, 1)
    x = x[first]
    if not x.shape[1] or len(x) < MANY:
        return None
    order = np.random.default_rng(0).permutation(len(x))[: BUDGET.judged_inputs]
    x, y = x[order], y[order]
    held = {name: np.empty_like(y) for name in ("nearest", "linear", "smooth")}
    setting = KernelRidge().fit(x, y).setting
    fold = np.arange(len(x)) % _N_FOLDS
    for k in range(_N_FOLDS):
        here, rest = fold == k, fold != k
        nearest = cKDTree(x[rest]).query(x[here])[1]
        held["nearest"][here] = y[rest][nearest]
        held["linear"][here] = LinearMean().fit(x[rest], y[rest]).predict(x[here])
        held["smooth"][here] = KernelRidge(setting).fit(x[rest], y[rest]).predict(x[here])
    losses = [np.mean((answer - y) ** 2, axis=1) for answer in held.values()]
    name = select(losses, list(held), n_errors=0.0).name
    makers = {"nearest": None, "linear": LinearMean, "smooth": lambda: KernelRidge(setting)}
    return None if name == "nearest" else makers[name]().fit(x, y)


def _choose_pool(left, conditions, groups, rng):
    """Return how many rows of near inputs are drawn among, by outputs of inputs left out."""
    places = np.hstack([conditions.scaled, conditions.codes])
    if not places.shape[1] or len(np.unique(groups)) < MANY:
        return FEW
    sizes = [size for size in _POOLS if size < len(left)]
    judged = rng.permutation(len(left))[: BUDGET.generator_rows]
    most = min(len(left), sizes[-1] + int(np.bincount(groups).max()))
    near = cKDTree(places).query(places[judged], k=[*range(1, most + 1)])[1]
    losses = np.empty((len(sizes), len(judged)))
    for i, row in enumerate(judged):
        others = near[i][groups[near[i]] != groups[row]]
        for loss, size in zip(losses, sizes, strict=True):
            loss[i] = _miss(left[others[:size]], left[row])
    return int(sizes[select(losses, n_errors=0.0, compare="best").index])


def _miss(draws, y):
    """Return the energy score for one output of a distribution that is these draws, as few."""
    return cdist(draws, y[None]).mean() - 0.5 * cdist(draws, draws).mean()
