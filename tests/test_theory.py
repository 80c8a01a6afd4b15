"""Gaussians in closed form: transported and drawn moments at lambdas that were held out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.preprocessing import FunctionTransformer

from sklearn_hti.datasets import make_gaussians
from sklearn_hti.metrics import squared_wasserstein


def cube(lam):
    return lam**3


def assert_moments(draws, truth, condition, lam, tol):
    """Compare mean and covariance, in units of the spread."""
    covariance = truth.covariance(condition, lam)
    scale = np.sqrt(np.trace(covariance) / len(covariance))
    assert_allclose(draws.mean(axis=0), truth.mean(condition, lam), atol=tol * scale)
    empirical = np.cov(draws.T).reshape(covariance.shape)
    assert_allclose(empirical, covariance, atol=2 * tol * scale**2)


def check_family(make, *, n_outputs, warp, n_samples, max_iter, tol):
    """Fit at 0, 1/2, 1 and compare with the truth between, from both ends and by draws."""
    data = make_gaussians(
        n_samples, n_outputs=n_outputs, n_conditions=2, warp=warp, random_state=0
    )
    clock = None if warp is None else FunctionTransformer(warp)
    model = make(max_iter=max_iter, lam_transform=clock).fit(data.X, data.y, data.lam)
    n_test = 1000
    for condition in range(2):
        X = np.full((n_test, 1), condition)
        for lam_from, lam in [(0.0, 0.3), (0.0, 0.8), (1.0, 0.8), (1.0, 0.1)]:
            y = data.truth(X, lam_from, random_state=1)
            moved = model.transport(X, y, lam_from=lam_from, lam_to=lam)
            assert_moments(moved, data.truth, condition, lam, tol)
            way = np.sqrt(data.truth.squared_wasserstein(condition, lam_from, lam))
            miss = moved - data.truth.transport(X, y, lam_from, lam)
            assert np.sqrt((miss**2).sum(axis=1).mean()) < tol * (1 + way)
        draws = model.sample(X, 0.6, random_state=2)
        assert_moments(draws, data.truth, condition, 0.6, tol)
    return data, model


def test_normals_in_one_dimension(make):
    check_family(make, n_outputs=1, warp=None, n_samples=200, max_iter=200, tol=0.25)


def test_the_true_clock_is_needed(make):
    """Linear time misses by the clocks' difference times the way; the true clock does not."""
    data, model = check_family(make, n_outputs=1, warp=cube, n_samples=200, max_iter=200, tol=0.25)
    linear = make(max_iter=200).fit(data.X, data.y, data.lam)
    X = np.zeros((500, 1))
    y = data.truth(X, 0.5, random_state=1)
    aim = data.truth.mean(0, 0.75)
    error = [
        abs(m.transport(X, y, lam_from=0.5, lam_to=0.75).mean(axis=0) - aim)[0]
        for m in (model, linear)
    ]
    way = abs(data.truth.mean(0, 1.0) - data.truth.mean(0, 0.5))[0]
    fraction = (0.75**3 - 0.5**3) / (1 - 0.5**3)
    assert error[0] < 0.15 * way * (0.5 - fraction) + 0.1
    assert error[1] == pytest.approx(way * (0.5 - fraction), rel=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("warp", [None, cube])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_normals_at_full_length(make, n_outputs, warp):
    check_family(make, n_outputs=n_outputs, warp=warp, n_samples=500, max_iter=2000, tol=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("base", ["neighbors", "flow"])
def test_draws_are_as_good_as_a_sample_of_the_training_size(make, base):
    """W2^2 to the truth stays near that of fresh draws of the truth."""
    data = make_gaussians(500, n_conditions=2, random_state=0)
    model = make(max_iter=2000, base=base).fit(data.X, data.y, data.lam)
    X = np.repeat([[0.0], [1.0]], 500, axis=0)
    for lam in (0.25, 0.7):
        truth = data.truth(X, lam, random_state=1)
        floor = squared_wasserstein(truth, data.truth(X, lam, random_state=2), groups=X[:, 0])
        ours = squared_wasserstein(truth, model.sample(X, lam, random_state=3), groups=X[:, 0])
        assert ours < 2 * floor


@pytest.mark.slow
def test_auto_finds_the_clock_of_gaussians(make):
    """Odds, scaled to [0, 1], with an anchor off the middle."""

    def warp(lam):
        p = 0.9 * lam
        return p / (1 - p) / 9

    data = make_gaussians(300, lams=(0.0, 0.6, 1.0), warp=warp, random_state=0)
    model = make(lam_transform="auto", max_iter=500)
    model.fit(data.X, data.y, 0.9 * data.lam)
    assert model.lam_transform_.name == "odds"
    X = np.zeros((1000, 1))
    draws = model.sample(X, 0.9 * 0.8, random_state=0)
    assert_moments(draws, data.truth, 0, 0.8, 0.25)
