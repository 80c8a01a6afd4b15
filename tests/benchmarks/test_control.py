"""Surrogates that act: returns, what they stand beside, and that runs go on where they stopped."""

import numpy as np
import pytest

from benchmarks import control
from benchmarks.zoo import load, load_policy


class Countdown:
    """Ends after 2 + seed % 2 steps; the reward is the action."""

    def reset(self, *, seed):
        self.left = 2 + seed % 2
        return np.array([float(self.left)]), {}

    def step(self, action):
        self.left -= 1
        return np.array([float(self.left)]), float(action[0]), self.left == 0, False, {}


class Echo:
    """Acts as it observes."""

    def predict(self, observation, deterministic=False):
        assert deterministic
        return observation, None


def test_returns_of_episodes_that_end_apart():
    # observed 2, 1 and, where the seed is odd, 3, 2, 1
    returns = control.act(Echo(), [Countdown() for _ in range(4)])
    assert returns.tolist() == [3.0, 6.0, 3.0, 6.0]


def test_policies_without_a_fit():
    family = load("reacher_control_cost")
    policies = control.policies_at(family, 3, 1, 0.6)
    X = family.X[:5]
    acted = {which: p.predict(X, deterministic=True)[0] for which, p in policies.items()}
    stored = {
        "true policy": family.at(0.6, seed=0),  # of another seed than what surrogates see
        "true policy, its seed": family.at(0.6, seed=1),
        "lowest anchor": family.at(0.25, seed=1),
        "nearest anchor": family.at(0.25, seed=1),
    }
    for which, actions in stored.items():
        np.testing.assert_allclose(acted[which], actions[:5], atol=1e-5)
    below, above = (family.at(lam, seed=1)[:5] for lam in (0.25, 1.5))
    share = (0.6 - 0.25) / (1.5 - 0.25)
    np.testing.assert_allclose(
        acted["interpolated actions"], (1 - share) * below + share * above, atol=1e-5
    )


def test_surrogates_move_actions_of_the_base():
    base = load_policy("reacher_control_cost", 0.25)
    model, cpu = control.fit("direct, boosting", "reacher_control_cost", 3, 0)
    assert cpu > 0
    X = load("reacher_control_cost").X[:50]
    start = base.predict(X, deterministic=True)[0]
    for lam in (0.25, 4.0):
        action, _ = control.moved(model, base, 0.25, lam).predict(X)
        expected = np.clip(
            model.transport(X, start, lam_from=0.25, lam_to=lam), base.low, base.high
        )
        np.testing.assert_allclose(action, expected, atol=1e-6)
    assert np.abs(action).mean() < np.abs(start).mean()  # dearer torques are smaller


def test_one_run_and_its_continuation(monkeypatch, tmp_path, capsys):
    pytest.importorskip("gymnasium", reason="needs the extra `rl`")
    path = tmp_path / "control.jsonl"
    options = {
        "families": "pendulum_torque_cost",
        "anchors": "3",
        "methods": "displacement interpolation",
        "episodes": "2",
        "results": str(path),
    }
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    monkeypatch.setattr("sys.argv", ["control", *given])
    control.main()
    lines = path.read_text().splitlines()
    assert len(lines) == 4 * 6  # held-out lambdas; policies
    path.write_text("\n".join(lines[:-2]) + "\n")
    control.main()
    records = control.read(path)
    assert len(records) == 4 * 6
    assert all(r["gap"] == 0 for r in records if r["policy"] == "true policy")
    assert all(r["return"] < 0 for r in records)
    table = capsys.readouterr().out.split("pendulum_torque_cost, 3 anchors")[-1]
    assert len([line for line in table.splitlines() if line.startswith("| ")]) == 2 + 6
