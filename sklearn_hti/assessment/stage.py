"""The last stage of a fit: how far the surrogate can be trusted."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .left_out import leave_values_out, warn_if_no_better
from .means import unseen_errors
from .uncertainty import Uncertainty, learn_uncertainty


@dataclass(frozen=True)
class Assessment:
    """Records of the values left out, and what is not known of means; None where not asked for."""

    validation: pd.DataFrame | None = None
    uncertainty: Uncertainty | None = None


def assess(problem, learned, state, solver, seed, *, lam_transform, leave_out):
    """Return the Assessment of a fit.

    Parameters
    ----------
    problem : Problem
        The rows of the fit.
    learned : Learned
        What the fit knows of the movement, and the rows that it was learned from.
    state : FittedState
        The fitted state, but for this stage.
    solver : OTSolver
        Couples outputs where a trained value is left out.
    seed : int
        Seed of the choice of rows.
    lam_transform : object
        The parameter of the estimator.
    leave_out : bool
        Whether `validation_` is wanted.

    Warns
    -----
    ValidationWarning
        If answers without a surrogate are nearer to the outputs that were left out.
    """
    validation = uncertainty = None
    if leave_out and len(state.anchors) > 2:
        validation, judged = leave_values_out(
            learned.data,
            lam_transform,
            solver,
            state.particle_field,
            unseen_errors(state),
            np.random.default_rng(seed),
        )
        warn_if_no_better(judged)
    if state.networks is not None or state.base is not None:
        data = problem.data if state.networks is None else learned.data
        rng = np.random.default_rng(seed)
        uncertainty = learn_uncertainty(problem, data, state, lam_transform, rng)
    return Assessment(validation, uncertainty)
