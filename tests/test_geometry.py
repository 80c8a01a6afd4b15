"""Mass that moves, and mass that changes in place: tests of truth."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit
from sklearn.base import clone

from sklearn_hti import HyperparameterTrajectoryRegressor, load
from sklearn_hti.baselines import DisplacementInterpolationRegressor
from sklearn_hti.exceptions import CouplingWarning
from sklearn_hti.lagrangian import Unbalanced
from sklearn_hti.metrics import squared_wasserstein

THREE = np.array([0.0, 0.5, 1.0])


def two_modes(lam, rng):
    side = np.where(rng.random(len(lam)) < 0.1 + 0.8 * lam, 3.0, -3.0)
    return side + 0.3 * rng.normal(size=len(lam))


def surrogate(**params):
    return HyperparameterTrajectoryRegressor(**{"random_state": 0, **params})


def modes_at_a_quarter(n_seeds):
    """Return W2^2 to the truth, its floor, and the part of draws in the gap, by seed."""
    lam, at = np.repeat(THREE, 800), np.full(800, 0.25)
    found = []
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        model = surrogate(random_state=seed).fit(None, two_modes(lam, rng), lam)
        draws = model.sample(None, lam=0.25, n_samples=800, random_state=seed)
        truth, again = (two_modes(at, rng)[:, None] for _ in "ab")
        distances = (squared_wasserstein(truth, y) for y in (draws.reshape(-1, 1), again))
        found.append([*distances, np.mean(np.abs(draws) < 1.5)])
        assert model.diagnostics_["geometry"] == "mixture"
    return np.mean(found, axis=0)


@pytest.mark.parametrize("n_seeds", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_modes_change_their_weights_in_place(n_seeds):
    distance, floor, gap = modes_at_a_quarter(n_seeds)
    assert distance <= 1.5 * floor
    assert gap <= 0.02


@pytest.fixture(scope="module")
def events():
    rng, lam = np.random.default_rng(1), np.repeat(THREE, 600)
    y = (rng.random(1800) < expit(-2 + 4 * lam)).astype(float)
    return surrogate().fit(None, y, lam), y, lam


@pytest.mark.parametrize("lam", [0.1, 0.25, 0.8])
def test_events_whose_logit_is_linear(events, lam):
    model = events[0]
    draws = model.sample(None, lam=lam, n_samples=2000, random_state=0)
    p = expit(-2 + 4 * lam)
    assert set(draws.ravel()) == {0.0, 1.0}
    # of logits at both ends, and of the draws
    ends, s = THREE[[0, 1]] if lam < 0.5 else THREE[[1, 2]], (lam % 0.5) / 0.5
    p_ends = expit(-2 + 4 * ends)
    of_logit = np.sum(np.array([1 - s, s]) ** 2 / (600 * p_ends * (1 - p_ends)))
    error = np.sqrt((p * (1 - p)) ** 2 * of_logit + p * (1 - p) / 2000)
    assert abs(draws.mean() - p) < 3.5 * error
    assert_allclose(model.predict(None, lam=lam), draws.mean(), atol=0.02)


def test_the_time_of_jumps_is_seen_from_left_out_values(rng):
    lam = np.repeat(np.linspace(0, 1, 5), 400)
    for p, time in ((expit(-5 + 10 * lam), "logit"), (0.02 + 0.96 * lam, "linear")):
        model = surrogate(base=None).fit(None, (rng.random(2000) < p) * 1.0, lam)
        assert model.diagnostics_["jump_time"] == time


def test_counts_are_whole_numbers_with_the_right_mean(rng):
    lam = np.repeat([0.0, 1.0, 2.0], 400)
    model = surrogate().fit(None, rng.poisson(1 + 3 * lam).astype(float), lam)
    draws = model.sample(None, lam=0.5, n_samples=2000, random_state=0)
    assert_array_equal(draws, np.rint(draws))
    assert abs(draws.mean() - 2.5) < 3.5 * np.sqrt(0.5**2 * (1 + 4) / 400 + 2.5 / 2000)
    assert abs(draws.var() - 2.5) < 0.6  # of a mixture of both ends 4.75


def test_what_moves_stays_with_transport(rng):
    lam = np.repeat(THREE, 200)
    for y in (rng.normal(3 * lam, 0.3 + lam), 3 * np.cos(np.pi * lam) + rng.normal(size=600)):
        model = surrogate(base=None).fit(None, y, lam)
        found = model.diagnostics_
    assert (found["geometry"], found["reweighted"]) == ("transport", 0.0)


def test_given_outputs_follow_a_particle(events):
    model, y, lam = events
    start = y[lam == 0.0]
    assert_array_equal(model.transport(None, start, lam_from=0.0, lam_to=0.0), start)
    end = model.transport(None, start, lam_from=0.0, lam_to=0.5)
    assert set(end) == {0.0, 1.0}
    assert abs(end.mean() - y[lam == 0.5].mean()) < 3.5 * np.sqrt(0.25 / 600)
    assert_array_equal(end, model.transport(None, start, lam_from=0.0, lam_to=0.5))
    path = model.trajectory(None, [0.0, 0.5, 1.0], y=start, lam_from=0.0)
    assert_array_equal(path[:, start == 1.0], 1.0)  # what is up stays up


def test_answers_of_jumps(events, tmp_path):
    model = events[0]
    path = model.trajectory(None, THREE, n_samples=300, random_state=0)
    assert_array_equal(path[1], model.sample(None, lam=0.5, n_samples=300, random_state=0))
    assert model.derivative(None, lam=0.3)[0] == pytest.approx(4 * 0.31 * 0.69, rel=0.25)
    lower, upper = model.interval(None, lam=0.25)
    assert lower < model.predict(None, lam=0.25) < upper
    mean, std = model.predict(None, lam=0.25, return_std=True)
    assert_allclose(std, np.sqrt(mean * (1 - mean)))
    with pytest.raises(ValueError, match=r"export writes a map.*geometry='mixture'"):
        model.export(tmp_path / "graph.onnx")
    model.save(tmp_path / "model")
    draws = [
        m.sample(None, lam=0.3, n_samples=9, random_state=0)
        for m in (model, load(tmp_path / "model"))
    ]
    assert_array_equal(*draws)
    assert model.lagrangian_.growth == 0.0


def test_networks_with_draws_are_mixed():
    def network(p):
        return lambda X, n_samples: (
            np.random.default_rng(0).random((n_samples, len(X))) < p + 0.2 * X[:, 0]
        ).astype(float)

    networks = {0.0: network(0.1), 1.0: network(0.4), 2.0: network(0.7)}
    X = np.repeat(np.linspace(0, 1, 5), 40)[:, None]
    y = np.concatenate([net(X, 1)[0] for net in networks.values()])
    model = surrogate(networks=networks).fit(np.tile(X, (3, 1)), y, np.repeat([*networks], 200))
    draws = model.sample([[0.5]], lam=0.5, n_samples=400, random_state=0)
    p = expit((logit(0.2) + logit(0.5)) / 2)
    assert set(draws.ravel()) == {0.0, 1.0}
    assert abs(draws.mean() - p) < 0.08
    with pytest.raises(ValueError, match="networks= that answer with draws cannot move"):
        model.transport([[0.5]], [0.0], lam_from=0.0, lam_to=1.0)


def test_rows_of_labels_stay_rows(rng):
    p = np.repeat([[0.7, 0.2, 0.1], [0.4, 0.2, 0.4], [0.1, 0.2, 0.7]], 300, axis=0)
    y = np.eye(3)[[rng.choice(3, p=row) for row in p]]
    model = surrogate().fit(None, y, np.repeat(THREE, 300))
    draws = model.sample(None, lam=0.25, n_samples=500, random_state=0)[:, 0]
    assert_array_equal(draws.sum(axis=1), 1)
    assert_allclose(draws.mean(axis=0), [0.55, 0.2, 0.25], atol=0.08)


def test_single_draws_of_other_inputs(rng):
    X, lam = rng.uniform(-1, 1, (600, 1)), rng.choice(THREE, 600)
    y = (rng.random(600) < expit(3 * X[:, 0] - 1 + 2 * lam)).astype(float)
    model = surrogate(validate=False).fit(X, y, lam)
    new = np.linspace(-0.8, 0.8, 9)[:, None]
    assert set(model.sample(new, lam=0.25, random_state=0)) <= {0.0, 1.0}
    error = model.predict(new, lam=0.25) - expit(3 * new[:, 0] - 0.5)
    assert np.sqrt(np.mean(error**2)) < 0.15


def test_several_hyperparameters_are_mixed_by_simplices(rng):
    grid = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    lam = np.repeat(grid, 200, axis=0)
    y = (rng.random(800) < 0.1 + 0.4 * lam.sum(axis=1)).astype(float)
    model = surrogate(geometry="mixture").fit(None, y, lam)
    assert_allclose(model.predict(None, lam=[[0.5, 0.5]]), 0.5, atol=0.08)
    assert set(model.sample(None, lam=[0.5, 0.5], n_samples=50).ravel()) == {0.0, 1.0}
    with pytest.raises(ValueError, match=r"follows one hyperparameter.*geometry='mixture'"):
        surrogate(geometry="unbalanced").fit(None, y, lam)
    with pytest.warns(CouplingWarning, match=r"takes only 2 values.*Use geometry='mixture'"):
        surrogate(base=None).fit(None, y, lam)


def test_outputs_of_two_networks(rng):
    lam = np.repeat(THREE, 200)
    model = surrogate(geometry=Unbalanced(delta=0.2), base=None).fit(
        None, two_modes(lam, rng), lam
    )
    low, high = two_modes(np.zeros(200), rng), two_modes(np.ones(200), rng)
    y = model.interpolate(None, [low, high], lams=[0.0, 1.0], lam=0.5)
    assert np.abs(y).min() > 1.5
    assert abs(np.mean(y > 0) - 0.5) < 0.1
    assert clone(model).get_params()["geometry__delta"] == 0.2


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"geometry": "mixture", "base": "flow"}, "base='flow' makes none: use base='auto'"),
        ({"geometry": "mixture", "solver": "neural_dual"}, "use solver='coupling'"),
        ({"geometry": Unbalanced(delta=-1)}, "delta=-1 must be 'auto'"),
    ],
)
def test_what_makes_no_particles_is_refused(params, message):
    with pytest.raises(ValueError, match=message):
        surrogate(**params).fit(None, np.arange(9.0), np.repeat(THREE, 3))


def test_baselines_warn_of_few_values(rng):
    lam = np.repeat(THREE, 100)
    with pytest.warns(CouplingWarning, match="Spread them before `fit`"):
        DisplacementInterpolationRegressor().fit(None, (rng.random(300) < 0.5) * 1.0, lam)
