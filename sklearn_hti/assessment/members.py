"""Members of an ensemble: what the data, the seeds and the clock leave open."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from joblib import Parallel, delayed

from .._utils.groupby import number_groups
from .._utils.random import draw_seeds
from .._utils.registry import storable
from ..clocks.movement import Movement
from ..data.thinning import half_of_each
from ..exceptions import ConvergenceWarning, TrajectoryWarning
from ..flow_map.learning import learn_movement
from ..samplers.selection import fit_base


@storable
@dataclass(frozen=True)
class Member:
    """What differs between the members of an ensemble."""

    movement: Movement
    base: object
    noise: object

    def of(self, state):
        """Return the FittedState of a surrogate that answers as this member."""
        return replace(state, movement=self.movement, base=self.base, noise=self.noise)


def fit_members(recipe, problem, learned, base, training, *, n_members, n_jobs):
    """Return members, each learned from half of the data by a seed and clock of its own.

    Half-sampling without replacement varies as much as the bootstrap and repeats no row.

    Parameters
    ----------
    recipe : Recipe
        How movements are learned.
    problem : Problem
        The rows of the fit.
    learned : Learned
        The movement of all rows, and those that it was learned from. Members take the clocks that
        the data cannot tell from its clock in turn.
    base : object
        The parameter of the estimator.
    training : Training
        How members are trained, by the seed "members".
    n_members : int
        Number of members.
    n_jobs : int or None
        Members that are trained at once.

    Returns
    -------
    list of Member
        The members; none where their training was interrupted.

    Warns
    -----
    ConvergenceWarning
        If a training was interrupted.
    """
    clock = learned.movement.clock
    clocks = [replace(clock, rule=rule) for rule in (clock.rule, *clock.alternatives)]
    training = training.quiet()
    seeds = draw_seeds(training.seeds["members"], [f"{i}" for i in range(n_members)])
    fit_one = delayed(_fit_member)
    try:
        return Parallel(n_jobs)(
            fit_one(recipe, problem, learned.data, clocks[i % len(clocks)], base, training, seed)
            for i, seed in enumerate(seeds.values())
        )
    except InterruptedError:
        warnings.warn("members: interrupted; there are none.", ConvergenceWarning, stacklevel=5)
        return []


def _fit_member(recipe, problem, learned_from, clock, base, training, seed):
    """Return one member."""
    rng = np.random.default_rng(seed)
    training = replace(training, seeds=draw_seeds(seed, training.seeds))
    # the same half for both: what chance does to the base moves along with it
    rows = moved = half_sample(problem.data, rng)
    if len(learned_from.y) < len(problem.data.y):
        moved = half_sample(learned_from, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrajectoryWarning)
        movement = learn_movement(
            recipe, learned_from.take(moved), clock, problem.base_time, training
        )
        fitted = fit_base(problem.take(rows), base, movement, training, has_field=True)
    return Member(movement, fitted.source, fitted.noise)


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
