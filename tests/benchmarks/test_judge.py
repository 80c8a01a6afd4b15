"""The judge: what it measures, and that it goes on where it stopped."""

import json

import numpy as np
import pytest

from benchmarks import tasks
from benchmarks.judge import draws_per_second, judge, prepare, read
from benchmarks.methods import METHODS, make_method
from benchmarks.report import BEGIN, END, tables, write_page
from benchmarks.tasks import TASKS, make_task


class Still:
    """Answers with what it is given."""

    def transport(self, X, y, *, lam_from, lam_to):
        return y

    def interpolate(self, X, outputs, *, lams, lam):
        return outputs[0]


class Recorder:
    """Notes for how many rows, and where, draws were asked."""

    def __init__(self):
        self.asked = []

    def sample(self, X, lam, random_state):
        self.asked.append((len(X), {tuple(row) for row in X}, lam))


class Exact:
    """Moves by a known map."""

    def __init__(self, truth):
        self.transport = truth.transport


@pytest.fixture(autouse=True)
def few_pairs(monkeypatch):
    monkeypatch.setattr(tasks, "N_FRESH", 2)


def test_the_exact_map_scores_the_floor():
    task = make_task("gaussians_2", 0)
    truth = tasks.make_gaussians(500, n_outputs=2, random_state=0).truth
    exact, still = task.score(Exact(truth)), task.score(Still())
    assert exact["score"] == pytest.approx(task.floor, abs=0.05)
    assert still["score"] == pytest.approx(task.trivial["not moving"])
    assert exact["energy"] < 0.7 * still["energy"]
    assert task.trivial["not moving"] > 10 * task.floor


def test_probabilities_are_judged_by_log_loss_and_beside_lines_of_logits():
    task = make_task("kl_policy_digits/3", 0)
    scores, divergences = task.score(Still()), task.of_trivial(task.divergence)
    assert scores["divergence"] == pytest.approx(divergences["not moving"])
    assert scores["impossible"] == 0
    assert divergences["straight line"] < divergences["nearest network"]
    assert task.trivial["straight line of logits"] < task.trivial["nearest network"]
    p0, p1 = np.array([[0.5, 0.5, 0.0]]), np.array([[0.9, 0.05, 0.05]])
    assert_allclose = np.testing.assert_allclose
    assert_allclose(tasks.line_of_logits(p0, p1, 0.0), np.array([[0.5, 0.5, 0.25]]) / 1.25)
    assert_allclose(tasks.line_of_logits(p0, p1, 0.3).sum(axis=1), 1)


def test_answers_between_two_modes_are_counted():
    task = make_task("two_ways_preference/3", 0)
    assert task.of_trivial(task.impossible)["straight line"] > 0.05
    assert task.score(Still())["impossible"] < 0.002


@pytest.mark.parametrize("name", ["quantile_diabetes/3", "bootstrap_linnerud/3"])
def test_families_of_the_zoo(name):
    task = make_task(name, 0)
    scores, trivial = task.score(Still()), task.trivial
    assert scores["moved"] == pytest.approx(trivial["nearest network"])
    assert scores["score"] > trivial["nearest network"] > trivial["straight line"]
    assert trivial["not moving"] > trivial["nearest network"] > task.floor > 0
    avoidable, error = task.avoidable
    assert avoidable == pytest.approx(trivial["straight line"] - task.floor)
    assert error > 0
    assert not {q.lam_to for q in task.questions} & set(task.lam)
    X = {tuple(row) for row in task.X}
    assert not X & {tuple(row) for row in task.questions[0].X}  # inputs that fitting does not see


def test_data_of_the_study_are_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="SKLEARN_HTI_DATA"):
        make_task("two_moons_dropout", 0, str(tmp_path))


def test_every_method_can_be_made():
    for name in METHODS:
        model = make_method(name, 3, y_bounds=(0, 1), lam_transform=None)
        assert model.random_state == 3
        assert model.y_bounds == (0, 1)
    assert all(callable(maker) for maker in TASKS.values())


def test_speed_of_draws():
    (question, *_) = make_task("bootstrap_linnerud/3", 0).questions
    model = Recorder()
    assert draws_per_second(model, question) > 0
    (n_warm, *_), (n, rows, lam) = model.asked
    assert n_warm < n == 10_000
    assert rows == {tuple(row) for row in question.X} and lam == question.lam_to


def test_one_record(tmp_path):
    method = "the same, linear in lambda"
    record = judge("quantile_diabetes/3", method, 0, *prepare("quantile_diabetes/3", 0, None))
    assert record["floor"] < record["score"] < record["not moving"]
    assert record["draws_per_second"] > 100
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(record) + "\n" + json.dumps(record)[:-20])
    assert read(path) == [record]  # a line that was cut off is left out
    assert read(tmp_path / "none") == []


def test_tables(tmp_path):
    records = [
        {"task": task, "method": method, "seed": seed, "score": score + seed, "floor": floor,
         "not moving": 9.0, "cpu": 2.0}
        for task, floor in (("a", np.nan), ("b", 1.0))
        for method, score in (("one", 1.0), ("two", 3.0))
        for seed in (0, 1)
        if (task, method) != ("b", "two")
    ]  # fmt: skip
    scores, seconds = tables(records)
    assert scores[2:] == [
        "| floor | – | 1.00 ± 0 |",
        "| not moving | 9.00 ± 0 | 9.00 ± 0 |",
        "| one | **1.50 ± 0.500** | **1.50 ± 0.500** |",
        "| two | 3.50 ± 0.500 | – |",
    ]
    assert seconds[2:] == ["| one | 2.0 | 2.0 |", "| two | 2.0 | – |"]
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n")
    write_page(records, page)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert "stale" not in text and "mean over 2 seeds" in text
