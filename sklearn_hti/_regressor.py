"""The estimator: learn from outputs at a few lambdas, sample at any lambda between."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ._surrogate import BaseSurrogate, ClockedSurrogate
from ._utils import progress
from ._utils.annotations import FilePath, Lam, RandomState
from ._utils.findings import warn_once
from ._utils.parameters import HasMethods, StrOptions, clone_parameters
from ._utils.registry import storable
from .answers.derivative import derivative
from .answers.from_networks import readable
from .answers.interval import interval
from .answers.query import check_lam_within
from .answers.state import FittedAttribute
from .answers.statistic import Statistic
from .assessment.breaks import find_breaks
from .assessment.crossings import warn_if_crossing
from .assessment.diagnostics import check_fit, warn_of
from .assessment.geometry import choose_geometry
from .assessment.left_out import check_validate, leave_values_out
from .assessment.remainder import check_remainder
from .assessment.stage import assess
from .clocks.movement import Movement
from .clocks.time_scale import make_time_scale
from .clocks.way import way_reader
from .data.coordinates import NAMES as OUTPUT_TRANSFORMS
from .data.levels import read_few_values
from .data.monotone import check_followed, read_monotone
from .exceptions import TrajectoryWarning
from .field.fit import learn_field, whole_particles
from .field.geometry import Geometry
from .field.place import clock_at
from .field.spread import moments_of
from .flow_map.learning import Learned, learn_flow_map, learn_jumps
from .io.export import check_moves, columns_of_x, export
from .lagrangian import COSTS, KineticEnergy, PotentialEnergy, Unbalanced
from .paths import GeodesicPath, SmoothPath
from .samplers.networks import check_each_has_one, check_networks
from .samplers.probes import make_networks
from .samplers.selection import FittedBase, fit_base, fit_whole
from .solvers import OTSolver
from .solvers.registry import ALIASES, Components, refuse_several, resolve, resolve_potential


@storable
class HyperparameterTrajectoryRegressor(ClockedSurrogate):
    """Surrogate of a family of networks, one per value of a training hyperparameter lambda.

    The surrogate learns from the outputs of networks that were trained at a few values of
    lambda, the *trained values*. It then draws y ~ p_lambda(y | x) at every lambda between them.

    Conditional optimal transport couples the outputs of neighbouring trained values. A *particle*
    is one output, followed through all trained values. The *lambda scale* tells how far along its
    path a particle is at lambda. The *particle field*, a closed form, gives its output there. A
    network, the *flow map*, is trained on the particles. It moves an output from any lambda to
    any other. If every input has one answer, whole particles are predicted from x instead. With
    `networks`, the trained networks themselves answer at the trained values, and `fit` trains
    nothing.

    Parameters
    ----------
    kinetic : {"euclidean", "learned", "fixed_spectrum", "land", "rbf"} or KineticEnergy, \
            default="learned"
        Kinetic energy: the price of a velocity. "euclidean" is the same everywhere and in all
        directions. "learned" is a metric under which the observed transport is cheap.
        "fixed_spectrum" is the same with fixed eigenvalues. "land" and "rbf" are low where data
        are dense. With one output, there is only one path, so the metric has no effect. With
        kinetic="euclidean" and potential=None, no path is learned and fits are faster.
    potential : {None, "density"}, PotentialEnergy or callable, default="density"
        Potential energy: where paths are cheap. "density" prefers places where outputs of the
        trained values are dense. None has no preference. A function u(y, x) of torch tensors
        prefers places where u is large (see `sklearn_hti.lagrangian.CallablePotential`).
    cost : {"jacobi", "action", "study"}, default="jacobi"
        How kinetic energy K and potential energy U make the cost of a path. "jacobi" is half the
        squared length in a metric that is expensive away from the data. "action" is the integral
        of K - U over time. "study" is the cost in the published code of the original paper, under
        which points may wait and jump.
    path : {"geodesic", "smooth"} or GeodesicPath, default="geodesic"
        How outputs move between trained values. "geodesic" learns the cheapest path between
        neighbours. Three points of it become further knots of the particles, if this makes paths
        smoother at the trained values than chords are. "smooth" takes points of one cubic curve
        through the coupled outputs of all trained values. With a flat Lagrangian, or one output,
        "geodesic" learns no path.
    solver : {"coupling", "neural_dual", "monge_gap"} or OTSolver, default="coupling"
        How outputs of neighbouring trained values are matched. "coupling" couples the samples
        themselves. "neural_dual" learns Kantorovich potentials and maps, as in the original paper.
        "monge_gap" learns maps that fit the next trained value and have a small Monge gap. The
        names stand for ``CouplingSolver()``, ``NeuralDual()`` and ``MongeGap()``. Pass an instance
        to set or search its parameters.
    conditioning : {"film", "concat", "hypernetwork"} or Conditioning, default="film"
        How x enters the networks. "film" scales and shifts the first hidden layer. "concat"
        appends x to the inputs. "hypernetwork" computes the weights of the last hidden layer. Pass
        an instance of `sklearn_hti.nn.Conditioning` to choose the encoding of numbers, too.
    networks : dict, default=None
        The trained networks by their value of lambda, such as ``sweep(...).networks``. Each is a
        fitted estimator with `predict` (classifiers: `predict_proba`), or a function from inputs
        to outputs. The networks of all trained values of `fit`, and no others, are called for
        every answer. Answers at trained values are their outputs, and `fit` trains nothing.
        Networks receive X as `fit` receives it (in a pipeline: transformed), without the lambda
        column. A network that answers with draws is called with repeated rows, or as
        ``(X, n_samples)``, which returns draws along the first axis. None: no network is called.
    base : {"auto", "neighbors", "flow"}, None, estimator or callable, default="auto"
        How y is drawn at the base value `base_lam`.

        * "auto" draws nothing if trained values share their inputs and every input has one answer
          at each. It predicts the outputs at all trained values by one regression on x, and the
          particle field answers between them. Held-out inputs choose the regression: linear, a
          kernel, trees, or kernel and trees together. Inputs of `fit` keep their own outputs
          exactly, at every trained value. Otherwise, "auto" is "neighbors" for at most 50 distinct
          conditions with at least 5 rows each, and "flow" for more. It is also "flow" if a column
          of X has more than ten values that are not all whole numbers.
        * "neighbors" draws among the training outputs of the nearest x. It is more accurate
          for inputs of `fit` with hundreds of draws each.
        * "flow" draws from a conditional flow-matching generator.
        * None trains nothing. Only `interpolate` answers.
        * An estimator is cloned and fitted on the rows of the base value. Its
          ``sample(X, n_samples)`` is used if it has one, else ``predict``. Wrap a fitted one in
          `sklearn.frozen.FrozenEstimator` to keep it as it is.
        * A callable ``x -> y`` is the deployed network itself.
    base_lam : float, array-like of shape (k,) or dict, default=None
        The trained value at which `base` draws. None is the first one, unless draws at another
        predict the outputs at all trained values clearly better: their squared error is less than
        half. This is the case if draws at the first one are few or equal, because a map cannot
        separate equal outputs. With an estimator or a callable as `base`, None is always the
        first.
    lam_transform : {None, "auto", "log", "reciprocal", "logit", "probit", "odds", "entropy"}, \
            transformer, list or dict, default="auto"
        The lambda scale, in which outputs move evenly. **This choice matters most**. Set it if you
        know it: "probit" for quantile levels, "log" for regularisation strengths, "odds" for
        dropout rates, "reciprocal" for temperatures of a softmax.

        * None is linear in lambda. A name, or a monotone scikit-learn transformer, is linear in
          that function of lambda. "entropy" lets the spread of outputs grow evenly.
        * "auto" starts from the scale suggested by the range of lambda (log, probit, odds or
          linear). A linear scale or, for positive lambdas, a logarithmic or reciprocal one
          replaces it if it predicts trained values from their neighbours better. "auto" then
          adjusts the speed of the scale, until the trained values fall about where the distances
          between outputs place them.
        * With two trained values, "auto" is a guess, with a `ClockWarning`. It is half-way
          between the suggested scale and "entropy", or "entropy" if the range suggests none.
        * With several hyperparameters, one choice is for all numbers. A list has one choice per
          column, a dict one by name. "auto" then takes a logarithm if a range spans two decades,
          unless a linear scale is clearly more probable. It also adjusts the speed along each
          axis to the outputs. "entropy" is an error.
    lam_column : int, str or list of these, default=None
        Position or name of the column of X that holds lambda, if `lam` is not passed. A list has
        the columns of several hyperparameters. None: `lam` is required. If other tools drop or
        add columns, put lambda last and count from the front. A missing column is then an error,
        while -1 would take another column.
    n_anchors : "auto" or int, default="auto"
        Number of trained values, the anchors. "auto" takes the distinct values of lambda if there
        are at most 20 and most of them have 3 rows. Otherwise, it groups lambda into 5 to 9
        quantile bins, one for 150 rows. Regressions of mean and spread on lambda move the outputs
        of a bin to its trained value. Values with fewer than 5 rows are moved to a neighbour in
        the same way. If the first or the last value has so few rows, all values are put in bins.
        There are no bins if neighbouring values share their inputs and outputs follow lambda
        without noise. This is the case if outputs that are left out are nearer to the line
        between their neighbours than to lines through more outputs.
    y_bounds : tuple of (low, high), default=None
        Box to which outputs are clipped: scalars, or arrays in the shape of the outputs of a row.
        None: outputs are not clipped.
    output_transform : {"auto", "simplex", "log", "logit"}, None or transformer, default="auto"
        Coordinates in which outputs are coupled, moved and averaged over trained values. Answers
        are in the units of y.

        * "auto" and None take outputs as they are.
        * "simplex" takes log-ratios of rows that sum to one along the last axis of y, such as
          probabilities of classes. "log" is for positive outputs. "logit" is for outputs inside
          `y_bounds`. Zeros of "simplex", and outputs on the bounds of "logit", count as half of
          the smallest part in y. A part is the distance to zero, or to a bound, over the range.
        * A scikit-learn transformer with `inverse_transform` is cloned and fitted on y of shape
          (n, D). It has to be defined wherever the networks answer.

        With more than 128 numbers per row, all but None and a transformer learn in at most 128
        principal coordinates. These, or a transformer such as an autoencoder, leave out a
        remainder. It is kept with `networks`, at inputs of `fit` and for given outputs: it is
        averaged over trained values, or stays with the output.
    monotone : None, int, array-like or dict, default=None
        Direction of the outputs along lambda, for every x: 1 is up, -1 is down, 0 is any. One
        number is for all outputs. An array has the shape of the outputs of a row. A dict has
        directions by the name of the hyperparameter. Quantiles of one x then never cross, but
        bounds of `interval` may. Trained outputs that go against the direction are projected to
        the nearest ones that do not, with a `TrajectoryWarning`. Answers follow whole particles.
        This needs `networks`, or one answer per input at every trained value. No flow map is
        trained, and `transport` adds the movement of the answer at x. Only one hyperparameter may
        vary, and `output_transform` may only be "log" or "logit".
    output_scaling : {"common", "per_output"}, default="common"
        Unit of distances between outputs. "common" divides all outputs by one number.
        "per_output" divides each by its standard deviation. Choose it for outputs in different
        units.
    geometry : {"auto", "transport", "mixture", "unbalanced"} or Unbalanced, default="auto"
        How distributions change between trained values.

        * "transport": outputs move.
        * "mixture": outputs stay in place and change their weights. Each draw has a random switch
          number. Before it, the draw is an output of the lower trained value, and after it one of
          the upper.
        * "unbalanced": near outputs move, and the others change their weights.
          `sklearn_hti.lagrangian.Unbalanced` sets what is near.
        * "auto" takes "mixture" or "unbalanced" for outputs of at most ten values, and for draws
          of whole numbers such as counts, if they take fewer values than the root of the number
          of rows. It takes "transport" for others, whose draws may lie between those values,
          unless another geometry predicts trained values that are left out clearly better. This
          comparison needs inputs that all trained values share, with twenty draws each.

        With "mixture" and "unbalanced", outputs of few values, and counts, keep to the values in
        y. Nothing is trained: draws are those of near inputs, `transport` follows a near particle
        at random, and `export` is an error. With several hyperparameters, "auto" is "transport",
        and "unbalanced" is an error.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Categorical columns of X, counted without the lambda column. "from_dtype" takes the columns
        of category or string type in a DataFrame. None takes none. An array-like holds positions
        or names, or is a boolean mask. A fit that trains accepts at most 4,096 categories in all
        columns together.
    max_iter : int, default=550
        Optimisation steps of each network.
    batch_size : int, default=256
        Rows per step.
    learning_rate : float, default=0.01
        Peak of the one-cycle learning rate.
    early_stopping : bool, default=False
        Whether training stops if the error on held-out trajectories does not improve by `tol`
        (relative) for 500 steps. With fewer than 50 trajectories, none is held out, and the
        training error counts. In both settings, the best state by that error is kept. With
        held-out trajectories, the state before the first step is a candidate, too.
    tol : float, default=1e-4
        Relative improvement that counts for `early_stopping`.
    validate : "auto" or bool, default="auto"
        Whether interior trained values are left out in turn, at most twenty. This measures the
        particle field between trained values that are twice as far apart. Nothing is trained for
        it. If straight lines or copies are clearly better, they become the answers. "auto" is True
        with three trained values or more.
    extrapolation : {"raise", "warn"}, default="raise"
        What happens outside the trained range, or outside the convex hull of the trained values of
        several hyperparameters. "raise" raises an error. "warn" continues the outputs as between
        trained values, with an `ExtrapolationWarning`. The bounds of `interval` then grow with the
        distance. Values at which the lambda scale is not defined are always an error, such as a
        negative value on a logarithmic scale. `fit` does not read this parameter.
    device : str, default="auto"
        Torch device of the networks. "auto" is CUDA if it is available, else the CPU.
    n_jobs : int, default=None
        Number of trees of the regression on x that are grown in parallel; see joblib. Answers do
        not depend on it.
    callbacks : list, default=None
        Skorch callbacks for the training of the networks, each a callback or (name, callback).
        `sklearn_hti.callbacks.Checkpoint` lets an interrupted fit continue.
    verbose : "auto" or int, default="auto"
        Whether `fit` shows a progress bar over all stages on stderr. "auto" shows it on a terminal
        or in a notebook, if a fit takes more than two seconds. 0 never shows it, 1 always.
    random_state : int, RandomState instance or None, default=None
        Seed of all random steps of `fit`.

    Attributes
    ----------
    anchors_ : ndarray of shape (M,) or (M, k)
        The trained values, or bins of many, between which transport was learned. With several
        hyperparameters, each is a row; rows are objects if some hyperparameters are categories.
    lam_transform_ : Clock
        The lambda scale in use (``name``), and the ``reason`` for it.
    base_ : object or None
        The source of draws at the base value, its ``name`` and the ``reason`` for it. None if
        nothing is trained. With ``name="regression"``, it has the choice among regressors
        (``chosen_``) and the scaled errors of the chosen one at held-out inputs (``errors_``).
    base_lam_ : float
        The trained value at which the base draws.
    lagrangian_ : Lagrangian
        The trained metric and potential, and the cost that they give a path.
    solver_ : OTSolver
        The solver that coupled the trained values.
    flow_map_ : TransportMap or None
        The trained network that moves scaled outputs between times of the lambda scale. None if
        nothing is trained, and with `monotone`.
    history_ : DataFrame
        One row per epoch of about 50 steps of each network. Its columns are ``stage`` ("paths",
        "transport", "base"), ``epoch``, ``step``, ``train_loss``, ``valid_loss`` (nan if no rows
        are held out), the learning rate ``lr`` and ``seconds``. "paths" of the neural dual adds
        the ``dual_value``, the transport ``cost``, the ``map_residual``, the ``negative_share`` of
        costs and the range of eigenvalues of the metric.
    diagnostics_ : dict
        Measurements of the fit. Every fit has:

        * ``geometry``: the geometry in use.
        * ``reweighted``: the fraction of the squared movement between trained values that jumps
          make.
        * ``speeds``: the root mean square movement of the outputs in each step between
          neighbouring trained values, per range of the scale that the range of lambda suggests.
          With several hyperparameters, the steps follow the tree of couplings.
        * ``fastest``: the fastest step, a pair of trained values, or None if nothing moves.
        * ``breaks``: the pairs between which outputs change faster, or farther aside, than all
          other steps explain. One step can be explained by two others or more, so three trained
          values have none. Several hyperparameters have none either, because the speed of outputs
          depends on the direction.

        A fit that trains a flow map adds, in scaled units:

        * ``marginal_w2``: the distance of outputs moved from the base to those of every trained
          value. ``standing_w2`` is the same without moving. ``floor_w2`` is the distance between
          halves of the rows at the trained value, nan if inputs do not repeat.
        * ``affine``: whether outputs follow affine maps (see `CouplingSolver`).
        * ``semigroup_error``: how much a detour changes the transport, relative.
        * ``longest_segment`` over the mean, the fraction of ``negative_costs`` and the range of
          the ``eigenvalues`` of the metric, for learned paths.
        * ``loop_errors``, with several hyperparameters: how far transport around a loop of trained
          values ends from its start, over the variance. There is one loop for each edge that the
          tree of couplings leaves out, shortest first.

        Jumps add ``delta``, the scale of growth, and ``jump_time``, which tells whether a
        probability or its logit is linear in time. Fewer coordinates than outputs add
        ``n_coordinates`` and the mean square that they leave out. It is a fraction of the variance
        of outputs (``lost_of_variance``) and of the squared distance between neighbouring trained
        values (``lost_of_movement``).
    validation_ : DataFrame or None
        One row per interior trained value that was left out (``lam``, or a column per
        hyperparameter), with squared Wasserstein distances to its outputs, in scaled units. None
        if nothing was left out.

        * ``interpolate`` is the particle field of all other trained values, or of their particles
          that jump. Its time comes from these values alone. With three trained values, two are
          left, and the time is a guess.
        * ``straight_line_in_clock`` and ``straight_line`` are lines between both neighbours, in
          that time and in lambda. ``nearest_anchor`` has the outputs of the nearest trained value,
          ``no_transport`` those of the first.
        * ``floor`` is the noise floor, the distance between halves of the true outputs.
        * ``base`` is the error of answers from x alone, at inputs that were held out from the
          base. It is nan for a generator of draws.

        Trained values with different inputs are compared as a whole, over all rows. If another
        answer is clearly better on average, it replaces the field, with a `ValidationWarning`; the
        first trained value never does. Two trained values are then compared in the time of the
        whole fit.
    n_iter_ : int
        Optimisation steps of the flow map; 1 where outputs jump, which takes none.
    n_features_in_ : int
        Number of columns of X, including the lambda column.
    lam_names_in_ : ndarray of shape (k,)
        Names of the hyperparameters, if `lam` had names.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names of X, if it had names.

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

    _parameter_constraints = {
        **BaseSurrogate._parameter_constraints,
        **BaseSurrogate._network_constraints,
        **BaseSurrogate._clock_constraints,
        "networks": "no_validation",  # type: ignore[dict-item]
        "base": [None, *BaseSurrogate._network_constraints["base"]],
        "kinetic": [StrOptions(set(ALIASES["kinetic"][0])), KineticEnergy],
        "potential": [None, StrOptions({"density"}), PotentialEnergy, callable],
        "cost": [StrOptions(set(COSTS))],
        "path": [StrOptions({"geodesic", "smooth"}), GeodesicPath, SmoothPath],
        "solver": [StrOptions(set(ALIASES["solver"][0])), OTSolver],
        "validate": [StrOptions({"auto"}), "boolean"],
        "extrapolation": [StrOptions({"raise", "warn"})],
        "geometry": [StrOptions({"auto", "transport", "mixture", "unbalanced"}), Unbalanced],
        "n_jobs": [None, Integral],
        "monotone": [None, Integral, Mapping, "array-like"],
        "output_transform": [
            None,
            StrOptions({*OUTPUT_TRANSFORMS}),
            HasMethods(["fit", "transform", "inverse_transform"]),
        ],
    }

    lagrangian_ = FittedAttribute("lagrangian")
    diagnostics_ = FittedAttribute("diagnostics")
    validation_ = FittedAttribute("validation")
    n_iter_ = FittedAttribute("n_iter")

    def __init__(
        self,
        *,
        kinetic: Any = "learned",
        potential: Any = "density",
        cost: str = "jacobi",
        path: Any = "geodesic",
        solver: Any = "coupling",
        conditioning: Any = "film",
        networks: Mapping[Any, Any] | None = None,
        base: Any = "auto",
        base_lam: Lam | None = None,
        lam_transform: Any = "auto",
        lam_column: int | str | Sequence[Any] | None = None,
        n_anchors: str | int = "auto",
        y_bounds: tuple[Any, ...] | None = None,
        output_transform: Any = "auto",
        monotone: Any = None,
        output_scaling: str = "common",
        geometry: Any = "auto",
        categorical_features: ArrayLike | None = "from_dtype",
        max_iter: int = 550,
        batch_size: int = 256,
        learning_rate: float = 0.01,
        early_stopping: bool = False,
        tol: float = 1e-4,
        validate: str | bool = "auto",
        extrapolation: str = "raise",
        device: str = "auto",
        n_jobs: int | None = None,
        callbacks: Sequence[Any] | None = None,
        verbose: str | int = "auto",
        random_state: RandomState = None,
    ) -> None:
        self.kinetic = kinetic
        self.potential = potential
        self.cost = cost
        self.path = path
        self.solver = solver
        self.conditioning = conditioning
        self.networks = networks
        self.base = base
        self.base_lam = base_lam
        self.lam_transform = lam_transform
        self.lam_column = lam_column
        self.n_anchors = n_anchors
        self.y_bounds = y_bounds
        self.output_transform = output_transform
        self.monotone = monotone
        self.output_scaling = output_scaling
        self.geometry = geometry
        self.categorical_features = categorical_features
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.tol = tol
        self.validate = validate
        self.extrapolation = extrapolation
        self.device = device
        self.n_jobs = n_jobs
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def __sklearn_clone__(self):
        """Return an unfitted surrogate with the same networks, of which no copies are made."""
        return clone_parameters(self, kept=("networks",))

    @property
    def _geometry(self):
        """Whether outputs may jump, as the parameters ask for it."""
        return Geometry(self.geometry, self.monotone, self.base, self.networks, self.solver)

    @property
    def _trains(self):
        """Whether a flow map and a base are trained: answers need them, or not."""
        return self.networks is None and self.base is not None

    @property
    def _stages(self):
        """The stages of `fit`, for its progress bar."""
        trained = ("paths", "flow map", "base") if self._trains else ()
        return ("couplings", "left-out values", *trained, "assessment")

    _takes_several = True

    def _build_components(self):
        self._geometry.check()
        if self.networks is not None:
            check_networks(self.networks, self.base)
        return Components(
            solver=resolve("solver", self.solver),
            path=resolve("path", self.path),
            kinetic=resolve("kinetic", self.kinetic),
            potential=resolve_potential(self.potential),
        )

    def _count_anchors(self, rows):
        # every trained value has its network
        ask_all = self.networks is not None and self.n_anchors == "auto"
        return len(rows.lam) if ask_all else super()._count_anchors(rows)

    def _check_anchors(self, anchors, space):
        if anchors.several:
            self._geometry.refuse_several()
            refuse_several(self.solver, self.path)
        if self.networks is not None:
            check_each_has_one(self.networks, anchors, space, self.n_anchors)
        check_validate(self.validate, len(anchors.lam))

    def _encode(self, rows, anchors):
        problem = super()._encode(rows, anchors)
        monotone = read_monotone(
            self.monotone, problem.outputs, problem.space, self.output_transform
        )
        if monotone is not None and self._trains:
            check_followed(self.monotone, self.base, problem.data.facts)
        return replace(problem, monotone=monotone)

    @property
    def _remedy_of_few(self):
        return self._geometry.remedy_of_few

    def _read_levels(self, rows, anchors, encoder):
        jump = self.monotone is None and self._geometry.may_jump(anchors)
        return read_few_values(rows, anchors, encoder) if jump else None

    def _map_outputs(self, rows, reduces=True):
        # few coordinates mix outputs, of which neither a direction nor a jump is left
        reduces = reduces and self.monotone is None and not self._geometry.jumps
        return super()._map_outputs(rows, reduces)

    def _draws_at_base(self, problem):
        return self._trains and problem.levels is None and not self._geometry.jumps

    def _fit_movement(self, problem, components, read, training):
        seed, networks, data = training.seeds["networks"], None, problem.data
        if self.networks is not None:
            networks = make_networks(self.networks, problem, seed)
            data = readable(problem, networks, seed)
        if data is not problem.data:
            rng = np.random.default_rng(training.seeds["coupling"])
            read = way_reader(data, components.solver, rng)
        scale = make_time_scale(self._scale_asked(problem), data, read)
        field = learn_field(scale, data, read, np.random.default_rng(seed))
        steps = find_breaks(field.scale, data, read(), problem.space)
        field = replace(field, monotone=problem.monotone)
        particles = whole_particles(read)
        warn_if_crossing(field.monotone, particles, problem.outputs)
        mix = self._choose_geometry(problem, data, field, components, training)
        field, validation = self._leave_values_out(problem, data, field, mix, components, training)
        movement = Movement(clock_at(field, data.anchors), None)
        learned = Learned(movement, data=data, diagnostics={}, n_iter=0)
        if mix is not None:
            field = mix.mean_field(field)
            cost = self.cost if self._trains else None
            learned = learn_jumps(learned, problem, mix, training, cost)
        elif self._trains and field.monotone is None:
            learned = self._fit_flow_map(problem, components, field, movement.clock, training)
        figures = {"geometry": "transport", "reweighted": 0.0} if mix is None else {}
        figures = learned.diagnostics | figures | steps
        figures |= check_remainder(problem, particles, asked=not self._trains)
        return replace(
            learned,
            particle_field=field,
            networks=networks,
            validation=validation,
            diagnostics=figures,
            moments=moments_of(particles) if len(particles) else None,
        )

    def _choose_geometry(self, problem, data, field, components, training):
        """Return how particles jump; None: all move."""
        if field.monotone is not None or not self._geometry.may_jump(data.anchors):
            return None
        rng = np.random.default_rng(training.seeds["geometry"])
        settings = (problem.levels, self._scale_asked(problem), components.solver, rng)
        return choose_geometry(self._geometry.named, data, field, *settings)

    def _leave_values_out(self, problem, data, field, mix, components, training):
        """Return the field that is trusted, and the records of values left out, if any are."""
        if self.validate is False or len(data.anchors.lam) < 3:
            return field, None
        progress.begin("left-out values")
        rng = np.random.default_rng(training.seeds["validation"])
        named = self._scale_asked(problem)
        options = {"space": problem.space, "reweighting": mix}
        return leave_values_out(data, named, components.solver, field, rng, **options)

    def _fit_flow_map(self, problem, components, field, clock, training):
        learned, couplings = learn_flow_map(problem, components, self.cost, field, clock, training)
        rng, base_time = np.random.default_rng(training.seeds["coupling"]), problem.base_time
        clock, flow_map, data = learned.movement.clock, learned.movement.flow_map, learned.data
        figures = check_fit(flow_map, clock, data, couplings, base_time, rng)
        warn_of(figures, data, base_time, self, problem.space.text)
        return replace(learned, diagnostics=figures)

    def _fit_base(self, problem, learned, training):
        if not self._trains:
            return FittedBase(None, training.seeds["noise"])
        if learned.reweighting is not None:
            return fit_whole(learned, training)
        return fit_base(
            problem, self.base, learned.movement, training, has_field=True, n_jobs=self.n_jobs
        )

    def _assess(self, problem, learned, state, training):
        seed = training.seeds["validation"]
        return assess(problem, learned, state, self._scale_asked(problem), seed)

    def interval(
        self,
        X: ArrayLike | None,
        lam: Lam | None = None,
        coverage: float = 0.9,
        statistic: Any = "mean",
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a confidence interval of a statistic of y given x.

        The interval covers the error of the surrogate, not the spread of y. It adds three
        independent parts. The first is how far outputs may leave the path between trained values,
        from the errors of the statistic at trained values that were left out. The second is how
        far the statistic moves while the time of lambda varies within its own interval. The third
        is the error at trained values, from few draws or at new inputs. At a trained value, only
        the third part is left. Outside the trained values, all parts grow with the distance.

        `networks` that answer with draws are called three times. `fit` computes the errors of the
        mean. The errors of another statistic are computed at each call, from draws that `fit` has
        kept, so pass many rows and lambdas at once.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda, one or one per row.
        coverage : float, default=0.9
            Intended fraction of true values of the statistic inside the bounds, on average over
            inputs and lambdas.
        statistic : "mean", float or callable, default="mean"
            Statistic of the outputs of each input. A number between 0 and 1 is a quantile level. A
            function receives draws (n_draws, n, D), for any number of draws, and returns numbers
            (n, ...), each row from its own draws. If every input has one answer, all quantiles are
            this answer, and a function receives one draw.

        Returns
        -------
        lower, upper : ndarray of shape (n,) or (n, D), or (n, ...) as a function returns
            The bounds. Those of the mean and of quantiles stay inside `y_bounds`.

        Raises
        ------
        ValueError
            If `coverage` is not between 0 and 1. If `statistic` is not one of the above, or its
            result has another shape or is not finite. If `statistic` is not the mean, and `fit`
            had fewer than five different draws of every input, or inputs that trained values do
            not share.

        Warns
        -----
        TrajectoryWarning
            If there are only two trained values: neither can be left out. Each surrogate warns
            once.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_hti import HyperparameterTrajectoryRegressor
        >>> lam = np.repeat([0.0, 1.0, 2.0], 50)
        >>> y = np.random.default_rng(0).normal(loc=lam, scale=0.1)
        >>> surrogate = HyperparameterTrajectoryRegressor(
        ...     lam_transform=None, max_iter=50, random_state=0
        ... ).fit(None, y, lam)
        >>> lower, upper = surrogate.interval(None, lam=0.5)
        >>> bool(lower < surrogate.predict(None, lam=0.5) < upper)
        True
        """
        query, statistic = self._query(X, lam), Statistic(statistic)
        if not (isinstance(coverage, Real) and 0 < coverage < 1):
            raise ValueError(f"coverage={coverage!r} must lie between 0 and 1.")
        if len(self._state.anchors) == 2:
            warn_once(
                self,
                "With two trained values, none could be left out. Bounds rest on typical errors "
                "between trained values, not on measured ones. Train a third value.",
                TrajectoryWarning,
            )
        return interval(self._state, query, coverage, statistic)

    def derivative(self, X: ArrayLike | None, lam: Lam | None = None) -> np.ndarray:
        """Return how fast the conditional mean of y changes with lambda.

        The derivative is a difference quotient over 1/200 of the trained range, in time. It is
        one-sided at the ends of the range. It is two-sided at trained values, where the particle
        field has small kinks. Several hyperparameters have one derivative for each number that
        varies, in the order of `lam`. Categories have none and are left out.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,) or (n, k), default=None
            Hyperparameter value lambda, one or one per row.

        Returns
        -------
        ndarray of shape (n,) or (n, D), or (n, k) or (n, k, D)
            The derivatives, in units of y per unit of each hyperparameter. A hyperparameter
            without influence, or one that does not vary, has 0.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_hti import HyperparameterTrajectoryRegressor
        >>> networks = {v: lambda X, v=v: v**2 * X[:, 0] for v in (0.0, 0.5, 1.0, 1.5, 2.0)}
        >>> X = np.linspace(1, 2, 20)[:, None]
        >>> y = np.concatenate([network(X) for network in networks.values()])
        >>> surrogate = HyperparameterTrajectoryRegressor(networks=networks).fit(
        ...     np.tile(X, (5, 1)), y, np.repeat(list(networks), 20)
        ... )
        >>> bool(abs(surrogate.derivative([[1.0]], lam=1.0)[0] - 2) < 0.1)
        True
        """
        query = self._query(X, lam)
        return self._state.outputs.shape(derivative(self._state, query))

    def export(
        self, path: FilePath, format: str = "onnx", *, lam_from: Lam | None = None
    ) -> dict[Any, Any]:
        """Write the transport from one lambda to any other as a single graph.

        The graph needs neither this package nor scikit-learn. It includes the lambda scale, all
        scaling and `y_bounds`. Its inputs are double-precision arrays for any number of rows n:
        ``x`` of shape (n, C), ``y`` of shape (n, D) and ``lam`` of shape (n,), or (n, k) for k
        hyperparameters. Its output ``moved`` of shape (n, D) is that of `transport`. ``x`` holds
        the columns of X without the lambda columns; without a condition, there is no ``x``. ``x``
        and ``lam`` hold categories by their numbers. A hyperparameter outside its trained range is
        set to the nearest end. A number that stands for no category is set to the nearest one that
        does.

        Parameters
        ----------
        path : str or path-like
            The file.
        format : {"onnx", "torch"}, default="onnx"
            "onnx" is for any ONNX runtime and needs ``pip install "sklearn-hti[onnx]"``. "torch"
            is for `torch.export.load`; the usual suffix is ``.pt2``.
        lam_from : float, dict or array-like of shape (k,), default=None
            Lambda of the given outputs, within the trained range. None is the parameter
            `base_lam`, or the first trained value if that is None.

        Returns
        -------
        dict
            The meaning of the inputs, which is also in the file. It has the names of the columns
            ``x``, the ``categories`` (column of ``x`` and its values in the order of their
            numbers, from 0), ``n_outputs``, ``lam_from`` and ``lam_range``. With several
            hyperparameters, it also has the columns of ``lam`` and its ``lam_categories``. Each
            column then has its own range, None for categories.

        Raises
        ------
        ImportError
            If "onnx" is not installed.
        OSError
            If the file cannot be written. An existing file is unchanged.
        ValueError
            If no flow map was trained, or outputs jump. If `lam_from` lies outside the trained
            range. If the lambda scale is a transformer that is too steep for the table that
            replaces it. If straight lines replaced the field over too many simplices.

        See Also
        --------
        save : Writes the whole surrogate, to be loaded by this package.
        """
        check_is_fitted(self)
        check_moves(self._state)
        if lam_from is not None:
            lam_from = check_lam_within(self, lam_from, 1, "lam_from", beyond=False)[0]
        else:
            lam_from = self._state.deployed_lam
        return export(self._state, columns_of_x(self), path, format, lam_from)
