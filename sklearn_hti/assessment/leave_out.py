"""How a surrogate does at anchors left out of its fit, beside answers that need no surrogate."""

import warnings
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from .._utils.groupby import mean_of_groups, number_groups, rank_in_group
from .._utils.registry import storable
from ..answers.interpolation import between
from ..data.budget import BUDGET
from ..data.facts import inputs_shared
from ..data.thinning import thinned
from ..exceptions import ValidationWarning
from ..field.particles import partners_in_groups
from ..metrics import squared_wasserstein
from ..stats.distances import half_distance
from ..stats.selection import select
from .diagnostics import NOTHING, SHORT

_SHORTER, _FEWEST = 2, 100  # a refit takes one in so many steps, but not too few
ANSWERS = ("transport", "interpolate", "no_transport", "nearest_anchor", "straight_line")
UNSEEN = ("unseen", "unseen_no_transport")
NAMES = {
    "no_transport": "no transport",
    "nearest_anchor": "a copy of the nearest anchor",
    "straight_line": "the straight line between both neighbours",
}
_MAX_REFITS = BUDGET.refits
_MAX_ROWS, _MAX_DRAWS = BUDGET.left_out_rows, BUDGET.left_out_draws
_WORSE = 0.05  # what is worse by less, or by NOTHING, is worth no warning
_NOISE = 0.25  # of the floor: what samples alone may bring
_HELD = 0.2  # of the conditions, if many, are in no refit


@storable
@dataclass(frozen=True)
class MeanErrors:
    """Errors of conditional means, one by condition, for the interval after an anchor."""

    interval: int  # number of the anchor
    values: np.ndarray  # (N, D)


@dataclass(frozen=True)
class Validation:
    """How a surrogate does at anchors that were left out of its fit."""

    records: pd.DataFrame | None = None  # one row per anchor: `validation_` of the estimator
    # for both of the intervals that end at such an anchor; larger where the means move farther
    errors: list | None = None


def shorter(max_iter):
    """Return the optimisation steps of a refit."""
    return max(-(-max_iter // _SHORTER), min(max_iter, _FEWEST))


def spread_out(numbers, most):
    """Return some of the numbers, from the first to the last, where there are too many."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).round().astype(int)]


def leave_anchors_out(refit, data, base_time, seed, n_jobs):
    """Leave interior anchors out of the fit, one at a time, and ask for their outputs.

    Parameters
    ----------
    refit : callable
        Returns the Movement learned from training data without an anchor, and the number of
        the base anchor there.
    data : TrainingData
        All rows.
    base_time : int
        Number of the base anchor.
    seed : int
        Seed of the choice of rows.
    n_jobs : int or None
        Refits that run at once.

    Returns
    -------
    Validation
        Records of the anchors, and errors of the conditional means.
    """
    interior = spread_out(np.arange(1, len(data.anchors.lam) - 1), _MAX_REFITS)
    held = _held_conditions(data, np.random.default_rng(seed))
    judged = Parallel(n_jobs)(
        delayed(_judge)(refit, data, int(k), base_time, held, np.random.default_rng([seed, k]))
        for k in interior
    )
    records, errors = zip(*judged, strict=True)
    records = pd.DataFrame(records, columns=["lam", *ANSWERS, "floor", *UNSEEN])
    return Validation(records, list(chain.from_iterable(errors)))


def warn_if_no_better(records):
    """Warn where answers that need no surrogate are nearer to the outputs left out."""
    mean = records.mean()
    left, standing = mean[list(UNSEEN)]
    if left > SHORT * standing + mean["floor"] + NOTHING:
        warnings.warn(
            f"Outputs of inputs that were left out are not followed: of the squared Wasserstein "
            f"distance {standing:.3g} from one anchor to another, both of which were in the fit, "
            f"{left:.3g} is left when they are moved (scaled outputs, `validation_`). `transport` "
            "holds for the inputs of the fit alone. Give more inputs.",
            ValidationWarning,
            stacklevel=6,
        )
    copies = ["nearest_anchor", "no_transport"]
    for own, others in (("transport", copies), ("interpolate", [*copies, "straight_line"])):
        best = best_answer(mean, own, others)
        if best != own:
            warnings.warn(
                f"Anchors that were left out do not confirm the surrogate: `{own}` is no better "
                f"there than {NAMES[best]} (squared Wasserstein distance to the true outputs "
                f"{mean[own]:.3g} against {mean[best]:.3g}, `validation_`, with anchors twice as "
                "far apart). Add anchors, or set lam_transform to what you know of the "
                "hyperparameter.",
                ValidationWarning,
                stacklevel=6,
            )
            return


def best_answer(mean, own, others):
    """Return the name of the answer to keep: our own, unless another is clearly nearer.

    Parameters
    ----------
    mean : Series
        Mean distances of all answers to outputs that were left out, and the ``floor``.
    own : str
        Name of our own answer.
    others : list of str
        Names of answers that need no surrogate.
    """
    margin, names = _NOISE * mean["floor"] + NOTHING, [own, *others]
    rule = {"n_errors": 0.0, "margin": margin, "relative": _WORSE, "compare": "best"}
    return select(mean[names].to_numpy()[:, None], names, **rule).name


def _held_conditions(data, rng):
    """Return conditions that are kept for judging, where there are many of them."""
    distinct = np.unique(data.groups)
    if not data.facts.all_draws.spare_inputs:
        return distinct[:0]
    return rng.permutation(distinct)[: round(_HELD * len(distinct))]


def _judge(refit, data, k, base_time, held, rng):
    """Return the record of one anchor, and the errors for the intervals that end there."""
    lam, at = data.anchors.lam, float(data.anchors.lam[k])
    base = base_time + (base_time == k)  # of the refit
    # from where draws differ to where they do less: the base's side comes first
    begin, end = (k - 1, k + 1) if base < k else (k + 1, k - 1)
    near = begin if abs(at - lam[begin]) <= abs(at - lam[end]) else end
    rows, groups = _aligned(data, (k - 1, k, k + 1, base), held, rng)
    y, of = ({i: part[r] for i, r in rows.items()} for part in (data.y, data.lam))
    rest = thinned(data.without(k, held), data.budget.refit, rng)
    movement = refit(rest, base_time - (base_time > k))

    def distance(answer):
        return squared_wasserstein(y[k], answer, groups=groups)

    x = data.conditions[rows[near]]
    moved = y[near] + movement.displace(y[near], x, of[near], of[k])
    record = {
        "lam": at,
        "floor": half_distance(data.y, data.groups, rng.permutation(rows[k])),
        "no_transport": distance(y[base]),
        "nearest_anchor": distance(y[near]),
        "transport": distance(moved),
    }
    if _have_same_inputs(data, rows):
        low, high = k - 1, k + 1
        partner = partners_in_groups(y[low], y[high], groups, rng)
        fraction = ((of[k] - of[low]) / (of[high] - of[low]))[:, None]
        line = (1 - fraction) * y[low] + fraction * y[high][partner]
        interpolated = between(
            movement,
            data.conditions[rows[low]],
            y_from=y[low],
            y_to=y[high],
            lam_from=of[low],
            lam_to=of[high],
            lam=of[k],
        )
        record |= {"straight_line": distance(line), "interpolate": distance(interpolated)}
        if len(held):
            x = data.conditions[rows[begin]]
            across = y[begin] + movement.displace(y[begin], x, of[begin], of[end])
            record["unseen"], record["unseen_no_transport"] = (
                squared_wasserstein(y[end], answer, groups=groups) for answer in (across, y[begin])
            )
    error = _errors_of_means(groups, moved - y[k])
    ways = [np.linalg.norm(_mean_by(groups, y[i + 1] - y[i])) for i in (k - 1, k)]
    weights = np.divide(ways, np.mean(ways), where=np.any(ways), out=np.ones(2))
    return record, [
        MeanErrors(interval, error * weight)
        for interval, weight in zip((k - 1, k), weights, strict=True)
    ]


def _aligned(data, anchors, held, rng):
    """Return rows of anchors whose conditions are the same, row by row, and their groups.

    Where hardly any condition is known at all anchors, rows are taken as if of one.
    """
    rows = {k: rng.permutation(data.anchors.rows(k)) for k in dict.fromkeys(anchors)}
    asked = {k: r[np.isin(data.groups[r], held)] for k, r in rows.items()} if len(held) else rows
    as_one = np.zeros_like(data.groups)
    for labels, candidates in ((data.groups, asked), (as_one, asked), (as_one, rows)):
        wanted = _wanted(labels, candidates, rng)
        if wanted.any() and (labels is as_one or _have_same_inputs(data, rows)):
            break
    found = {k: _first_of_each(labels, r, wanted) for k, r in candidates.items()}
    return found, labels[next(iter(found.values()))]


def _wanted(labels, rows, rng):
    """Return how many rows of every label are judged: as many as all anchors have, with limits."""
    sizes = [np.bincount(labels[r], minlength=labels.max() + 1) for r in rows.values()]
    size = np.minimum(np.min(sizes, axis=0), _MAX_DRAWS if labels.any() else _MAX_ROWS)
    order = rng.permutation(len(size))
    picked = order[np.cumsum(size[order]) <= max(_MAX_ROWS, size.max())]
    wanted = np.zeros_like(size)
    wanted[picked] = size[picked]
    return wanted


def _first_of_each(labels, rows, wanted):
    """Return so many rows of every label, sorted by label."""
    rows = rows[np.argsort(labels[rows], kind="stable")]
    return rows[rank_in_group(labels[rows])[0] < wanted[labels[rows]]]


def _have_same_inputs(data, rows):
    """Tell whether conditions of the first rows are those of all others, by and large."""
    first, *others = (data.groups[r] for r in rows.values())
    return all(inputs_shared(first, other) for other in others)


def _errors_of_means(groups, misses):
    """Return the mean miss of every group, without what chance does to means of few draws.

    Made smaller together, so that their mean square is less by the mean variance of such means.
    """
    errors = _mean_by(groups, misses)
    _, index, size = np.unique(groups, return_inverse=True, return_counts=True)
    within = _mean_by(groups, (misses - errors[index.reshape(-1)]) ** 2)
    several = size > 1
    chance = np.sum(within[several] / (size[several, None] - 1), axis=0) / len(size)
    square = np.mean(errors**2, axis=0)
    left = np.divide(square - chance, square, where=square > 0, out=np.zeros_like(square))
    return errors * np.sqrt(np.maximum(left, 0))


def _mean_by(groups, values):
    """Return the mean of every group."""
    return mean_of_groups(number_groups(groups), values)
