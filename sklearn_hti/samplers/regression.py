"""Regression of particles on x: the outputs of an input at all trained values at once.

For networks that give one answer per input (docs/method.md, section 9).
"""

from functools import partial
from itertools import chain

import numpy as np
from scipy.spatial import cKDTree

from .._utils.groupby import first_of_each, number_groups
from .._utils.progress import counted
from .._utils.registry import storable
from ..data.conditions import Features
from ..stats.ridge import LinearMean
from ..stats.selection import select
from .regressors import Average, Forest, KernelRidge, Network

_N_FOLDS = 5
_TOGETHER = ("smooth", "trees"), ("smooth", "network")  # means of two compete as well
_N_PASSES = 3  # that predict outputs of inputs which are not known at all trained values
_NEAR = 8  # known inputs around another one
_REACH = 0.1  # of the median distance to the nearest input: farther inputs are not corrected
_REACH_LIMITS = 2e-3, 0.5  # of a standard deviation; categories are apart by 1


@storable
class ParticleRegression:
    """Outputs of any input at all trained values, by regression on the inputs of fit.

    Which regressor is chosen by held-out inputs. At an input of fit the answer is its own
    outputs, exactly; this correction fades out over a short distance, so that answers are
    continuous there.

    Attributes
    ----------
    chosen_ : Selection
        The regressor, and the held-out losses of the candidates that stay in the race.
    errors_ : ndarray of shape (G, M, D)
        Errors of the chosen one at held-out inputs that are known at all trained values.
    judged_ : ndarray of shape (G,)
        The rows of `known_`, the outputs of the inputs of fit, that these inputs are.
    blind_ : ndarray of shape (M,)
        Trained values at which it predicts held-out inputs no better than their mean does.
    """

    name: str  # of the kind of base, and why it was chosen: see `make_base`
    reason: str

    def fit(self, data, n_categories, seed, *, n_steps, n_jobs=None):
        """Fit on TrainingData with one answer per input and trained value.

        A network that competes takes `n_steps` steps.
        """
        of, n_anchors = number_groups(data.groups), len(data.anchors.lam)
        values = np.zeros((of.max() + 1, n_anchors, data.y.shape[1]))
        known = np.zeros(values.shape[:2], dtype=bool)
        values[of, data.anchors.index] = data.y
        known[of, data.anchors.index] = True
        mean = values.sum(axis=0) / known.sum(axis=0)[:, None]
        self.n_categories_ = n_categories
        conditions = data.conditions[first_of_each(of)]
        several = data.anchors.several
        x, filled = self._features(conditions), mean + _filled(values - mean, known, several)
        candidates = partial(_candidates, seed=seed, n_jobs=n_jobs, n_steps=n_steps)
        for _ in range(1 if known.all() else _N_PASSES):
            self.regressor_ = self._choose(x, filled, known, seed, data.budget, candidates)
            at_known = self._predict(x)
            filled = at_known + _filled(values - at_known, known, several)
        self.known_ = np.where(known[:, :, None], values, filled)
        # trees are steps; they are corrected by what they answer at the other input
        self.at_known_ = None if "trees" in self.chosen_.name else at_known
        places = _places(conditions)
        self.tree_ = cKDTree(places)
        self.reach_ = _reach(self.tree_, places)
        return self

    def keep_rest(self, rest, data):
        """Keep what a codec leaves out of rows of the fit: inputs of fit then get it back.

        See `sklearn_hti.data.outputs.OutputSpace`.
        """
        of = number_groups(data.groups)
        values = np.zeros((*self.known_.shape[:2], rest.shape[1]))
        known = np.zeros(values.shape[:2], dtype=bool)
        values[of, data.anchors.index], known[of, data.anchors.index] = rest, True
        values = _filled(values, known, data.anchors.several)
        self.known_ = np.concatenate([self.known_, values], axis=2)

    def particles(self, conditions):
        """Return scaled outputs (n, M, D) at all trained values, whole where a rest is kept."""
        out = self._whole(self._predict(self._features(conditions)))
        n_near = min(_NEAR, len(self.known_))
        distance, near = self.tree_.query(_places(conditions), k=[*range(1, n_near + 1)])
        rows = np.flatnonzero(distance[:, 0] < self.reach_)
        distance, near = distance[rows], near[rows]
        at_known = out[rows, None] if self.at_known_ is None else self._whole(self.at_known_[near])
        nearness = (self.reach_ / distance.clip(min=1e-9) - 1).clip(min=0) ** 2
        nearness /= nearness.sum(axis=1, keepdims=True)
        fade = nearness * (1 - (distance[:, :1] / self.reach_) ** 2) ** 2
        out[rows] += np.einsum("nk,nkmd->nmd", fade, self.known_[near] - at_known)
        same = distance[:, 0] == 0
        out[rows[same]] = self.known_[near[same, 0]]
        return out

    def _whole(self, outputs):
        """Return outputs (..., D) beside a rest of zeros, where one is kept."""
        n_rest = self.known_.shape[-1] - outputs.shape[-1]
        if not n_rest:
            return outputs
        return np.pad(outputs, [(0, 0)] * (outputs.ndim - 1) + [(0, n_rest)])

    def _features(self, conditions):
        return Features(conditions, self.n_categories_)[:]

    def _predict(self, x):
        return self.regressor_.predict(x).reshape(len(x), *self._shape) * self.spread_

    def _choose(self, x, particles, known, seed, budget, candidates):
        """Return the regressor, fitted on all inputs, that predicts held-out ones best."""
        self._shape = particles.shape[1:]
        # all trained values count alike, in the choice and in what regressors minimise
        spread = np.sqrt(particles.var(axis=0).mean(axis=1, keepdims=True))
        self.spread_ = np.where(spread > 0, spread, 1.0)
        y = (particles / self.spread_).reshape(len(x), -1)
        judged = np.random.default_rng(seed).permutation(len(x))[: budget.judged_inputs]
        makers = candidates(x[judged], y[judged])
        held = _held_out(makers, x[judged], y[judged])
        known = known[judged]
        errors = {
            name: (y[judged] - answer).reshape(-1, *self._shape) * known[:, :, None]
            for name, answer in held.items()
        }
        losses = [np.mean(error**2, axis=(1, 2)) for error in errors.values()]
        self.chosen_ = select(losses, list(held))
        [mean] = _held_out({"mean": LinearMean}, x[judged, :0], y[judged]).values()
        of_mean = (y[judged] - mean).reshape(-1, *self._shape) * known[:, :, None]
        pairs = np.mean(np.square([of_mean, errors[self.chosen_.name]]), axis=3)  # (2, n, M)
        self.blind_ = np.array([select(pair).index == 0 for pair in np.moveaxis(pairs, 2, 0)])
        self.judged_ = judged[known.all(axis=1)]
        self.errors_ = errors[self.chosen_.name][known.all(axis=1)] * self.spread_
        parts = [makers[name]() for name in self.chosen_.name.split(", ")]
        return (Average(parts) if len(parts) > 1 else parts[0]).fit(x, y)


def _candidates(x, y, seed, n_jobs, n_steps):
    """Return functions that make a regressor, by name; the simplest first."""
    makers = {"linear": LinearMean}
    if x.shape[1] and len(x) >= 2 * _N_FOLDS:
        setting = KernelRidge().fit(x, y).setting
        makers["smooth"] = lambda: KernelRidge(setting)
        makers["trees"] = lambda: Forest(seed, n_jobs)
        makers["network"] = lambda: Network(n_steps, seed)
    return makers


def _held_out(makers, x, y):
    """Return predictions (n, D) by fits without a part of the rows, of each candidate by name.

    Candidates are the regressors and means of two. The rows are in random order. Candidates that
    are worse than the best one by two standard errors on the first part leave the race.

    References
    ----------
    Maron and Moore, "Hoeffding races", NeurIPS 1993.
    """
    if len(x) < 2:
        return dict.fromkeys(makers, y.copy())
    running = [(name,) for name in makers] + [c for c in _TOGETHER if set(c) <= set(makers)]
    held, fold = {name: np.empty_like(y) for name in makers}, np.arange(len(x)) % _N_FOLDS
    for k in counted(range(_N_FOLDS)):
        here = fold == k
        for name in dict.fromkeys(chain(*running)) if here.any() else ():
            held[name][here] = makers[name]().fit(x[~here], y[~here]).predict(x[here])
        if k == 0:
            losses = [np.mean((_mean(held, c)[here] - y[here]) ** 2, axis=1) for c in running]
            best = min(losses, key=np.mean)
            pairs = zip(running, losses, strict=True)
            running = [c for c, loss in pairs if not select([loss, best]).index]
    return {", ".join(c): _mean(held, c) for c in running}


def _mean(held, names):
    """Return the mean prediction of a candidate."""
    return sum(held[name] for name in names) / len(names)


def _places(conditions):
    """Return places in which inputs of other categories are far, with one column at least."""
    places = np.hstack([conditions.scaled, conditions.codes])
    return places if places.shape[1] else np.zeros((len(conditions), 1))


def _reach(tree, places):
    """Return how far from an input of fit answers are corrected by its residual."""
    if len(places) == 1:
        return _REACH_LIMITS[1]
    nearest = tree.query(places, k=[2])[0]
    return float(np.clip(_REACH * np.median(nearest), *_REACH_LIMITS))


def _filled(values, known, several):
    """Return values (G, M, D) with those that are not known on lines between the known ones.

    Of several hyperparameters, where no value lies between two others, they are zero.
    """
    if known.all():
        return values
    if several:
        return np.where(known[:, :, None], values, 0.0)
    place, end = np.arange(known.shape[1]), known.shape[1] - 1
    before = np.maximum.accumulate(np.where(known, place, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, place, end + 1)[:, ::-1], axis=1)[:, ::-1]
    before = np.where(before < 0, after, before)
    after = np.where(after > end, before, after)
    share = ((place - before) / np.maximum(after - before, 1))[:, :, None]
    low, high = (np.take_along_axis(values, k[:, :, None], axis=1) for k in (before, after))
    return np.where(known[:, :, None], values, (1 - share) * low + share * high)
