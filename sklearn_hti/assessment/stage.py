"""The last stage of a fit: how far the surrogate can be trusted."""

from dataclasses import dataclass, field

import numpy as np

from .leave_out import Validation
from .left_out import leave_values_out, warn_if_no_better
from .members import fit_members
from .validation import validate


@dataclass(frozen=True)
class Assessment:
    """Anchors left out, and the members of an ensemble; empty where neither is asked for."""

    validation: Validation = field(default_factory=Validation)
    members: list = field(default_factory=list)


def assess(
    recipe, problem, learned, training, *, base, lam_transform, leave_out, n_members, n_jobs
):
    """Return the Assessment of a fit.

    Parameters
    ----------
    recipe : Recipe
        How the movement was learned.
    problem : Problem
        The rows of the fit.
    learned : Learned
        The movement, and the rows that it was learned from.
    training : Training
        How networks were trained.
    base, lam_transform : object
        Parameters of the estimator.
    leave_out : bool
        Whether interior anchors, if there are any, are left out of refits.
    n_members : int
        Members of an ensemble; 1 is none.
    n_jobs : int or None
        Refits and members that are trained at once.
    """
    validation, members = Validation(), []
    if leave_out and len(problem.data.anchors.lam) > 2:
        validation = validate(
            recipe, lam_transform, learned.data, problem.base_time, training, n_jobs
        )
    if n_members > 1:
        members = fit_members(
            recipe, problem, learned, base, training, n_members=n_members, n_jobs=n_jobs
        )
    return Assessment(validation, members)


def assess_field(learned, solver, training, lam_transform, leave_out):
    """Return the Assessment of a field alone: trained values left out, without training."""
    if not leave_out or len(learned.data.anchors.lam) < 3:
        return Assessment()
    rng = np.random.default_rng(training.seeds["validation"])
    records = leave_values_out(learned.data, lam_transform, solver, rng)
    if records is not None:
        warn_if_no_better(records)
    return Assessment(Validation(records))
