"""Trained values left out of the particle field, without training (docs/method.md, section 11)."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd

from ..clocks.selection import way_reader
from ..exceptions import TrajectoryWarning, ValidationWarning
from ..field.fit import aligned_draws, learn_field
from ..field.particles import chain, follow
from ..metrics import squared_wasserstein
from ..stats.distances import half_distance
from .leave_out import NAMES, best_answer, spread_out

COLUMNS = (
    "lam",
    "interpolate",
    "straight_line_in_clock",
    "straight_line",
    "nearest_anchor",
    "no_transport",
    "floor",
)


def leave_values_out(data, lam_transform, solver, rng):
    """Predict each interior trained value from all others; return one record for each.

    Parameters
    ----------
    data : TrainingData
        All rows; inputs are shared by the trained values.
    lam_transform : object
        The parameter of the estimator.
    solver : OTSolver
        Couples outputs, to place the trained values that are left.
    rng : numpy.random.Generator
        Chooses rows.

    Returns
    -------
    DataFrame or None
        `validation_` of an estimator with networks; None where no input is known at all values.
    """
    budget = data.budget
    outputs, groups = aligned_draws(data, rng, budget.left_out_rows, budget.left_out_draws)
    if not len(groups):
        return None
    interior = spread_out(np.arange(1, len(data.anchors.lam) - 1), budget.left_out_values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrajectoryWarning)  # of clocks without a value
        records = [_judge(data, k, outputs, groups, lam_transform, solver, rng) for k in interior]
    return pd.DataFrame(records, columns=COLUMNS)


def warn_if_no_better(records):
    """Warn where an answer that needs no surrogate is nearer to the outputs left out."""
    mean = records.mean()
    best = best_answer(mean, "interpolate", ["straight_line", "nearest_anchor", "no_transport"])
    if best != "interpolate":
        warnings.warn(
            f"Trained values that were left out are predicted worse than by {NAMES[best]} "
            f"({mean['interpolate']:.3g} against {mean[best]:.3g}, `validation_`). Train more "
            "values, or set lam_transform to what you know of the hyperparameter.",
            ValidationWarning,
            stacklevel=5,
        )


def _judge(data, k, outputs, groups, lam_transform, solver, rng):
    """Return the record of one trained value."""
    lams, true = data.anchors.lam, outputs[k]
    lam, rest = lams[k], data.without(k)
    read = way_reader(rest, solver, rng)
    field = learn_field(lam_transform, rest, read, rng)
    line = replace(field, rough_fraction=1.0)

    def predict(field, known):
        particles = follow(outputs[known], groups, chain(len(known)), rng)
        return field.at(particles, np.full(len(true), lam), lams[known])

    def distance(answer):
        return squared_wasserstein(true, answer, groups=groups)

    others = np.delete(np.arange(len(lams)), k)
    neighbours = np.array([k - 1, k + 1])
    nearest = neighbours[np.abs(lams[neighbours] - lam).argmin()]
    low, high = follow(outputs[neighbours], groups, chain(2), rng).transpose(1, 0, 2)
    fraction = (lam - lams[k - 1]) / (lams[k + 1] - lams[k - 1])
    return {
        "lam": lam,
        "interpolate": distance(predict(field, others)),
        "straight_line_in_clock": distance(predict(line, neighbours)),
        "straight_line": distance((1 - fraction) * low + fraction * high),
        "nearest_anchor": distance(outputs[nearest]),
        "no_transport": distance(outputs[0]),
        "floor": half_distance(true, groups, rng.permutation(len(true))),
    }
