"""The original study's tasks: what is moved, how it is measured, and the tables."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.arena import study
from benchmarks.records import read
from benchmarks.study import compare_actions, of_states


def test_actions_are_compared_state_by_state(rng):
    X = np.repeat(rng.normal(size=(6, 3)), 10, axis=0)
    order = rng.permutation(60)
    truth = rng.normal(size=(60, 2)) + X[:, :2]
    assert of_states(X, truth).shape == (6, 10, 2)
    assert_allclose(compare_actions(X, truth + 1, truth)[0], 1.0)
    error, *ratios, energy = compare_actions(X, truth, truth)
    assert_allclose([error, *ratios], [0, 1, 1], atol=1e-12)
    doubled = (
        2 * truth
        - of_states(X, truth).mean(axis=1)[np.unique(X, axis=0, return_inverse=True)[1].ravel()]
    )
    error, *ratios, _ = compare_actions(X, doubled, truth)
    assert_allclose([error, *ratios], [0, 2, 2], atol=1e-12)
    # the order of the draws of a state does not count
    assert energy == pytest.approx(compare_actions(X[order], truth[order], truth[order])[-1])


@pytest.fixture
def folder(tmp_path, rng):
    """Two classes whose outputs move by lambda, as a file of the reference data."""
    X = np.repeat([[0.0], [1.0]], 20, axis=0)
    arrays = {}
    for part, lams in {"train": (0.0, 1.0), "test": (0.5,)}.items():
        noise = [rng.normal(size=(40, 2)) for _ in lams]
        arrays |= {
            f"{part}_X": np.tile(X, (len(lams), 1)),
            f"{part}_y": np.concatenate([z + 5 * lam for z, lam in zip(noise, lams, strict=True)]),
            f"{part}_lam": np.repeat(lams, 40),
            f"{part}_row": np.tile(np.arange(40), len(lams)),
        }
    np.savez(tmp_path / "two_moons_dropout.npz", **arrays)
    return tmp_path


def test_one_run_and_its_report(folder, monkeypatch, capsys):
    monkeypatch.setattr(study, "DEFAULT", "nearest anchor")  # in no time
    monkeypatch.setattr(
        study, "LABELS", {"nearest anchor": "default", study.STRAIGHT: "straight line"}
    )
    path = folder / "records.jsonl"
    given = ["--data", str(folder), "--tasks", "two_moons_dropout", "--results", str(path)]
    study.main([*given, "--seeds", "2"])
    records = read(path)
    assert len(records) == 2 + 2 + 2
    found = {r["method"]: r["figures"] for r in records}
    assert found[study.FLOOR] == [None]
    [[still]], [[straight]] = found[study.STILL], found[study.STRAIGHT]
    assert still > 10 > 2 > straight  # 2.5 away in both outputs
    study.main([*given, "--report"])
    printed = capsys.readouterr().out
    assert "| straight line |" in printed and "| no transport |" in printed
    assert "| floor |" not in printed


def test_data_that_are_missing_are_named(tmp_path):
    with pytest.raises(SystemExit, match="reacher: no such file"):
        study.main(["--data", str(tmp_path), "--tasks", "reacher"])
