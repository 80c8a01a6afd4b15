"""From rows to a movement: couplings, then the flow map that is distilled from them."""

from dataclasses import dataclass, field

from ..clocks.movement import Movement
from ..data.conditions import Conditions
from ..data.training_data import TrainingData
from ..field.build import fit_trajectories
from ..field.particle_field import ParticleField
from ..lagrangian import Lagrangian
from ..nn.engine import is_complete
from ..solvers import OTSolver
from .training import fit_flow_map


@dataclass(frozen=True)
class Recipe:
    """How a movement is learned once the Lagrangian is."""

    path: object  # GeodesicPath or SmoothPath
    solver: OTSolver
    lagrangian: Lagrangian


@dataclass(frozen=True)
class Learned:
    """What a fit knows of the movement of outputs along lambda."""

    movement: object | None = None
    generator: object | None = None  # in place of a movement: see FittedState
    particle_field: ParticleField | None = None
    networks: object | None = None  # that are asked at question time
    data: TrainingData | None = None  # the rows that the movement is learned from
    lagrangian: Lagrangian | None = None
    conditions: Conditions | None = None  # the distinct ones, which the Lagrangian numbers
    diagnostics: dict | None = None
    n_iter: int | None = None
    history: dict = field(default_factory=dict)  # of every network, by stage


def learn_movement(recipe, data, clock, base_time, training):
    """Return the Movement learned from rows, under a Lagrangian that is known.

    Raises
    ------
    InterruptedError
        If a training was cut off: its result is no part of a comparison.
    """
    couplings = fit_trajectories(recipe.path, recipe.solver, data, recipe.lagrangian, training)
    distilled = fit_flow_map(couplings.trajectories, data, clock, base_time, training)
    if not all(is_complete(net) for net in (couplings.net, distilled.net) if net is not None):
        raise InterruptedError("interrupted")
    return Movement(clock, distilled.flow_map)
