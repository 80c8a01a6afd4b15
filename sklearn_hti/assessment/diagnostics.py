"""Figures of a fit: how far its transport is from the outputs at every anchor."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from .._utils.findings import warn
from .._utils.groupby import rank_in_group
from ..data.budget import BUDGET
from ..data.facts import inputs_shared
from ..data.lam_space import repeat_lam, shown
from ..exceptions import ConvergenceWarning, ValidationWarning
from ..lagrangian.support import path_conditions
from ..metrics import squared_wasserstein
from ..stats.distances import half_distance
from .loops import loop_errors

_MAX_ROWS, _MAX_COMPARED = BUDGET.checked_rows, BUDGET.compared_rows
_MAX_GROUPS, _MAX_DRAWS = BUDGET.gap_inputs, BUDGET.gap_draws
SHORT = 0.25  # more of the distance left than this is worth a warning
_NOTHING = 1e-3  # a squared distance of scaled outputs that is not worth one
_NEGATIVE = 0.01
_JUMP = 4.0


def check_fit(flow_map, clock, data, couplings, base_time, rng):
    """Return figures in scaled units.

    Keys are ``marginal_w2``, ``standing_w2`` and ``floor_w2``, the squared Wasserstein
    distances at every anchor of the base rows after transport, of those without, and of half
    of the anchor's rows to the other. Draws of one condition are compared, single draws all
    together; the floor is nan where inputs do not repeat, for different inputs have different
    outputs. ``monge_gap`` is the fraction of the cost of every interval that the best
    reassignment of ends to beginnings of the same condition would save. Also ``affine``,
    whether trajectories are; ``semigroup_error``, the median difference between going to the
    far anchor in one step and in two, over the median way; and where paths are learned
    ``longest_segment`` over the mean, ``negative_costs`` (their fraction) and ``eigenvalues``
    (lowest and highest of the metric on the paths). Several hyperparameters add ``loop_errors``.
    """
    trajectories, geodesic = couplings.trajectories, couplings.geodesic
    record = _marginals(flow_map, clock, data, base_time, rng)
    record["monge_gap"] = _monge_gaps(geodesic, trajectories, data, rng)
    record["affine"] = trajectories.affine
    if data.anchors.several:
        whole = _some(np.flatnonzero(trajectories.whole), rng)
        record["loop_errors"] = loop_errors(trajectories, data, whole, rng)
    record |= _semigroup(flow_map, clock, data, base_time, rng)
    if not geodesic.is_straight:
        record |= _paths(geodesic, trajectories, rng)
    return record


def warn_of(record, data, base_time, estimator, text=shown):
    """Warn of maps that stop short, and of costs that reward worse paths."""
    _warn_if_short(record, data, base_time, estimator.max_iter, text)
    remedy = "give the potential a lower weight, or use potential=None"
    if estimator.potential is None:
        remedy = "use kinetic='euclidean'"
    elif estimator.cost != "jacobi":
        remedy = f"use cost='jacobi', or {remedy}"
    negative = record.get("negative_costs", 0.0)
    if negative > _NEGATIVE:
        warn(
            f"{negative:.0%} of the paths have negative energy at cost={estimator.cost!r}, which "
            f"rewards worse paths: {remedy}.",
            ConvergenceWarning,
        )
    longest = record.get("longest_segment", 1.0)
    if longest > _JUMP:
        warn(
            f"paths wait and jump (the longest segment is {longest:.1f} times the mean), and so "
            f"do answers between trained values: {remedy}.",
            ConvergenceWarning,
        )


def _warn_if_short(record, data, base_time, max_iter, text):
    """Warn of trained values that outputs do not arrive at, when they are moved from the base."""
    figures = (record[f"{name}_w2"] for name in ("marginal", "standing", "floor"))
    lams, short = data.anchors.lam, {}
    for k, (left, standing, floor) in enumerate(zip(*figures, strict=True)):
        if k != base_time and left > SHORT * standing + floor + _NOTHING:
            short[k] = f"{left:.3g} of {standing:.3g} at lambda = {text(lams[k])}"
    if not short:
        return
    remedy, differ = f"max_iter={2 * max_iter}", data.facts.draws_differ
    if data.facts.draws[base_time].mostly_single:
        remedy += " or, if the networks are random, several draws per input"
    elif not differ[base_time] and any(differ[k] for k in short):
        wide = next(k for k in short if differ[k])
        wide = text(lams[wide])
        remedy = f"base_lam={wide}: no map spreads draws of one input that are equal"
    start = text(lams[base_time])
    warn(
        f"the flow map stops short. Of the squared distance from lambda = {start}, it leaves "
        f"{', '.join(short.values())} (scaled, `diagnostics_`). Try {remedy}.",
        ConvergenceWarning,
    )


def warn_if_blind(state, errors, data):
    """Warn of trained values whose outputs x does not tell, at inputs that were held out."""
    if errors is None or not len(errors) or not data.facts.all_draws.show_neighbours:
        return
    far = np.mean(np.sum(errors**2, axis=2), axis=0) > _NOTHING
    lams = state.anchors[far & state.base.blind_]
    if len(lams):
        warn(
            "X: at held-out inputs, x predicts the outputs at lambda = "
            f"{', '.join(map(state.lam_space.text, lams))} no better than their mean does. "
            "Answers at new inputs are not reliable; inputs of fit keep their own outputs. "
            "If the networks are random, pass several draws per input, as sweep(..., "
            "n_draws=20) does. Otherwise, add columns to X on which the outputs depend.",
            ValidationWarning,
        )


def _marginals(flow_map, clock, data, base_time, rng):
    base = _some(data.anchors.rows(base_time), rng)
    moved_w2, standing_w2, floor_w2 = [], [], []
    for k in range(len(data.anchors.lam)):
        rows = data.anchors.rows(k)
        start, groups = base, None
        if inputs_shared(data.groups[base], data.groups[rows]):
            rows = rows[np.isin(data.groups[rows], data.groups[base])]
            start = base[np.isin(data.groups[base], data.groups[rows])]
            rows = _some_of_each(rows, data.groups, rng)
            groups = (data.groups[rows], data.groups[start])
            if len(np.unique(groups[1])) == len(start) == len(rows):
                groups = (np.zeros(len(rows), dtype=int),) * 2  # single draws, of the same inputs
        else:
            rows = _some(rows, rng)
        y = data.y[start]
        times = (repeat_lam(clock.at_anchors[i], len(start)) for i in (base_time, k))
        moved = y + flow_map.displacement(y, data.conditions[start], *times)
        moved_w2.append(squared_wasserstein(data.y[rows], moved, groups=groups))
        standing_w2.append(squared_wasserstein(data.y[rows], y, groups=groups))
        floor_w2.append(_floor(data.y[rows], groups[0], rng) if groups else np.nan)
    return {"marginal_w2": moved_w2, "standing_w2": standing_w2, "floor_w2": floor_w2}


def _floor(y, groups, rng):
    """Return W2^2 between halves of the draws of some conditions, all of theirs if possible."""
    distinct, sizes = np.unique(groups, return_counts=True)
    some = rng.permutation(len(distinct))
    some = distinct[some[: np.searchsorted(np.cumsum(sizes[some]), _MAX_ROWS) + 1]]
    rows = rng.permutation(np.flatnonzero(np.isin(groups, some)))[:_MAX_ROWS]
    return half_distance(y, groups, rows)


def _monge_gaps(geodesic, trajectories, data, rng):
    """Return the Monge gap of every interval over the cost paid, exact on some trajectories."""
    groups = data.groups[trajectories.origin]
    gaps = []
    for a, b in data.anchors.edges:
        here = (trajectories.first <= a) & (trajectories.last >= b)
        here = np.flatnonzero(here | trajectories.whole)
        distinct, sizes = np.unique(groups[here], return_counts=True)
        distinct = distinct[sizes > 1]
        some = rng.permutation(distinct)[:_MAX_GROUPS]
        paid = saved = 0.0
        for group in some:
            on = here[groups[here] == group]
            on = on if len(on) <= _MAX_DRAWS else rng.choice(on, _MAX_DRAWS, replace=False)
            y0, y1 = (trajectories.points[on, i] for i in (a, b))
            cost = geodesic.cost_matrix(y0, y1, trajectories.origin[on])
            best = cost[linear_sum_assignment(cost)].mean()
            paid += cost.diagonal().mean()
            saved += cost.diagonal().mean() - best
        gaps.append(float(saved / paid) if paid > 0 else 0.0)
    return gaps


def _semigroup(flow_map, clock, data, base_time, rng):
    rows = _some(data.anchors.rows(base_time), rng)
    far = 0 if base_time else len(data.anchors.lam) - 1
    y, x = data.y[rows], data.conditions[rows]
    start, end = clock.at_anchors[[base_time, far]]
    times = [repeat_lam(t, len(rows)) for t in (start, 0.5 * (start + end), end)]
    at_once = flow_map.displacement(y, x, times[0], times[2])
    half = flow_map.displacement(y, x, times[0], times[1])
    detour = half + flow_map.displacement(y + half, x, times[1], times[2])
    way = np.median(np.linalg.norm(at_once, axis=1))
    error = np.median(np.linalg.norm(detour - at_once, axis=1))
    return {"semigroup_error": float(error / way) if way > 0 else 0.0}


@torch.no_grad()
def _paths(geodesic, trajectories, rng):
    on = _some(np.flatnonzero((trajectories.first == 0) & (trajectories.last > 0)), rng)
    if not len(on):
        return {}
    rows = trajectories.origin[on]
    x = path_conditions(geodesic.data, rows, geodesic.device)
    y0, y1 = (
        torch.as_tensor(trajectories.points[on, k], dtype=torch.float32, device=geodesic.device)
        for k in (0, 1)
    )
    path = geodesic.paths(y0, y1, x)
    lagrangian = geodesic.lagrangian
    length = path.diff(dim=1).norm(dim=-1)
    record = {
        "longest_segment": float((length.amax(dim=1) / length.mean(dim=1)).median()),
        "negative_costs": float((lagrangian.signed(path, x) < 0).float().mean()),
    }
    if hasattr(lagrangian.metric, "decompose"):
        path = lagrangian.read(path)
        eigenvalues, _ = lagrangian.metric.decompose(path, path, x)
        record["eigenvalues"] = [float(eigenvalues.min()), float(eigenvalues.max())]
    return record


def _some_of_each(rows, groups, rng):
    """Return at most `_MAX_COMPARED` rows, evenly of each condition."""
    if len(rows) <= _MAX_COMPARED:
        return rows
    rows = rng.permutation(rows)
    most = max(1, _MAX_COMPARED // len(np.unique(groups[rows])))
    return np.sort(rows[rank_in_group(groups[rows])[0] < most])


def _some(rows, rng):
    return rows if len(rows) <= _MAX_ROWS else np.sort(rng.choice(rows, _MAX_ROWS, replace=False))
