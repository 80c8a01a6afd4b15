"""Distil particles into one flow map F(y, x, a, b) (docs/method.md, equation 53)."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .._utils.groupby import first_of_each, number_groups
from .._utils.random import build_module
from ..field.modes import CELLS, complete, field_modes
from ..nn.engine import Engine, split_rows, train
from .dataset import LEAST_SCALE, ParticleDataset, Particles
from .linear_part import enough, set_linear_part
from .module import FlowMap
from .transport import TransportMap

_BACK_EVERY = 4  # one in so many rows of a batch is moved back, too
# Weight of the way back where one particle runs through each condition (docs/method.md, equation
# 54). Elsewhere starts at all times teach the way back as well.
_BACK_WEIGHT = 0.3


class FlowMapEngine(Engine):
    """Regresses the flow map on particles and on its own way back.

    Parameters
    ----------
    module : FlowMap
        The map.
    steps : tuple of Tensor
        How much of each mode is in a step from knot to knot (Q - 1, R), and the scale of the
        steps (Q - 1, D).
    back_weight : float, default=0.0
        Weight of the way back.
    **kwargs : dict
        Further arguments of Engine.
    """

    def __init__(self, module, *, steps=None, back_weight=0.0, **kwargs):
        super().__init__(module, **kwargs)
        self.steps = steps
        self.back_weight = back_weight

    def loss(self, inputs, target):
        """Return the error of the steps from knot to knot; in training also of the way back.

        Every step counts relative to its own spread. The way back starts where the map itself
        arrived, so that it learns to undo the map and not only the particle; the gradient does
        not pass through the arrival.
        """
        flow_map = self.module_
        along, scale = self.steps
        steps, reached = target
        y, numeric, codes, start, end, z, linear, passed = inputs.values()
        modes = linear + flow_map.added_modes(z, numeric, codes, start)
        miss = (along @ modes - steps) / scale
        error = (miss**2).mean(dim=2).mul(reached).mean()
        if not (self.back_weight and flow_map.training):
            return error

        some = slice(max(1, len(y) // _BACK_EVERY))
        y, numeric, codes, start, end, _, _, passed = (v[some] for v in inputs.values())
        arrival = (y + (passed @ modes[some]).squeeze(1)).detach()
        modes = flow_map.modes(arrival, numeric, codes, end)
        back = arrival - (passed @ modes).squeeze(1)
        unit = (passed.abs() @ flow_map.v_scale).squeeze(1) + LEAST_SCALE * scale.mean(dim=0)
        return error + self.back_weight * (((back - y) / unit) ** 2).mean()


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
    # rows may repeat; of one condition, all particles must then be one
    first = first_of_each(groups)[number_groups(groups)]
    one_each = np.array_equal(particles.points, particles.points[first])
    deterministic = one_each and data.facts.inputs_shared[base_time]
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
        engine=partial(
            FlowMapEngine,
            steps=particles.scaled_steps(settings.device),
            back_weight=_BACK_WEIGHT * deterministic,
        ),
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
    return Particles(points, first, last, trajectories.rows[:, 0], modes)
