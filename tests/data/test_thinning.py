"""Fewer rows where more would not be looked at, and what grows with rows no faster than they."""

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import ot  # noqa: F401  takes a while, and while memory is traced much longer
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import RidgeCV

from benchmarks import scaling
from sklearn_hti.data.budget import Budget, Reading
from sklearn_hti.data.conditions import Features
from sklearn_hti.data.thinning import for_movement, thinned
from sklearn_hti.lagrangian.support import PathConditions, Support, supported
from sklearn_hti.paths import StraightGeodesic
from sklearn_hti.paths.trajectories import build_trajectories
from sklearn_hti.solvers import CouplingSolver
from sklearn_hti.solvers.affine import affine_where_better
from sklearn_hti.stats.distances import half_distance
from sklearn_hti.stats.ridge import ALPHAS, LinearMean, fit_ridge, linear_mean

N_ANCHORS = 3


@pytest.fixture
def repeated(encode, rng):
    """Rows with a given number of conditions and of draws, the same x at all anchors."""

    def repeated(n_conditions, n_draws, n_outputs=2):
        X = np.repeat(rng.uniform(-1, 1, (n_conditions, 1)), n_draws, axis=0)
        X = np.tile(X, (N_ANCHORS, 1))
        lam = np.repeat(np.arange(N_ANCHORS), len(X) // N_ANCHORS)
        shuffled = rng.permutation(len(X))
        y = X + lam[:, None] + 0.1 * rng.standard_normal((len(X), n_outputs))
        return encode(X[shuffled], y[shuffled], lam[shuffled])

    return repeated


def counts(data):
    """Rows by condition and anchor, of the conditions that are there."""
    cells = np.zeros((data.groups.max() + 1, N_ANCHORS), dtype=int)
    np.add.at(cells, (data.groups, data.anchors.index), 1)
    return cells[cells.any(axis=1)]


def within(data):
    """The data with a budget of few rows."""
    return replace(data, budget=Budget(movement_rows=8, movement_draws=4))


# ---------------------------------------------------------------- which rows are kept


def test_no_more_rows_than_asked_for_are_the_data_themselves(repeated, rng):
    data = repeated(10, 5)
    assert thinned(data, Reading(50), rng) is data
    assert for_movement(data, SimpleNamespace(max_iter=1, batch_size=1), rng) is data


def test_conditions_with_few_draws_are_kept_whole(repeated, rng):
    data = repeated(100, 5)
    thin = thinned(data, Reading(200), rng)
    cells = counts(thin)
    assert_array_equal(cells, 5)
    assert len(cells) == 40
    assert not np.array_equal(np.unique(thin.groups), np.arange(40)), "a random choice"


def test_draws_of_few_conditions_are_thinned_evenly(repeated, rng):
    thin = thinned(repeated(4, 300), Reading(200, min_draws=20), rng)
    assert_array_equal(counts(thin), np.full((4, N_ANCHORS), 50))


def test_conditions_keep_the_draws_that_couplings_need(repeated, rng):
    cells = counts(thinned(repeated(50, 30), Reading(200, min_draws=20), rng))
    assert_array_equal(cells, np.full((10, N_ANCHORS), 20))


def test_rows_stay_together(repeated, rng):
    data = repeated(100, 5)
    thin = thinned(data, Reading(200), rng)
    row_of = {tuple(y): i for i, y in enumerate(data.y)}
    rows = [row_of[tuple(y)] for y in thin.y]
    assert_array_equal(rows, np.sort(rows))
    assert_array_equal(thin.conditions.keys, data.conditions.keys[rows])
    assert_array_equal(thin.features[:], data.features[rows])
    assert_array_equal(thin.groups, data.groups[rows])
    assert_array_equal(thin.lam, data.lam[rows])
    assert_array_equal(thin.anchors.index, data.anchors.index[rows])


def test_movement_sees_as_many_rows_as_steps_do(repeated, rng):
    settings = SimpleNamespace(max_iter=10, batch_size=16)
    many = counts(for_movement(within(repeated(2, 200)), settings, rng))
    assert_array_equal(many, np.full((2, N_ANCHORS), 20))  # each draw four times
    data = for_movement(within(repeated(500, 1)), settings, rng)
    assert_array_equal(counts(data), np.ones((160, N_ANCHORS)))  # each condition once
    assert_array_equal(np.unique(data.groups), np.arange(160))  # numbered anew


def test_rows_that_share_no_condition_are_draws(encode, rng):
    data = encode(rng.normal(size=(900, 1)), rng.normal(size=900), np.repeat([0.0, 1, 2], 300))
    thin = for_movement(within(data), SimpleNamespace(max_iter=10, batch_size=16), rng)
    assert np.bincount(thin.anchors.index).max() == 40
    assert len(thin.y) > 60


# ---------------------------------------------------------------- kernels of many conditions


def test_conditions_without_rows_of_their_own_take_those_of_the_nearest(repeated):
    data = repeated(60, 2)
    whole = Support.build(data, "scott", 8, 0)
    data = replace(data, budget=Budget(support_inputs=20))
    some = Support.build(data, "scott", 8, 0)
    own = supported(data)
    assert len(own) == len(some.points) == 20
    x = data.distinct_conditions().scaled[:, 0]
    nearest = own[np.abs(x[:, None] - x[own]).argmin(axis=1)]
    for got, wanted in zip(
        some(PathConditions(None, None, np.arange(60))),
        whole(PathConditions(None, None, nearest)),
        strict=True,
    ):
        assert_array_equal(got, wanted)


def test_every_category_has_rows_of_its_own(encode, rng):
    X = np.column_stack([rng.normal(size=200), np.arange(200) % 40])
    data = encode(X, rng.normal(size=200), np.repeat([0.0, 1.0], 100), categorical=[1])
    data = replace(data, budget=Budget(support_inputs=5))
    code = data.distinct_conditions().codes[:, 0]
    some = Support.build(data, "scott", 4, 0)
    served_by = code[supported(data)][some.centre]
    assert_array_equal(served_by, code)


# ---------------------------------------------------------------- the linear part


@pytest.mark.parametrize("shape", [(200, 3), (40, 60), (3, 2)])
@pytest.mark.parametrize("noise", [0.01, 3.0])
def test_regressions_are_those_of_scikit_learn(rng, shape, noise):
    x = rng.normal(size=shape) + 1
    y = x[:, :2] + noise * rng.normal(size=(shape[0], 2))
    ours, theirs = LinearMean().fit(x, y), RidgeCV(ALPHAS).fit(x, y)
    new = rng.normal(size=(10, shape[1]))
    assert ours.predict(new) == pytest.approx(theirs.predict(new), rel=1e-5, abs=1e-6)


def test_each_of_many_regressions_has_a_penalty_of_its_own(rng):
    x = rng.normal(size=(50, 4))
    y = np.stack([x[:, :2], rng.normal(size=(50, 2))], axis=1)
    intercepts, slopes = fit_ridge(x, y)
    for k in range(2):
        theirs = RidgeCV(ALPHAS).fit(x, y[:, k])
        assert slopes[k] == pytest.approx(theirs.coef_.T, abs=1e-6)
        assert intercepts[k] == pytest.approx(theirs.intercept_, abs=1e-6)


def test_parts_make_the_whole(rng, monkeypatch):
    x, y = rng.normal(size=(500, 3)), rng.normal(size=(500, 2))
    whole = LinearMean().fit(x, y).predict(x)
    monkeypatch.setattr("sklearn_hti.stats.ridge.BUDGET", Budget(ridge_numbers=100))
    assert LinearMean().fit(x, y).predict(x) == pytest.approx(whole, abs=1e-9)


# ---------------------------------------------------------------- memory and time


def peak(function):
    """The most that Python and numpy held while a function ran, in bytes."""
    tracemalloc.start()
    function()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_categories_are_not_written_out_for_all_rows(encode, rng):
    n, n_categories = 20_000, 500  # 80 MB of indicators, and as much for every copy
    X = rng.integers(n_categories, size=(n, 1)).astype(float)
    data = encode(X, rng.normal(size=n), np.repeat([0.0, 1.0], n // 2), categorical=[0])
    assert isinstance(data.features, Features) and data.features.shape == (n, n_categories)
    assert peak(lambda: linear_mean(data, np.arange(n)).predict(data.features)) < 100e6
    rows = np.arange(50)
    assert_array_equal(data.features[rows], np.eye(n_categories)[data.conditions.codes[rows, 0]])


def test_couplings_of_many_groups_take_memory_of_the_rows(repeated, rng):
    data = repeated(20_000, 1)

    def couple():
        plans = [CouplingSolver().plan(data, e, StraightGeodesic(), rng) for e in [(0, 1), (1, 2)]]
        trajectories = build_trajectories(data, plans, rng)
        assert affine_where_better(trajectories, data, rng) is trajectories

    assert peak(couple) < 40 * data.y.nbytes


def test_couplings_without_groups_take_memory_of_a_batch(encode, rng):
    X, y = rng.normal(size=(4000, 50)), rng.normal(size=(4000, 2))
    data = encode(X, y, np.repeat([0.0, 1.0], 2000))
    solver = CouplingSolver(max_batch=250)
    solver.plan(data, (0, 1), StraightGeodesic(), rng)  # imports what it needs
    used = peak(lambda: solver.plan(data, (0, 1), StraightGeodesic(), rng))
    assert used < 6 * X.nbytes  # differences of a batch would be 25 MB, of all rows 1.6 GB


def test_floors_compare_some_of_many_groups(rng, monkeypatch):
    solved = []
    monkeypatch.setattr(
        "sklearn_hti.stats.distances.squared_wasserstein",
        lambda one, other, groups: solved.append(len(np.unique(groups[0]))) or 0.0,
    )
    groups = np.repeat(np.arange(1000), 4)
    half_distance(rng.normal(size=(4000, 2)), groups, rng.permutation(4000))
    assert solved == [256]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "n_rows"), [("single", 300_000), ("draws", 300_000), ("inputs", 100_000)]
)
def test_a_fit_of_many_rows_takes_little_more_memory_than_they(case, n_rows):
    record = scaling.run(case, n_rows)
    assert record["memory"] <= scaling.bound(record)
    assert record["cpu"] < 600
