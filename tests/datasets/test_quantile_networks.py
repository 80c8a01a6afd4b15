"""make_quantile_networks: calibrated, ordered, reproducible, and with a low floor."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti.datasets import make_quantile_networks, quantile_network

LEVELS = (0.05, 0.5, 0.95)


@pytest.fixture(scope="module")
def data():
    return make_quantile_networks(LEVELS, random_state=0)


def outputs_by_level(data):
    return data.y.reshape(len(LEVELS), 442)


def test_layout(data):
    assert data.X.shape == (3 * 442, 10)
    assert data.y.shape == data.lam.shape == data.row.shape == (3 * 442,)
    assert_array_equal(data.row, np.tile(np.arange(442), 3))
    assert_array_equal(data.lam, np.repeat(LEVELS, 442))
    assert_allclose(data.X[:442].std(axis=0), 1)
    assert_array_equal(np.union1d(data.train_rows, data.test_rows), np.arange(442))
    assert len(data.train_rows) == 300


def test_levels_cover_their_share_of_the_training_patients(data):
    target = data.truth.y_train[:, 0]
    for level, y in zip(LEVELS, outputs_by_level(data), strict=True):
        assert np.mean(target <= y[data.train_rows]) == pytest.approx(level, abs=0.03)


def test_levels_rarely_cross(data):
    low, middle, high = outputs_by_level(data)
    assert np.mean(low < middle) > 0.98
    assert np.mean(middle < high) > 0.98


def test_truth_reproduces_the_data(data):
    for level, y in zip(LEVELS, outputs_by_level(data), strict=True):
        assert_array_equal(data.truth(data.X[:442], level), y)
    assert_array_equal(data.truth(data.X, data.lam), data.y)


def test_truth_trains_what_the_sweep_trained(data):
    """A copy without networks has to train again, from the seed alone."""
    copy = pickle.loads(pickle.dumps(data.truth))
    copy.trained.clear()
    again = copy(data.X[:442], 0.05)
    assert_allclose(again, outputs_by_level(data)[0], rtol=1e-4, atol=1e-4)


def test_retrained_networks_are_close_and_kept(data):
    X = data.X[:442]
    other = data.truth(X, 0.05, random_state=1)
    floor = np.mean((other - outputs_by_level(data)[0]) ** 2)
    spread = np.mean(np.diff(outputs_by_level(data)[[0, -1]], axis=0) ** 2)
    assert 0 < floor < 0.01 * spread
    n_trained = len(data.truth.trained)
    assert_array_equal(data.truth(X[:5], 0.05, random_state=1), other[:5])
    assert len(data.truth.trained) == n_trained


def test_random_state_repeats_and_matters():
    once, again, other = (
        make_quantile_networks((0.2, 0.8), max_epochs=3, random_state=seed).y for seed in (0, 0, 1)
    )
    assert_array_equal(once, again)
    assert not np.allclose(once, other)


def test_the_network_takes_float64_and_other_widths():
    net = quantile_network(0.3, n_inputs=2, hidden=4, max_epochs=2)
    X = np.random.default_rng(0).normal(size=(20, 2))
    assert net.fit(X, X[:, :1]).predict(X).shape == (20, 1)
    assert net.get_params()["criterion__level"] == 0.3


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, "half"])
def test_levels_are_checked(level):
    with pytest.raises(ValueError, match="level is"):
        quantile_network(level)
    with pytest.raises(ValueError, match="level is"):
        make_quantile_networks((0.5, level))


def test_truth_checks_its_arguments(data):
    with pytest.raises(ValueError, match="level is"):
        data.truth(data.X, 1.5)
    with pytest.raises(ValueError, match="lam has shape"):
        data.truth(data.X, [0.1, 0.2])
