"""The last stage of a fit: how far the surrogate can be trusted."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..clocks.hull import interior
from .diagnostics import warn_if_blind
from .left_out import spread_out
from .means import unseen_errors
from .uncertainty import Uncertainty, learn_uncertainty


@dataclass(frozen=True)
class Assessment:
    """Records of the values left out, and what is not known of means; None where not asked for."""

    validation: pd.DataFrame | None = None
    uncertainty: Uncertainty | None = None


def assess(problem, learned, state, lam_transform, seed):
    """Return the Assessment of a fit.

    Parameters
    ----------
    problem : Problem
        The rows of the fit.
    learned : Learned
        What the fit knows of the movement, and the rows that it was learned from.
    state : FittedState
        The fitted state, but for this stage.
    lam_transform : object
        The parameter of the estimator.
    seed : int
        Seed of the choice of rows.
    """
    validation, errors = learned.validation, unseen_errors(state)
    if validation is not None and errors is not None:
        of = spread_out(interior(learned.data.anchors), learned.data.budget.left_out_values)
        validation = validation.assign(base=np.mean(np.sum(errors[:, of] ** 2, axis=2), axis=0))
    warn_if_blind(state, errors, problem.data)
    if state.networks is None and state.base is None:
        return Assessment(validation)
    data = problem.data if state.networks is None else learned.data
    rng = np.random.default_rng(seed)
    return Assessment(validation, learn_uncertainty(problem, data, state, lam_transform, rng))
