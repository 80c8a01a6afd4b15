"""The answers of a fitted surrogate, from draws at the base and how outputs move."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from .._utils.random import sampling_generator
from ..data import validation as check
from ..data.conditions import Query
from ..data.validation import take
from .interpolation import interpolate
from .query import QueryMixin, check_n_samples, count_outputs


class AnswersMixin(QueryMixin):
    """Draws at the base anchor, and follows them from lambda to lambda."""

    def sample(self, X, lam=None, *, n_samples=None, random_state=None):
        """Draw outputs y ~ p_lambda(y | x).

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda, one or one per row.
        n_samples : int, default=None
            Draws per row; None is one draw without an axis of its own.
        random_state : int, RandomState, Generator, array-like of shape (n,) or None, default=None
            Seed of the draws; None gives fresh ones. With one int per row, the draws of a row
            depend on its own seed only, however rows are split or ordered.

        Returns
        -------
        ndarray of shape (n,) or (n, D), or (n_samples, n) or (n_samples, n, D)
            The draws.
        """
        query = self._query(X, lam)
        draws = self._sample(query, 1 if n_samples is None else n_samples, random_state)
        return self._shape(draws[0] if n_samples is None else draws)

    def _sample(self, query, n_samples, random_state):
        """Return draws (n_samples, n, D) in the user's units."""
        y = self._draw_base(query, n_samples, random_state)
        start = np.full(len(query) * n_samples, self.base_lam_)
        end = np.repeat(query.lam, n_samples)
        conditions = query.conditions.repeat(n_samples)
        flat = y.reshape(-1, y.shape[2])
        flat = self._decode(flat + self._displace(flat, conditions, start, end))
        return np.ascontiguousarray(np.moveaxis(flat.reshape(y.shape), 1, 0))

    def _draw_base(self, query, n_samples, random_state):
        """Return draws at the base anchor (n, n_samples, D), scaled."""
        check_n_samples(n_samples)
        rng = sampling_generator(random_state)
        return self.base_.draw(query, self.base_.noise(len(query), n_samples, rng))

    def predict(self, X, lam=None, return_std=False):
        """Return the conditional mean of y given x and lambda.

        The mean over a fixed set of draws, in double precision: the same at every call,
        unless `base` is a callable that answers differently each time. A stochastic network as
        `base` is asked for many rows at once, so that the draws of a row, and with them its
        mean, may depend on the rows beside it.

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
        mean, std = self._moments(query)
        if return_std:
            return self._shape(mean), self._shape(std)
        return self._shape(mean)

    def _moments(self, query):
        """Return mean and standard deviation; rows of equal x and lambda are done once."""
        key = np.column_stack([query.conditions.scaled, query.conditions.codes, query.lam])
        _, first, back = np.unique(key, axis=0, return_index=True, return_inverse=True)
        mean = np.empty((len(first), len(self._scaler.center_)))
        std = np.empty_like(mean)
        for begin in range(0, len(first), 256):
            rows = first[begin : begin + 256]
            part = Query(take(query.X, rows), query.conditions[rows], None)
            noise = self._noise
            if isinstance(noise, np.ndarray):
                noise = np.repeat(noise, len(rows), axis=0)
            y = self.base_.draw(part, noise, torch.float64)
            n_draws = y.shape[1]
            flat = y.reshape(-1, y.shape[2])
            moved = self._displace(
                flat,
                part.conditions.repeat(n_draws),
                np.full(len(flat), self.base_lam_),
                np.repeat(query.lam[rows], n_draws),
                torch.float64,
            )
            draws = self._decode(flat + moved).reshape(y.shape)
            mean[begin : begin + 256] = draws.mean(axis=1)
            std[begin : begin + 256] = draws.std(axis=1)
        return mean[back.reshape(-1)], std[back.reshape(-1)]

    def transport(self, X, y, lam_from, lam_to):
        """Move given outputs from one lambda to another, forwards or backwards.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs that the outputs belong to.
        y : array-like of shape (n,) or (n, D)
            Outputs of the network at `lam_from`.
        lam_from : float or array-like of shape (n,)
            Where the outputs come from.
        lam_to : float or array-like of shape (n,)
            Where they are moved to.

        Returns
        -------
        ndarray of shape (n,) or (n, D)
            The outputs at `lam_to`, in the shape of `y`.
        """
        query = self._query(X, lam_to, name="lam_to", n_rows=count_outputs(y))
        start = self._check_lam_from(lam_from, len(query))
        y, single = self._check_given(y, len(query))
        scale = self._scaler.scale_
        # the displacement alone is scaled, so that lam_from = lam_to returns y to the bit
        moved = self._displace(self._scaler.encode(y), query.conditions, start, query.lam) * scale
        moved = self._clip(y + moved)
        return moved[:, 0] if single else moved

    def interpolate(self, X, y_from, y_to, lam_from, lam_to, lam):
        """Answer between two networks that were both asked, from the outputs of both.

        The straight line between both outputs, in the time of the clock, bent as the transports
        from both are, as far as these arrive at the other one. The answer is each network's own
        at its own lambda. Where inputs repeat, their draws at `lam_from` and at `lam_to` are
        coupled first, by optimal transport. Where both networks can be asked, this is more
        accurate than `transport` from one, most of all for inputs that `fit` has not seen.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs that both networks were asked.
        y_from, y_to : array-like of shape (n,) or (n, D)
            Outputs of the networks at `lam_from` and at `lam_to` for those inputs.
        lam_from, lam_to : float
            Where the outputs come from; `lam_from` is the lower one.
        lam : float or array-like of shape (n,)
            Where they are wanted, from `lam_from` to `lam_to`.

        Returns
        -------
        ndarray of shape (n,) or (n, D)
            Outputs at `lam`, in the shape of `y_from`. With several draws of an input, its rows
            are a sample as `y_from` is.

        Raises
        ------
        ValueError
            If `lam_from` is not below `lam_to`, or `lam` lies outside of them.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_hti.baselines import DisplacementInterpolationRegressor
        >>> X = np.tile(np.linspace(0, 1, 10), 3)[:, None]
        >>> lam = np.repeat([0.0, 1.0, 2.0], 10)
        >>> model = DisplacementInterpolationRegressor(lam_transform=None)
        >>> model = model.fit(X, X * lam[:, None], lam)
        >>> model.interpolate([[0.5]], [[0.0]], [[0.5]], 0.0, 1.0, 0.5)
        array([[0.25]])
        """
        check_is_fitted(self)
        query = self._query(X, lam, n_rows=count_outputs(y_from))
        ends = [
            self._check_lam_from(value, len(query), name)
            for value, name in ((lam_from, "lam_from"), (lam_to, "lam_to"))
        ]
        check.check_between(query.lam, *ends)
        y0, single = self._check_given(y_from, len(query), "y_from")
        y1, _ = self._check_given(y_to, len(query), "y_to")
        y0, y1 = (self._scaler.encode(y) for y in (y0, y1))
        given = y0, y1, query.conditions, *ends, query.lam
        y = self._decode(interpolate(self._displace, self._share_of_way, *given))
        return y[:, 0] if single else y

    def _share_of_way(self, lam, lam_from, lam_to):
        """Return how far lambda is on the way from one to another, 0 to 1."""
        return (lam - lam_from) / (lam_to - lam_from)

    def trajectory(self, X, lam_grid, *, y=None, lam_from=None, n_samples=None, random_state=None):
        """Follow the same draws along a grid of lambdas.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam_grid : array-like of shape (L,)
            Hyperparameter values lambda.
        y : array-like of shape (n,) or (n, D), default=None
            Outputs at `lam_from` to follow; None draws them at the base anchor.
        lam_from : float or array-like of shape (n,), default=None
            Lambda of `y`; to be given with `y`, and only then.
        n_samples : int, default=None
            Draws per row, where `y` is None.
        random_state : int, RandomState, Generator, array-like of shape (n,) or None, default=None
            Seed of the draws, one or one per row.

        Returns
        -------
        ndarray of shape (L, n[, D]) or (L, n_samples, n[, D])
            Outputs at every lambda of the grid.
        """
        check_is_fitted(self)
        grid = check.as_float_array(lam_grid, "lam_grid", ensure_2d=False)
        if grid.ndim != 1:
            raise ValueError(f"`lam_grid` must have shape (L,); got {grid.shape}.")
        grid = check.check_within(grid, self.anchors_, name="lam_grid")
        if (y is None) != (lam_from is None):
            raise ValueError(
                "`y` and `lam_from` go together: outputs, and the lambda they come from."
            )
        if y is not None and n_samples is not None:
            raise ValueError("`n_samples` draws at the base anchor; it cannot go with `y`.")
        query = self._query(X, grid[0], n_rows=None if y is None else count_outputs(y))
        drawn = start = None
        if y is not None:
            start = self._check_lam_from(lam_from, len(query))
            drawn = self._scaler.encode(self._check_given(y, len(query))[0])[:, None]
        n_draws = 1 if n_samples is None else n_samples
        path = self._follow(query, grid, drawn, start, n_draws, random_state)
        return self._shape(path[:, 0] if n_samples is None else path)

    def _follow(self, query, grid, drawn, start, n_draws, random_state):
        """Return outputs (L, n_draws, n, D) along a grid, drawn at the base unless given."""
        if drawn is None:
            drawn = self._draw_base(query, n_draws, random_state)
            start = np.full(len(query), self.base_lam_)
        conditions = query.conditions.repeat(n_draws)
        flat, start = drawn.reshape(-1, drawn.shape[2]), np.repeat(start, n_draws)
        path = np.empty((len(grid), n_draws, *drawn.shape[::2]))
        for out, lam in zip(path, grid, strict=True):
            moved = self._displace(flat, conditions, start, np.full(len(flat), lam))
            out[:] = np.moveaxis(self._decode(flat + moved).reshape(drawn.shape), 1, 0)
        return path

    def score(self, X, y, lam=None, sample_weight=None):
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
        predicted = self.predict(X, lam)
        y, _ = self._check_given(y, len(predicted))
        with np.errstate(over="ignore"):
            score = r2_score(y, predicted.reshape(y.shape), sample_weight=sample_weight)
        if np.isinf(score):
            raise ValueError("`y` varies too little for R^2; take an absolute error.")
        return score
