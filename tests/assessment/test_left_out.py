"""Trained values left out: what they are compared with, and when users are warned."""

import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.assessment.simple_answers import COLUMNS, trusted
from sklearn_hti.assessment.stage import assess
from sklearn_hti.exceptions import ClockWarning, ValidationWarning

ANSWERS = ["interpolate", "straight_line_in_clock", "straight_line"]


def fit(X, y, lam, **params):
    """Return a surrogate that trains nothing."""
    model = HyperparameterTrajectoryRegressor(base=None, random_state=0, **params)
    return model.fit(X, y, lam)


def answers(f, lams, n=60):
    """Return outputs f(lambda) x of the same inputs at every value."""
    x = np.tile(np.linspace(1, 2, n), len(lams))[:, None]
    lam = np.repeat(np.asarray(lams, dtype=float), n)
    return x, f(lam) * x[:, 0], lam


def test_records_of_a_line_have_closed_forms():
    X, y, lam = answers(lambda lam: lam, [0, 1, 3])
    model = fit(X, y, lam, lam_transform=None)
    (row,) = model.validation_.to_dict("records")
    scaled = np.mean(X[:60] ** 2) / y.var()
    assert list(row) == list(COLUMNS)
    assert row["lam"] == 1
    assert row["nearest_anchor"] == pytest.approx(scaled)
    assert row["no_transport"] == pytest.approx(scaled)
    assert [row[name] for name in ANSWERS] == pytest.approx([0, 0, 0], abs=1e-12)
    assert row["floor"] == 0
    assert np.isnan(row["base"])


def test_every_interior_value_is_left_out():
    model = fit(*answers(np.square, np.arange(6.0)), lam_transform=None)
    record = model.validation_
    assert record["lam"].tolist() == [1, 2, 3, 4]
    assert (record["interpolate"] < 0.5 * record["straight_line_in_clock"]).all()


def test_twenty_values_are_left_out_at_most():
    record = fit(*answers(np.square, np.arange(40.0), n=5), n_anchors=40).validation_
    assert len(record) == 20
    assert record["lam"].iloc[[0, -1]].tolist() == [1, 38]


def test_values_of_other_inputs_are_compared_as_one(rng):
    lam = np.repeat([0.0, 1.0, 2.0], 300)
    X = rng.normal(size=(900, 1))
    record = fit(X, X[:, 0] + 5 * lam, lam).validation_
    assert np.isfinite(record[ANSWERS]).all(axis=None)
    assert (record["interpolate"] < 0.1 * record["nearest_anchor"]).all()


def test_clouds_are_compared_by_transport(rng):
    lam = np.repeat([0.0, 1.0, 2.0], 100)
    record = fit(None, rng.normal(loc=5 * lam), lam).validation_
    assert (record["interpolate"] < 0.02 * record["nearest_anchor"]).all()
    assert (record["floor"] > 0).all()


def test_errors_of_the_base_have_their_column():
    data = answers(np.square, [0, 1, 2, 3])
    kept = {}

    class Kept(HyperparameterTrajectoryRegressor):
        def _assess(self, problem, learned, state, training):
            kept.update(problem=problem, learned=learned, state=state)
            return super()._assess(problem, learned, state, training)

    Kept(base=None, random_state=0).fit(*data)
    blind = np.zeros(4, dtype=bool)
    base = SimpleNamespace(errors_=np.arange(8.0).reshape(2, 4, 1), blind_=blind)
    kept["state"] = replace(kept["state"], base=base)
    found = assess(kept["problem"], kept["learned"], kept["state"], "auto", 0)
    assert found.validation["base"].tolist() == [(1 + 25) / 2, (4 + 36) / 2]


def test_a_good_fit_of_three_values_is_no_warning(rng):
    """Two values cannot tell the time, which the fit of all three knows."""
    X = rng.normal(size=(80, 3))
    target = X @ [1.0, -2.0, 0.5] + rng.normal(size=80)
    lams = [0.1, 30.0, 100.0]
    y = np.concatenate([Ridge(alpha=a).fit(X, target).predict(X) for a in lams])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClockWarning)
        model = fit(np.tile(X, (3, 1)), y, np.repeat(lams, 80))
    assert len(model.validation_) == 1


def test_a_value_off_the_way_is_a_warning():
    data = answers(lambda lam: np.choose(lam.astype(int), [0.0, -0.3, 5.0]), [0, 1, 2])
    with pytest.warns(ValidationWarning, match="predicted worse than by"):
        fit(*data)


def judged(**distances):
    """Return records of three values left out."""
    worse = dict.fromkeys(("straight_line_in_clock", "straight_line", "nearest_anchor"), 9.0)
    worse |= {"lam": [1.0, 2.0, 4.0], "no_transport": 9.0, "floor": 0.0}
    return pd.DataFrame(worse | distances, index=range(3))


@pytest.fixture
def field():
    """Return the field of five values on a logarithmic clock."""
    data = answers(np.log, [1.0, 2.0, 4.0, 8.0, 16.0])
    return fit(*data, lam_transform="log")._state.particle_field


@pytest.mark.parametrize(
    ("other", "floor"), [(0.97, 0.0), (0.9, 0.9), ([0.1, 0.1, 2.5], 0.0), (0.999, 0.0)]
)
def test_other_answers_have_to_be_clearly_better(field, other, floor):
    found = judged(interpolate=1.0, nearest_anchor=other, floor=floor)
    assert trusted(field, found, np.arange(5.0), "auto") is field


def test_a_copy_takes_the_place_of_the_field(field):
    found = judged(interpolate=1.0, nearest_anchor=0.5)
    with pytest.warns(ValidationWarning, match="a copy .* which is the answer now"):
        taken = trusted(field, found, np.array([0.0, 1.0, 3.0]), "auto")
    weights = taken.weights(np.array([0.0, 0.4, 0.6, 2.1, 3.0]), np.array([0.0, 1.0, 3.0]))
    assert (weights == np.eye(3)[[0, 0, 1, 2, 2]]).all()


def test_lines_take_the_place_of_the_field(field):
    lams = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    with pytest.warns(ValidationWarning, match="the straight line .* which is the answer now"):
        line = trusted(field, judged(interpolate=1.0, straight_line=0.5), lams, "auto")
    assert line.weights(np.array([6.0]), lams)[0] == pytest.approx([0, 0, 0.5, 0.5, 0], abs=1e-9)
    with pytest.warns(ValidationWarning, match="time of the outputs .* the answer now"):
        line = trusted(field, judged(interpolate=1.0, straight_line_in_clock=0.5), lams, "auto")
    weights = line.weights(np.array([np.sqrt(4.0 * 8.0)]), lams)[0]
    assert weights == pytest.approx([0, 0, 0.5, 0.5, 0], abs=1e-9)


def test_a_clock_that_was_asked_for_stays(field):
    found = judged(interpolate=1.0, straight_line=0.5)
    with pytest.warns(ValidationWarning, match="or try lam_transform='auto'") as caught:
        assert trusted(field, found, np.arange(5.0), "log") is field
    assert "the answer now" not in str(caught[0].message)


@pytest.mark.parametrize("lam_transform", ["auto", "log", None])
def test_the_advice_is_none_that_was_followed(field, lam_transform):
    found = judged(interpolate=[1.0, 1.5, 1.2], straight_line=0.5)
    with pytest.warns(ValidationWarning, match=r"Train a network near lambda = 2") as caught:
        trusted(field, found, np.arange(5.0), lam_transform)
    said = str(caught[0].message)
    assert ("set lam_transform" in said) == (lam_transform == "auto")
    assert ("try lam_transform" in said) == (lam_transform == "log")


def test_a_copy_is_what_all_methods_answer(rng):
    x = rng.normal(size=(60, 2))
    lams = [0.0, 1.0, 2.0]
    y = np.concatenate([x, 2 * x, 3 * x])
    model = HyperparameterTrajectoryRegressor(max_iter=20, lam_transform=None, random_state=0)
    copy = lambda field, *_: replace(field, simple="nearest_anchor")  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_hti.assessment.left_out.trusted", copy)
        model.fit(np.tile(x, (3, 1)), y, np.repeat(lams, 60))
    assert np.array_equal(model.predict(x, 0.3), model.predict(x, 0.0))
    moved = model.transport(x, x, lam_from=0.0, lam_to=0.3)
    assert moved == pytest.approx(x, abs=1e-6)
    grid = model.interpolate(x, y.reshape(3, 60, 2), lams=lams, lam=1.4)
    assert grid == pytest.approx(y[60:120])


def test_validation_is_off_when_asked_and_with_two_values():
    data = answers(np.asarray, [0.0, 1.0, 2.0])
    assert fit(*data, validate=False).validation_ is None
    data = answers(np.asarray, [0.0, 1.0])
    assert fit(*data, lam_transform=None).validation_ is None
    with pytest.raises(ValueError, match=r"validate=True .* add one"):
        fit(*data, lam_transform=None, validate=True)
