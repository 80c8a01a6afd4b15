"""What all surrogates share: checks, encoding, the base, and the answers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from . import _validation as check
from ._clock_choice import choose_clock
from ._compat import HasMethods, Interval, StrOptions
from ._encoding import ConditionEncoder, Conditions, OutputScaler, TrainingData, find_anchors
from ._interpolation import meet, partners
from ._random import draw_seeds, sampling_generator
from .base import check_base, make_base
from .callbacks import begin_checkpoints
from .nn import Conditioning
from .nn.engine import TrainingSettings, count_steps
from .paths import StraightGeodesic
from .solvers.registry import ALIASES, resolve

# of `history_`, to which a stage may add more
_COLUMNS = ["stage", "epoch", "step", "train_loss", "valid_loss", "lr", "seconds"]

SEEDS = (
    "coupling",
    "module",
    "batches",
    "split",
    "base_module",
    "base_batches",
    "base_split",
    "noise",
    "lagrangian",
    "paths",
    "pairs",
)


@dataclass(frozen=True)
class Query:
    """Checked inputs of a method: X without the lambda column, encoded X, lambda."""

    X: object
    conditions: Conditions
    lam: np.ndarray | None

    def __len__(self):
        return len(self.conditions)


class BaseSurrogate(RegressorMixin, BaseEstimator, ABC):
    """Draws y at a base anchor and moves it; subclasses learn how outputs move.

    Subclasses implement `_fit_transport` and `_displace`. Those that train networks have the
    parameters of `TrainingSettings`, `conditioning` and `callbacks`, too.
    """

    __metadata_request__fit = {"lam": True}
    __metadata_request__predict = {"lam": True}
    __metadata_request__score = {"lam": True}

    _parameter_constraints = {
        "base": [
            StrOptions({"neighbors"}),
            HasMethods(["fit", "predict"]),
            HasMethods(["fit", "sample"]),
            callable,
        ],
        "base_lam": [None, Real],
        "lam_column": [None, Integral, str],
        "n_anchors": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "y_bounds": [None, tuple, list],
        "output_scaling": [StrOptions({"common", "per_output"})],
        "categorical_features": [StrOptions({"from_dtype"}), None, "array-like"],
        "random_state": ["random_state"],
    }
    _network_constraints = {
        "base": [StrOptions({"auto", "flow"}), *_parameter_constraints["base"]],
        "conditioning": [StrOptions(set(ALIASES["conditioning"][0])), Conditioning],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "device": [str],
        "callbacks": [None, list],
        "verbose": ["verbose"],
    }
    _clock_constraints = {
        "lam_transform": [
            None,
            StrOptions({"auto", "log", "logit", "probit", "odds", "entropy"}),
            HasMethods(["fit", "transform"]),
        ],
    }

    # ---------------------------------------------------------------- fit

    def fit(self, X, y, lam=None):
        """Learn the surrogate from outputs at the anchors.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs of the networks; None for no condition. Where the same inputs were put to
            every network, repeat them: rows of equal x are recognised and used.
        y : array-like of shape (n,) or (n, D)
            Outputs of the networks, one draw per row.
        lam : array-like of shape (n,), default=None
            Hyperparameter value lambda of the network of each row. None: `lam_column` of X.

        Returns
        -------
        BaseSurrogate
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is not what it should be; before any training.
        DivergenceError
            If training diverges.

        Warns
        -----
        CouplingWarning
            If rows share their x with no row of a neighbouring anchor while others do.
        ClockWarning
            If the anchors cannot tell how far along the path a lambda is.
        ConvergenceWarning
            If training was interrupted, a map stops short of an anchor, or the cost rewards
            worse paths.
        """
        self._validate_params()
        self._check_components()
        if "conditioning" in self._parameter_constraints:
            self._conditioning = resolve("conditioning", self.conditioning)
        X, lam, n_rows = self._split_lam(X, lam, reset=True, n_rows=_length(y))
        y, self._single_output = check.check_outputs(y, n_rows)
        lam = check.check_lam(lam, n_rows)
        self._bounds = check.check_bounds(self.y_bounds, y)
        anchors = find_anchors(lam, self.n_anchors)
        self.anchors_ = anchors.lam
        self.base_lam_ = self._find_base_lam()

        seeds = draw_seeds(self.random_state, SEEDS)
        self._encoder = ConditionEncoder().fit(X, self.categorical_features, n_rows)
        self._scaler = OutputScaler().fit(y, self.output_scaling)
        check_base(self.base, _take(X, anchors.rows(self._base_time)), self._scaler, y.shape[1])
        conditions = self._encoder.transform(X, n_rows)
        data = TrainingData(
            self._scaler.encode(y),
            conditions,
            conditions.one_hot(self._encoder.n_categories_),
            conditions.groups(),
            lam,
            anchors,
        )
        settings = self._settings()
        begin_checkpoints(self, data, seeds)
        self.history_ = []
        self._fit_transport(data, seeds, settings)
        self._fit_base(X, y, data, seeds, settings)
        lagrangian = getattr(self, "lagrangian_", None)
        if lagrangian is not None and not lagrangian.is_flat:  # it knows conditions by number
            self._conditions = conditions[np.unique(data.groups, return_index=True)[1]]
        self.history_ = _as_frame(self.history_)
        return self

    def _check_components(self):
        """Raise where a component cannot be built, before data are looked at."""

    @abstractmethod
    def _fit_transport(self, data, seeds, settings):
        """Learn how outputs move from lambda to lambda."""

    @abstractmethod
    def _displace(self, y, conditions, lam_from, lam_to, dtype=torch.float32):
        """Return how far scaled outputs (n, D) move between lambdas (n,)."""

    def _settings(self):
        """Return how networks are trained; None for surrogates without."""
        if not hasattr(self, "max_iter"):
            return None
        return TrainingSettings(
            self.max_iter,
            self.batch_size,
            self.learning_rate,
            self.early_stopping,
            self.tol,
            pick_device(self.device),
            self.verbose,
        )

    def _find_base_lam(self):
        """Return the base anchor, checked."""
        if self.base_lam is None:
            return float(self.anchors_[0])
        if self.base_lam not in self.anchors_:
            raise ValueError(
                f"base_lam={self.base_lam!r} is not an anchor; the anchors are "
                f"{self.anchors_.tolist()}."
            )
        return float(self.base_lam)

    def _fit_base(self, X, y, data, seeds, settings):
        """Build the source of draws at the base anchor."""
        rows = own = data.anchors.rows(self._base_time)
        if not data.conditions_repeat(rows):
            # other anchors know other x: all rows inform the base, moved to its lambda
            rows = np.arange(len(data.y))
        conditions = data.conditions[rows]
        end = np.full(len(rows), self.base_lam_)
        moved = self._displace(data.y[rows], conditions, data.lam[rows], end)
        self.base_ = make_base(
            self.base,
            scaled_y=data.y[rows] + moved,
            conditions=conditions,
            groups=data.groups[rows],
            X=_take(X, own),
            y=y[own, 0] if self._single_output else y[own],
            scaler=self._scaler,
            encoder=self._encoder,
            conditioning=getattr(self, "_conditioning", None),
            seeds={k: seeds[f"base_{k}"] for k in ("module", "batches", "split")},
            settings=settings,
            callbacks=getattr(self, "callbacks", None) or (),
        )
        self._record("base", getattr(self.base_, "history_", []))
        rng = np.random.default_rng(seeds["noise"])
        self._noise = self.base_.fixed_noise(rng)

    def _record(self, stage, history):
        """Append one record per epoch: losses, duration, and what else the stage recorded."""
        step = 0
        for epoch in history:
            step += count_steps([epoch])
            figures = {
                "seconds" if k == "dur" else k: v
                for k, v in epoch.items()
                if isinstance(v, Real) and not k.endswith(("_best", "_count"))
            }
            self.history_.append({"stage": stage, "step": step} | figures)

    # ---------------------------------------------------------------- answers

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
        conditions = query.conditions[np.repeat(np.arange(len(query)), n_samples)]
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
        unless `base` is a callable that answers differently each time.

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
            part = Query(_take(query.X, rows), query.conditions[rows], None)
            noise = self._noise
            if isinstance(noise, np.ndarray):
                noise = np.repeat(noise, len(rows), axis=0)
            y = self.base_.draw(part, noise, torch.float64)
            n_draws = y.shape[1]
            flat = y.reshape(-1, y.shape[2])
            moved = self._displace(
                flat,
                part.conditions[np.repeat(np.arange(len(rows)), n_draws)],
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
        check_is_fitted(self)
        query = self._query(X, lam_to, name="lam_to", n_rows=_length(y))
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
        query = self._query(X, lam, n_rows=_length(y_from))
        ends = [
            self._check_lam_from(value, len(query), name)
            for value, name in ((lam_from, "lam_from"), (lam_to, "lam_to"))
        ]
        check.check_between(query.lam, *ends)
        (y0, single), (y1, _) = (self._check_given(y, len(query)) for y in (y_from, y_to))
        y0, y1 = (self._scaler.encode(y) for y in (y0, y1))
        conditions, groups = query.conditions, query.conditions.groups()

        def moved(y, start, end):
            return y + self._displace(y, conditions, start, end)

        arrived = moved(y0, *ends)
        if len(np.unique(groups)) < len(groups):
            y1 = y1[partners(arrived, y1, groups, np.random.default_rng(0))]
        forward = moved(y0, ends[0], query.lam), arrived
        backward = moved(y1, ends[1], query.lam), moved(y1, *ends[::-1])
        y = self._decode(meet(y0, y1, forward, backward, self._share_of_way(query.lam, *ends)))
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
        check.check_within(grid, self.anchors_, name="lam_grid")
        if (y is None) != (lam_from is None):
            raise ValueError(
                "`y` and `lam_from` go together: outputs, and the lambda they come from."
            )
        if y is not None and n_samples is not None:
            raise ValueError("`n_samples` draws at the base anchor; it cannot go with `y`.")
        query = self._query(X, grid[0], n_rows=None if y is None else _length(y))
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
        conditions = query.conditions[np.repeat(np.arange(len(query)), n_draws)]
        flat, start = drawn.reshape(-1, drawn.shape[2]), np.repeat(start, n_draws)
        path = np.empty((len(grid), n_draws, *drawn.shape[::2]))
        for out, lam in zip(path, grid, strict=True):
            moved = self._displace(flat, conditions, start, np.full(len(flat), lam))
            out[:] = np.moveaxis(self._decode(flat + moved).reshape(drawn.shape), 1, 0)
        return path

    def to_html(
        self,
        path,
        X=None,
        *,
        lam_grid=None,
        n_samples=200,
        output_names=None,
        labels=None,
        lam_name=None,
        title=None,
        random_state=None,
    ):
        """Write a page with a lambda slider that moves the distribution of the outputs.

        One file, to be opened in any browser, that loads nothing from elsewhere (about 5 MB,
        of which 4.8 are plotly.js). The same draws are followed, so that motion is continuous.
        One output is shown by quantiles along lambda and a histogram, more by the plane of two
        of them; anchors are ticks of the slider and grey in the picture.

        Parameters
        ----------
        path : str or path-like
            The file to write.
        X : array-like of shape (n, C), DataFrame or None, default=None
            The conditions to choose from; None for no condition.
        lam_grid : array-like of shape (L,), default=None
            Lambdas of the draws, to which the anchors between them are added; between two, a
            draw moves straight. None: 61 from the first anchor to the last.
        n_samples : int, default=200
            Draws per row of X. The file holds ``5 * L * n * n_samples * D`` bytes of them.
        output_names : list of str, default=None
            Names of the outputs.
        labels : list of str, default=None
            Names of the rows of X.
        lam_name : str, default=None
            Name of lambda; None is that of `lam_column`, or λ.
        title : str, default=None
            Title of the page.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        ValueError
            If a lambda is outside the anchors, or names do not fit.
        ImportError
            If plotly is not installed.
        """
        from .inspection._page import write_page

        return write_page(
            self,
            path,
            X,
            lam_grid=lam_grid,
            n_samples=n_samples,
            output_names=output_names,
            labels=labels,
            lam_name=lam_name,
            title=title,
            random_state=random_state,
        )

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
        return r2_score(y, predicted.reshape(y.shape), sample_weight=sample_weight)

    # ---------------------------------------------------------------- files

    def save(self, path):
        """Write the fitted surrogate to a plain data file, for `sklearn_hti.load`.

        The file holds numbers and names (safetensors and JSON), nothing that could be executed.
        It is written beside `path` and takes its place once it is complete.

        Parameters
        ----------
        path : str or path-like
            The file, whatever its name ends in.

        Raises
        ------
        TypeError
            If an object of the user is part of the surrogate: a function, an estimator, a
            transformer or a class derived from ours. `skops.io.dump` and `joblib.dump` keep
            those.
        ValueError
            If the surrogate holds NaN.
        OSError
            If the file cannot be written; what was there before is unchanged.
        """
        from ._persistence import save  # knows all surrogates, so it cannot be imported above

        check_is_fitted(self)
        save(self, path)

    def __getstate__(self):
        """Return plain data, which skops takes and which go from device to device."""
        from ._persistence import get_state

        return get_state(self)

    def __setstate__(self, state):
        from ._persistence import set_state

        set_state(self, state)

    # ---------------------------------------------------------------- helpers

    def _split_lam(self, X, lam, *, reset, n_rows=None):
        """Check X, take the lambda column off; return (X, lam, number of rows)."""
        X = check.check_features(self, X, reset=reset)
        if X is not None and self.lam_column is not None:
            position = check.locate_column(X, self.lam_column)
            X, column = check.drop_column(X, position)
            lam = column if lam is None else lam
        if X is not None:
            return X, lam, len(X)
        if n_rows is None:
            n_rows = check.count_rows(None, lam)
        return np.zeros((n_rows, 0)), lam, n_rows

    def _query(self, X, lam, *, name="lam", n_rows=None):
        """Check the inputs of a method after fit."""
        check_is_fitted(self)
        X, lam, n_rows = self._split_lam(X, lam, reset=False, n_rows=n_rows)
        lam = check.check_lam(lam, n_rows, name=name)
        check.check_within(lam, self.anchors_, name=name)
        return Query(X, self._encoder.transform(X, n_rows), lam)

    def _check_lam_from(self, lam, n_rows, name="lam_from"):
        """Return the lambda that given outputs come from, one per row."""
        lam = check.check_lam(lam, n_rows, name=name)
        check.check_within(lam, self.anchors_, name=name)
        return lam

    def _check_given(self, y, n_rows):
        """Return given outputs as (n, D) and whether they came as (n,)."""
        y, single = check.check_outputs(y, n_rows)
        if y.shape[1] != len(self._scaler.center_):
            raise ValueError(
                f"`y` has {y.shape[1]} output(s) per row; in fit it had "
                f"{len(self._scaler.center_)}."
            )
        check.check_reach(self._scaler.encode(y), "y")
        return y, single

    @property
    def _base_time(self):
        return int(np.searchsorted(self.anchors_, self.base_lam_))

    def _decode(self, y):
        return self._clip(self._scaler.decode(y))

    def _clip(self, y):
        return y if self._bounds is None else np.clip(y, *self._bounds)

    def _shape(self, y):
        """Drop the output axis if y had none in fit."""
        return y[..., 0] if self._single_output else y

    def __sklearn_tags__(self):
        """Return the estimator tags."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.categorical = True
        return tags


class ClockedSurrogate(BaseSurrogate):
    """Moves outputs in the time of a clock; subclasses learn the movement by that time.

    Subclasses implement `_fit_movement`, and set `solver_` before it.
    """

    def _fit_transport(self, data, seeds, settings):
        rng = np.random.default_rng(seeds["coupling"])
        self.lam_transform_ = choose_clock(
            self.lam_transform, data, self.solver_, StraightGeodesic(), rng
        )
        self.flow_map_ = self._fit_movement(data, seeds, settings, rng)

    @abstractmethod
    def _fit_movement(self, data, seeds, settings, rng):
        """Return an object with ``displacement(y, conditions, start, end, *, dtype)``."""

    def _share_of_way(self, lam, lam_from, lam_to):
        here, start, end = (self.lam_transform_.time(value) for value in (lam, lam_from, lam_to))
        return (here - start) / (end - start)

    def _displace(self, y, conditions, lam_from, lam_to, dtype=torch.float32):
        start, end = (self.lam_transform_.time(lam) for lam in (lam_from, lam_to))
        return self.flow_map_.displacement(y, conditions, start, end, dtype=dtype)


def _length(values):
    """Return the number of rows of y, before it is checked; None if it has none."""
    if hasattr(values, "shape"):  # sparse matrices have no length
        return values.shape[0] if values.shape else None
    return len(values) if hasattr(values, "__len__") and np.ndim(values) else None


def check_n_samples(n_samples):
    """Raise unless a number of draws is a positive integer."""
    if not isinstance(n_samples, Integral) or n_samples < 1:
        raise ValueError(f"n_samples={n_samples!r} must be None or a positive integer.")


def _as_frame(records):
    """Return the records of all epochs as a DataFrame, one row each."""
    more = dict.fromkeys(name for record in records for name in record if name not in _COLUMNS)
    return pd.DataFrame(records, columns=[*_COLUMNS, *more])


def _take(X, rows):
    return X.iloc[rows] if check.is_frame(X) else X[rows]


def pick_device(device):
    """Return the torch device, checked."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={device!r} cannot be used: {error}") from error
    return device
