"""Baselines of several hyperparameters."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.utils import Bunch

from sklearn_hti import load
from sklearn_hti.baselines import (
    ConditionalFlowMatchingRegressor,
    DirectSurrogateRegressor,
    DisplacementInterpolationRegressor,
    MetricFlowMatchingRegressor,
    NearestAnchorRegressor,
)
from sklearn_hti.baselines.from_noise import CoupledNoise, at_places
from sklearn_hti.data.conditions import Conditions
from sklearn_hti.metrics import squared_wasserstein
from sklearn_hti.solvers import CouplingSolver

RIVALS = [
    DirectSurrogateRegressor(LinearRegression(), random_state=0),
    DisplacementInterpolationRegressor(lam_transform=None, random_state=0),
    NearestAnchorRegressor(random_state=0),
    ConditionalFlowMatchingRegressor(lam_transform=None, max_iter=150, random_state=0),
]
CORNERS = np.array([[a, b] for a in (0.0, 1.0, 2.0) for b in (1.0, 3.0)])


@pytest.fixture(scope="module")
def plane():
    """Deterministic networks, linear in two hyperparameters, asked at the same 20 x."""

    def f(X, lam):
        a, b = np.broadcast_to(lam, (len(X), 2)).T
        return np.column_stack([X[:, 0] + a + b, X[:, 1] - a])

    X = np.tile(np.random.default_rng(0).normal(size=(20, 2)), (6, 1))
    lam = np.repeat(CORNERS, 20, axis=0)
    return Bunch(X=X, y=f(X, lam), lam=lam, f=f)


@pytest.fixture(scope="module")
def draws():
    """Clouds whose mean and width are linear in two hyperparameters."""
    lam = np.repeat(CORNERS, 80, axis=0)
    z = np.random.default_rng(0).normal(size=(480, 2))
    return Bunch(y=lam * [1, 2] + z * (1 + lam[:, :1]), lam=lam)


@pytest.fixture(params=RIVALS, ids=lambda rival: type(rival).__name__, scope="module")
def rival(request):
    return clone(request.param)


@pytest.fixture(scope="module")
def on_plane(rival, plane):
    return clone(rival).fit(plane.X, plane.y, plane.lam)


@pytest.fixture(scope="module")
def on_draws(rival, draws):
    return clone(rival).fit(None, draws.y, draws.lam)


def test_answers_between_trained_values(on_plane, plane):
    rival = on_plane
    X, lam = plane.X[:20], [0.6, 1.5]
    nearest = isinstance(rival, NearestAnchorRegressor)
    truth = plane.f(X, [1.0, 1.0] if nearest else lam)
    error = np.mean(
        (rival.transport(X, plane.y[:20], lam_from=CORNERS[0], lam_to=lam) - truth) ** 2
    )
    assert error < (0.02 if isinstance(rival, ConditionalFlowMatchingRegressor) else 1e-9)
    outputs = plane.y.reshape(6, 20, 2)
    said = rival.interpolate(X, outputs, lams=CORNERS, lam=lam)
    assert np.mean((said - truth) ** 2) < 0.02
    few = [5, 0, 3]  # in any order; at a network its own output
    at = rival.interpolate(X, outputs[few], lams=CORNERS[few], lam=CORNERS[3])
    assert_allclose(at, outputs[3], atol=1e-9)


def test_rows_do_not_depend_on_each_other(on_plane, plane):
    rival = on_plane
    X = plane.X[:5]
    lam = np.array([[0.0, 1.0], [0.3, 2.0], [1.9, 2.9], [1.0, 3.0], [0.3, 2.0]])
    mean = rival.predict(X, lam)
    assert mean.shape == (5, 2)
    assert_allclose(rival.predict(X[::-1], lam[::-1])[::-1], mean, atol=1e-9)
    assert_allclose(rival.predict(X[2:3], lam[2]), mean[2:3], atol=1e-9)
    path = rival.trajectory(X, lam[:3], n_samples=2, random_state=0)
    drawn = rival.sample(X, lam[1], n_samples=2, random_state=0)
    assert path.shape == (3, 2, 5, 2)
    assert_allclose(path[1], drawn, atol=1e-6)


@pytest.mark.parametrize("at", [[0.0, 1.0], [0.5, 2.0], [1.6, 2.8]])
def test_draws(on_draws, draws, at):
    """All but those that have one spread draw as wide as the truth."""
    rival = on_draws
    assert np.array_equal(
        rival.transport(None, draws.y[:9], lam_from=CORNERS[0], lam_to=CORNERS[0]), draws.y[:9]
    )
    drawn = rival.sample(None, at, n_samples=80, random_state=0)[:, 0]
    truth, other = (
        np.array(at) * [1, 2] + np.random.default_rng(seed).normal(size=(80, 2)) * (1 + at[0])
        for seed in (1, 2)
    )
    if not isinstance(rival, NearestAnchorRegressor | DirectSurrogateRegressor):
        floor = squared_wasserstein(truth, other)
        assert squared_wasserstein(truth, drawn) < 2 * floor


def test_categories_by_name(rival, plane, tmp_path):
    lam = pd.DataFrame({"a": plane.lam[:, 0], "kind": np.where(plane.lam[:, 1] > 1, "x", "y")})
    rival.fit(plane.X, plane.y, lam)
    X, asked = plane.X[:20], {"a": 1.0, "kind": "y"}
    start = {"a": 0.0, "kind": "y"}
    moved = rival.transport(X, plane.y[:20], lam_from=start, lam_to=asked)
    assert np.mean((moved - plane.f(X, [1.0, 1.0])) ** 2) < 0.02
    with pytest.raises(ValueError, match="unknown categories"):
        rival.predict(X, {"a": 1.0, "kind": "z"})
    with pytest.raises(ValueError, match="outside the convex hull"):
        rival.predict(X, {"a": 2.5, "kind": "x"})
    if not isinstance(rival, DirectSurrogateRegressor):
        rival.save(tmp_path / "rival")
        again = load(tmp_path / "rival")
        assert_array_equal(again.predict(X, asked), rival.predict(X, asked))


def test_a_scale_of_each_hyperparameter_places_simplices_and_neighbours():
    lam = np.array([[a, b] for a in (1.0, 100.0) for b in (0.0, 1.0)])
    y = np.log10(lam[:, 0]) + lam[:, 1]
    linear, log = (
        DisplacementInterpolationRegressor(lam_transform=scale).fit(None, y, lam)
        for scale in (None, ["log", None])
    )
    assert log.predict(None, [10.0, 0.0]) == pytest.approx(1.0)
    assert linear.predict(None, [10.0, 0.0]) == pytest.approx(2 * 9 / 99)
    nearest = NearestAnchorRegressor().fit(None, y, lam)
    assert nearest.predict(None, [[40.0, 0.0], [60.0, 0.9]]) == pytest.approx([0.0, 3.0])


def test_direct_sees_every_column_and_row(rng):
    """Columns without influence, too; leftovers of single rows are those of all."""
    lam, x = rng.uniform(size=(200, 2)), rng.normal(size=(200, 1))
    y = 3 * lam[:, 0] + rng.normal(size=200)
    rival = DirectSurrogateRegressor(LinearRegression(), random_state=0).fit(x, y, lam)
    assert rival.estimator_.n_features_in_ == 3
    std = [rival.predict(x[:1], at, return_std=True)[1][0] for at in lam[:20]]
    assert np.mean(std) > 0.3
    one = DirectSurrogateRegressor(KNeighborsRegressor(1), random_state=0).fit(x, y, lam)
    assert_allclose(one.predict(x[:20], lam[:20]), y[:20])


def test_noise_is_coupled_inside_one_x_and_lambda(rng):
    places, y = np.repeat([[0.0], [1.0]], 50, axis=0), rng.normal(size=(100, 2))
    none = Conditions(np.zeros((100, 0)), np.zeros((100, 0), int), np.zeros((100, 0)))
    examples = CoupledNoise(y, at_places(none, places), np.arange(100), "cpu")
    noise = examples.noise.numpy()
    for part in (slice(50), slice(50, 100)):
        cost = cdist(y[part], noise[0, part], "sqeuclidean")
        assert_array_equal(linear_sum_assignment(cost)[1], np.arange(50))
    assert not np.array_equal(np.sort(noise[0], axis=0), np.sort(noise[1], axis=0))
    inputs, _ = examples.draw(np.arange(100), torch.Generator().manual_seed(0))
    t = inputs["z"][:, 2:].numpy()
    begun = (inputs["z"][:, :2].numpy() - t * y) / (1 - t)
    assert min(np.abs(begun - one).max() for one in noise) < 1e-3


def test_what_follows_one_hyperparameter_is_refused(plane):
    with pytest.raises(ValueError, match="one hyperparameter, and `lam` has 2"):
        MetricFlowMatchingRegressor().fit(plane.X, plane.y, plane.lam)
    with pytest.raises(ValueError, match="use 'ot' or 'independent'"):
        ConditionalFlowMatchingRegressor(coupling=CouplingSolver()).fit(
            plane.X, plane.y, plane.lam
        )
