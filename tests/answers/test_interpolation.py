"""Answers between networks that were asked."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import (
    ConditionalFlowMatchingRegressor,
    DirectSurrogateRegressor,
    DisplacementInterpolationRegressor,
    NearestAnchorRegressor,
)
from sklearn_hti.datasets import make_gaussians
from sklearn_hti.field.particles import partners
from sklearn_hti.metrics import squared_wasserstein
from sklearn_hti.pipeline import make_trajectory_pipeline


def without_base(**params):
    return HyperparameterTrajectoryRegressor(base=None, **params)


@pytest.fixture(scope="module")
def fitted(make, networks):
    return make(max_iter=60).fit(networks.X, networks.y, networks.lam)


@pytest.fixture(scope="module")
def asked(networks):
    """New inputs, outputs of the networks there, and their lambdas."""
    X = np.random.default_rng(5).uniform(-1, 1, (50, networks.X.shape[1]))
    lams = np.unique(networks.lam)
    return X, np.stack([networks.f(X, lam) for lam in lams]), lams


def test_each_network_has_the_word_at_its_own_lambda(fitted, asked):
    X, outputs, lams = asked
    for own, lam in zip(outputs, lams, strict=True):
        assert_allclose(fitted.interpolate(X, outputs, lams=lams, lam=lam), own, atol=1e-12)


def test_networks_know_more_than_one_of_them(fitted, asked, networks):
    X, outputs, lams = asked
    lam = 0.5 * (lams[0] + lams[1])
    truth = networks.f(X, lam)
    all_of_them = fitted.interpolate(X, outputs, lams=lams, lam=lam)
    moved = fitted.transport(X, outputs[0], lam_from=lams[0], lam_to=lam)
    assert np.mean((all_of_them - truth) ** 2) < 0.5 * np.mean((moved - truth) ** 2)


def test_networks_that_agree(fitted, asked):
    """Between equal outputs lies the same output, whatever the clock."""
    X, outputs, lams = asked
    same = [outputs[0]] * len(lams)
    assert_allclose(fitted.interpolate(X, same, lams=lams, lam=0.7), outputs[0], atol=1e-9)


def test_order_of_networks_and_of_rows_changes_nothing(fitted, asked):
    X, outputs, lams = asked
    lam = np.linspace(lams[0], lams[-1], len(X))
    whole = fitted.interpolate(X, outputs, lams=lams, lam=lam)
    turned = fitted.interpolate(X, outputs[::-1], lams=lams[::-1], lam=lam)
    assert_allclose(turned, whole, atol=1e-9)
    for i in (0, 7, 49):
        row = fitted.interpolate(X[[i]], outputs[:, [i]], lams=lams, lam=lam[i])
        assert_allclose(row[0], whole[i], atol=1e-9)


def test_networks_of_other_lambdas_than_those_of_fit(fitted, networks, asked):
    X, _, lams = asked
    others = lams[0] + (lams[-1] - lams[0]) * np.array([0.1, 0.4, 0.9])
    outputs = [networks.f(X, lam) for lam in others]
    answer = fitted.interpolate(X, outputs, lams=others, lam=others[1])
    assert_allclose(answer, outputs[1], atol=1e-12)
    middle = 0.5 * (others[0] + others[1])
    error = np.mean(
        (fitted.interpolate(X, outputs, lams=others, lam=middle) - networks.f(X, middle)) ** 2
    )
    assert error < 0.1 * np.mean((outputs[0] - networks.f(X, middle)) ** 2)


@pytest.fixture(scope="module")
def on_curves():
    """Networks that turn by x, asked at the same 150 inputs at four values of lambda."""

    def f(X, lam):
        angle = X[:, 0] + 1.5 * np.asarray(lam)
        radius = 2 + X[:, 1]
        return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])

    rng = np.random.default_rng(0)
    lams = np.array([0.0, 0.3, 0.6, 1.0])
    X = np.tile(rng.uniform(-1, 1, (150, 2)), (4, 1))
    y = np.concatenate([f(X[:150], lam) for lam in lams])
    model = HyperparameterTrajectoryRegressor(
        lam_transform=None, base="neighbors", max_iter=300, validate=False, random_state=0
    ).fit(X, y, np.repeat(lams, 150))
    return model, f, lams, rng.uniform(-1, 1, (100, 2))


def mean_error(model, f, X, known, lam):
    answer = model.interpolate(X, [f(X, at) for at in known], lams=known, lam=lam)
    return np.sqrt(np.mean((answer - f(X, lam)) ** 2))


@pytest.mark.parametrize("known", [[0.0, 0.6], [0.0, 0.3, 1.0], [0.15, 0.45, 0.8], [0.3, 1.0]])
def test_outputs_that_are_given_are_met_at_their_lambda(on_curves, known):
    """Trained values or not, and whichever of them."""
    model, f, _, X = on_curves
    for lam in known:
        answer = model.interpolate(X, [f(X, at) for at in known], lams=known, lam=lam)
        assert_allclose(answer, f(X, lam), atol=1e-9)
        beside = min(max(lam + 1e-6, known[0]), known[-1] - 1e-6)
        answer = model.interpolate(X, [f(X, at) for at in known], lams=known, lam=beside)
        assert_allclose(answer, f(X, lam), atol=1e-3)


def test_knots_that_are_not_given_come_from_the_flow_map(on_curves):
    """Between two of four values the answer is no chord."""
    model, f, _, X = on_curves
    for known, lam in (([0.0, 0.6], 0.3), ([0.3, 1.0], 0.6), ([0.15, 0.8], 0.5)):
        share = (lam - known[0]) / (known[1] - known[0])
        chord = (1 - share) * f(X, known[0]) + share * f(X, known[1])
        of_chord = np.sqrt(np.mean((chord - f(X, lam)) ** 2))
        assert mean_error(model, f, X, known, lam) < 0.25 * of_chord


def test_answers_of_all_trained_values_are_those_of_the_field(fitted, asked):
    """Where the flow map knows no other knots, it is not asked."""
    X, outputs, lams = asked
    state = fitted._state
    scaled = state.outputs.encode(outputs)
    field = state.particle_field.at(scaled.transpose(1, 0, 2), np.full(len(X), 0.45), lams)
    answer = fitted.interpolate(X, outputs, lams=lams, lam=0.45)
    assert_allclose(answer, state.outputs.decode(field), atol=1e-9)


def test_draws_are_coupled_where_the_flow_map_carries_them(make):
    """Narrow clouds that turn by steps: the nearest draw at the end is that of another one."""
    rng = np.random.default_rng(0)
    lams, n = np.array([0.0, 1 / 3, 2 / 3, 1.0]), 240

    def turn(z, lam):
        c, s = np.cos(np.pi * lam), np.sin(np.pi * lam)
        return z @ np.array([[c, s], [-s, c]])

    y = np.concatenate([turn(rng.normal(size=(n, 2)) * [3, 0.3], lam) for lam in lams])
    model = make(base="neighbors", max_iter=300).fit(None, y, np.repeat(lams, n))
    start = y[:80]
    end = model.transport(None, start, lam_from=0.0, lam_to=1.0)
    order = partners(start, end, rng)
    assert (order != np.arange(80)).mean() > 0.5
    given = [start, end[rng.permutation(80)]]
    own = model.interpolate(None, given, lams=[0.0, 1.0], lam=1.0)
    assert_allclose(own, end, atol=1e-6)
    middle = model.interpolate(None, given, lams=[0.0, 1.0], lam=0.5)
    there = model.transport(None, start, lam_from=0.0, lam_to=0.5)
    assert np.mean((middle - there) ** 2) < 0.05 * y.var()


def test_lambdas_are_the_same_but_for_rounding():
    lam = np.repeat([0.1, 0.3, 1.0], 30)
    X = np.tile(np.linspace(0, 1, 30), 3)[:, None]
    model = without_base().fit(X, lam * X[:, 0], lam)
    outputs = [value * X[:30, 0] for value in (0.1, 0.3)]
    for lams in ([0.1, 0.3], np.float32([0.1, 0.3])):
        for value, own in ((0.1, outputs[0]), (0.1 + 0.2, outputs[1])):
            answer = model.interpolate(X[:30], outputs, lams=lams, lam=value)
            assert_allclose(answer, own, atol=1e-9)
    with pytest.raises(ValueError, match="distinct"):
        model.interpolate(X[:30], outputs, lams=[0.3, 0.1 + 0.2], lam=0.3)


def test_draws_are_coupled_before_they_meet():
    """Shuffled draws of a condition have no partners; their distribution has a middle."""
    data = make_gaussians(200, random_state=0)
    X = data.X[data.lam == 0]
    y0, y1, truth = (data.truth(X, lam, random_state=i) for i, lam in enumerate((0.0, 0.5, 0.25)))
    order = np.random.default_rng(0).permutation(len(X))
    groups = X[:, 0]
    other = data.truth(X, 0.25, random_state=9)
    floor = squared_wasserstein(truth, other, groups=groups)
    at_random = 0.5 * (y0 + y1)  # rows of one condition, coupled as they came
    assert squared_wasserstein(truth, at_random, groups=groups) > 2 * floor
    for model in (
        DisplacementInterpolationRegressor(lam_transform=None, categorical_features=[0]),
        without_base(lam_transform=None, categorical_features=[0]),
    ):
        model.fit(data.X, data.y, data.lam)
        between = model.interpolate(X, [y0, y1], lams=[0.0, 0.5], lam=0.25)
        assert squared_wasserstein(truth, between, groups=groups) < 1.3 * floor
        # the order of the rows says nothing
        shuffled = [y0[order], y1[order]]
        again = model.interpolate(X[order], shuffled, lams=[0.0, 0.5], lam=0.25)
        assert_allclose(np.sort(again, axis=0), np.sort(between, axis=0), atol=1e-6)


def test_clouds_of_unequal_sizes():
    rng = np.random.default_rng(0)
    clouds = [rng.normal(m, s, n) for m, s, n in ((0, 1, 300), (1, 1.5, 500), (2, 2, 400))]
    lam = np.repeat([0.0, 0.5, 1.0], [300, 500, 400])
    model = without_base(lam_transform=None).fit(None, np.concatenate(clouds), lam)
    answer = model.interpolate(None, clouds, lams=[0.0, 0.5, 1.0], lam=0.25)
    assert answer.shape == (500,)
    truth = rng.normal(0.5, 1.25, 500)
    assert squared_wasserstein(truth, answer) < 0.05
    own = model.interpolate(None, clouds, lams=[0.0, 0.5, 1.0], lam=0.5)
    assert_allclose(np.sort(own), np.sort(clouds[1]), atol=1e-12)


@pytest.mark.parametrize(
    "rival",
    [
        DirectSurrogateRegressor(random_state=0),
        DisplacementInterpolationRegressor(lam_transform=None),
        ConditionalFlowMatchingRegressor(lam_transform=None, max_iter=20, random_state=0),
    ],
)
def test_rivals_take_the_same_form(rival, networks, asked):
    X, outputs, lams = asked
    rival.fit(networks.X, networks.y, networks.lam)
    for k in (0, 1, len(lams) - 1):
        answer = rival.interpolate(X, outputs, lams=lams, lam=lams[k])
        assert_allclose(answer, outputs[k], atol=1e-5)
    lam = np.linspace(lams[0], lams[-1], len(X))
    whole = rival.interpolate(X, outputs, lams=lams, lam=lam)
    neighbours = rival.interpolate(X, outputs[:2], lams=lams[:2], lam=lams[:2].mean())
    row = rival.interpolate(X, outputs, lams=lams, lam=lams[:2].mean())
    assert_allclose(row, neighbours, atol=1e-5)
    assert np.isfinite(whole).all()


def test_the_nearest_anchor_jumps(networks, asked):
    X, outputs, lams = asked
    rival = NearestAnchorRegressor().fit(networks.X, networks.y, networks.lam)
    near = lams[0] + 0.2 * (lams[1] - lams[0])
    answer = rival.interpolate(X, outputs, lams=lams, lam=near)
    line = 0.8 * outputs[0] + 0.2 * outputs[1]
    assert np.mean((answer - outputs[0]) ** 2) < 0.1 * np.mean((line - outputs[0]) ** 2)


def test_in_a_pipeline(networks, asked):
    X, outputs, lams = asked
    pipe = make_trajectory_pipeline(DisplacementInterpolationRegressor(lam_transform=None))
    pipe.fit(networks.X, networks.y, lam=networks.lam)
    answer = pipe.interpolate(X, outputs, lams=lams, lam=lams[0])
    assert_allclose(answer, outputs[0], atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lam": 9.0}, "`lam` has 50 value"),
        ({"lam": 1.9, "lams": [0.0, 1.0, 1.5]}, r"`lam` has 50 value.* outside `lams` \[0, 1.5\]"),
        ({"lams": [0.0, 0.0, 1.0]}, "`lams` must be distinct"),
        ({"lams": [0.0, 1.0, 99.0]}, "`lams` has 1 value.* outside the anchors"),
        ({"lams": 0.5}, "`lams` must hold the lambdas of two or more"),
        ({"lams": [0.0, 1.0]}, "`outputs` must hold the outputs of 2 networks.* got 3"),
        ({"outputs": None}, "`outputs` must hold .* got NoneType"),
        ({"outputs": np.zeros((3, 7, 2))}, "7"),
        ({"outputs": np.zeros((3, 50, 5))}, r"`outputs\[0\]` has 5 output"),
        ({"outputs": np.full((3, 50, 2), np.nan)}, r"outputs\[0\].*NaN"),
    ],
)
def test_bad_questions(fitted, asked, changes, message):
    question = dict(zip(("X", "outputs", "lams"), asked, strict=True)) | {"lam": asked[2][1]}
    with pytest.raises(ValueError, match=message):
        fitted.interpolate(**question | changes)
