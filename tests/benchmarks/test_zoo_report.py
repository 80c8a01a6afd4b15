"""The page of the zoo: shares, pooled figures, and what the rule for defaults counts."""

import numpy as np
import pytest

from benchmarks import defaults, zoo_report
from benchmarks.report import BEGIN, END


@pytest.fixture
def records(monkeypatch):
    monkeypatch.setattr(zoo_report, "kept", lambda names: [n for n in names if n != "c/3"])
    floors = {"a/3": 1.0, "b/3": 0.0, "c/3": 2.0}
    return [
        {"task": task, "method": method, "seed": seed, "score": floor + left, "moved": floor + 4.0,
         "two": floor + 1.0,
         "floor": floor, "not moving": 9.0, "nearest network": 7.0, "straight line": floor + 2.0,
         "avoidable": 2.0, "energy": 0.5, "cpu": 3.0, "draws_per_second": 1234.5}
        for task, floor in floors.items()
        for method, left in (("good", 0.5), ("bad", 3.0))
        for seed in (0, 1)
    ]  # fmt: skip


def test_shares_and_what_is_pooled(records):
    results = zoo_report.Results(records)
    assert results.shares("a/3", "good") == [0.75, 0.75]
    assert results.pooled("good") == 0.75
    assert results.pooled("good", "moved") == -1.0
    assert (results.firsts("good"), results.firsts("bad")) == (2, 0)
    assert (results.harms("good"), results.harms("bad")) == (0, 3)
    assert results.best_trivial("b/3") == (2.0, "straight line")


def test_the_page(records, tmp_path):
    page = tmp_path / "zoo.md"
    page.write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n")
    zoo_report.write_zoo_page(records, page)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "stale" not in text
    assert "| a | 1.00 | 3.00 (straight line) | **1.50 ± 0** | 4.00 ± 0 |" in text
    assert "| c (left out) |" in text
    figures = "0.750 | 0.500 | -1.000 | 0.750 | 0.500 | 2 of 2 | 0 of 3 | 0.500 | 3.0 | 1,234"
    assert f"| good | {figures} |" in text
    assert "Left out of shares, pooled figures and firsts: c." in text


def test_halves_and_shares_of_the_rule():
    one, other = defaults.halves()
    assert abs(len(one) - len(other)) <= 1
    assert not set(one) & set(other)
    assert sorted(one + other)[::2] == one
    record = {"score": 1.5, "floor": 1.0, "avoidable": (2.0, 0.1)}
    assert defaults.share(record) == 0.75
    assert defaults.share(record | {"score": 99.0}) == -1.0


def test_left_out_are_families_without_avoidable_error(monkeypatch):
    figures = {"a/3": (1.0, 0.4), "b/3": (1.0, 0.6), "c/3": (-1.0, 0.1)}
    monkeypatch.setattr(zoo_report, "avoidable", figures.get)
    assert zoo_report.kept(figures) == ["a/3"]


def test_avoidable_error_is_that_of_all_pairs_of_networks():
    value, error = zoo_report.avoidable("quantile_diabetes/3")
    assert 0.05 < value < 0.1 and 0 < error < 0.1 * value
    assert np.isfinite(value)
