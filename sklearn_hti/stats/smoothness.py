"""Whether outputs of one input follow lambda smoothly, so that every value of it is an anchor."""

from itertools import pairwise

import numpy as np

from .._utils.groupby import mean_of_groups, number_groups, split_by_group
from ..data.anchors import distinct_lambdas, find_anchors
from ..data.facts import LEVELS, SAME_DRAWS, inputs_shared
from .selection import select


def follow_every_value(lam, groups, y):
    """Return whether every value of lambda is to be an anchor, however many there are.

    That takes inputs that neighbouring values share, and outputs without noise: left out, they
    are nearer to the line between both neighbours in lambda than to lines through more outputs of
    the same input, on which noise would average out.

    Parameters
    ----------
    lam, groups : ndarray of shape (n,)
        Lambda, and the number of the input, of every row.
    y : ndarray of shape (n, D)
        Outputs.
    """
    values, index, _ = distinct_lambdas(lam)
    inputs = [groups[rows] for rows in split_by_group(index)]
    if not all(inputs_shared(*pair) for pair in pairwise(inputs)):
        return False
    groups = number_groups(groups)
    # one mean for every input and value, in the order of inputs, then of values
    cells, cell = np.unique(groups * len(values) + index, return_inverse=True)
    mean = mean_of_groups(cell.reshape(-1), (y - y.mean(axis=0)) / _spread(y))
    of, lam = cells // len(values), values[cells % len(values)]
    judged = np.arange(2, len(cells) - 2)
    judged = judged[of[judged - 2] == of[judged + 2]]
    if not len(judged):
        return False
    near, far = (_line(lam, mean, judged, step) for step in (1, 2))
    bins = find_anchors(lam).index
    answers = [_left_out_of_bins(of, bins, lam, mean)[judged], (near + far) / 2, near]
    losses = np.array([np.mean((mean[judged] - answer) ** 2, axis=1) for answer in answers])
    few = all(len(np.unique(of_one)) <= LEVELS for of_one in y.T)  # often on a line by chance
    if (losses[2].max() if few else np.median(losses[2])) < SAME_DRAWS:  # lines, up to kinks
        return True
    if few:
        return select(losses).index == 2
    # every output counts alike, whether lambdas around it are near or far
    return select(losses / losses.sum(axis=0).clip(min=SAME_DRAWS)).index == 2


def _spread(y):
    """Return the root mean square deviation of all outputs."""
    return np.sqrt(np.mean(np.var(y, axis=0))) or 1.0


def _line(lam, mean, at, step):
    """Return what lies between the outputs so many values below and above."""
    low, high = at - step, at + step
    share = ((lam[at] - lam[low]) / (lam[high] - lam[low]))[:, None]
    return (1 - share) * mean[low] + share * mean[high]


def _left_out_of_bins(of, bins, lam, mean):
    """Return for every output the regression line of its input in its bin, without itself.

    With fewer than three others it is their mean; without any, the mean of all, zero.
    """
    number = number_groups(of * (bins.max() + 1) + bins)
    size = np.bincount(number)[number][:, None]
    x = lam[:, None] - mean_of_groups(number, lam[:, None])[number]
    left = mean - mean_of_groups(number, mean)[number]
    square, along = (mean_of_groups(number, x * v)[number] * size for v in (x, left))
    straight = (size > 3) & (square > 0)
    slope = np.divide(along, square, out=np.zeros_like(along), where=straight)
    leverage = 1 / size + np.divide(x**2, square, out=np.zeros_like(x), where=straight)
    residual = left - slope * x
    alone = leverage > 1 - 1e-9
    miss = np.divide(residual, 1 - leverage, out=mean.copy(), where=~alone)
    return mean - miss
