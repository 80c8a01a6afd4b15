"""make_gaussians: draws, maps and distances against closed forms."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import inv, sqrtm

from sklearn_hti.datasets import make_gaussians
from sklearn_hti.metrics import squared_wasserstein


def cube(lam):
    return lam**3


def make_truth(**params):
    return make_gaussians(n_samples=1, random_state=0, **params).truth


def test_layout_and_reproducibility():
    params = {"n_samples": 5, "n_outputs": 3, "n_conditions": 2, "lams": (0.0, 1.0)}
    data = make_gaussians(**params, random_state=1)
    assert data.X.shape == (20, 1)
    assert data.y.shape == (20, 3)
    cells, counts = np.unique(np.c_[data.X, data.lam], axis=0, return_counts=True)
    assert len(cells) == 4
    assert_array_equal(counts, 5)
    assert_array_equal(data.y, make_gaussians(**params, random_state=1).y)
    assert not np.allclose(data.y, make_gaussians(**params, random_state=2).y)


def test_geometry_does_not_depend_on_the_draws():
    few = make_gaussians(n_samples=2, random_state=0).truth
    many = make_gaussians(n_samples=9, lams=(0.0, 1.0), warp=cube, random_state=0).truth
    assert_array_equal(few.mean(1, 1.0), many.mean(1, 1.0))
    assert_array_equal(few.covariance(1, 1.0), many.covariance(1, 1.0))


@pytest.mark.parametrize("n_outputs", [1, 2, 3])
@pytest.mark.parametrize("warp", [None, cube])
def test_draws_have_the_stated_moments(n_outputs, warp):
    data = make_gaussians(20_000, n_outputs=n_outputs, n_conditions=2, warp=warp, random_state=0)
    for condition in range(2):
        for lam in (0.0, 0.5, 1.0):
            y = data.y[(data.X[:, 0] == condition) & (data.lam == lam)]
            mean = data.truth.mean(condition, lam)
            covariance = data.truth.covariance(condition, lam)
            assert_allclose(y.mean(axis=0), mean, atol=0.08)
            assert_allclose(np.cov(y.T).reshape(covariance.shape), covariance, atol=0.2)


@pytest.mark.parametrize("n_outputs", [1, 2, 4])
def test_path_is_the_wasserstein_geodesic(n_outputs):
    """Mean and covariance at any lambda follow from those at 0 and 1 alone."""
    truth = make_truth(n_outputs=n_outputs, warp=cube)
    for condition in range(3):
        start, end = truth.covariance(condition, 0.0), truth.covariance(condition, 1.0)
        root = sqrtm(start)
        monge = inv(root) @ sqrtm(root @ end @ root) @ inv(root)
        for lam in (0.3, 0.8):
            w = lam**3
            part = (1 - w) * np.eye(n_outputs) + w * monge
            assert_allclose(truth.covariance(condition, lam), part @ start @ part)
            ends = truth.mean(condition, 0.0), truth.mean(condition, 1.0)
            expected = (1 - w) * ends[0] + w * ends[1]
            assert_allclose(truth.mean(condition, lam), expected)


def test_distance_between_any_lambdas_is_that_of_bures():
    truth = make_truth(warp=cube)
    for condition, lam_from, lam_to in [(0, 0.0, 1.0), (1, 0.4, 0.9), (2, 1.0, 0.2)]:
        first = truth.covariance(condition, lam_from)
        second = truth.covariance(condition, lam_to)
        shift = truth.mean(condition, lam_to) - truth.mean(condition, lam_from)
        root = sqrtm(first)
        bures = np.trace(first + second - 2 * sqrtm(root @ second @ root))
        value = truth.squared_wasserstein(condition, lam_from, lam_to)
        assert_allclose(value, shift @ shift + bures)


def test_distance_of_samples_is_near_the_closed_form():
    data = make_gaussians(800, n_conditions=2, random_state=0)
    at_start, at_end = data.lam == 0.0, data.lam == 1.0
    value = squared_wasserstein(data.y[at_end], data.y[at_start], groups=data.X[at_end, 0])
    exact = np.mean([data.truth.squared_wasserstein(k, 0.0, 1.0) for k in range(2)])
    assert_allclose(value, exact, rtol=0.05)


def test_means_and_spreads_move_as_announced():
    truth = make_truth(n_conditions=20)
    for k in range(20):
        assert 2 <= np.linalg.norm(truth.mean(k, 1.0) - truth.mean(k, 0.0)) <= 4
        spreads = np.linalg.eigvalsh(truth.monge[k])
        assert 0.5 <= spreads.min() <= spreads.max() <= 2.0


class TestTransport:
    data = make_gaussians(50, n_outputs=3, warp=cube, lams=(0.2, 0.7), random_state=0)
    truth = data.truth

    def move(self, y, lam_from, lam_to):
        return self.truth.transport(self.data.X, y, lam_from, lam_to)

    def test_is_a_semigroup(self):
        y = self.data.y
        direct = self.move(y, self.data.lam, 0.9)
        in_two_steps = self.move(self.move(y, self.data.lam, 0.4), 0.4, 0.9)
        assert_allclose(direct, in_two_steps)
        assert_allclose(self.move(direct, 0.9, self.data.lam), y)
        assert_allclose(self.move(y, 0.5, 0.5), y)

    def test_follows_the_draws_of_one_seed(self):
        X = self.data.X
        first, second = (self.truth(X, lam, random_state=5) for lam in (0.1, 0.8))
        assert_allclose(self.truth.transport(X, first, 0.1, 0.8), second)

    def test_costs_the_squared_distance(self):
        """The average cost of the map is the distance: the map is optimal."""
        X = np.zeros((40_000, 1))
        y = self.truth(X, 0.3, random_state=0)
        cost = np.sum((self.truth.transport(X, y, 0.3, 1.0) - y) ** 2, axis=1)
        exact = self.truth.squared_wasserstein(0, 0.3, 1.0)
        assert_allclose(cost.mean(), exact, rtol=0.02)


def test_truth_survives_pickling():
    truth = make_truth(warp=cube)
    copy = pickle.loads(pickle.dumps(truth))
    assert_array_equal(copy([[0.0]], 0.3, 0), truth([[0.0]], 0.3, 0))


@pytest.mark.parametrize(
    "warp", [np.negative, np.sin, lambda lam: lam + 1, lambda lam: 0.5, np.round]
)
def test_warp_has_to_be_a_clock(warp):
    with pytest.raises(ValueError, match="is not a scale"):
        make_gaussians(warp=warp)


def test_arguments_are_checked():
    truth = make_truth()
    with pytest.raises(ValueError, match="lam_to reaches"):
        truth.transport([[0.0]], [[0.0, 0.0]], 0.0, 2.0)
    with pytest.raises(ValueError, match="numbers 0 to 2"):
        truth.mean(3, 0.5)
    with pytest.raises(ValueError, match=r"lambda in \[0, 1\]"):
        make_gaussians(lams=(0.0, 2.0))
