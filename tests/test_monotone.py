"""Outputs that go one way with lambda: no query finds two of them crossing."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import clone
from sklearn.isotonic import isotonic_regression
from sklearn.preprocessing import StandardScaler

from sklearn_hti import HyperparameterTrajectoryClassifier, HyperparameterTrajectoryRegressor, load
from sklearn_hti.data.coordinates import NAMES
from sklearn_hti.exceptions import TrajectoryWarning
from sklearn_hti.field.monotone import rising

LAMS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
X = np.linspace(-1, 1, 40)[:, None]
NEW = np.random.default_rng(1).uniform(-1.2, 1.2, size=(25, 1))
GRID = np.unique(np.r_[np.linspace(0.05, 0.95, 91), LAMS])


def level(x, lam):
    """Return quantiles of a normal distribution, of which the median errs so that some cross."""
    true = x[:, 0] + np.exp(x[:, 0]) * norm.ppf(lam)
    return true + 0.6 * (lam == 0.5) * np.sin(9 * x[:, 0])


def both(x, lam):
    """Return quantiles, and an output that goes down and one that goes nowhere."""
    return np.column_stack([level(x, lam), -level(x, lam), np.cos(9 * lam) * x[:, 0]])


def fit(of=level, lams=LAMS, warns=True, **params):
    """Return a fitted surrogate, and check whether it warns of outputs that cross."""
    params = {"monotone": 1, "validate": False, "random_state": 0} | params
    model = HyperparameterTrajectoryRegressor(**params)
    rows = np.tile(X, (len(lams), 1)), np.concatenate([of(X, v) for v in lams])
    lam = np.repeat(lams, len(X))
    if not warns:
        return model.fit(*rows, lam)
    with pytest.warns(TrajectoryWarning, match=r"go against it"):
        return model.fit(*rows, lam)


def along(model, x=NEW, grid=GRID):
    """Return answers (L, n, ...) along a grid."""
    return model.trajectory(x, grid)


def networks(of=level):
    return {v: lambda x, v=v: of(x, v) for v in LAMS}


@pytest.mark.parametrize("asked", [True, False], ids=["networks", "regression"])
def test_answers_never_cross(asked):
    model = fit(networks=networks() if asked else None)
    for x in (NEW, X):
        path = along(model, x)
        assert np.diff(path, axis=0).min() >= 0
        assert_array_equal(model.predict(x, GRID[30]), path[30])
        assert_array_equal(model.sample(x, GRID[30]), path[30])
    y = model.predict(NEW, 0.3)
    moved = model.trajectory(NEW, GRID, y=y, lam_from=0.3)
    assert np.diff(moved, axis=0).min() >= -1e-12
    assert_array_equal(model.transport(NEW, y, lam_from=0.3, lam_to=0.3), y)


def test_answers_between_given_outputs_never_cross():
    model = fit(base=None)
    lams = LAMS[::2]
    outputs = np.repeat([level(NEW[:1], v) for v in lams], len(GRID), axis=1)
    x = np.repeat(NEW[:1], len(GRID), axis=0) + 1e-3 * np.arange(len(GRID))[:, None]
    between = model.interpolate(x, outputs, lams=lams, lam=GRID)
    assert np.diff(between).min() >= 0
    # beyond what a field of draws does
    outputs = np.array([[0.0], [1.0], [0.5]])
    between = [model.interpolate(NEW[:1], outputs, lams=lams, lam=v)[0] for v in GRID[::5]]
    assert np.diff(between).min() >= 0


def test_what_does_not_cross_is_exact_and_what_does_is_projected():
    model = fit(networks=networks())
    said = np.column_stack([level(NEW, v) for v in LAMS])
    nearest = np.array([isotonic_regression(row) for row in said])
    assert (nearest != said).any()
    answers = np.column_stack([model.predict(NEW, v) for v in LAMS])
    assert_allclose(answers, nearest, atol=1e-12)


def test_without_crossings_answers_are_those_of_the_field():
    def of(x, lam):
        return x[:, 0] + np.exp(x[:, 0]) * norm.ppf(lam)

    plain, kept = (fit(of, warns=False, networks=networks(of), monotone=m) for m in (None, 1))
    spread = np.ptp(along(plain))
    assert np.abs(along(plain) - along(kept)).max() < 2e-3 * spread
    for lam in LAMS[1:3]:
        assert_array_equal(kept.predict(NEW, lam), plain.predict(NEW, lam))


def test_every_output_has_its_own_direction():
    model = fit(both, networks=networks(both), monotone=[1, -1, 0])
    path = along(model)
    assert np.diff(path[..., 0], axis=0).min() >= 0
    assert np.diff(path[..., 1], axis=0).max() <= 0
    plain = fit(both, warns=False, networks=networks(both), monotone=None)
    assert_allclose(path[..., 2], along(plain)[..., 2], atol=1e-12)


def test_shapes_and_names_of_directions():
    def square(x, lam):
        return both(x, lam)[:, [0, 1, 0, 2]].reshape(-1, 2, 2)

    model = fit(square, networks=networks(square), monotone=[[1, -1], [1, 0]])
    assert np.diff(along(model)[:, :, 1, 0], axis=0).min() >= 0
    named = HyperparameterTrajectoryRegressor(monotone={"level": 1}, networks=networks())
    lam = pd.DataFrame({"level": np.repeat(LAMS, len(X))})
    y = np.concatenate([level(X, v) for v in LAMS])
    with pytest.warns(TrajectoryWarning, match="go against it"):
        named.fit(np.tile(X, (5, 1)), y, lam)
    assert np.diff(along(named), axis=0).min() >= 0
    with pytest.raises(ValueError, match=r"monotone has the unknown names \['other'\]"):
        named.set_params(monotone={"other": 1}).fit(np.tile(X, (5, 1)), y, lam)


@pytest.mark.parametrize("transform", ["log", "logit"])
def test_coordinates_of_each_output_keep_the_order(transform):
    def of(x, lam):
        return np.exp(level(x, lam)) if transform == "log" else norm.cdf(level(x, lam))

    bounds = None if transform == "log" else (0, 1)
    model = fit(of, networks=networks(of), output_transform=transform, y_bounds=bounds)
    assert np.diff(along(model), axis=0).min() >= 0


def test_bounds_and_lambdas_outside_keep_the_order():
    model = fit(networks=networks(), y_bounds=(-5.5, 5.5), extrapolation="warn")
    grid = np.linspace(0.01, 0.99, 99)
    with pytest.warns(TrajectoryWarning, match="outside"):
        path = along(model, grid=grid)
    assert np.diff(path, axis=0).min() >= 0
    assert np.abs(path).max() == 5.5


def test_draws_that_are_followed_keep_the_order():
    def draws(x, lam, n_samples):
        noise = np.random.default_rng(0).normal(size=(n_samples, len(x)))
        return lam * np.abs(noise) + x[:, 0]

    asked = {v: lambda x, n_samples, v=v: draws(x, v, n_samples) for v in LAMS}
    model = fit(lambda x, lam: draws(x, lam, 1)[0], warns=False, networks=asked)
    path = model.trajectory(NEW, GRID[::3], n_samples=5, random_state=0)
    assert np.diff(path, axis=0).min() >= 0


def test_files_and_clones_keep_it(tmp_path):
    model = fit()
    assert clone(model).monotone == 1
    model.save(tmp_path / "file.hti")
    assert_array_equal(load(tmp_path / "file.hti").predict(NEW, 0.4), model.predict(NEW, 0.4))
    with pytest.raises(ValueError, match="monotone=None"):
        model.export(tmp_path / "file.onnx")


def test_simple_answers_keep_the_order():
    model = fit(networks=networks())
    for simple in ("nearest_anchor", "straight_line"):
        field = model._state.particle_field
        particles = np.random.default_rng(0).normal(size=(len(GRID), 5, 1))
        field = type(field)(**vars(field) | {"simple": simple, "rough_fraction": 1.0})
        path = [field.at(particles, np.full(len(GRID), lam), LAMS) for lam in GRID]
        assert np.diff(path, axis=0).min() >= 0


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"monotone": 2}, "must hold only -1, 0 or 1"),
        ({"monotone": [1, 1]}, "has shape"),
        ({"monotone": {"C": 1}}, "has no names"),
        ({"base": "flow"}, "base='flow' draws outputs"),
        ({"output_transform": StandardScaler()}, "is not possible with output_transform"),
    ],
    ids=["values", "shape", "names", "base", "transform"],
)
def test_what_cannot_be_kept_is_refused(params, match):
    with pytest.raises(ValueError, match=match):
        fit(warns=False, **params)


def test_draws_simplices_and_several_hyperparameters_are_refused(rng):
    lam = np.repeat([0.0, 1.0, 2.0], 50)
    model = HyperparameterTrajectoryRegressor(monotone=1)
    with pytest.raises(ValueError, match="several outputs"):
        model.fit(None, rng.normal(size=150), lam)
    with pytest.raises(ValueError, match="2 that vary"):
        model.fit(None, rng.normal(size=150), np.column_stack([lam, rng.permutation(lam)]))
    assert "simplex" in NAMES
    with pytest.raises(ValueError, match="simplex"):
        HyperparameterTrajectoryRegressor(monotone=1, output_transform="simplex").fit(
            None, rng.dirichlet([1, 1], size=150), lam
        )
    assert "monotone" not in HyperparameterTrajectoryClassifier().get_params()


def test_isotonic_regression_is_that_of_scikit_learn(rng):
    values = rng.normal(size=(50, 7)).cumsum(axis=1)
    assert_allclose(rising(values), [isotonic_regression(row) for row in values], atol=1e-12)
    ordered = np.sort(values, axis=1)
    assert_array_equal(rising(ordered), ordered)
