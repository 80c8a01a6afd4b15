"""Clocks: formulas and limits, entropies in closed form, and the choice of a clock."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler

from sklearn_hti.clocks.clock import Clock
from sklearn_hti.clocks.curve import fit_curve
from sklearn_hti.clocks.entropy import EntropyClock, conditional_entropies, nearest_entropy
from sklearn_hti.clocks.selection import confirmed_rule, suggested_rule
from sklearn_hti.clocks.time_scale import CurvedScale, clock_of, make_time_scale
from sklearn_hti.clocks.warps import (
    MeanClock,
    TransformerClock,
    WarpClock,
    bend_time,
    make_transformer_clock,
    make_warp_clock,
)
from sklearn_hti.clocks.way import read_way, way_reader
from sklearn_hti.exceptions import ClockWarning
from sklearn_hti.paths import StraightGeodesic
from sklearn_hti.solvers import CouplingSolver

ANCHORS = np.array([0.05, 0.2, 0.7, 0.9])
WARPS = {
    "identity": lambda lam: lam,
    "log": np.log,
    "reciprocal": lambda lam: -1 / lam,
    "logit": lambda lam: np.log(lam / (1 - lam)),
    "probit": norm.ppf,
    "odds": lambda lam: lam / (1 - lam),
}
RULES = {
    **{name: WarpClock(name) for name in WARPS},
    "entropy": EntropyClock(ANCHORS, np.array([0.0, 2.0, 1.5, -3.0])),
    "curved": CurvedScale(
        WarpClock("log"), 0.05, 0.9, fit_curve([0, 0.48, 0.9, 1], [0, 0.1, 0.1, 1], trend=False)
    ),
    "mean": MeanClock((WarpClock("log"), WarpClock("odds"))),
    "rising transformer": TransformerClock(FunctionTransformer(np.sqrt).fit([[1.0]])),
    "falling transformer": TransformerClock(FunctionTransformer(np.reciprocal).fit([[1.0]])),
}


# ---------------------------------------------------------------- time


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_time_counts_anchors(rule):
    clock = Clock(rule, ANCHORS, "")
    assert_allclose(clock.time(ANCHORS), [0, 1, 2, 3], atol=1e-12)
    assert clock.n_intervals == 3
    inner = np.linspace(0.05, 0.9, 500)
    assert (np.diff(clock.time(inner)) > 0).all()
    k = np.minimum(np.searchsorted(ANCHORS, inner, "right") - 1, 2)
    assert_array_equal(np.minimum(np.floor(clock.time(inner)), 2), k)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_time_takes_any_shape(rule):
    clock = Clock(rule, ANCHORS, "")
    lam = np.array([[0.1, 0.3], [0.8, 0.9]])
    expected = [[clock.time(one) for one in row] for row in lam]
    assert_allclose(clock.time(lam), expected, atol=1e-12)


@pytest.mark.parametrize("name", WARPS)
def test_named_clocks_follow_their_formula(name):
    w = WARPS[name]
    for low, high in [(0.05, 0.9), (0.3, 0.31), (0.9, 0.05)]:
        lam = np.linspace(low, high, 7)
        expected = (w(lam) - w(low)) / (w(high) - w(low))
        assert_allclose(WarpClock(name).fraction(lam, low, high), expected, atol=1e-9)


def test_named_clocks_at_telling_places():
    assert WarpClock("log").fraction(10.0, 1.0, 100.0) == pytest.approx(0.5)
    assert WarpClock("probit").fraction(0.5, 0.01, 0.99) == pytest.approx(0.5)
    assert WarpClock("probit").fraction(norm.cdf(1.0), 0.5, norm.cdf(2.0)) == pytest.approx(0.5)
    assert WarpClock("logit").fraction(0.5, 0.2, 0.8) == pytest.approx(0.5)
    assert WarpClock("odds").fraction(0.5, 0.0, 0.75) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", WARPS)
@pytest.mark.parametrize("lam", [[0.1, 0.9], [0.0, 0.5], [0.5, 1.0], [1.0, 2.0], [-1.0, 0.5]])
def test_clocks_are_offered_where_they_are_finite(name, lam):
    lam = np.array(lam)
    with np.errstate(all="ignore"):
        finite = bool(np.isfinite(WARPS[name](lam)).all())
    if name == "odds":
        finite &= lam[0] >= 0 and lam[1] < 1  # beyond its pole it is finite, but no clock
    if name == "reciprocal":
        finite &= lam[0] > 0
    assert WarpClock(name).defined_on(lam) == finite


def test_undefined_clocks_name_those_that_are():
    with pytest.raises(
        ValueError,
        match=r"lam_transform='log'.*accepted there: None, 'auto', 'odds', 'entropy', or a",
    ):
        make_warp_clock("log", np.array([0.0, 0.5]))
    with pytest.raises(
        ValueError, match=r"from 0 to 2.*accepted there: None, 'auto', 'entropy', or a"
    ):
        make_warp_clock("probit", np.array([0.0, 2.0]))


# ---------------------------------------------------------------- transformers


@pytest.mark.parametrize(
    ("transformer", "w"),
    [
        (FunctionTransformer(np.sqrt), np.sqrt),
        (FunctionTransformer(lambda lam: -(lam**3)), lambda lam: lam**3),
        (FunctionTransformer(np.reciprocal), np.reciprocal),
        (StandardScaler(), lambda lam: lam),
    ],
)
def test_transformers_are_clocks(transformer, w):
    lam = np.array([1.0, 2.0, 9.0])
    rule = make_transformer_clock(transformer, lam)
    assert rule.name == type(transformer).__name__
    inner = np.linspace(2, 9, 5)
    expected = (w(inner) - w(2.0)) / (w(9.0) - w(2.0))
    assert_allclose(rule.fraction(inner, 2.0, 9.0), expected, atol=1e-12)


def test_a_fitted_transformer_is_fitted_on_lambda():
    lam = np.exp(np.linspace(0, 4, 50))
    rule = make_transformer_clock(PowerTransformer("box-cox"), lam)
    middle = np.exp(2.0)
    assert rule.fraction(middle, 1.0, np.exp(4)) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    "function", [np.sin, np.abs, np.floor, np.zeros_like, np.log, lambda lam: 1 / lam]
)
def test_transformers_have_to_be_strictly_monotone(function):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="strictly monotone"):
        make_transformer_clock(FunctionTransformer(function), np.array([-2.0, 0.0, 2.0]))


# ---------------------------------------------------------------- entropy clock


@pytest.mark.parametrize("gain", [0.0, 1e-12, 1e-9, -1e-9])
def test_equal_entropies_give_linear_time(gain):
    rule = EntropyClock(np.array([1.0, 3.0]), np.array([5.0, 5.0 + gain]))
    lam = np.linspace(1, 3, 11)
    assert_allclose(rule.fraction(lam, 1.0, 3.0), (lam - 1) / 2, atol=1e-8)


@pytest.mark.parametrize("kappa", [1e-7, 1e-3, 0.5, 4.0, -0.5, -4.0])
@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_entropy_clock_formula(kappa, gamma):
    rule = EntropyClock(np.array([0.0, 2.0]), np.array([1.0, 1.0 + kappa / gamma]), gamma)
    t = np.linspace(0, 1, 11)
    expected = -np.log(1 - t * (1 - np.exp(-kappa))) / kappa
    assert_allclose(rule.fraction(2 * t, 0.0, 2.0), expected, atol=1e-8)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 3.0])
def test_entropy_clock_makes_exp_of_minus_entropy_linear(gamma):
    """With h linear along the path, exp(-gamma h) is linear in lambda."""
    anchors, entropies = np.array([0.0, 1.0, 5.0]), np.array([0.3, 1.7, -0.4])
    clock = Clock(EntropyClock(anchors, entropies, gamma), anchors, "")
    for low, high in [(0.0, 1.0), (1.0, 5.0)]:
        lam = np.linspace(low, high, 9)
        h = np.interp(clock.time(lam), [0, 1, 2], entropies)
        assert_allclose(np.diff(np.exp(-gamma * h), 2), 0, atol=1e-12)


def test_spread_that_grows_comes_late_in_lambda():
    """Far along the path only near the end: as for dropout rates and quantile levels."""
    growing = EntropyClock(np.array([0.0, 1.0]), np.array([0.0, 3.0]))
    shrinking = EntropyClock(np.array([0.0, 1.0]), np.array([3.0, 0.0]))
    lam = np.linspace(0.05, 0.95, 19)
    assert (growing.fraction(lam, 0.0, 1.0) < lam).all()
    assert_allclose(
        shrinking.fraction(lam, 0.0, 1.0), 1 - growing.fraction(1 - lam, 0.0, 1.0), atol=1e-9
    )


@pytest.mark.parametrize("gain", [1e3, -1e3])
def test_extreme_entropies_stay_finite(gain):
    rule = EntropyClock(np.array([0.0, 1.0]), np.array([0.0, gain]))
    s = rule.fraction(np.linspace(0, 1, 50), 0.0, 1.0)
    assert_array_equal(s[[0, -1]], [0, 1])
    assert np.isfinite(s).all()
    assert (np.diff(s) > 0).all()


# ---------------------------------------------------------------- entropies


def normal_entropy(covariance):
    covariance = np.atleast_2d(covariance)
    return 0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1]


@pytest.mark.parametrize(
    "covariance", [[[4.0]], [[1.0, 0.8], [0.8, 1.0]], np.diag([1.0, 9.0, 0.01])]
)
def test_nearest_neighbour_entropy_of_a_normal(rng, covariance):
    y = rng.multivariate_normal(np.zeros(len(covariance)), covariance, size=4000)
    assert nearest_entropy(y) == pytest.approx(normal_entropy(covariance), abs=0.12)


def test_nearest_neighbour_entropy_of_a_uniform(rng):
    assert nearest_entropy(rng.uniform(0, 8, size=(4000, 1))) == pytest.approx(np.log(8), abs=0.05)


@pytest.mark.parametrize("n_groups", [1, 5])
def test_entropies_given_repeated_conditions(encode, rng, n_groups):
    """Means that differ between conditions are no entropy of y given x."""
    scales, n = [1.0, 2.0, 0.25], 3000 // n_groups
    x = np.tile(np.repeat(np.arange(n_groups), n), 3)[:, None]
    lam = np.repeat([0.0, 1.0, 2.0], n * n_groups)
    y = rng.normal(100 * x, np.repeat(scales, n * n_groups)[:, None], size=(len(x), 1))
    y = np.hstack([y, rng.normal(size=y.shape)])
    data = encode(x if n_groups > 1 else None, y, lam)
    h = conditional_entropies(data.y, data.features, data.groups, data.anchors)
    expected = [normal_entropy(np.diag([scale**2, 1.0])) for scale in scales]
    assert_allclose(np.diff(h), np.diff(expected), atol=0.15)
    assert_allclose(h, expected, atol=0.2)


def test_entropies_given_conditions_that_do_not_repeat(encode, rng):
    """Differences of half the log-determinants of what x does not explain linearly."""
    n, scales = 1000, [1.0, 3.0]
    X = rng.normal(size=(2 * n, 2))
    lam = np.repeat([0.0, 1.0], n)
    noise = rng.multivariate_normal([0, 0], [[1.0, 0.9], [0.9, 1.0]], size=2 * n)
    y = 50 * X @ rng.normal(size=(2, 2)) + noise * np.repeat(scales, n)[:, None]
    data = encode(X, y, lam)
    h = conditional_entropies(data.y, data.features, data.groups, data.anchors)
    assert np.diff(h) == pytest.approx(2 * np.log(3), abs=0.15)


def test_entropy_does_not_see_shifts(encode, rng):
    lam = np.repeat([0.0, 1.0], 100)
    y = np.tile(rng.normal(size=(100, 2)), (2, 1))
    data = encode(None, y + 1000 * lam[:, None], lam)
    h = conditional_entropies(data.y, data.features, data.groups, data.anchors)
    assert_allclose(h[0], h[1], atol=1e-6)


def test_entropies_of_constant_outputs_are_finite(encode):
    lam = np.repeat([0.0, 1.0], 40)
    data = encode(None, np.zeros((80, 2)), lam)
    h = conditional_entropies(data.y, data.features, data.groups, data.anchors)
    assert np.isfinite(h).all()
    assert h[0] == h[1]


# ---------------------------------------------------------------- the choice

FAMILIES = {
    "identity": [0.05, 0.2, 0.9],
    "log": [0.01, 0.1, 2.0],
    "probit": [0.01, 0.3, 0.99],
    "odds": [0.0, 0.5, 0.96],
}


def choose(lam_transform, data):
    """Return the Clock of a fit."""
    read = way_reader(data, CouplingSolver(), np.random.default_rng(0))
    return clock_of(make_time_scale(lam_transform, data, read), data.anchors.lam)


def warped(encode, anchors, w, *, stochastic, x_repeats=True, n=200, noise=0.0):
    """Networks whose outputs move linearly in w(lambda)."""
    rng = np.random.default_rng(1)
    lam = np.repeat(anchors, n)
    time = (w(lam) - w(lam[0])) / (w(lam[-1]) - w(lam[0]))
    if stochastic:  # two conditions, a normal each, even draws
        X = np.tile(np.repeat([[0], [1]], n // 2, axis=0), (len(anchors), 1))
        z = norm.ppf((np.arange(n // 2) + 0.5) / (n // 2))
        z = np.concatenate([rng.permutation(z) for _ in range(2 * len(anchors))])
        y = 2 * X[:, 0] + 3 * time + 0.3 * (1 + (1 + X[:, 0]) * time) * z
        return encode(X, y, lam)
    X = rng.uniform(-1, 1, size=(n, 1))
    if x_repeats:
        X = np.tile(X, (len(anchors), 1))
    else:
        X = rng.uniform(-1, 1, size=(n * len(anchors), 1))
    y = np.hstack([np.sin(3 * X), X]) + time[:, None] * np.hstack([2 + X, 1 - 3 * X**2])
    return encode(X, y + noise * rng.normal(size=y.shape), lam)


def error(clock, w):
    """Return how far a clock is from that of a monotone w, of the whole way."""
    grid = np.linspace(*clock.anchors[[0, -1]], 50)
    way = (w(clock.anchors) - w(clock.anchors[0])) / np.ptp(w(clock.anchors[[0, -1]]))
    there = (w(grid) - w(clock.anchors[0])) / np.ptp(w(clock.anchors[[0, -1]]))
    return np.abs(np.interp(clock.time(grid), np.arange(len(way)), way) - there).max()


@pytest.mark.parametrize("stochastic", [False, True], ids=["deterministic", "stochastic"])
@pytest.mark.parametrize("name", FAMILIES)
def test_auto_finds_the_true_clock_where_the_range_suggests_it(encode, name, stochastic):
    anchors, w = FAMILIES[name], WARPS[name]
    clock = choose("auto", warped(encode, anchors, w, stochastic=stochastic))
    assert clock.name == name
    assert error(clock, w) < 0.02


@pytest.mark.parametrize("stochastic", [False, True], ids=["deterministic", "stochastic"])
def test_a_linear_scale_is_led_to_a_logarithm(encode, stochastic):
    """An exponential is a trend of the speed, which one anchor between the ends tells."""

    def w(lam):
        return np.log(0.01 + lam)

    clock = choose("auto", warped(encode, [0.0, 0.1, 0.8], w, stochastic=stochastic))
    assert clock.name == "identity"
    assert error(clock, w) < 0.02


@pytest.mark.parametrize("stochastic", [False, True], ids=["deterministic", "stochastic"])
@pytest.mark.parametrize("name", ["log", "reciprocal"])
def test_of_a_short_range_the_middle_anchor_tells_the_scale(encode, name, stochastic):
    clock = choose("auto", warped(encode, [0.1, 0.5, 4.0], WARPS[name], stochastic=stochastic))
    assert clock.name == name
    assert error(clock, WARPS[name]) < 0.02


def test_auto_finds_the_true_clock_where_inputs_differ(encode):
    anchors = FAMILIES["log"]
    data = warped(encode, anchors, np.log, stochastic=False, x_repeats=False, n=250)
    assert error(choose("auto", data), np.log) < 0.06


@pytest.mark.parametrize(
    ("anchors", "name"),
    [
        ([0.01, 0.5, 0.99], "probit"),
        ([0.05, 0.5, 0.95], "probit"),
        ([0.0, 0.5, 0.99], "odds"),
        ([0.001, 1.0], "log"),
        ([1.0, 50.0, 100.0], "log"),
        ([0.0, 0.5, 1.0], "identity"),
        ([0.1, 0.9], "identity"),
        ([-1.0, 1.0], "identity"),
        ([0.01, 0.99, 1.5], "log"),
    ],
)
def test_the_range_of_lambda_suggests_a_clock(anchors, name):
    assert suggested_rule(np.array(anchors)) == WarpClock(name)


def test_a_way_that_turns_is_measured_along_itself(encode):
    """An anchor off the straight line between its neighbours, half-way in lambda and in way."""
    lam = np.repeat([0.0, 1.0, 2.0], 30)
    y = np.array([[0.0, 0.0], [0.2, 3.0], [3.0, 2.0]])[lam.astype(int)]
    y = y + np.tile(np.random.default_rng(0).normal(size=(30, 2)), (3, 1))
    data = encode(np.tile(np.arange(30.0), 3)[:, None], y, lam)
    place = read_way(data, CouplingSolver(), StraightGeodesic(), np.random.default_rng(0)).places
    steps = np.hypot(0.2, 3.0), np.hypot(2.8, 1.0)
    assert_allclose(place, [0, steps[0] / sum(steps), 1])


def particles_of(encode, w, anchors, noise=0.0):
    data = warped(encode, anchors, w, stochastic=False, noise=noise)
    return read_way(data, CouplingSolver(), StraightGeodesic(), np.random.default_rng(0))


LEVELS, STRENGTHS = [0.01, 0.2, 0.6, 0.99], [0.01, 0.1, 1.0, 10.0]


@pytest.mark.parametrize(
    ("anchors", "name"), [(LEVELS, "probit"), (STRENGTHS, "log"), ([0.0, 0.4, 0.8, 0.98], "odds")]
)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_suggested_rule_is_dropped_where_trained_values_lie_on_lines(
    encode, anchors, name, noise
):
    anchors = np.array(anchors)
    assert suggested_rule(anchors).name == name
    linear = particles_of(encode, WARPS["identity"], anchors, noise)
    assert confirmed_rule(anchors, linear.trajectories).name == "identity"
    suggested = particles_of(encode, WARPS[name], anchors, noise)
    assert confirmed_rule(anchors, suggested.trajectories).name == name


def test_the_suggested_rule_stays_where_trained_values_say_nothing(encode, rng):
    anchors = np.array(STRENGTHS)
    still = particles_of(encode, lambda lam: lam, anchors).trajectories
    still.points[:] = still.points[:, :1]
    assert confirmed_rule(anchors, still).name == "log"
    still.points[:] = rng.normal(size=still.points.shape)
    assert confirmed_rule(anchors, still).name == "log"
    assert confirmed_rule(anchors, still[:0]).name == "log"


@pytest.mark.parametrize("kappa", [-3.0, -0.8, 2.0])
def test_the_bend_is_found(encode, kappa):
    anchors = [0.0, 0.3, 0.6, 1.0]
    data = warped(encode, anchors, lambda lam: bend_time(lam, kappa), stochastic=False)
    clock = choose("auto", data)
    grid = np.linspace(0, 1, 21)
    position = np.interp(clock.time(grid), range(4), bend_time(np.array(anchors), kappa))
    assert_allclose(position, bend_time(grid, kappa), atol=3e-3)
    assert "at the speed of the outputs" in clock.reason


def settling(lam):
    """Way of outputs that settle at both ends of a logarithmic range."""
    return lam / (1 + lam)


@pytest.mark.parametrize("anchors", [[0.02, 0.2, 2.0, 50.0], [0.02, 0.1, 1.0, 10.0, 50.0]])
def test_on_a_logarithmic_range_outputs_settle_at_the_ends(encode, anchors):
    data = warped(encode, anchors, settling, stochastic=False)
    clock, own = choose("auto", data), choose("log", data)
    assert clock.name == "log"
    assert error(clock, settling) < 0.95 * error(own, settling)


def test_a_bent_clock_read_backwards_is_bent_the_other_way():
    t = np.linspace(0, 1, 11)
    assert_allclose(1 - bend_time(1 - t, 1.7), bend_time(t, -1.7), atol=1e-12)


def test_the_noise_of_samples_is_no_way(encode, rng):
    """The first interval has no movement, but fresh draws."""
    lam = np.repeat([0.0, 0.5, 1.0], 400)
    y = rng.normal(size=(1200, 2)) + np.where(lam == 1, 2.0, 0.0)[:, None]
    place = read_way(
        encode(None, y, lam), CouplingSolver(affine=False), StraightGeodesic(), rng
    ).places
    assert place[1] < 0.05


def test_outputs_that_do_not_move_leave_the_prior(encode):
    lam = np.repeat([0.0, 0.3, 1.0], 40)
    clock = choose("auto", encode(None, np.zeros((120, 2)), lam))
    assert_allclose(clock.time([0.0, 0.15, 0.3, 1.0]), [0, 0.5, 1, 2], atol=0.1)


@pytest.mark.parametrize("stochastic", [False, True])
def test_two_anchors_leave_the_entropy_clock(encode, stochastic):
    data = warped(encode, [0.1, 0.9], norm.ppf, stochastic=stochastic)
    with pytest.warns(ClockWarning, match="two trained values.*lam_transform"):
        clock = choose("auto", data)
    assert clock.name == "entropy"
    assert "two anchors" in clock.reason
    assert_allclose(clock.time([0.1, 0.9]), [0, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("anchors", "name"), [([0.02, 0.98], "probit"), ([0.01, 10.0], "log"), ([0.0, 0.99], "odds")]
)
def test_two_anchors_whose_range_suggests_a_clock_leave_a_mean(encode, anchors, name):
    data = warped(encode, anchors, WARPS[name], stochastic=True)
    with pytest.warns(ClockWarning, match=f"half-way between the {name} clock.*lam_transform"):
        clock = choose("auto", data)
    assert clock.name == f"{name} and entropy"
    grid, ends = np.linspace(*anchors, 30), data.anchors.lam
    parts = [Clock(rule, ends, "").time(grid) for rule in clock.rule.rules]
    assert [rule.name for rule in clock.rule.rules] == [name, "entropy"]
    assert np.abs(parts[0] - parts[1]).max() > 0.02
    assert_allclose(clock.time(grid), np.mean(parts, axis=0), atol=1e-12)


@pytest.mark.parametrize(
    ("lam_transform", "name"),
    [
        (None, "identity"),
        ("log", "log"),
        ("probit", "probit"),
        ("entropy", "entropy"),
        (FunctionTransformer(np.sqrt), "FunctionTransformer"),
    ],
)
def test_what_is_asked_for_is_used_without_a_warning(encode, lam_transform, name):
    data = warped(encode, [0.1, 0.9], norm.ppf, stochastic=False)
    clock = choose(lam_transform, data)
    assert clock.name == name
    assert "asked for" in clock.reason
