"""make_semicircles: the arcs, their density and its measures."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import i0, i1

from sklearn_hti.datasets import make_semicircles
from sklearn_hti.metrics import squared_wasserstein

TRUTH = make_semicircles(n_samples=1).truth
CATEGORIES = np.arange(4.0)[:, np.newaxis]


def test_layout_and_reproducibility():
    data = make_semicircles(n_samples=10, lams=(0.0, 0.3), random_state=3)
    assert data.X.shape == (80, 1)
    assert data.y.shape == (80, 2)
    cells, counts = np.unique(np.c_[data.X, data.lam], axis=0, return_counts=True)
    assert len(cells) == 8
    assert_array_equal(counts, 10)
    again = make_semicircles(n_samples=10, lams=(0.0, 0.3), random_state=3)
    other = make_semicircles(n_samples=10, lams=(0.0, 0.3), random_state=4)
    assert_array_equal(data.y, again.y)
    assert not np.allclose(data.y, other.y)


@pytest.mark.parametrize(
    ("lam", "centres"),
    [
        (0.0, [[0, 0], [0, 0], [0, 0], [0, 0]]),
        (0.5, [[-1, 1], [-1, -1], [1, 1], [1, -1]]),
        (1.0, [[-2, 0], [-2, 0], [2, 0], [2, 0]]),
    ],
)
def test_the_arcs_pass_through_the_right_points(lam, centres):
    """The density is highest near the target point of its category."""
    targets = np.array(centres, dtype=float)
    at_target = TRUTH.log_density(CATEGORIES, targets, lam)
    for step in ([0.3, 0.0], [-0.3, 0.0], [0.0, 0.3], [0.0, -0.3]):
        assert np.all(TRUTH.log_density(CATEGORIES, targets + step, lam) < at_target)


def test_density_integrates_to_one():
    side = np.arange(-3.5, 3.5, 0.01)
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    X = np.zeros((len(points), 1))
    mass = np.exp(TRUTH.log_density(X, points, 0.3)).sum() * 0.01**2
    assert mass == pytest.approx(1.0, abs=1e-3)


def test_density_is_that_of_the_draws():
    """The mean log-density of draws is minus the entropy, E[log p]."""
    X = np.repeat(CATEGORIES, 20_000, axis=0)
    nll = -TRUTH.log_density(X, TRUTH(X, 0.4, random_state=0), 0.4)
    angular = np.log(2 * np.pi * i0(5.0)) - 5.0 * i1(5.0) / i0(5.0)
    radial = 0.5 * np.log(2 * np.pi * np.e * 0.05**2)  # that of log r; E[log r] = 0
    assert nll.mean() == pytest.approx(angular + radial, abs=0.015)


def test_circle_distance():
    points = np.array([[-1.0, 1.5], [-1.0, 0.0], [1.0, 1.0], [3.0, 0.0]])
    assert_allclose(TRUTH.circle_distance(CATEGORIES, points), [0.5, 1.0, 0.0, 1.0])
    X = np.repeat(CATEGORIES, 5000, axis=0)
    distance = TRUTH.circle_distance(X, TRUTH(X, 0.7, random_state=0))
    assert distance.mean() == pytest.approx(0.05 * np.sqrt(2 / np.pi), rel=0.03)


def test_two_draws_are_a_floor_apart():
    """The value measured on the study's data: 0.018 at 100 draws per category."""
    X = np.repeat(CATEGORIES, 100, axis=0)
    floors = [
        squared_wasserstein(
            TRUTH(X, 0.5, random_state=seed),
            TRUTH(X, 0.5, random_state=100 + seed),
            groups=X[:, 0],
        )
        for seed in range(6)
    ]
    assert np.mean(floors) == pytest.approx(0.018, abs=0.005)


def test_lambda_per_row_and_scalar_agree():
    rows = TRUTH(CATEGORIES, np.full(4, 0.2), random_state=0)
    assert_array_equal(rows, TRUTH(CATEGORIES, 0.2, random_state=0))


def test_truth_survives_pickling():
    copy = pickle.loads(pickle.dumps(TRUTH))
    assert_array_equal(copy(CATEGORIES, 0.2, 0), TRUTH(CATEGORIES, 0.2, 0))


@pytest.mark.parametrize(
    ("X", "lam", "message"),
    [
        ([[4.0]], 0.5, "numbers 0 to 3"),
        ([[0.5]], 0.5, "numbers 0 to 3"),
        ([[0.0, 1.0]], 0.5, r"shape \(1, 2\)"),
        ([[0.0]], 1.5, r"lambda in \[0, 1\]"),
        ([[0.0]], [0.1, 0.2], "lam has shape"),
    ],
)
def test_arguments_are_checked(X, lam, message):
    with pytest.raises(ValueError, match=message):
        TRUTH(X, lam)


def test_outputs_and_sizes_are_checked():
    with pytest.raises(ValueError, match="y has shape"):
        TRUTH.log_density([[0.0]], [[0.0, 1.0, 2.0]], 0.5)
    with pytest.raises(ValueError, match="n_samples is 0"):
        make_semicircles(n_samples=0)
