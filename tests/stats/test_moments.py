"""Conditional means and spreads: of few draws per x, and of one at every x."""

import numpy as np
import pytest

from sklearn_hti.stats.moments import condition_moments, scattered_moments
from sklearn_hti.stats.ridge import linear_mean


def truth(X):
    return np.column_stack([np.sin(3 * X[:, 0]) + X[:, 1], np.cos(2 * X[:, 0]) * X[:, 1]])


def draws(encode, rng, n_conditions, n_draws, noise=0.3):
    """Encoded draws, at two anchors, of a curved mean and noise."""
    X = np.repeat(rng.uniform(-1, 1, (n_conditions, 2)), n_draws, axis=0)
    X = np.tile(X, (2, 1))
    y = truth(X) + noise * rng.normal(size=X.shape)
    return X, encode(X, y, np.repeat([0.0, 1.0], len(X) // 2), n_anchors=2)


def error(X, mean):
    return np.mean((mean - truth(X)) ** 2)


@pytest.mark.parametrize(("n_conditions", "n_draws"), [(150, 2), (60, 5), (60, 20)])
def test_is_nearer_than_a_line_and_than_the_mean_of_the_draws(encode, rng, n_conditions, n_draws):
    X, data = draws(encode, rng, n_conditions, n_draws)
    rows = data.anchors.rows(1)
    own = np.repeat(data.y[rows].reshape(n_conditions, n_draws, 2).mean(axis=1), n_draws, axis=0)
    line = linear_mean(data, rows).predict(data.features.of(rows))
    found = error(X[rows], condition_moments(data, 1).at(data, rows)[0])
    assert found < 0.6 * error(X[rows], own)
    assert found < 0.3 * error(X[rows], line)


def test_what_no_smooth_function_explains_is_believed_of_many_draws(encode, rng):
    n_conditions, n_draws = 50, 100
    X = np.repeat(rng.uniform(-1, 1, (n_conditions, 3)), n_draws, axis=0)
    mean = np.repeat(rng.normal(size=n_conditions), n_draws)  # no neighbour tells
    y = mean + 0.5 * rng.normal(size=len(X))
    data = encode(np.tile(X, (2, 1)), np.tile(y, 2), np.repeat([0.0, 1.0], len(X)), n_anchors=2)
    found = condition_moments(data, 0).at(data, data.anchors.rows(0))[0][:, 0]
    assert np.sqrt(np.mean((found - mean) ** 2)) < 1.2 * 0.5 / np.sqrt(n_draws)


def test_spreads_are_told_by_the_draws_and_by_near_inputs(encode, rng):
    X = np.tile(np.repeat(rng.uniform(-1, 1, (100, 2)), 5, axis=0), (2, 1))
    spread = 0.2 * np.exp(X[:, 0])
    lam = np.repeat([0.0, 1.0], 500)
    data = encode(X, X[:, 1] + spread * rng.normal(size=1000), lam, n_anchors=2)
    rows = data.anchors.rows(1)
    found = condition_moments(data, 1).at(data, rows)[1][:, 0]
    assert np.sqrt(np.mean(np.log(found / spread[rows]) ** 2)) < 0.2  # own draws: .36


def test_one_draw_per_condition_tells_no_chance(encode, rng):
    _, data = draws(encode, rng, 100, 1)
    assert not data.facts.draws_differ[0]


def test_draws_that_are_equal_do_not_differ(encode, rng):
    X = np.tile(np.repeat(rng.uniform(-1, 1, (60, 2)), 3, axis=0), (2, 1))
    data = encode(X, truth(X), np.repeat([0.0, 1.0], 180), n_anchors=2)
    assert not data.facts.draws_differ[0]


# ---------------------------------------------------------------- one draw at every x


def test_scattered_rows_tell_mean_and_spread_at_x_that_they_do_not_have(encode, rng):
    X = rng.uniform(-1, 1, (3000, 3))
    spread = 0.3 * np.exp(X[:, 2])
    y = np.sin(3 * X[:, 0]) + X[:, 1] + spread * rng.normal(size=3000)
    data = encode(X, y, np.repeat([0.0, 1.0], 1500), n_anchors=2)
    mean, found = scattered_moments(data, 0).at(data, data.anchors.rows(1))
    X, spread = X[1500:], spread[1500:]
    assert np.sqrt(np.mean((mean[:, 0] - np.sin(3 * X[:, 0]) - X[:, 1]) ** 2)) < 0.1
    assert np.sqrt(np.mean(np.log(found[:, 0] / spread) ** 2)) < 0.2  # of one for all: .58


def test_one_wave_among_many_numbers_is_found(encode, rng):
    """No kernel of nine numbers finds it in so few rows; a function of one number does."""
    X = rng.normal(size=(800, 9))
    y = np.sin(3 * X[:, 4]) + 0.3 * rng.normal(size=800)
    data = encode(X, y, np.repeat([0.0, 1.0], 400), n_anchors=2)
    mean = scattered_moments(data, 0).at(data, data.anchors.rows(1))[0][:, 0]
    assert np.mean((mean - np.sin(3 * X[400:, 4])) ** 2) < 0.3 * np.var(np.sin(3 * X[400:, 4]))


@pytest.mark.parametrize("n_rows", [1, 2, 5, 30])
def test_scattered_moments_of_few_rows_and_of_columns_that_hardly_vary(encode, rng, n_rows):
    X = np.column_stack(
        [np.zeros(2 * n_rows), rng.integers(0, 2, 2 * n_rows), np.arange(2 * n_rows)]
    )
    data = encode(X, rng.normal(size=2 * n_rows), np.repeat([0.0, 1.0], n_rows), n_anchors=2)
    moments = scattered_moments(data, 0)
    for rows in map(data.anchors.rows, (0, 1)):
        assert np.isfinite(moments.at(data, rows)).all()
        assert np.isfinite(moments.carry(data, data.anchors.rows(0), rows)).all()


def test_a_row_is_carried_to_its_own_x_unchanged(encode, rng):
    X = rng.normal(size=(200, 2))
    y = X[:, :1] ** 2 + np.exp(X) * rng.normal(size=(200, 2))
    data = encode(X, y, np.repeat([0.0, 1.0], 100), n_anchors=2)
    rows = data.anchors.rows(1)
    moments = scattered_moments(data, 1)
    enough = moments.at(data, rows)[1] > moments.unit(0 * data.y[rows])
    carried = moments.carry(data, rows, rows)
    np.testing.assert_allclose(carried[enough], data.y[rows][enough], atol=1e-9)
