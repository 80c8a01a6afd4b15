"""make_rotations: draws, the angle, and that the stated map is the optimal one."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti.datasets import make_rotations
from sklearn_hti.metrics import squared_wasserstein

LIMIT = np.arccos(0.4)  # the largest turn that optimal transport finds


def make_truth(**params):
    return make_rotations(n_samples=1, random_state=0, **params).truth


def rotate(y, angle):
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([cos * y[:, 0] - sin * y[:, 1], sin * y[:, 0] + cos * y[:, 1]])


@pytest.mark.parametrize("with_sense", [False, True])
def test_layout_and_reproducibility(with_sense):
    params = {"n_samples": 4, "n_conditions": 7, "n_features": 2, "lams": (0.0, 0.3, 0.6)}
    data = make_rotations(**params, with_sense=with_sense, random_state=1)
    assert data.X.shape == (84, 2 + with_sense)
    assert data.y.shape == (84, 2)
    cells, counts = np.unique(np.c_[data.X, data.lam], axis=0, return_counts=True)
    assert len(cells) == 21
    assert_array_equal(counts, 4)
    assert len(np.unique(data.X, axis=0)) == 7  # the same x at all lambdas
    again, other = (
        make_rotations(**params, with_sense=with_sense, random_state=seed) for seed in (1, 2)
    )
    assert_array_equal(data.y, again.y)
    assert not np.allclose(data.y, other.y)


def test_the_angle_does_not_depend_on_the_draws():
    X = np.linspace(-1, 1, 9)[:, np.newaxis]
    few = make_rotations(n_samples=2, random_state=0).truth
    many = make_rotations(n_samples=3, n_conditions=5, lams=(0.0, 0.4), random_state=0).truth
    assert_array_equal(few.angle(X), many.angle(X))


def test_the_angle_goes_up_and_down_along_x():
    X = np.linspace(-1, 1, 2001)[:, np.newaxis]
    for n_turns in (1, 3, 6):
        angle = make_truth(n_turns=n_turns, max_angle=1.0).angle(X)
        slope = np.sign(np.diff(angle))
        assert (np.diff(slope) != 0).sum() == n_turns - 1
        assert abs(angle).max() < 1.0
        assert np.ptp(angle) > 1.1


def test_the_category_turns_the_sense():
    truth = make_truth(n_features=2, with_sense=True)
    X = truth.conditions(50, random_state=0)
    assert set(X[:, 2]) == {0, 1}
    turned = np.column_stack([X[:, :2], 1 - X[:, 2]])
    assert_allclose(truth.angle(turned), -truth.angle(X))
    assert_allclose(truth.angle(X)[X[:, 2] == 0], make_plain(X[X[:, 2] == 0, :2]))


def make_plain(X):
    return make_truth(n_features=2).angle(X)


def test_draws_are_discs_at_the_turned_centres():
    truth = make_truth()
    X = np.full((20_000, 1), 0.3)
    y = truth(X, 0.4, random_state=0)
    angle = 0.4 * truth.angle(X[:1])
    back = rotate(y, -angle)
    assert_array_equal(np.sign(back[1:, 0]), -np.sign(back[:-1, 0]))  # they take turns
    noise = back - 2 * np.sign(back[:, :1]) * [1, 0]
    radius = np.linalg.norm(noise, axis=1)
    assert radius.max() <= 0.4 + 1e-12
    # uniform on a disc: the squared radius is uniform, and so is the direction
    assert_allclose(np.mean(radius[:, None] ** [2, 4], axis=0), [0.08, 0.16**2 / 3], rtol=0.03)
    assert_allclose(np.cov(noise.T), 0.04 * np.eye(2), atol=0.001)


def test_the_law_is_that_of_rotated_outputs():
    """A turned disc is the same disc: y0 turned point by point has the law of the draws."""
    truth = make_truth()
    X = np.full((400, 1), 0.3)
    turned = rotate(truth(X, 0.0, random_state=0), truth.angle(X))
    # |y|^2 is 4.08 on average, the centres are at 4: turning costs more than shifting
    y = truth(np.full((20_000, 1), 0.3), 0.0, random_state=0)
    cost = np.mean(np.sum((rotate(y, 0.7) - y) ** 2, axis=1))
    assert_allclose(cost, 4.08 * 4 * np.sin(0.35) ** 2, rtol=0.005)
    value, floor = (
        squared_wasserstein(truth(X, 1.0, random_state=1), y)
        for y in (turned, truth(X, 1.0, random_state=2))
    )
    assert value < 1.5 * floor


class TestTransport:
    truth = make_truth(n_features=2, with_sense=True)
    X = truth.conditions(200, random_state=3)

    def test_goes_there_and_back(self):
        y = self.truth(self.X, 0.2, random_state=0)
        there = self.truth.transport(self.X, y, 0.2, 0.7)
        direct = self.truth.transport(self.X, there, 0.7, 0.9)
        assert_allclose(direct, self.truth.transport(self.X, y, 0.2, 0.9))
        assert_allclose(self.truth.transport(self.X, there, 0.7, 0.2), y)

    def test_follows_the_draws_of_one_seed(self):
        first, second = (self.truth(self.X, lam, random_state=5) for lam in (0.1, 0.8))
        assert_allclose(self.truth.transport(self.X, first, 0.1, 0.8), second)

    @pytest.mark.parametrize("share", [0.5, 1.0])
    def test_is_optimal_up_to_the_stated_turn(self, share):
        """Pairs of the map are an optimal coupling of any draws, at the largest turn too."""
        truth = make_truth(n_turns=1, max_angle=2.0)
        lam = share * LIMIT / abs(truth.angle([[1.0]]))[0]
        X = np.ones((300, 1))
        y = truth(X, 0.0, random_state=0)
        moved = truth.transport(X, y, 0.0, lam)
        cost = np.mean(np.sum((moved - y) ** 2, axis=1))
        assert_allclose(cost, 16 * np.sin(0.5 * share * LIMIT) ** 2)
        assert_allclose(squared_wasserstein(moved, y), cost)

    def test_is_not_optimal_far_beyond(self):
        truth = make_truth(n_turns=1, max_angle=3.0, lams=(0.0, 0.3))
        X = np.ones((300, 1))
        y = truth(X, 0.0, random_state=0)
        moved = truth.transport(X, y, 0.0, 1.0)
        assert squared_wasserstein(moved, y) < 0.9 * np.mean(np.sum((moved - y) ** 2, axis=1))


def test_truth_survives_pickling():
    truth = make_truth()
    copy = pickle.loads(pickle.dumps(truth))
    assert_array_equal(copy([[0.1]], 0.3, 0), truth([[0.1]], 0.3, 0))


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"neighbouring lams.*smaller max_angle"):
        make_rotations(lams=(0.0, 1.0))
    with pytest.raises(ValueError, match=r"lambda in \[0, 1\]"):
        make_rotations(lams=(0.0, 2.0), max_angle=0.5)
    with pytest.raises(ValueError, match="n_turns is 0"):
        make_rotations(n_turns=0)
    truth = make_truth(with_sense=True)
    for X in ([[0.0]], [[1.1, 0]], [[0.0, 2]], [[0.0, 0.5]]):
        with pytest.raises(ValueError, match="categories 0 and 1"):
            truth.angle(X)
    with pytest.raises(ValueError, match="lam_to reaches"):
        truth.transport([[0.0, 1]], [[0.0, 0.0]], 0.0, 2.0)
