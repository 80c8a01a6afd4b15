"""Answers outside the trained values: refused, or with a warning and intervals that grow."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer

from sklearn_hti.baselines import NearestAnchorRegressor
from sklearn_hti.exceptions import ExtrapolationWarning

X = np.random.default_rng(0).normal(size=(15, 2))
LAMS = (0.0, 1.0, 2.0)
ROWS = [(a, b) for a in (0.1, 1.0, 10.0) for b in (0.0, 0.5, 1.0)]


def f(X, lam):
    return np.column_stack([np.sin(X[:, 0]) + lam * X[:, 1], lam * X[:, 0] + 1])


def g(X, a, b):
    return f(X, np.log10(a) + b + 0.2 * np.log10(a) ** 2)


@pytest.fixture(scope="module")
def one(make):
    lam = np.repeat(LAMS, len(X))
    y = np.concatenate([f(X, value) for value in LAMS])
    return lambda **own: make(extrapolation="warn", **own).fit(np.tile(X, (3, 1)), y, lam)


@pytest.fixture(scope="module")
def two(make):
    y = np.concatenate([g(X, *row) for row in ROWS])
    lam = np.repeat(ROWS, len(X), axis=0)
    model = make(extrapolation="warn", lam_transform=["log", None])
    return model.fit(np.tile(X, (9, 1)), y, lam)


def quietly(method, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        return method(*args, **kwargs)


@pytest.mark.parametrize("lam", [-0.5, 2.3, 4.0])
@pytest.mark.parametrize("asked", [False, True], ids=["trained", "networks"])
def test_all_answers_go_on(one, lam, asked):
    networks = {value: (lambda X, v=value: f(X, v)) for value in LAMS}
    model = one(networks=networks if asked else None)
    true, end = f(X, lam), f(X, 2.0)
    outputs = [f(X, value) for value in LAMS]
    answers = [
        quietly(model.predict, X, lam),
        quietly(model.sample, X, lam, random_state=0),
        quietly(model.transport, X, end, lam_from=2.0, lam_to=lam),
        quietly(model.trajectory, X, [1.0, lam])[1],
        quietly(model.interpolate, X, outputs, lams=LAMS, lam=lam),
    ]
    for answer in answers:
        assert_allclose(answer, true, atol=0.02)
    back = quietly(model.transport, X, true, lam_from=lam, lam_to=2.0)
    assert_allclose(back, end, atol=0.05)


def test_draws_go_on(make):
    rng = np.random.default_rng(0)
    lam = np.repeat(LAMS, 300)
    y = rng.normal(1 + 2 * lam, 0.1 + 0.1 * lam)
    model = make(extrapolation="warn", base="neighbors").fit(None, y, lam)
    draws = quietly(model.sample, None, 3.0, n_samples=2000, random_state=0)
    assert_allclose((draws.mean(), draws.std()), (7.0, 0.4), atol=0.1)


def test_one_warning_per_surrogate_and_none_within(one):
    model = one()
    model.predict(X, 2.0)
    with pytest.warns(
        ExtrapolationWarning, match=r"outside the anchors \[0, 2\], first 3, 0.5 of"
    ):
        model.predict(X, 3.0)
    model.transport(X, f(X, 1.0), lam_from=1.0, lam_to=-1.0)


def test_the_parameter_is_read_at_question_time(one):
    model = one().set_params(extrapolation="raise")
    for lam in (3.0, np.array([1.0] * 14 + [-2.0])):
        with pytest.raises(ValueError, match=r"outside the anchors.*extrapolation='warn'"):
            model.predict(X, lam)
    with pytest.raises(ValueError, match="extrapolation"):
        model.set_params(extrapolation="ignore").fit(X, f(X, 1.0), np.repeat(LAMS, 5))


def test_graphs_begin_within(one, tmp_path):
    with pytest.raises(ValueError, match="outside the anchors"):
        one().export(tmp_path / "graph", "torch", lam_from=3.0)


def test_baselines_refuse(one):
    lam = np.repeat(LAMS, len(X))
    y = np.concatenate([f(X, value) for value in LAMS])
    model = NearestAnchorRegressor().fit(np.tile(X, (3, 1)), y, lam)
    with pytest.raises(ValueError, match=r"outside the anchors.*add its outputs to fit.$"):
        model.predict(X, 3.0)


@pytest.mark.parametrize("transform", ["auto", None])
def test_intervals_grow(make, transform):
    lams = (0.0, 0.5, 1.0, 1.5, 2.0)
    y = np.concatenate([f(X, np.exp(value)) for value in lams])
    model = make(extrapolation="warn", lam_transform=transform)
    model.fit(np.tile(X, (5, 1)), y, np.repeat(lams, len(X)))
    for grid in ([2.0, 2.1, 2.5, 3.0, 4.0], [0.0, -0.1, -0.5, -1.0, -2.0]):
        width = [np.mean(np.subtract(*quietly(model.interval, X, lam)[::-1])) for lam in grid]
        assert np.all(np.diff(width) > 0)
    if transform is None:  # which the outputs do not follow
        return
    low, high = quietly(model.interval, X, 2.5)
    assert np.mean((low <= f(X, np.exp(2.5))) & (f(X, np.exp(2.5)) <= high)) > 0.8


def test_several_hyperparameters_go_on(two):
    for lam in ((20.0, 0.5), (1.0, 1.5), (1.0, -0.3)):
        true = g(X, *lam)
        predicted = quietly(two.predict, X, lam)
        moved = quietly(two.transport, X, g(X, 1.0, 0.5), lam_from=(1.0, 0.5), lam_to=lam)
        for answer in (predicted, moved):
            size = np.sqrt(np.mean((true - g(X, 1.0, 0.5)) ** 2))
            assert np.sqrt(np.mean((answer - true) ** 2)) < 0.5 * size
    width = [
        np.mean(np.subtract(*quietly(two.interval, X, (a, 0.5))[::-1])) for a in (10, 20, 100, 1e4)
    ]
    assert np.all(np.diff(width) > 0)


def test_several_hyperparameters_are_refused_by_default(two):
    two.set_params(extrapolation="raise")
    with pytest.raises(
        ValueError, match=r"convex hull.*first \(20, 0.5\), 0.*nearest.*\(10, 0.5\)"
    ):
        two.predict(X, (20.0, 0.5))
    two.set_params(extrapolation="warn")


@pytest.mark.parametrize("lam", [(-1.0, 0.5), (0.0, 0.5), (1.0, 1e9)])
def test_where_an_axis_does_not_reach(two, lam):
    with pytest.raises(ValueError, match="is not defined, or over 100 times"):
        quietly(two.predict, X, lam)


@pytest.mark.parametrize(
    ("transform", "lams", "outside"),
    [
        ("log", (0.1, 1.0, 10.0), (0.0, -1.0)),
        ("reciprocal", (0.1, 1.0, 10.0), (0.0, -1.0)),
        ("odds", (0.0, 0.5, 0.9), (-0.1, 1.0, 1.2)),
        ("probit", (0.1, 0.5, 0.9), (0.0, 1.0, 1.1)),
        (FunctionTransformer(np.sqrt), (0.0, 1.0, 4.0), (-1.0,)),
        (QuantileTransformer(n_quantiles=3), (0.0, 1.0, 2.0), (-0.1, 2.1)),
        (None, (0.0, 1.0, 2.0), (1e5, -1e12)),
    ],
)
def test_where_a_scale_does_not_reach(make, transform, lams, outside):
    y = np.concatenate([f(X, value) for value in lams])
    model = make(extrapolation="warn", lam_transform=transform, max_iter=2)
    model.fit(np.tile(X, (3, 1)), y, np.repeat(lams, len(X)))
    for lam in outside:
        with pytest.raises(ValueError, match="is not defined, or over 100 times"):
            quietly(model.predict, X, lam)


def test_nothing_is_known_off_the_plane_of_trained_values(make):
    weights = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.4, 0.3, 0.3), (0.5, 0.5, 0)])
    y = np.concatenate([f(X, w[0] - w[1] + 0.5 * w[2] ** 2) for w in weights])
    model = make(extrapolation="warn", max_iter=2)
    model.fit(np.tile(X, (5, 1)), y, np.repeat(weights, len(X), axis=0))
    assert np.isfinite(quietly(model.predict, X, (1.2, -0.1, -0.1))).all()
    with pytest.raises(ValueError, match="outside the line or plane"):
        model.predict(X, (0.5, 0.5, 0.5))
