"""CouplingSolver: exact plans inside groups of equal x, conditional ones where x differs."""

from dataclasses import replace

import numpy as np
import ot
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from sklearn_hti.data.budget import Budget
from sklearn_hti.datasets import make_rotations
from sklearn_hti.paths import StraightGeodesic
from sklearn_hti.paths.trajectories import build_trajectories
from sklearn_hti.solvers import CouplingSolver, OTSolver

GEODESIC = StraightGeodesic()


@pytest.fixture
def couple(encode):
    """The dense plan from rows (x0, y0) to rows (x1, y1), in the order given."""

    def couple(y0, y1, x0=None, x1=None, *, seed=0, **params):
        y = np.concatenate([y0, y1])
        X = None if x0 is None else np.concatenate([x0, x1]).reshape(len(y), -1)
        lam = np.repeat([0.0, 1.0], [len(y0), len(y1)])
        data = encode(X, y, lam, n_anchors=2)
        rng = np.random.default_rng(seed)
        plan = CouplingSolver(**params).plan(data, (0, 1), GEODESIC, rng)
        assert plan.format == "csr"
        return plan.toarray()

    return couple


def is_permutation(plan):
    return (plan.sum(axis=0) == 1).all() and np.isin(plan, [0, 1]).all()


# ---------------------------------------------------------------- exact transport


def test_one_dimension_is_sorting(couple, rng):
    y0, y1 = rng.normal(size=60), rng.exponential(size=60)
    plan = couple(y0, y1)
    partner = plan.argmax(axis=1)
    assert_allclose(plan.max(axis=1), 1)
    assert_array_equal(y1[partner][np.argsort(y0)], np.sort(y1))


@pytest.mark.parametrize("n_outputs", [1, 2, 5])
def test_equal_sizes_are_an_assignment(couple, rng, n_outputs):
    y0, y1 = rng.normal(size=(2, 40, n_outputs))
    plan = couple(y0, y1 + 2)
    rows, columns = linear_sum_assignment(cdist(y0, y1 + 2, "sqeuclidean"))
    assert_array_equal(plan.argmax(axis=1)[rows], columns)


@pytest.mark.parametrize("sizes", [(30, 30), (30, 45), (45, 30), (7, 61), (1, 9), (9, 1)])
def test_cost_is_the_exact_one(couple, rng, sizes):
    y0, y1 = (rng.normal(size=(n, 2)) for n in sizes)
    plan = couple(y0, y1)
    cost = 0.5 * cdist(y0, y1, "sqeuclidean")
    uniform = [np.full(n, 1 / n) for n in sizes]
    exact = ot.emd2(*uniform, cost)
    assert (plan / sizes[0] * cost).sum() == pytest.approx(exact, rel=1e-9)
    assert_allclose(plan.sum(axis=1), 1, rtol=1e-9)
    assert_allclose(plan.sum(axis=0), sizes[0] / sizes[1], rtol=1e-9)


@pytest.mark.parametrize("unit", [1e-9, 1e-160, 1e9])
def test_units_of_y_do_not_matter(couple, rng, unit):
    y0, y1 = rng.normal(size=(2, 40, 2))
    assert_array_equal(couple(unit * y0, unit * y1), couple(y0, y1))


def test_shifts_do_not_matter(couple, rng):
    """Half the squared distance: moving all of one side leaves the plan as it is."""
    y0, y1 = rng.normal(size=(2, 40, 2))
    assert_array_equal(couple(y0, y1 + np.array([100.0, -7.0])), couple(y0, y1))


def test_equal_outputs_are_coupled_at_no_cost(couple, rng):
    y = rng.normal(size=(40, 2))
    order = rng.permutation(40)
    plan = couple(y, y[order])
    assert_array_equal(order[plan.argmax(axis=1)], np.arange(40))
    assert is_permutation(couple(np.zeros((9, 1)), np.zeros((9, 1))))


# ---------------------------------------------------------------- equal x


def test_groups_are_never_mixed(couple, rng):
    """Rows of another x are not partners, however near their outputs are."""
    x0, x1 = rng.integers(0, 5, size=100), rng.integers(0, 5, size=130)
    y0, y1 = rng.normal(size=(100, 2)), rng.normal(size=(130, 2))
    plan = couple(y0, y1, x0, x1)
    i, j = np.nonzero(plan)
    assert_array_equal(x0[i], x1[j])
    for x in range(5):
        own0, own1 = x0 == x, x1 == x
        block = plan[np.ix_(own0, own1)]
        assert_allclose(block.sum(axis=1), 1, rtol=1e-9)
        assert_allclose(block.sum(axis=0), own0.sum() / own1.sum(), rtol=1e-9)
        cost = 0.5 * cdist(y0[own0], y1[own1], "sqeuclidean")
        exact = ot.emd2(*(np.full(n, 1 / n) for n in block.shape), cost)
        assert (block / own0.sum() * cost).sum() == pytest.approx(exact, rel=1e-9)


def test_deterministic_networks_pair_their_rows(couple, rng):
    """One answer per x: the row of the same x, wherever it stands, whatever y is."""
    x = rng.normal(size=(80, 3))
    order0, order1 = rng.permutation(80), rng.permutation(80)
    y0, y1 = rng.normal(size=(2, 80, 2))
    plan = couple(y0, y1, x[order0], x[order1])
    assert is_permutation(plan)
    assert_array_equal(order1[plan.argmax(axis=1)], order0)


def test_x_is_equal_if_equal_in_single_precision(couple, rng):
    x = rng.normal(size=(30, 2))
    y0, y1 = rng.normal(size=(2, 30, 1))
    assert_array_equal(couple(y0, y1, x, x.astype(np.float32)), np.eye(30))


def test_rows_without_a_partner_stay_empty(couple, rng):
    x0, x1 = np.array([0, 1, 2, 2, 7]), np.array([2, 1, 0, 8, 9])
    plan = couple(rng.normal(size=5), rng.normal(size=5), x0, x1)
    assert_allclose(plan.sum(axis=1), [1, 1, 1, 1, 0])
    assert_allclose(plan.sum(axis=0), [2, 1, 1, 0, 0])


# ---------------------------------------------------------------- large problems


@pytest.mark.parametrize("sizes", [(90, 90), (90, 50), (50, 90), (90, 3)])
@pytest.mark.parametrize("max_batch", [7, 30, 89])
def test_splitting_keeps_all_rows(couple, rng, sizes, max_batch):
    y0, y1 = (rng.normal(size=(n, 2)) for n in sizes)
    plan = couple(y0, y1, max_batch=max_batch)
    assert_allclose(plan.sum(axis=1), 1, rtol=1e-9)
    assert (plan.sum(axis=0) > 0).all()
    assert plan.sum() == pytest.approx(sizes[0])


def test_splitting_solves_problems_of_the_given_size(couple, rng):
    """Each part of a split is one connected piece of the plan."""
    y0, y1 = rng.normal(size=(2, 64, 1))
    plan = couple(y0, y1, max_batch=16)
    graph = np.block([[np.zeros((64, 64)), plan], [plan.T, np.zeros((64, 64))]])
    _, label = connected_components(graph)
    assert np.bincount(label).max() <= 32
    cost = 0.5 * cdist(y0, y1, "sqeuclidean")
    best = (couple(y0, y1) * cost).sum()
    unpaired = cost.mean() * 64
    assert best < (plan * cost).sum() < unpaired


def test_splitting_does_not_mix_groups(couple, rng):
    x = np.repeat([0, 1], 40)
    plan = couple(rng.normal(size=80), rng.normal(size=80), x, rng.permutation(x), max_batch=16)
    assert_allclose(plan.sum(axis=1), 1)
    again = couple(rng.normal(size=80), rng.normal(size=80), x, x, max_batch=16)
    assert (again[:40, 40:] == 0).all()
    assert (again[40:, :40] == 0).all()


# ---------------------------------------------------------------- x that differs


def linear_networks(rng, n, noise=0.1):
    """Rows at disjoint x: y = x at anchor 0 and y = 5 - 3 x at anchor 1, plus noise."""
    x0, x1 = rng.uniform(-1, 1, size=(2, n))
    z0, z1 = noise * rng.normal(size=(2, n))
    return x0 + z0, 5 - 3 * x1 + z1, x0, x1


def test_partners_have_near_x(couple, rng):
    """The larger the penalty, the nearer; in the limit transport of x alone."""
    y0, y1, x0, x1 = linear_networks(rng, 150, noise=1.0)
    gaps = []
    for penalty in (0.0, 1.0, 1e8):
        plan = couple(y0, y1, x0, x1, condition_penalty=penalty)
        assert_allclose(plan.sum(axis=1), 1, rtol=1e-9)
        gaps.append(np.sqrt((plan * (x0[:, None] - x1) ** 2).sum() / 150))
    assert gaps[0] > 3 * gaps[1] > 3 * gaps[2]
    exact = np.sqrt(np.mean((np.sort(x0) - np.sort(x1)) ** 2))
    assert gaps[2] == pytest.approx(exact, rel=1e-6)


def test_the_linear_part_of_y_is_no_reason_to_pair(couple, rng):
    """Large trends in x do not pull partners apart; the plan is that of the residuals."""
    y0, y1, x0, x1 = linear_networks(rng, 100)
    plan = couple(y0, y1, x0, x1)
    steep = couple(y0 + 1000 * x0, y1 - 500 * x1, x0, x1)
    near = np.abs(x0 - x1[plan.argmax(axis=1)]).mean()
    assert np.abs(x0 - x1[steep.argmax(axis=1)]).mean() == pytest.approx(near, rel=0.5)


def test_high_residuals_meet_high_residuals(couple, rng):
    y0, y1, x0, x1 = linear_networks(rng, 300, noise=1.0)
    partner = couple(y0, y1, x0, x1).argmax(axis=1)
    r0, r1 = y0 - x0, y1 - (5 - 3 * x1)
    assert np.corrcoef(r0, r1[partner])[0, 1] > 0.9


def test_high_residuals_meet_high_residuals_among_many_numbers(couple, rng):
    """Nothing near enough in nine numbers: pairs of the nearest would be pairs of chance."""
    x0, x1 = rng.normal(size=(2, 300, 9))
    z0, z1 = rng.normal(size=(2, 300))
    partner = couple(x0[:, 0] + z0, 5 - 3 * x1[:, 1] + z1, x0, x1).argmax(axis=1)
    assert np.corrcoef(z0, z1[partner])[0, 1] > 0.9


@pytest.mark.parametrize(("n", "n_numbers"), [(2000, 1), (1000, 2)])
def test_many_rows_in_few_numbers_meet_near_x_and_high_residuals_too(couple, rng, n, n_numbers):
    """What lies high at one x lies low at another, which mean and spread do not tell."""
    x0, x1 = rng.normal(size=(2, n, n_numbers))
    z0, z1 = rng.exponential(size=(2, n))
    signs = [np.where(x[:, 0] > 0, 1, -1) for x in (x0, x1)]
    partner = couple(signs[0] * z0, signs[1] * z1, x0, x1).argmax(axis=1)
    assert np.mean(np.sum((x0 - x1[partner]) ** 2, axis=1)) < 0.2 * n_numbers
    assert np.corrcoef(z0, z1[partner])[0, 1] > 0.8


def test_rows_of_unlike_numbers_meet_in_their_category(encode, rng):
    X = np.column_stack([rng.permutation(np.repeat([0, 1], 200)), rng.normal(size=(400, 3))])
    y = (2 * X[:, 0] - 1) * rng.exponential(size=400)  # unlike, beside mean and spread
    data = encode(X, y, np.repeat([0.0, 1.0], 200), categorical=[0])
    rows0, rows1 = (data.anchors.rows(k) for k in (0, 1))
    plan = CouplingSolver().plan(data, (0, 1), StraightGeodesic(), rng).toarray()
    same = X[rows0, 0] == X[rows1, 0][plan.argmax(axis=1)]
    counts = [np.bincount(X[rows, 0].astype(int)) for rows in (rows0, rows1)]
    assert same.sum() >= np.minimum(*counts).sum() - 2  # as many as can


def test_mostly_repeated_x_counts_as_repeated(couple, rng):
    """Half of either side has to find its x on the other."""
    x = np.arange(10.0)
    y0, y1 = rng.normal(size=(2, 10))
    half = np.r_[x[:5], 90 + x[5:]]
    plan = couple(y0, y1, x, half)
    assert_array_equal(plan.sum(axis=1), [1] * 5 + [0] * 5)
    less = np.r_[x[:4], 90 + x[4:]]
    assert_allclose(couple(y0, y1, x, less).sum(axis=1), 1)


def test_any_class_of_the_kind_is_a_solver():
    assert issubclass(CouplingSolver, OTSolver)
    assert CouplingSolver(max_batch=5).get_params()["max_batch"] == 5
    with pytest.raises(TypeError):
        OTSolver()


def test_large_groups_are_coupled_on_straight_lines(encode, rng):
    """And small ones on the cost that the geodesic gives, unless they are very many."""

    class Backwards(StraightGeodesic):
        is_straight = False

        def cost_matrix(self, y0, y1, rows=None):
            return -super().cost_matrix(y0, y1)

    y, lam = rng.normal(size=(40, 2)), np.repeat([0.0, 1.0], 20)
    data = encode(None, y, lam)

    def partners(geodesic, **params):
        plan = CouplingSolver(**params).plan(data, (0, 1), geodesic, np.random.default_rng(0))
        return plan.toarray().argmax(axis=1)

    straight, backwards = StraightGeodesic(), Backwards()
    assert (partners(backwards, max_learned=19) == partners(straight)).all()
    assert (partners(backwards, max_learned=20) != partners(straight)).any()
    data = replace(data, budget=Budget(priced_paths=400))
    assert (partners(backwards, max_learned=20) != partners(straight)).any()
    data = encode(
        None, np.tile(y, (2, 1)), np.r_[lam, lam + 2]
    )  # 400 paths on each of three edges
    data = replace(data, budget=Budget(priced_paths=400))
    assert (partners(backwards, max_learned=20) == partners(straight)).all()


# ---------------------------------------------------------------- few draws of an input


def few_draws(encode, rng, n_draws, **options):
    """Draws whose mean depends on x, and whose spread at the second anchor is three times it."""
    X = np.tile(np.repeat(rng.uniform(-1, 1, (200, 2)), n_draws, axis=0), (2, 1))
    lam = np.repeat([0.0, 1.0], len(X) // 2)
    mean = np.sin(2 * X[:, 0]) + lam * X[:, 1]
    y = mean + (1 + 2 * lam) * 0.2 * rng.normal(size=len(X))
    return encode(X, y, lam, n_anchors=2, **options), mean


def spread(data, mean, rng, **params):
    """By how much deviations from the mean grow along trajectories, by regression."""
    plan = CouplingSolver(**params).plan(data, (0, 1), GEODESIC, rng)
    trajectories = build_trajectories(data, [plan], rng)
    origin = trajectories.rows[:, 0]
    rows = len(mean) // 2
    start, end = trajectories.points[:, :, 0].T - [mean[:rows][origin], mean[rows:][origin]]
    return start @ end / (start @ start)


@pytest.mark.parametrize("n_draws", [3, 10])
def test_few_draws_keep_the_spread_of_the_conditional_distribution(encode, rng, n_draws):
    """Alone, the largest of a few draws meets the largest of others, and they are only so far."""
    data, mean = few_draws(encode, rng, n_draws)
    together = spread(data, mean, rng)
    assert abs(together / 3 - 1) < 0.12
    assert spread(data, mean, rng, min_draws=0) < together - 0.2


@pytest.mark.parametrize("uneven", [False, True])
def test_few_draws_are_all_visited_alike(encode, rng, uneven):
    """By partners at near inputs, where draws of far ones are not like them."""
    X = np.tile(np.repeat(rng.uniform(-1, 1, (200, 2)), 4, axis=0), (2, 1))
    lam = np.repeat([0.0, 1.0], 800)
    side = np.where((lam > 0) & (X[:, 0] < 0), -1, 1) if uneven else 1
    y = side * rng.exponential(size=len(X))
    data = encode(X, y, lam, n_anchors=2)
    plan = CouplingSolver().plan(data, (0, 1), GEODESIC, rng)
    assert_allclose(plan.sum(axis=1), 1)
    assert_allclose(plan.sum(axis=0), 1)
    i, j = plan.nonzero()
    x = [X[data.anchors.rows(k)] for k in (0, 1)]
    apart = np.linalg.norm(x[0][i] - x[1][j], axis=1).mean()
    at_random = np.linalg.norm(x[0] - x[1][rng.permutation(800)], axis=1).mean()
    assert 0.2 * at_random < apart < (0.8 if uneven else 1.1) * at_random


def test_few_draws_unlike_those_of_near_inputs_stay_by_themselves(encode, rng):
    X = np.tile(np.repeat(rng.uniform(-1, 1, (60, 2)), 20, axis=0), (2, 1))
    to_the_right = np.repeat(rng.choice([-1.0, 1.0], 60), 20)  # of no rule in x
    skewed = np.tile(to_the_right, 2) * (rng.exponential(size=len(X)) ** 3 - 6)
    data = encode(X, skewed, np.repeat([0.0, 1.0], 1200), n_anchors=2)
    i, j = CouplingSolver().plan(data, (0, 1), GEODESIC, rng).nonzero()
    assert_array_equal(X[data.anchors.rows(0)][i], X[data.anchors.rows(1)][j])


def test_few_draws_that_chance_did_not_choose_stay_by_themselves(encode, rng):
    """As many of either disc for every input: alone they meet their like."""
    data = make_rotations(20, n_conditions=160, n_features=2, random_state=0)
    encoded = encode(data.X, data.y, data.lam)
    for edge in ((0, 1), (1, 2)):
        i, j = CouplingSolver().plan(encoded, edge, GEODESIC, rng).nonzero()
        rows = [encoded.anchors.rows(k) for k in edge]
        assert_array_equal(data.X[rows[0]][i], data.X[rows[1]][j])


@pytest.mark.parametrize("case", ["categories", "equal draws", "few inputs", "many draws"])
def test_inputs_without_few_draws_of_a_kind_stay_by_themselves(encode, rng, case):
    n_inputs, n_draws = {"few inputs": (19, 5), "many draws": (25, 64)}.get(case, (30, 5))
    x = np.arange(n_inputs) if case == "categories" else rng.normal(size=n_inputs)
    X = np.tile(np.repeat(x, n_draws), 2)[:, None]
    noise = 0.0 if case == "equal draws" else rng.normal(size=len(X))
    lam = np.repeat([0.0, 1.0], len(X) // 2)
    categorical = [0] if case == "categories" else None
    data = encode(X, X[:, 0] + noise, lam, categorical=categorical, n_anchors=2)
    i, j = CouplingSolver().plan(data, (0, 1), GEODESIC, rng).nonzero()
    groups = [data.groups[data.anchors.rows(k)] for k in (0, 1)]
    assert_array_equal(groups[0][i], groups[1][j])


def test_few_draws_of_unlike_spread_keep_their_own(encode, rng):
    """Categories and numbers tell the spread."""
    X = np.column_stack([rng.normal(size=(200, 2)), rng.integers(0, 2, 200)])
    X = np.tile(np.repeat(X, 10, axis=0), (2, 1))
    lam = np.repeat([0.0, 1.0], 2000)
    spread = np.where(lam > 0, np.where(X[:, 2] > 0, 1.0, 0.4) * np.exp(0.5 * X[:, 0]), 1.0)
    y = spread * rng.normal(size=len(X))
    data = encode(X, y, lam, categorical=[2], n_anchors=2)
    plan = CouplingSolver().plan(data, (0, 1), GEODESIC, rng)
    trajectories = build_trajectories(data, [plan], rng)
    assert trajectories.pooled
    there = spread[2000:][trajectories.rows[:, 0]]
    for category in (0, 1):
        on = X[trajectories.rows[:, 0], 2] == category
        assert 0.85 < np.std(trajectories.points[on, 1, 0] / there[on]) < 1.15


def test_equal_rows_among_inputs_that_differ_change_nothing_else(encode, rng):
    """Rows at both of few inputs, of networks of one answer that were asked elsewhere."""
    X = rng.uniform(-1, 1, (400, 1))
    lam = np.repeat([0.0, 1.0], 200)
    y = np.sin(12 * X[:, 0]) * (1 + lam)
    again = np.r_[0:40, 200:240]
    X, y, lam = (np.concatenate([v, v[again]]) for v in (X, y, lam))
    data = encode(X, y, lam, n_anchors=2)
    plan = CouplingSolver().plan(data, (0, 1), GEODESIC, rng)
    trajectories = build_trajectories(data, [plan], rng)
    assert not trajectories.pooled
    assert abs(trajectories.points[:, 1].std() / y[lam > 0].std() - 1) < 0.1


def test_an_output_that_does_not_vary_is_carried_exactly(encode, rng):
    X = np.tile(np.repeat(rng.uniform(-1, 1, (80, 2)), 6, axis=0), (2, 1))
    lam = np.repeat([0.0, 1.0], 480)
    y = np.column_stack([X[:, 0] + rng.normal(size=960), np.sin(3 * X[:, 1]) + lam])
    data = encode(X, y, lam, n_anchors=2)
    plan = CouplingSolver().plan(data, (0, 1), GEODESIC, rng)
    trajectories = build_trajectories(data, [plan], rng)
    assert trajectories.pooled
    assert np.isfinite(trajectories.points).all()
    there = y[480:, 1][trajectories.rows[:, 0]]
    assert_allclose(trajectories.points[:, 1, 1], there, atol=1e-6)
