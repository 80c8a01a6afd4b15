"""Members of an ensemble: what the data, the seeds and the clock leave open."""

import copy
import warnings
from dataclasses import dataclass, replace

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import t as student

from .._utils.groupby import number_groups
from .._utils.random import draw_seeds
from .._utils.registry import storable
from ..data.thinning import half_of_each
from ..data.validation import take
from ..exceptions import TrajectoryWarning

_CLOSER = 0.4  # error between neighbours over that between anchors twice as far apart


@storable
@dataclass
class Member:
    """What differs between the members of an ensemble."""

    lam_transform_: object
    flow_map_: object
    base_: object
    _noise: object

    def of(self, surrogate):
        """Return a surrogate that answers as this member."""
        member = copy.copy(surrogate)
        vars(member).update(vars(self))
        return member


def fit_members(model, X, y, data, learned_from, clocks, training):
    """Return the members, each learned from half of the data by a seed and clock of its own.

    Half-sampling without replacement varies as much as the bootstrap and repeats no row.

    Parameters
    ----------
    model : HyperparameterTrajectoryRegressor
        The surrogate that they are members of.
    X, y : array-like, ndarray
        The rows as the base reads them.
    data, learned_from : TrainingData
        The same, encoded, and what of it the flow map was learned from.
    clocks : list of Clock
        Those that the data cannot tell apart; members take them by turns.
    training : Training
        How they are trained, by the seed "members".

    Returns
    -------
    list of Member
        The members.
    """
    seeds = draw_seeds(training.seeds["members"], [f"{i}" for i in range(model.n_estimators)])
    return Parallel(model.n_jobs)(
        delayed(_fit_member)(
            model, X, y, data, learned_from, clocks[i % len(clocks)], training, seed
        )
        for i, seed in enumerate(seeds.values())
    )


def _fit_member(model, X, y, data, learned_from, clock, training, seed):
    """Return one member."""
    rng = np.random.default_rng(seed)
    training = replace(training, seeds=draw_seeds(seed, training.seeds))
    # the same half for both: what chance does to the base moves along with it
    rows = moved = half_sample(data, rng)
    if len(learned_from.y) < len(data.y):
        moved = half_sample(learned_from, rng)
    member = copy.copy(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrajectoryWarning)
        member.lam_transform_ = clock
        member.flow_map_ = model._learn_member(learned_from.take(moved), clock, training)
        member._fit_base(take(X, rows), y[rows], data.take(rows), training)
    return Member(clock, member.flow_map_, member.base_, member._noise)


def half_sample(data, rng):
    """Return half of the rows: whole conditions where they are many, else draws of each.

    Every category keeps half of its conditions, rounded up, and every condition that is
    halved half of its draws at every anchor.
    """
    distinct, first = np.unique(data.groups, return_index=True)
    if not data.facts.all_draws.resample_inputs:
        strata = data.groups * len(data.anchors.lam) + data.anchors.index
        return np.flatnonzero(half_of_each(strata, rng))
    codes = data.conditions.codes[first]
    strata = number_groups(codes)
    return np.flatnonzero(np.isin(data.groups, distinct[half_of_each(strata, rng)]))


def half_widths(means, mean, errors, time, coverage):
    """Return half the width of the interval of the conditional mean, (n, D).

    Parameters
    ----------
    means : ndarray of shape (n_members, n, D)
        Means of the members.
    mean : ndarray of shape (n, D)
        Mean of the surrogate.
    errors : list of (int, ndarray of shape (N, D)) or None
        Errors of the mean at anchors that were left out, by intervals, if any was.
    time : ndarray of shape (n,)
        Time of lambda: k + s at the share s of the way from anchor k to the next.
    coverage : float
        Probability that the interval is to cover.

    Returns
    -------
    ndarray of shape (n, D)
        The half-widths: the members' spread and the error of interpolation, which vanishes at
        anchors, added as independent ones.
    """
    spread = np.sqrt(np.mean((means - mean) ** 2, axis=0))
    width = student.ppf(0.5 * (1 + coverage), len(means)) * spread
    if errors is not None:
        begin = np.floor(time)
        for k in np.unique(begin):
            rows, share = begin == k, (time % 1.0)[begin == k, None]
            unseen = _CLOSER * np.quantile(np.abs(_nearest(errors, k)), coverage, axis=0)
            width[rows] = np.hypot(width[rows], 4 * share * (1 - share) * unseen)
    return width


def _nearest(errors, k):
    """Return the errors for interval k, or the nearest that there are."""
    gap = min(abs(interval - k) for interval, _ in errors)
    return np.concatenate([of for interval, of in errors if abs(interval - k) == gap])
