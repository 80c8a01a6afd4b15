"""Validation by refits: anchors are left out of short fits, under the same Lagrangian."""

import warnings
from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.base import clone

from ..clocks.selection import clock_of_rest, way_reader
from ..exceptions import ConvergenceWarning, TrajectoryWarning
from ..flow_map.learning import learn_movement
from .leave_out import Validation, leave_anchors_out, shorter, warn_if_no_better


def validate(recipe, lam_transform, data, base_time, training, n_jobs):
    """Return the Validation of a fit; an empty one where it was interrupted.

    Parameters
    ----------
    recipe : Recipe
        How the movement was learned.
    lam_transform : object
        The parameter of the estimator: refits choose their own clocks.
    data : TrainingData
        The rows that it was learned from.
    base_time : int
        Number of the base anchor.
    training : Training
        How networks were trained.
    n_jobs : int or None
        Refits that run at once.

    Warns
    -----
    ConvergenceWarning
        If a refit was interrupted.
    ValidationWarning
        If answers without a surrogate are nearer to the outputs that were left out.
    """
    refit = partial(_refit, recipe, lam_transform, training)
    seed = training.seeds["validation"]
    try:
        validation = leave_anchors_out(refit, data, base_time, seed, n_jobs)
    except InterruptedError:
        warnings.warn("validation: interrupted; there is none.", ConvergenceWarning, stacklevel=5)
        return Validation()
    warn_if_no_better(validation.records)
    return validation


def _refit(recipe, lam_transform, training, rest, base_time):
    """Learn from a part of the data in a part of the steps; return the Movement."""
    recipe = replace(recipe, path=_in_short(recipe.path), solver=_in_short(recipe.solver))
    training = training.quiet(max_iter=shorter(training.settings.max_iter))
    rng = np.random.default_rng(training.seeds["coupling"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrajectoryWarning)
        read = way_reader(rest, recipe.solver, rng)
        clock = clock_of_rest(lam_transform, rest, read)
        return learn_movement(recipe, rest, clock, base_time, training)


def _in_short(component):
    """Return a component that trains for fewer steps, if it trains."""
    if not hasattr(component, "max_iter"):
        return component
    return clone(component).set_params(max_iter=shorter(component.max_iter))
