"""Flow matching over lambda, on paths that are short in a metric read from the data."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

from numpy.typing import ArrayLike

from .._surrogate import BaseSurrogate
from .._utils.annotations import Lam, RandomState
from .._utils.ode import MAX_STEPS
from .._utils.parameters import Interval, StrOptions
from .._utils.registry import storable
from ..answers.state import FittedAttribute
from ..field.build import fit_trajectories
from ..lagrangian import KineticEnergy
from ..lagrangian.build import build_lagrangian
from ..paths import GeodesicPath
from ..solvers import CouplingSolver
from ..solvers.registry import Components, resolve
from .velocity import FlowMatching


@storable
class MetricFlowMatchingRegressor(FlowMatching):
    """Metric flow matching over lambda: velocities along paths that stay near the data.

    It is like `ConditionalFlowMatchingRegressor`, but the paths between coupled rows are short in
    a metric that is computed from the data. A separate network learns these paths.

    Parameters
    ----------
    metric : {"land", "rbf"} or KineticEnergy, default="land"
        The metric: cheap where outputs are dense.
    path : {"geodesic"} or GeodesicPath, default="geodesic"
        How paths are drawn and trained.
    solver : {"coupling"} or CouplingSolver, default="coupling"
        How outputs of neighbouring trained values are coupled.
    n_steps : int, default=16
        Midpoint steps per interval between trained values, at most 10,000.
    conditioning : {"film", "concat", "hypernetwork"} or Conditioning, default="film"
        How x enters the networks.
    base : {"auto", "neighbors", "flow"}, estimator or callable, default="auto"
        How y is drawn at the base value: see `HyperparameterTrajectoryRegressor`.
    base_lam : float, default=None
        The trained value at which `base` draws. None is the first, unless draws at another
        predict the outputs at all trained values clearly better.
    lam_transform : {None, "auto", "log", "reciprocal", "logit", "probit", "odds", "entropy"} or \
            transformer, default="auto"
        The lambda scale: see `HyperparameterTrajectoryRegressor`.
    lam_column : int or str, default=None
        Column of X that holds lambda, if `lam` is not passed.
    n_anchors : "auto" or int, default="auto"
        Number of trained values.
    y_bounds : tuple of (low, high), default=None
        Outputs are clipped to this box.
    output_scaling : {"common", "per_output"}, default="common"
        Unit of distances between outputs.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Categorical columns of X without the lambda column.
    max_iter : int, default=1200
        Optimisation steps of each network.
    batch_size : int, default=256
        Rows per step.
    learning_rate : float, default=0.01
        Peak of the one-cycle learning rate.
    early_stopping : bool, default=False
        Whether training stops if the error on held-out trajectories no longer improves.
    tol : float, default=1e-4
        Relative improvement that counts for `early_stopping`.
    device : str, default="auto"
        Torch device of the networks. "auto" is CUDA if it is available, else the CPU.
    callbacks : list, default=None
        Skorch callbacks for the training of the networks.
    verbose : "auto" or int, default="auto"
        Whether `fit` shows a progress bar over all stages on stderr. "auto" shows it on a terminal
        or in a notebook, if a fit takes more than two seconds. 0 never shows it, 1 always.
    random_state : int, RandomState instance or None, default=None
        Seed of all random steps of `fit`.

    Attributes
    ----------
    lagrangian_ : Lagrangian
        The metric, and the cost that it gives a path.
    anchors_ : ndarray of shape (K + 1,)
        The trained values between which velocities are learned.
    lam_transform_ : Clock
        The lambda scale in use.
    flow_map_ : object
        Moves scaled outputs between times of the lambda scale.
    base_ : object
        The source of draws at the base value.
    base_lam_ : float
        The trained value at which the base draws.
    solver_ : CouplingSolver
        The solver that coupled the trained values.
    history_ : DataFrame
        Losses, learning rates and seconds by stage ("paths", "transport", "base") and epoch.
    n_iter_ : int
        Optimisation steps of the velocity field.
    n_features_in_ : int
        Number of columns of X, including the lambda column.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names of X, if it had names.

    References
    ----------
    Kapusniak et al., "Metric Flow Matching for Smooth Interpolations on the Data Manifold",
    NeurIPS 2024.

    Examples
    --------
    >>> from sklearn_hti.baselines import MetricFlowMatchingRegressor
    >>> from sklearn_hti.datasets import make_semicircles
    >>> data = make_semicircles(n_samples=20, random_state=0)
    >>> baseline = MetricFlowMatchingRegressor(
    ...     lam_transform=None, categorical_features=[0], max_iter=50, random_state=0
    ... ).fit(data.X, data.y, data.lam)
    >>> baseline.sample(data.X[:3], lam=0.25).shape
    (3, 2)
    """

    _parameter_constraints = {
        **BaseSurrogate._parameter_constraints,
        **BaseSurrogate._network_constraints,
        **BaseSurrogate._clock_constraints,
        "metric": [StrOptions({"land", "rbf"}), KineticEnergy],
        "path": [StrOptions({"geodesic"}), GeodesicPath],
        "solver": [StrOptions({"coupling"}), CouplingSolver],
        "n_steps": [Interval(Integral, 1, MAX_STEPS, closed="both")],
    }

    lagrangian_ = FittedAttribute("lagrangian")

    def __init__(
        self,
        *,
        metric: Any = "land",
        path: Any = "geodesic",
        solver: Any = "coupling",
        n_steps: int = 16,
        conditioning: Any = "film",
        base: Any = "auto",
        base_lam: Lam | None = None,
        lam_transform: Any = "auto",
        lam_column: int | str | None = None,
        n_anchors: str | int = "auto",
        y_bounds: tuple[Any, ...] | None = None,
        output_scaling: str = "common",
        categorical_features: ArrayLike | None = "from_dtype",
        max_iter: int = 1200,
        batch_size: int = 256,
        learning_rate: float = 0.01,
        early_stopping: bool = False,
        tol: float = 1e-4,
        device: str = "auto",
        callbacks: Sequence[Any] | None = None,
        verbose: str | int = "auto",
        random_state: RandomState = None,
    ) -> None:
        self.metric = metric
        self.path = path
        self.solver = solver
        self.n_steps = n_steps
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

    def _build_components(self):
        plain = CouplingSolver(affine=False)
        return Components(
            solver=resolve("solver", plain if self.solver == "coupling" else self.solver),
            path=resolve("path", self.path),
            kinetic=resolve("kinetic", self.metric),
        )

    def _fit_flow_map(self, problem, components, clock, training):
        data, outputs = problem.data, problem.outputs
        metric = build_lagrangian(components.kinetic, None, "jacobi", data, outputs, training)
        couplings = fit_trajectories(components.path, components.solver, data, metric, training)
        learned = self._follow_velocities(couplings, data, clock, training)
        conditions = None if metric.is_flat else data.distinct_conditions()
        return replace(learned, lagrangian=metric, conditions=conditions)
