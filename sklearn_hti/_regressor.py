"""The estimator: learn from outputs at a few lambdas, sample at any lambda between."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ._surrogate import BaseSurrogate, ClockedSurrogate, Components
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
from .assessment.diagnostics import check_codec, check_fit, warn_of
from .assessment.geometry import choose_geometry
from .assessment.left_out import leave_values_out, trusted
from .assessment.stage import assess
from .clocks.hull import interior
from .clocks.movement import Movement
from .clocks.time_scale import clock_of, make_time_scale
from .clocks.way import way_reader
from .data.coordinates import NAMES as OUTPUT_TRANSFORMS
from .data.levels import few_values, may_be_few
from .data.monotone import read_monotone
from .data.thinning import for_movement
from .exceptions import TrajectoryWarning
from .field.build import believed_on_tree, fit_trajectories, whole_trajectories
from .field.fit import learn_field, whole_particles
from .field.place import place_clock
from .field.spread import moments_of
from .flow_map.learning import Learned
from .flow_map.training import fit_flow_map
from .io.export import columns_of_x, export
from .lagrangian import COSTS, KineticEnergy, Lagrangian, PotentialEnergy, Unbalanced
from .lagrangian.build import build_lagrangian
from .nn.engine import count_steps
from .paths import GeodesicPath, SmoothPath
from .samplers.networks import check_networks, find_networks, make_networks
from .samplers.selection import FittedBase, fit_base, fit_whole
from .solvers import OTSolver
from .solvers.maps import MapSolver
from .solvers.registry import ALIASES, resolve, resolve_potential


@storable
class HyperparameterTrajectoryRegressor(ClockedSurrogate):
    """Surrogate of a family of networks, one per value of a training hyperparameter lambda.

    Learns from outputs of networks that were trained at a few values of lambda (the
    *anchors*) to draw y ~ p_lambda(y | x) at every lambda between. The outputs of
    neighbouring anchors are coupled by conditional optimal transport, so that one output can be
    followed through all anchors: a *particle*. A clock says how far along its path a particle is
    at lambda, and the particle field, a closed form, gives its output there. The particles are
    distilled into one network, the flow map, which moves an output from any lambda to any other.
    Where every input has one answer, whole particles are predicted from x. With `networks`, the
    trained networks are asked instead, and nothing is trained.

    Parameters
    ----------
    kinetic : {"euclidean", "learned", "fixed_spectrum", "land", "rbf"} or KineticEnergy, \
            default="learned"
        What a velocity costs. "euclidean" is the same everywhere and in all directions;
        "learned" is a metric field under which the observed transport is cheap,
        "fixed_spectrum" the same with fixed eigenvalues; "land" and "rbf" are cheap where
        data are dense. With one output there is one path only, whatever it costs. With
        kinetic="euclidean" and potential=None no path is learned, and fits are faster.
    potential : {None, "density"}, PotentialEnergy or callable, default="density"
        Where paths like to go: nowhere in particular, where outputs of the anchors are dense,
        or where a function u(y, x) of torch tensors is large (see
        `sklearn_hti.lagrangian.CallablePotential`).
    cost : {"jacobi", "action", "study"}, default="jacobi"
        How kinetic and potential energy make the cost of a path: half the squared length in a
        metric that is expensive away from the data, the integral of K - U over time, or what the
        published code minimises, which lets points wait and jump.
    path : {"geodesic", "smooth"} or GeodesicPath, default="geodesic"
        "geodesic" learns the cheapest path from anchor to anchor and takes three points of it as
        further knots of the particles, if paths through them are smoother at the anchors than
        chords are. "smooth" takes points of one cubic curve through the coupled outputs of all
        anchors instead. With a flat Lagrangian, or one output, "geodesic" learns no path.
    solver : {"coupling", "neural_dual", "monge_gap"} or OTSolver, default="coupling"
        How outputs of neighbouring anchors are matched: by coupling the samples themselves; by
        Kantorovich potentials and maps that are learned, as in the original paper; or by maps
        that fit the next anchor and leave no Monge gap. Names stand for ``CouplingSolver()``,
        ``NeuralDual()`` and ``MongeGap()``; pass an instance to search over its parameters.
    conditioning : {"film", "concat", "hypernetwork"} or Conditioning, default="film"
        How x enters the networks: as scale and shift of the first hidden layer, as further
        inputs, or as weights of the last hidden layer. Pass an instance of
        `sklearn_hti.nn.Conditioning` to choose the encoding of numbers, too.
    networks : dict, default=None
        The trained networks by their value of lambda, such as ``sweep(...).networks``: fitted
        estimators with `predict` (classifiers: `predict_proba`), or functions from inputs to
        outputs. They are asked at question time, all that belong to trained values of `fit` and
        no others, and answers at trained values are theirs. `fit` trains nothing. X comes as `fit`
        gets it, in a pipeline transformed, without the lambda column. A network that answers with
        draws is asked many times per input, or takes ``(X, n_samples)`` and returns draws first.
        None: no network is asked.
    base : {"auto", "neighbors", "flow"}, None, estimator or callable, default="auto"
        How y is drawn at the base anchor. Where the anchors share their inputs and every input
        has one answer at each, "auto" draws nothing: it predicts the outputs at all anchors by
        one regression on x (linear, a kernel, trees, or kernel and trees together, by held-out
        inputs), and the particle field answers between anchors. Inputs of fit keep their own
        outputs, exactly, at every anchor. "neighbors" draws among the training outputs of
        the nearest x, "flow" from a conditional flow-matching generator. An estimator is
        cloned and fitted on the rows of the anchor (wrap it in
        `sklearn.frozen.FrozenEstimator` to keep it as it is); its ``sample(X, n_samples)``
        is used if there is one, else ``predict``. A callable ``x -> y`` is the deployed
        network itself. Elsewhere "auto" takes "neighbors" where X holds at most 50 distinct
        conditions with at least 5 rows each and no column of X more than ten values that
        are not all whole numbers, else "flow". Where only inputs of the fit are asked about,
        with hundreds of draws of each, "neighbors" is nearer to them. None trains nothing, for
        `interpolate` alone.
    base_lam : float, array-like of shape (k,) or dict, default=None
        The anchor of the base. None is the first, unless draws at another anchor predict the
        outputs at all anchors clearly better: the particle that is nearest there misses by less
        than half as much, as a squared distance. This is so where draws of the first anchor are
        few or equal: a map cannot separate equal outputs. A base of your own (an estimator or a
        callable) sits at the first.
    lam_transform : {None, "auto", "log", "reciprocal", "logit", "probit", "odds", "entropy"}, \
            transformer, list or dict, default="auto"
        The clock. None is linear in lambda; a name or a monotone scikit-learn transformer
        makes time linear in that function of lambda; "entropy" lets outputs spread evenly.
        "auto" starts from the scale suggested by the range of lambda (log, probit, odds or
        linear). If another predicts anchors from their neighbours better, it starts from that:
        a linear scale or, of positive lambdas, a logarithmic or reciprocal one. It then adjusts
        the speed of the scale until the anchors fall about where the distances between outputs
        place them. With two anchors it is a guess, with a `ClockWarning`: half-way between the
        suggested clock and "entropy", or "entropy" where the range suggests none. **This choice
        matters most**; set what you know: "probit" for quantile levels, "log" for regularisation
        strengths, "odds" for dropout rates, "reciprocal" for temperatures of a softmax. Of several
        hyperparameters, one choice is for all numbers, a list has one per column, and a dict one
        by name. "auto" then takes a logarithm where a range spans two decades and a linear scale
        is not clearly more probable, and bends each axis to fit the outputs; "entropy" is refused.
    lam_column : int, str or list of these, default=None
        Where lambda sits in X (position or column name) when `lam` is not passed; a list has the
        columns of several hyperparameters. None: `lam` is required. Inside tools that drop or
        add columns, put lambda last and count from the front: a column that is gone is then
        refused, while -1 takes another one.
    n_anchors : "auto" or int, default="auto"
        Number of anchors. "auto": the distinct values of lambda if there are at most 20, of
        which most have 3 rows, else 5 to 9 quantile bins, one for 150 rows. Outputs of a bin
        are moved to its anchor, as their mean and spread go with lambda, and so are those of
        values of fewer than 5 rows between others; where the first or the last value has so
        few, all are in bins. There are no bins where neighbouring values share their inputs and
        outputs follow lambda without noise: left out, they are nearer to the line between their
        neighbours than to lines through more outputs.
    y_bounds : tuple of (low, high), default=None
        Outputs are clipped to this box; scalars or arrays in the shape of the outputs of a row.
    output_transform : {"auto", "simplex", "log", "logit"}, None or transformer, default="auto"
        Coordinates in which outputs are coupled, moved and averaged over trained values; answers
        are in the units of y. "simplex" takes log-ratios of rows that sum to one along the last
        axis of y, such as probabilities of classes; "log" is for positive outputs, "logit" for
        outputs inside `y_bounds`, which none then sticks to. Zeros of "simplex", and outputs on
        the bounds of "logit", count as half of the smallest part that y shows: the distance to
        zero, or to a bound, over the range. A transformer of scikit-learn with
        `inverse_transform` is cloned and fitted on y of shape (n, D); it has to be defined
        wherever the networks answer. "auto" and None take outputs as they are. Of more than 128
        numbers per row, all but None and a transformer learn in principal coordinates, 128 at
        most. What those leave out, or a transformer does not return, such as an autoencoder,
        is not lost with `networks`, at inputs of `fit` and for given outputs: it is averaged
        over trained values, or goes with the output.
    monotone : None, int, array-like or dict, default=None
        Direction in which outputs go with lambda, for every x: 1 up, -1 down, 0 any; one number
        for all outputs, or an array in the shape of the outputs of a row. A dict has them by the
        name of the hyperparameter. Quantiles of one x then never cross. It wins over
        exactness: trained outputs of an input that go against it are projected to the nearest
        ones that do not, with a `TrajectoryWarning`. Answers come from whole particles: networks
        that are asked, or one answer per input at every trained value. No flow map is trained, and
        `transport` adds how far the answer at x moves. One hyperparameter only, and no
        `output_transform` but "log" and "logit". Bounds of `interval` may still cross.
    output_scaling : {"common", "per_output"}, default="common"
        Unit of distances between outputs. "common" divides all outputs by one number;
        "per_output" divides each by its standard deviation, for outputs in different units.
    geometry : {"auto", "transport", "mixture", "unbalanced"} or Unbalanced, default="auto"
        How distributions change between trained values. "transport": outputs move. "mixture":
        they change their weights in place; each draw is one of the lower trained value until its
        switch number is passed, and one of the upper value then. "unbalanced": those that are near
        move, the others change their weights (`sklearn_hti.lagrangian.Unbalanced` sets how near).
        Outputs of at most ten values, and draws of whole numbers such as counts, then keep to the
        values seen. "auto" does so for them; for others it takes transport, unless trained values
        that are left out are clearly better predicted otherwise, by networks with twenty draws of
        shared inputs. With either of the last two, nothing is trained: draws are those of near
        inputs, `transport` follows one of the near particles by chance, and `export` refuses.
        Of several hyperparameters, "auto" is "transport", and "unbalanced" is refused.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Categorical columns of X without the lambda column: those of category or string type
        in a DataFrame, none, or a list of positions, of names, or a boolean mask. A fit that
        trains takes 4,096 categories at most, in all columns together.
    max_iter : int, default=550
        Optimisation steps of each network.
    batch_size : int, default=256
        Rows per step.
    learning_rate : float, default=0.01
        Peak of the one-cycle learning rate.
    early_stopping : bool, default=False
        Stop when the error on held-out trajectories has not improved by `tol` (relative)
        for 500 steps; that in training where there are fewer than 50, of which none is held
        out. The best state by that error, with held-out ones that before the first step among
        them, is kept in either case.
    tol : float, default=1e-4
        Relative improvement that counts for `early_stopping`.
    validate : "auto" or bool, default="auto"
        Whether interior anchors are left out, at most twenty in turn, to see how the particle
        field does between anchors that are twice as far apart. Nothing is trained for that. If
        straight lines or copies do clearly better, they become the answers. "auto" does so with
        three anchors or more.
    extrapolation : {"raise", "warn"}, default="raise"
        What happens to lambdas outside the trained range, or of several hyperparameters outside
        the convex hull of the trained values. "raise" refuses them. "warn" answers, with an
        `ExtrapolationWarning`, as if the outputs went on as between trained values; the bounds of
        `interval` grow with the distance. Values where the scale of lambda is not defined, such
        as a negative one of a logarithmic scale, are refused by both. `fit` does not read it.
    device : str, default="auto"
        Torch device of the networks; "auto" is CUDA where there is one, else the CPU.
    n_jobs : int, default=None
        Trees of the regression on x that are grown at once; see joblib. Answers do not depend on
        it.
    callbacks : list, default=None
        Callbacks of skorch for the training of the networks, each as callback or (name,
        callback); `sklearn_hti.callbacks.Checkpoint` lets a fit go on where it was cut off.
    verbose : "auto" or int, default="auto"
        Whether `fit` shows its progress on stderr: one bar over all stages. "auto" shows it on a
        terminal or in a notebook, once a fit takes more than two seconds; 0 never; 1 always.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random in `fit`.

    Attributes
    ----------
    anchors_ : ndarray of shape (M,) or (M, k)
        The lambdas between which transport was learned: trained values, or bins of many. Of
        several hyperparameters one row each, as objects where some are categories.
    lam_transform_ : Clock
        The clock in use (``name``), and the ``reason``.
    base_ : object or None
        The source of draws at the base anchor, its ``name`` and the ``reason``; None where nothing
        is trained. That of ``name="regression"`` has the choice among regressors (``chosen_``) and
        the errors of the chosen one at held-out inputs (``errors_``, scaled).
    base_lam_ : float
        The anchor of the base.
    lagrangian_ : Lagrangian
        Metric and potential, trained, and the cost that they make of a path.
    solver_ : OTSolver
        The solver that coupled the anchors.
    flow_map_ : TransportMap or None
        The trained network that moves scaled outputs between clock times; None where nothing is
        trained, and with `monotone`.
    history_ : DataFrame
        One row per epoch of about 50 steps of each network: its ``stage`` ("paths", "transport",
        "base"), ``epoch``, ``step``, ``train_loss``, ``valid_loss`` (nan where no rows are held
        out), learning rate ``lr`` and ``seconds``. "paths" of the neural dual adds the
        ``dual_value``, the transport ``cost``, the ``map_residual``, the ``negative_share`` of
        costs and the range of eigenvalues of the metric.
    diagnostics_ : dict
        In scaled units, how far the outputs moved from the base are from those of every
        anchor (``marginal_w2``, beside ``standing_w2`` without moving and ``floor_w2``
        between halves of the anchor's rows, nan where inputs do not repeat), whether outputs
        follow ``affine`` maps (see `CouplingSolver`), how much a detour
        changes the transport (``semigroup_error``, relative), and what learned paths are
        like (``longest_segment`` over the mean, fraction of ``negative_costs``, range of the
        ``eigenvalues`` of the metric). Several hyperparameters add ``loop_errors``: how far
        transport around a loop of trained values ends from where it began, over the variance,
        for edges that the tree of couplings leaves out, shortest first. Where nothing is trained,
        these are missing. ``geometry`` is the one taken, and ``reweighted`` the fraction of the
        squared movement between trained values that jumps make. With jumps, ``delta`` is the scale
        of growth, and ``jump_time`` says whether a probability or its logit is linear in time.
        Fewer coordinates than outputs add ``n_coordinates``, and the mean square that they leave
        out, as a fraction of the variance of outputs (``lost_of_variance``) and of the squared
        distance between neighbouring trained values (``lost_of_movement``).
        Every fit has the steps between neighbouring trained values, of several hyperparameters
        along the tree: ``speeds``, the root mean square movement of the
        outputs per range of the scale that the range of lambda suggests; the ``fastest`` step,
        a pair of trained values, None where nothing moves; and ``breaks``, the pairs between which
        outputs change faster, or farther aside, than all other steps explain. Two steps or more
        have to be left to explain one, so that three trained values have none. Several
        hyperparameters have no ``breaks``: how fast outputs are depends on the direction.
    validation_ : DataFrame or None
        One row per interior anchor left out (``lam``, or a column per hyperparameter): squared
        Wasserstein distances, in scaled units, to the true outputs. ``interpolate`` is the
        particle field of all other anchors, or of their particles that jump, in the time that they
        tell: with three anchors two are left, and their time is a guess.
        Beside it stand answers without a field: ``straight_line_in_clock`` and ``straight_line``
        between both neighbours, in that time and in lambda, the outputs of the
        ``nearest_anchor`` and of the first (``no_transport``), and the ``floor`` between halves of
        the true ones. ``base`` is the error at this anchor of answers from x alone, at inputs that
        the base did not see; nan for a generator of draws. Of anchors that know different inputs,
        all rows are compared as one. If another answer is clearly better on average, it takes the
        place of the field, with a `ValidationWarning` (the first anchor's never does); two anchors
        are then judged in the time of the whole fit. None: not validated.
    n_iter_ : int
        Optimisation steps taken for the flow map.
    n_features_in_ : int
        Number of columns of X, the lambda column included.
    lam_names_in_ : ndarray of shape (k,)
        Names of the hyperparameters, where `lam` had names.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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
        """The geometry that is asked for; "unbalanced" as an instance."""
        asked = isinstance(self.geometry, str) and self.geometry == "unbalanced"
        return Unbalanced() if asked else self.geometry

    @property
    def _asks_for_jumps(self):
        """Whether particles jump, whatever the data are."""
        return not isinstance(self.geometry, str) or self.geometry in ("mixture", "unbalanced")

    @property
    def _draws_whole(self):
        """Whether particles could be drawn, or followed, that jump."""
        named = self.base is None or (isinstance(self.base, str) and self.base != "flow")
        learned = isinstance(resolve("solver", self.solver), MapSolver)
        return (self.networks is not None or named) and not learned

    def _may_jump(self, anchors, levels):
        """Whether particles may jump, by the parameters and the values of outputs."""
        if isinstance(self.geometry, str) and self.geometry == "auto":
            return self._draws_whole and not anchors.several
        return self._asks_for_jumps

    @property
    def _remedy_of_few(self):
        if self._asks_for_jumps:
            return ""
        return (
            "Take geometry='mixture'."
            if self._draws_whole
            else ("Take geometry='mixture' with base='auto' and solver='coupling'.")
        )

    def _read_levels(self, rows, anchors, encoder):
        jump = self.monotone is None and self._may_jump(anchors, None)
        if not (jump and may_be_few(rows.y)):
            return None
        groups = encoder.transform(rows.X, len(rows.y)).groups()
        return few_values(rows.y, groups, anchors.index)

    def _map_outputs(self, rows, reduces=True):
        # few coordinates mix outputs, of which neither a direction nor a jump is left
        reduces = reduces and self.monotone is None and not self._asks_for_jumps
        return super()._map_outputs(rows, reduces)

    def _draws_at_base(self, problem):
        return self._trains and problem.levels is None and not self._asks_for_jumps

    @property
    def _trains(self):
        """Whether a flow map and a base are trained: answers need them, or not."""
        return self.networks is None and self.base is not None

    @property
    def _stages(self):
        """The stages of `fit`, for its progress bar."""
        trained = ("paths", "flow map", "base") if self._trains else ()
        return ("couplings", "left-out values", *trained, "assessment")

    def _build_components(self):
        if isinstance(self.geometry, Unbalanced):
            self.geometry._check()
        if self._asks_for_jumps and self.monotone is not None:
            raise ValueError(
                f"geometry={self.geometry!r} lets outputs jump in any direction, and "
                f"monotone={self.monotone!r} holds one: leave one of both out."
            )
        if self._asks_for_jumps and not self._draws_whole:
            name = (
                "base"
                if self.networks is None
                and not isinstance(resolve("solver", self.solver), MapSolver)
                else "solver"
            )
            wanted = {"base": "auto", "solver": "coupling"}[name]
            raise ValueError(
                f"geometry={self.geometry!r} follows whole particles, and "
                f"{name}={getattr(self, name)!r} makes none: take {name}={wanted!r}, or "
                "geometry='transport'."
            )
        if self.networks is not None:
            check_networks(self.networks)
            if not (self.base is None or (isinstance(self.base, str) and self.base == "auto")):
                raise ValueError(
                    f"base={self.base!r} is for answers without networks, and networks= are "
                    "given: leave one of both out."
                )
        return Components(
            solver=resolve("solver", self.solver),
            path=resolve("path", self.path),
            kinetic=resolve("kinetic", self.kinetic),
            potential=resolve_potential(self.potential),
        )

    _takes_several = True

    def _check_anchors(self, anchors, space):
        if anchors.several:
            self._check_several()
        if self.networks is not None:
            if anchors.binned:
                raise ValueError(
                    f"n_anchors={self.n_anchors!r} merges trained values, of which each has a "
                    "network in networks=; take n_anchors='auto'."
                )
            find_networks(self.networks, anchors.lam, space)
        if self.validate is True and len(anchors.lam) < 3:
            raise ValueError(
                "validate=True leaves an anchor out between two others, and `lam` has only two "
                "anchors; add one, or take validate='auto'."
            )

    def _check_several(self):
        """Raise for components that follow one hyperparameter alone."""
        if isinstance(self._geometry, Unbalanced):
            raise ValueError(
                f"geometry={self.geometry!r} follows one hyperparameter, and several vary in "
                "`lam`; take geometry='mixture' or 'transport'."
            )
        solver, path = resolve("solver", self.solver), resolve("path", self.path)
        for name, alone in (
            ("solver", isinstance(solver, MapSolver)),
            ("path", isinstance(path, SmoothPath)),
        ):
            if alone:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} follows one hyperparameter, and several vary "
                    f"in `lam`; take {name}={'coupling' if name == 'solver' else 'geodesic'!r}."
                )

    def _count_anchors(self, rows):
        # every trained value has its network
        ask_all = self.networks is not None and self.n_anchors == "auto"
        return len(rows.lam) if ask_all else super()._count_anchors(rows)

    def _encode(self, rows, anchors):
        problem = super()._encode(rows, anchors)
        if self._directions(problem) is not None and self._trains:
            self._check_whole_particles(problem.data.facts)
        return problem

    def _directions(self, problem):
        """Return the direction of every output along lambda; None where none has one."""
        transform = getattr(self, "output_transform", None)
        return read_monotone(self.monotone, problem.outputs, problem.space, transform)

    def _check_whole_particles(self, facts):
        """Raise where answers would come from a flow map, which need not be monotone."""
        auto = isinstance(self.base, str) and self.base == "auto"
        if auto and facts.one_answer:
            return
        fault = f"base={self.base!r} is asked for" if not auto else "inputs have several outputs"
        if auto and not all(facts.inputs_shared):
            fault = "trained values have different inputs in X"
        raise ValueError(
            f"monotone={self.monotone!r} is kept by answers that follow one input through all "
            f"trained values, and {fault}: a flow map that moves draws need not be monotone. Take "
            "networks=, which are asked, or base='auto' with the same inputs and one output "
            "of each at every trained value, or base=None for `interpolate` alone."
        )

    def _fit_movement(self, problem, components, read, training):
        seed = training.seeds["networks"]
        networks, data = None, problem.data
        if self.networks is not None:
            networks = make_networks(self.networks, problem, seed)
            data = readable(problem, networks, seed)
        rng, own_rng = map(np.random.default_rng, (training.seeds["coupling"], seed))
        if data is not problem.data:
            read = way_reader(data, components.solver, rng)
        scale = make_time_scale(self.lam_transform, data, read)
        field = learn_field(scale, data, read, own_rng)
        steps = find_breaks(field.scale, data, read(), problem.space)
        field = replace(field, monotone=self._directions(problem))
        particles, validation = whole_particles(read), None
        warn_if_crossing(field.monotone, particles, problem.outputs)
        mix = self._choose_geometry(problem, data, field, components, training)
        if self.validate is not False and len(data.anchors.lam) > 2:
            progress.begin("left-out values")
            judge = np.random.default_rng(training.seeds["validation"])
            validation, judged = leave_values_out(
                data,
                self.lam_transform,
                components.solver,
                field,
                judge,
                space=problem.space,
                reweighting=mix,
            )
            if mix is None:
                field = trusted(field, judged, data.anchors.lam, self.lam_transform)
        if data.anchors.several:
            clock = place_clock(field, data.anchors.lam)
        else:
            clock = clock_of(field.scale, data.anchors.lam)
        figures = {"geometry": "transport", "reweighted": 0.0}
        learned = Learned(Movement(clock, None), data=data, diagnostics=figures, n_iter=0)
        if mix is not None:
            field = mix.mean_field(field)
            learned = self._follow_jumps(learned, problem, mix, training)
        elif self._trains and field.monotone is None:
            learned = self._fit_flow_map(problem, components, field, clock, training, rng)
        known = {"moments": moments_of(particles)} if len(particles) else {}
        lost = check_codec(problem, particles, asked=not self._trains)
        figures = learned.diagnostics | steps | lost
        parts = {"particle_field": field, "networks": networks, "validation": validation}
        return replace(learned, diagnostics=figures, **parts, **known)

    def _choose_geometry(self, problem, data, field, components, training):
        """Return how particles jump; None: all move."""
        if field.monotone is not None or not self._may_jump(data.anchors, problem.levels):
            return None
        rng = np.random.default_rng(training.seeds["geometry"])
        settings = (problem.levels, self.lam_transform, components.solver, rng)
        return choose_geometry(self._geometry, data, field, *settings)

    def _follow_jumps(self, learned, problem, mix, training):
        """Return what is Learned where particles jump: nothing is trained."""
        rng = np.random.default_rng(training.seeds["coupling"])
        data = learned.data
        if self._trains:
            thinning = np.random.default_rng(training.seeds["thinning"])
            data = for_movement(problem.data, training.settings, thinning)
        whole = whole_trajectories(data, mix, rng)
        figures = {
            "geometry": mix.name,
            "reweighted": mix.reweighted(whole.points, data.anchors.edges),
            "delta": mix.delta,
            "jump_time": "logit" if mix.by_logit else "linear",
        }
        parts = {"reweighting": mix, "diagnostics": figures, "whole": whole, "n_iter": 1}
        if self._trains:
            parts["lagrangian"] = Lagrangian(None, None, cost=self.cost, growth=mix.delta)
        return replace(learned, data=data, **parts)

    def _fit_base(self, problem, learned, training):
        if not self._trains:
            return FittedBase(None, training.seeds["noise"])
        if learned.reweighting is not None:
            return fit_whole(learned, training)
        return fit_base(
            problem, self.base, learned.movement, training, has_field=True, n_jobs=self.n_jobs
        )

    def _fit_flow_map(self, problem, components, field, clock, training, rng):
        progress.begin("paths")
        thinning = np.random.default_rng(training.seeds["thinning"])
        data = for_movement(problem.data, training.settings, thinning)
        lagrangian = build_lagrangian(
            components.kinetic,
            components.potential,
            self.cost,
            data,
            problem.outputs,
            training,
        )
        couplings = fit_trajectories(
            components.path, components.solver, data, lagrangian, training
        )
        if field.simple:
            couplings = replace(couplings, between=None)
        if data.anchors.several:
            anchors = data.anchors
            couplings = believed_on_tree(couplings, field, anchors.lam, interior(anchors))
            clock = place_clock(field, anchors.lam, anchors.edges, couplings.n_between)
        progress.begin("flow map")
        distilled = fit_flow_map(couplings, field, clock, data, problem.base_time, training)
        figures = check_fit(distilled.flow_map, clock, data, couplings, problem.base_time, rng)
        warn_of(figures, data, problem.base_time, self, problem.space.text)
        return Learned(
            movement=Movement(clock, distilled.flow_map),
            data=data,
            lagrangian=lagrangian,
            conditions=None if lagrangian.is_flat else data.distinct_conditions(),
            diagnostics=figures | {"geometry": "transport", "reweighted": 0.0},
            n_iter=count_steps(distilled.net.history),
            history={"paths": couplings.history, "transport": distilled.net.history},
        )

    def _assess(self, problem, components, learned, state, training):
        seed = training.seeds["validation"]
        return assess(problem, learned, state, self.lam_transform, seed)

    def interval(
        self,
        X: ArrayLike | None,
        lam: Lam | None = None,
        coverage: float = 0.9,
        statistic: Any = "mean",
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of a statistic of y given x: what the surrogate does not know of it.

        Three parts are added as independent ones: how far outputs may leave the path between
        trained values, by the errors of the statistic where trained values were left out; how far
        it moves while the time of lambda does within its own interval; and its errors at trained
        values, from few draws or at new inputs. At a trained value only the last is left.
        Outside the trained values, all parts grow with the distance.
        Networks that are asked for draws are asked three times. The errors of the mean are known
        from `fit`; those of another statistic are found at each call, from draws that the fit
        has kept: pass many rows and lambdas at once.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda, one or one per row.
        coverage : float, default=0.9
            Fraction of the true values of the statistic that the bounds are to hold, on average
            over inputs and lambdas.
        statistic : "mean", float or callable, default="mean"
            Of the outputs of each input: their mean, a quantile level between 0 and 1, or a
            function of draws (n_draws, n, D) that returns numbers (n, ...) for any number of
            draws, each row by itself. Where every input has one answer, all its quantiles are that
            answer, and a function gets one draw.

        Returns
        -------
        lower, upper : ndarray of shape (n,) or (n, D), or (n, ...) as a function returns
            The bounds. Those of the mean and of quantiles keep to `y_bounds`.

        Raises
        ------
        ValueError
            If `coverage` is not between 0 and 1, `statistic` is none of those, or returns another
            shape or what is not finite; or if it is not the mean, and `fit` had fewer than five
            draws of every input that differ, or inputs that trained values do not share.

        Warns
        -----
        TrajectoryWarning
            If there are two trained values: none lies between others, to be left out. A
            surrogate says it once.

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
                "With two trained values none could be left out: bounds rest on what is usual "
                "between trained values, not on errors that were seen. Train a third value.",
                TrajectoryWarning,
            )
        return interval(self._state, query, coverage, statistic)

    def derivative(self, X: ArrayLike | None, lam: Lam | None = None) -> np.ndarray:
        """Return how fast the conditional mean of y changes with lambda.

        A difference quotient over 1/200 of the trained range, in time. At the ends of the range
        it looks inwards, and at trained values, where the particle field has small kinks, to both
        sides. Several hyperparameters have one derivative for each number that varies, in the
        order of `lam`; categories have none, and are left out.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,) or (n, k), default=None
            Hyperparameter value lambda, one or one per row.

        Returns
        -------
        ndarray of shape (n,) or (n, D), or (n, k) or (n, k, D)
            The derivatives, in units of y per unit of each hyperparameter; 0 for one that was
            found to have no influence, or does not vary.

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
        """Write the transport from one lambda to any as a single graph.

        The graph needs neither this package nor scikit-learn. Its inputs are double-precision
        arrays ``x`` of shape (n, C), ``y`` of shape (n, D) and ``lam`` of shape (n,), or (n, k)
        of k hyperparameters, for any number of rows n; its output ``moved`` of shape (n, D) is
        that of `transport`. ``x`` holds the columns of X without the lambda columns; without a
        condition there is no ``x``. ``x`` and ``lam`` hold categories by their numbers. The
        clock, all scaling and `y_bounds` are in the graph. A hyperparameter outside its trained
        range counts as the nearest end, and a number that is no category's as the nearest that
        is.

        Parameters
        ----------
        path : str or path-like
            The file.
        format : {"onnx", "torch"}, default="onnx"
            "onnx" is for any runtime of ONNX and needs ``pip install "sklearn-hti[onnx]"``;
            "torch" is for `torch.export.load` (a name in ``.pt2`` is usual).
        lam_from : float, dict or array-like of shape (k,), default=None
            Where the outputs come from, between the anchors; None is `base_lam`, or the first.

        Returns
        -------
        dict
            What the inputs mean, which the file holds, too: names of the columns ``x``, the
            ``categories`` (column of ``x`` and its values in the order of their numbers, from 0),
            ``n_outputs``, ``lam_from`` and ``lam_range``. Of several hyperparameters, also the
            columns of ``lam`` and its ``lam_categories``; there is a range for each column, None
            for categories.

        Raises
        ------
        ImportError
            If "onnx" is not installed.
        OSError
            If the file cannot be written; what was there before is unchanged.
        ValueError
            If `lam_from` lies outside the anchors, the clock is a transformer too steep for the
            table that stands for it, or straight lines took the place of the field over too many
            simplices.

        See Also
        --------
        save : Writes the whole surrogate, to be loaded by this package.
        """
        check_is_fitted(self)
        if self._state.reweighting is not None:
            raise ValueError(
                "export writes a map, and outputs that jump follow none: "
                f"geometry={self._state.reweighting.name!r} draws which of them do. Take `save`, "
                "or fit with geometry='transport'."
            )
        if self._state.movement.flow_map is None:
            raise ValueError(
                "export writes the flow map, and none was trained: fit with networks=None, "
                "monotone=None and a base, or export the networks themselves."
            )
        if lam_from is not None:
            lam_from = check_lam_within(self, lam_from, 1, "lam_from", beyond=False)[0]
        else:
            lam_from = self._state.deployed_lam
        return export(self._state, columns_of_x(self), path, format, lam_from)
