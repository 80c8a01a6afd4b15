"""What a fit has learned of the movement of outputs."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..data.conditions import Conditions
from ..data.training_data import TrainingData
from ..field.jumps import Reweighting
from ..field.particle_field import ParticleField
from ..lagrangian import Lagrangian


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
