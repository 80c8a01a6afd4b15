"""Whether outputs move, or change their weights in place (docs/method.md, section 12)."""

from dataclasses import replace

import numpy as np
from scipy.spatial.distance import cdist

from .._utils.findings import unheard
from .._utils.groupby import split_by_group
from ..clocks.hull import interior
from ..clocks.time_scale import make_time_scale
from ..clocks.way import way_reader
from ..data.facts import LEVELS, MANY
from ..field.fit import aligned_draws, learn_field
from ..field.jumps import mixture
from ..field.particles import follow
from ..lagrangian import Unbalanced
from ..stats.selection import select
from .left_out import spread_out
from .simple_answers import WORSE

DELTAS = (0.3, 0.1, 1.0, 3.0)  # candidates for what growth costs, of the spread of outputs
# times the excess of a mixture: by so much more do moves have to miss in a gap that is twice as
# wide as those between trained values, where squared errors of moves are a quarter at most
_CLEARLY = 3.0


def choose_geometry(geometry, data, field, levels, lam_transform, solver, rng):
    """Return the Reweighting of a fit; None: all outputs move.

    Parameters
    ----------
    geometry : {"auto", "mixture"} or Unbalanced
        The parameter of the estimator.
    data : TrainingData
        All encoded rows.
    field : ParticleField
        Of the whole fit.
    levels : Levels or None
        Values that outputs keep to.
    lam_transform : object
        The parameter of the estimator.
    solver : OTSolver
        Couples outputs, to place the trained values that are left.
    rng : numpy.random.Generator
        Chooses rows.
    """
    seen = None if levels is None else levels.seen
    kept = None if levels is None else levels.values
    jump = mixture(field, data.anchors.lam, lam_transform, levels=kept, seen=seen)
    options = list(_options(geometry, jump, data))
    if len(options) == 1 or not _can_judge(data):
        return options[0]
    losses, own = _losses(options, data, field, lam_transform, solver, rng)
    if isinstance(geometry, Unbalanced):
        return options[select(losses, n_errors=0.0).index]
    first = int(_moves_all(options[0]))
    jumps = first + select(losses[first:]).index
    rule = {"margin": WORSE * own, "relative": _CLEARLY}
    own = min(own, losses[jumps].mean())  # no excess is below zero, but by chance
    if first and not select(losses[[0, jumps]] - own, **rule).index:
        return options[0]
    return options[jumps]


def _moves_all(option):
    """Return whether all outputs move: freely, or from one whole number to the next."""
    return option is None or option.delta == DELTAS[-1]


def _options(geometry, jump, data):
    """Yield candidates, the simplest first: None is transport.

    Counts, which are more than a few values, move from number to number; fewer values jump.
    """
    binary = jump.seen is not None and len(jump.seen) == 1 and len(jump.seen[0]) == 2
    binary = binary and not data.anchors.several
    rows_step = jump.levels is not None and jump.seen is None
    auto = isinstance(geometry, str) and geometry == "auto"
    if auto and jump.levels is None:
        yield None
        if data.facts.one_answer:
            return
    counts = jump.seen is not None and max(map(len, jump.seen)) > LEVELS
    counts = counts and auto and not data.anchors.several
    moves = replace(jump, name="unbalanced", delta=DELTAS[-1])
    if counts:
        yield moves
    if not isinstance(geometry, Unbalanced):
        if binary:
            yield replace(jump, by_logit=True)
        yield jump
    if binary and auto:  # moves that step between two values are jumps
        return
    if data.anchors.several or rows_step or not (auto or isinstance(geometry, Unbalanced)):
        if isinstance(geometry, Unbalanced):  # whole rows of values jump
            yield replace(jump, name="unbalanced")
        return
    given = getattr(geometry, "delta", "auto")
    for delta in DELTAS[: -1 if counts else None] if isinstance(given, str) else (given,):
        yield replace(moves, delta=float(delta))


def _can_judge(data):
    """Tell whether trained values left out have draws enough of inputs that others know."""
    several = data.anchors.several or len(data.anchors.lam) < 3
    if several or data.facts.one_answer or not all(data.facts.inputs_shared):
        return False
    return min(counts.median for counts in data.facts.draws) >= MANY


def _losses(options, data, field, lam_transform, solver, rng):
    """Return energy scores (candidates, units) of trained values left out, and their own score.

    That is the mean score of their own draws, which no answer is expected to be below.
    """
    budget, lams = data.budget, data.anchors.lam
    most = budget.left_out_draws if options[0] is None else budget.left_out_rows
    outputs, groups = aligned_draws(data, rng, budget.left_out_rows, most)
    losses, own = [[] for _ in options], []
    for k in spread_out(interior(data.anchors), budget.left_out_values):
        rest, others = data.without(k), np.delete(np.arange(len(lams)), k)
        with unheard():  # of clocks without a value
            read = way_reader(rest, solver, rng)
            found = learn_field(make_time_scale(lam_transform, rest, read), rest, read, rng)
        if len(others) == 2:
            found = replace(found, scale=field.scale)
        edges = found.edges(lams[others])
        for rows in split_by_group(groups):
            true = outputs[k][rows]
            own.append(0.5 * cdist(true, true).sum() / max(1, len(true) - 1))
        for loss, option in zip(losses, options, strict=True):
            delta, of = getattr(option, "delta", 0.0), groups
            particles = follow(outputs[others], groups, edges, rng, delta=delta)
            way = read().trajectories
            if option is None and way.affine:
                particles, of = way.points[way.whole], rest.groups[way.origin[way.whole]]
            at = np.full(len(particles), lams[k])
            if option is None:
                points = found.at(particles, at, lams[others])[:, None]
                probability = np.ones((len(points), 1))
            else:
                mix = replace(option, field=found)
                parts = mix.upper_parts(particles, of)
                points, probability = mix.outcomes(particles, at, lams[others], parts)
            for rows in split_by_group(groups):
                on = np.flatnonzero(of == groups[rows[0]])[:most]
                loss.append(_energy_scores(points[on], probability[on], outputs[k][rows]))
    losses = np.stack([np.concatenate(loss) for loss in losses])
    return losses, np.sum(own) / losses.shape[1]


def _energy_scores(points, probability, true):
    """Return the energy scores (n,) of draws with branches (N, B, D) for outputs (n, D)."""
    n_draws, n_branches, n_outputs = points.shape
    weight = probability.reshape(-1) / n_draws
    flat = points.reshape(-1, n_outputs)
    apart = cdist(flat, flat)
    within = np.einsum("i,ij,j->", weight, apart, weight)
    # two branches of one draw are no pair
    own = apart.reshape(n_draws, n_branches, n_draws, n_branches)
    own = np.einsum("ibic->ibc", own)
    weight_of = weight.reshape(n_draws, n_branches)
    within -= np.einsum("ib,ibc,ic->", weight_of, own, weight_of)
    return cdist(true, flat) @ weight - 0.5 * within * n_draws / max(1, n_draws - 1)
