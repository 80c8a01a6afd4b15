"""The parts of the speed benchmark run, and say what they leave out. No clocks."""

import re

import pytest

from benchmarks import speed


@pytest.fixture
def run(monkeypatch, capsys):
    """Run some parts on few rows; return the printed lines."""

    def run(*parts):
        few = "--rows 50 --repeats 1 --threads 1 --max-iter 2 --steps 2 --parts"
        monkeypatch.setattr("sys.argv", ["speed", *few.split(), *parts])
        speed.main()
        return capsys.readouterr().out.splitlines()

    return run


def test_every_line_has_a_ratio(run):
    lines = run("rows", "row", "training")
    bare = [line for line in lines if re.search(r"\d (rows/s|ms)$", line)]
    assert [line.split(",")[0] for line in bare] == ["bare pass", "bare pass", "one row"]
    assert len(lines) == 3 + 5 + 5 + 1
    assert all(re.search(r"\d x ", line) for line in lines if line not in bare)


def test_fits_of_every_solver(run, monkeypatch):
    monkeypatch.setattr(speed, "SOLVERS", speed.SOLVERS[1::4])
    lines = run("fit")
    assert [line.split(":")[0][4:] for line in lines] == list(speed.SOLVERS)
    assert "1.00 x" in lines[0]


def test_a_missing_peer_is_named(run, monkeypatch):
    monkeypatch.setattr(speed, "find_spec", lambda name: None)
    (line,) = run("torchcfm")
    assert "left out" in line
    assert "pip install" in line
