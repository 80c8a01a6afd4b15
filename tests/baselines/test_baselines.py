"""What all rivals share, and what each is known to do."""

from functools import partial

import numpy as np
import ot
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor

from sklearn_hti.baselines import (
    ConditionalFlowMatchingRegressor,
    DirectSurrogateRegressor,
    DisplacementInterpolationRegressor,
    MetricFlowMatchingRegressor,
    NearestAnchorRegressor,
)
from sklearn_hti.datasets import make_gaussians, make_semicircles
from sklearn_hti.metrics import squared_wasserstein
from sklearn_hti.paths import GeodesicPath

SHORT = {"max_iter": 50, "lam_transform": None}
RIVALS = [
    DirectSurrogateRegressor(LinearRegression(), random_state=0),
    DisplacementInterpolationRegressor(lam_transform=None, random_state=0),
    NearestAnchorRegressor(random_state=0),
    ConditionalFlowMatchingRegressor(**SHORT, random_state=0),
    ConditionalFlowMatchingRegressor(coupling="independent", **SHORT, random_state=0),
    MetricFlowMatchingRegressor(path=GeodesicPath(max_iter=50), **SHORT, random_state=0),
]


class Normal(BaseEstimator):
    """A conditional generator: draws around a linear regression."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.mean_ = LinearRegression().fit(X, y)
        self.spread_ = np.std(y - self.mean_.predict(X))
        return self

    def sample(self, X, n_samples, seed=None):
        mean = self.mean_.predict(X)
        noise = np.random.default_rng(seed).normal(size=(n_samples, *mean.shape))
        return mean + self.spread_ * noise


@pytest.fixture(params=RIVALS, ids=lambda rival: type(rival).__name__)
def rival(request):
    return clone(request.param)


def test_shapes_and_repeatability(rival, clouds):
    rival.fit(clouds.X, clouds.y, clouds.lam)
    X = clouds.X[:7]
    drawn = rival.sample(X, 0.3, n_samples=3, random_state=0)
    assert drawn.shape == (3, 7, 1)
    assert np.isfinite(drawn).all()
    assert np.array_equal(drawn, rival.sample(X, 0.3, n_samples=3, random_state=0))
    mean, std = rival.predict(X, 0.3, return_std=True)
    assert mean.shape == std.shape == (7, 1)
    again = clone(rival).fit(clouds.X, clouds.y, clouds.lam)
    assert np.array_equal(mean, again.predict(X, 0.3))
    path = rival.trajectory(X, [0.0, 0.3, 2.0], n_samples=3, random_state=0)
    assert path.shape == (3, 3, 7, 1)
    np.testing.assert_allclose(path[1], drawn, atol=1e-6)


def test_transport_stays_where_lambda_does(rival, clouds):
    rival.fit(clouds.X, clouds.y, clouds.lam)
    X, y = clouds.X[:9], clouds.y[:9]
    assert np.array_equal(rival.transport(X, y, lam_from=0.3, lam_to=0.3), y)
    moved = rival.trajectory(X, [0.3, 0.3], y=y, lam_from=0.0)
    np.testing.assert_allclose(
        moved[0], rival.transport(X, y, lam_from=0.0, lam_to=0.3), atol=1e-6
    )


def test_the_interface_refuses_what_the_surrogate_refuses(rival, clouds):
    with pytest.raises(ValueError, match="lam"):
        clone(rival).fit(clouds.X, clouds.y)
    rival.fit(clouds.X, clouds.y, clouds.lam)
    with pytest.raises(ValueError, match="outside the anchors"):
        rival.predict(clouds.X[:2], 2.5)
    with pytest.raises(ValueError, match="n_samples"):
        rival.sample(clouds.X[:2], 0.5, n_samples=0)


def test_deterministic_networks_linear_in_lambda(rival, networks):
    """All but the nearest anchor follow a family that is linear in lambda."""
    rival.fit(networks.X, networks.y, networks.lam)
    X, y = networks.X[:80], networks.y[:80]
    moved = rival.transport(X, y, lam_from=0.0, lam_to=0.5)
    error = np.mean((moved - networks.f(X, 0.5)) ** 2)
    still = np.mean((y - networks.f(X, 0.5)) ** 2)
    if isinstance(rival, NearestAnchorRegressor):
        assert np.array_equal(moved, y)
    elif isinstance(rival, DirectSurrogateRegressor):
        assert error < still  # the slope depends on x, which no linear regression knows
    else:
        assert error < 0.05 * still


# ---------------------------------------------------------------- displacement, nearest anchor


def test_an_answer_does_not_depend_on_the_rows_beside_it(rival, networks):
    X, y, lam = networks.X, networks.y, networks.lam
    model = clone(rival).fit(X, y, lam)
    near = lam.min() + 0.1 * np.ptp(lam)
    alone = model.predict(X[:1], near)
    np.testing.assert_allclose(
        model.predict(X[:2], [near, lam.max()])[:1], alone, rtol=0, atol=1e-12
    )


def test_displacement_is_exact_transport(rng):
    y0, y1 = rng.normal(size=(40, 2)), rng.normal(2, 0.5, size=(40, 2))
    lam = np.repeat([0.0, 1.0], 40)
    rival = DisplacementInterpolationRegressor(lam_transform=None)
    rival.fit(None, np.concatenate([y0, y1]), lam)
    partner = ot.emd([], [], ot.dist(y0, y1)).argmax(axis=1)
    moved = rival.transport(None, y0, lam_from=np.zeros(40), lam_to=np.full(40, 0.25))
    np.testing.assert_allclose(moved, 0.75 * y0 + 0.25 * y1[partner], atol=1e-9)
    back = rival.transport(None, y1[partner], lam_from=np.ones(40), lam_to=np.zeros(40))
    np.testing.assert_allclose(back, y0, atol=1e-9)


def test_displacement_keeps_to_the_condition(rng):
    X = np.tile(np.repeat([[0.0], [1.0]], 30, axis=0), (2, 1))
    lam = np.repeat([0.0, 1.0], 60)
    y = np.where(X[:, 0] == 1, 1, -1) * lam + 0.01 * rng.normal(size=120)
    rival = DisplacementInterpolationRegressor(lam_transform=None).fit(X, y, lam)
    moved = rival.transport(np.array([[0.0], [1.0]]), np.zeros(2), lam_from=0.0, lam_to=1.0)
    np.testing.assert_allclose(moved, [-1, 1], atol=0.1)


def test_several_neighbours_are_averaged(rng):
    y0 = np.arange(6.0)
    y1 = 2 * y0
    rival = DisplacementInterpolationRegressor(n_neighbors=2, lam_transform=None)
    rival.fit(None, np.concatenate([y0, y1]), np.repeat([0.0, 1.0], 6))
    assert rival.transport(None, [2.4], lam_from=0.0, lam_to=1.0) == pytest.approx(
        2.4 + (2 + 3) / 2
    )


def test_nearest_anchor_copies(clouds):
    rival = NearestAnchorRegressor().fit(clouds.X, clouds.y, clouds.lam)
    at = {lam: clouds.y[(clouds.lam == lam) & (clouds.X[:, 0] == 1)] for lam in (0.0, 0.5, 2.0)}
    X = np.ones((60, 1))
    for lam, anchor in [(0.2, 0.0), (0.25, 0.0), (0.26, 0.5), (1.2, 0.5), (1.3, 2.0)]:
        moved = rival.transport(X, at[0.0], lam_from=0.0, lam_to=lam)
        np.testing.assert_allclose(np.sort(moved, axis=0), np.sort(at[anchor], axis=0))


# ---------------------------------------------------------------- flow matching


def test_flow_matching_arrives_and_optimal_couplings_arrive_where_transport_does():
    data = make_gaussians(200, n_outputs=2, n_conditions=1, random_state=0)
    rows = data.lam == 0
    X, y = data.X[rows], data.y[rows]
    truth = data.truth(X, 1.0, random_state=1)
    exact = data.truth.transport(X, y, 0.0, 1.0)
    errors = {}
    for coupling in ("ot", "independent"):
        rival = ConditionalFlowMatchingRegressor(
            coupling=coupling, lam_transform=None, max_iter=400, random_state=0
        ).fit(data.X, data.y, data.lam)
        moved = rival.transport(X, y, lam_from=0.0, lam_to=1.0)
        assert squared_wasserstein(truth, moved) < squared_wasserstein(truth, exact) + 0.1
        errors[coupling] = np.mean((moved - exact) ** 2)
    assert errors["ot"] < 0.5 * errors["independent"]


def test_more_steps_follow_the_field_better(clouds):
    make = partial(
        ConditionalFlowMatchingRegressor, lam_transform=None, max_iter=100, random_state=0
    )
    fits = [make(n_steps=n).fit(clouds.X, clouds.y, clouds.lam) for n in (1, 16, 64)]
    X, y = clouds.X[:60], clouds.y[:60]
    coarse, fine, finest = (m.transport(X, y, lam_from=0.0, lam_to=2.0) for m in fits)
    assert np.abs(fine - finest).max() < 0.2 * np.abs(coarse - finest).max()


@pytest.mark.parametrize("metric", ["land", "rbf"])
def test_metric_paths_keep_near_the_circle(metric):
    data = make_semicircles(40, random_state=0)
    common = {"lam_transform": None, "categorical_features": [0], "random_state": 0}
    straight, bent = (
        model.fit(data.X, data.y, data.lam)
        for model in (
            ConditionalFlowMatchingRegressor(max_iter=200, **common),
            MetricFlowMatchingRegressor(metric=metric, max_iter=200, **common),
        )
    )
    rows = data.lam == 0
    X, y = data.X[rows], data.y[rows]
    far = [
        np.mean(data.truth.circle_distance(X, model.transport(X, y, lam_from=0.0, lam_to=0.25)))
        for model in (straight, bent)
    ]
    assert far[1] < 0.8 * far[0]


# ---------------------------------------------------------------- direct


def test_direct_takes_any_regressor(networks):
    rival = DirectSurrogateRegressor(Ridge(1e-6)).fit(networks.X, networks.y, networks.lam)
    assert isinstance(rival.estimator_, Ridge)
    one = DirectSurrogateRegressor(random_state=0).fit(networks.X, networks.y[:, 0], networks.lam)
    truth = networks.f(networks.X[:80], 0.5)[:, 0]
    assert np.mean((one.predict(networks.X[:80], 0.5) - truth) ** 2) < 0.1 * truth.var()


def test_direct_draws_keep_the_spread_of_the_base(clouds):
    rival = DirectSurrogateRegressor(LinearRegression()).fit(clouds.X, clouds.y, clouds.lam)
    _, std = rival.predict(clouds.X[:1], 0.0, return_std=True)
    assert std == pytest.approx(0.5, rel=0.1)


def test_direct_generator(clouds):
    rival = DirectSurrogateRegressor(Normal(), random_state=0)
    rival.fit(clouds.X, clouds.y, clouds.lam)
    assert rival.estimator_.random_state is not None
    X = np.ones((5, 1))
    drawn = rival.sample(X, 1.0, n_samples=400, random_state=0)
    assert drawn.shape == (400, 5, 1)
    assert np.array_equal(drawn, rival.sample(X, 1.0, n_samples=400, random_state=0))
    np.testing.assert_allclose(drawn.mean(axis=0), rival.predict(X, 1.0), atol=0.5)
    path = rival.trajectory(X, [0.0, 1.0], n_samples=4, random_state=0)
    gap = path[1] - path[0]
    np.testing.assert_allclose(gap, np.broadcast_to(gap[:1], gap.shape))  # one noise for both
    assert not hasattr(rival, "transport")
    assert not hasattr(rival, "interpolate")
    with pytest.raises(ValueError, match="`y`: a generator"):
        rival.trajectory(X, [0.0, 1.0], y=np.zeros((5, 1)), lam_from=0.0)


def test_direct_learns_from_the_lambda_of_every_row(rng):
    """Bins are for those that move outputs from anchor to anchor."""
    lam, x = np.sort(rng.uniform(size=300)), rng.normal(size=(300, 1))
    y = np.sin(20 * lam)
    rival = DirectSurrogateRegressor(KNeighborsRegressor(1), random_state=0).fit(x, y, lam)
    np.testing.assert_allclose(rival.predict(x, lam), y, atol=1e-6)
