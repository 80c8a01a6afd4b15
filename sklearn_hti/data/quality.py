"""Outputs that a fit takes, but cannot follow well: what users are warned of before training."""

import numpy as np

from .._utils.findings import warn
from .._utils.groupby import number_groups
from ..exceptions import CouplingWarning
from .anchors import distinct_lambdas
from .facts import FEW, DrawCounts

_ROUNDING = 1e-12  # of an output: constants that were computed differ by less
_UNLIKE = 1e3  # times the spread of another output: distances do not see that one
_FEW = 10  # values of an output, or fewer, that draws cannot move between
_ENOUGH = 100  # rows that tell few values from few rows
_FEW_ROWS, _FEWER = 100, 4  # of an anchor; and so many times fewer than of those beside it


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
            f"{spread[most]:.3g}. Distances see the larger alone, and the smaller is moved "
            "badly. Set output_scaling='per_output'.",
            CouplingWarning,
        )


def warn_if_discrete(y, groups, anchor):
    """Warn of outputs that take few values, between which draws of one x differ.

    Parameters
    ----------
    y : ndarray of shape (n, D)
        Outputs.
    groups, anchor : ndarray of shape (n,)
        Condition and anchor of every row.
    """
    if len(y) < _ENOUGH:
        return
    for output, of_one in enumerate(y.T):
        if len(np.unique(of_one[:_ENOUGH])) > _FEW:  # no need to sort all
            continue
        values, code = np.unique(of_one, return_inverse=True)
        if 2 <= len(values) <= _FEW and _are_draws(code, groups, anchor):
            gap = np.diff(values).min()
            warn(
                f"y: output {output} takes {len(values)} values alone. Maps cannot part equal "
                "outputs, and most draws between anchors will lie between the values. Spread "
                f"them before `fit`, y + rng.uniform(-0.5, 0.5, y.shape) * {gap:g}, and take the "
                "value that is nearest to what `sample` gives.",
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
            f"{values[first]:g} with {counts[first]}, and their outputs are moved to the nearest "
            "of the others. Ask their networks for more outputs, or keep them as they are"
        )
    elif np.median(counts) > 1:
        what = (
            f"{len(values)} values are merged into {len(anchors.lam)} bins, whose outputs are "
            "moved to one lambda each. If a network was trained at each value, and its outputs "
            "are many or without noise, keep them apart"
        )
    else:
        return
    warn(f"lam: {what}: n_anchors={len(values)}.", CouplingWarning)


def warn_if_narrow(anchors):
    """Warn of an anchor of few rows between anchors of many, which all trajectories pass."""
    n_rows = np.bincount(anchors.index, minlength=len(anchors.lam))
    beside = np.minimum(n_rows[:-2], n_rows[2:])
    inner = n_rows[1:-1]
    few = 1 + np.flatnonzero((inner < _FEW_ROWS) & (_FEWER * inner < beside))
    if len(few):
        k = few[0]
        warn(
            f"lam: the anchor at {anchors.lam[k]:g} has {n_rows[k]} rows, those beside it "
            f"{n_rows[k - 1]} and {n_rows[k + 1]}. All that moves between them passes these "
            "few, and draws there and beyond are likely too narrow. Ask the network at "
            f"{anchors.lam[k]:g} for more outputs, or leave it out.",
            CouplingWarning,
        )


def _are_draws(code, groups, anchor):
    """Tell whether draws of one x differ at an anchor, or most rows are alone in their x."""
    cells = number_groups(groups * (anchor.max() + 1) + anchor)
    n_codes, n_cells = code.max() + 1, cells.max() + 1
    seen = np.unique(cells * n_codes + code.reshape(-1)) // n_codes
    differ = np.bincount(seen, minlength=n_cells)[cells] > 1
    return differ.mean() > 0.5 or DrawCounts.of(groups).mostly_single
