"""Draws of whole particles (docs/method.md, section 13).

For geometries in which particles jump: which of them do is not a function of the output.
"""

import numpy as np
from scipy.spatial import cKDTree

from .._utils.groupby import first_of_each, mean_of_groups, number_groups
from .._utils.registry import storable
from ..data.budget import BUDGET
from ..data.conditions import Features
from ..data.facts import FEW, MANY, DrawCounts
from ..stats.distances import energy_miss
from ..stats.ridge import LinearMean
from ..stats.selection import select
from .neighbours import NeighborsBase
from .regressors import KernelRidge

_POOLS = (FEW, 4 * FEW, 16 * FEW, 64 * FEW)  # rows of near inputs that draws are taken among
_N_FOLDS = 5


@storable
class WholeParticles(NeighborsBase):
    """Draws among the particles of the nearest inputs, carried to the input that is asked.

    An input with many draws has its own. Of few, those of near inputs are added, as many as
    predict the outputs of inputs best that are left out. A regression on x says how far the means
    of outputs move to another input; outputs that keep to few values are not moved.

    Attributes
    ----------
    mean_ : LinearMean, KernelRidge or None
        The regression of means at all trained values; None: they are not moved.
    """

    def fit(self, points, conditions, groups, *, n_categories, settled, one_answer, seed):
        """Store particles (N, M, D), their inputs, and whose draws stand for each other."""
        rng = np.random.default_rng(seed)
        self.shape_, self.n_categories_ = points.shape[1:], n_categories
        flat = points.reshape(len(points), -1)
        self.mean_ = None if settled else _choose_mean(self._features(conditions), flat, groups)
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
        uniform, order = rng.random((n_rows, 2, 2, n_draws)).swapaxes(0, 1)
        return (np.argsort(order, axis=2) + uniform) / n_draws

    def fixed_noise(self, rng):
        """Return noise that spreads evenly over the rows of a pool, to be shared by rows."""
        even = super().fixed_noise(rng)
        return np.stack([even, np.full_like(even, 0.5)], axis=1)

    def particles(self, query, noise):
        """Return scaled particles (n, n_draws, M, D) that noise (n, 2, n_draws) picks."""
        nearest = self._nearest(query.conditions)
        rows = self._rows(nearest, noise[:, 0])
        return self._carried(rows, query.conditions)

    def pool(self, conditions):
        """Return the particles (P, M, D) of the pool of one condition, carried to it."""
        rows = self.pools_[self._nearest(conditions)[0]]
        return self._carried(rows[None], conditions)[0]

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

    def _carried(self, rows, conditions):
        flat = self.y_[rows]
        if self.mean_ is not None:
            flat = flat + (self._means(conditions)[:, None] - self.at_own_[rows])
        return flat.reshape(*rows.shape, *self.shape_)

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


def _choose_mean(x, flat, groups):
    """Return the regression of means on x that predicts inputs best; None: the nearest input's."""
    first, number = first_of_each(groups), number_groups(groups)
    x, y = x[first], mean_of_groups(number, flat)
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
    name = select(losses, list(held)).name
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
    """Return the energy score of draws for one output."""
    return 0.5 * energy_miss(draws, y[None])
