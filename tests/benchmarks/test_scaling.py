"""The curves of many rows: exponents, tables, resumption, and one small point."""

import json

import pytest

from benchmarks import scaling


def record(case, rows, **figures):
    figures = {"cpu": 2.0, "wall": 3.0, "memory": 2**20, "score": 0.5, "floor": 0.25} | figures
    return {"case": case, "asked": rows, "rows": rows, "data": 40 * rows} | figures


def test_exponents_are_slopes_of_logarithms():
    records = [record("draws", n, cpu=3e-4 * n**1.5) for n in (100, 1000, 10_000)]
    assert scaling.exponent(records, "cpu") == pytest.approx(1.5)
    assert scaling.exponent(records, "wall") == pytest.approx(0)


def test_tables_have_a_line_for_each_point_and_case():
    lines = scaling.table([record("draws", 100), record("draws", 1000), record("single", 100)])
    assert sum("| 0.5000 | 0.2500 |" in line for line in lines) == 3
    assert sum(line.endswith("| 0.00 | 0.00 | 0.00 |") for line in lines) == 1
    assert "| 1 | 1,024 |" in lines[2]


def test_what_is_in_the_file_is_not_measured_again(tmp_path, monkeypatch, capsys):
    measured = []
    monkeypatch.setattr(scaling, "run", lambda *point: measured.append(point) or record(*point))
    file = tmp_path / "scaling.jsonl"
    file.write_text(json.dumps(record("draws", 100)) + "\n" + '{"case": "dra')
    arguments = ["--cases", "draws", "anchors", "--rows", "100", "1e3", "1e9"]
    scaling.main([*arguments, "--results", str(file)])
    assert measured == [("draws", 1000), ("anchors", 100), ("anchors", 1000)]
    assert "| 1,000 |" in capsys.readouterr().out


@pytest.mark.parametrize("case", scaling.CASES)
def test_cases_have_the_rows_asked_for_and_a_truth(case, monkeypatch):
    monkeypatch.setattr(scaling, "N_DRAWS", 100)
    data = scaling.CASES[case][1](3000, 0)
    assert 2000 < len(data.X) == len(data.y) == len(data.lam) <= 3000

    class Truth:
        def predict(self, X, lam):
            return scaling.answers(data.truth, X, lam)

        def sample(self, X, lam, random_state):
            return scaling.fresh(data.truth, X, lam, random_state)

    score, floor = scaling.score(Truth(), case, data.truth)
    assert score == pytest.approx(floor, rel=0.3)
