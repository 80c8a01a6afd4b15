"""Regularised plans: Sinkhorn in the log domain, few partners per row, marginals checked."""

import numpy as np
import ot
import pytest
from numpy.testing import assert_allclose

from sklearn_hti.exceptions import ConvergenceWarning
from sklearn_hti.paths import StraightGeodesic
from sklearn_hti.solvers import CouplingSolver
from sklearn_hti.solvers.discrete import entropic_plan, exact_plan, sparse_plan


@pytest.fixture(params=[(40, 40), (30, 45), (45, 30)], ids=str)
def cost(request, rng):
    y0, y1 = (rng.normal(size=(n, 2)) for n in request.param)
    return 0.5 * ot.dist(y0, y1 + 1)


def total(plan, cost):
    return (plan * cost).sum()


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_plans_do_not_depend_on_the_unit_of_costs(cost, unit):
    for solve in (exact_plan, lambda c: entropic_plan(c, 0.1), lambda c: sparse_plan(c, 0.1, 4)):
        assert_allclose(solve(unit * cost - unit), solve(cost), atol=2e-4)


def test_little_entropy_is_the_exact_plan(cost):
    """The price of entropy falls with its strength, and the second marginal stays right."""
    exact = total(exact_plan(cost), cost)
    prices = []
    for strength in (1.0, 0.1, 0.01):
        plan = entropic_plan(cost, strength)
        assert plan.sum() == pytest.approx(1)
        assert_allclose(plan.sum(axis=1), 1 / len(cost))
        assert_allclose(plan.sum(axis=0), 1 / cost.shape[1], rtol=0.05)
        prices.append(total(plan, cost) / exact - 1)
    assert prices[0] > prices[1] > prices[2] > -1e-3
    assert prices[2] < 0.02


def test_much_entropy_is_independence(cost):
    plan = entropic_plan(cost, 100.0)
    assert_allclose(plan * cost.size, 1, atol=0.1)


@pytest.mark.parametrize("strength", [1e-3, 1e-5])
def test_hardly_any_entropy_loses_no_mass(rng, strength):
    """Where the plain algorithm underflows to a plan of nothing."""
    cost = ot.dist(rng.normal(size=(20, 2)), rng.normal(size=(20, 2)) + 30)
    plan = entropic_plan(cost, strength)
    assert total(plan, cost) == pytest.approx(total(exact_plan(cost), cost), rel=1e-3)
    assert_allclose(plan.sum(axis=0), 1 / 20, rtol=0.01)


@pytest.mark.parametrize("max_partners", [2, 3, 5])
def test_rows_of_sparse_plans_have_few_partners(cost, max_partners):
    plan = sparse_plan(cost, 0.05, max_partners)
    assert (plan > 0).sum(axis=1).max() <= max_partners
    assert_allclose(plan.sum(axis=1), 1 / len(cost))
    misplaced = 0.5 * np.abs(plan.sum(axis=0) - 1 / cost.shape[1]).sum()
    assert misplaced < 0.05
    assert total(plan, cost) == pytest.approx(total(exact_plan(cost), cost), rel=0.03)


def test_marginals_that_cannot_be_met_are_said(rng):
    """One partner per row cannot spread 10 rows over 30."""
    cost = ot.dist(rng.normal(size=(10, 2)), rng.normal(size=(30, 2)))
    with pytest.warns(ConvergenceWarning, match="wrong outputs.*max_partners"):
        sparse_plan(cost, 0.1, 1)


@pytest.mark.parametrize(("regularization", "most"), [(None, 1), ("entropic", 100), ("sparse", 3)])
def test_the_solver_regularises_inside_groups(encode, rng, regularization, most):
    y = rng.normal(size=(120, 2))
    X = np.tile(np.repeat([0.0, 1.0], 30), 2)[:, None]
    lam = np.repeat([0.0, 1.0], 60)
    data = encode(X, y, lam, n_anchors=2)
    solver = CouplingSolver(regularization=regularization, max_partners=3)
    plan = solver.plan(data, (0, 1), StraightGeodesic(), rng).toarray()
    assert_allclose(plan.sum(axis=1), 1)
    assert (plan > 0).sum(axis=1).max() <= most
    assert not plan[:30, 30:].any() and not plan[30:, :30].any()
    if regularization == "entropic":
        assert (plan > 0).sum(axis=1).min() > 1


@pytest.mark.parametrize("regularization", ["entropic", "sparse"])
def test_the_estimator_takes_regularised_couplings(make, regularization):
    rng = np.random.default_rng(0)
    lam = np.repeat([0.0, 1.0, 2.0], 60)
    y = rng.normal(size=(180, 2)) + lam[:, None]
    solver = CouplingSolver(regularization=regularization, strength=0.02)
    model = make(solver=solver, max_iter=100).fit(None, y, lam)
    draws = model.sample(None, lam=1.5, n_samples=400, random_state=0)
    assert_allclose(draws.mean(axis=0), 1.5, atol=0.3)
    assert_allclose(draws.std(axis=0), 1.0, atol=0.25)


@pytest.mark.parametrize(
    "params",
    [
        {"regularization": "ridge"},
        {"strength": 0.0},
        {"strength": "much"},
        {"max_partners": 0},
        {"max_batch": 2.5},
        {"max_learned": -1},
        {"condition_penalty": -1.0},
    ],
    ids=str,
)
def test_bad_parameters_are_named_before_training(make, clouds, params):
    (name,) = params
    with pytest.raises(ValueError, match=f"CouplingSolver: {name}="):
        make(solver=CouplingSolver(**params)).fit(clouds.X, clouds.y, clouds.lam)
