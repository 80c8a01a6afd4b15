"""The trained networks themselves, asked at question time (docs/method.md, section 6)."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

import numpy as np

from .._utils.global_state import global_seed
from .._utils.registry import storable
from .._utils.torch_state import callers_torch_state
from ..data.arrays import take
from ..data.lam_space import ONE, shown
from ..data.lambdas import LAM_ROUNDING
from .wrapped import as_trained, shaped

_MAX_ROWS = 8192  # that a network is asked at once


def check_networks(networks, base=None):
    """Raise unless `networks` is a dictionary of networks by their value of lambda.

    Nor may the parameter `base` name what they replace.
    """
    if not isinstance(networks, Mapping) or not networks:
        given = "{}" if isinstance(networks, Mapping) else type(networks).__name__
        raise ValueError(
            f"networks={given} must be a dict of trained networks by their value of lambda, such "
            "as {0.1: model, 1.0: other} or sweep(...).networks."
        )
    for key, network in networks.items():
        parts = key if isinstance(key, tuple) else (key,)
        categories = (str, bool, np.bool_) if isinstance(key, tuple) else ()
        numbers = [part for part in parts if not isinstance(part, categories)]
        if any(
            isinstance(v, bool) or not isinstance(v, Real) or not np.isfinite(v) for v in numbers
        ):
            raise ValueError(
                f"networks: the key {key!r} is not a value of lambda; use numbers, or tuples in "
                "the order of the columns of lambda."
            )
        if isinstance(network, type) or not (callable(network) or _method(network)):
            raise ValueError(
                f"networks[{key!r}]={network!r} must be a fitted estimator with `predict` or "
                "`predict_proba`, or a function from inputs to outputs."
            )
    if not (base is None or (isinstance(base, str) and base == "auto")):
        raise ValueError(
            f"base={base!r} is for answers without networks, and networks= is given: leave out "
            "one of the two."
        )


def check_each_has_one(networks, anchors, space, n_anchors):
    """Raise unless every trained value has its own network; `n_anchors` is the parameter."""
    if anchors.binned:
        raise ValueError(
            f"n_anchors={n_anchors!r} merges trained values, and each has its own network in "
            "networks=; use n_anchors='auto'."
        )
    find_networks(networks, anchors.lam, space)


def find_networks(networks, anchors, space=ONE, hull=None):
    """Return the networks of the trained values, in their order; others are not kept.

    Parameters
    ----------
    networks : dict
        As the user gives them.
    anchors : ndarray of shape (M,) or (M, k)
        Trained values that answers depend on.
    space : LamSpace
        The hyperparameters of these.
    hull : Hull, default=None
        That of `fit`, which has all hyperparameters: keys that it lacks were not in `fit`.

    Raises
    ------
    ValueError
        If a trained value has no network.
    """
    keys = list(networks)
    if hull is not None:
        keys = [key for key in keys if len(_same(hull.lams, _encoded(key, hull.space)))]
    encoded = [(key, _encoded(key, space)) for key in keys]
    encoded = [(key, lam) for key, lam in encoded if lam is not None]
    found = []
    for anchor in anchors:
        same = [(key, lam) for key, lam in encoded if len(_same(anchor[None], lam))]
        if not same:
            text = space.text(anchor)
            order = ", ".join(space.names) if space.n_columns > 1 else ""
            raise ValueError(
                f"networks has no network for lambda = {text}, which is in `lam`; its keys are "
                f"{sorted(networks, key=str)}. Add that network, or leave out the rows of "
                f"lambda = {text}." + f" Keys are tuples in the order ({order})." * bool(order)
            )
        nearest = min(same, key=lambda pair: np.max(np.abs(pair[1] - anchor)))
        found.append(networks[nearest[0]])
    return tuple(found)


def _same(lams, lam):
    """Return the numbers of the lambdas (M,) or (M, k) that equal one, but for rounding."""
    if lam is None:
        return np.array([], dtype=int)
    apart = np.abs(lams - lam) - LAM_ROUNDING * np.maximum(np.abs(lams), np.finfo(float).tiny)
    return np.flatnonzero((np.reshape(apart, (len(lams), -1)) <= 0).all(axis=1))


def _encoded(key, space):
    """Return the lambda of a key; None of one that no trained value can be."""
    try:
        return space.encode(np.array(key, dtype=object) if isinstance(key, tuple) else key, 1)[0]
    except ValueError:
        return None


@storable
@dataclass(frozen=True)
class Networks:
    """Networks of the trained values, and how they are asked.

    Attributes
    ----------
    lams : ndarray of shape (M,)
        Trained values.
    networks : tuple or None
        Their networks; None where they were left out of a file.
    n_outputs : int
        Outputs D of each.
    draws : bool
        Whether an answer is a draw, so that asking twice gives two.
    dtype : str
        In which precision networks take X, where it is an array of numbers: as in fit.
    """

    lams: np.ndarray
    networks: tuple
    n_outputs: int
    draws: bool
    dtype: str = "float64"

    def ask(self, X, n_draws, seed):
        """Return outputs (M, n, n_draws, D) at inputs X, in the user's units."""
        if self.networks is None:
            raise ValueError(
                "The file does not hold the networks: pass them to load(path, networks=...), "
                "or pass their outputs to `interpolate`."
            )
        return np.stack(
            [
                self.ask_one(lam, network, X, n_draws, seed)
                for lam, network in zip(self.lams, self.networks, strict=True)
            ]
        )

    def ask_one(self, lam, network, X, n_draws, seed):
        if getattr(X, "dtype", None) == np.float64:
            X = X.astype(self.dtype, copy=False)
        X = as_trained(X, network)
        size = max(1, _MAX_ROWS // n_draws)
        out = np.empty((len(X), n_draws, self.n_outputs))
        try:
            asked = getattr(network, "__self__", network)
            with global_seed(seed, asked), callers_torch_state():
                for begin in range(0, len(X), size):
                    rows = np.arange(begin, min(begin + size, len(X)))
                    out[rows] = self._answer(lam, network, take(X, rows), n_draws)
        except Exception as error:
            error.add_note(
                f"networks[{shown(lam)}] was asked {type(X).__name__} of shape {X.shape}."
            )
            raise
        return out

    def _answer(self, lam, network, X, n_draws):
        """Return the outputs (n, n_draws, D) of one network."""
        name, shape = f"networks[{shown(lam)}]", (len(X), self.n_outputs)
        if takes_n_samples(network):
            drawn = shaped(network(X, n_samples=n_draws), (n_draws, *shape), name)
            return np.moveaxis(drawn, 0, 1)
        answer = network if callable(network) else getattr(network, _method(network))
        repeated = take(X, np.repeat(np.arange(len(X)), n_draws)) if n_draws > 1 else X
        flat = shaped(answer(repeated), (len(X) * n_draws, self.n_outputs), name)
        return flat.reshape(len(X), n_draws, self.n_outputs)


def takes_n_samples(network):
    """Tell whether a network is a function ``(X, n_samples)`` that returns draws first."""
    if not callable(network):
        return False
    try:
        parameters = inspect.signature(network).parameters
    except (TypeError, ValueError):
        return False
    return "n_samples" in parameters


def _method(network):
    """Return the name of the method that gives the outputs of a fitted estimator."""
    names = ("predict_proba",) if hasattr(network, "classes_") else ()
    return next((name for name in (*names, "predict") if hasattr(network, name)), None)
