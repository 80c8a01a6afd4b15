"""make_gaussian_field and make_lognormal_field: designs, draws, maps and distances."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.linalg import sqrtm
from scipy.spatial import ConvexHull
from scipy.stats import kstest, lognorm

from sklearn_hti.datasets import make_gaussian_field, make_lognormal_field
from sklearn_hti.metrics import squared_wasserstein

MAKERS = (make_gaussian_field, make_lognormal_field)


def field(k=2, n_outputs=2, seed=0):
    return make_gaussian_field(k, n_samples=1, n_outputs=n_outputs, random_state=seed).truth


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("design", "n_anchors"), [("scattered", 11), ("grid", 9)])
def test_layout_and_reproducibility(make, design, n_anchors):
    params = {"n_anchors": n_anchors, "n_samples": 5, "design": design}
    data = make(**params, random_state=1)
    assert data.X is None
    assert data.lam.shape == (5 * n_anchors, 2)
    assert len(data.y) == 5 * n_anchors
    anchors, counts = np.unique(data.lam, axis=0, return_counts=True)
    assert_array_equal(anchors, np.unique(data.anchors, axis=0))
    assert_array_equal(counts, 5)
    again, other = make(**params, random_state=1), make(**params, random_state=2)
    assert_array_equal(data.y, again.y)
    assert not np.allclose(data.y, other.y)
    assert np.array_equal(data.anchors, other.anchors) == (design == "grid")


@pytest.mark.parametrize(
    ("k", "n_scattered", "n_grid"), [(2, 16, 16), (3, 28, 27), (5, 40, 32), (6, 64, 64)]
)
def test_numbers_of_trained_values(k, n_scattered, n_grid):
    scattered = make_gaussian_field(k, n_samples=1, random_state=0).anchors
    assert scattered.shape == (n_scattered, k)
    assert len(np.unique(scattered, axis=0)) == n_scattered
    assert ConvexHull(scattered, qhull_options="QJ").volume == pytest.approx(1)
    grid = make_gaussian_field(k, n_samples=1, design="grid", random_state=0).anchors
    assert grid.shape == (n_grid, k)
    values = [np.unique(axis) for axis in grid.T]
    assert len({len(axis) for axis in values}) == 1
    assert_allclose(np.diff(values[0]), 1 / (len(values[0]) - 1))


def test_ranges_of_drift_and_volatility_are_reached():
    anchors = make_lognormal_field(drift=(-1, 2), volatility=(0.3, 0.7), random_state=0).anchors
    assert_array_equal(anchors.min(axis=0), [-1, 0.3])
    assert_array_equal(anchors.max(axis=0), [2, 0.7])


def test_the_field_does_not_depend_on_anchors_and_draws():
    one = make_gaussian_field(3, n_samples=2, n_outputs=3, random_state=0).truth
    other = make_gaussian_field(
        3, n_samples=7, n_outputs=3, n_anchors=8, design="grid", random_state=0
    ).truth
    lam = [0.2, 0.9, 0.4]
    assert_array_equal(one.mean(lam), other.mean(lam))
    assert_array_equal(one.covariance(lam), other.covariance(lam))


@pytest.mark.parametrize(("k", "n_outputs"), [(2, 1), (2, 2), (3, 3), (5, 4)])
def test_draws_have_the_stated_moments(k, n_outputs):
    truth, rng = field(k, n_outputs), np.random.default_rng(0)
    for lam in rng.uniform(size=(3, k)):
        y = truth(None, np.tile(lam, (40_000, 1)), random_state=0)
        covariance = truth.covariance(lam)
        scale = np.sqrt(np.trace(covariance))
        assert_allclose(y.mean(axis=0), truth.mean(lam), atol=0.02 * scale)
        assert_allclose(np.cov(y.T).reshape(covariance.shape), covariance, atol=0.03 * scale**2)


@pytest.mark.parametrize("seed", range(5))
def test_means_bend_scales_grow_and_axes_turn(seed):
    k = 3
    truth, grid = field(k, 4, seed), np.linspace(0, 1, 21)
    bends = []
    for corner in ([0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]):
        means = truth.mean(corner + grid[:, None] * (1 - 2 * np.array(corner)))
        chord = means[0] + grid[:, None] * (means[-1] - means[0])
        bends.append(np.linalg.norm(means - chord, axis=1).max())
    assert max(bends) > 0.5
    along = np.tile(grid[:, None], (1, k))
    volumes = np.linalg.slogdet(truth.covariance(along))[1]
    assert (np.diff(volumes) > 0).all()
    for axis in np.eye(k):
        assert (np.diff(np.linalg.slogdet(truth.covariance(grid[:, None] * axis))[1]) > 0).all()
    growth = np.exp((volumes[-1] - volumes[0]) / 2 / 4)  # geometric mean of four factors
    assert 1.5 <= growth <= 2.5
    # the longer axis of each plane turns by 75 degrees between both corners
    first, last = (np.linalg.eigh(truth.covariance(corner))[1] for corner in along[[0, -1]])
    overlap = np.linalg.norm(first[:, 2:].T @ last[:, 2:], axis=0)
    assert_allclose(overlap, np.cos(np.deg2rad(75)), atol=1e-8)


@pytest.mark.parametrize("n_outputs", [1, 2, 5])
def test_distance_and_map_are_those_of_bures(n_outputs):
    truth, rng = field(3, n_outputs), np.random.default_rng(1)
    start, end = rng.uniform(size=(2, 6, 3))
    expected = []
    for a, b in zip(start, end, strict=True):
        first, second = truth.covariance(a), truth.covariance(b)
        root = np.atleast_2d(sqrtm(first))
        bures = np.trace(first + second - 2 * np.real(sqrtm(root @ second @ root)))
        expected.append(np.sum((truth.mean(a) - truth.mean(b)) ** 2) + bures)
    assert_allclose(truth.squared_wasserstein(start, end), expected)
    assert_allclose(truth.squared_wasserstein(start[0], end[0]), expected[0])
    assert_allclose(truth.squared_wasserstein(start[0], end)[0], expected[0])
    assert_allclose(truth.squared_wasserstein(start, start), 0)
    y = truth(None, np.tile(start[0], (20_000, 1)), random_state=0)
    moved = truth.transport(None, y, start[0], end[0])
    assert_allclose(np.mean(np.sum((moved - y) ** 2, axis=1)), expected[0], rtol=0.03)
    assert_allclose(truth.transport(None, moved, end[0], start[0]), y)
    assert_allclose(moved.mean(axis=0), truth.mean(end[0]), atol=0.05)


def test_distance_of_samples_is_near_the_closed_form():
    truth = field()
    for lam_from, lam_to in [([0, 0], [1, 1]), ([0.2, 0.1], [0.9, 0.8])]:
        start, end = (
            truth(None, np.tile(lam, (1000, 1)), random_state=seed)
            for seed, lam in enumerate((lam_from, lam_to))
        )
        exact = truth.squared_wasserstein(lam_from, lam_to)
        assert squared_wasserstein(start, end) == pytest.approx(exact, rel=0.1)


def test_optimal_maps_around_a_triangle_do_not_return():
    truth = field(seed=0)
    corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    y = truth(None, np.zeros((200, 2)), random_state=0)
    moved = y
    for lam_from, lam_to in pairwise(corners):
        moved = truth.transport(None, moved, lam_from, lam_to)
    assert np.mean((moved - y) ** 2) > 1e-4 * y.var()


class TestLognormal:
    truth = make_lognormal_field(n_samples=1, horizon=2.0, random_state=0).truth
    pairs = (([-0.2, 0.1], [0.6, 0.8]), ([0.1, 0.5], [0.1, 0.4]), ([0.3, 0.2], [0.1, 0.2]))

    def law(self, lam):
        drift, volatility = lam
        b = volatility * np.sqrt(2.0)
        return lognorm(b, scale=np.exp((drift - volatility**2 / 2) * 2.0))

    def test_draws_follow_the_law(self):
        lam = [0.4, 0.3]
        y = self.truth(None, np.tile(lam, (5000, 1)), random_state=0)
        assert kstest(y, self.law(lam).cdf).pvalue > 0.01

    def test_moments_and_quantiles_are_those_of_scipy(self):
        lams, levels = np.array([a for a, _ in self.pairs]), [0.01, 0.5, 0.9]
        assert_allclose(self.truth.mean(lams), [self.law(lam).mean() for lam in lams])
        assert_allclose(self.truth.mean(lams), np.exp(2 * lams[:, 0]))
        assert_allclose(self.truth.variance(lams), [self.law(lam).var() for lam in lams])
        assert_allclose(self.truth.quantile(levels, lams[0]), self.law(lams[0]).ppf(levels))
        medians = [self.law(lam).median() for lam in lams]
        assert_allclose(self.truth.quantile(0.5, lams), medians)

    @pytest.mark.parametrize(("lam_from", "lam_to"), pairs)
    @pytest.mark.parametrize("log", [False, True])
    def test_distance_is_that_between_quantile_functions(self, lam_from, lam_to, log):
        def integrand(level):
            ends = (self.truth.quantile(level, lam) for lam in (lam_from, lam_to))
            first, second = np.log(list(ends)) if log else ends
            return (first - second) ** 2

        by_quantiles = quad(integrand, 0, 1, limit=500, epsabs=0, epsrel=1e-9)[0]
        value = self.truth.squared_wasserstein(lam_from, lam_to, log=log)
        assert_allclose(value, by_quantiles, rtol=1e-5)
        assert self.truth.squared_wasserstein(lam_to, lam_to, log=log) == pytest.approx(0)
        rows = self.truth.squared_wasserstein([lam_from] * 2, lam_to, log=log)
        assert_allclose(rows, [value] * 2)

    def test_samples_are_near_the_closed_forms(self):
        lam_from, lam_to = [0.0, 0.2], [0.2, 0.4]
        start, end = (
            self.truth(None, np.tile(lam, (2000, 1)), random_state=seed)
            for seed, lam in enumerate((lam_from, lam_to))
        )
        exact = self.truth.squared_wasserstein(lam_from, lam_to)
        assert squared_wasserstein(start, end) == pytest.approx(exact, rel=0.15)
        exact = self.truth.squared_wasserstein(lam_from, lam_to, log=True)
        found = squared_wasserstein(np.log(start), np.log(end))
        assert found == pytest.approx(exact, rel=0.15)

    def test_the_map_keeps_levels(self):
        levels = np.linspace(0.05, 0.95, 7)
        (lam_from, lam_to), _, _ = self.pairs
        moved = self.truth.transport(None, self.truth.quantile(levels, lam_from), lam_from, lam_to)
        assert_allclose(moved, self.truth.quantile(levels, lam_to))


@pytest.mark.parametrize("make", MAKERS)
def test_truth_survives_a_pickle_and_takes_one_lambda(make):
    truth = make(n_samples=1, random_state=0).truth
    copy = pickle.loads(pickle.dumps(truth))
    lam = [0.2, 0.6]
    assert_array_equal(copy.mean(lam), truth.mean(lam))
    assert_array_equal(truth(None, lam, 0), truth(None, [lam], 0)[0])


@pytest.mark.parametrize(
    ("make", "params", "message"),
    [
        (make_gaussian_field, {"n_hyperparameters": 1}, "n_hyperparameters is 1"),
        (make_gaussian_field, {"n_outputs": 0}, "n_outputs is 0"),
        (make_gaussian_field, {"n_samples": 2.5}, "n_samples is 2.5"),
        (make_gaussian_field, {"design": "line"}, "design='line'"),
        (make_gaussian_field, {"n_anchors": 3}, "the 4 corners"),
        (make_gaussian_field, {"n_anchors": 16.5}, "n_anchors is 16.5"),
        (make_gaussian_field, {"n_anchors": 15, "design": "grid"}, "not give a grid of 2 axes"),
        (make_lognormal_field, {"n_samples": 0}, "n_samples is 0"),
        (make_lognormal_field, {"n_anchors": 3}, "the 4 corners"),
        (make_lognormal_field, {"drift": (0.3, 0.3)}, "drift is"),
        (make_lognormal_field, {"volatility": (0.0, 0.3)}, "second value is positive"),
        (make_lognormal_field, {"drift": (0.0, np.inf)}, "drift is"),
        (make_lognormal_field, {"horizon": -1}, "horizon is -1"),
    ],
)
def test_wrong_parameters_are_told(make, params, message):
    with pytest.raises(ValueError, match=message):
        make(**params, random_state=0)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda truth: truth.mean([0.2]), "lam has shape"),
        (lambda truth: truth.mean([0.2, 1.2]), r"\[0, 1\]\^2"),
        (lambda truth: truth.mean([0.2, np.nan]), "not finite"),
        (lambda truth: truth([[1.0]], [0.2, 0.3]), "X was given"),
        (lambda truth: truth.squared_wasserstein([0.2, 0.3], [2.0, 0.3]), "lam_to reaches"),
        (
            lambda truth: truth.transport(None, np.ones((3, 2)), [[0.1, 0.1]] * 2, [0.2, 0.3]),
            "2 rows for 3 rows of y",
        ),
    ],
)
def test_wrong_questions_are_told(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(field())
