"""The table of new inputs: its families, and the errors of methods whose errors are known."""

import sys
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from benchmarks import new_inputs
from benchmarks.askable import FAMILIES, ONLY_CATEGORIES, Problem, lookup, of_the_zoo
from benchmarks.new_inputs import Forest, errors, largest_difference, of_networks
from sklearn_hti import HyperparameterTrajectoryRegressor

N_DRAWS = 5


def straight(rng):
    """Return draws that go straight in the logarithm of lambda."""
    X, inputs = rng.uniform(-1, 1, (2, 6, 1))

    def outputs(X, lam):
        noise = np.linspace(-1, 1, N_DRAWS)[:, None] * [1.0, 0.5]
        return X[:, None] + noise + np.log10(lam) * np.exp(X)[:, None]

    anchors = (1.0, 10.0, 1000.0)
    networks = {a: lambda X, n_samples, a=a: np.moveaxis(outputs(X, a), 1, 0) for a in anchors}
    y = np.concatenate([outputs(X, a).reshape(-1, 2) for a in anchors])
    lam = np.repeat(anchors, len(X) * N_DRAWS)
    X = np.tile(np.repeat(X, N_DRAWS, axis=0), (3, 1))
    new = {value: outputs(inputs, value) for value in (*anchors, 3.0, 20.0, 300.0)}
    return Problem(X, y, lam, inputs, new, networks, {})


@pytest.mark.parametrize("name", FAMILIES)
def test_fit_sees_neither_the_inputs_nor_the_values_asked(name):
    problem = FAMILIES[name](0)
    assert not {tuple(row) for row in problem.X} & {tuple(row) for row in problem.inputs}
    anchors = np.unique(problem.lam)
    assert_array_equal(anchors, list(problem.networks))
    assert len(anchors) == 3
    assert len(problem.held_out) >= 2
    assert all(anchors[0] < lam < anchors[-1] for lam in problem.held_out)
    n, m, n_outputs = problem.shape
    assert (n, problem.y.reshape(len(problem.X), -1).shape[1]) == (len(problem.inputs), n_outputs)
    for lam, network in problem.networks.items():
        answers = network(problem.inputs, n_samples=m) if m > 1 else network(problem.inputs)[None]
        answers = np.moveaxis(answers.reshape(m, n, n_outputs), 0, 1)
        assert_allclose(np.sort(answers, axis=1), np.sort(problem.outputs[lam], axis=1))


@pytest.mark.parametrize("name", ONLY_CATEGORIES)
def test_families_without_new_inputs_are_left_out(name):
    problem = of_the_zoo(name, 0)
    assert {tuple(row) for row in problem.inputs} <= {tuple(row) for row in problem.X}


def test_stored_draws_are_drawn_without_repeats_and_differ_from_call_to_call(rng):
    X, y = np.repeat(rng.normal(size=(3, 2)), 50, axis=0), np.arange(150.0)[:, None]
    network = lookup(X, y)
    first, second = (network(X[::50], n_samples=20) for _ in range(2))
    assert first.shape == (20, 3, 1)
    assert (first // 50 == np.arange(3)[:, None]).all()
    assert all(len(np.unique(draws)) == 20 for draws in first[:, :, 0].T)
    assert not np.array_equal(first, second)


def test_lines_are_exact_on_the_scale_on_which_outputs_go_straight(rng):
    problem = straight(rng)
    found = {name: errors(problem, method) for name, method in of_networks(problem).items()}
    assert set(found["lines"]) == {"mean", "W2^2", "energy"}
    assert max(found["lines"]["mean"], found["lines"]["W2^2"]) < 1e-20
    for name in ("nearest network", "lines in lambda"):
        assert min(found[name]["mean"], found[name]["W2^2"]) > 0.01
        assert found[name]["energy"] > found["lines"]["energy"]


def test_errors_and_differences_of_answers_that_are_off_by_two(rng):
    problem = straight(rng)
    truth = problem.outputs

    def off(lam):
        return truth[lam].mean(axis=1) + 2, truth[lam][:, ::-1] + 2

    found = errors(problem, off)
    assert found["mean"] == pytest.approx(4)
    assert found["W2^2"] == pytest.approx(8)
    assert errors(problem, lambda lam: (truth[lam].mean(axis=1), None)) == {"mean": 0}
    assert largest_difference(problem, lambda lam: (None, truth[lam][:, ::-1])) == 0
    assert largest_difference(problem, off) == pytest.approx(2)


def test_a_forest_draws_the_outputs_of_an_input(rng):
    X, y = np.repeat(np.arange(4.0), 25)[:, None], np.arange(100.0)[:, None]
    mean, draws = Forest(X, y, 0).answer(np.arange(4.0)[:, None], 500)
    assert_allclose(mean[:, 0], 12 + 25 * np.arange(4))
    assert [set(of_x[:, 0]) for of_x in draws] == [
        set(range(25 * k, 25 * k + 25)) for k in range(4)
    ]
    assert Forest(X, y, 0).answer(X, 1)[1] is None


@pytest.mark.slow
def test_the_table(rng, monkeypatch, capsys):
    few = partial(HyperparameterTrajectoryRegressor, max_iter=2, validate=False)
    monkeypatch.setattr(new_inputs, "HyperparameterTrajectoryRegressor", few)
    monkeypatch.setattr(new_inputs, "FAMILIES", {"straight": lambda seed: straight(rng)})
    monkeypatch.setattr(sys, "argv", ["", "--only", "without", "--seeds", "2"])
    new_inputs.main()
    lines = capsys.readouterr().out.strip().splitlines()
    head, _, mean, distance, energy, middle = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]
    )
    assert lines[0] == "without networks"
    assert [row[0] for row in (mean, distance, energy)] == [
        "straight", "straight, W2^2", "straight, energy"
    ]  # fmt: skip
    assert head[-2:] == ["trees, lines", "CPU s of fit"]
    assert all(row[-2].startswith("1.00 (") for row in (mean, distance, energy))
    assert [head[i] for i, cell in enumerate(distance) if not cell] == [
        "MLP", "boosting", "CPU s of fit"
    ]  # fmt: skip
    assert middle[1:-1] == [cell.split()[0] for cell in mean[1:-1]]
