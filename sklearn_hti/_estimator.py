"""The estimator: learn from outputs at a few lambdas, sample at any lambda between."""

import warnings
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from . import _validation as check
from ._assembly import build_lagrangian, fit_trajectories
from ._clock_choice import choose_clock
from ._compat import HasMethods, Interval, StrOptions
from ._diagnostics import check_fit, warn_of
from ._encoding import ConditionEncoder, Conditions, OutputScaler, TrainingData, find_anchors
from ._flow_map import fit_flow_map
from ._random import draw_seeds, sampling_generator
from .base import check_base, make_base
from .exceptions import CouplingWarning
from .lagrangian import COSTS, KineticEnergy, PotentialEnergy
from .nn import Conditioning
from .nn.engine import TrainingSettings, count_steps
from .paths import GeodesicPath, SmoothPath, StraightGeodesic
from .solvers import OTSolver
from .solvers.registry import ALIASES, resolve


@dataclass(frozen=True)
class Query:
    """Checked inputs of a method: X without the lambda column, encoded X, lambda."""

    X: object
    conditions: Conditions
    lam: np.ndarray | None

    def __len__(self):
        return len(self.conditions)


class HyperparameterTrajectoryRegressor(RegressorMixin, BaseEstimator):
    """Surrogate of a family of networks, one per value of a training hyperparameter lambda.

    Learns from outputs of networks that were trained at a few values of lambda (the
    *anchors*) to draw y ~ p_lambda(y | x) at every lambda between. The outputs of
    neighbouring anchors are coupled by conditional optimal transport, a clock says how far
    along the path a lambda is, and the paths are distilled into one network, the flow map,
    which moves an output from any lambda to any other.

    Parameters
    ----------
    kinetic : {"euclidean", "learned", "fixed_spectrum", "land", "rbf"} or KineticEnergy, \
            default="learned"
        What a velocity costs. "euclidean" is the same everywhere and in all directions;
        "learned" is a metric field under which the observed transport is cheap,
        "fixed_spectrum" the same with fixed eigenvalues; "land" and "rbf" are cheap where
        data are dense. With one output there is one way only, whatever it costs. Straight
        lines, kinetic="euclidean" with potential=None, are fitted in half the time.
    potential : {None, "density"}, PotentialEnergy or callable, default="density"
        Where paths like to go: nowhere in particular, where outputs of the anchors are dense,
        or where a function u(y, x) of torch tensors is large (see
        `sklearn_hti.lagrangian.CallablePotential`).
    cost : {"jacobi", "action", "study"}, default="jacobi"
        How kinetic and potential energy make the cost of a path: half the squared length in a
        metric that is dear away from the data, the integral of K - U over time, or what the
        published code minimises, which lets points wait and jump.
    path : {"geodesic", "smooth"} or GeodesicPath, default="geodesic"
        "geodesic" draws the cheapest path interval by interval, "smooth" one cubic curve
        through the coupled outputs of all anchors.
    solver : {"coupling", "neural_dual"} or OTSolver, default="coupling"
        How outputs of neighbouring anchors are matched: by coupling the samples themselves,
        or by Kantorovich potentials and maps learned as the study does, which is slower and
        less accurate. Names stand for ``CouplingSolver()`` and ``NeuralDual()``; pass an
        instance to search over its parameters.
    conditioning : {"film", "concat", "hypernetwork"} or Conditioning, default="film"
        How x enters the networks: as scale and shift of the first hidden layer, as further
        inputs, or as weights of the last hidden layer. Pass an instance of
        `sklearn_hti.nn.Conditioning` to choose the encoding of numbers, too.
    base : {"auto", "neighbors", "flow"}, estimator or callable, default="auto"
        How y is drawn at the base anchor. "neighbors" draws among the training outputs of
        the nearest x, "flow" from a conditional flow-matching generator. An estimator is
        cloned and fitted on the rows of the anchor (wrap it in
        `sklearn.frozen.FrozenEstimator` to keep it as it is); its ``sample(X, n_samples)``
        is used if there is one, else ``predict``. A callable ``x -> y`` is the deployed
        network itself. "auto" takes "neighbors" where X holds at most 50 distinct
        conditions with at least 5 rows each, else "flow".
    base_lam : float, default=None
        The anchor of the base; None is the first.
    lam_transform : {None, "auto", "log", "logit", "probit", "odds", "entropy"} or \
            transformer, default="auto"
        The clock. None is linear in lambda; a name or a monotone scikit-learn transformer
        makes time linear in that function of lambda; "entropy" lets outputs spread evenly.
        "auto" leaves interior anchors out and takes the clock that predicts them best, if
        better than linear by two standard errors; with two anchors it is "entropy", with a
        `ClockWarning`. **This choice matters most**; set what you know: "probit" for
        quantile levels, "log" for regularisation strengths, "odds" for dropout rates.
    lam_column : int or str, default=None
        Where lambda sits in X (position or column name) when `lam` is not passed. None:
        `lam` is required.
    n_anchors : "auto" or int, default="auto"
        Number of anchors. "auto": the distinct values of lambda if there are at most 20 with
        5 rows each, else 5 quantile bins. Rows of a bin keep their own lambda.
    y_bounds : tuple of (low, high), default=None
        Outputs are clipped to this box; scalars or arrays of shape (D,).
    output_scaling : {"common", "per_output"}, default="common"
        Unit of distances between outputs. "common" divides all outputs by one number;
        "per_output" divides each by its standard deviation, for outputs in different units.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Categorical columns of X without the lambda column: those of category or string type
        in a DataFrame, none, or a list of positions, of names, or a boolean mask.
    max_iter : int, default=1200
        Optimisation steps of each network.
    batch_size : int, default=256
        Rows per step.
    learning_rate : float, default=0.01
        Peak of the one-cycle learning rate.
    early_stopping : bool, default=False
        Stop when the error on held-out trajectories has not improved by `tol` (relative)
        for 500 steps. The best state on them is kept in either case.
    tol : float, default=1e-4
        Relative improvement that counts for `early_stopping`.
    device : str, default="auto"
        Torch device of the networks; "auto" is CUDA where there is one, else the CPU.
    callbacks : list, default=None
        Callbacks of skorch for the training of the networks.
    verbose : int, default=0
        With 1, show progress bars.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random in `fit`.

    Attributes
    ----------
    anchors_ : ndarray of shape (K + 1,)
        The lambdas between which transport was learned.
    lam_transform_ : Clock
        The clock in use, why (``reason``), and the ``scores`` of all candidates.
    base_ : object
        The source of draws at the base anchor, its ``name`` and the ``reason``.
    base_lam_ : float
        The anchor of the base.
    lagrangian_ : Lagrangian
        Metric and potential, trained, and the cost that they make of a path.
    solver_ : OTSolver
        The solver that coupled the anchors.
    flow_map_ : TransportMap
        The trained network that moves scaled outputs between clock times.
    history_ : list of dict
        Losses by stage ("paths", "transport", "base") and epoch; "paths" of the neural dual
        adds the ``dual_value``, the transport ``cost``, the ``map_residual``, the
        ``negative_share`` of costs and the range of eigenvalues of the metric.
    diagnostics_ : dict
        In scaled units, how far the outputs moved from the base are from those of every
        anchor (``marginal_w2``, beside ``standing_w2`` without moving and ``floor_w2``
        between halves of the anchor's rows, nan where inputs do not repeat), how much a detour
        changes the transport (``semigroup_error``, relative), and what learned paths are
        like (``longest_segment`` over the mean, share of ``negative_costs``, range of the
        ``eigenvalues`` of the metric).
    n_iter_ : int
        Optimisation steps taken for the flow map.
    n_features_in_ : int
        Number of columns of X, the lambda column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names of X, where it had names.

    See Also
    --------
    sklearn_hti.sweep : Trains an estimator at several values and collects its outputs.

    References
    ----------
    Amad and van der Schaar, "Hyperparameter Trajectory Inference with Conditional
    Lagrangian Optimal Transport", ICLR 2026, arXiv:2603.01771.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti import HyperparameterTrajectoryRegressor
    >>> rng = np.random.default_rng(0)
    >>> lam = np.repeat([0.0, 1.0, 2.0], 100)  # 100 outputs at each of three values
    >>> y = rng.normal(loc=lam**2, scale=0.1)
    >>> surrogate = HyperparameterTrajectoryRegressor(
    ...     lam_transform=None, potential=None, max_iter=200, random_state=0
    ... ).fit(None, y, lam)
    >>> draws = surrogate.sample(None, lam=1.5, n_samples=200, random_state=0)
    >>> draws.shape
    (200, 1)
    >>> bool(abs(draws.mean() - 2.5) < 0.1)  # half-way from 1 to 4
    True
    """

    __metadata_request__fit = {"lam": True}
    __metadata_request__predict = {"lam": True}
    __metadata_request__score = {"lam": True}

    _parameter_constraints = {
        "kinetic": [StrOptions(set(ALIASES["kinetic"][0])), KineticEnergy],
        "potential": [None, StrOptions({"density"}), PotentialEnergy, callable],
        "cost": [StrOptions(set(COSTS))],
        "path": [StrOptions({"geodesic", "smooth"}), GeodesicPath, SmoothPath],
        "solver": [StrOptions(set(ALIASES["solver"][0])), OTSolver],
        "conditioning": [StrOptions(set(ALIASES["conditioning"][0])), Conditioning],
        "base": [
            StrOptions({"auto", "neighbors", "flow"}),
            HasMethods(["fit", "predict"]),
            HasMethods(["fit", "sample"]),
            callable,
        ],
        "base_lam": [None, Real],
        "lam_transform": [
            None,
            StrOptions({"auto", "log", "logit", "probit", "odds", "entropy"}),
            HasMethods(["fit", "transform"]),
        ],
        "lam_column": [None, Integral, str],
        "n_anchors": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "y_bounds": [None, tuple, list],
        "output_scaling": [StrOptions({"common", "per_output"})],
        "categorical_features": [StrOptions({"from_dtype"}), None, "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "device": [str],
        "callbacks": [None, list],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        kinetic="learned",
        potential="density",
        cost="jacobi",
        path="geodesic",
        solver="coupling",
        conditioning="film",
        base="auto",
        base_lam=None,
        lam_transform="auto",
        lam_column=None,
        n_anchors="auto",
        y_bounds=None,
        output_scaling="common",
        categorical_features="from_dtype",
        max_iter=1200,
        batch_size=256,
        learning_rate=0.01,
        early_stopping=False,
        tol=1e-4,
        device="auto",
        callbacks=None,
        verbose=0,
        random_state=None,
    ):
        self.kinetic = kinetic
        self.potential = potential
        self.cost = cost
        self.path = path
        self.solver = solver
        self.conditioning = conditioning
        self.base = base
        self.base_lam = base_lam
        self.lam_transform = lam_transform
        self.lam_column = lam_column
        self.n_anchors = n_anchors
        self.y_bounds = y_bounds
        self.output_scaling = output_scaling
        self.categorical_features = categorical_features
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.tol = tol
        self.device = device
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

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
        HyperparameterTrajectoryRegressor
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
        self.solver_ = resolve("solver", self.solver)
        path = resolve("path", self.path)
        conditioning = resolve("conditioning", self.conditioning)
        X, lam, n_rows = self._split_lam(X, lam, reset=True, n_rows=_length(y))
        y, self._single_output = check.check_outputs(y, n_rows)
        lam = check.check_lam(lam, n_rows)
        self._bounds = check.check_bounds(self.y_bounds, y)
        anchors = find_anchors(lam, self.n_anchors)
        self.anchors_ = anchors.lam
        self.base_lam_ = self._find_base_lam()

        seeds = draw_seeds(
            self.random_state,
            [
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
            ],
        )
        rng = np.random.default_rng(seeds["coupling"])
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

        self.lam_transform_ = choose_clock(
            self.lam_transform, data, self.solver_, StraightGeodesic(), rng
        )
        self.lagrangian_ = build_lagrangian(
            self.kinetic,
            self.potential,
            self.cost,
            data,
            self._scaler,
            self._encoder,
            conditioning,
            seeds["lagrangian"],
        )
        settings = TrainingSettings(
            self.max_iter,
            self.batch_size,
            self.learning_rate,
            self.early_stopping,
            self.tol,
            _pick_device(self.device),
            self.verbose,
        )
        trajectories, geodesic, plans, paths = fit_trajectories(
            path,
            self.solver_,
            data,
            self.lagrangian_,
            self._encoder,
            conditioning,
            seeds,
            settings,
            self.callbacks or (),
        )
        if plans is not None:
            _warn_without_partner(plans, data)
        self.flow_map_, net = fit_flow_map(
            trajectories,
            data,
            self.lam_transform_,
            self._encoder,
            conditioning,
            self._base_time,
            seeds,
            settings,
            self.callbacks or (),
        )
        self.n_iter_ = count_steps(net.history)
        self.history_ = [] if paths is None else _losses("paths", paths.history)
        self.history_ += _losses("transport", net.history)
        self._fit_base(X, y, data, conditioning, seeds, settings)
        self.diagnostics_ = check_fit(
            self.flow_map_, data, trajectories, geodesic, self._base_time, rng
        )
        warn_of(self.diagnostics_, self.anchors_, self.cost)
        return self

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

    def _fit_base(self, X, y, data, conditioning, seeds, settings):
        """Build the source of draws at the base anchor."""
        rows = own = data.anchors.rows(self._base_time)
        if not data.conditions_repeat(rows):
            # other anchors know other x: all rows inform the base, moved to its lambda
            rows = np.arange(len(data.y))
        conditions = data.conditions[rows]
        start = self.lam_transform_.time(data.lam[rows])
        end = np.full(len(rows), self._base_time)
        moved = self._displace(data.y[rows], conditions, start, end)
        self.base_ = make_base(
            self.base,
            scaled_y=data.y[rows] + moved,
            conditions=conditions,
            groups=data.groups[rows],
            X=_take(X, own),
            y=y[own, 0] if self._single_output else y[own],
            scaler=self._scaler,
            encoder=self._encoder,
            conditioning=conditioning,
            seeds={k: seeds[f"base_{k}"] for k in ("module", "batches", "split")},
            settings=settings,
            callbacks=self.callbacks or (),
        )
        self.history_ += _losses("base", getattr(self.base_, "history_", []))
        rng = np.random.default_rng(seeds["noise"])
        self._noise = self.base_.fixed_noise(rng)

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
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws; None gives fresh ones.

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
        start = np.full(len(query) * n_samples, self._base_time)
        end = np.repeat(self.lam_transform_.time(query.lam), n_samples)
        conditions = query.conditions[np.repeat(np.arange(len(query)), n_samples)]
        flat = y.reshape(-1, y.shape[2])
        flat = self._decode(flat + self._displace(flat, conditions, start, end))
        return np.ascontiguousarray(np.moveaxis(flat.reshape(y.shape), 1, 0))

    def _draw_base(self, query, n_samples, random_state):
        """Return draws at the base anchor (n, n_samples, D), scaled."""
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(f"n_samples={n_samples!r} must be None or a positive integer.")
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
        time_ = self.lam_transform_.time(query.lam)
        key = np.column_stack([query.conditions.scaled, query.conditions.codes, time_])
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
                np.full(len(flat), self._base_time),
                np.repeat(time_[rows], n_draws),
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
        start = self._time(lam_from, len(query), "lam_from")
        y, single = self._check_given(y, len(query))
        end = self.lam_transform_.time(query.lam)
        scale = self._scaler.scale_
        # the displacement alone is scaled, so that lam_from = lam_to returns y to the bit
        moved = self._displace(self._scaler.encode(y), query.conditions, start, end) * scale
        moved = self._clip(y + moved)
        return moved[:, 0] if single else moved

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
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws.

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
        n_draws = 1 if n_samples is None else n_samples
        start = np.full(len(query), float(self._base_time))
        if y is None:
            drawn = self._draw_base(query, n_draws, random_state)
        else:
            given, _ = self._check_given(y, len(query))
            start = self._time(lam_from, len(query), "lam_from")
            drawn = self._scaler.encode(given)[:, None]
        conditions = query.conditions[np.repeat(np.arange(len(query)), n_draws)]
        flat = drawn.reshape(-1, drawn.shape[2])
        path = np.empty((len(grid), n_draws, *drawn.shape[::2]))
        for out, t in zip(path, self.lam_transform_.time(grid), strict=True):
            end = np.full(len(flat), t)
            moved = self._displace(flat, conditions, np.repeat(start, n_draws), end)
            out[:] = np.moveaxis(self._decode(flat + moved).reshape(drawn.shape), 1, 0)
        return self._shape(path[:, 0] if n_samples is None else path)

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
        return r2_score(y, self.predict(X, lam), sample_weight=sample_weight)

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

    def _time(self, lam, n_rows, name):
        """Return the clock time of a further lambda argument."""
        lam = check.check_lam(lam, n_rows, name=name)
        check.check_within(lam, self.anchors_, name=name)
        return self.lam_transform_.time(lam)

    def _check_given(self, y, n_rows):
        """Return given outputs as (n, D) and whether they came as (n,)."""
        y, single = check.check_outputs(y, n_rows)
        if y.shape[1] != len(self._scaler.center_):
            raise ValueError(
                f"`y` has {y.shape[1]} output(s) per row; in fit it had "
                f"{len(self._scaler.center_)}."
            )
        return y, single

    @property
    def _base_time(self):
        return int(np.searchsorted(self.anchors_, self.base_lam_))

    def _displace(self, y, conditions, start, end, dtype=torch.float32):
        """Return how far the flow map moves scaled outputs between clock times."""
        return self.flow_map_.displacement(y, conditions, start, end, dtype=dtype)

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


def _length(values):
    """Return the number of rows of y, before it is checked; None if it has none."""
    return len(values) if hasattr(values, "__len__") and np.ndim(values) else None


def _take(X, rows):
    return X.iloc[rows] if check.is_frame(X) else X[rows]


def _pick_device(device):
    """Return the torch device, checked."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={device!r} cannot be used: {error}") from error
    return device


def _warn_without_partner(plans, data):
    """Warn of rows that find no row of the same x at a neighbouring anchor."""
    met = [np.zeros(len(data.anchors.rows(k)), dtype=bool) for k in range(len(data.anchors.lam))]
    for (a, b), plan in zip(data.anchors.edges, plans, strict=True):
        met[a] |= np.diff(plan.indptr) > 0
        met[b][plan.indices] = True
    alone = [int((~m).sum()) for m in met]
    if any(alone):
        counts = ", ".join(
            f"{n} at lambda = {lam:g}" for n, lam in zip(alone, data.anchors.lam, strict=True) if n
        )
        warnings.warn(
            f"{sum(alone)} rows are not used ({counts}): their x occurs at no neighbouring "
            "anchor. Put the same inputs to every network.",
            CouplingWarning,
            stacklevel=3,
        )


def _losses(stage, history):
    """Return one record per epoch: losses, duration, and what else the stage recorded."""
    return [
        {"stage": stage}
        | {
            k: v
            for k, v in epoch.items()
            if isinstance(v, Real) and not k.endswith(("_best", "_count"))
        }
        for epoch in history
    ]
