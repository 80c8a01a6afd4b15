"""How paths continue at an anchor: smooth curves, and deviations that kinks support or not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.utils import Bunch

from sklearn_hti.data.anchors import find_anchors
from sklearn_hti.data.conditions import Features
from sklearn_hti.data.encoding import ConditionEncoder
from sklearn_hti.data.training_data import TrainingData
from sklearn_hti.datasets import make_rotations
from sklearn_hti.field import joins
from sklearn_hti.field.joins import join, join_paths
from sklearn_hti.paths import StraightGeodesic
from sklearn_hti.paths.deviation import (
    N_COEFFICIENTS,
    basis_values,
    deviation_basis,
    fit_deviation,
)
from sklearn_hti.paths.trajectories import Trajectories, build_trajectories
from sklearn_hti.solvers import CouplingSolver

s = np.linspace(0, 1, 33)


def through(points, deviation=None, first=0, last=None):
    """Trajectories (N, K + 1, D) that run from anchor `first` to `last`, a row each."""
    points = np.asarray(points, dtype=float)
    n, n_knots = points.shape[:2]
    return Trajectories(
        points,
        np.zeros((n, n_knots - 1, 0, points.shape[2])) if deviation is None else deviation,
        np.arange(n)[:, None].repeat(n_knots, axis=1),
        np.broadcast_to(first, n),
        np.broadcast_to(n_knots - 1 if last is None else last, n),
    )


def curves(trajectories):
    """Points of the joined trajectories, (N, K, 33, D)."""
    points, deviation = trajectories.points, join(trajectories).deviation
    functions = basis_values(torch.as_tensor(s), torch.as_tensor(deviation_basis(N_COEFFICIENTS)))
    chords = points[:, :-1, None] + s[:, None] * np.diff(points, axis=1)[:, :, None]
    return chords + functions.numpy() @ deviation


# ---------------------------------------------------------------- smooth curves


@pytest.mark.parametrize("n_knots", [3, 4])
def test_even_knots_on_a_line_stay_straight(n_knots):
    points = np.linspace([0.0, 1.0], [6.0, -3.0], n_knots)[None].repeat(4, axis=0)
    assert_allclose(join(through(points)).deviation, 0, atol=1e-10)


def test_uneven_knots_on_one_line_stay_straight():
    """The curve is splined over the distance, in which a line is a line."""
    points = np.array([0.0, 1.0, 10.0])[None, :, None] * np.array([0.6, -0.8])
    assert_allclose(join(through(points)).deviation, 0, atol=1e-10)


def test_two_anchors_give_straight_lines(rng):
    points = rng.normal(size=(5, 2, 3))
    straight = through(points)
    assert join(straight) is straight


def test_three_points_of_a_parabola_give_that_parabola():
    """Knots (-1, 1), (0, 0), (1, 1): chords of one length, so both ends are at even distance."""
    t = np.array([-1.0, 0.0, 1.0])
    points = np.column_stack([t, t**2])[None]
    curve = curves(through(points))
    assert_allclose(curve[..., 1], curve[..., 0] ** 2, atol=2e-3)
    assert np.abs(curve[0, :, 16, 1] - 0.5).min() > 0.1  # where the chords are
    speed = np.linalg.norm(np.diff(curve, axis=2), axis=3)
    assert_allclose(speed, speed.mean(axis=2, keepdims=True).repeat(32, axis=2), rtol=0.03)


def test_curves_run_through_the_knots_and_do_not_break(rng):
    """Directions agree on both sides of an inner knot."""
    angle = np.array([0, 0.7, 1.6, 2.0, 3.0]) + rng.uniform(0, 1, size=(6, 1))
    points = np.stack([np.cos(angle), np.sin(angle)], axis=2)
    curve = curves(through(points))
    assert_allclose(curve[:, :, 0], points[:, :-1], atol=1e-12)
    assert_allclose(curve[:, :, -1], points[:, 1:], atol=1e-12)
    before, after = curve[:, :-1, -1] - curve[:, :-1, -2], curve[:, 1:, 1] - curve[:, 1:, 0]
    cosine = (before * after).sum(axis=2) / np.prod(np.linalg.norm([before, after], axis=3), 0)
    assert (np.arccos(cosine.clip(-1, 1)) < 0.1).all()
    assert np.abs(np.linalg.norm(curve, axis=3) - 1).max() < 0.05  # chords: up to 0.12


def test_curves_turn_and_scale_with_the_points(rng):
    points = rng.normal(size=(6, 4, 2)).cumsum(axis=1)
    turn = 3 * np.array([[0.6, 0.8], [-0.8, 0.6]])
    deviation = join(through(points)).deviation
    assert np.abs(deviation).max() > 0.1
    assert_allclose(join(through(points @ turn + 5)).deviation, deviation @ turn, atol=1e-9)


def test_trajectories_that_miss_an_anchor_stay_straight(rng):
    points = rng.normal(size=(4, 3, 2))
    points[1, 0], points[2, 2] = points[1, 1], points[2, 1]
    deviation = join(through(points, first=[0, 1, 0, 0], last=[2, 2, 1, 2])).deviation
    assert (deviation[1:3] == 0).all()
    assert (np.abs(deviation[[0, 3]]).max(axis=(1, 2, 3)) > 1e-3).all()


def test_chunks_do_not_show(rng, monkeypatch):
    points = rng.normal(size=(11, 4, 2)).cumsum(axis=1)
    whole = join(through(points)).deviation
    monkeypatch.setattr(joins, "_CHUNK", 3)
    assert_allclose(join(through(points)).deviation, whole, atol=1e-12)


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("position", [[0, 0.9, 0.95, 1.0], [0, 0.03, 0.05, 0.2, 1.0]])
def test_short_steps_do_not_swing_long_ones(rng, position, n_outputs):
    """A cubic through knots that are near each other, drawn on, would leave by many lengths."""
    speeds = 1 + 0.5 * rng.normal(size=(50, len(position) - 1, n_outputs))
    points = np.cumsum(speeds * np.diff(position)[:, None], axis=1)
    points = np.insert(points, 0, 0, axis=1)
    size = np.linalg.norm(join(through(points)).deviation, axis=(2, 3))
    assert np.sqrt(np.mean(size**2)) < 0.3  # root mean square over all ways


# ---------------------------------------------------------------- learned deviations


def rows(x):
    """Training rows of single answers to the inputs x (n, F)."""
    return Bunch(features=x, groups=np.arange(len(x)))


def arcs(step, n=40, n_knots=3):
    """Circles of radius 1 to 3, knots every `step`, their true deviations, and their inputs."""
    radius = np.linspace(1, 3, n)
    angle = step * (np.arange(n_knots - 1)[:, None] + s)
    path = np.stack([np.cos(angle), np.sin(angle)], axis=-1)  # (K, 33, 2)
    knots = np.concatenate([path[:, 0], path[-1:, -1]])
    scaled = radius[:, None, None]
    deviation = scaled[..., None] * fit_deviation(path)
    return through(scaled * knots, deviation), rows(radius[:, None] - 2)


@pytest.mark.parametrize("step", [0.3, np.pi / 4, np.pi / 2])
def test_circles_keep_their_deviation(rng, step):
    true, data = arcs(step)
    size = np.abs(true.deviation).max()
    assert_allclose(join_paths(true, data, rng).deviation, true.deviation, atol=0.01 * size)
    twice = join_paths(true.deviating(2 * true.deviation), data, rng).deviation
    assert_allclose(twice, true.deviation, atol=0.05 * size)


@pytest.mark.parametrize("step", [0.3, np.pi / 4])
def test_deviations_to_the_wrong_side_are_gone(rng, step):
    """What is left are curves, which come nearer to the circle than its chords."""
    true, data = arcs(step)
    joined = join_paths(true.deviating(-true.deviation), data, rng)
    assert_allclose(
        joined.deviation, join(true.deviating(0 * true.deviation)).deviation, atol=1e-6
    )
    assert np.linalg.norm(joined.deviation - true.deviation) < 0.3 * np.linalg.norm(true.deviation)


def test_answers_that_turn_at_one_speed_keep_it(rng):
    true, data = arcs(np.pi / 6)
    joined = join_paths(true, data, rng)
    path = np.stack([joined.at(t) for t in np.linspace(0, 2, 33)], axis=1)
    speed = np.linalg.norm(np.diff(path, axis=1), axis=2)
    assert_allclose(speed / speed.mean(axis=1, keepdims=True), 1, rtol=0.03)


def test_a_straight_chain_stays_straight(rng):
    direction = rng.normal(size=(40, 1, 3))
    knots = direction * np.array([0.0, 1.0, 3.0, 4.0])[:, None]
    bent = through(knots, rng.normal(size=(40, 3, N_COEFFICIENTS, 3)))
    joined = join_paths(bent, rows(direction[:, 0]), rng)
    assert np.abs(joined.deviation).max() < 0.05 * np.abs(bent.deviation).max()


def test_kinks_that_are_noise_change_little(rng):
    """Single draws of stochastic networks: their kinks say nothing of x."""
    noisy = through(rng.normal(size=(150, 3, 2)), np.zeros((150, 2, N_COEFFICIENTS, 2)))
    joined = join_paths(noisy, rows(rng.normal(size=(150, 3))), rng).deviation
    assert np.linalg.norm(joined) < 0.2 * np.linalg.norm(join(noisy).deviation)


def test_deviations_that_explain_the_kinks_of_draws_stay(rng, monkeypatch):
    """Those that do not are left to curves."""
    true, data = arcs(np.pi / 4)
    data.groups = data.groups // 2
    monkeypatch.setattr(joins, "signal_fractions_of_draws", lambda *args, **kwargs: np.ones(1))
    size = np.abs(true.deviation).max()
    assert_allclose(join_paths(true, data, rng).deviation, true.deviation, atol=0.01 * size)
    straight = true.deviating(0 * true.deviation)
    assert_allclose(join_paths(straight, data, rng).deviation, join(straight).deviation, atol=1e-9)
    monkeypatch.setattr(joins, "signal_fractions_of_draws", lambda *args, **kwargs: np.zeros(1))
    assert_allclose(join_paths(true, data, rng).deviation, true.deviation, atol=1e-3 * size)


def test_paths_of_draws_come_near_to_turning_discs(rng):
    """Halfway between anchors straight lines miss the circle that discs turn on."""
    made = make_rotations(60, n_conditions=12, random_state=0)
    encoder = ConditionEncoder().fit(made.X, None, len(made.X))
    conditions = encoder.transform(made.X, len(made.X))
    features = Features(conditions, [])
    anchors = find_anchors(made.lam)
    data = TrainingData(made.y, conditions, features, conditions.groups(), made.lam, anchors)
    plans = [CouplingSolver().plan(data, e, StraightGeodesic(), rng) for e in anchors.edges]
    straight = build_trajectories(data, plans, rng)
    bendable = straight.deviating(np.zeros((*straight.deviation.shape[:2], N_COEFFICIENTS, 2)))
    x, start = made.X[straight.rows[:, 0]], straight.points[:, 0]
    for t, lam in ((0.5, 0.25), (1.5, 0.75)):
        there = made.truth.transport(x, start, 0.0, lam)
        chord, curve = (
            np.mean(_by_group(data.groups[straight.rows[:, 0]], path.at(t) - there, start) ** 2)
            for path in (bendable, join_paths(bendable, data, rng))
        )
        assert curve < 0.5 * chord


def _by_group(groups, errors, start):
    """Return the mean error of each disc of each condition: what is no noise of couplings."""
    label = 2 * groups + (start[:, 0] > 0)
    count = np.bincount(label)
    sums = np.stack([np.bincount(label, column) for column in errors.T], axis=1)
    return sums[count > 0] / count[count > 0, None]


def test_a_short_step_does_not_turn_a_long_one(rng, monkeypatch):
    """The kink of draws is taken up in the ratio of the steps."""
    turned = through(np.tile([[0.0, 0.1], [0.0, 0.0], [1.0, 0.0]], (40, 1, 1)))
    data = Bunch(features=np.zeros((40, 1)), groups=np.zeros(40, dtype=int))
    monkeypatch.setattr(joins, "signal_fractions_of_draws", lambda *args, **kwargs: np.ones(1))
    assert_allclose(
        join_paths(turned, data, rng).deviation, join(turned, 0.1).deviation, atol=1e-9
    )


def test_affine_trajectories_through_draws_stay_as_they_are(rng):
    true, data = arcs(0.3)
    data.groups = data.groups // 2
    affine = replace(true, affine=True)
    assert join_paths(affine, data, rng) is affine


def test_few_rows_two_anchors_and_resting_points_stay_as_they_are(rng):
    few, data = arcs(0.3, n=5)
    assert join_paths(few, data, rng) is few
    x = rng.normal(size=(40, 1))
    two = through(rng.normal(size=(40, 2, 2)), rng.normal(size=(40, 1, N_COEFFICIENTS, 2)))
    assert join_paths(two, rows(x), rng) is two
    still = through(np.zeros((40, 3, 2)), np.zeros((40, 2, N_COEFFICIENTS, 2)))
    assert join_paths(still, rows(x), rng) is still
