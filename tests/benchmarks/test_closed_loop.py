"""Policies that act in place of retrained ones: what they are, episodes, and their errors."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.arena import closed_loop, environments, policies
from benchmarks.arena.environments import CONTROLS, Control
from benchmarks.records import read


class Always:
    """Acts by a function of observations."""

    def __init__(self, action):
        self.action = action

    def predict(self, observation, deterministic=True):
        return self.action(observation), None


def linear_family():
    """Networks y = lambda x; the return is minus the squared distance of the action to it."""
    X = np.random.default_rng(0).normal(size=(60, 2))

    def networks(seed):
        return {lam: lambda X, lam=lam: lam * np.asarray(X) for lam in (1.0, 3.0, 2.0)}

    def play(policy, lam, n_episodes):
        action, _ = policy.predict(X[:n_episodes], deterministic=True)
        return lam - ((action - lam * X[:n_episodes]) ** 2).sum(axis=1)

    return Control("linear", X, (1.0, 3.0), (2.0,), networks, play)


@pytest.fixture
def linear(monkeypatch):
    caches = policies.control_of, policies.networks_of, policies.retrained, policies.surrogate
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setitem(CONTROLS, "linear", linear_family)
    yield
    for cached in caches:
        cached.cache_clear()


def test_errors_are_shares_of_the_range(linear):
    methods = (
        policies.OURS,
        policies.NEAREST,
        policies.STRAIGHT,
        policies.CONDITIONED,
        policies.OWN,
    )
    found = {m: closed_loop.judge(10, "linear", 0, 1, m) for m in methods}
    assert all(r["range"] == pytest.approx(2.0) for r in found.values())
    assert all(r["retrained"] == [pytest.approx(2.0)] for r in found.values())
    for method in (policies.STRAIGHT, policies.OWN):
        assert closed_loop.errors(found[method]) == pytest.approx([0.0])
    X = linear_family().X[:10]
    expected = (X**2).sum(axis=1).mean() / 2  # the action of the nearest is x away
    assert closed_loop.errors(found[policies.NEAREST]) == pytest.approx([expected])
    assert closed_loop.errors(found[policies.OURS])[0] < 0.5 * expected
    assert closed_loop.errors(found[policies.CONDITIONED])[0] < expected


def test_ties_are_within_one_standard_error():
    best = np.array([1.0, 2.0, 3.0])
    assert closed_loop.shares(best + np.array([0.5, -0.4, 0.2]), best)  # 0.1 behind, error 0.26
    assert not closed_loop.shares(best + 0.1, best)
    assert not closed_loop.shares(best[:1] + 0.1, best[:1])


def test_one_run_its_continuation_and_its_report(linear, tmp_path, capsys):
    path, page = tmp_path / "records.jsonl", tmp_path / "page.md"
    page.write_text("a\n<!-- closed_loop: begin -->\nold\n<!-- closed_loop: end -->\nz\n")
    given = ["--families", "linear", "--episodes", "4", "--results", str(path), "--methods"]
    given += [policies.NEAREST, policies.STRAIGHT]
    closed_loop.main(given)
    lines = path.read_text().splitlines()
    assert len(lines) == 2 * 3  # methods; pairs of networks
    path.write_text("\n".join(lines[:-2]) + "\n")
    closed_loop.main(given)
    for line, record in zip(lines, read(path), strict=True):
        assert record["returns"] == json.loads(line)["returns"]
    closed_loop.main([*given, "--report", "--write", str(page)])
    printed = capsys.readouterr().out
    assert "| straight line of actions | networks | 0 ± 0 |" in printed
    assert "* linear: straight line of actions\n" in printed
    assert "old" not in page.read_text() and "straight line of actions" in page.read_text()
    with pytest.raises(SystemExit, match="has no records"):
        closed_loop.main([*given, "--report", "--results", str(tmp_path / "none.jsonl")])


@pytest.mark.parametrize("kind", [policies.NEAREST, policies.STRAIGHT, policies.CLOCK])
def test_weights_of_trained_policies(kind):
    control = environments.point_mass()
    found = policies.weights(control, kind, 0)
    assert found.shape == (32, 12)
    assert_allclose(found.sum(axis=1), 1.0)
    if kind == policies.STRAIGHT:
        assert_allclose(found @ np.array(control.anchors), control.held_out, atol=1e-9)
    if kind == policies.NEAREST:
        assert set(np.unique(found)) == {0.0, 1.0}


def test_the_mountain_car_arrives_if_it_is_driven():
    control = environments.mountain_car()
    along = Always(lambda state: np.where(state[:, 1] >= 0, 2, 0))  # pushes as it moves
    returns = control.play(along, 0.9, 20)
    assert returns.max() <= -10 and returns.min() > -environments.N_CAR_DECISIONS
    idle = control.play(Always(lambda state: np.ones(len(state), dtype=int)), 0.9, 20)
    assert_allclose(idle, -environments.N_CAR_DECISIONS)


def test_returns_of_the_point_mass_weigh_its_objectives():
    control = environments.point_mass()
    still = Always(lambda state: np.zeros((len(state), 2)))
    parts = [control.play(still, tuple(row), 5) for row in np.eye(3)]
    assert_allclose(parts[1], 0.0)  # no force
    together = control.play(still, (0.5, 0.2, 0.3), 5)
    assert_allclose(together, 0.5 * parts[0] + 0.3 * parts[2], rtol=1e-5)


def test_rewards_of_entropy_policies_are_highest_at_a_goal():
    control = environments.entropy()

    def aim(X):
        angle = np.pi / 4 * X[:, 1] + np.where(X[:, 0] == 0, 0.0, np.pi / 2)
        return 1.5 * np.column_stack([np.cos(angle), np.sin(angle)])

    at_goal = control.play(Always(aim), 0.1, 6)
    away = control.play(Always(lambda X: np.zeros((len(X), 2))), 0.1, 6)
    assert at_goal.shape == (6,)
    assert (at_goal > away + 0.3).all()


def test_families_of_gymnasium_have_pairs_of_stored_networks():
    for name in environments.OF_GYMNASIUM:
        control = CONTROLS[name]()
        assert control.seeds_of(0) == (0, 1)
        assert len(control.seeds) >= 2
        networks = control.networks(control.seeds[0])
        assert set(networks) == set(control.lams)
        assert networks[control.anchors[0]](control.X[:3]).shape[0] == 3
