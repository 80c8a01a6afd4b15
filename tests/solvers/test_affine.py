"""Affine trajectories: closed forms, and when they are taken."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_hti.datasets import make_gaussians, make_semicircles
from sklearn_hti.paths import StraightGeodesic
from sklearn_hti.paths.trajectories import build_trajectories
from sklearn_hti.solvers import CouplingSolver
from sklearn_hti.solvers.affine import affine_trajectories, affine_where_better, bures_map


@pytest.fixture
def coupled(encode, rng):
    """Training rows and the trajectories through their couplings."""

    def coupled(X, y, lam, **options):
        data = encode(X, y, lam, categorical=None if X is None else [0])
        solver = CouplingSolver(**options)
        plans = [solver.plan(data, e, StraightGeodesic(), rng) for e in data.anchors.edges]
        return data, build_trajectories(data, plans, rng)

    return coupled


def test_bures_map_carries_mean_and_covariance(rng):
    source = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 4)) + 1
    target = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4)) - 2
    moved = bures_map(source, target)(source)
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(
        np.cov(moved, rowvar=False, bias=True), np.cov(target, rowvar=False, bias=True), atol=1e-3
    )


def test_bures_map_of_one_output_and_of_constants():
    source, target = np.arange(10.0)[:, None], 3 * np.arange(10.0)[:, None] + 1
    np.testing.assert_allclose(bures_map(source, target)(source), target, atol=1e-4)
    constant = np.ones((5, 2))
    assert np.isfinite(bures_map(constant, 2 * constant)(constant)).all()


@pytest.mark.parametrize("n_outputs", [10, 30])
def test_gaussians_of_many_outputs_follow_the_exact_map(coupled, rng, n_outputs):
    family = make_gaussians(400, n_outputs=n_outputs, n_conditions=2, random_state=0)
    data, trajectories = coupled(family.X, family.y, family.lam)
    chosen = affine_where_better(trajectories, data, rng)
    assert chosen.affine
    origin = chosen.rows[:, 0]
    exact = family.truth.transport(family.X[origin], family.y[origin], 0.0, 1.0)
    error = np.mean((trajectories.points[:, -1] - exact) ** 2)
    assert np.mean((chosen.points[:, -1] - exact) ** 2) < 0.1 * error


def test_shapes_that_are_not_gaussian_keep_their_couplings(coupled, rng):
    arcs = make_semicircles(100, random_state=0)
    data, trajectories = coupled(arcs.X, arcs.y, arcs.lam)
    assert affine_where_better(trajectories, data, rng) is trajectories


def test_two_clusters_that_part_are_not_affine(coupled, rng):
    side = np.sign(rng.normal(size=(800, 6)))
    lam = np.repeat([0.0, 1.0], 400)
    y = rng.normal(size=(800, 6)) * 0.3 + side * lam[:, None] * 2
    y[:, 1:] -= side[:, 1:] * lam[:, None] * 2  # along the first output only
    data, trajectories = coupled(None, y, lam)
    assert not affine_where_better(trajectories, data, rng).affine


def test_few_rows_keep_their_couplings(coupled, rng):
    lam = np.repeat([0.0, 1.0], 30)
    data, trajectories = coupled(None, rng.normal(size=(60, 8)), lam)
    assert affine_where_better(trajectories, data, rng) is trajectories


def test_single_draws_of_inputs_that_do_not_repeat(coupled, rng):
    """The spread that a regression on couplings averages away."""
    X = rng.normal(size=(1200, 1))
    lam = np.repeat([0.0, 1.0], 600)
    y = X @ np.ones((1, 10)) + (1 + lam[:, None]) * rng.normal(size=(1200, 10))
    data, trajectories = coupled(np.column_stack([np.zeros(1200), X]), y, lam)
    chosen = affine_where_better(trajectories, data, rng)
    assert chosen.affine
    start, end = (chosen.points[:, k] - data.features[chosen.rows[:, 0]][:, :1] for k in (0, 1))
    assert end.var() == pytest.approx(4, rel=0.1)
    assert np.corrcoef(start.ravel(), end.ravel())[0, 1] > 0.95


def test_linear_time_maps_need_no_coupling(coupled):
    family = make_gaussians(300, n_outputs=3, n_conditions=2, random_state=0)
    data, trajectories = coupled(family.X, family.y, family.lam, affine=True)
    moved = affine_trajectories(trajectories, data)
    origin = moved.rows[:, 0]
    exact = family.truth.transport(family.X[origin], family.y[origin], 0.0, 1.0)
    assert np.mean((moved.points[:, -1] - exact) ** 2) < 0.05


def test_linear_time_maps_of_unequal_numbers_of_rows(coupled, rng):
    lam = np.repeat([0.0, 1.0], [40, 100])
    _, trajectories = coupled(None, rng.normal(size=(140, 2)), lam, affine=True)
    assert set(trajectories.rows[:, 0]) == set(range(40))
    assert set(trajectories.rows[:, 1]) == set(range(40, 140))


def test_affine_maps_are_refused_without_covariances(make, networks):
    model = make(solver=CouplingSolver(affine=True))
    with pytest.raises(ValueError, match=r"affine=True needs more than 2 rows"):
        model.fit(networks.X, networks.y, networks.lam)


def test_the_estimator_says_whether_it_is_affine(make, clouds, rng):
    lam = np.repeat([0.0, 1.0], 200)
    y = rng.normal(size=(400, 8)) * (1 + lam[:, None])
    assert make().fit(None, y, lam).diagnostics_["affine"]
    plain = make(solver=CouplingSolver(affine=False)).fit(None, y, lam)
    assert not plain.diagnostics_["affine"]


def test_equal_outputs_are_left_to_the_coupling(make):
    lam = np.repeat([0.0, 1.0], 50)
    model = make(solver="coupling", max_iter=5).fit(None, lam, lam)
    assert not model.diagnostics_["affine"]
    assert_allclose(
        model.transport(None, np.zeros(3), lam_from=0.0, lam_to=1.0), np.ones(3), atol=0.1
    )


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.BaseWarning")
@pytest.mark.parametrize("counts", [(1, 4, 4), (4, 1, 4), (4, 4, 1)])
def test_an_anchor_of_single_draws_among_several(make, counts, rng):
    """The network without dropout was asked once."""
    x = [np.repeat(np.linspace(-1, 1, 150), count) for count in counts]
    lam = np.repeat([0.0, 1.0, 2.0], [len(of) for of in x])
    x = np.concatenate(x)
    y = np.column_stack([np.sin(3 * x) + lam * x, lam * x])
    y += (
        0.1 * (np.repeat(counts, np.multiply(counts, 150)) > 1)[:, None] * rng.normal(size=y.shape)
    )
    model = make(max_iter=200).fit(x[:, None], y, lam)
    moved = model.predict(x[:150, None], 1.0)
    clean = np.column_stack([np.sin(3 * x) + x, x])[:150]
    assert np.sqrt(np.mean((moved - clean) ** 2)) < 0.15
