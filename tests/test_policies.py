"""Policies from surrogates: shapes, boxes, discrete actions, and stable-baselines3."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from sklearn_hti.baselines import DirectSurrogateRegressor, DisplacementInterpolationRegressor
from sklearn_hti.pipeline import make_trajectory_pipeline
from sklearn_hti.policies import TrajectoryPolicy

BOX = SimpleNamespace(low=np.full(2, -1.0), high=np.full(2, 1.0), shape=(2,), dtype=np.float32)
THREE = SimpleNamespace(n=3, start=np.int64(5))


def pull(X, lam):
    """The policy of a lambda: pulls a point to a place between zero and (0.2, -0.4)."""
    return -0.4 * X + lam * np.array([0.2, -0.4])


class Deployed:
    """A true policy, as stable-baselines3 has them; its state counts steps."""

    def __init__(self, lam=1.0):
        self.lam = lam

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        state = np.where(episode_start, 0, 0 if state is None else state) + 1
        noise = 0.0 if deterministic else 0.1
        return (pull(observation, self.lam) + noise).astype(np.float32), state


class Points:
    """A point for each environment, moved by actions; episodes of `n_steps`, cost |point|^2."""

    def __init__(self, n, n_steps=10):
        self.start = np.random.default_rng(0).uniform(-0.8, 0.8, (n, 2))
        self.n_steps = n_steps

    def returns(self, policy):
        """Run all episodes at once."""
        points, total, state, first = self.start, 0.0, None, np.ones(len(self.start), bool)
        for _ in range(self.n_steps):
            action, state = policy.predict(points, state, first, True)
            points, first = points + action, ~first & first
            total -= np.square(points).sum(axis=1)
        return total, state


@pytest.fixture(scope="module")
def surrogate():
    """Exact: these policies are linear in the observation and in lambda."""
    X = np.tile(np.random.default_rng(0).uniform(-1, 1, (40, 2)), (2, 1))
    lam = np.repeat([0.2, 1.0], 40)
    model = DirectSurrogateRegressor(LinearRegression(), base_lam=1.0)
    return model.fit(X, pull(X, lam[:, None]), lam)


def scores(X, lam):
    """Logits of three actions."""
    return np.column_stack([X[:, 0], X[:, 1], np.full(len(X), lam)])


@pytest.fixture(scope="module")
def of_scores():
    X = np.tile(np.random.default_rng(0).uniform(-1, 1, (40, 2)), (2, 1))
    y = np.concatenate([scores(X[:40], lam) for lam in (0.0, 1.0)])
    return DirectSurrogateRegressor(LinearRegression()).fit(X, y, np.repeat([0.0, 1.0], 40))


def test_returns_are_those_of_the_true_policy(surrogate):
    points = Points(50)
    policy = TrajectoryPolicy(surrogate, 0.4, base=Deployed(), action_space=BOX)
    for lam in (0.4, 1.0):
        policy.lam = lam
        got, state = points.returns(policy)
        np.testing.assert_allclose(got, points.returns(Deployed(lam))[0], rtol=1e-5)
        assert (state == 10).all()  # the base's own, handed on


def test_shapes_and_types(surrogate):
    policy = TrajectoryPolicy(surrogate, 0.5, base=Deployed())
    X = np.random.default_rng(1).uniform(-1, 1, (7, 2)).astype(np.float32)
    batch, _ = policy.predict(X)
    assert batch.shape == (7, 2) and batch.dtype == np.float32
    for row, action in zip(X, batch, strict=True):
        one, _ = policy.predict(row)
        assert one.shape == (2,)
        np.testing.assert_allclose(one, action, atol=1e-6)
    policy.lam = np.linspace(0.2, 1.0, 7)  # one per environment
    assert np.allclose(policy.predict(X)[0][-1], pull(X[-1], 1.0))
    with pytest.raises(ValueError, match="shape \\(2, 2, 2\\)"):
        policy.predict(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="dict"):
        policy.predict({"position": X})
    policy.lam = 3.0
    with pytest.raises(ValueError, match="outside the anchors"):
        policy.predict(X)


def test_one_action_keeps_its_axis():
    X = np.tile(np.linspace(-1, 1, 40)[:, None], (2, 1))
    lam = np.repeat([0.0, 1.0], 40)
    model = DisplacementInterpolationRegressor(lam_transform=None).fit(X, lam * X[:, 0], lam)
    for base in (None, lambda X: 0 * X):
        assert TrajectoryPolicy(model, 0.5, base=base).predict(X[:3])[0].shape == (3, 1)
        assert TrajectoryPolicy(model, 0.5, base=base).predict(X[3])[0].shape == (1,)


def test_actions_stay_in_their_box(surrogate):
    X = np.random.default_rng(1).uniform(-1, 1, (50, 2))
    free, _ = TrajectoryPolicy(surrogate, 0.9, base=Deployed()).predict(X)
    for space, high in ((BOX, 1.0), ((-0.3, [0.3, 0.2]), np.array([0.3, 0.2]))):
        low = -1.0 if space is BOX else -0.3
        policy = TrajectoryPolicy(surrogate, 0.9, base=Deployed(), action_space=space)
        action, _ = policy.predict(X)
        np.testing.assert_array_equal(action, np.clip(free, low, high).astype(np.float32))
        assert action.dtype == np.float32


def test_without_a_base_the_surrogate_draws(surrogate, on_clouds):
    X = np.random.default_rng(1).uniform(-1, 1, (30, 2))
    action, state = TrajectoryPolicy(surrogate, 0.5).predict(X, state="kept")
    np.testing.assert_allclose(action, surrogate.predict(X, 0.5), rtol=1e-6)
    assert state == "kept"
    policy = TrajectoryPolicy(on_clouds, 1.0, random_state=0)
    X = np.repeat([[0.0], [1.0]], 100, axis=0)
    mean, draws, others = (policy.predict(X, deterministic=d)[0] for d in (True, False, False))
    assert len(np.unique(mean)) == 2 and len(np.unique(draws)) > 50
    assert not np.array_equal(draws, others)
    again = TrajectoryPolicy(on_clouds, 1.0, random_state=0).predict(X, deterministic=False)[0]
    np.testing.assert_array_equal(again, draws)
    assert draws[:100].mean() == pytest.approx(1.0, abs=0.5)
    assert draws[100:].mean() == pytest.approx(2.0, abs=0.5)


def test_stochastic_bases_stay_so(surrogate):
    policy = TrajectoryPolicy(surrogate, 1.0, base=Deployed())
    X = np.zeros((1, 2))
    for deterministic, noise in ((True, 0.0), (False, 0.1)):
        action, _ = policy.predict(X, deterministic=deterministic)
        np.testing.assert_allclose(action, pull(X, 1.0) + noise, atol=1e-6)


def test_discrete_actions_by_their_scores(of_scores):
    X = np.random.default_rng(1).uniform(-1, 1, (200, 2))
    policy = TrajectoryPolicy(
        of_scores, 0.5, base=lambda X: scores(X, 0.0), action_space=THREE, outputs="logits"
    )
    action, _ = policy.predict(X)
    assert action.dtype == np.int64
    np.testing.assert_array_equal(action, 5 + scores(X, 0.5).argmax(axis=1))
    assert policy.predict(X[0])[0] == action[0]
    policy._rng = np.random.default_rng(0)
    drawn, _ = policy.predict(np.repeat([[0.5, -0.5]], 20_000, axis=0), deterministic=False)
    odds = np.exp([0.5, -0.5, 0.5])
    np.testing.assert_allclose(np.bincount(drawn)[5:] / 20_000, odds / odds.sum(), atol=0.02)
    policy.action_space = SimpleNamespace(n=4)
    with pytest.raises(ValueError, match="3 outputs"):
        policy.predict(X)


def test_probabilities():
    y = np.tile([[0.2, 0.8]], (40, 1))
    lam = np.repeat([0.0, 1.0], 20)
    X = np.tile(np.arange(20.0)[:, None], (2, 1))
    model = DisplacementInterpolationRegressor(lam_transform=None).fit(X, y, lam)
    policy = TrajectoryPolicy(model, 0.5, outputs="probabilities", random_state=0)
    X = np.zeros((10_000, 1))
    assert (policy.predict(X)[0] == 1).all()
    assert np.mean(policy.predict(X, deterministic=False)[0]) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"outputs": "values"}, "outputs='values'"),
        ({"action_space": THREE}, "outputs='logits'"),
        ({"action_space": BOX, "outputs": "logits"}, "a discrete space"),
        ({"action_space": (0, 1, 2)}, "low, high"),
        ({"base": Deployed(), "outputs": "logits"}, "scores of all actions"),
        ({"base": 3}, "base=3"),
    ],
)
def test_what_does_not_go_together(surrogate, options, message):
    with pytest.raises(ValueError, match=message):
        TrajectoryPolicy(surrogate, 0.5, **options)


def test_surrogates_as_they_come(surrogate, networks):
    with pytest.raises(NotFittedError):
        TrajectoryPolicy(DisplacementInterpolationRegressor(), 0.5)
    X = np.column_stack([networks.X, networks.lam])
    columned = DirectSurrogateRegressor(lam_column=2).fit(X, networks.y)
    with pytest.raises(ValueError, match="lam_column=2"):
        TrajectoryPolicy(columned, 0.5)


def test_pipelines_and_frames(networks):
    rival = DisplacementInterpolationRegressor(lam_transform=None)
    X, y, lam = networks.X, networks.y, networks.lam
    plain = TrajectoryPolicy(rival.fit(X, y, lam), 0.5).predict(X[:5])[0]
    pipe = make_trajectory_pipeline(StandardScaler(), rival).fit(X, y, lam)
    np.testing.assert_allclose(TrajectoryPolicy(pipe, 0.5).predict(X[:5])[0], plain, rtol=1e-6)
    framed = rival.fit(pd.DataFrame(X, columns=["a", "b"]), y, lam)
    np.testing.assert_allclose(TrajectoryPolicy(framed, 0.5).predict(X[:5])[0], plain, rtol=1e-6)


def test_in_stable_baselines3(surrogate):
    gymnasium = pytest.importorskip("gymnasium", reason="needs the extra `rl`")
    sb3 = pytest.importorskip("stable_baselines3", reason="needs the extra `rl`")
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import DummyVecEnv

    class Point(gymnasium.Env):
        """One of `Points`; float32 as gymnasium wants it."""

        observation_space = gymnasium.spaces.Box(-10, 10, (2,))
        action_space = gymnasium.spaces.Box(-1, 1, (2,))

        def reset(self, *, seed=None, options=None):
            self.point, self.t = np.float32([0.5, -0.25]), 0
            return self.point, {}

        def step(self, action):
            self.point, self.t = self.point + action, self.t + 1
            cost = float(np.square(self.point).sum())
            return self.point, -cost, False, self.t == 10, {}

    policy = TrajectoryPolicy(surrogate, 0.4, base=Deployed(), action_space=Point.action_space)
    start = Points(1)
    start.start = np.array([[0.5, -0.25]])
    true = start.returns(Deployed(0.4))[0].item()
    for env in (Point(), DummyVecEnv([Point] * 3)):
        mean, std = evaluate_policy(policy, env, n_eval_episodes=3, warn=False)
        assert mean == pytest.approx(true, rel=1e-5)
        assert std == pytest.approx(0.0, abs=1e-6)
    model = sb3.PPO("MlpPolicy", Point(), seed=0, device="cpu")
    policy.base, X = model, np.random.default_rng(0).uniform(-1, 1, (6, 2)).astype(np.float32)
    for lam in (1.0, 0.4):
        policy.lam = lam
        acted = model.predict(X, deterministic=True)[0]
        expected = np.clip(acted + pull(X, lam) - pull(X, 1.0), -1, 1)
        np.testing.assert_allclose(policy.predict(X)[0], expected, atol=1e-6)


def test_actions_of_a_box_of_integers_are_rounded(surrogate):
    space = SimpleNamespace(low=np.full(2, -3), high=np.full(2, 3), shape=(2,), dtype=np.int64)
    exact, whole = (
        TrajectoryPolicy(surrogate, 0.4, base=Deployed(), action_space=box)
        for box in (None, space)
    )
    x = np.linspace(-1, 1, 14).reshape(7, 2)
    expected = np.rint(np.clip(exact.predict(x)[0], -3, 3))
    np.testing.assert_array_equal(whole.predict(x)[0], expected)
    assert (expected != np.trunc(exact.predict(x)[0])).any()


# ---------------------------------------------------------------- preference weights

WEIGHTS = np.array(
    [*np.eye(3), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5), (1 / 3, 1 / 3, 1 / 3)]
)
GOALS = np.array([[0.2, -0.4], [-0.3, 0.1], [0.0, 0.5]])


@pytest.fixture(scope="module", params=["array", "names", "last left out"])
def of_weights(request, make):
    """Policies at three preference weights that sum to one, linear in them."""
    X = np.random.default_rng(0).uniform(-1, 1, (10, 2))
    y = np.concatenate([pull(X, weight @ GOALS / [0.2, -0.4]) for weight in WEIGHTS])
    lam = np.repeat(WEIGHTS, 10, axis=0)
    forms = {"names": pd.DataFrame(lam, columns=["speed", "cost", "safety"]), "array": lam}
    surrogate = make(max_iter=20).fit(np.tile(X, (7, 1)), y, forms.get(request.param, lam[:, :2]))
    return surrogate, X, surrogate.anchors_.shape[1]


def test_a_policy_at_preference_weights(of_weights):
    surrogate, X, k = of_weights
    weight = np.array([0.2, 0.3, 0.5])
    wanted = -0.4 * X + weight @ GOALS
    for base in (None, lambda X: -0.4 * X + GOALS[0]):
        policy = TrajectoryPolicy(surrogate, weight[:k], base=base, lam_from=WEIGHTS[0][:k])
        np.testing.assert_allclose(policy.predict(X)[0], wanted, atol=1e-2)
        np.testing.assert_allclose(policy.predict(X[0])[0], wanted[0], atol=1e-2)
    policy.lam = np.random.default_rng(1).dirichlet(np.ones(3), 10)  # one per environment
    wanted = -0.4 * X + policy.lam @ GOALS
    policy.lam = policy.lam[:, :k]
    np.testing.assert_allclose(policy.predict(X)[0], wanted, atol=1e-2)
    policy.lam = np.array([0.6, 0.6, 0.1])[:k]  # sums to more than one
    with pytest.raises(ValueError, match="outside the convex hull"):
        policy.predict(X)


def test_a_policy_is_deployed_where_lambda_is_as_users_pass_it(make):
    """A category, a constant and an axis without influence are in `lam_from`."""
    X = np.random.default_rng(0).uniform(-1, 1, (10, 2))
    lam = pd.DataFrame(
        [(a, s, w, 1.0) for a in ("ppo", "sac") for s in (0.0, 1.0) for w in (0.0, 0.5, 1.0)],
        columns=["algorithm", "seed", "weight", "scale"],
    )
    wanted = {a: lambda w, a=a: pull(X, w + (a == "sac")) for a in ("ppo", "sac")}
    y = np.concatenate([wanted[a](w) for a, w in zip(lam.algorithm, lam.weight, strict=True)])
    rows = np.repeat(np.arange(len(lam)), 10)
    surrogate = make(max_iter=20).fit(np.tile(X, (len(lam), 1)), y, lam.iloc[rows])
    at = {"algorithm": "sac", "seed": 0.5, "weight": 0.3, "scale": 1.0}
    policy = TrajectoryPolicy(surrogate, at, base=lambda X: pull(X, 0.0))
    assert list(policy.lam_from) == ["ppo", 0.0, 0.0, 1.0]
    np.testing.assert_allclose(policy.predict(X)[0], wanted["sac"](0.3), atol=1e-2)
