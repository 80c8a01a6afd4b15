"""What a fit learns of the movement of outputs: by a flow map, or by particles that jump."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from .._utils import progress
from ..clocks.hull import interior
from ..clocks.movement import Movement
from ..data.conditions import Conditions
from ..data.thinning import for_movement
from ..data.training_data import TrainingData
from ..field.build import believed_on_tree, fit_trajectories, whole_trajectories
from ..field.jumps import Reweighting
from ..field.particle_field import ParticleField
from ..field.place import place_clock
from ..lagrangian import Lagrangian
from ..lagrangian.build import build_lagrangian
from ..nn.engine import count_steps
from .training import fit_flow_map


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
    validation: pd.DataFrame | None = None  # trained values left out
    n_iter: int | None = None
    moments: np.ndarray | None = None  # of particles at trained values: see `moments_of`
    reweighting: Reweighting | None = None  # how particles jump; None: all move
    whole: object | None = None  # Trajectories of particles that jump
    history: dict = field(default_factory=dict)  # of every network, by stage


def learn_flow_map(problem, components, cost, particle_field, clock, training):
    """Learn paths between coupled outputs, and a flow map along them.

    Parameters
    ----------
    problem : Problem
        All rows of a fit.
    components : Components
        Solver, path, kinetic and potential energy.
    cost : str
        The parameter of the estimator.
    particle_field : ParticleField
        How particles move between their knots.
    clock : Clock or PlaceClock
        Of the trained values.
    training : Training
        How networks are trained.

    Returns
    -------
    learned : Learned
        The movement, and the rows that it was learned from.
    couplings : Couplings
        The coupled outputs.
    """
    progress.begin("paths")
    data = _thinned(problem, training)
    lagrangian = build_lagrangian(
        components.kinetic, components.potential, cost, data, problem.outputs, training
    )
    couplings = fit_trajectories(components.path, components.solver, data, lagrangian, training)
    if particle_field.simple:
        couplings = replace(couplings, between=None)
    if data.anchors.several:
        anchors = data.anchors
        couplings = believed_on_tree(couplings, particle_field, anchors.lam, interior(anchors))
        clock = place_clock(particle_field, anchors.lam, anchors.edges, couplings.n_between)
    progress.begin("flow map")
    base_time = problem.base_time
    distilled = fit_flow_map(couplings, particle_field, clock, data, base_time, training)
    learned = Learned(
        movement=Movement(clock, distilled.flow_map),
        data=data,
        lagrangian=lagrangian,
        conditions=None if lagrangian.is_flat else data.distinct_conditions(),
        n_iter=count_steps(distilled.net.history),
        history={"paths": couplings.history, "transport": distilled.net.history},
    )
    return learned, couplings


def learn_jumps(learned, problem, mix, training, cost=None):
    """Return what is Learned where particles jump: nothing is trained.

    Parameters
    ----------
    learned : Learned
        What the fit has learned before.
    problem : Problem
        All rows of a fit.
    mix : Reweighting
        How particles jump.
    training : Training
        Seeds, and how many rows networks would see.
    cost : str, default=None
        The parameter of the estimator; None where networks are asked, or nothing is drawn.
    """
    data, lagrangian = learned.data, None
    if cost is not None:
        data = _thinned(problem, training)
        lagrangian = Lagrangian(None, None, cost=cost, growth=mix.delta)
    rng = np.random.default_rng(training.seeds["coupling"])
    whole = whole_trajectories(data, mix, rng)
    figures = {
        "geometry": mix.name,
        "reweighted": mix.reweighted(whole.points, data.anchors.edges),
        "delta": mix.delta,
        "jump_time": "logit" if mix.by_logit else "linear",
    }
    return replace(
        learned,
        data=data,
        reweighting=mix,
        diagnostics=figures,
        whole=whole,
        n_iter=1,
        lagrangian=lagrangian,
    )


def _thinned(problem, training):
    rng = np.random.default_rng(training.seeds["thinning"])
    return for_movement(problem.data, training.settings, rng)
