"""Policies under the weight of their control cost: Reacher and Pendulum, trained by PPO."""

from functools import partial

import numpy as np
import torch

from .family import Card, Outputs
from .policies import load_policy, make_env, policy_key, read_policies, save_policies

N_ENVS = 8
N_STATES = 400
N_EPISODES_FIT = 0.7  # share of the episodes whose states are for fitting
GAMMA = 0.9


def train(lams, seeds, progress, *, name, n_steps):
    """Train the policies that are not stored yet; return their mean actions."""
    policies = read_policies(name)
    jobs = [(lam, seed) for seed in seeds for lam in lams]
    for lam, seed in progress(jobs):
        if policy_key(lam, seed) not in policies:
            policies[policy_key(lam, seed)] = train_policy(name, lam, seed, n_steps)
            save_policies(name, policies)
    X, train_rows, test_rows = visited_states(name, lams)
    y = actions(name, X, lams, seeds)
    return Outputs(X=X, y=y, train_rows=train_rows, test_rows=test_rows)


def actions(name, X, lams, seeds):
    """Return the mean actions (S, L, n, D) of stored policies at states X (n, C)."""
    return np.array(
        [
            [load_policy(name, lam, seed).predict(X, deterministic=True)[0] for lam in lams]
            for seed in seeds
        ]
    )


def train_policy(name, lam, seed, n_steps):
    """Train one policy; return its arrays."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize

    torch.set_num_threads(1)
    env = make_vec_env(partial(make_env, name, lam), N_ENVS, seed=seed)
    env = VecNormalize(env, gamma=GAMMA, clip_obs=1e6)
    ppo = PPO(
        "MlpPolicy",
        env,
        n_steps=256,
        batch_size=256,
        gamma=GAMMA,
        learning_rate=_falling,
        seed=seed,
        device="cpu",
    )
    ppo.learn(n_steps)
    state = {key: value.numpy() for key, value in ppo.policy.state_dict().items()}
    layers = ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net")
    arrays = {
        "log_std": state["log_std"],
        "obs_mean": env.obs_rms.mean,
        "obs_scale": np.sqrt(env.obs_rms.var + env.epsilon),
        "low": env.action_space.low,
        "high": env.action_space.high,
    }
    for i, layer in enumerate(layers):
        arrays[f"weight{i}"], arrays[f"bias{i}"] = state[f"{layer}.weight"], state[f"{layer}.bias"]
    env.close()
    return arrays


def _falling(remaining):
    """The learning rate, by the share of the training that remains."""
    return 1e-3 * remaining


def visited_states(name, lams):
    """Return states that stochastic policies of all lambdas visit, split by episode."""
    rng = np.random.default_rng(0)
    n_episodes = 4 * len(lams)
    visited, episode = [], []
    for i in range(n_episodes):
        lam = lams[i % len(lams)]
        states = roll_out(name, lam, seed=10_000 + i)
        visited.append(states)
        episode.append(np.full(len(states), i))
    visited, episode = np.concatenate(visited), np.concatenate(episode)
    picked = np.sort(rng.choice(len(visited), N_STATES, replace=False))
    to_fit = np.isin(
        episode[picked], rng.permutation(n_episodes)[: int(N_EPISODES_FIT * n_episodes)]
    )
    X = visited[picked].astype(np.float32)
    return X, np.flatnonzero(to_fit), np.flatnonzero(~to_fit)


def roll_out(name, lam, seed):
    """Return the observations of one episode, shape (T, C)."""
    env, policy = make_env(name, lam), load_policy(name, lam, 0, random_state=seed)
    observation, _ = env.reset(seed=seed)
    states, done = [], False
    while not done:
        states.append(observation)
        action, _ = policy.predict(observation)
        observation, _, terminated, truncated, _ = env.step(action)
        done = terminated or truncated
    env.close()
    return np.array(states)


CARDS = (
    Card(
        name="reacher_control_cost",
        network="policy of PPO, 64-64 tanh, 150,000 steps of Reacher-v5",
        hyperparameter="weight of the squared torques in the reward",
        changes="mean torques at 400 states shrink towards zero",
        data="gymnasium and mujoco",
        lams=(0.25, 0.6, 1.5, 4.0, 10.0),
        clock="log",
        deterministic=True,
        train=partial(train, name="reacher_control_cost", n_steps=150_000),
        y_bounds=(-1.0, 1.0),
        traits=("control",),
    ),
    Card(
        name="pendulum_torque_cost",
        network="policy of PPO, 64-64 tanh, 150,000 steps of Pendulum-v1",
        hyperparameter="weight of the squared torque in the cost (0.001 in the original)",
        changes="mean torque at 400 states: from swinging up at full torque to giving up",
        data="gymnasium",
        lams=(0.001, 0.01, 0.03, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0),
        clock="log",
        deterministic=True,
        train=partial(train, name="pendulum_torque_cost", n_steps=150_000),
        y_bounds=(-2.0, 2.0),
        traits=("control", "breaks"),
    ),
)
