"""Draw y at the base anchor from the user's own network: a callable or an estimator."""

import inspect
from math import prod

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from .._utils.readable import as_readable
from .._utils.torch_state import callers_torch_state
from ..data.arrays import as_float_array, is_frame
from ..data.budget import BUDGET
from ..data.outputs import OutputSpace
from ..data.table import with_names

_PROBE_ROWS = 5


def _repeat_rows(X, n_draws):
    """Return X with every row repeated `n_draws` times."""
    rows = np.repeat(np.arange(len(X)), n_draws)
    return X.iloc[rows] if is_frame(X) else X[rows]


def as_trained(X, network):
    """Return X with the names of columns that a network of scikit-learn was trained with."""
    trained = getattr(network, "__self__", network)
    if not hasattr(trained, "n_features_in_"):
        return X
    return with_names(X, getattr(trained, "feature_names_in_", None))


class _WrappedBase:
    """Common to both: outputs of the user's network, checked and scaled."""

    def __init__(self, outputs):
        self.outputs = outputs

    def noise(self, n_rows, n_draws, rng):
        """Return one seed for the network and the number of draws."""
        return int(rng.integers(2**31 - 1)) if self.stochastic_ else 0, n_draws

    def fixed_noise(self, rng, n_draws=BUDGET.mean_draws):
        """Return a seed for `predict`; one draw where the network is deterministic."""
        return int(rng.integers(2**31 - 1)), n_draws if self.stochastic_ else 1

    def _encode(self, outputs, shape):
        """Return outputs of the network, one row or draw per place of a shape, scaled."""
        y = shaped(outputs, (*shape, self.outputs.n_outputs), "base")
        return self.outputs.encode_whole(y, "output of base")


class CallableBase(_WrappedBase):
    """A function x -> y: the deployed network at the base anchor."""

    def fit(self, function, X):
        """Store the function and see, on a few rows, whether it is stochastic."""
        self.function_ = function
        probe = X[:_PROBE_ROWS] if not is_frame(X) else X.iloc[:_PROBE_ROWS]
        probe = as_trained(probe, function)
        answers = (as_readable(answer_of(function, probe)) for _ in range(2))
        first, second = (np.asarray(answer, dtype=float) for answer in answers)
        self._encode(first, (len(probe),))
        self.stochastic_ = not np.array_equal(first, second)
        return self

    def draw(self, query, noise, dtype=None):
        """Return scaled outputs (n, n_draws, D)."""
        _, n_draws = noise
        n, X = len(query.X), as_trained(query.X, self.function_)
        if not self.stochastic_:
            y = self._encode(answer_of(self.function_, X), (n,))
            return np.repeat(y[:, None], n_draws, axis=1)
        drawn = self._encode(answer_of(self.function_, _repeat_rows(X, n_draws)), (n * n_draws,))
        return drawn.reshape(n, n_draws, -1)


class EstimatorBase(_WrappedBase):
    """An estimator, cloned and fitted on the anchor's rows (`FrozenEstimator` stays)."""

    def fit(self, estimator, X, y):
        """Fit a clone on the rows of the base anchor, in the coordinates of outputs (n, D)."""
        if not self.outputs.as_they_are and not isinstance(estimator, FrozenEstimator):
            y = self.outputs.coordinates_of(y)
            self.outputs = OutputSpace(self.outputs.scaler, None, y.shape[1:])
        y = y[:, 0] if self.outputs.trailing == () else y
        self.estimator_ = answer_of(clone(estimator).fit, X, y)
        self.stochastic_ = hasattr(self.estimator_, "sample")
        return self

    def draw(self, query, noise, dtype=None):
        """Return scaled outputs (n, n_draws, D)."""
        seed, n_draws = noise
        n = len(query.X)
        if not self.stochastic_:
            y = self._encode(answer_of(self.estimator_.predict, query.X), (n,))
            return np.repeat(y[:, None], n_draws, axis=1)
        drawn = self._encode(draw_from(self.estimator_, query.X, n_draws, seed), (n_draws, n))
        return np.moveaxis(drawn, 0, 1)


def answer_of(function, *args, **kwargs):
    """Call a function of the user, under the state of torch that the user has set."""
    with callers_torch_state():
        return function(*args, **kwargs)


def shaped(outputs, shape, name):
    """Return what a network of the user answers as (..., D): outputs have axes of any shape.

    Raises
    ------
    ValueError
        If it has another shape, or holds what is no finite number.
    """
    given = as_float_array(
        np.asarray(as_readable(outputs)), f"output of {name}", ensure_2d=False, allow_nd=True
    )
    lead = len(shape) - 1
    if given.shape[:lead] != shape[:-1] or prod(given.shape[lead:]) != shape[-1]:
        raise ValueError(
            f"The output of `{name}` has shape {given.shape}, and {shape} was expected. The last "
            "axis has the outputs, as many as y in fit, and the one before it the rows of X. "
            "`sample` has draws on the first axis."
        )
    return given.reshape(shape)


def draw_from(generator, X, n_draws, seed):
    """Return draws of ``generator.sample(X, n_samples)``, seeded if it takes a seed."""
    accepted = inspect.signature(generator.sample).parameters
    options = {k: seed for k in ("random_state", "seed") if k in accepted}
    return np.asarray(as_readable(answer_of(generator.sample, X, n_samples=n_draws, **options)))
