"""Flow matching over lambda, on straight lines between coupled outputs."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._surrogate import BaseSurrogate
from .._utils import progress
from .._utils.annotations import Lam, RandomState
from .._utils.ode import MAX_STEPS
from .._utils.parameters import Interval, StrOptions
from .._utils.registry import storable
from ..clocks.movement import Movement
from ..field.build import fit_trajectories
from ..flow_map.learning import Learned
from ..lagrangian import Lagrangian
from ..nn.engine import count_steps
from ..paths import GeodesicPath
from ..samplers.selection import FittedBase
from ..solvers import CouplingSolver
from ..solvers.registry import Components, resolve
from .from_noise import DrawnFromNoise, FlowFromNoise
from .velocity import FlowMatching


@storable
class IndependentCoupling(CouplingSolver):
    """Couples rows of the same or the nearest x at random."""

    def _costs(self, geodesic, y0, y1, parts, rows, rng):
        """Return random costs, too small to compete with the price of x."""
        return (1e-6 * rng.random((len(i), len(j))) for i, j in parts)


@storable
class ConditionalFlowMatchingRegressor(FlowMatching):
    """Conditional flow matching over lambda: a velocity field through the trained values.

    Rows of neighbouring trained values are coupled. A network learns the velocity
    E[dy/dt | y_t = y, x] of straight lines between them, in the time of the lambda scale. Outputs
    follow it step by step. With ``coupling="ot"``, this is OT-CFM.

    Several hyperparameters have no single time. The network then learns the velocity from normal
    noise to outputs, given x and lambda. Lambda enters as further inputs: numbers from 0 to 1 on
    their scales, and one-hot categories. An output moves to the output of the same noise.

    Parameters
    ----------
    coupling : {"ot", "independent"} or CouplingSolver, default="ot"
        How rows of the same x are coupled. "ot" is exact optimal transport, "independent" is
        random. If inputs do not repeat, "independent" couples rows of the nearest x. With several
        hyperparameters, "ot" and "independent" couple noise with the rows of one x and lambda.
    n_steps : int, default=16
        Midpoint steps per interval between trained values, or from noise to outputs, at most
        10,000.
    conditioning : {"film", "concat", "hypernetwork"} or Conditioning, default="film"
        How x enters the networks.
    base : {"auto", "neighbors", "flow"}, estimator or callable, default="auto"
        How y is drawn at the base value: see `HyperparameterTrajectoryRegressor`. With several
        hyperparameters, "auto" draws from noise.
    base_lam : float, array-like or dict, default=None
        The trained value at which `base` draws. None is the first, unless draws at another
        predict the outputs at all trained values clearly better.
    lam_transform : {None, "auto", "log", "reciprocal", "logit", "probit", "odds", "entropy"} or \
            transformer, default="auto"
        The lambda scale: see `HyperparameterTrajectoryRegressor`.
    lam_column : int, str or list, default=None
        Column of X that holds lambda, if `lam` is not passed. A list is for several
        hyperparameters.
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
    anchors_ : ndarray of shape (K + 1,) or (K + 1, k)
        The trained values between which velocities are learned.
    lam_transform_ : object
        The lambda scale in use.
    flow_map_ : object
        Moves scaled outputs between times of the lambda scale.
    base_ : object
        The source of draws at the base value.
    base_lam_ : float or ndarray of shape (k,)
        The trained value at which the base draws.
    solver_ : CouplingSolver
        The solver that coupled the trained values. With independent couplings, it only determined
        the lambda scale.
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
    Lipman, Chen, Ben-Hamu, Nickel and Le, "Flow Matching for Generative Modeling", ICLR 2023.

    Tong et al., "Improving and Generalizing Flow-Based Generative Models with Minibatch
    Optimal Transport", TMLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti.baselines import ConditionalFlowMatchingRegressor
    >>> lam = np.repeat([0.0, 1.0], 50)
    >>> y = np.random.default_rng(0).normal(loc=4 * lam)
    >>> baseline = ConditionalFlowMatchingRegressor(
    ...     lam_transform=None, max_iter=100, random_state=0
    ... ).fit(None, y, lam)
    >>> baseline.predict(None, lam=0.5).round()
    array([2.])
    """

    _parameter_constraints = {
        **BaseSurrogate._parameter_constraints,
        **BaseSurrogate._network_constraints,
        **BaseSurrogate._clock_constraints,
        "coupling": [StrOptions({"ot", "independent"}), CouplingSolver],
        "n_steps": [Interval(Integral, 1, MAX_STEPS, closed="both")],
    }

    def __init__(
        self,
        *,
        coupling: Any = "ot",
        n_steps: int = 16,
        conditioning: Any = "film",
        base: Any = "auto",
        base_lam: Lam | None = None,
        lam_transform: Any = "auto",
        lam_column: int | str | Sequence[Any] | None = None,
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
        self.coupling = coupling
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
        named = isinstance(self.coupling, str)
        # random couplings tell no clock from another: optimal ones choose it in any case
        return Components(
            resolve("solver", CouplingSolver(affine=False) if named else self.coupling)
        )

    _takes_several = True

    def _check_anchors(self, anchors, space):
        if anchors.several and not isinstance(self.coupling, str):
            raise ValueError(
                f"coupling={self.coupling!r} couples neighbouring values of one hyperparameter, "
                "but several vary in `lam`; use 'ot' or 'independent'."
            )

    def _fit_movement(self, problem, components, read, training):
        anchors = problem.data.anchors
        if not anchors.several:
            return super()._fit_movement(problem, components, read, training)
        progress.begin("flow map")
        flow = FlowFromNoise(self.coupling == "ot", self.n_steps)
        history = flow.train(problem.data, anchors.scale, training).history_
        return Learned(
            Movement(anchors.scale, flow),
            n_iter=count_steps(history),
            history={"transport": history},
        )

    def _fit_base(self, problem, learned, training):
        movement = learned.movement
        if not (isinstance(movement.flow_map, FlowFromNoise) and self._base_is_auto):
            return super()._fit_base(problem, learned, training)
        [place] = movement.clock.time(problem.base_lam[None])
        source = DrawnFromNoise(movement.flow_map, place)
        noise = source.fixed_noise(np.random.default_rng(training.seeds["noise"]))
        return FittedBase(source, noise)

    @property
    def _base_is_auto(self):
        return isinstance(self.base, str) and self.base == "auto"

    def _fit_flow_map(self, problem, components, clock, training):
        independent = isinstance(self.coupling, str) and self.coupling == "independent"
        solver = components.solver
        if independent:
            solver = IndependentCoupling(affine=False, min_draws=0)
        data, flat = problem.data, Lagrangian(None, None)
        couplings = fit_trajectories(GeodesicPath(), solver, data, flat, training)
        return self._follow_velocities(couplings, data, clock, training)
