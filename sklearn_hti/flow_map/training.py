"""Distil particles into one flow map F(y, x, a, b) (docs/method.md, equation 53)."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .._utils.random import build_module
from ..field.modes import CELLS, complete, field_modes
from ..nn.engine import Engine, split_rows, train
from .dataset import ParticleDataset, Particles
from .linear_part import enough, set_linear_part
from .module import FlowMap
from .transport import TransportMap


class FlowMapEngine(Engine):
    """Regresses the flow map on the steps of particles.

    Parameters
    ----------
    module : FlowMap
        The map.
    steps : tuple of Tensor
        How much of each mode is in a step from knot to knot (Q - 1, R), and the scale of the
        steps (Q - 1, D).
    **kwargs : dict
        Further arguments of Engine.
    """

    def __init__(self, module, *, steps=None, **kwargs):
        super().__init__(module, **kwargs)
        self.steps = steps

    def loss(self, inputs, target):
        """Return the error of the steps from knot to knot, each relative to its own spread."""
        along, scale = self.steps
        steps, reached = target
        linear = inputs.pop("linear")
        miss = (along @ (linear + self.module_.added_modes(**inputs)) - steps) / scale
        return (miss**2).mean(dim=2).mul(reached).mean()


@dataclass(frozen=True)
class Distilled:
    """The flow map between numpy arrays, and the engine that trained it."""

    flow_map: TransportMap
    net: FlowMapEngine


def fit_flow_map(couplings, field, clock, data, base_time, training):
    """Train the flow map on coupled outputs; return it Distilled.

    Parameters
    ----------
    couplings : Couplings
        Coupled outputs, and points between them where paths were learned.
    field : ParticleField
        How particles move between their knots.
    clock : Clock
        Of the anchors.
    data : TrainingData
        The rows that were coupled.
    base_time : int
        Number of the base anchor.
    training : Training
        How networks are trained.
    """
    particles = make_particles(couplings, field, clock)
    module = build_module(
        lambda: FlowMap(
            data.y.shape[1],
            clock.n_intervals,
            training.embedding(),
            training.conditioning,
            particles.modes.vectors.shape[1],
            CELLS,
        ),
        training.seeds["module"],
    )
    rng = np.random.default_rng(training.seeds["split"])
    some = particles[enough(particles, data.features.shape[1], rng, data.budget)]
    set_linear_part(module, some, data.conditions[some.origin])

    groups = data.groups[particles.origin]
    settings = training.settings
    pooled = couplings.trajectories.pooled
    examples = (
        None
        if rows is None
        else ParticleDataset(
            module, particles[rows], data, base_time, pooled, settings.device, rng
        )
        for rows in split_rows(groups, rng, settings.early_stopping)
    )
    net = train(
        module,
        *examples,
        label="transport",
        seed=training.seeds["batches"],
        settings=settings,
        engine=partial(FlowMapEngine, steps=particles.scaled_steps(settings.device)),
        user_callbacks=training.callbacks,
    )
    flow_map = TransportMap(net.module_, settings.device, particles.modes.knots)
    return Distilled(flow_map, net)


def make_particles(couplings, field, clock):
    """Return the Particles of coupled outputs, with the points of paths between anchors."""
    trajectories, knots = couplings.trajectories, couplings.knots(clock.n_intervals)
    points = couplings.points
    first, last = trajectories.first, trajectories.last
    ends = np.searchsorted(knots, first), np.searchsorted(knots, last)
    points = complete(points, *ends, knots, field, clock)
    whole = trajectories.whole if trajectories.whole.any() else slice(None)
    modes = field_modes(field, clock, knots, points[whole])
    return Particles(points, first, last, trajectories.origin, modes)
