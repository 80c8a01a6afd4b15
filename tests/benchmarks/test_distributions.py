"""The families of known distribution, and the lines between their draws."""

import sys

import numpy as np
import pytest

from benchmarks import distributions
from benchmarks.distributions import COLUMNS, FAMILIES


@pytest.mark.parametrize("name", FAMILIES)
def test_draws_depend_on_inputs_and_lambda_alone(name, rng):
    family = FAMILIES[name]
    X = rng.uniform(-1, 1, (500, 2))
    low, *_, high = family.anchors
    for lam in (low, high, 0.5 * (low + high)):
        y, again = (family.draw(X, lam, np.random.default_rng(1)) for _ in range(2))
        assert len(y) == len(X)
        assert y.ndim == 2
        assert np.isfinite(y).all()
        np.testing.assert_array_equal(y, again)
    low, high = (family.draw(X, lam, np.random.default_rng(1)) for lam in (low, high))
    assert abs(low - high).max() > 0.1


def test_lines_go_from_one_sample_to_the_other(rng):
    y0, y1 = rng.normal(size=(2, 60, 2))
    y1 += [3.0, 1.0]
    np.testing.assert_allclose(distributions._line(y0, y1, 0.0), y0)
    ends = distributions._line(y0, y1, 1.0)
    np.testing.assert_allclose(ends[np.lexsort(ends.T)], y1[np.lexsort(y1.T)])


def test_the_table_marks_families_whose_base_is_elsewhere(monkeypatch, capsys):
    def judge(name, seed, n_draws):
        assert n_draws == 40
        values = np.arange(len(COLUMNS)) + seed
        gap = np.array([0.1, 2.0]) if name == "rare" else np.full(2, np.nan)
        return values, np.ones(3), np.zeros(3), gap, "transport", name == "rare"

    monkeypatch.setattr(distributions, "judge", judge)
    monkeypatch.setattr(sys, "argv", ["", "--families", "spread", "rare", "--seeds", "0", "2"])
    distributions.main()
    *_, plain, marked = capsys.readouterr().out.splitlines()
    assert plain == "| spread | 1 | 2 | 3 | 4 | 5 | 1 1 1 | 0 0 0 |  |  | transport |"
    assert marked == "| rare * | 1 | 2 | 3 | 4 | 5 | 1 1 1 | 0 0 0 | 0.1 | 2.0 | transport |"


@pytest.mark.slow
def test_the_default_begins_where_draws_differ(monkeypatch):
    for size, value in (("N_INPUTS", 3), ("N_NEW", 2), ("N_JUDGED", 60)):
        monkeypatch.setattr(distributions, size, value)
    between, at, floor, gap, geometry, moved = distributions.judge("dropout", 0, 60)
    found = dict(zip(COLUMNS, between, strict=True))
    assert moved
    assert geometry == "transport"
    assert np.isnan(gap).all()
    assert len(at) == len(floor) == 3
    assert found["floor"] < found["straight line"] < found["base first"]
    assert found["default"] < 0.5 * found["base first"]
