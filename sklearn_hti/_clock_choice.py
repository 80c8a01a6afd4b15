"""Choose the clock: the user's, a prior's, or the one that predicts left-out anchors best."""

import warnings

import numpy as np

from ._clock import (
    Clock,
    EntropyClock,
    WarpClock,
    candidate_rules,
    conditional_entropies,
    make_transformer_clock,
    make_warp_clock,
)
from ._encoding import Anchors, TrainingData, share
from ._trajectories import build_trajectories
from .exceptions import ClockWarning

_MAX_ROWS = 400  # rows per side of one comparison at a left-out anchor
_MAX_GROUPS = 400
_MIN_GROUPS = 10  # from here on whole groups are resampled, below it their rows
_DISAGREEMENT = 0.1  # clocks further apart than this tell different stories


def choose_clock(lam_transform, data, solver, geodesic, rng):
    """Return the Clock for the parameter `lam_transform` on the training data.

    Warns
    -----
    ClockWarning
        If "auto" meets data that cannot tell: two anchors, or clocks that predict the
        left-out anchors equally well but differ in between.
    """
    anchors = data.anchors.lam
    if lam_transform is None:
        return Clock(WarpClock("identity"), anchors, "asked for (None)")
    if lam_transform not in ("auto", "entropy") and isinstance(lam_transform, str):
        rule = make_warp_clock(lam_transform, data.lam)
        return Clock(rule, anchors, "asked for")
    if not isinstance(lam_transform, str):
        rule = make_transformer_clock(lam_transform, data.lam)
        return Clock(rule, anchors, "asked for")

    entropies = conditional_entropies(data.y, data.features, data.groups, data.anchors)
    entropy = EntropyClock(anchors, entropies)
    if lam_transform == "entropy":
        return Clock(entropy, anchors, "asked for")
    if len(anchors) == 2:
        warnings.warn(
            "With two anchors the data cannot tell how fast outputs move between them; the "
            "entropy clock is used. Set lam_transform to what you know of the "
            "hyperparameter ('probit' for quantile levels, 'log' for regularisation "
            "strengths, 'odds' for dropout rates, None for linear), or add an anchor.",
            ClockWarning,
            stacklevel=3,
        )
        return Clock(entropy, anchors, "two anchors: the entropy clock is the prior")
    return _choose_by_leaving_out(data, entropies, solver, geodesic, rng)


def _choose_by_leaving_out(data, entropies, solver, geodesic, rng):
    """Score every clock by displacement interpolation to each interior anchor."""
    anchors = data.anchors.lam
    rules = candidate_rules(data.lam, anchors, entropies)
    losses = {rule.name: [] for rule in rules}  # per anchor: arrays of unit losses
    for k in range(1, len(anchors) - 1):
        kept = np.delete(np.arange(len(anchors)), k)
        entropy = EntropyClock(anchors[kept], entropies[kept])
        loo_rules = [entropy if r.name == "entropy" else r for r in rules]
        for name, units in _left_out_losses(k, loo_rules, data, solver, geodesic, rng).items():
            losses[name].append(units)

    total = {name: sum(_mean(units) for units in parts) for name, parts in losses.items()}
    best = min(total, key=total.get)
    gain, error = _difference(losses["identity"], losses[best])
    chosen = best if best != "identity" and gain > 2 * error else "identity"
    scores = {}
    for name in losses:
        gain, error = _difference(losses["identity"], losses[name])
        scores[name] = {
            "distance": total[name] / (len(anchors) - 2),
            "gain": gain / (len(anchors) - 2),
            "standard_error": error / (len(anchors) - 2),
        }
    rule = next(r for r in rules if r.name == chosen)
    reason = f"best of {len(rules)} clocks at {len(anchors) - 2} left-out anchor(s)"
    if chosen == "identity":
        reason = "no clock predicts the left-out anchors better by two standard errors"
    clock = Clock(rule, anchors, reason, scores)
    _warn_if_undecided(clock, rules, losses)
    return clock


def _left_out_losses(k, rules, data, solver, geodesic, rng):
    """Return, per rule, the loss of each unit (group or row) at the left-out anchor k."""
    ends = _neighbours(data, k)
    plan = solver.plan(ends, (0, 1), geodesic, rng)
    pairs = build_trajectories(ends, [plan], rng)
    start, end = ends.lam[pairs.rows].T
    target = data.anchors.rows(k)
    aim = data.lam[rng.choice(target, size=len(start))]  # one value, or those of a bin

    origin = pairs.rows[:, 0]
    groups, truth_groups = ends.groups[origin], data.groups[target]
    if share(groups, truth_groups):
        truth = data.y[target]
        extra = np.zeros((len(groups), 0))
    else:
        weight = np.sqrt(2 * getattr(solver, "condition_penalty", 1.0))
        truth = np.hstack([data.y[target], weight * data.features[target]])
        extra = weight * ends.features[origin]
        groups, truth_groups = np.zeros(len(groups), int), np.zeros(len(target), int)
    blocks = _comparison_blocks(groups, truth_groups, rng)
    losses = {}
    for rule in rules:
        s = np.clip(rule.fraction(aim, start, end), 0, 1)[:, None]
        predicted = geodesic.point(pairs.points[:, 0], pairs.points[:, 1], s)
        losses[rule.name] = _unit_losses(np.hstack([predicted, extra]), truth, blocks)
    return losses


def _neighbours(data, k):
    """Return the rows of the two neighbours of anchor k, as a chain of their own."""
    rows = np.flatnonzero(np.abs(data.anchors.index - k) == 1)
    index = (data.anchors.index[rows] > k).astype(int)
    return TrainingData(
        data.y[rows],
        data.conditions[rows],
        data.features[rows],
        data.groups[rows],
        data.lam[rows],
        Anchors(data.anchors.lam[[k - 1, k + 1]], index, data.anchors.binned),
    )


def _comparison_blocks(groups, truth_groups, rng):
    """Return pairs of row sets to compare, at most `_MAX_ROWS` on a side."""
    shared = np.intersect1d(groups, truth_groups)
    if len(shared) > _MAX_GROUPS:
        shared = rng.choice(shared, _MAX_GROUPS, replace=False)
    blocks = []
    for g in shared:
        i, j = np.flatnonzero(groups == g), np.flatnonzero(truth_groups == g)
        blocks.append((rng.permutation(i)[:_MAX_ROWS], rng.permutation(j)[:_MAX_ROWS]))
    return blocks


def _unit_losses(predicted, truth, blocks):
    """Return squared Wasserstein losses in units that may be resampled.

    With many groups: their W2^2. With few: the Kantorovich potentials of the rows, whose
    means over both sides add up to W2^2 and are its influence functions.
    """
    import ot

    values, predicted_parts, truth_parts = [], [], []
    for i, j in blocks:
        cost = ot.dist(predicted[i], truth[j], metric="sqeuclidean")
        if cost.size == 1:
            values.append(cost.item())
            predicted_parts.append(cost[0])
            truth_parts.append(np.zeros(1))
            continue
        weights = np.full(len(i), 1 / len(i)), np.full(len(j), 1 / len(j))
        value, log = ot.emd2(*weights, cost, log=True, numItermax=10_000_000)
        values.append(float(value))
        predicted_parts.append(log["u"])
        truth_parts.append(log["v"])
    if len(blocks) >= _MIN_GROUPS:
        return [np.array(values)]
    return [np.concatenate(predicted_parts), np.concatenate(truth_parts)]


def _mean(units):
    return sum(part.mean() for part in units)


def _difference(losses, other):
    """Return mean(losses) - mean(other) over anchors and its bootstrap standard error.

    For a mean, the standard error over infinitely many bootstrap samples is std / sqrt(n).
    """
    gain, variance = 0.0, 0.0
    for units, other_units in zip(losses, other, strict=True):
        for a, b in zip(units, other_units, strict=True):
            gain += np.mean(a - b)
            variance += np.var(a - b) / len(a)
    return float(gain), float(np.sqrt(variance))


def _warn_if_undecided(clock, rules, losses):
    """Warn if a clock that is as good at the left-out anchors differs in between."""
    grid = np.linspace(clock.anchors[0], clock.anchors[-1], 101)[1:-1]
    time = clock.time(grid)
    for rule in rules:
        gain, error = _difference(losses[rule.name], losses[clock.name])
        gap = np.abs(Clock(rule, clock.anchors, "").time(grid) - time).max()
        if rule.name != clock.name and gain <= 2 * error and gap > _DISAGREEMENT:
            warnings.warn(
                f"The anchors cannot tell the clocks {clock.name!r} (used) and "
                f"{rule.name!r} apart, but they differ by {gap:.2f} of an interval in "
                "between. Set lam_transform to what you know of the hyperparameter, or add "
                "an anchor. Scores are in lam_transform_.scores.",
                ClockWarning,
                stacklevel=5,
            )
            return
