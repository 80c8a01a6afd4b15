"""Which rule the parameter `lam_transform` names, or the range of lambda suggests."""

import numpy as np

from .._utils.findings import warn
from ..exceptions import ClockWarning
from ..stats.selection import select
from .clock import Clock
from .entropy import EntropyClock, conditional_entropies
from .warps import MeanClock, WarpClock, make_transformer_clock, make_warp_clock

_EDGE, _DECADES = 0.05, 100.0  # ranges of lambda that suggest a clock


def clock_asked_for(lam_transform, data):
    """Return the Clock that the parameter `lam_transform` names; None for "auto"."""
    if isinstance(lam_transform, str) and lam_transform == "auto":
        return None
    reason = "asked for"
    if lam_transform is None:
        rule, reason = WarpClock("identity"), "asked for (None)"
    elif not isinstance(lam_transform, str):
        rule = make_transformer_clock(lam_transform, data.lam)
    elif lam_transform == "entropy":
        rule = _entropy_clock(data)
    else:
        rule = make_warp_clock(lam_transform, data.lam)
    return Clock(rule, data.anchors.lam, reason)


def guess_of_two(data):
    """Return the entropy clock, or the mean of it and of the one that the range suggests.

    Warns
    -----
    ClockWarning
        With two anchors the data cannot tell.
    """
    suggested, entropy = suggested_rule(data.anchors.lam), _entropy_clock(data)
    rule, guess = entropy, "the entropy clock is a guess"
    if suggested.name != "identity":
        rule = MeanClock((suggested, entropy))
        guess = (
            f"a guess is half-way between the {suggested.name} clock, which the range of lambda "
            "suggests, and the entropy clock"
        )
    warn(
        "two trained values do not determine how fast outputs move between them. Answers between "
        f"them may come too early or too late; {guess}. Set lam_transform if you know the scale "
        "('probit' for quantile levels, 'log' for regularisation strengths, 'odds' for dropout "
        "rates, 'reciprocal' for temperatures, None for linear). Or train a network between the "
        "two values.",
        ClockWarning,
    )
    return Clock(rule, data.anchors.lam, f"two anchors: {guess}")


def suggested_rule(anchors):
    """Return the rule that the range of lambda suggests.

    Levels that come near to 0 and to 1 are read as quantile levels, rates from 0 to nearly 1
    as those of dropout, and strengths over two decades or more as regularisation.
    """
    low, high = anchors[0], anchors[-1]
    name = "identity"
    if 0 < low <= _EDGE and 1 - _EDGE <= high < 1:
        name = "probit"
    elif low == 0 and 1 - _EDGE <= high < 1:
        name = "odds"
    elif low > 0 and high >= _DECADES * low:
        name = "log"
    return WarpClock(name)


def confirmed_rule(anchors, trajectories):
    """Return the suggested rule, or a common one where that puts trained values better.

    The linear one may replace any. It suggests nothing itself: of positive lambdas, the
    logarithmic and the reciprocal may replace it. Each trained value is predicted from both
    neighbours, on the line between them.
    """
    linear, suggested = WarpClock("identity"), suggested_rule(anchors)
    rules = [suggested] if suggested == linear else [suggested, linear]
    if suggested == linear and anchors[0] > 0:
        rules += map(WarpClock, ("log", "reciprocal"))
    points = trajectories.points[trajectories.whole]
    if len(rules) == 1 or not len(points):
        return rules[0]
    losses = []
    for rule in rules:
        s = rule.fraction(anchors[1:-1], anchors[:-2], anchors[2:])[:, None]
        miss = (1 - s) * points[:, :-2] + s * points[:, 2:] - points[:, 1:-1]
        losses.append(np.sum(miss**2, axis=(1, 2)))
    return rules[select(losses).index]


def _entropy_clock(data):
    entropies = conditional_entropies(data.y, data.features, data.groups, data.anchors)
    return EntropyClock(data.anchors.lam, entropies)
