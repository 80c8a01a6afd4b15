"""The budget reaches the stages that read it, and no limit is beside it."""

import re
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import numpy as np
import pytest

import sklearn_hti
from sklearn_hti.data.budget import BUDGET, Budget, Reading
from sklearn_hti.data.thinning import thinned
from sklearn_hti.flow_map.linear_part import enough
from sklearn_hti.paths.trajectories import Trajectories

PACKAGE = Path(sklearn_hti.__file__).parent


@pytest.fixture
def data(encode, rng):
    """Ten draws of each of twenty inputs at two anchors."""
    X = np.tile(np.repeat(rng.normal(size=(20, 1)), 10, axis=0), (2, 1))
    return encode(X, X + rng.normal(size=(400, 1)), np.repeat([0.0, 1.0], 200))


def test_budgets_cannot_be_changed_but_replaced():
    with pytest.raises(FrozenInstanceError):
        BUDGET.pairs = 1
    assert replace(BUDGET, pairs=1).pairs == 1
    assert replace(BUDGET) == BUDGET


def test_all_limits_are_positive():
    for field in fields(Budget):
        value = getattr(BUDGET, field.name)
        limits = vars(value).values() if isinstance(value, Reading) else [value]
        assert all(limit is None or limit > 0 for limit in limits), field.name


def test_every_limit_is_read():
    text = "".join(file.read_text() for file in PACKAGE.rglob("*.py") if file.stem != "budget")
    unread = [f.name for f in fields(Budget) if not re.search(rf"budget\.{f.name}\b", text, re.I)]
    assert not unread


def test_the_budget_stays_with_the_rows(data):
    budget = Budget(pairs=7)
    data = replace(data, budget=budget)
    assert data.take(np.arange(10)).budget is budget
    assert data.without(0).budget is budget
    assert thinned(data, Reading(100), np.random.default_rng(0)).budget is budget


@pytest.mark.parametrize(
    ("reading", "n_inputs", "n_draws"),
    [
        (Reading(200), 20, 10),
        (Reading(100), 10, 10),
        (Reading(100, min_draws=1), 20, 5),
        (Reading(100, 40, 1), 20, 2),
        (Reading(100, 40, 5), 20, 5),
        (Reading(50, 40, 5), 10, 5),
    ],
)
def test_readings(data, rng, reading, n_inputs, n_draws):
    facts = thinned(data, reading, rng).facts
    for counts in facts.draws:
        assert counts.n_inputs == n_inputs
        assert (counts.per_input == n_draws).all()


def test_regressions_take_as_many_trajectories_as_the_budget_says(rng):
    points, rows = np.zeros((90, 2, 1)), np.zeros((90, 2), dtype=int)
    first, last = np.zeros(90, dtype=int), np.ones(90, dtype=int)
    some = Trajectories(points, np.zeros((90, 1, 0, 1)), rows, first, last)
    assert len(enough(some, 2, rng, BUDGET)) == 90
    assert len(enough(some, 2, rng, Budget(regressed_rows=30, regressed_numbers=1))) == 30
    assert len(enough(some, 2, rng, Budget(regressed_rows=1, regressed_numbers=9 * 50))) == 50
