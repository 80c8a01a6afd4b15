"""The neural dual against closed forms: quadratic potentials, Gaussians, one dimension."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.base import clone
from skorch.callbacks import Callback

from sklearn_hti.data.encoding import ConditionEncoder
from sklearn_hti.exceptions import ConvergenceWarning, DivergenceError
from sklearn_hti.lagrangian import DensityPotential, Lagrangian, LearnedMetric
from sklearn_hti.lagrangian.support import path_conditions
from sklearn_hti.nn import Conditioning
from sklearn_hti.nn.settings import Training, TrainingSettings
from sklearn_hti.paths import GeodesicPath, StraightGeodesic
from sklearn_hti.solvers import CouplingSolver
from sklearn_hti.solvers.c_transform import c_transform, minimise_rows
from sklearn_hti.solvers.neural_dual import NeuralDual

SETTINGS = TrainingSettings(1, 1, 1.0, False, 0.0, "cpu")
FAST = {
    "max_iter": 200,
    "learning_rate": 0.005,
    "hidden_layer_sizes": (32, 32),
    "map_hidden_layer_sizes": (32, 32),
}
FLAT = Lagrangian(None, None)


def fit(data, X=None, lagrangian=FLAT, callbacks=(), **parameters):
    X = np.zeros((len(data.y), 0)) if X is None else X
    encoder = ConditionEncoder().fit(X, None, len(X))
    return NeuralDual(**parameters).fit_maps(
        data,
        lagrangian,
        GeodesicPath(n_nodes=3, n_segments=6),
        Training(encoder, {"paths": 0, "pairs": 0}, SETTINGS, Conditioning(), callbacks),
    )


def gaussians(encode, n, A, mean, rng):
    """Two anchors, N(0, I) and N(mean, A A'), with as many draws that training does not see."""
    n_outputs = len(mean)
    z = rng.standard_normal((4, n, n_outputs))
    data = encode(None, np.vstack([z[0], z[1] @ A + mean]), np.repeat([0.0, 1.0], n))
    # the fresh draws of both sides share their noise: that of the dual value cancels
    return data, z[2], z[2] @ A + mean


def dual_value(maps, data, y0, y1):
    """Return the dual on given draws, the c-transform taken to convergence."""
    module = maps.net.module_
    rows = np.zeros(len(y0), dtype=int)
    x = path_conditions(data, rows, "cpu")
    y0, y1 = (torch.as_tensor(y, dtype=torch.float32) for y in (y0, y1))
    start = module.move(y0, x)
    _, value = c_transform(module.cost, module.potential, y0, x, start, 30)
    return float(value.mean() + module.potential(y1, x).mean())


CASES = [
    (np.array([[0.5]]), np.array([1.5])),
    (np.array([[1.4, 0.4], [0.4, 0.6]]), np.array([1.0, -0.5])),
]


def check_gaussians(encode, rng, A, mean, n, tolerance, **parameters):
    data, y0, y1 = gaussians(encode, n, A, mean, rng)
    maps = fit(data, **parameters)
    # W2^2 of N(0, I) and N(m, A^2), A symmetric: |m|^2 + |A - I|^2
    exact = 0.5 * (np.sum(mean**2) + np.sum((A - np.eye(len(A))) ** 2))
    assert dual_value(maps, data, y0, y1) == pytest.approx(exact, rel=tolerance)
    moved = maps.move(y0, 0, np.zeros(len(y0), dtype=int), data)
    assert np.mean(np.sum((moved - y1) ** 2, axis=1)) < 0.03 * 2 * exact


@pytest.mark.parametrize(("A", "mean"), CASES)
def test_dual_value_and_map_between_gaussians(encode, rng, A, mean):
    check_gaussians(encode, rng, A, mean, n=1500, tolerance=0.06, **FAST)


@pytest.mark.slow
@pytest.mark.parametrize(("A", "mean"), CASES)
def test_dual_value_between_gaussians_within_three_per_cent(encode, rng, A, mean):
    check_gaussians(encode, rng, A, mean, n=4000, tolerance=0.03, max_iter=1000)


def test_map_in_one_dimension_is_the_monotone_rearrangement(encode, rng):
    # from a normal to a skewed law: T = F1^-1(F0)
    n = 1000
    y0, y1 = rng.standard_normal(n), 0.4 * np.exp(0.7 * rng.standard_normal(n))
    data = encode(None, np.concatenate([y0, y1]), np.repeat([0.0, 1.0], n))
    maps = fit(data, **FAST)
    z = norm.ppf(np.linspace(0.05, 0.95, 19))[:, None]
    moved = maps.move(z, 0, np.zeros(19, dtype=int), data)
    assert (np.diff(moved[:, 0]) > 0).all()
    np.testing.assert_allclose(moved, 0.4 * np.exp(0.7 * z), atol=0.15)


def test_maps_are_conditional(encode, rng):
    # both conditions have the same laws at the first anchor, opposite ones at the second
    X = np.tile(np.repeat([[-1.0], [1.0]], 200, axis=0), (2, 1))
    lam = np.repeat([0.0, 1.0], 400)
    y = 0.3 * rng.standard_normal((800, 1)) + lam[:, None] * X
    data = encode(X, y, lam)
    maps = fit(data, X, **FAST)
    trajectories = maps.trajectories(data)
    gain = trajectories.points[:, 1] - trajectories.points[:, 0]
    np.testing.assert_allclose(gain, X[trajectories.rows[:, 0]], atol=0.25)


def test_pre_training_leads_to_the_identity_and_to_flat_potentials(encode, rng):
    data, *_ = gaussians(encode, 100, *CASES[1], rng)
    x = path_conditions(data, np.arange(200), "cpu")
    y = torch.as_tensor(data.y, dtype=torch.float32).requires_grad_()
    seen = []

    class Look(Callback):
        def on_train_begin(self, net, *args, **kwargs):
            (slope,) = torch.autograd.grad(net.module_.potential(y, x).sum(), y)
            move = net.module_.move(y, x) - y
            seen.append([v.square().mean().sqrt().item() for v in (move, slope)])

    for n_steps in (None, 0, 200):
        with pytest.warns(ConvergenceWarning, match="maps stop short"):
            fit(data, callbacks=[Look()], **FAST | {"max_iter": 1, "pretrain_iter": n_steps})
    at_zero, at_random, trained = np.array(seen)
    assert (at_zero == 0).all()
    assert (at_random > 0.01).all()
    assert (trained < 0.1 * at_random).all()


def test_trajectories_name_rows_of_their_anchors_and_conditions(encode, clouds):
    data = encode(clouds.X, clouds.y, clouds.lam)
    with pytest.warns(ConvergenceWarning, match="maps stop short"):
        maps = fit(data, clouds.X, max_iter=2)
    trajectories = maps.trajectories(data)
    assert isinstance(maps.geodesic, StraightGeodesic)
    np.testing.assert_array_equal(trajectories.rows[:, 0], data.anchors.rows(0))
    np.testing.assert_array_equal(data.anchors.index[trajectories.rows], [[0, 1, 2]] * 120)
    groups = data.groups[trajectories.rows]
    np.testing.assert_array_equal(groups, groups[:, :1].repeat(3, axis=1))
    # the identity, but for two steps
    assert np.ptp(trajectories.points, axis=1).max() < 0.1


@pytest.mark.parametrize("m", [0.5, 4.0])
def test_c_transform_of_a_quadratic_potential(rng, m):
    # c = m |y - y0|^2 / 2, g = b'y - y'Ay / 2: the minimum is at (m I + A)^-1 (m y0 + b)
    A = torch.tensor([[1.0, 0.3], [0.3, 0.5]])
    b = torch.tensor([0.5, -1.0])
    y0 = torch.as_tensor(rng.standard_normal((50, 2)), dtype=torch.float32)
    y, value = c_transform(
        lambda y0, y, x: 0.5 * m * ((y - y0) ** 2).sum(dim=1),
        lambda y, x: y @ b - 0.5 * ((y @ A) * y).sum(dim=1),
        y0,
        None,
        y0,
        12,
    )
    exact = torch.linalg.solve(m * torch.eye(2) + A, (m * y0 + b).T).T
    torch.testing.assert_close(y, exact, atol=1e-3, rtol=1e-3)
    at_exact = 0.5 * m * ((exact - y0) ** 2).sum(dim=1)
    at_exact -= exact @ b - 0.5 * ((exact @ A) * exact).sum(dim=1)
    torch.testing.assert_close(value, at_exact, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("n_iter", [0, 1, 4, 40])
def test_each_row_keeps_its_best_iterate(rng, n_iter):
    # steep, not convex, undefined on half of the plane; rows differ in scale by 10^4
    weight = torch.logspace(-2, 2, 64)

    def objective(y):
        bent = (1 - y[:, 0]) ** 2 + 100 * (y[:, 1] - y[:, 0] ** 2) ** 2
        return weight * bent + torch.log(y[:, 0] + 3) * 0

    start = torch.as_tensor(rng.uniform(-2, 2, (64, 2)), dtype=torch.float32)
    y, value = minimise_rows(objective, start, n_iter, max_step=1.0)
    torch.testing.assert_close(value, objective(y))
    assert (value <= objective(start)).all()
    if n_iter == 40:
        assert (value / objective(start)).median() < 0.01


def test_rows_do_not_feel_each_other(rng):
    start = torch.as_tensor(rng.standard_normal((8, 3)), dtype=torch.float64)

    def objective(y):
        return (y**4).sum(dim=1) + y.prod(dim=1)

    together, _ = minimise_rows(objective, start, 5)
    alone = torch.cat([minimise_rows(objective, row[None], 5)[0] for row in start])
    torch.testing.assert_close(together, alone)


def arcs(encode, n=60):
    rng = np.random.default_rng(0)
    lam = np.repeat([0.0, 1.0], n)
    angle = np.pi / 2 * lam + 0.2 * rng.standard_normal(2 * n)
    return encode(None, np.column_stack([np.cos(angle), np.sin(angle)]), lam)


@pytest.mark.filterwarnings("ignore:neural_dual")
def test_history_records_what_the_dual_does(encode):
    data = arcs(encode)
    encoder = ConditionEncoder().fit(np.zeros((len(data.y), 0)), None, len(data.y))
    metric = LearnedMetric().metric(data, encoder, Conditioning(), 0)
    before = {k: v.clone() for k, v in metric.state_dict().items()}
    field = DensityPotential().field(data, None, 0)
    lagrangian = Lagrangian(metric, field, 0.2, 100.0, "study")
    maps = fit(data, lagrangian=lagrangian, max_iter=20, path_every=5, path_iter=2)
    last = maps.net.history[-1]
    assert {"dual_value", "cost", "map_residual", "negative_share"} <= set(last)
    assert 0.1 <= last["eigenvalue_min"] <= last["eigenvalue_max"] <= 1.0
    changed = [k for k, v in metric.state_dict().items() if not torch.equal(v, before[k])]
    assert changed  # the metric descends
    assert maps.geodesic.deviation(maps.trajectories(data)).any()


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.ConvergenceWarning")
def test_the_estimator_shows_the_history_of_the_dual(make):
    rng = np.random.default_rng(0)
    lam = np.repeat([0.0, 1.0], 40)
    y = rng.normal(size=(80, 2)) + lam[:, None]
    model = make(solver=NeuralDual(max_iter=60), max_iter=5).fit(None, y, lam)
    paths = [r for r in model.history_.to_dict("records") if r["stage"] == "paths"]
    assert len(paths) == 2
    for record in paths:
        assert record["dual_value"] == pytest.approx(-record["train_loss"])
        assert np.isfinite([record["cost"], record["map_residual"]]).all()


@pytest.mark.filterwarnings("ignore:neural_dual")
def test_same_seed_same_maps(encode):
    data = arcs(encode)
    points = [fit(data, max_iter=5).trajectories(data).points for _ in range(2)]
    np.testing.assert_array_equal(*points)


def test_divergence_is_named(encode):
    with pytest.raises(DivergenceError, match="learning_rate"):
        fit(arcs(encode), max_iter=100, learning_rate=1e30)


def test_plan_is_that_of_the_coupling(encode, clouds):
    data = encode(clouds.X, clouds.y, clouds.lam)
    plans = [
        solver.plan(data, (0, 1), StraightGeodesic(), np.random.default_rng(0)).toarray()
        for solver in (NeuralDual(), CouplingSolver())
    ]
    np.testing.assert_array_equal(*plans)


def test_settings_of_the_study():
    study = clone(NeuralDual.study())
    assert study.max_iter == 2001
    assert (study.path_iter, study.path_every, study.inner_iter) == (1001, 25, 10)
    assert study.metric_learning_rate == 5e-3
    assert study.learning_rate == study.path_learning_rate == 1e-4
