"""metrics: closed forms of the Wasserstein distance and of the energy score."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import inv, sqrtm
from scipy.stats import norm

from sklearn_hti.metrics import _wasserstein, crps, energy_score, squared_wasserstein


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_one_dimension_is_the_quantile_coupling(rng):
    y, y_pred = rng.normal(size=50), rng.exponential(size=50)
    expected = np.mean((np.sort(y) - np.sort(y_pred)) ** 2)
    assert_allclose(squared_wasserstein(y, y_pred), expected)
    on_a_line = np.outer(y, [0.6, 0.8]), np.outer(y_pred, [0.6, 0.8])
    assert_allclose(squared_wasserstein(*on_a_line), expected)


def test_unequal_sizes_split_the_mass():
    assert_allclose(squared_wasserstein([[0.0, 0.0]], [[1.0, 0.0], [0.0, 2.0]]), 2.5)
    assert_allclose(squared_wasserstein([0.0, 3.0], [0.0, 0.0, 3.0]), 1.5)


def test_a_shift_costs_its_squared_length(rng):
    y = rng.normal(size=(60, 3))
    shift = np.array([1.0, -2.0, 0.5])
    shuffled = rng.permutation(y + shift)
    assert_allclose(squared_wasserstein(y, shuffled), shift @ shift)


def test_distance_to_itself_is_zero(rng):
    y = rng.normal(size=(40, 2))
    assert squared_wasserstein(y, rng.permutation(y)) == pytest.approx(0, abs=1e-15)
    assert squared_wasserstein(np.ones((5, 2)), np.ones((7, 2))) == 0


def whiten(z):
    """The sample, brought to mean zero and unit covariance exactly."""
    z = z - z.mean(axis=0)
    return z @ inv(sqrtm(np.cov(z.T, bias=True)))


def test_gaussians_reach_the_bures_distance(rng):
    """With the exact moments it is a lower bound (Gelbrich 1990), near for Gaussians."""
    mean = np.array([3.0, 0.0])
    root = np.array([[1.0, 0.5], [0.5, 2.0]])
    y, y_pred = whiten(rng.normal(size=(800, 2))), whiten(rng.normal(size=(800, 2)))
    bures = mean @ mean + np.sum((root - np.eye(2)) ** 2)
    value = squared_wasserstein(y, mean + y_pred @ root)
    assert bures <= value <= 1.01 * bures


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_distance_scales_with_the_square_of_the_outputs(rng, scale):
    y, y_pred = rng.normal(size=(80, 2)), rng.normal(size=(60, 2))
    scaled = squared_wasserstein(y * scale, y_pred * scale)
    assert_allclose(scaled, squared_wasserstein(y, y_pred) * scale**2)


def test_groups_count_the_same_whatever_their_size(rng):
    small, large = rng.normal(size=(4, 2)), rng.normal(size=(30, 2))
    y = np.vstack([small, large])
    y_pred = np.vstack([small + np.array([1.0, 0.0]), large + np.array([0.0, 3.0])])
    groups = np.repeat(["b", "a"], [4, 30])
    order = rng.permutation(34)
    pair = (groups, groups[order])
    assert_allclose(squared_wasserstein(y, y_pred[order], groups=pair), 5.0)
    assert_allclose(squared_wasserstein(y, y_pred, groups=list(groups)), 5.0)


def test_single_rows_give_the_mean_squared_error(rng):
    y, y_pred = rng.normal(size=(20, 3)), rng.normal(size=(20, 3))
    order = rng.permutation(20)
    pair = (np.arange(20), np.arange(20)[order])
    expected = np.mean(np.sum((y - y_pred) ** 2, axis=1))
    assert_allclose(squared_wasserstein(y, y_pred[order], groups=pair), expected)


def test_single_rows_and_larger_groups_mix():
    value = squared_wasserstein([0.0, 1.0, 2.0], [4.0, 2.0, 1.0], groups=[7, 3, 3])
    assert_allclose(value, (16.0 + 0.0) / 2)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (([0, 1, 1], [0, 1]), r"one side only|rows of y_pred"),
        ([0, 1], "rows of y_true"),
        (([0, 1, 1], [0, 0, 2]), r"one side only, such as \[1, 2\]"),
    ],
)
def test_groups_are_checked(groups, message):
    with pytest.raises(ValueError, match=message):
        squared_wasserstein(np.zeros(3), np.zeros(3), groups=groups)


def test_outputs_are_checked():
    with pytest.raises(ValueError, match="2 output dimension"):
        squared_wasserstein(np.zeros((3, 2)), np.zeros(3))
    with pytest.raises(ValueError, match="y_pred contains NaN"):
        squared_wasserstein([0.0], [np.nan])
    with pytest.raises(ValueError, match="y_true has 4 output dimension"):
        squared_wasserstein(np.zeros((2, 2, 2)), np.zeros(3))


def test_a_solver_that_stops_early_is_an_error(rng, monkeypatch):
    monkeypatch.setattr(_wasserstein, "_MAX_PIVOTS", 5)
    with pytest.raises(RuntimeError, match="no optimal plan for 50 x 50 rows"):
        squared_wasserstein(rng.normal(size=(50, 2)), rng.normal(size=(50, 2)))


def crps_of_gaussian(y, mean, std):
    """Gneiting & Raftery (2007), equation 21."""
    z = (y - mean) / std
    return std * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))


def test_energy_score_is_the_crps_in_one_dimension(rng):
    y, mean, std = np.array([0.0, 1.5, -2.0]), np.array([0.0, 1.0, 0.0]), 1.3
    samples = rng.normal(mean, std, size=(3000, 3))
    expected = np.mean(crps_of_gaussian(y, mean, std))
    assert energy_score(y, samples) == pytest.approx(expected, abs=0.03)


def test_energy_score_is_unbiased_with_two_draws(rng):
    y = np.full(20_000, 0.7)
    samples = rng.normal(size=(2, len(y)))
    expected = crps_of_gaussian(0.7, 0.0, 1.0)
    assert energy_score(y, samples) == pytest.approx(expected, abs=0.02)


def test_energy_score_of_vectors_follows_the_formula(rng):
    y, samples = rng.normal(size=(5, 3)), rng.normal(size=(4, 5, 3))
    to_truth = np.linalg.norm(samples - y, axis=2).mean()
    gaps = np.linalg.norm(samples[:, np.newaxis] - samples, axis=3)
    among = gaps.sum(axis=(0, 1)).mean() / (4 * 3)
    assert_allclose(energy_score(y, samples), to_truth - among / 2)


def test_energy_score_of_the_truth_is_zero_without_noise(rng):
    y = rng.normal(size=(6, 2))
    assert energy_score(y, np.stack([y, y, y])) == 0


def test_energy_score_prefers_the_truth(rng):
    y = rng.normal(size=500)
    noise = rng.normal(size=(100, 500))
    forecasts = [(0.0, 1.0), (0.5, 1.0), (0.0, 0.5), (0.0, 2.0)]
    scores = [energy_score(y, mean + std * noise) for mean, std in forecasts]
    assert np.argmin(scores) == 0


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 4), "at least 2"),
        ((3, 5), r"needs shape \(S, \*y_true.shape\) = \('S', 4\)"),
        ((4, 3), "draws first"),
        ((3, 4, 1), "draws first"),
    ],
)
def test_energy_score_checks_the_draws(shape, message):
    with pytest.raises(ValueError, match=message):
        energy_score(np.zeros(4), np.zeros(shape))
    with pytest.raises(ValueError, match="y_samples contains NaN"):
        energy_score(np.zeros(4), np.full((3, 4), np.nan))


@pytest.mark.parametrize("unit", [1e-200, 1e200, 1e307])
def test_scores_of_any_unit(rng, unit):
    y, draws = rng.uniform(-1, 1, size=(5, 2)), rng.uniform(-1, 1, size=(8, 5, 2))
    for score in (crps, energy_score):
        np.testing.assert_allclose(score(unit * y, unit * draws) / unit, score(y, draws))


def test_a_squared_distance_beyond_all_numbers_is_refused(rng):
    y = rng.normal(size=(5, 2))
    with pytest.raises(ValueError, match="divide both by a constant"):
        squared_wasserstein(1e200 * y, 1e200 * y[::-1] + 1e200)
    assert squared_wasserstein(1e200 * y, 1e200 * y) == 0
