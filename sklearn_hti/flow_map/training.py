"""Distil particles into one flow map F(y, x, a, b) (docs/method.md, equation 53)."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .._utils.random import build_module
from ..data.lam_space import combinations
from ..field.modes import CELLS, PlaneModes, complete, field_modes, mode_vectors
from ..nn.batches import split_rows
from ..nn.engine import Engine, train
from .dataset import ParticleDataset, Particles, PlaneDataset
from .linear_part import enough, set_linear_part
from .module import FlowMap
from .plane import PlaneFlowMap
from .transport import TransportMap

_N_PLACES = 256  # between trained values of several hyperparameters, that training begins at


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
    rng = np.random.default_rng(training.seeds["split"])
    if data.anchors.several:
        particles = make_plane_particles(couplings, clock, rng)
        dataset, make = PlaneDataset, partial(_plane_map, clock)
    else:
        particles = make_particles(couplings, field, clock)
        dataset, make = ParticleDataset, partial(_line_map, clock)
    n_modes = particles.modes.vectors.shape[1]
    module = build_module(
        lambda: make(data.y.shape[1], training.embedding(), training.conditioning, n_modes),
        training.seeds["module"],
    )
    some = particles[enough(particles, data.features.shape[1], rng, data.budget)]
    set_linear_part(module, some, data.conditions[some.origin])

    groups = data.groups[particles.origin]
    settings = training.settings
    pooled = couplings.trajectories.pooled
    examples = (
        None
        if rows is None
        else dataset(module, particles[rows], data, base_time, pooled, settings.device, rng)
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
    knots = clock.knots if data.anchors.several else particles.modes.knots
    beyond = () if data.anchors.several else (field, clock.anchors)
    return Distilled(TransportMap(net.module_, settings.device, knots, *beyond), net)


def _line_map(clock, n_outputs, embedding, conditioning, n_modes):
    return FlowMap(n_outputs, clock.n_intervals, embedding, conditioning, n_modes, CELLS)


def _plane_map(clock, n_outputs, embedding, conditioning, n_modes):
    n_knots = len(clock.knots)
    n_places = len(clock.at_anchors[0]) - n_knots
    return PlaneFlowMap(n_outputs, n_knots, n_places, embedding, conditioning, n_modes)


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


def make_plane_particles(couplings, clock, rng):
    """Return the Particles of coupled outputs of several hyperparameters, on a tree of knots."""
    trajectories, points = couplings.trajectories, couplings.points
    n_anchors, n = len(clock.anchors), len(points)
    corners = _corners(clock, rng)
    between = clock.between(corners, rng.dirichlet(np.ones(corners.shape[1]), len(corners)))
    places = np.vstack([clock.at_knots, between])
    modes = PlaneModes(mode_vectors(points), couplings.tree, places, n_anchors)
    last = np.full(n, n_anchors - 1)
    return Particles(points, np.zeros(n, dtype=int), last, trajectories.origin, modes)


def _corners(clock, rng):
    """Return numbers (S, 3) of trained values with the same categories, at random."""
    of, _ = combinations(clock.field.scale.levels, clock.anchors)
    first = rng.integers(0, len(of), size=_N_PLACES)
    others = [rng.choice(np.flatnonzero(of == of[k]), 2) for k in first]
    return np.column_stack([first, others])
