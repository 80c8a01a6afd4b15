"""The Lagrangian of a fit, from its components (docs/method.md, section 2)."""

from dataclasses import replace

from ..stats.axes import MOST_AXES, principal_axes
from .action import Lagrangian
from .potential import DensityPotential


def build_lagrangian(kinetic, potential, cost, data, outputs, training):
    """Return the Lagrangian of a KineticEnergy and of a PotentialEnergy, or of None.

    With one output there is one path from point to point and, at constant speed, one way to run
    it: the Lagrangian is then flat. Of many outputs, metric and potential read few coordinates.
    """
    seed = training.seeds["lagrangian"]
    axes = None
    if data.facts.n_outputs > MOST_AXES and isinstance(potential, DensityPotential | None):
        axes = principal_axes(data.y)
        data = replace(data, y=data.y @ axes)
    metric = kinetic.metric(data, training.encoder, training.conditioning, seed)
    n_outputs = data.facts.n_outputs
    if potential is None:
        return Lagrangian(metric if n_outputs > 1 else None, None, cost=cost, axes=axes)
    field = potential.field(data, outputs, seed)
    if n_outputs == 1:
        metric = field = None
    return Lagrangian(metric, field, potential.factor(n_outputs), potential.cap, cost, axes)
