"""Snapshots that are left out: series, methods, and the table."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.arena import series, snapshots
from benchmarks.arena.series import Series
from benchmarks.records import complete, mean_and_error, read, write_between


def test_a_series_without_one_time(rng):
    clouds = tuple(rng.normal(size=(n, 2)) for n in (5, 6, 7))
    one = Series((0.0, 1.0, 4.0), clouds)
    y, lam = one.without(1.0)
    assert_allclose(y, np.concatenate([clouds[0], clouds[2]]))
    assert_allclose(lam, [0.0] * 5 + [4.0] * 7)
    assert one.before(1.0) == (0.0, clouds[0])
    assert one.at(1.0) is clouds[1]


@pytest.mark.parametrize("make", [series.semicircles, series.gaussians])
def test_series_of_known_truth(make):
    one = make(0)
    assert one.times == series.EVEN
    assert all(cloud.shape == (series.N_DRAWS, 2) for cloud in one.clouds)
    fresh = one.at(one.times[1])
    assert fresh.shape == one.clouds[1].shape and not np.array_equal(fresh, one.clouds[1])


def test_series_that_cannot_be_had_are_named(monkeypatch):
    monkeypatch.setattr(series, "find_spec", lambda name: None)
    makers, missing = series.available("file")
    assert set(makers) == {"semicircles", "gaussians"}
    assert [line.split()[2] for line in missing] == ["embryo", "countries"]


def test_one_run_and_its_report(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(series, "N_DRAWS", 80)
    path = tmp_path / "records.jsonl"
    methods = [snapshots.FLOOR, snapshots.STILL, snapshots.FIELD, "the same, linear in lambda"]
    given = ["--series", "gaussians", "--seeds", "1", "--results", str(path)]
    snapshots.main([*given, "--methods", *methods])
    found = read(path)
    assert len(found) == 2 * 4
    w2 = {m: np.mean([r["w2"] for r in found if r["method"] == m]) for m in methods}
    assert w2[snapshots.FLOOR] < w2["the same, linear in lambda"] < w2[snapshots.STILL]
    assert all(0 < r["w1"] <= r["w2"] for r in found)
    snapshots.main([*given, "--report"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4].startswith("| floor: fresh draws | ")


def test_result_files_go_on_and_pages_keep_what_is_around(tmp_path):
    path, ran = tmp_path / "records.jsonl", []

    def run(a, b):
        ran.append((a, b))
        return {"sum": a + b}

    complete(path, ("a", "b"), [(1, 2), (3, 4)], run)
    path.write_text(path.read_text() + '{"a": 5, "b"')  # cut off
    path.write_text(path.read_text() + "\n")
    records = complete(path, ("a", "b"), [(5, 6), (1, 2)], run)
    assert ran == [(1, 2), (3, 4), (5, 6)]
    assert records == [{"a": 5, "b": 6, "sum": 11}, {"a": 1, "b": 2, "sum": 3}]
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x: begin -->\nold\n<!-- x: end -->\nz\n")
    write_between(page, "x", ["new"])
    assert page.read_text() == "a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nz\n"


def test_means_and_standard_errors():
    assert mean_and_error([2.0]) == "2"
    assert mean_and_error([1.0, 3.0]) == "2 ± 1"
    assert mean_and_error([0.3, 0.1 + 0.2]) == "0.3 ± 0"
