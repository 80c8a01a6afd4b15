"""Trained policies without stable-baselines3, and the environments that they act in."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from .family import DATA

_MISSING = "Environments need the extra `rl`: pip install sklearn-hti[rl]"


@dataclass(frozen=True)
class Policy:
    """A Gaussian policy with two hidden layers.

    Attributes
    ----------
    weights, biases : list of ndarray
        The layers of the mean, shapes (out, in) and (out,).
    log_std : ndarray of shape (D,)
        Log standard deviation of the action, the same in every state.
    obs_mean, obs_scale : ndarray of shape (C,)
        The normalisation of observations.
    low, high : ndarray of shape (D,)
        The box of actions.
    rng : numpy.random.Generator
        Source of stochastic actions.
    """

    weights: list
    biases: list
    log_std: np.ndarray
    obs_mean: np.ndarray
    obs_scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rng: np.random.Generator

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        """Return actions, clipped to their box, and the state as it came.

        Parameters
        ----------
        observation : array-like of shape (C,) or (n, C)
            Raw observations of the environment.
        state, episode_start : object
            Not used: the policies have no memory. Here so that
            stable-baselines3's `evaluate_policy` takes the policy.
        deterministic : bool, default=False
            True: the mean action. False: a draw.

        Returns
        -------
        action : ndarray of shape (D,) or (n, D)
            The actions, float32.
        state : object
            The state.
        """
        hidden = (np.asarray(observation, dtype=float) - self.obs_mean) / self.obs_scale
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.tanh(hidden @ weight.T + bias)
        action = hidden @ self.weights[-1].T + self.biases[-1]
        if not deterministic:
            action = action + np.exp(self.log_std) * self.rng.standard_normal(action.shape)
        return np.clip(action, self.low, self.high).astype(np.float32), state


def policy_file(name):
    """Where the policies of a control family are stored."""
    return DATA / f"{name}_policies.npz"


def load_policy(name, lam, seed=0, *, random_state=0):
    """Return a stored policy.

    Parameters
    ----------
    name : str
        A control family.
    lam : float
        One of its values.
    seed : int, default=0
        Which of the trainings.
    random_state : int, default=0
        Seed of stochastic actions.

    Returns
    -------
    Policy
        Ready to act.

    Raises
    ------
    KeyError
        If there is no such policy.
    """
    stored = _read(policy_file(name))
    try:
        parts = stored[policy_key(lam, seed)]
    except KeyError:
        raise KeyError(
            f"{name} has no policy for lambda {lam} and seed {seed}, only {sorted(stored)}."
        ) from None
    layers = range(sum(part.startswith("weight") for part in parts))
    return Policy(
        [parts[f"weight{i}"] for i in layers],
        [parts[f"bias{i}"] for i in layers],
        *(parts[key] for key in ("log_std", "obs_mean", "obs_scale", "low", "high")),
        np.random.default_rng(random_state),
    )


def policy_key(lam, seed):
    """Name of a policy within the file of its family."""
    return f"{float(lam)}_{seed}"


def read_policies(name):
    """Return the arrays of all stored policies: {key: {part: array}}; none: empty."""
    return dict(_read(policy_file(name))) if policy_file(name).exists() else {}


@cache
def _read(file):
    policies = {}
    with np.load(file) as arrays:
        for key in arrays:
            policy, part = key.split("/")
            policies.setdefault(policy, {})[part] = arrays[key]
    return policies


def save_policies(name, policies):
    """Store the arrays of policies, {key: {part: array}}."""
    flat = {
        f"{key}/{part}": array for key, parts in policies.items() for part, array in parts.items()
    }
    DATA.mkdir(exist_ok=True)
    np.savez_compressed(policy_file(name), **flat)
    _read.cache_clear()


def make_env(name, lam):
    """Return the environment whose reward has the weight lambda.

    Parameters
    ----------
    name : {"reacher_control_cost", "pendulum_torque_cost"}
        A control family.
    lam : float
        Weight of the squared action in the cost.

    Returns
    -------
    gymnasium.Env
        Reacher-v5 or Pendulum-v1 with that weight.

    Raises
    ------
    ImportError
        If gymnasium is missing.
    """
    try:
        import gymnasium
    except ImportError as error:
        raise ImportError(_MISSING) from error
    if name == "reacher_control_cost":
        return gymnasium.make("Reacher-v5", reward_control_weight=lam)
    if name == "pendulum_torque_cost":
        return _torque_cost_wrapper()(gymnasium.make("Pendulum-v1"), lam)
    raise ValueError(f"{name!r} is no control family.")


@cache
def _torque_cost_wrapper():
    """The wrapper class; made late, since gymnasium is optional."""
    import gymnasium

    class TorqueCost(gymnasium.Wrapper):
        """Pendulum with another weight of the squared torque, 0.001 in the original."""

        def __init__(self, env, weight):
            super().__init__(env)
            self.weight = weight

        def step(self, action):
            observation, reward, terminated, truncated, info = self.env.step(action)
            torque = self.env.unwrapped.last_u
            reward -= (self.weight - 0.001) * torque**2
            return observation, reward, terminated, truncated, info

    return TorqueCost
