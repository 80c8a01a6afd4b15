"""One regressor or generator on [x, lambda]."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from .._surrogate import BaseSurrogate
from .._utils.annotations import Lam, RandomState
from .._utils.parameters import HasMethods
from .._utils.registry import storable
from ..data.encoding import as_arrays
from ..data.facts import FEW
from ..data.lam_space import repeat_lam
from ..flow_map.learning import Learned
from ..samplers.neighbours import NeighborsBase
from ..samplers.selection import FittedBase
from ..samplers.wrapped import answer_of, draw_from, shaped


def _is_regressor(surrogate):
    estimator = getattr(surrogate, "estimator_", surrogate.estimator)
    return estimator is None or not hasattr(estimator, "sample")


class DirectSurrogateRegressor(BaseSurrogate):
    """One regressor or conditional generator that takes lambda as a further input.

    A regressor f(x, lambda) moves any output by f(x, lam_to) - f(x, lam_from). Draws are f plus
    residuals of training outputs of near x at the base value. If the base value has fewer than
    five rows, for example because every row has its own lambda, residuals of all rows are used.

    An estimator with ``sample(X, n_samples)`` draws y itself at every lambda. It has no
    `transport`, because it does not determine which draw at one lambda belongs to which at
    another.

    Several hyperparameters enter as separate columns. Numbers go from 0 to 1 over the trained
    range, on a logarithmic scale if the range suggests one. Categories are one-hot, divided by the
    root of two.

    Parameters
    ----------
    estimator : estimator, default=None
        The estimator, which is cloned. Its inputs are standardised numbers, one-hot categories
        and standardised lambda. Its targets are scaled outputs, one at a time if it accepts only
        one. None is the `MLPRegressor` of scikit-learn with three hidden layers of 128. For a
        Gaussian process, pass `sklearn.gaussian_process.GaussianProcessRegressor`, with a
        ``WhiteKernel`` if outputs are draws. Its time grows with the cube of the rows.
    base_lam : float, array-like or dict, default=None
        The trained value whose residuals are used. None is the first, unless draws at another
        predict the outputs at all trained values clearly better.
    lam_column : int, str or list, default=None
        Column of X that holds lambda, if `lam` is not passed. A list is for several
        hyperparameters.
    n_anchors : "auto" or int, default="auto"
        Number of trained values.
    y_bounds : tuple of (low, high), default=None
        Outputs are clipped to this box.
    output_scaling : {"common", "per_output"}, default="common"
        Unit of outputs.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Categorical columns of X without the lambda column.
    random_state : int, RandomState instance or None, default=None
        Seed of all random steps of `fit`. It also sets `random_state` and `seed` of the estimator,
        if these are None.

    Attributes
    ----------
    anchors_ : ndarray of shape (K + 1,) or (K + 1, k)
        The trained values, or bins of many.
    estimator_ : estimator
        The fitted estimator.
    base_ : object
        The source of residuals at the base value.
    base_lam_ : float or ndarray of shape (k,)
        The trained value at which the base draws.
    history_ : DataFrame
        Empty, because only the estimator is trained.
    n_features_in_ : int
        Number of columns of X, including the lambda column.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names of X, if it had names.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_hti.baselines import DirectSurrogateRegressor
    >>> lam = np.repeat([0.0, 1.0], 50)
    >>> baseline = DirectSurrogateRegressor(LinearRegression()).fit(None, 4 * lam, lam)
    >>> baseline.predict(None, lam=0.25).round(6)
    array([1.])

    A Gaussian process on two hyperparameters:

    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> from sklearn.gaussian_process.kernels import RBF
    >>> lam = np.array([[a, b] for a in range(4) for b in range(4)])
    >>> baseline = DirectSurrogateRegressor(GaussianProcessRegressor(RBF(), optimizer=None))
    >>> baseline.fit(None, lam.sum(axis=1), lam).predict(None, lam=[1.5, 2.5]).round(2)
    array([4.])
    """

    _parameter_constraints = {
        **BaseSurrogate._parameter_constraints,
        "estimator": [None, HasMethods(["fit", "predict"]), HasMethods(["fit", "sample"])],
    }
    del _parameter_constraints["base"]
    base = "neighbors"
    _moves_bins = False  # a regression on lambda takes the lambda of every row
    _takes_several = True
    _leaves_axes_out = False  # the estimator sees all

    def __init__(
        self,
        estimator: Any = None,
        *,
        base_lam: Lam | None = None,
        lam_column: int | str | Sequence[Any] | None = None,
        n_anchors: str | int = "auto",
        y_bounds: tuple[Any, ...] | None = None,
        output_scaling: str = "common",
        categorical_features: ArrayLike | None = "from_dtype",
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.base_lam = base_lam
        self.lam_column = lam_column
        self.n_anchors = n_anchors
        self.y_bounds = y_bounds
        self.output_scaling = output_scaling
        self.categorical_features = categorical_features
        self.random_state = random_state

    @property
    def estimator_(self) -> Any:
        """The fitted estimator."""
        if self._state is None:
            raise AttributeError(f"{type(self).__name__} has estimator_ once it is fitted")
        return (self._state.generator or self._state.movement).mean.estimator

    def _fit_movement(self, problem, components, read, training):
        data = problem.data
        default = MLPRegressor(hidden_layer_sizes=(128,) * 3, max_iter=500)
        estimator = clone(default if self.estimator is None else self.estimator)
        parameters = estimator.get_params() if hasattr(estimator, "get_params") else {}
        for name in ("random_state", "seed"):
            if name in parameters and parameters[name] is None:
                estimator.set_params(**{name: training.seeds["module"]})
        y = data.y[:, 0] if data.y.shape[1] == 1 else data.y
        single = hasattr(estimator, "predict") and not get_tags(estimator).target_tags.multi_output
        if y.ndim == 2 and single and not hasattr(estimator, "sample"):
            estimator = MultiOutputRegressor(estimator)
        scale = data.anchors.scale
        if not data.anchors.several:
            scale = _Standardised(as_arrays(StandardScaler()).fit(data.lam[:, None]))
        mean = _Mean(estimator, scale, problem.encoder.n_categories_)
        answer_of(estimator.fit, mean.features(data.conditions, data.lam), y)
        if hasattr(estimator, "sample"):
            return Learned(generator=_Generator(mean, problem.outputs.n_coordinates))
        return Learned(_Differences(mean))

    def _fit_base(self, problem, learned, training):
        seed = training.seeds["noise"]
        if learned.generator is not None:
            return FittedBase(None, seed)
        source = _Leftovers(learned.movement.mean, problem.base_lam)
        rows, data = problem.base_rows, problem.data
        if data.anchors.several and len(rows) < FEW:  # there are no bins of several
            rows = np.arange(len(data.y))
        source.fit(data, rows)
        return FittedBase(source, source.fixed_noise(np.random.default_rng(seed)))

    @available_if(_is_regressor)
    def transport(self, X, y, *, lam_from, lam_to):
        """Move given outputs by the difference of two predictions of the regressor.

        Only regressors have this method; generators do not.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs that the outputs belong to.
        y : array-like of shape (n,) or (n, D)
            Outputs of the network at `lam_from`.
        lam_from : float or array-like of shape (n,), (k,) or (n, k)
            Lambda of the given outputs.
        lam_to : float or array-like of shape (n,), (k,) or (n, k)
            Lambda to which they are moved.

        Returns
        -------
        ndarray of shape (n,) or (n, D)
            The outputs at `lam_to`, in the shape of `y`.
        """
        return super().transport(X, y, lam_from=lam_from, lam_to=lam_to)

    @available_if(_is_regressor)
    def interpolate(self, X, outputs, *, lams, lam):
        """Interpolate the outputs of the given networks on both sides of lambda.

        Only regressors have this method; generators do not.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs of the networks.
        outputs : array-like of shape (A, n) or (A, n, D)
            Outputs of A networks for these inputs.
        lams : array-like of shape (A,) or (A, k)
            Lambda of each network.
        lam : float or array-like of shape (n,), (k,) or (n, k)
            Lambda of the answer, between `lams`.

        Returns
        -------
        ndarray of shape (n,) or (n, D)
            Outputs at `lam`.
        """
        return super().interpolate(X, outputs, lams=lams, lam=lam)


@dataclass(frozen=True)
class _Standardised:
    """One hyperparameter, as the estimator takes it."""

    scaler: StandardScaler

    def place(self, lam):
        """Return lambdas (n,) as a column, standardised."""
        return self.scaler.transform(np.reshape(lam, (-1, 1)))


class _Mean:
    """The estimator's answer in scaled units."""

    def __init__(self, estimator, scale, n_categories):
        self.estimator = estimator
        self.scale = scale
        self.n_categories = n_categories

    def features(self, conditions, lam):
        """Return what the estimator takes, (n, F)."""
        x = conditions.one_hot(self.n_categories)
        return np.hstack([x, self.scale.place(lam)])

    def __call__(self, conditions, lam):
        """Return the estimator's answer, (n, D)."""
        answer = answer_of(self.estimator.predict, self.features(conditions, lam))
        return answer.reshape(len(lam), -1)


@storable
@dataclass(frozen=True)
class _Differences:
    """Moves outputs by the differences of a regressor's answers, in the time of lambda."""

    mean: _Mean

    @property
    def scale(self):
        """The places of several hyperparameters."""
        return self.mean.scale

    def displace(self, y, conditions, lam_from, lam_to, dtype=torch.float32):
        """Return displacements (n, D) of scaled outputs between lambdas (n,)."""
        return self.mean(conditions, lam_to) - self.mean(conditions, lam_from)

    def time_fraction(self, lam, lam_from, lam_to):
        """Return the fraction of the way from one lambda to another at which lambda lies."""
        return (lam - lam_from) / (lam_to - lam_from)


@storable
@dataclass(frozen=True)
class _Generator:
    """Draws of the estimator at any lambda, in scaled units."""

    mean: _Mean
    n_outputs: int

    def draw(self, query, n_draws, seed):
        """Return draws (n_draws, n, D)."""
        features = self.mean.features(query.conditions, query.lam)
        draws = draw_from(self.mean.estimator, features, n_draws, seed)
        return shaped(draws, (n_draws, len(query), self.n_outputs), "estimator")


@storable
class _Leftovers(NeighborsBase):
    """The regressor's answer at the base anchor plus leftovers of rows of near x."""

    name, reason = "leftovers", "the estimator is a regressor"

    def __init__(self, mean, base_lam):
        super().__init__()
        self.mean = mean
        self.base_lam = base_lam

    def fit(self, data, rows):
        """Store the leftovers of some rows."""
        left = data.y[rows] - self.mean(data.conditions[rows], data.lam[rows])
        return super().fit(left, data.conditions[rows], data.groups[rows])

    def draw(self, query, noise, dtype=None):
        """Return scaled outputs (n, n_draws, D)."""
        mean = self.mean(query.conditions, repeat_lam(self.base_lam, len(query)))
        return mean[:, None] + super().draw(query, noise)
