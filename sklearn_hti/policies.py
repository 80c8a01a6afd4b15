"""Policies made from surrogates, which act at any lambda."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ._utils.random import sampling_generator
from ._utils.readable import as_readable

_OUTPUTS = ("actions", "logits", "probabilities")


class TrajectoryPolicy:
    """Policy at any lambda, from a surrogate of policies that were trained at a few lambdas.

    It can replace a stable-baselines3 policy wherever that only has to act, such as in
    `evaluate_policy`. The library itself is not required. With `base`, the deployed policy acts,
    and the surrogate moves its actions from `lam_from` to `lam`. Without `base`, the surrogate
    draws the actions.

    Parameters
    ----------
    surrogate : fitted surrogate or TrajectoryPipeline
        A surrogate fitted on observations X, and on actions or scores of actions y. Fit on
        observations as the environment returns them, because `predict` receives these. This holds
        even if the policies were trained on normalised observations.
    lam : float, array-like, DataFrame or dict
        The lambda of the policy, such as a vector of preference weights. Or one lambda for each of
        n observations, of shape (n,) or (n, k). It may be changed at any time.
    base : object with `predict`, callable or None, default=None
        The policy trained at `lam_from`. It is an object with ``predict(observation, state,
        episode_start, deterministic)``, such as a model of stable-baselines3, or a function from
        observations (n, C) to outputs (n, D). None draws at the base of the surrogate.
    lam_from : float, array-like of shape (k,) or dict, default=None
        The lambda of `base`. None is `base_lam` of the surrogate, or its first trained value.
    action_space : gymnasium space or (low, high), default=None
        A box to which actions are clipped, or the space ``Discrete`` of an environment. None
        returns actions as the surrogate gives them.
    outputs : {"actions", "logits", "probabilities"}, default="actions"
        Meaning of the outputs. "actions" is for continuous actions. Discrete actions need "logits"
        or "probabilities" of all actions, which `base` must then return, too. The action with the
        largest score is chosen, or one is drawn from the probabilities.
    random_state : int, RandomState, Generator or None, default=None
        Seed of stochastic actions.

    Raises
    ------
    ValueError
        If `outputs`, `action_space` and `base` do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti.baselines import DisplacementInterpolationRegressor
    >>> from sklearn_hti.policies import TrajectoryPolicy
    >>> rng = np.random.default_rng(0)
    >>> X = np.tile(rng.normal(size=(50, 3)), (2, 1))
    >>> lam = np.repeat([0.0, 1.0], 50)
    >>> surrogate = DisplacementInterpolationRegressor(lam_transform=None)
    >>> surrogate = surrogate.fit(X, (1 - 0.5 * lam) * np.sign(X[:, 0]), lam)
    >>> policy = TrajectoryPolicy(surrogate, lam=0.5, base=lambda X: np.sign(X[:, :1]))
    >>> policy.predict(X[1])[0]
    array([0.75], dtype=float32)
    """

    def __init__(
        self,
        surrogate,
        lam,
        *,
        base=None,
        lam_from=None,
        action_space=None,
        outputs="actions",
        random_state=None,
    ):
        check_is_fitted(surrogate)
        final = surrogate[-1] if isinstance(surrogate, Pipeline) else surrogate
        if getattr(final, "lam_column", None) is not None:
            raise ValueError(
                "surrogate: observations have no lambda column; fit with `lam` instead of "
                f"lam_column={final.lam_column!r}."
            )
        self.surrogate = surrogate
        self.lam = lam
        self.base = base
        self.lam_from = final._state.deployed_value if lam_from is None else lam_from
        self.action_space = action_space
        self.outputs = outputs
        self._check_together()
        self._rng = sampling_generator(random_state)

    def _check_together(self):
        """Raise unless outputs, base and action space fit each other."""
        if self.outputs not in _OUTPUTS:
            raise ValueError(
                f"outputs={self.outputs!r} is not available; accepted: {', '.join(_OUTPUTS)}."
            )
        discrete = self.outputs != "actions"
        if discrete and hasattr(self.base, "predict"):
            raise ValueError(
                f"base: `predict` returns chosen actions, but outputs={self.outputs!r} needs "
                "scores of all actions; pass a function from observations to scores."
            )
        if not (self.base is None or callable(self.base) or hasattr(self.base, "predict")):
            raise ValueError(f"base={self.base!r} must be callable or have a method `predict`.")
        space = self.action_space
        if space is None or (_is_discrete(space) if discrete else _is_box(space)):
            return
        wanted = "a discrete space" if discrete else "a box: a space or (low, high)"
        hint = "" if discrete else "; discrete actions need outputs='logits' or 'probabilities'"
        raise ValueError(
            f"action_space={space!r} does not match outputs={self.outputs!r}, which need "
            f"{wanted}{hint}."
        )

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        """Return actions, and the next state of the base.

        Parameters
        ----------
        observation : array-like of shape (C,) or (n, C)
            One observation, or one from each of n environments.
        state : object, default=None
            State of `base`, if it is recurrent.
        episode_start : array-like of shape (n,), default=None
            Whether episodes start here, for a recurrent `base`.
        deterministic : bool, default=True
            True: the deterministic action of `base`, moved to `lam`, or the conditional mean of
            the surrogate. For scores, the action with the largest. False: draws.

        Returns
        -------
        action : ndarray of shape (D,) or (n, D), or for discrete actions () or (n,)
            Actions in the shape and type of `action_space` if that is a space, else float32 or
            int64.
        state : object
            The next state of `base`. Without a `predict` of `base`, it is the given state.

        Raises
        ------
        ValueError
            If observations are not vectors of the length in `fit`, or `lam` is outside the
            trained values.
        """
        batch = np.asarray(as_readable(observation))
        if batch.ndim not in (1, 2):
            raise ValueError(
                "observation must be a vector, or vectors of shape (n, C); got "
                f"{type(observation).__name__} of shape {batch.shape}."
            )
        batch = np.atleast_2d(batch)
        start, state = self._act_at_base(batch, state, episode_start, deterministic)
        names = getattr(self.surrogate, "feature_names_in_", None)
        X = batch if names is None else pd.DataFrame(batch, columns=names)
        if start is not None:
            y = self.surrogate.transport(X, start, lam_from=self.lam_from, lam_to=self.lam)
        elif deterministic:
            mean = getattr(self.surrogate, "predict_proba", self.surrogate.predict)
            y = mean(X, lam=self.lam)
        else:
            y = self.surrogate.sample(X, self.lam, random_state=self._rng)
        choose = self._clip if self.outputs == "actions" else self._pick
        action = choose(y.reshape(len(batch), -1), deterministic)
        return (action if np.ndim(observation) == 2 else action[0]), state

    def _act_at_base(self, batch, state, episode_start, deterministic):
        """Return outputs (n, D) of the base, None without one, and its next state."""
        if self.base is None:
            return None, state
        if hasattr(self.base, "predict"):
            start, state = self.base.predict(
                batch, state=state, episode_start=episode_start, deterministic=deterministic
            )
        else:
            start = self.base(batch)
        return np.reshape(as_readable(start), (len(batch), -1)), state

    def _clip(self, y, deterministic):
        """Return continuous actions inside their box."""
        space = self.action_space
        if space is not None:
            low, high = space if isinstance(space, tuple) else (space.low, space.high)
            shape = getattr(space, "shape", y.shape[1:])
            y = np.clip(y.reshape(len(y), *shape), low, high)
        dtype = getattr(space, "dtype", np.float32)
        return (np.rint(y) if np.issubdtype(dtype, np.integer) else y).astype(dtype)

    def _pick(self, y, deterministic):
        """Return discrete actions by their scores."""
        space = self.action_space
        if space is not None and y.shape[1] != space.n:
            raise ValueError(
                f"The surrogate has {y.shape[1]} outputs; the action space has {space.n} actions."
            )
        if self.outputs == "probabilities":
            y = np.log(np.maximum(y, np.finfo(float).tiny))
        if not deterministic:
            # the largest of the scores plus Gumbel noise is a draw from their softmax
            y = y + self._rng.gumbel(size=y.shape)
        return getattr(space, "start", 0) + y.argmax(axis=1)


def _is_box(space):
    if isinstance(space, tuple):
        return len(space) == 2
    return hasattr(space, "low") and hasattr(space, "high")


def _is_discrete(space):
    return hasattr(space, "n") and getattr(space, "shape", ()) == ()
