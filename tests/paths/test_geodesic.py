"""Learned geodesics: circles and straight lines in closed form, end points, refinement."""

import numpy as np
import ot
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from sklearn_hti._utils.random import torch_generator
from sklearn_hti.data.encoding import ConditionEncoder
from sklearn_hti.lagrangian import KineticEnergy, Lagrangian, LearnedMetric
from sklearn_hti.lagrangian.support import path_conditions
from sklearn_hti.nn import Conditioning
from sklearn_hti.nn.batches import STEPS_PER_EPOCH
from sklearn_hti.nn.settings import Training, TrainingSettings
from sklearn_hti.paths import Geodesic, GeodesicPath
from sklearn_hti.paths.geodesic import build_paths, refine
from sklearn_hti.paths.learning import learn_geodesics
from sklearn_hti.paths.trajectories import Trajectories
from sklearn_hti.solvers import CouplingSolver

SETTINGS = TrainingSettings(1, 1, 1.0, False, 1e-4, "cpu")  # the first three are the path's
SEEDS = {"coupling": 0, "paths": 1, "pairs": 2}


class Cylinder(nn.Module):
    """G = I / |q|^2: flat in (log radius, angle); circles about the origin are geodesics."""

    def forward(self, q, v, x):
        return (v**2).sum(dim=-1) / (q**2).sum(dim=-1)


class Constant(nn.Module):
    """G = A."""

    def __init__(self, A):
        super().__init__()
        self.register_buffer("A", torch.as_tensor(A, dtype=torch.float32))

    def forward(self, q, v, x):
        return torch.einsum("ntd,de,nte->nt", v, self.A, v)


class Given(KineticEnergy):
    """The kinetic energy of a module."""

    def __init__(self, module):
        self.module = module

    def metric(self, data, encoder, conditioning, seed):
        return self.module


def learn(component, module, data, X=None):
    """Train paths on couplings of the data under a metric; return (geodesic, plans)."""
    encoder = ConditionEncoder().fit(X, None, len(data.y))
    metric = Given(module).metric(data, encoder, Conditioning(), 0)
    lagrangian, solver = Lagrangian(metric, None), CouplingSolver()
    training = Training(encoder, SEEDS, SETTINGS, Conditioning())
    geodesic, _ = learn_geodesics(solver, data, lagrangian, component, training)
    rng = np.random.default_rng(0)
    return geodesic, [solver.plan(data, edge, geodesic, rng) for edge in data.anchors.edges]


def circle(angle, radius=1.0):
    return radius * np.column_stack([np.cos(angle), np.sin(angle)])


# ---------------------------------------------------------------- the cost and its gradient


@pytest.fixture
def ends(encode, rng):
    """An untrained path network, made to bend, with ends and conditions."""
    data = encode(None, rng.normal(size=(8, 2)) + 3, np.arange(8) % 2)
    encoder = ConditionEncoder().fit(None, None, 8)
    training = Training(encoder, {"paths": 0}, conditioning=Conditioning())
    paths = build_paths(GeodesicPath(), 2, training).double()
    y0, y1 = torch.as_tensor(data.y).chunk(2)
    return paths, y0, y1.requires_grad_(), path_conditions(data, np.arange(4), "cpu")


def test_gradient_of_the_cost_in_closed_form(ends):
    """Straight lines under a constant metric: dc/dy1 = A (y1 - y0)."""
    paths, y0, y1, x = ends
    A = torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    cost = Lagrangian(Constant(A).double(), None)
    (gradient,) = torch.autograd.grad(cost(paths(y0, y1, x), x)[0].sum(), y1)
    assert_allclose(gradient, (y1 - y0).detach() @ A, rtol=1e-9)


def test_gradient_of_the_cost_of_bent_paths(ends):
    """The derivative through the path network and the metric, against differences."""
    paths, y0, y1, x = ends
    paths.net.output.weight.data.normal_(std=0.1, generator=torch_generator(0))
    cost = Lagrangian(Cylinder(), None)
    assert torch.autograd.gradcheck(lambda y: cost(paths(y0, y, x), x)[0], y1)


# ---------------------------------------------------------------- circles


@pytest.fixture(scope="module")
def arcs(encode):
    """Paths learned between 30 starts and 30 ends on the unit circle, 20 to 140 degrees apart.

    The pairs that are looked at are those of the middle 20: 40 to 120 degrees.
    """
    start = np.deg2rad(np.linspace(-70, -10, 30))
    y0, y1 = circle(start), circle(-start[::-1])
    data = encode(None, np.concatenate([y0, y1]), np.repeat([0.0, 1.0], 30))
    component = GeodesicPath(n_segments=20, max_iter=600, learning_rate=0.005)
    geodesic, _ = learn(component, Cylinder(), data)
    i, j = (index.ravel() for index in np.indices((20, 20)) + 5)
    return y0[i], y1[j], -start[::-1][j] - start[i], geodesic


def test_geodesics_are_circles(arcs):
    y0, y1, _, geodesic = arcs
    radius = np.linalg.norm(geodesic.path(y0, y1, np.zeros(400, int)), axis=2)
    assert np.linalg.norm(0.5 * (y0 + y1), axis=1).min() < 0.53  # where straight lines would be
    assert np.abs(radius - 1).max() < 0.01


def test_constant_speed_is_constant_angle(arcs):
    y0, y1, turn, geodesic = arcs
    path = geodesic.path(y0, y1, np.zeros(400, int))
    angle = np.arctan2(path[..., 1], path[..., 0]) - np.arctan2(y0[:, 1], y0[:, 0])[:, None]
    assert_allclose(angle / turn[:, None], np.tile(np.linspace(0, 1, 21), (400, 1)), atol=0.01)


def test_their_cost_is_half_the_squared_angle(arcs):
    y0, y1, turn, geodesic = arcs
    cost = geodesic.cost(y0, y1, np.zeros(400, int))
    assert_allclose(cost, 0.5 * turn**2, rtol=0.02)
    matrix = geodesic.cost_matrix(y0[::20], y1[:20], np.zeros(20, int))
    assert_allclose(matrix, cost.reshape(20, 20), rtol=0.02)  # at every other point


@pytest.mark.parametrize("chunk", [1, 7, 8192])
def test_many_small_problems_are_priced_as_one_by_one(arcs, monkeypatch, chunk):
    y0, y1, _, geodesic = arcs
    y0, y1, rows = y0[::20], y1[:20], np.zeros(20, int)
    parts = [(np.arange(3), np.arange(5)), (np.array([7]), np.array([2, 4])), (np.arange(9),) * 2]
    alone = [geodesic.cost_matrix(y0[i], y1[j], rows[i]) for i, j in parts]
    monkeypatch.setattr("sklearn_hti.paths.geodesic._CHUNK", chunk)
    together = geodesic.cost_matrices(y0, y1, parts, rows)
    for one, other in zip(alone, together, strict=True):
        assert_allclose(other, one, rtol=1e-5)


def test_bends_do_not_depend_on_how_many_are_drawn_at_once(arcs, monkeypatch):
    y0, y1, _, geodesic = arcs
    rows = np.zeros((400, 2), int)
    trajectories = Trajectories(
        np.stack([y0, y1], axis=1), np.zeros((400, 1, 0, 2)), rows, rows[:, 0], rows[:, 0] + 1
    )
    bends = geodesic.deviation(trajectories)
    monkeypatch.setattr("sklearn_hti.paths.geodesic._CHUNK", 150)
    assert_allclose(geodesic.deviation(trajectories), bends, atol=1e-5)


@pytest.mark.parametrize("chunk", [150, 8192])
@pytest.mark.parametrize("n_points", [1, 3])
def test_points_between_are_evenly_spaced_on_the_circle(arcs, monkeypatch, chunk, n_points):
    y0, y1, turn, geodesic = arcs
    monkeypatch.setattr("sklearn_hti.paths.geodesic._CHUNK", chunk)
    rows = np.zeros((400, 3), int)
    there_and_back = np.stack([y0, y1, y0], axis=1)
    trajectories = Trajectories(
        there_and_back, np.zeros((400, 2, 0, 2)), rows, rows[:, 0], rows[:, 0] + 2
    )
    between = geodesic.between(trajectories, [(0, 1), (1, 2)], n_points)
    assert between.shape == (400, 2, n_points, 2)
    share = np.arange(1, n_points + 1) / (n_points + 1)
    angle = np.arctan2(y0[:, 1], y0[:, 0])[:, None] + turn[:, None] * share
    truth = np.stack([np.cos(angle), np.sin(angle)], axis=2)
    assert_allclose(between[:, 0], truth, atol=0.015)


# ---------------------------------------------------------------- straight lines

A = np.array([[1.0, 0.7], [0.7, 0.6]])  # eigenvalues 0.07 and 1.53


@pytest.fixture(scope="module")
def lines(encode):
    """Paths learned between two clouds of 25 rows under a constant metric."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(50, 2))
    data = encode(None, y, np.repeat([0.0, 1.0], 25))
    component = GeodesicPath(max_iter=300, learning_rate=0.003)
    return data.y[:25], data.y[25:], *learn(component, Constant(A), data)


def test_geodesics_of_a_constant_metric_are_straight(lines):
    y0, y1, geodesic, _ = lines
    i, j = (index.ravel() for index in np.indices((25, 25)))
    path = geodesic.path(y0[i], y1[j], i)
    gap = y1[j] - y0[i]
    length = np.linalg.norm(gap, axis=1)
    away = path - y0[i][:, None]
    across = (away[..., 0] * gap[:, None, 1] - away[..., 1] * gap[:, None, 0]) / length[:, None]
    assert (np.abs(across).max(axis=1) / length).max() < 0.01
    cost = geodesic.cost(y0[i], y1[j], i)
    assert_allclose(cost, 0.5 * np.einsum("nd,de,ne->n", gap, A, gap), rtol=0.01)


def test_plans_are_optimal_in_the_coordinates_of_the_metric(lines):
    y0, y1, _, plans = lines
    values, vectors = np.linalg.eigh(A)
    root = vectors * np.sqrt(values) @ vectors.T
    exact, euclidean = (
        25 * ot.emd(np.full(25, 1 / 25), np.full(25, 1 / 25), ot.dist(a, b))
        for a, b in ((y0 @ root, y1 @ root), (y0, y1))
    )
    assert_allclose(plans[0].toarray(), exact, atol=1e-9)
    assert np.abs(exact - euclidean).sum() > 10  # many partners differ from the Euclidean ones


# ---------------------------------------------------------------- any path


@pytest.fixture
def untrained(encode, rng):
    """A path network of random parameters under the cylinder's metric."""
    data = encode(rng.normal(size=(40, 1)), rng.normal(size=(40, 2)), np.arange(40) % 2)
    encoder = ConditionEncoder().fit(rng.normal(size=(40, 1)), None, 40)
    training = Training(encoder, {"paths": 0}, conditioning=Conditioning())
    paths = build_paths(GeodesicPath(n_segments=12), 2, training)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        paths.net.output.weight.normal_(std=0.05, generator=generator)
    y0, y1 = circle(rng.uniform(0, 0.5, 40), 2.0), circle(rng.uniform(1, 2, 40), 1.5)
    lagrangian = Lagrangian(Cylinder(), None)
    return (
        lambda n: Geodesic(paths, lagrangian, data, "cpu", GeodesicPath(refine_steps=n)),
        y0,
        y1,
        np.arange(40),
    )


@pytest.mark.parametrize("n_steps", [0, 5])
def test_end_points_are_exact_to_single_precision(untrained, n_steps):
    geodesic, y0, y1, rows = untrained
    path = geodesic(n_steps).path(y0, y1, rows)
    assert_array_equal(path[:, 0], y0.astype(np.float32))
    assert_allclose(path[:, -1], y1, rtol=0, atol=2e-7)
    assert np.abs(path[:, 6] - 0.5 * (y0 + y1)).max() > 0.05  # it is no straight line


@pytest.mark.parametrize("n_steps", [0, 5])
def test_a_path_between_equal_points_stays_there(untrained, n_steps):
    geodesic, y0, _, rows = untrained
    path = geodesic(n_steps).path(y0, y0, rows)
    assert_allclose(path, y0[:, None].repeat(13, axis=1), atol=2e-6)
    assert (geodesic(n_steps).cost(y0, y0, rows) < 1e-9).all()


def test_refinement_never_raises_a_cost_and_approaches_the_geodesic(untrained):
    """In (log radius, angle) paths are straight: half the squared distance is the least."""
    geodesic, y0, y1, rows = untrained
    paths, lagrangian, data = (getattr(geodesic(0), k) for k in ("paths", "lagrangian", "data"))
    x = path_conditions(data, rows, "cpu")
    start, end = (torch.as_tensor(y, dtype=torch.float32) for y in (y0, y1))
    nodes = paths.nodes(start, end, x).detach()
    refined = [refine(paths, lagrangian, start, end, nodes, x, n) for n in (0, 1, 5, 50, 400)]
    cost = np.array([lagrangian(paths.path(start, end, n), x)[0].detach() for n in refined])
    assert (np.diff(cost, axis=0) <= 0).all()
    angle = np.arctan2(y1[:, 1], y1[:, 0]) - np.arctan2(y0[:, 1], y0[:, 0])
    least = 0.5 * (angle**2 + np.log(1.5 / 2.0) ** 2)
    assert (cost[0] > 1.05 * least).mean() > 0.9
    assert (cost[-1] - least < 0.2 * (cost[0] - least)).all()
    assert_allclose(cost[-1], least, rtol=0.03)


@pytest.mark.parametrize("max_iter", [20, 120])
def test_the_metric_learns_however_short_the_training(encode, rng, max_iter):
    y = rng.normal(size=(60, 2))
    y[30:, 0] += 3.0
    data = encode(None, y, np.repeat([0.0, 1.0], 30))
    encoder = ConditionEncoder().fit(None, None, 60)
    metric = LearnedMetric().metric(data, encoder, Conditioning(), 0)
    before = [p.clone() for p in metric.parameters()]
    learn(GeodesicPath(max_iter=max_iter), metric, data)
    assert any((p != q).any() for p, q in zip(metric.parameters(), before, strict=True))


@pytest.mark.parametrize(("n_couplings", "n_epochs"), [(1, 5), (2, 5), (3, 8), (4, 5)])
def test_plans_are_solved_anew_as_often_as_asked(encode, rng, n_couplings, n_epochs):
    """Once per edge before training, and `n_couplings` times in it."""
    calls = []

    class Counting(CouplingSolver):
        def plan(self, data, edge, geodesic, rng):
            calls.append(edge)
            return super().plan(data, edge, geodesic, rng)

    data = encode(None, rng.normal(size=(20, 2)) + 3, np.arange(20) % 2)
    encoder = ConditionEncoder().fit(None, None, 20)
    component = GeodesicPath(
        max_iter=n_epochs * STEPS_PER_EPOCH, batch_size=4, n_couplings=n_couplings
    )
    lagrangian = Lagrangian(Cylinder(), None)
    training = Training(encoder, SEEDS, SETTINGS, Conditioning())
    learn_geodesics(Counting(), data, lagrangian, component, training)
    assert len(calls) == 1 + n_couplings
