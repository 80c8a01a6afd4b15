"""The methods of a fitted surrogate: they check what is asked, and answer from its state."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from .._utils.annotations import Lam, Seed
from ..data.conditions import Query
from ..data.targets import check_weight
from ..metrics._outputs import scale_exponent
from .interpolation import interpolate
from .query import (
    Given,
    check_between,
    check_given,
    check_grid,
    check_lam_within,
    check_moved,
    check_said,
    count_outputs,
    split_lam,
)
from .sampling import follow, moments, sample
from .state import FittedAttribute
from .transport import transport


class Answering(RegressorMixin, BaseEstimator):
    """An estimator that answers from the FittedState in `_state`, which its `fit` sets last.

    Subclasses have the parameters `lam_column` and `categorical_features`, which tell how to
    read X.
    """

    __metadata_request__predict = {"lam": True}
    __metadata_request__score = {"lam": True}

    _state: Any = None  # a FittedState, once `fit` is done

    anchors_ = FittedAttribute("anchors", shown="trained_values")
    base_ = FittedAttribute("base")
    base_lam_ = FittedAttribute("base_lam", shown="base_value")
    history_ = FittedAttribute("history")

    @property
    def lam_names_in_(self) -> Any:
        """The names of the hyperparameters, where lambda had names in `fit`."""
        names = () if self._state is None else self._state.lam_space.names
        if not names:
            raise AttributeError(f"lambda had no names in `fit` of {type(self).__name__}")
        return np.array(names, dtype=object)

    def __sklearn_is_fitted__(self):
        """Tell whether a fit was completed."""
        return self._state is not None

    def _query(self, X, lam, *, name="lam", n_rows=None, encoded=False):
        """Return the Query of a method: its inputs, checked and encoded, as lambda may be."""
        check_is_fitted(self)
        inputs = split_lam(self, X, lam, reset=False, n_rows=n_rows)
        if encoded:
            lam = np.repeat(lam[None], inputs.n_rows, axis=0)
        else:
            lam = check_lam_within(self, inputs.lam, inputs.n_rows, name)
        asked = self if self._state.networks is None else None  # networks know all inputs
        conditions = self._state.encoder.transform(inputs.X, inputs.n_rows, asked=asked)
        return Query(inputs.X, conditions, lam)

    def sample(
        self,
        X: ArrayLike | None,
        lam: Lam | None = None,
        *,
        n_samples: int | None = None,
        random_state: Seed = None,
    ) -> np.ndarray:
        """Draw outputs y ~ p_lambda(y | x).

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda, one or one per row.
        n_samples : int, default=None
            Draws per row. None: one draw per row, without an axis for draws.
        random_state : int, RandomState, Generator, array-like of shape (n,) or None, default=None
            Seed of the draws. None gives new draws at each call. With one int per row, the draws
            of a row depend on its own seed only, however rows are split or ordered. Networks that
            answer with draws need a single seed.

        Returns
        -------
        ndarray of shape (n,) or (n, D), or (n_samples, n) or (n_samples, n, D)
            The draws.
        """
        query = self._query(X, lam)
        draws = sample(self._state, query, 1 if n_samples is None else n_samples, random_state)
        return self._state.outputs.shape(draws[0] if n_samples is None else draws)

    def predict(
        self, X: ArrayLike | None, lam: Lam | None = None, return_std: bool = False
    ) -> Any:
        """Return the conditional mean of y given x and lambda.

        This is the mean over a fixed set of draws, in double precision. It is the same at every
        call, unless `base` is a callable that answers differently each time. A stochastic network
        as `base` is called with many rows at once. The draws of a row, and its mean, may then
        depend on the other rows. While `networks` draw, the global random states of numpy and
        torch hold a fixed seed. If every input has one answer, this answer is predicted. Its
        standard deviation is 0, because draws do not vary. `interval` covers the error of the
        surrogate.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda, one or one per row.
        return_std : bool, default=False
            Whether to return the standard deviation of y given x and lambda, too.

        Returns
        -------
        mean : ndarray of shape (n,) or (n, D)
            Conditional mean.
        std : ndarray of shape (n,) or (n, D)
            Conditional standard deviation, if `return_std`.
        """
        query = self._query(X, lam)
        mean, std = map(self._state.outputs.shape, moments(self._state, query))
        return (mean, std) if return_std else mean

    def transport(
        self, X: ArrayLike | None, y: ArrayLike, *, lam_from: Lam, lam_to: Lam
    ) -> np.ndarray:
        """Move given outputs from one lambda to another, forwards or backwards.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs that the outputs belong to.
        y : array-like of shape (n,) or (n, D)
            Outputs of the network at `lam_from`.
        lam_from : float or array-like of shape (n,)
            Lambda of the given outputs.
        lam_to : float or array-like of shape (n,)
            Lambda to which they are moved.

        Returns
        -------
        ndarray of shape (n,) or (n, D)
            The outputs at `lam_to`, in the shape of `y`.

        Raises
        ------
        ValueError
            If `networks` answer with draws, or the surrogate was fitted with base=None and without
            networks. If `y` lies outside `y_bounds`.
        """
        query = self._query(X, lam_to, name="lam_to", n_rows=count_outputs(y))
        start = check_lam_within(self, lam_from, len(query), "lam_from")
        y, trailing = check_moved(self._state, y, len(query))
        moved = transport(self._state, query, Given(y, start))
        return moved.reshape(len(moved), *trailing)

    def interpolate(
        self, X: ArrayLike | None, outputs: ArrayLike, *, lams: Lam, lam: Lam
    ) -> np.ndarray:
        """Interpolate the outputs of given networks, along lambda.

        The networks are two or more, those of `fit` or others. If they answer with draws, optimal
        transport couples the outputs of each input. The particle field follows them along lambda,
        on smooth curves through the outputs of each particle. If `fit` has trained a flow map, the
        curves also follow its learned paths. At the lambda of a network, the answer is the output
        of that network.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs of the networks. Rows of equal x are draws of one output.
        outputs : array-like of shape (A, n) or (A, n, D), or list of A such arrays
            Outputs of A networks for these inputs, each in the shape of y in `fit`. Without X,
            the networks may have different numbers of draws.
        lams : array-like of shape (A,)
            Lambda of each network: distinct, in any order, within the trained values.
        lam : float or array-like of shape (n,)
            Lambda of the answer, from the smallest of `lams` to the largest.

        Returns
        -------
        ndarray of shape (n,) or (n, D)
            Outputs at `lam`. If an input has several draws, its rows are a sample.

        Raises
        ------
        ValueError
            If `lams` are not distinct, `lam` lies outside their range, or `outputs` have another
            shape than `lams` and X require.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_hti.baselines import DisplacementInterpolationRegressor
        >>> X = np.tile(np.linspace(0, 1, 10), 3)[:, None]
        >>> lam = np.repeat([0.0, 1.0, 2.0], 10)
        >>> model = DisplacementInterpolationRegressor(lam_transform=None)
        >>> model = model.fit(X, X * lam[:, None], lam)
        >>> model.interpolate([[0.5]], [[[0.0]], [[0.5]]], lams=[0.0, 1.0], lam=0.5)
        array([[0.25]])
        """
        check_is_fitted(self)
        said = check_said(self, X, outputs, lams)
        query = self._query(X, lam, n_rows=said.outputs.shape[1])
        query = replace(query, lam=check_between(self, query.lam, said.lams))
        y = interpolate(self._state, query, said)
        return y.reshape(len(y), *said.trailing)

    def trajectory(
        self,
        X: ArrayLike | None,
        lam_grid: Lam,
        *,
        y: ArrayLike | None = None,
        lam_from: Lam | None = None,
        n_samples: int | None = None,
        random_state: Seed = None,
    ) -> np.ndarray:
        """Follow the same draws along a grid of lambdas.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam_grid : array-like of shape (L,)
            Hyperparameter values lambda.
        y : array-like of shape (n,) or (n, D), default=None
            Outputs at `lam_from` to follow. None draws them at the base value.
        lam_from : float or array-like of shape (n,), default=None
            Lambda of `y`. Required with `y`, and an error without it.
        n_samples : int, default=None
            Draws per row, if `y` is None. None: one draw, without an axis for draws.
        random_state : int, RandomState, Generator, array-like of shape (n,) or None, default=None
            Seed of the draws, one or one per row.

        Returns
        -------
        ndarray of shape (L, n[, D]) or (L, n_samples, n[, D])
            Outputs at every lambda of the grid.
        """
        check_is_fitted(self)
        grid = check_grid(self, lam_grid)
        if (y is None) != (lam_from is None):
            raise ValueError(
                "`y` and `lam_from` go together: pass outputs and their lambda, or neither."
            )
        if y is not None and n_samples is not None:
            raise ValueError("`n_samples` is for draws at the base value; leave it out with `y`.")
        n_rows = (1 if X is None else None) if y is None else count_outputs(y)
        query = self._query(X, grid[0], n_rows=n_rows, encoded=True)
        given = None
        if y is not None:
            start = check_lam_within(self, lam_from, len(query), "lam_from")
            given = Given(check_moved(self._state, y, len(query))[0], start)
        n_draws = 1 if n_samples is None else n_samples
        draws = {"n_draws": n_draws, "random_state": random_state}
        path = follow(self._state, query, grid, given=given, **draws)
        return self._state.outputs.shape(path[:, 0] if n_samples is None else path)

    def score(
        self,
        X: ArrayLike | None,
        y: ArrayLike,
        lam: Lam | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the coefficient of determination R^2 of the conditional mean.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        y : array-like of shape (n,) or (n, D)
            True outputs.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row.

        Returns
        -------
        float
            R^2, averaged over outputs.
        """
        # without X, one lambda is that of all rows of y
        query = self._query(X, lam, n_rows=None if lam is None else count_outputs(y))
        predicted = moments(self._state, query)[0]
        y, _ = check_given(self._state, y, len(predicted))
        exponent = scale_exponent(y, predicted)
        scaled = (np.ldexp(v, -exponent) for v in (y, predicted.reshape(y.shape)))
        weight = check_weight(sample_weight, len(y))
        with np.errstate(over="ignore"):
            score = r2_score(*scaled, sample_weight=weight)
        if np.isinf(score):
            raise ValueError("`y` varies too little for R^2; use an absolute error.")
        return score
