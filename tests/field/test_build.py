"""Smooth curves through anchors, and Lagrangians that the estimator's parameters name."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti.lagrangian import DensityPotential
from sklearn_hti.paths import GeodesicPath

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
