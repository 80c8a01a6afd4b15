"""Follow the nearest coupled outputs: optimal transport without a network."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._surrogate import BaseSurrogate, ClockedSurrogate
from .._utils.annotations import Lam, RandomState
from .._utils.parameters import Interval, StrOptions
from .._utils.registry import storable
from ..clocks.movement import Movement
from ..field.build import fit_trajectories
from ..field.particle_field import ParticleField
from ..field.place import place_clock
from ..field.plane import SMOOTH
from ..flow_map.learning import Learned
from ..lagrangian import Lagrangian
from ..paths import GeodesicPath
from ..solvers import CouplingSolver
from ..solvers.registry import Components, resolve
from .nearest import NearestParticles, NearestTrajectories


@storable
class DisplacementInterpolationRegressor(ClockedSurrogate):
    """Straight lines between optimally coupled outputs, without a network.

    Exact optimal transport couples the rows of neighbouring trained values inside each condition.
    An output moves like the nearest coupled rows (McCann's displacement interpolation). A trained
    map also generalises to other x and y.

    With several hyperparameters, rows are coupled along the shortest tree through the trained
    values. Between trained values, outputs are linear on the simplices of their Delaunay
    triangulation, on the scale of each hyperparameter.

    Parameters
    ----------
    solver : {"coupling"} or CouplingSolver, default="coupling"
        How outputs of neighbouring trained values are coupled.
    n_neighbors : int, default=1
        Number of coupled rows whose displacements are averaged.
    base : {"neighbors"}, estimator or callable, default="neighbors"
        How y is drawn at the base value: see `HyperparameterTrajectoryRegressor`.
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
    random_state : int, RandomState instance or None, default=None
        Seed of all random steps of `fit`.

    Attributes
    ----------
    anchors_ : ndarray of shape (K + 1,) or (K + 1, k)
        The trained values between which outputs are coupled.
    lam_transform_ : object
        The lambda scale in use.
    flow_map_ : object
        Moves scaled outputs between times of the lambda scale.
    base_ : object
        The source of draws at the base value.
    base_lam_ : float or ndarray of shape (k,)
        The trained value at which the base draws.
    solver_ : CouplingSolver
        The solver that coupled the trained values.
    history_ : DataFrame
        Empty, because nothing is trained.
    n_features_in_ : int
        Number of columns of X, including the lambda column.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names of X, if it had names.

    References
    ----------
    McCann, "A convexity principle for interacting gases", Advances in Mathematics, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti.baselines import DisplacementInterpolationRegressor
    >>> lam = np.repeat([0.0, 1.0], 50)
    >>> y = np.random.default_rng(0).normal(loc=4 * lam, scale=1 - 0.5 * lam)
    >>> baseline = DisplacementInterpolationRegressor(lam_transform=None).fit(None, y, lam)
    >>> baseline.predict(None, lam=0.5).round()
    array([2.])
    """

    _parameter_constraints = {
        **BaseSurrogate._parameter_constraints,
        **BaseSurrogate._clock_constraints,
        "solver": [StrOptions({"coupling"}), CouplingSolver],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        solver: Any = "coupling",
        n_neighbors: int = 1,
        base: Any = "neighbors",
        base_lam: Lam | None = None,
        lam_transform: Any = "auto",
        lam_column: int | str | Sequence[Any] | None = None,
        n_anchors: str | int = "auto",
        y_bounds: tuple[Any, ...] | None = None,
        output_scaling: str = "common",
        categorical_features: ArrayLike | None = "from_dtype",
        random_state: RandomState = None,
    ) -> None:
        self.solver = solver
        self.n_neighbors = n_neighbors
        self.base = base
        self.base_lam = base_lam
        self.lam_transform = lam_transform
        self.lam_column = lam_column
        self.n_anchors = n_anchors
        self.y_bounds = y_bounds
        self.output_scaling = output_scaling
        self.categorical_features = categorical_features
        self.random_state = random_state

    def _build_components(self):
        plain = CouplingSolver(affine=False)
        return Components(resolve("solver", plain if self.solver == "coupling" else self.solver))

    _takes_several = True
    _between = "straight_line_in_clock"  # answers between trained values of several

    def _fit_flow_map(self, problem, components, clock, training):
        data, flat = problem.data, Lagrangian(None, None)
        couplings = fit_trajectories(GeodesicPath(), components.solver, data, flat, training)
        if data.anchors.several:
            return self._on_simplices(couplings.trajectories, problem)
        nearest = NearestTrajectories(
            couplings.trajectories, data, clock, problem.encoder, self.n_neighbors
        )
        return Learned(Movement(clock, nearest))

    def _on_simplices(self, trajectories, problem):
        """Return what is Learned over several hyperparameters."""
        anchors = problem.data.anchors
        field = ParticleField(anchors.scale, SMOOTH, 1.0, simple=self._between)
        nearest = NearestParticles(trajectories, problem.data, problem.encoder, self.n_neighbors)
        movement = Movement(place_clock(field, anchors.lam), nearest)
        return Learned(movement, particle_field=field)

    def __sklearn_tags__(self):
        """Return the estimator tags: rows of near x say little where inputs do not repeat."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


@storable
class NearestAnchorRegressor(DisplacementInterpolationRegressor):
    """Copies the outputs of the trained value nearest to lambda, the simplest baseline.

    Outputs stay in place while lambda is nearest to their trained value, and then jump to their
    partners at the next. With several hyperparameters, every range has length one, and two
    categories are as far apart as the ends of a range.

    Parameters
    ----------
    solver : {"coupling"} or CouplingSolver, default="coupling"
        How outputs of neighbouring trained values are coupled.
    n_neighbors : int, default=1
        Number of coupled rows whose displacements are averaged.
    base : {"neighbors"}, estimator or callable, default="neighbors"
        How y is drawn at the base value: see `HyperparameterTrajectoryRegressor`.
    base_lam : float, array-like or dict, default=None
        The trained value at which `base` draws. None is the first, unless draws at another
        predict the outputs at all trained values clearly better.
    lam_transform : {None, "auto", "log", "reciprocal", "logit", "probit", "odds", "entropy"} or \
            transformer, default=None
        The scale on which distances to trained values are measured. None is that of lambda itself.
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
    random_state : int, RandomState instance or None, default=None
        Seed of all random steps of `fit`.

    Attributes
    ----------
    anchors_ : ndarray of shape (K + 1,) or (K + 1, k)
        The trained values whose outputs are copied.
    lam_transform_ : object
        The lambda scale in use.
    flow_map_ : object
        Moves scaled outputs between times of the lambda scale.
    base_ : object
        The source of draws at the base value.
    base_lam_ : float or ndarray of shape (k,)
        The trained value at which the base draws.
    solver_ : CouplingSolver
        The solver that coupled the trained values.
    history_ : DataFrame
        Empty, because nothing is trained.
    n_features_in_ : int
        Number of columns of X, including the lambda column.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names of X, if it had names.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti.baselines import NearestAnchorRegressor
    >>> lam = np.repeat([0.0, 1.0], 50)
    >>> baseline = NearestAnchorRegressor().fit(None, 4 * lam, lam)
    >>> baseline.predict(None, lam=[0.4, 0.6])
    array([0., 4.])
    """

    def __init__(
        self,
        *,
        solver: Any = "coupling",
        n_neighbors: int = 1,
        base: Any = "neighbors",
        base_lam: Lam | None = None,
        lam_transform: Any = None,
        lam_column: int | str | Sequence[Any] | None = None,
        n_anchors: str | int = "auto",
        y_bounds: tuple[Any, ...] | None = None,
        output_scaling: str = "common",
        categorical_features: ArrayLike | None = "from_dtype",
        random_state: RandomState = None,
    ) -> None:
        super().__init__(
            solver=solver,
            n_neighbors=n_neighbors,
            base=base,
            base_lam=base_lam,
            lam_transform=lam_transform,
            lam_column=lam_column,
            n_anchors=n_anchors,
            y_bounds=y_bounds,
            output_scaling=output_scaling,
            categorical_features=categorical_features,
            random_state=random_state,
        )

    _between = "nearest_anchor"

    def _fit_flow_map(self, problem, components, clock, training):
        learned = super()._fit_flow_map(problem, components, clock, training)
        if problem.data.anchors.several:  # answers of the field jump
            return learned
        return Learned(Movement(clock, _Jumps(learned.movement.flow_map)))


@storable
class _Jumps:
    """Moves outputs from anchor to anchor only."""

    def __init__(self, movement):
        self.movement = movement

    def displacement(self, y, conditions, start, end, *, dtype=None):
        """Return the displacement between the anchors nearest to two times."""
        start, end = (np.ceil(time - 0.5) for time in (start, end))
        return self.movement.displacement(y, conditions, start, end, dtype=dtype)
