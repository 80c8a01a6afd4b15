"""Outputs that follow lambda smoothly, and those that are noisy."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import lasso_path

from sklearn_hti.stats.smoothness import _left_out_of_bins, follow_every_value


def of_one_input(lam, y):
    return follow_every_value(lam, np.zeros(len(lam), dtype=int), np.reshape(y, (len(lam), -1)))


@pytest.mark.parametrize("n", [30, 100, 300])
@pytest.mark.parametrize("f", [np.sin, np.exp, np.square, lambda t: 2 * t - 1, abs])
def test_paths_without_noise(rng, n, f):
    lam = rng.uniform(-2, 2, size=n)  # in any order
    assert of_one_input(lam, f(lam))


def test_a_path_of_coefficients():
    X, y = load_diabetes(return_X_y=True)
    alphas, coefs, _ = lasso_path(X, y, alphas=np.geomspace(0.01, 2, 60))
    assert of_one_input(alphas, coefs.T)


@pytest.mark.parametrize("n", [30, 100, 300])
@pytest.mark.parametrize("trend", [0.0, 1.0, 10.0, 100.0])
def test_noise_around_a_trend(n, trend):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        lam = rng.uniform(size=n)
        assert not of_one_input(lam, trend * lam**2 + rng.normal(size=n))


def test_many_inputs_at_every_value(rng):
    lam, x = np.repeat(np.linspace(0, 1, 25), 40), np.tile(np.arange(40), 25)
    y = np.sin(3 * lam + x)[:, None]
    assert follow_every_value(lam, x, y)
    assert not follow_every_value(lam, x, y + 0.3 * rng.normal(size=y.shape))
    assert not follow_every_value(lam, np.arange(1000), y)  # no input is asked twice
    assert not follow_every_value(lam, np.arange(1000) // 2, y)  # nor by neighbours


def test_draws_are_judged_by_their_mean(rng):
    """Many draws at each of 30 values tell how the mean goes between them; few do not."""
    for n_draws, expected in ((5, False), (2000, True)):
        lam = np.repeat(np.linspace(0, 1, 30), n_draws)
        assert of_one_input(lam, np.sin(6 * lam) + rng.normal(size=len(lam))) == expected


def test_constants_follow():
    assert of_one_input(np.arange(30.0), np.ones(30))


def test_too_few_values_tell_nothing():
    assert not of_one_input(np.arange(4.0), np.arange(4.0))


def test_lines_of_bins_are_those_without_the_output(rng):
    lam, mean = rng.uniform(size=12), rng.normal(size=(12, 2))
    of, bins = np.repeat([0, 1], 6), np.r_[np.zeros(11, dtype=int), 1]
    found = _left_out_of_bins(of, bins, lam, mean)
    for i in range(11):
        others = [j for j in range(11) if of[j] == of[i] and j != i]
        line = np.polynomial.polynomial.polyfit(lam[others], mean[others], 1)
        np.testing.assert_allclose(found[i], line[0] + line[1] * lam[i])
    np.testing.assert_array_equal(found[11], [0, 0])


def test_zeros_and_ones_that_agree_by_chance_do_not_follow(rng):
    lam = rng.random(300)
    y = (rng.random(300) < lam) * 1.0
    assert not follow_every_value(lam, np.zeros(300, dtype=int), y[:, None])
