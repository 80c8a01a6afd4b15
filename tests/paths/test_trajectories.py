"""Trajectories: plans chained through all anchors, evenly, and whole or in part."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from sklearn_hti.paths import StraightGeodesic, trajectories
from sklearn_hti.paths.trajectories import build_trajectories
from sklearn_hti.solvers import CouplingSolver


@pytest.fixture
def follow(encode):
    """The training rows and the trajectories through them, coupled or by given plans."""

    def follow(X, y, lam, plans=None, *, seed=0):
        data = encode(X, y, lam, n_anchors=len(np.unique(lam)))
        rng = np.random.default_rng(seed)
        if plans is None:
            solver, geodesic = CouplingSolver(), StraightGeodesic()
            plans = [solver.plan(data, edge, geodesic, rng) for edge in data.anchors.edges]
        return data, build_trajectories(data, plans, rng)

    return follow


def visits(data, trajectories, k):
    """How many trajectories run through each row of anchor k."""
    inside = (trajectories.first <= k) & (k <= trajectories.last)
    rows = trajectories.rows[inside, k]
    assert_array_equal(data.anchors.index[rows], k)
    return np.bincount(rows, minlength=len(data.y))[data.anchors.rows(k)]


def test_permutations_chain_to_permutations(follow, rng):
    n, n_anchors = 40, 4
    orders = [rng.permutation(n) for _ in range(n_anchors - 1)]
    plans = [csr_array(np.eye(n)[order]) for order in orders]
    y = rng.normal(size=(n * n_anchors, 2))
    data, result = follow(None, y, np.repeat(np.arange(n_anchors), n), plans)
    assert result.points.shape == (n, n_anchors, 2)
    for trajectory in result.rows:
        row = trajectory[0]
        for k, order in enumerate(orders):
            row = order[row]
            assert trajectory[k + 1] == row + n * (k + 1)
    assert_array_equal(np.sort(result.rows, axis=0).T, np.arange(n * n_anchors).reshape(-1, n))
    assert_array_equal(result.points, data.y[result.rows])
    assert_array_equal(result.first, 0)
    assert_array_equal(result.last, n_anchors - 1)


def test_deterministic_networks_are_followed_by_their_x(follow, rng):
    X = rng.normal(size=(50, 2))
    orders = [rng.permutation(50) for _ in range(3)]
    X = np.concatenate([X[order] for order in orders])
    lam = np.repeat([0.0, 1.0, 2.0], 50)
    data, result = follow(X, rng.normal(size=(150, 1)), lam)
    assert len(result.rows) == 50
    for k in range(1, 3):
        assert_array_equal(X[result.rows[:, k]], X[result.rows[:, 0]])
        assert_array_equal(visits(data, result, k), 1)


@pytest.mark.parametrize("sizes", [(30, 50, 70), (70, 50, 30), (7, 60, 13), (40, 40, 60)])
def test_unequal_sizes_visit_rows_evenly(follow, rng, sizes):
    lam = np.repeat([0.0, 1.0, 2.0], sizes)
    data, result = follow(None, rng.normal(size=(len(lam), 1)), lam)
    assert len(result.rows) >= max(sizes)
    assert_array_equal(result.first, 0)
    assert_array_equal(result.last, 2)
    for k in range(3):
        counts = visits(data, result, k)
        if k == 0:
            assert counts.min() == counts.max()  # every start as often as the others
        assert counts.var() <= 0.5 * counts.mean()  # independent draws have the mean
        assert (counts == 0).mean() < 0.1


def test_a_split_row_goes_both_ways_in_proportion(follow):
    """Draws from a line of the plan are stratified: a quarter is a quarter."""
    lam = np.repeat([0.0, 1.0], [1, 8])
    plan = np.full((1, 8), 0.0)
    plan[0, [2, 5]] = 0.75, 0.25
    data, result = follow(None, np.arange(9.0), lam, [csr_array(plan)])
    assert len(result.rows) == 8
    assert_array_equal(visits(data, result, 1), [0, 0, 6, 0, 0, 2, 0, 0])


def test_splits_are_even_on_average(follow, rng):
    lam = np.repeat([0.0, 1.0], [20, 30])
    y = rng.normal(size=50)
    total = sum(visits(*follow(None, y, lam, seed=seed), 1) for seed in range(200))
    expected = 200 * 40 / 30
    assert_allclose(total, expected, rtol=0.15)


def test_rows_without_partner_begin_and_end_trajectories(follow):
    """Conditions a (all anchors), b (not at the last), c (not at the first), d (one only)."""
    x = {0: [1, 2, 4], 1: [1, 2, 3, 3], 2: [1, 3, 3, 9]}
    X = np.concatenate([x[k] for k in range(3)])[:, None]
    lam = np.repeat([0.0, 1.0, 2.0], [3, 4, 4])
    _, result = follow(X, np.arange(11.0), lam)
    condition = X[result.rows[:, 0], 0]
    for value, first, last in [(1, 0, 2), (2, 0, 1), (3, 1, 2)]:
        here = condition == value
        assert here.any()
        assert_array_equal(result.first[here], first)
        assert_array_equal(result.last[here], last)
    assert not np.isin([4, 9], condition).any()
    # both rows of condition 3 at either anchor
    rows = result.rows[condition == 3]
    assert set(rows[:, 1]) == {5, 6}
    assert set(rows[:, 2]) == {8, 9}


def test_knots_outside_a_trajectory_repeat_the_nearest(follow):
    X = np.array([1, 2, 1, 2, 3, 1, 3])[:, None]
    lam = np.repeat([0.0, 1.0, 2.0], [2, 3, 2])
    _, result = follow(X, np.arange(7.0), lam)
    for points, rows, first, last in zip(
        result.points, result.rows, result.first, result.last, strict=True
    ):
        assert_array_equal(rows[:first], rows[first])
        assert_array_equal(rows[last:], rows[last])
        assert_array_equal(points[:first], np.broadcast_to(points[first], points[:first].shape))
        assert_array_equal(points[last:], np.broadcast_to(points[last], points[last:].shape))


def test_conditions_missing_at_one_anchor_in_the_middle(follow, rng):
    """A third of the conditions was not asked there: their rows leave no trajectory."""
    x = np.arange(30)
    kept = x[x % 3 > 0]
    X = np.concatenate([x, kept, x])[:, None]
    lam = np.repeat([0.0, 1.0, 2.0], [30, 20, 30])
    data, result = follow(X, rng.normal(size=80), lam)
    assert_array_equal(np.unique(X[result.rows[:, 0], 0]), kept)
    assert_array_equal(X[result.rows, 0], X[result.rows[:, :1], 0].repeat(3, axis=1))
    assert_array_equal(visits(data, result, 1) > 0, True)


def test_mass_is_kept_where_trajectories_join_midway(follow, rng):
    """Rows that begin a trajectory midway are as frequent as those that come from before."""
    x0, x1 = np.zeros(60), np.repeat([0, 1], 60)
    X = np.concatenate([x0, x1, x1])[:, None]
    lam = np.repeat([0.0, 1.0, 2.0], [60, 120, 120])
    data, result = follow(X, rng.normal(size=300), lam)
    counts = visits(data, result, 2)
    assert counts[:60].sum() == pytest.approx(counts[60:].sum(), rel=0.25)


# ---------------------------------------------------------------- x that differs


def test_points_are_carried_to_the_x_of_the_origin(follow, rng):
    """Networks linear in x at different x: the trajectory is that of the first x."""
    n = 300
    X = rng.uniform(-1, 1, size=(3 * n, 2))
    slopes = np.array([[1.0, 2.0], [-3.0, 0.5], [0.0, 4.0]])
    lam = np.repeat([0.0, 1.0, 2.0], n)
    noise = rng.normal(size=3 * n)
    y = (X * slopes[lam.astype(int)]).sum(axis=1) + 5 * lam + noise
    _, result = follow(X, y, lam)
    x = X[result.rows[:, 0]]
    for k in range(3):
        expected = x @ slopes[k] + 5 * k
        error = result.points[:, k, 0] - expected
        assert abs(error.mean()) < 0.2
        assert error.std() == pytest.approx(1.0, rel=0.15)
        assert abs(np.corrcoef(error, x.T)[0, 1:]).max() < 0.15
    # and the noise is followed: high stays high
    residual = result.points[:, :, 0] - np.stack([x @ s + 5 * k for k, s in enumerate(slopes)], 1)
    assert np.corrcoef(residual.T).min() > 0.8


def test_trajectories_that_meet_part_in_the_order_in_which_they_came(follow, rng):
    """Two rows in the middle: who comes from above goes above, not by chance."""
    sizes, n_cross = (300, 2, 300), 0
    lam = np.repeat([0.0, 1.0, 2.0], sizes)
    y = rng.normal(size=len(lam))
    data, result = follow(None, y, lam)
    assert result.whole.all()
    for middle in data.anchors.rows(1):
        before, _, after = result.points[result.rows[:, 1] == middle, :, 0].T
        assert len(before) >= 100
        n_cross += np.sum(np.diff(after[np.argsort(before, kind="stable")]) < -1e-12)
    assert n_cross == 0


def test_meeting_keeps_neighbouring_pairs(follow, rng, monkeypatch):
    """Matching ways that meet changes no coupling of two neighbouring anchors."""
    lam = np.repeat([0.0, 1.0, 2.0, 3.0], [90, 20, 70, 40])
    X, y = rng.normal(size=(len(lam), 2)), rng.normal(size=(len(lam), 2))
    _, glued = follow(X, y, lam)
    monkeypatch.setattr(trajectories, "_glued", lambda rows, data: rows)
    _, chance = follow(X, y, lam)
    assert (glued.rows != chance.rows).any()
    for k in range(3):
        pairs = [t.rows[:, k : k + 2].tolist() for t in (glued, chance)]
        assert sorted(pairs[0]) == sorted(pairs[1])
