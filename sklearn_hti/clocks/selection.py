"""Choose the clock: the user's, or one that puts every anchor where outputs have it."""

import warnings
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.base import clone

from ..data.thinning import thinned
from ..exceptions import ClockWarning
from ..paths import StraightGeodesic
from ..paths.trajectories import Trajectories, build_trajectories
from ..solvers.affine import affine_where_better
from ..stats.distances import half_distance
from ..stats.selection import select
from .clock import Clock
from .entropy import EntropyClock, conditional_entropies
from .warps import (
    BentClock,
    MeanClock,
    PlacedClock,
    WarpClock,
    bend_time,
    candidate_rules,
    make_transformer_clock,
    make_warp_clock,
)

_EDGE, _DECADES = 0.05, 100.0  # ranges of lambda that suggest a clock
_NEAR = 0.05  # of the whole way: a clock puts an anchor in its place
_DISAGREEMENT = 0.1  # clocks further apart than this tell different stories
FROM_ZERO = "identity", "odds"  # clocks that begin at 0
_MAX_BEND = 8.0
_N_SPLITS = 8  # of the noise of samples


def choose_clock(lam_transform, data, read):
    """Return the Clock for the parameter `lam_transform` on the training data.

    `read` returns the Way of the data; it is called where the clock follows the outputs.

    Warns
    -----
    ClockWarning
        If "auto" meets data that cannot tell: two anchors, or clocks that put the anchors in
        the same places but differ in between.
    """
    anchors, binned = data.anchors.lam, data.anchors.binned
    if lam_transform is None:
        return Clock(WarpClock("identity"), anchors, "asked for (None)")
    if lam_transform not in ("auto", "entropy") and isinstance(lam_transform, str):
        rule = make_warp_clock(lam_transform, data.lam)
        return Clock(rule, anchors, "asked for")
    if not isinstance(lam_transform, str):
        rule = make_transformer_clock(lam_transform, data.lam)
        return Clock(rule, anchors, "asked for")

    if lam_transform == "auto" and len(anchors) > 2:
        places = read().places
        if places is None:
            prior = WarpClock(prior_clock(anchors, binned))
            places = prior.fraction(anchors, *anchors[[0, -1]])
        clock = clock_of_places(data.lam, anchors, places, binned)
        _warn_if_undecided(clock)
        return clock
    entropies = conditional_entropies(data.y, data.features, data.groups, data.anchors)
    entropy = EntropyClock(anchors, entropies)
    if lam_transform == "entropy":
        return Clock(entropy, anchors, "asked for")
    return _guess_of_two(anchors, entropy, binned)


def _guess_of_two(anchors, entropy, binned):
    """Return the entropy clock, or the mean of it and of the one that the range suggests."""
    prior, linear = WarpClock(prior_clock(anchors, binned)), WarpClock("identity")
    rule, others, guess = entropy, (linear,), "the entropy clock is a guess"
    if prior != linear:
        rule, others = MeanClock((prior, entropy)), (prior, entropy, linear)
        guess = (
            f"a guess is half-way between the {prior.name} clock, which the range of lambda "
            "suggests, and the entropy clock"
        )
    warnings.warn(
        f"With two anchors the data cannot tell how fast outputs move between them; {guess}. "
        "Set lam_transform to what you know of the hyperparameter ('probit' for quantile "
        "levels, 'log' for regularisation strengths, 'odds' for dropout rates, None for "
        "linear), or add an anchor.",
        ClockWarning,
        stacklevel=5,
    )
    return Clock(rule, anchors, f"two anchors: {guess}", {}, others)


def prior_clock(anchors, binned=False):
    """Return the name of the clock that the range of lambda suggests.

    Levels that come near to 0 and to 1 are read as quantile levels, rates from 0 to nearly 1
    as those of dropout, and strengths over two decades or more as regularisation. Bins hold as
    many rows each: where lambda itself makes them more equal than that clock does, it was drawn
    evenly, and no clock is suggested.
    """
    low, high = anchors[0], anchors[-1]
    name = "identity"
    if 0 < low <= _EDGE and 1 - _EDGE <= high < 1:
        name = "probit"
    elif low == 0 and 1 - _EDGE <= high < 1:
        name = "odds"
    elif low > 0 and high >= _DECADES * low:
        name = "log"
    if binned:
        name = _of_least_error((name, "identity"), partial(_unevenness, anchors=anchors))
    return name


def _of_least_error(names, error_of):
    """Return the clock of the least error, the first of equal ones."""
    names = list(names)
    losses = [[error_of(name)] for name in names]
    return select(losses, names, n_errors=0.0, compare="best").name


def _unevenness(name, anchors):
    """Return the standard deviation of the distances between anchors on a clock."""
    return np.diff(WarpClock(name).fraction(anchors, anchors[0], anchors[-1])).std()


def clock_of_places(lam, anchors, places, binned=False):
    """Return the clock for anchors that lie at these places on the way of the outputs, 0 to 1.

    That of the prior if it nearly puts them there. Else another than the linear one that does, or
    that of the prior, is led to the very places. Of bins, no other: how lambda was drawn speaks
    for the prior, and ends of the range that a draw came near to are no ends of the clock.
    """
    chosen = prior_clock(anchors, binned)
    candidates = candidate_rules(lam)
    rules = {r.name: r for r in candidates if not binned or r.name in ("identity", chosen)}
    put = {name: rule.fraction(anchors, *anchors[[0, -1]]) for name, rule in rules.items()}
    errors = {n: float(np.sqrt(np.mean((p - places)[1:-1] ** 2))) for n, p in put.items()}
    near = {name: rule for name, rule in rules.items() if errors[name] <= _NEAR}
    # that little moves over a small part of a wide range is no sign of linear time
    named = {n: _placed(rule, anchors, places) for n, rule in near.items() if n != "identity"}
    if chosen in near:
        alike, reason = near, "puts the anchors where outputs have them"
    elif named:
        alike, chosen = named, _of_least_error(named, errors.get)
        reason = "nearly puts the anchors where outputs have them"
    else:
        alike = {name: _led(rule, anchors, places) for name, rule in rules.items()}
        how = getattr(alike[chosen], "how", "as it is: the anchors are too near to each other")
        reason = f"a guess from the range of lambda, {how}"
    scores = {n: {"positions": put[n].tolist(), "error": error} for n, error in errors.items()}
    others = tuple(rule for name, rule in alike.items() if name != chosen)
    return Clock(alike[chosen], anchors, reason, scores, others)


def _led(rule, anchors, places):
    """Return the clock of a rule, led to the places of the anchors.

    Strengths from zero are bent, which leads from a linear to a logarithmic clock. Where the
    ends of lambda are far out, as on a logarithmic clock or one of levels, outputs settle there.
    """
    led = bend if rule.name in FROM_ZERO else _placed
    return led(rule, anchors, places)


def bend(rule, anchors, places):
    """Return the clock of a rule, bent so that anchors come nearest to their places."""
    u = rule.fraction(anchors, anchors[0], anchors[-1])[1:-1]

    def distance(kappa):
        return np.sum((bend_time(u, kappa) - places[1:-1]) ** 2)

    best = minimize_scalar(distance, bounds=(-_MAX_BEND, _MAX_BEND), method="bounded")
    return BentClock(rule, anchors[0], anchors[-1], float(best.x))


def _placed(rule, anchors, places):
    """Return the clock of a rule, led through the places; itself where it tells none apart."""
    if np.diff(rule.fraction(anchors, *anchors[[0, -1]])).min() <= 0:
        return rule
    return PlacedClock(rule, tuple(anchors.tolist()), tuple(places.tolist()))


@dataclass(frozen=True)
class Way:
    """Coupled outputs of a part of the data, followed through the trained values.

    `places` (K + 1,) says how far along their mean way the trained values sit, from 0 to 1; None
    where nothing moves.
    """

    trajectories: Trajectories
    places: np.ndarray | None


def way_reader(data, solver, rng):
    """Return a function that returns the Way of the data along chords, which is read once."""
    return cache(partial(read_way, data, solver, StraightGeodesic(), rng))


def read_way(data, solver, geodesic, rng):
    """Couple a part of the data and read off where the trained values sit on the way.

    Sampling noise is subtracted: the distance between two samples of one distribution.
    """
    data = thinned(data, data.budget.clock, rng)
    if "min_draws" in solver.get_params():
        solver = clone(solver).set_params(min_draws=0)  # that noise is of draws of one input
    plans = [solver.plan(data, edge, geodesic, rng) for edge in data.anchors.edges]
    trajectories = build_trajectories(data, plans, rng)
    noise = [_noise(data, anchor, rng) for anchor in range(len(data.anchors.lam))]
    if any(noise) and getattr(solver, "affine", False):
        trajectories = affine_where_better(trajectories, data, rng)
    steps = np.diff(trajectories.points, axis=1)
    k = np.arange(steps.shape[1])
    inside = (trajectories.first[:, None] <= k) & (k < trajectories.last[:, None])
    squared = np.mean((steps**2).sum(axis=2), axis=0, where=inside)
    if not trajectories.affine:
        squared = np.maximum(squared - 0.5 * np.array([sum(noise[i : i + 2]) for i in k]), 0)
    way = np.cumsum(np.sqrt(squared))
    places = np.concatenate([[0.0], way / way[-1]]) if way[-1] > 0 else None
    return Way(trajectories, places)


def _noise(data, anchor, rng):
    """Return W2^2 between samples of an anchor as large as it is, from those half as large."""
    rows, values, most = data.anchors.rows(anchor), [], data.budget.noise_draws
    for _ in range(_N_SPLITS):
        values.append(half_distance(data.y, data.groups, rng.permutation(rows), most))
        if not values[0]:
            return 0.0
    return 2 ** (-2 / max(data.facts.n_outputs, 2)) * float(np.mean(values))


def _warn_if_undecided(clock):
    """Warn if a clock that puts the anchors in the same places differs in between."""
    grid = np.linspace(clock.anchors[0], clock.anchors[-1], 101)[1:-1]
    time = clock.time(grid)
    for rule in clock.alternatives:
        gap = np.abs(Clock(rule, clock.anchors, "").time(grid) - time).max()
        if gap > _DISAGREEMENT:
            warnings.warn(
                f"The anchors cannot tell the clocks {clock.name!r} (used) and "
                f"{rule.name!r} apart, but they differ by {gap:.2f} of an interval in "
                "between. Set lam_transform to what you know of the hyperparameter, or add "
                "an anchor. Scores are in lam_transform_.scores.",
                ClockWarning,
                stacklevel=5,
            )
            return
