"""Maps by the Monge gap: exact maps have none, and fits are near POT's."""

from types import SimpleNamespace

import numpy as np
import ot
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti.data.encoding import ConditionEncoder
from sklearn_hti.datasets import make_gaussians
from sklearn_hti.exceptions import CouplingWarning
from sklearn_hti.lagrangian import Lagrangian
from sklearn_hti.lagrangian.support import path_conditions
from sklearn_hti.nn import Conditioning
from sklearn_hti.nn.settings import Training, TrainingSettings
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.solvers import MongeGap
from sklearn_hti.solvers.blocks import BlockDataset, k_d_order
from sklearn_hti.solvers.monge_costs import BlockCosts, Blocks

SETTINGS = TrainingSettings(1, 1, 1.0, False, 0.0, "cpu")
FAST = {"max_iter": 150, "learning_rate": 0.01, "hidden_layer_sizes": (32, 32)}
FLAT = SimpleNamespace(cost=lambda y0, y1, x: 0.5 * ((y1 - y0) ** 2).sum(dim=1))


def fit(data, X=None, **parameters):
    X = np.zeros((len(data.y), 0)) if X is None else X
    encoder = ConditionEncoder().fit(X, None, len(X))
    return MongeGap(**parameters).fit_maps(
        data,
        Lagrangian(None, None),
        GeodesicPath(),
        Training(encoder, {"paths": 0, "pairs": 0}, SETTINGS, Conditioning()),
    )


@pytest.fixture
def gaussians(encode, rng):
    """Draws of N(0, I) and of N(m, A A'), and the optimal map between samples of POT."""
    A, mean = np.array([[1.4, 0.4], [0.4, 0.6]]), np.array([1.0, -0.5])
    y0, y1 = rng.standard_normal((2, 1500, 2))
    y1 = y1 @ A + mean
    matrix, shift = ot.gaussian.empirical_bures_wasserstein_mapping(y0, y1)
    data = encode(None, np.vstack([y0, y1]), np.repeat([0.0, 1.0], 1500))
    return SimpleNamespace(data=data, y0=y0, y1=y1, map=lambda y: y @ matrix + shift)


def gap(y0, moved, size):
    """Return the mean gap of blocks of points, at the Euclidean cost."""
    n = len(y0) // size * size
    y0, moved = (torch.as_tensor(y[:n]) for y in (y0, moved))
    zeros = torch.zeros_like(y0)
    x = SimpleNamespace(pick=lambda rows: None)
    blocks = Blocks(y0, moved, x, zeros, zeros, torch.zeros(n, 0), size)
    return BlockCosts(FLAT, blocks).gap()


@pytest.mark.parametrize("size", [2, 16, 100])
def test_the_exact_map_has_no_gap(gaussians, size):
    value, paid = gap(gaussians.y0, gaussians.map(gaussians.y0), size)
    assert float(value) == 0.0  # the very reassignment that it is
    assert paid > 0.5


def test_the_gap_is_what_the_exact_plan_saves(gaussians):
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    y0, moved = gaussians.y0[:200], gaussians.map(gaussians.y0[:200] @ turn)
    value, paid = gap(y0, moved, 200)
    cost = 0.5 * ot.dist(y0, moved)
    assert float(paid) == pytest.approx(cost.diagonal().mean())
    assert float(value) == pytest.approx(cost.diagonal().mean() - ot.emd2([], [], cost))
    assert value > 0.3 * paid


def test_the_gradient_of_the_gap_leads_to_a_map_without(rng):
    y0 = rng.standard_normal((64, 2))
    moved = torch.tensor(y0[::-1].copy(), requires_grad=True)
    before = gap(y0, moved, 16)[0].item()
    for _ in range(100):
        (slope,) = torch.autograd.grad(gap(y0, moved, 16)[0], moved)
        moved = (moved - 6.4 * slope).detach().requires_grad_()
    assert gap(y0, moved, 16)[0].item() < 0.01 * before


def check_map(gaussians, tolerance, **parameters):
    maps = fit(gaussians.data, **parameters)
    z = np.random.default_rng(1).standard_normal((2000, 2))
    moved = maps.move(z, 0, np.zeros(len(z), dtype=int), gaussians.data)
    exact = gaussians.map(z)
    way = np.mean(np.sum((exact - z) ** 2, axis=1))
    assert np.mean(np.sum((moved - exact) ** 2, axis=1)) < tolerance * way
    assert gap(z, moved, 100)[0] < 0.01 * way


def test_map_between_gaussians(gaussians):
    check_map(gaussians, 0.02, **FAST)


@pytest.mark.slow
def test_default_map_between_gaussians(gaussians):
    check_map(gaussians, 0.05)  # of the squared way, most of it spread that blocks of 64 lose


@pytest.mark.slow
def test_gap_of_the_estimator_between_conditional_gaussians(make):
    data = make_gaussians(300, random_state=0)
    model = make(solver="monge_gap", max_iter=50, categorical_features=[0])
    model.fit(data.X, data.y, data.lam)
    assert max(model.diagnostics_["monge_gap"]) < 0.02


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.ConvergenceWarning")
def test_diagnostics_tell_the_gap(make):
    data = make_gaussians(60, random_state=0)
    gaps = {}
    for weight in (0.0, 1.0):
        solver = MongeGap(gap_weight=weight, **FAST)
        model = make(solver=solver, max_iter=5, categorical_features=[0])
        gaps[weight] = model.fit(data.X, data.y, data.lam).diagnostics_["monge_gap"]
    assert len(gaps[0.0]) == 2
    assert sum(gaps[1.0]) < 0.5 * sum(gaps[0.0])


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.TrajectoryWarning")
@pytest.mark.parametrize("n_columns", [None, 2])
@pytest.mark.parametrize("sizes", [(1, 5, 11), (1, 1), (1, 8)])
def test_anchors_of_few_rows(make, rng, sizes, n_columns):
    """Down to one, which stands for its whole block, with and without x."""
    lam = np.repeat(np.arange(len(sizes)), sizes).astype(float)
    X = None if n_columns is None else rng.normal(size=(len(lam), n_columns))
    solver = MongeGap(max_iter=50, hidden_layer_sizes=(8,))
    model = make(solver=solver, max_iter=5, n_anchors=len(sizes), base="neighbors")
    model.fit(X, 3 * lam + 0.1 * rng.normal(size=len(lam)), lam)
    x = None if X is None else X[:1]
    assert_allclose(model.transport(x, [0.0], lam_from=0.0, lam_to=0.5), [1.5], atol=1.5)


def test_one_draw_per_condition_is_regression_on_pairs(encode, rng):
    X = rng.uniform(-1, 1, (300, 1))
    X[:10] = X[10:20]  # a few inputs came twice
    y0 = np.hstack([X, X**2])
    y1 = np.hstack([np.sin(2 * X), -X])
    X = np.tile(X, (2, 1))
    data = encode(X, np.vstack([y0, y1]), np.repeat([0.0, 1.0], 300))
    with pytest.warns(CouplingWarning, match="monge_gap: every condition has one draw"):
        maps = fit(data, X, **FAST)
    assert maps.net.history[-1]["monge_gap"] == 0.0
    assert_allclose(maps.move(y0, 0, np.arange(300), data), y1, atol=0.15)


def test_maps_are_conditional_where_inputs_differ(encode, rng):
    # no input occurs twice: blocks hold near ones
    X = rng.uniform(-1, 1, (1200, 1))
    lam = np.repeat([0.0, 1.0], 600)
    y = 0.1 * rng.standard_normal((1200, 1)) + lam[:, None] * np.sign(X) * (1 + X**2)
    data = encode(X, y, lam)
    maps = fit(data, X, **FAST)
    moved = maps.move(y[:600], 0, np.arange(600), data)
    far = np.abs(X[:600, 0]) > 0.2
    wanted = np.sign(X[:600]) * (1 + X[:600] ** 2)
    assert np.mean((moved - wanted)[far] ** 2) < 0.05


def test_blocks_hold_one_condition_and_all_its_parts(encode, rng):
    X = np.tile(np.repeat([[0.0], [1.0], [2.0]], 40, axis=0), (2, 1))
    lam = np.repeat([0.0, 1.0], 120)
    data = encode(X, rng.standard_normal((240, 2)), lam)
    dataset = BlockDataset(data, "cpu", 20, 1.0)
    assert dataset.block_size == 20
    inputs, _ = dataset.draw(torch.arange(60), torch.Generator().manual_seed(0))
    numeric = inputs["x0"].numeric.view(3, 20)
    assert (numeric == numeric[:, :1]).all()
    again, _ = dataset.draw(torch.arange(60), torch.Generator().manual_seed(0))
    assert torch.equal(inputs["y1"], again["y1"])
    # draws are spread: one from each twentieth part of 40, so none comes twice
    assert len(np.unique(inputs["y0"].numpy(), axis=0)) == 60


def test_blocks_of_near_conditions_are_carried_over(encode, rng):
    X = rng.uniform(-1, 1, (400, 2))
    lam = np.repeat([0.0, 1.0], 200)
    slope = np.array([[3.0], [-2.0]])
    y = X @ slope * (1 + lam[:, None])
    data = encode(X, y, lam)
    dataset = BlockDataset(data, "cpu", 16, 1.0)
    inputs, _ = dataset.draw(torch.arange(64), torch.Generator().manual_seed(0))
    # outputs are linear in x without noise: carried over, ends are those of the beginnings' x
    assert_allclose(inputs["y1"], 2 * inputs["y0"], atol=1e-4)
    assert inputs["tags0"].shape == (64, 2)


def test_k_d_order_keeps_parts_together(rng):
    y = rng.uniform(0, 1, (64, 2))
    order = k_d_order(y)
    assert_array_equal(np.sort(order), np.arange(64))
    parts = y[order].reshape(4, 16, 2)
    assert np.ptp(parts, axis=1).max() < 0.75


def test_thinned_blocks_keep_their_rows(encode, rng):
    data = encode(None, rng.standard_normal((80, 2)), np.repeat([0.0, 1.0], 40))
    dataset = BlockDataset(data, "cpu", 20, 1.0)
    inputs, _ = dataset.draw(torch.arange(40), torch.Generator().manual_seed(0))
    inputs.pop("y1"), inputs.pop("tags1")
    few, rows = Blocks(moved=2 * inputs["y0"], size=20, **inputs).thin(5)
    assert few.size == 5
    assert_array_equal(rows, np.arange(0, 40, 4))
    assert torch.equal(few.moved, 2 * few.y0)
    assert torch.equal(few.x0.group, path_conditions(data, np.zeros(10, int), "cpu").group)
