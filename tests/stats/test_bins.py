"""Outputs at many lambdas, a few of each: bins follow their mean and spread."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.stats.bins import to_anchors

N = 1500


@pytest.fixture
def lam(rng):
    return rng.uniform(0, 1, N)


def test_mean_and_spread_of_a_bin_are_those_of_its_anchor(encode, lam, rng):
    data = encode(None, 3 * lam + (0.1 + 0.5 * lam) * rng.normal(size=N), lam)
    moved = to_anchors(data)
    assert_array_equal(moved.lam, data.anchors.lam[data.anchors.index])
    for k, at in enumerate(data.anchors.lam):
        y = moved.y[data.anchors.rows(k)]
        spread = 0.1 + 0.5 * at
        assert y.mean() == pytest.approx(3 * at, abs=4 * spread / np.sqrt(len(y)) + 0.05)
        assert y.std() == pytest.approx(spread, rel=0.25)


def test_categories_go_ways_of_their_own(encode, lam, rng):
    c = rng.integers(0, 2, N)
    y = 3 * lam * (1 - 2 * c) + 0.1 * rng.normal(size=N)
    moved = to_anchors(encode(c[:, None], y, lam, categorical=[0]))
    assert_allclose(moved.y[:, 0], 3 * moved.lam * (1 - 2 * c), atol=0.6)


def test_numbers_change_the_way(encode, lam, rng):
    x = rng.uniform(-1, 1, N)
    moved = to_anchors(encode(x[:, None], 3 * lam * x + 0.1 * rng.normal(size=N), lam))
    assert np.std(moved.y[:, 0] - 3 * moved.lam * x) < 0.13


def test_networks_without_noise(encode, rng):
    lam = np.repeat(rng.uniform(0, 1, 60), 20)
    x = np.tile(rng.uniform(-1, 1, 20), 60)
    data = encode(x[:, None], np.sin(3 * x + 2 * lam) + x * lam, lam, n_anchors=5)
    moved = to_anchors(data)
    away = np.sin(3 * x + 2 * moved.lam) + x * moved.lam
    assert np.std(moved.y[:, 0] - away) < 0.25 * np.std(data.y[:, 0] - away)


def test_rows_at_an_anchor_stay(encode, lam, rng):
    data = encode(None, lam + 0.1 * rng.normal(size=N), lam)
    ends = [lam.argmin(), lam.argmax()]
    assert_array_equal(to_anchors(data).y[ends], data.y[ends])


@pytest.mark.parametrize("lam_transform", [None, "auto"])
def test_a_lambda_of_its_own_for_every_row(lam, rng, lam_transform):
    """Evenly drawn from 0 to 1: the range alone would suggest the clock of quantile levels."""
    y = 3 * np.sin(3 * lam) + 0.2 * rng.normal(size=N)
    model = HyperparameterTrajectoryRegressor(
        lam_transform=lam_transform, validate=False, random_state=0
    ).fit(None, y, lam)
    assert len(model.anchors_) == 9
    grid = np.linspace(0.02, 0.98, 25)
    mean, std = model.predict(None, grid, return_std=True)
    assert_allclose(mean, 3 * np.sin(3 * grid), atol=0.2)  # the spread of y is 0.9
    assert_allclose(std, 0.2, rtol=0.2)


def test_the_users_estimator_is_fitted_on_what_was_moved(lam, rng):
    from sklearn.dummy import DummyRegressor

    model = HyperparameterTrajectoryRegressor(
        base=DummyRegressor(), lam_transform=None, max_iter=5, validate=False, random_state=0
    ).fit(None, 3 * lam + 0.1 * rng.normal(size=N), lam)
    assert model.predict(None, lam.min()) == pytest.approx(0, abs=0.05)
