"""Smooth curves through anchors, and Lagrangians that the estimator's parameters name."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti._assembly import smooth_bends
from sklearn_hti._bends import N_BENDS, bend_coefficients, bend_functions
from sklearn_hti._trajectories import Trajectories
from sklearn_hti.lagrangian import DensityPotential
from sklearn_hti.paths import GeodesicPath

s = np.linspace(0, 1, 33)


def through(points, first=0, last=None):
    """Trajectories (N, K + 1, D) that run from anchor `first` to `last`."""
    points = np.asarray(points, dtype=float)
    n, n_knots = points.shape[:2]
    return Trajectories(
        points,
        np.zeros((n, n_knots - 1, 0, points.shape[2])),
        np.zeros((n, n_knots), dtype=int),
        np.broadcast_to(first, n),
        np.broadcast_to(n_knots - 1 if last is None else last, n),
    )


def curves(trajectories):
    """Points of the bent trajectories, (N, K, 33, D)."""
    points, bends = trajectories.points, smooth_bends(trajectories)
    functions = bend_functions(torch.as_tensor(s), torch.as_tensor(bend_coefficients(N_BENDS)))
    chords = points[:, :-1, None] + s[:, None] * np.diff(points, axis=1)[:, :, None]
    return chords + functions.numpy() @ bends


# ---------------------------------------------------------------- smooth curves


@pytest.mark.parametrize("n_knots", [3, 4])
def test_even_knots_on_a_line_stay_straight(n_knots):
    points = np.linspace([0.0, 1.0], [6.0, -3.0], n_knots)[None].repeat(4, axis=0)
    assert_allclose(smooth_bends(through(points)), 0, atol=1e-10)


def test_uneven_knots_on_one_line_stay_straight():
    """The curve is splined over the distance, in which a line is a line."""
    points = np.array([0.0, 1.0, 10.0])[None, :, None] * np.array([0.6, -0.8])
    assert_allclose(smooth_bends(through(points)), 0, atol=1e-10)


def test_two_anchors_give_straight_lines(rng):
    points = rng.normal(size=(5, 2, 3))
    bends = smooth_bends(through(points))
    assert bends.shape == (5, 1, N_BENDS, 3)
    assert_allclose(bends, 0, atol=1e-10)


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
    bends = smooth_bends(through(points))
    assert np.abs(bends).max() > 0.1
    assert_allclose(smooth_bends(through(points @ turn + 5)), bends @ turn, atol=1e-9)


def test_trajectories_that_miss_an_anchor_stay_straight(rng):
    points = rng.normal(size=(4, 3, 2))
    points[1, 0], points[2, 2] = points[1, 1], points[2, 1]
    bends = smooth_bends(through(points, first=[0, 1, 0, 0], last=[2, 2, 1, 2]))
    assert (bends[1:3] == 0).all()
    assert (np.abs(bends[[0, 3]]).max(axis=(1, 2, 3)) > 1e-3).all()


# ---------------------------------------------------------------- through the estimator


def fit_smooth_and_geodesic(make, f, anchors):
    """Surrogates of networks y = f(lambda), whatever x is, asked at 40 inputs."""
    X = np.tile(np.random.default_rng(0).uniform(-1, 1, size=(40, 1)), (3, 1))
    lam = np.repeat(anchors, 40)
    surrogates = [
        make(path=path, base="neighbors").fit(X, f(lam), lam) for path in ("smooth", "geodesic")
    ]
    for surrogate in surrogates:
        assert_allclose(surrogate.predict(X, lam), f(lam), atol=1e-3)
    return surrogates


def test_smooth_paths_follow_a_circle(make):
    """y = (cos, sin): the middle of the chord is off by 1 - cos(1/2) = 0.122."""

    def f(lam):
        return np.column_stack([np.cos(lam), np.sin(lam)])

    smooth, straight = fit_smooth_and_geodesic(make, f, [0.0, 1.0, 2.0])
    for lam in (0.5, 1.5):
        error = [np.linalg.norm(s.predict([[0.3]], lam) - f(lam)) for s in (smooth, straight)]
        assert error[1] == pytest.approx(1 - np.cos(0.5), abs=1e-3)
        assert error[0] < 0.25 * error[1]


def test_smooth_paths_stay_on_a_parabola(make):
    """y = (lambda, lambda^2) around its vertex: on the curve, though not at the same speed."""

    def f(lam):
        return np.column_stack([lam, lam**2])

    smooth, straight = fit_smooth_and_geodesic(make, f, [-1.0, 0.0, 1.0])
    for lam in (-0.7, -0.5, 0.3, 0.5):
        on_curve, on_chord = (s.predict([[0.3]], lam)[0] for s in (smooth, straight))
        assert on_curve[1] == pytest.approx(on_curve[0] ** 2, abs=0.01)
        assert_allclose(on_chord, [lam, abs(lam)], atol=1e-3)


def ring(y, x):
    """A potential that is large on the circle of radius 3 around (0, 0)."""
    return -10 * (y.norm(dim=1) - 3) ** 2


@pytest.fixture(scope="module")
def turning():
    """y = 3 (cos, sin)(phase + lambda): turning by one radian from 0 to 1."""
    rng = np.random.default_rng(0)
    X = np.tile(rng.uniform(-1, 1, size=(30, 1)), (2, 1))
    lam = np.repeat([0.0, 1.5], 30)
    angle = X[:, 0] + lam
    return X, 3 * np.column_stack([np.cos(angle), np.sin(angle)]), lam


def test_a_potential_of_the_user_bends_paths(make, turning):
    """u is given outputs in the units of the user: paths come near its circle."""
    X, y, lam = turning
    path = GeodesicPath(max_iter=150)
    radius = {}
    for name, potential in (("none", None), ("ring", ring)):
        surrogate = make(potential=potential, path=path, base="neighbors", max_iter=200)
        surrogate.fit(X, y, lam)
        moved = surrogate.transport(X[:30], y[:30], 0.0, 0.75)
        radius[name] = np.linalg.norm(moved, axis=1)
    assert_allclose(radius["none"], 3 * np.cos(0.75), rtol=0.03)
    assert_allclose(radius["ring"], 3, rtol=0.08)


@pytest.mark.parametrize("kinetic", ["learned", "fixed_spectrum", "land", "rbf"])
def test_kinetic_energies_by_name(make, turning, kinetic):
    """Whatever the metric, outputs of the anchors go to their partners."""
    X, y, lam = turning
    surrogate = make(
        kinetic=kinetic, path=GeodesicPath(max_iter=50), base="neighbors", max_iter=150
    ).fit(X, y, lam)
    assert not surrogate.lagrangian_.is_flat
    assert_allclose(surrogate.transport(X[:30], y[:30], 0.0, 1.5), y[30:], atol=0.25)
    assert np.isfinite(surrogate.transport(X[:30], y[:30], 0.0, 0.75)).all()
    assert surrogate.history_["stage"].iloc[0] == "paths"


def test_one_output_without_weight_is_euclidean_to_the_bit(make):
    rng = np.random.default_rng(0)
    X = np.tile(rng.uniform(-1, 1, size=(30, 1)), (3, 1))
    lam = np.repeat([0.0, 1.0, 2.0], 30)
    y = X[:, 0] * lam + rng.normal(size=90)
    answers = []
    for kinetic, potential in (("euclidean", None), ("learned", DensityPotential(weight=0.0))):
        surrogate = make(kinetic=kinetic, potential=potential, base="neighbors").fit(X, y, lam)
        assert surrogate.lagrangian_.is_flat
        answers.append(
            [
                surrogate.predict(X, 0.7),
                surrogate.transport(X, y, lam, 1.3),
                surrogate.sample(X, 0.3, random_state=0),
            ]
        )
    assert_array_equal(*answers)
