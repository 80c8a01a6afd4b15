"""Smooth curves through anchors, and Lagrangians that the estimator's parameters name."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti.field.build import Couplings, believed
from sklearn_hti.lagrangian import DensityPotential
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.paths.spline import smooth_between
from sklearn_hti.paths.trajectories import Trajectories

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
        assert error[1] < 1 - np.cos(0.5)  # particles that are not on curves are curved by the field
        assert error[0] < 0.25 * (1 - np.cos(0.5))


def test_smooth_paths_stay_on_a_parabola(make):
    """y = (lambda, lambda^2) around its vertex: on the curve, though not at the same speed."""

    def f(lam):
        return np.column_stack([lam, lam**2])

    smooth, straight = fit_smooth_and_geodesic(make, f, [-1.0, 0.0, 1.0])
    for lam in (-0.7, -0.5, 0.3, 0.5):
        on_curve, without = (s.predict([[0.3]], lam)[0] for s in (smooth, straight))
        assert on_curve[1] == pytest.approx(on_curve[0] ** 2, abs=0.01)
        assert without[1] - without[0] ** 2 > 0.02


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
        moved = surrogate.transport(X[:30], y[:30], lam_from=0.0, lam_to=0.75)
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
    assert_allclose(
        surrogate.transport(X[:30], y[:30], lam_from=0.0, lam_to=1.5), y[30:], atol=0.25
    )
    assert np.isfinite(surrogate.transport(X[:30], y[:30], lam_from=0.0, lam_to=0.75)).all()
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
                surrogate.transport(X, y, lam_from=lam, lam_to=1.3),
                surrogate.sample(X, 0.3, random_state=0),
            ]
        )
    assert_array_equal(*answers)


# ---------------------------------------------------------------- points of paths


def through(points, first=0, last=None):
    """Trajectories (N, K + 1, D) that run from anchor `first` to `last`, a row each."""
    n, n_knots, n_outputs = points.shape
    return Trajectories(
        points,
        np.zeros((n, n_knots - 1, 0, n_outputs)),
        np.arange(n)[:, None].repeat(n_knots, axis=1),
        np.broadcast_to(first, n),
        np.broadcast_to(n_knots - 1 if last is None else last, n),
    )


def arcs(step, n=40, n_knots=3, n_between=3):
    """Circles of radius 1 to 3: trajectories with knots every `step`, and points between."""
    t = np.arange((n_knots - 1) * (n_between + 1) + 1) / (n_between + 1)
    circle = np.column_stack([np.cos(step * t), np.sin(step * t)])
    points = np.linspace(1, 3, n)[:, None, None] * circle
    inside = np.stack([points[:, 1 + j :: n_between + 1] for j in range(n_between)], axis=2)
    return through(points[:, :: n_between + 1]), inside, points


def chords(points, n_between=3):
    s = np.arange(1, n_between + 1)[:, None] / (n_between + 1)
    return (1 - s) * points[:, :-1, None] + s * points[:, 1:, None]


@pytest.mark.parametrize("step", [0.3, np.pi / 4, np.pi / 2])
@pytest.mark.parametrize("n_knots", [3, 5])
def test_arcs_are_believed(step, n_knots):
    trajectories, between, _ = arcs(step, n_knots=n_knots)
    assert believed(between, trajectories) is between
    half = 0.5 * (between + chords(trajectories.points))
    assert believed(half, trajectories) is half


@pytest.mark.parametrize("step", [0.3, np.pi / 4])
def test_bends_to_the_wrong_side_or_too_far_are_not_believed(step):
    trajectories, between, _ = arcs(step)
    chord = chords(trajectories.points)
    assert believed(2 * chord - between, trajectories) is None
    assert believed(chord + 3 * (between - chord), trajectories) is None


def test_bends_that_are_noise_or_none_are_not_believed(rng):
    points = rng.normal(size=(60, 3, 2))
    chord = chords(points)
    assert believed(chord, through(points)) is None
    assert believed(chord + 0.3 * rng.normal(size=chord.shape), through(points)) is None


def test_two_anchors_have_no_kink_to_judge_by(rng):
    points = rng.normal(size=(60, 2, 2))
    between = rng.normal(size=(60, 1, 3, 2))
    assert believed(between, through(points)) is between
    three = rng.normal(size=(60, 3, 2))
    between = rng.normal(size=(60, 2, 3, 2))
    assert believed(between, through(three, first=1)) is between  # none passes all


def test_a_rest_in_an_interval_is_no_infinite_kink():
    trajectories, between, _ = arcs(0.5)
    points = np.concatenate([trajectories.points, trajectories.points[:, -1:]], axis=1)
    resting = points[:, -1:, None].repeat(3, axis=2)
    between = np.concatenate([between, resting], axis=1)
    with np.errstate(all="raise"):
        believed(between, through(points))
        believed(np.zeros((40, 2, 3, 2)), through(np.zeros((40, 3, 2))))


def test_knots_are_anchors_and_the_points_between():
    trajectories, between, points = arcs(0.5)
    couplings = Couplings(trajectories, None, None, between)
    assert_array_equal(couplings.points, points)
    assert_array_equal(couplings.knots(2), np.arange(9) / 4)
    alone = Couplings(trajectories, None, None)
    assert_array_equal(alone.points, trajectories.points)
    assert_array_equal(alone.knots(2), [0, 1, 2])


def test_smooth_paths_stay_near_circles_and_straight_where_anchors_are_missed():
    trajectories, true, _ = arcs(0.8, n_knots=5)
    between = smooth_between(trajectories, 3)
    chord = chords(trajectories.points)
    assert np.abs(between - true)[:, 1:-1].max() < 0.1 * np.abs(chord - true).max()
    assert np.abs(between - true).max() < 0.3 * np.abs(chord - true).max()
    parts = smooth_between(through(trajectories.points, first=np.arange(40) % 2), 3)
    assert_allclose(parts[::2], between[::2], atol=1e-12)
    assert_allclose(parts[1::2], chord[1::2], atol=1e-3)


def test_smooth_paths_turn_and_scale_with_the_points(rng):
    points = rng.normal(size=(6, 4, 2)).cumsum(axis=1)
    turn = 3 * np.array([[0.6, 0.8], [-0.8, 0.6]])
    between = smooth_between(through(points), 3)
    turned = smooth_between(through(points @ turn + 5), 3)
    assert_allclose(turned, between @ turn + 5, atol=1e-9)


@pytest.mark.parametrize("knots", [[0, 1, 2, 3], [0, 1, 10]])
def test_smooth_paths_of_a_line_stay_on_it(knots):
    points = np.array(knots, dtype=float)[None, :, None] * np.array([0.6, -0.8])
    assert_allclose(smooth_between(through(points), 3), chords(points), atol=1e-9)


@pytest.mark.parametrize("position", [[0, 0.9, 0.95, 1.0], [0, 0.03, 0.05, 0.2, 1.0]])
def test_short_steps_do_not_swing_long_ones(rng, position):
    """A cubic through knots that are near each other, drawn on, would leave by many lengths."""
    speeds = 1 + 0.5 * rng.normal(size=(50, len(position) - 1, 2))
    points = np.cumsum(speeds * np.diff(position)[:, None], axis=1)
    points = np.insert(points, 0, 0, axis=1)
    away = np.linalg.norm(smooth_between(through(points), 3) - chords(points), axis=3)
    assert np.sqrt(np.mean(away.max(axis=2) ** 2)) < 0.3


def test_two_anchors_or_no_movement_leave_no_curve(rng):
    assert smooth_between(through(rng.normal(size=(5, 2, 3))), 3) is None
    assert smooth_between(through(np.zeros((5, 3, 3))), 3) is None
