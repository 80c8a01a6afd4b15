"""Members of the ensemble, and the intervals of the conditional mean that they make."""

import pickle

import numpy as np
import pytest
from scipy.stats import t as student

from sklearn_hti import HyperparameterTrajectoryRegressor, load
from sklearn_hti.assessment.interval import half_widths
from sklearn_hti.assessment.leave_out import MeanErrors
from sklearn_hti.assessment.members import half_sample
from sklearn_hti.data.anchors import Anchors
from sklearn_hti.data.conditions import Conditions, Features
from sklearn_hti.data.training_data import TrainingData
from sklearn_hti.exceptions import ClockWarning, ConvergenceWarning

QUICK = {"max_iter": 40, "random_state": 0, "kinetic": "euclidean", "potential": None}
LAM = np.repeat([0.0, 1.0, 2.0], 40)


def training_data(numbers, codes, index):
    keys = np.hstack([numbers, codes]).astype(np.float32)
    conditions = Conditions(numbers, codes, keys)
    anchors = Anchors(np.arange(index.max() + 1.0), index, binned=False)
    y = np.zeros((len(index), 1))
    return TrainingData(
        y, conditions, Features(conditions, []), conditions.groups(), index * 1.0, anchors
    )


@pytest.fixture(scope="module")
def fitted():
    y = np.random.default_rng(0).normal(loc=LAM, scale=0.5)
    model = HyperparameterTrajectoryRegressor(lam_transform=None, n_estimators=3, **QUICK)
    return model.fit(None, y, LAM)


def test_half_samples_keep_conditions_whole_and_categories_alive(rng):
    numbers = np.tile(rng.normal(size=(51, 1)), (3, 1))
    codes = np.tile(np.repeat([0, 1, 2], [30, 20, 1]), 3)[:, None]
    data = training_data(numbers, codes, np.repeat([0, 1, 2], 51))
    rows = half_sample(data, rng)
    groups, counts = np.unique(data.groups[rows], return_counts=True)
    assert (counts == 3).all()
    assert len(groups) == 15 + 10 + 1
    assert np.unique(codes[rows]).tolist() == [0, 1, 2]


def test_half_samples_of_few_conditions_halve_their_draws(rng):
    index = np.repeat([0, 1], 60)
    codes = np.tile(np.repeat([0, 1], 30), 2)[:, None]
    rows = half_sample(training_data(np.zeros((120, 0)), codes, index), rng)
    assert np.unique(2 * index[rows] + codes[rows, 0], return_counts=True)[1].tolist() == [15] * 4


def test_means_of_half_samples_vary_as_means_of_samples_do(rng):
    n = 100
    data = training_data(np.zeros((n, 0)), np.zeros((n, 0), dtype=int), np.zeros(n, dtype=int))
    y = rng.normal(size=n)
    gaps = [y[half_sample(data, rng)].mean() - y.mean() for _ in range(2000)]
    assert np.std(gaps) == pytest.approx(y.std() / np.sqrt(n), rel=0.1)


def test_widths_are_quantiles_and_vanish_with_spread_at_anchors():
    means = np.array([[[1.0]], [[3.0]]])
    width = half_widths(means, np.array([[2.0]]), None, np.zeros(1), 0.9)
    assert width.item() == pytest.approx(student.ppf(0.95, 2))
    still = np.full((5, 3, 1), 2.0)
    errors = [MeanErrors(0, np.array([[-0.8], [0.1], [0.2]]))]
    width = half_widths(still, still[0], errors, np.array([0.0, 0.5, 1.0]), 0.999)
    np.testing.assert_allclose(width[:, 0], [0, 0.4 * 0.8, 0], atol=1e-3)


def test_widths_are_those_of_the_nearest_interval():
    time = np.arange(6) + 0.5
    still = np.zeros((5, 6, 1))
    errors = [MeanErrors(1, np.full((9, 1), 0.5)), MeanErrors(4, np.full((2, 1), 5.0))]
    width = half_widths(still, still[0], errors, time, 0.9)
    np.testing.assert_allclose(width[:, 0], [0.2, 0.2, 0.2, 2, 2, 2])


def test_intervals_hold_the_mean_and_grow_with_coverage(fitted):
    lam = [0.0, 0.5, 1.7]
    mean = fitted.predict(None, lam)
    narrow, wide = (fitted.interval(None, lam, coverage) for coverage in (0.5, 0.99))
    assert mean.shape == narrow[0].shape == (3,)
    assert (wide[0] < narrow[0]).all()
    assert (narrow[0] < mean).all()
    assert (mean < narrow[1]).all()
    assert (narrow[1] < wide[1]).all()


def test_the_width_at_the_base_is_the_standard_error_of_its_mean():
    y = np.random.default_rng(1).normal(size=(120, 2)) * [1.0, 3.0]
    model = HyperparameterTrajectoryRegressor(
        lam_transform=None, n_estimators=40, validate=False, **QUICK | {"max_iter": 1}
    ).fit(None, y, LAM)
    low, high = model.interval(None, 0.0)
    width = student.ppf(0.95, 40) * y[:40].std(axis=0) / np.sqrt(40)
    np.testing.assert_allclose(0.5 * (high - low)[0], width, rtol=0.3)


def test_the_width_at_another_anchor_is_the_standard_error_of_its_mean():
    """Base and movement of a member are learned from the same rows: errors of the base cancel."""
    y = np.random.default_rng(1).normal(loc=LAM, scale=1 + 2 * (LAM == 0))
    model = HyperparameterTrajectoryRegressor(
        lam_transform=None, n_estimators=40, validate=False, **QUICK
    ).fit(None, y, LAM)
    low, high = model.interval(None, 2.0)
    width = student.ppf(0.95, 40) * y[80:].std() / np.sqrt(40)
    np.testing.assert_allclose(0.5 * (high - low), width, rtol=0.3)


def test_members_take_every_clock_that_two_anchors_allow():
    y = np.random.default_rng(0).normal(loc=np.repeat([0, 1], 30), scale=0.1)
    lam = np.repeat([0.01, 0.99], 30)
    with pytest.warns(ClockWarning):
        model = HyperparameterTrajectoryRegressor(n_estimators=4, **QUICK).fit(None, y, lam)
    names = [member.movement.clock.name for member in model.estimators_]
    assert names == ["probit and entropy", "probit", "entropy", "identity"]


def test_answers_do_not_depend_on_n_jobs(fitted):
    y = np.random.default_rng(0).normal(loc=LAM, scale=0.5)
    model = HyperparameterTrajectoryRegressor(
        lam_transform=None, n_estimators=3, n_jobs=2, **QUICK
    ).fit(None, y, LAM)
    np.testing.assert_array_equal(model.interval(None, 0.7), fitted.interval(None, 0.7))
    assert model.validation_.equals(fitted.validation_)


def test_members_change_no_other_answer(fitted):
    y = np.random.default_rng(0).normal(loc=LAM, scale=0.5)
    alone = HyperparameterTrajectoryRegressor(lam_transform=None, **QUICK).fit(None, y, LAM)
    np.testing.assert_array_equal(
        alone.sample(None, 0.3, n_samples=9, random_state=1),
        fitted.sample(None, 0.3, n_samples=9, random_state=1),
    )


def test_intervals_survive_files(fitted, tmp_path):
    fitted.save(tmp_path / "surrogate")
    for again in (load(tmp_path / "surrogate"), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(again.interval(None, 0.7), fitted.interval(None, 0.7))
        assert again.validation_.equals(fitted.validation_)


def test_members_in_conditions_outputs_and_bounds(rng):
    X = np.column_stack([np.tile(rng.normal(size=25), 3), np.tile(np.arange(25) % 2, 3)])
    lam = np.repeat([0.0, 1.0, 2.0], 25)
    y = np.column_stack([X[:, 0] * lam, lam]).clip(-1, 1.5)
    model = HyperparameterTrajectoryRegressor(
        lam_transform=None,
        n_estimators=2,
        categorical_features=[1],
        y_bounds=(-1, 1.5),
        **QUICK,
    ).fit(X, y, lam)
    low, high = model.interval(X[:7], 1.5)
    assert low.shape == high.shape == (7, 2)
    assert low.min() >= -1
    assert high.max() <= 1.5


@pytest.mark.parametrize("coverage", [0, 1, -0.5, "0.9", np.nan])
def test_coverage_outside_of_0_to_1_raises(fitted, coverage):
    with pytest.raises(ValueError, match="coverage"):
        fitted.interval(None, 0.5, coverage)


def test_intervals_without_members_raise(rng):
    model = HyperparameterTrajectoryRegressor(lam_transform=None, **QUICK)
    model.fit(None, rng.normal(size=120), LAM)
    with pytest.raises(ValueError, match="n_estimators=10"):
        model.interval(None, 0.5)


def test_interrupted_members_are_none(monkeypatch, rng):
    monkeypatch.setattr("sklearn_hti.flow_map.learning.is_complete", lambda net: False)
    model = HyperparameterTrajectoryRegressor(
        lam_transform=None, n_estimators=2, validate=False, **QUICK
    )
    with pytest.warns(ConvergenceWarning, match="members: interrupted"):
        model.fit(None, rng.normal(size=120), LAM)
    assert model.estimators_ == []
    assert np.isfinite(model.predict(None, 0.5)).all()
