"""Weights of kriging: exactness, lines, parabolas, and what leaves them unchanged."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as reference

from sklearn_hti._utils.tree import chain
from sklearn_hti.field.kernels import Brownian, Matern, blend
from sklearn_hti.field.kriging import Kriging

KNOTS = np.array([0.0, 0.15, 0.6, 1.0])[:, None]
GRID = np.linspace(0, 1, 41)[:, None]


def scattered(k, n, seed=0):
    return np.random.default_rng(seed).random((n, k))


@pytest.mark.parametrize(
    ("kernel", "mean"),
    [
        (Matern(0.3), "constant"),
        (Matern(5.0, np.inf), "linear"),
        (Brownian(), "constant"),
    ],
)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_weights_sum_to_one_and_knots_are_met_to_the_bit(kernel, mean, k):
    knots = scattered(k, 7)
    weights = Kriging(knots, kernel, mean).weights(np.vstack([knots, scattered(k, 5, 1)]))
    np.testing.assert_array_equal(weights[:7], np.eye(7))
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-7)


def test_brownian_weights_are_those_of_straight_lines():
    weights = Kriging(KNOTS, Brownian()).weights(GRID)
    for m, column in enumerate(weights.T):
        line = np.interp(GRID[:, 0], KNOTS[:, 0], np.eye(4)[m])
        np.testing.assert_allclose(column, line, atol=1e-9)


@pytest.mark.parametrize("kernel", [Matern(0.4), Matern(2.0, 2.5), Brownian()])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_linear_mean_reproduces_linear_functions(kernel, k):
    knots, at = scattered(k, 9), 2 * scattered(k, 6, 1) - 0.5
    slope = np.arange(1, k + 1)
    weights = Kriging(knots, kernel, "linear").weights(at)
    np.testing.assert_allclose(weights @ (knots @ slope + 3), at @ slope + 3, atol=1e-6)


@pytest.mark.parametrize("nu", [2.5, np.inf])
def test_long_lengths_draw_a_parabola_through_three_knots(nu):
    knots = np.array([0.0, 0.3, 1.0])[:, None]
    weights = Kriging(knots, Matern(40.0, nu)).weights(GRID)
    np.testing.assert_allclose(weights @ knots**2, GRID**2, atol=2e-3)


def test_knots_on_a_line_in_the_plane_work_within_it():
    line = np.column_stack([KNOTS[:, 0], 1 - KNOTS[:, 0]])
    along = np.column_stack([GRID[:, 0], 1 - GRID[:, 0]])
    weights = Kriging(line, Matern(1.0), "linear").weights(along)
    alone = Kriging(KNOTS, Matern(1 / np.sqrt(2)), "linear").weights(GRID)
    np.testing.assert_allclose(weights, alone, atol=1e-6)


def test_a_constant_second_axis_changes_nothing():
    with_it = [np.hstack([z, np.full_like(z, 0.3)]) for z in (KNOTS, GRID)]
    kernel = blend(Matern(0.5), Brownian(), 0.2, KNOTS, chain(4))
    for mean in ("constant", "linear"):
        np.testing.assert_allclose(
            Kriging(with_it[0], kernel, mean).weights(with_it[1]),
            Kriging(KNOTS, kernel, mean).weights(GRID),
            atol=1e-9,
        )


def test_a_knot_on_the_posterior_mean_changes_nothing():
    kernel = blend(Matern(0.5), Brownian(), 0.2, KNOTS, chain(4))
    values = np.array([0.0, 2.0, -1.0, 0.5])
    before = Kriging(KNOTS, kernel).weights(GRID) @ values
    z = np.array([[0.37]])
    more = np.vstack([KNOTS, z])
    known = np.append(values, Kriging(KNOTS, kernel).weights(z) @ values)
    np.testing.assert_allclose(Kriging(more, kernel).weights(GRID) @ known, before, atol=1e-8)


def test_order_and_reflection_of_knots_change_nothing():
    order = np.array([2, 0, 3, 1])
    weights = Kriging(KNOTS, Matern(0.4)).weights(GRID)
    np.testing.assert_allclose(
        Kriging(KNOTS[order], Matern(0.4)).weights(GRID), weights[:, order], atol=1e-9
    )
    np.testing.assert_allclose(
        Kriging(1 - KNOTS, Matern(0.4)).weights(1 - GRID), weights, atol=1e-9
    )


def test_noise_takes_a_knot_off_its_value():
    noise = np.array([0.0, 0.5, 0.0, 0.0])
    weights = Kriging(KNOTS, Matern(0.5), noise=noise).weights(KNOTS)
    np.testing.assert_array_equal(weights[[0, 2, 3]], np.eye(4)[[0, 2, 3]])
    assert 0.1 < weights[1, 1] < 0.9
    without = Kriging(KNOTS[[0, 2, 3]], Matern(0.5)).weights(GRID)
    endless = Kriging(KNOTS, Matern(0.5), noise=1e9 * (noise > 0)).weights(GRID)
    np.testing.assert_allclose(endless[:, [0, 2, 3]], without, atol=1e-6)


def test_variance_is_that_of_a_gaussian_process_with_a_free_mean():
    wide = 1e6
    kernel = reference.Matern(0.4, nu=1.5) + reference.ConstantKernel(wide)
    process = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None)
    values = np.array([0.0, 1.0, 0.5, -1.0])
    mean, deviation = process.fit(KNOTS, values).predict(GRID, return_std=True)
    ours = Kriging(KNOTS, Matern(0.4))
    np.testing.assert_allclose(ours.weights(GRID) @ values, mean, atol=1e-4)
    np.testing.assert_allclose(ours.variance(GRID), deviation**2, atol=1e-4)


def test_variance_of_brownian_paths_is_that_of_bridges():
    gap, z = np.diff(KNOTS[:, 0]), KNOTS[:-1, 0] + 0.3 * np.diff(KNOTS[:, 0])
    # increments of variance 2 |z - z'|
    expected = 2 * 0.3 * 0.7 * gap
    np.testing.assert_allclose(
        Kriging(KNOTS, Brownian()).variance(z[:, None]), expected, atol=1e-9
    )


def test_evidence_differs_as_that_of_increments():
    rng = np.random.default_rng(0)
    particles = rng.standard_normal((4, 50)).cumsum(axis=0)
    moments = particles @ particles.T / 50
    found = [Kriging(KNOTS, Matern(length)).log_evidence(moments) for length in (0.2, 1.0)]
    expected = []
    differences = np.diff(np.eye(4), axis=0)
    for length in (0.2, 1.0):
        covariance = differences @ Matern(length)(KNOTS, KNOTS) @ differences.T
        steps = differences @ particles
        scale = np.trace(np.linalg.solve(covariance, steps @ steps.T / 50)) / 3
        law = multivariate_normal(np.zeros(3), scale * covariance)
        expected.append(law.logpdf(steps.T).mean())
    assert np.diff(found) == pytest.approx(np.diff(expected))
