"""Outputs that a fit takes, but cannot follow well: what users are warned of before training."""

import numpy as np

from .._utils.findings import warn
from .._utils.groupby import number_groups, squares_of_groups
from ..exceptions import CouplingWarning
from .anchors import distinct_lambdas
from .arrays import is_frame, take_columns
from .facts import FEW, LEVELS, SAME_DRAWS, DrawCounts
from .lam_space import shown

_ROUNDING = 1e-12  # of an output: constants that were computed differ by less
_UNLIKE = 1e3  # times the spread of another output: distances do not see that one
_FEW = 10  # values of an output, or fewer, that draws cannot move between
_ENOUGH = 100  # rows that tell few values from few rows
_FAR_OUT = 20  # times farther out than the next: t of 3 degrees of freedom has 1 in 1,000 samples
_FAR_PART, _FAR_ROWS = 0.01, 0.1  # of the values of a column, and of rows, at most are far out
_FEW_ROWS, _FEWER = 100, 4  # of an anchor; and so many times fewer than of the others


def warn_if_unlike(y):
    """Warn of outputs whose spreads are too unlike for one unit of distances."""
    spread = np.ptp(y, axis=0)
    moving = np.flatnonzero(spread > _ROUNDING * np.abs(y).max(axis=0))
    if not len(moving):
        return
    least, most = moving[[spread[moving].argmin(), spread[moving].argmax()]]
    if spread[most] > _UNLIKE * spread[least]:
        warn(
            f"y: output {least} runs over {spread[least]:.3g}, output {most} over "
            f"{spread[most]:.3g}. The larger dominates distances, and the smaller is moved "
            "badly. Set output_scaling='per_output'.",
            CouplingWarning,
        )


def warn_if_far_out(X, y, categorical, numbers=None):
    """Warn of single numbers far out of all others, which would set the scale of everything.

    Parameters
    ----------
    X : ndarray of shape (n, C) or DataFrame
        Inputs.
    y : ndarray of shape (n, D)
        Outputs.
    categorical : ndarray of shape (C,)
        Which columns of X hold no numbers.
    numbers : ndarray of shape (n,), default=None
        Numbers of the rows, of which some may be one; None: as they come.

    Returns
    -------
    bool
        Whether there are such numbers.
    """
    numeric = np.flatnonzero(~categorical)
    names = [repr(name) for name in X.columns] if is_frame(X) else range(X.shape[1])
    columns = take_columns(X, numeric)
    numbers = np.arange(len(y)) if numbers is None else numbers
    found = [
        _describe("y", "output", range(y.shape[1]), y, numbers),
        _describe("X", "column", [names[c] for c in numeric], columns, numbers),
    ]
    found = [text for text in found if text]
    if found:
        warn(
            f"{' '.join(found)} Such numbers set the scale of all others, and answers elsewhere "
            "may be far off. If they are errors, or stand for missing values, leave out these "
            "rows. Otherwise, transform them to shorten the tail, for example with np.arcsinh.",
            CouplingWarning,
        )
    return bool(found)


def _describe(table, kind, names, values, numbers):
    """Return a sentence on the number farthest out of its column, or None."""
    limit = _FAR_OUT * max(1, values.shape[1]) ** (1 / 3)  # more columns have more by chance
    worst = None
    for column, of_one in enumerate(values.T):
        ratio, rows = _far_out(of_one)
        if ratio > max(limit, 0 if worst is None else worst[0]):
            worst = ratio, column, rows
    if worst is None:
        return None
    _, column, far = worst
    rows, rest = np.unique(numbers[far]), values[~far, column]
    where = f"row {rows[0]}" if len(rows) == 1 else f"{len(rows)} rows, such as row {rows[0]},"
    return (
        f"{table}: {kind} {names[column]} has {values[far, column][0]:g} in {where} and runs from "
        f"{rest.min():g} to {rest.max():g} in all others."
    )


def _far_out(values):
    """Return how many times farther out the farthest numbers are than the next, and which."""
    distance = np.abs(values - np.median(values))
    if not distance.max() > _FAR_OUT * np.median(distance):  # what follows sorts
        return 0.0, None
    distinct = np.unique(values)
    if len(distinct) <= LEVELS:
        return 0.0, None
    center = np.median(distinct)
    ordered = np.sort(np.abs(distinct - center))
    n_far = max(1, int(_FAR_PART * len(ordered)))
    ratios = ordered[-n_far:] / ordered[-n_far - 1 : -1]
    k = ratios.argmax()
    far = np.abs(values - center) > ordered[-n_far - 1 + k]
    return (ratios[k], far) if far.mean() <= _FAR_ROWS else (0.0, None)


def warn_if_discrete(y, groups, anchor, remedy=""):
    """Warn of outputs that take few values, between which draws of one x differ.

    Parameters
    ----------
    y : ndarray of shape (n, D)
        Outputs.
    groups, anchor : ndarray of shape (n,)
        Condition and anchor of every row.
    remedy : str, default=""
        What to do; "": spread the outputs.
    """
    if len(y) < _ENOUGH:
        return
    for output, of_one in enumerate(y.T):
        if len(np.unique(of_one[:_ENOUGH])) > _FEW:  # no need to sort all
            continue
        values, code = np.unique(of_one, return_inverse=True)
        if 2 <= len(values) <= _FEW and _are_draws(code, groups, anchor):
            spread = (
                f"Spread them before `fit`, y + rng.uniform(-0.5, 0.5, y.shape) * "
                f"{np.diff(values).min():g}, and round draws of `sample` to the nearest value."
            )
            warn(
                f"y: output {output} takes only {len(values)} values. Maps cannot separate equal "
                "outputs, so most draws between trained values will lie between these values. "
                f"{remedy or spread}",
                CouplingWarning,
            )
            return


def warn_if_merged(lam, anchors):
    """Warn of lambdas that rows share, so that they may be those of networks, in bins."""
    if not anchors.binned:
        return
    values, _, counts = distinct_lambdas(lam)
    rare = ~np.isin(values, anchors.lam)
    if counts[rare].max() < FEW < np.median(counts):
        first = rare.argmax()
        what = (
            f"{rare.sum()} of {len(values)} values have fewer than {FEW} rows, such as "
            f"{values[first]:g} with {counts[first]}. Their outputs are moved to the nearest "
            "of the others. Add outputs of their networks, or keep them as they are"
        )
    elif np.median(counts) > 1:
        what = (
            f"{len(values)} values are merged into {len(anchors.lam)} bins, whose outputs are "
            "moved to one lambda each. If each value has its own network, with many outputs or "
            "without noise, keep them apart"
        )
    else:
        return
    warn(f"lam: {what}: n_anchors={len(values)}.", CouplingWarning)


def warn_if_narrow(anchors):
    """Warn of anchors of few rows beside anchors of many: all that moves there passes these."""
    n_rows = np.bincount(anchors.index, minlength=len(anchors.lam))
    others = np.array([np.median(np.delete(n_rows, k)) for k in range(len(n_rows))])
    few = np.flatnonzero((n_rows < _FEW_ROWS) & (_FEWER * n_rows < others))
    if len(few):
        k = few[n_rows[few].argmin()]
        lam = shown(anchors.lam[k])
        more = f" (and {len(few) - 1} more such)" if len(few) > 1 else ""
        warn(
            f"lam: the trained value {lam}{more} has {n_rows[k]} row"
            f"{'s' if n_rows[k] > 1 else ''}, the others {others[k]:g} (median). All draws beyond "
            "it pass these few rows and are likely too narrow. Add outputs of the network "
            f"at {lam}, or leave it out.",
            CouplingWarning,
        )


def warn_if_some_disagree(data, numbers=None):
    """Warn of few inputs that have several outputs at a trained value, while all others have one.

    With them, outputs are draws; without them, every input has one answer, which is exact.
    """
    facts = data.facts
    if facts.one_answer or not all(facts.inputs_shared):
        return
    if any(counts.some_repeat for counts in facts.draws):
        return
    cell = number_groups(data.groups * len(data.anchors.lam) + data.anchors.index)
    squares = squares_of_groups(cell, data.y)[1]
    wrong = np.flatnonzero(squares.max(axis=1) > SAME_DRAWS)
    first = np.flatnonzero(cell == wrong[0])
    lam = shown(data.anchors.lam[data.anchors.index[first[0]]])
    found = (first if numbers is None else numbers[first])[:2].tolist()
    warn(
        f"y: rows {found[0]} and {found[1]} have the same input and lambda={lam}, and different "
        f"outputs. {len(wrong)} such pair(s) of input and lambda make all outputs random draws, "
        "and most other inputs have one output at a trained value. If networks are not random, "
        "leave out the wrong rows: answers are then exact at trained values.",
        CouplingWarning,
    )


def _are_draws(code, groups, anchor):
    """Tell whether draws of one x differ at an anchor, or most rows are alone in their x."""
    cells = number_groups(groups * (anchor.max() + 1) + anchor)
    n_codes, n_cells = code.max() + 1, cells.max() + 1
    seen = np.unique(cells * n_codes + code.reshape(-1)) // n_codes
    differ = np.bincount(seen, minlength=n_cells)[cells] > 1
    return differ.mean() > 0.5 or DrawCounts.of(groups).mostly_single


def refuse_strangers(data):
    """Raise where trained values of several hyperparameters have few rows of inputs of their own.

    Raises
    ------
    ValueError
        If outputs of one trained value cannot be followed to another.
    """
    n_rows = np.bincount(data.anchors.index)
    if np.median(n_rows) < FEW and not all(data.facts.inputs_shared):
        typical = f"{len(n_rows)} trained values of {np.median(n_rows):g} row(s) (median)"
        raise ValueError(
            f"`lam` has {typical} whose x occur at no other, so outputs cannot be followed from "
            "one to the next. Pass outputs of every network at the same inputs, or at least at "
            f"{FEW} inputs each."
        )
