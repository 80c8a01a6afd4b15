"""Trained values left out of the particle field, without training (docs/method.md, section 11)."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .._utils.findings import unheard
from .._utils.progress import counted
from .._utils.tree import chain
from ..clocks.hull import interior
from ..clocks.time_scale import make_time_scale
from ..clocks.way import way_reader
from ..data.lam_space import ONE, repeat_lam
from ..field.fit import aligned_draws, learn_field
from ..field.particles import follow
from ..metrics import squared_wasserstein
from ..stats.distances import half_distance
from .simple_answers import COLUMNS, as_simple, trusted


@dataclass(frozen=True)
class Rows:
    """Outputs at all trained values, of the same inputs where they are shared."""

    outputs: list  # (n, D) of each trained value
    groups: np.ndarray  # (n,), the inputs of the rows; of others, all are as one
    shared: bool


def check_validate(validate, n_values):
    """Raise where the parameter `validate` wants what so many trained values do not allow."""
    if validate is True and n_values < 3:
        raise ValueError(
            "validate=True leaves out a trained value between two others, and `lam` has only "
            "two; add one, or use validate='auto'."
        )


def leave_values_out(data, lam_transform, solver, field, rng, *, space=ONE, reweighting=None):
    """Predict each interior trained value from all others, and judge the field by it.

    Parameters
    ----------
    data : TrainingData
        All rows.
    lam_transform : object
        The parameter of the estimator.
    solver : OTSolver
        Couples outputs, to place the trained values that are left.
    field : ParticleField
        The field of the whole fit.
    rng : numpy.random.Generator
        Chooses rows.
    space : LamSpace
        The hyperparameters.
    reweighting : Reweighting, default=None
        How particles of the whole fit jump; None: all move.

    Returns
    -------
    field : ParticleField
        The field that is trusted: a simple answer replaces one that is clearly worse, unless
        particles jump.
    records : DataFrame
        `validation_` of the estimator: the field of the others, in its own time.
    """
    rows = _rows_of(data, rng)
    left_out = spread_out(interior(data.anchors), data.budget.left_out_values)
    records, judged = [], []
    with unheard():  # of clocks without a value
        for k in counted(left_out):
            rest = data.without(k)
            read = way_reader(rest, solver, rng)
            scale = make_time_scale(lam_transform, rest, read)
            found = replace(learn_field(scale, rest, read, rng), monotone=field.monotone)
            particles = None if rows.shared else _whole(read().trajectories)
            record = _judge(data.anchors, k, rows, particles, found, rng, reweighting)
            records.append(record)
            if len(rest.anchors.lam) == 2:  # two values cannot tell the time; the whole fit does
                found = replace(found, scale=field.scale)
                record = _judge(data.anchors, k, rows, particles, found, rng, reweighting)
            judged.append(record)
    if reweighting is None:
        field = trusted(field, _frame(judged, space), data.anchors.lam, lam_transform)
    return field, _frame(records, space)


def _frame(records, space):
    """Return records as a DataFrame; lambdas of several hyperparameters have a column each."""
    frame = pd.DataFrame(records, columns=COLUMNS)
    if space.n_columns == 1 or not len(frame):
        return frame
    lams = space.decode(np.stack(frame.pop("lam")))
    names = [name if space.names else f"lam[{name}]" for name in space.kept_names]
    return pd.concat([pd.DataFrame(lams[:, space.kept], columns=names), frame], axis=1)


def spread_out(numbers, most):
    """Return some of the numbers, from the first to the last, where there are too many."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).round().astype(int)]


def _rows_of(data, rng):
    """Return the Rows that are judged: of inputs that all values know, else of any."""
    budget = data.budget
    if all(data.facts.inputs_shared):
        outputs, groups = aligned_draws(data, rng, budget.left_out_rows, budget.left_out_draws)
        if len(groups):
            return Rows(list(outputs), groups, shared=True)
    anchors = [data.anchors.rows(k) for k in range(len(data.anchors.lam))]
    n = min(budget.left_out_draws, *map(len, anchors))
    outputs = [data.y[rng.permutation(rows)[:n]] for rows in anchors]
    return Rows(outputs, np.zeros(n, dtype=int), shared=False)


def _whole(trajectories):
    """Return the particles (n, M, D) that pass all trained values; None if there is none."""
    whole = trajectories.points[trajectories.whole]
    return whole if len(whole) else None


def _judge(anchors, k, rows, particles, field, rng, reweighting=None):
    """Return the record of one trained value, predicted by the field of the others."""
    lams = anchors.lam
    lam, true, groups = lams[k], rows.outputs[k], rows.groups
    others = np.delete(np.arange(len(lams)), k)
    # between all others, or those beside it on the chain
    near, places = others, lams[:, None]
    if anchors.several:
        places = anchors.scale.place(lams)
    else:
        near = np.array([k - 1, k + 1])
    nearest = near[int(np.linalg.norm(places[near] - places[k], axis=1).argmin())]
    record = {
        "lam": lam,
        "nearest_anchor": squared_wasserstein(true, rows.outputs[nearest], groups=groups),
        "no_transport": squared_wasserstein(true, rows.outputs[0], groups=groups),
        "floor": half_distance(true, groups, rng.permutation(len(true))),
        "base": np.nan,
    }
    if rows.shared:
        particles = follow(
            [rows.outputs[m] for m in others], groups, field.edges(lams[others]), rng
        )
        lines = particles
        if not anchors.several:
            lines = follow([rows.outputs[m] for m in near], groups, chain(2), rng)
    elif particles is not None:
        particles = rng.permutation(particles)[: len(true)]
        true, groups = true[: len(particles)], groups[: len(particles)]
        lines = particles if anchors.several else particles[:, k - 1 : k + 1]
    else:  # no chain of pairs goes through all values
        return record
    at = repeat_lam(lam, len(particles))
    in_clock = as_simple(field, "straight_line_in_clock", lams)
    answers = {
        "interpolate": field.at(particles, at, lams[others]),
        "straight_line_in_clock": in_clock.at(lines, at, lams[near]),
        "straight_line": as_simple(field, "straight_line", lams).at(lines, at, lams[near]),
    }
    if reweighting is not None:
        mix = replace(reweighting, field=field)
        if rows.shared:
            clouds, edges = [rows.outputs[m] for m in others], field.edges(lams[others])
            particles = follow(clouds, groups, edges, rng, delta=mix.delta)
        switch = (rng.permutation(len(particles)) + 0.5) / len(particles)
        parts = mix.upper_parts(particles, groups)
        answers["interpolate"] = mix.at(particles, at, lams[others], switch, parts)
    distances = {n: squared_wasserstein(true, y, groups=groups) for n, y in answers.items()}
    return record | distances
