"""Intervals of the conditional mean: what they hold, and where they vanish."""

import pickle

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import norm
from scipy.stats import t as student

from sklearn_hti import HyperparameterTrajectoryRegressor, load
from sklearn_hti._utils.findings import unheard
from sklearn_hti.assessment.uncertainty import _quantiles
from sklearn_hti.exceptions import ClockWarning, TrajectoryWarning

QUICK = {"max_iter": 40, "random_state": 0, "kinetic": "euclidean", "potential": None}
LAM = np.repeat([0.0, 1.0, 2.0], 40)


@pytest.fixture(scope="module")
def fitted():
    y = np.random.default_rng(0).normal(loc=LAM, scale=0.5)
    return HyperparameterTrajectoryRegressor(lam_transform=None, **QUICK).fit(None, y, LAM)


def ask(networks, lams=None, X=None, **params):
    """Return a surrogate that asks networks, functions of x."""
    lams = list(networks) if lams is None else lams
    X = np.linspace(0, 1, 40)[:, None] if X is None else X
    y = np.concatenate([networks[lam](X) for lam in lams])
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0, **params)
    return model.fit(np.tile(X, (len(lams), 1)), y, np.repeat(lams, len(X))), X


def looked_up(paths, lams):
    """Return networks that answer 40 inputs from 0 to 1 by a column of paths each."""
    return {
        lam: lambda x, of=of: of[np.round(39 * x[:, 0]).astype(int)]
        for lam, of in zip(lams, paths.T, strict=False)
    }


def curves(f, lams):
    return {lam: lambda x, lam=lam: f(x, lam) for lam in lams}


def test_bounds_are_in_order_and_grow_with_coverage(fitted):
    lam = [0.0, 0.5, 1.7]
    mean = fitted.predict(None, lam)
    narrow, wide = (fitted.interval(None, lam, coverage) for coverage in (0.5, 0.99))
    assert mean.shape == narrow[0].shape == (3,)
    for inner, outer in ((narrow, wide), ((mean, mean), narrow)):
        assert (outer[0] < inner[0]).all()
        assert (inner[1] < outer[1]).all()


def test_intervals_vanish_where_networks_answer():
    model, X = ask(curves(lambda x, lam: np.sin(3 * x[:, 0] + lam**2), [0.0, 0.5, 1.0, 2.0]))
    for lam in model.anchors_:
        low, high = model.interval(X, lam)
        np.testing.assert_array_equal(low, high)
    low, high = model.interval(X, 0.75)
    assert (low < high).all()


def test_the_width_at_a_trained_value_is_the_standard_error_of_few_draws():
    y = np.random.default_rng(1).normal(loc=LAM, scale=1 + 2 * (LAM == 0))
    model = HyperparameterTrajectoryRegressor(lam_transform=None, **QUICK).fit(None, y, LAM)
    for lam in (0.0, 2.0):
        low, high = model.interval(None, lam)
        of_draws = y[lam == LAM].std(ddof=1) / np.sqrt(40)
        np.testing.assert_allclose(0.5 * (high - low), norm.ppf(0.95) * of_draws, rtol=0.2)


@pytest.mark.parametrize("length", [0.5, 2.0])
def test_intervals_hold_what_they_promise_of_gaussian_processes(length):
    """Paths of many inputs, drawn from a Matern process of another smoothness."""
    rng = np.random.default_rng(0)
    lams, between = np.linspace(0, 1, 6), np.linspace(0.05, 0.95, 19)
    between = between[np.abs(between[:, None] - lams).min(axis=1) > 0.01]
    every = np.concatenate([lams, between])
    r = np.sqrt(5) * cdist(every[:, None], every[:, None]) / length
    root = np.linalg.cholesky((1 + r + r**2 / 3) * np.exp(-r) + 1e-10 * np.eye(len(every)))
    held = []
    for _ in range(10):
        paths = (root @ rng.normal(size=(len(every), 40))).T
        model, X = ask(looked_up(paths, lams), lam_transform=None)
        for k, lam in enumerate(between, len(lams)):
            low, high = model.interval(X, lam)
            held.append((low <= paths[:, k]) & (paths[:, k] <= high))
    assert 0.85 < np.mean(held) < 0.99


def test_the_clock_is_part_of_what_is_not_known():
    networks = curves(lambda x, lam: x[:, 0] + lam, [0.0, 1.0, 3.0])
    asked, X = ask(networks, lam_transform=None)
    low, high = asked.interval(X, 2.0)
    np.testing.assert_allclose(high - low, 0, atol=1e-9)  # lines in a time that is said
    learned, _ = ask(networks)
    low, high = learned.interval(X, 2.0)
    assert (high - low > 0.05).all()


def test_two_trained_values_are_a_warning():
    networks = curves(lambda x, lam: x[:, 0] + lam, [0.0, 1.0])
    with pytest.warns(ClockWarning):
        model, X = ask(networks)
    with pytest.warns(TrajectoryWarning, match="none could be left out"):
        low, high = model.interval(X, 0.5)
    assert (low < X[:, 0] + 0.5).all()
    assert (X[:, 0] + 0.5 < high).all()
    assert (low > X[:, 0] - 1).all()  # time stays between both
    np.testing.assert_array_equal(*model.interval(X, 1.0))  # says it once


def test_the_more_is_asked_the_more_is_held():
    ratios = np.sort(np.abs(np.random.default_rng(0).normal(size=(30, 2))), axis=0)
    found = np.array([_quantiles(ratios, c) for c in np.linspace(0.02, 0.999, 200)])
    assert (np.diff(found, axis=0) >= 0).all()
    np.testing.assert_array_equal(_quantiles(ratios, 0.9), ratios[27])  # the 28th of 31
    np.testing.assert_allclose(_quantiles(ratios[:0], 0.9), norm.ppf(0.95))


def test_times_of_few_values_are_student_t():
    model, _ = ask(curves(lambda x, lam: x[:, 0] + lam, [0.0, 1.0, 2.0]))
    known = model._state.uncertainty
    assert known.misplaced == pytest.approx([0], abs=1e-6)
    low, high = (known.scale.time(end) for end in known.lam_band([0.5], 0.9))
    width = student.ppf(0.95, 5) * np.sqrt(4 / 5) * known.scale.deviation(np.array([0.5]))
    assert 0.5 * (high - low) == pytest.approx(width)


def test_intervals_survive_files(fitted, tmp_path):
    fitted.save(tmp_path / "surrogate")
    for again in (load(tmp_path / "surrogate"), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(again.interval(None, 0.7), fitted.interval(None, 0.7))
        assert again.validation_.equals(fitted.validation_)


def test_conditions_outputs_and_bounds(rng):
    X = np.column_stack([np.tile(rng.normal(size=25), 3), np.tile(np.arange(25) % 2, 3)])
    lam = np.repeat([0.0, 1.0, 2.0], 25)
    y = np.column_stack([X[:, 0] * lam, lam]).clip(-1, 1.5)
    model = HyperparameterTrajectoryRegressor(
        lam_transform=None, categorical_features=[1], y_bounds=(-1, 1.5), **QUICK
    ).fit(X, y, lam)
    low, high = model.interval(X[:7], 1.5)
    assert low.shape == high.shape == (7, 2)
    assert low.min() >= -1
    assert high.max() <= 1.5


def test_outputs_that_do_not_change_have_no_width(rng):
    X = np.tile(rng.normal(size=(30, 1)), (3, 1))
    y = np.column_stack([np.ones(90), X[:, 0] * np.repeat([0.0, 1.0, 2.0], 30)])
    networks = {lam: lambda x, lam=lam: np.column_stack([np.ones(len(x)), lam * x[:, 0]])
                for lam in (0.0, 1.0, 2.0)}  # fmt: skip
    model = HyperparameterTrajectoryRegressor(networks=networks)
    model.fit(X, y, np.repeat([0.0, 1.0, 2.0], 30))
    low, high = model.interval(X[:5], 0.5)
    assert np.isfinite([low, high]).all()
    np.testing.assert_allclose(high[:, 0], 1)
    still = HyperparameterTrajectoryRegressor(lam_transform=None, **QUICK).fit(
        None, np.ones(90), np.repeat([0.0, 1.0, 2.0], 30)
    )
    np.testing.assert_allclose(still.interval(None, 0.5), 1, atol=1e-6)


def test_inputs_that_are_not_shared(rng):
    lam = np.repeat([0.0, 1.0, 2.0], 60)
    X = rng.normal(size=(180, 1))
    y = X[:, 0] + lam + 0.1 * rng.normal(size=180)
    model = HyperparameterTrajectoryRegressor(lam_transform=None, base="flow", **QUICK)
    low, high = model.fit(X, y, lam).interval([[0.0], [0.5]], 0.5)
    assert (low < high).all()
    assert (low < [0.5, 1.0]).all()
    assert (high > [0.5, 1.0]).all()


def test_networks_of_draws_have_the_error_of_their_means(rng):
    def network(lam):
        def drawn(x, n_samples):
            return lam + torch.randn(n_samples, len(x)).numpy()

        return drawn

    networks = {lam: network(lam) for lam in (0.0, 1.0, 2.0)}
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    model.fit(np.zeros((120, 1)), rng.normal(loc=LAM), LAM)
    low, high = model.interval([[0.0]], 1.0)
    np.testing.assert_allclose(0.5 * (high - low), norm.ppf(0.95) / 8, rtol=0.3)


@pytest.mark.parametrize("coverage", [0, 1, -0.5, "0.9", np.nan])
def test_coverage_outside_of_0_to_1_raises(fitted, coverage):
    with pytest.raises(ValueError, match="coverage"):
        fitted.interval(None, 0.5, coverage)


def test_without_a_base_there_is_no_mean():
    model = HyperparameterTrajectoryRegressor(base=None).fit(None, LAM, LAM)
    with pytest.raises(ValueError, match="base"):
        model.interval(None, 0.5)


@pytest.mark.parametrize("n_values", [3, 4])
def test_on_a_grid_bounds_hold_products(n_values):
    # the line between opposite neighbours meets a * b at every trained value that is left out
    X, grid = np.arange(8.0)[:, None], np.indices((n_values, n_values)).reshape(2, -1).T
    networks = {(a, b): lambda X, a=a, b=b: X[:, 0] + a * b for a, b in grid.astype(float)}
    lam = np.repeat(grid, 8, axis=0)
    y = np.tile(X[:, 0], len(grid)) + lam.prod(axis=1)
    surrogate = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    with unheard():
        surrogate.fit(np.tile(X, (len(grid), 1)), y, lam)
    asked = np.random.default_rng(1).uniform(0, n_values - 1, (30, 2))
    lower, upper = surrogate.interval(np.zeros((30, 1)), asked)
    true = asked.prod(axis=1)
    assert np.mean((lower <= true) & (true <= upper)) > 0.75
    assert np.mean(upper - lower) < 0.1 * np.ptp(y)
