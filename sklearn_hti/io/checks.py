"""Whether a surrogate that was read from a file fits together and answers."""

import copy
from dataclasses import replace

import numpy as np
import torch

from .._utils.ode import MAX_STEPS
from ..answers.answering import Answering
from ..answers.state import FittedState
from ..data.conditions import Conditions, Query
from ..data.lam_space import repeat_lam
from ..field.place import PlaceClock
from ..flow_map.module import FlowMap
from ..flow_map.plane import PlaneFlowMap
from ..lagrangian.support import PathConditions
from ..nn.modules import ConditionEmbedding


def networks(state):
    """Return the networks of a fitted state."""
    parts = [getattr(p, name, None) for p in _trained(state) for name in ("module", "module_")]
    return [p for p in (*parts, state.lagrangian) if p is not None]


def _trained(state):
    """Return what may hold networks."""
    return getattr(state.movement, "flow_map", None), state.base, getattr(state.base, "flow", None)


def device_of(state):
    """Return the device of the networks; the CPU without any."""
    found = () if state is None else networks(state)
    weights = (p for net in found for p in net.parameters())
    return next((p.device for p in weights), torch.device("cpu"))


def check_answers(model):
    """Raise unless a surrogate fits together and answers."""
    if not isinstance(model, Answering):
        raise ValueError(f"it holds a {type(model).__name__}, no surrogate")
    model._validate_params()
    state = model._state
    if not isinstance(state, FittedState):
        raise ValueError("it holds no fitted state")
    encoder = state.encoder
    categories = [] if encoder.ordinal_ is None else encoder.ordinal_.categories_
    sizes = [len(c) for c in categories]
    n_numeric = 0 if encoder.scaler_ is None else len(encoder.scaler_.mean_)
    seen = {(encoder.n_numeric_, tuple(encoder.n_categories_))}
    clock = state.movement.clock
    intervals = {len(state.anchors) - 1}
    if hasattr(clock, "n_intervals"):
        intervals.add(clock.n_intervals)
    knots = {len(clock.knots)} if isinstance(clock, PlaceClock) else set()
    trained = _trained(state)
    # of lambda, among the numbers of x
    n_places = {id(p.module_): p.n_places for p in trained if hasattr(p, "n_places")}
    for net, part in ((one, part) for one in networks(state) for part in one.modules()):
        if isinstance(part, ConditionEmbedding):
            seen.add((part.n_numeric - n_places.get(id(net), 0), part.n_categories))
        if isinstance(part, PlaneFlowMap):
            knots.add(part.n_knots)
        elif isinstance(part, FlowMap):
            intervals.add(part.n_intervals)
    if len(intervals) > 1 or len(knots) > 1:
        raise ValueError("the number of anchors is not that of the networks")
    if seen != {(n_numeric, tuple(sizes))}:
        raise ValueError("the columns of X are not those of the networks")
    if not all(1 <= getattr(part, "n_steps", 1) <= MAX_STEPS for part in trained):
        raise ValueError(f"the number of steps is not from 1 to {MAX_STEPS}")
    anchors = np.asarray(state.anchors)
    ascend = anchors.ndim == 2 or (np.diff(anchors) > 0).all()
    if not (np.isfinite(anchors).all() and ascend):
        raise ValueError("the anchors do not ascend")
    if not (np.reshape(anchors == state.base_lam, (len(anchors), -1)).all(axis=1)).any():
        raise ValueError("the base is at no anchor")
    _check_lambda(state)
    _ask(state, n_numeric, len(sizes))


def _check_lambda(state):
    """Raise unless names, axes and hull of the hyperparameters are those of the trained values."""
    space, hull = state.lam_space, state.hull
    shapes = [(space, state.anchors)]
    if hull is not None:
        shapes.append((hull.space, hull.lams))
        if not set(space.kept) <= set(hull.space.kept):
            raise ValueError("its hyperparameters are not those of its hull")
    elif space.n_columns > 1 and not space.scalar:
        raise ValueError("it holds no hull of its hyperparameters")
    for part, lams in shapes:
        lams = np.asarray(lams)
        columns = {part.n_columns, len(part.levels), len(part.constants)}
        columns |= {len(part.names)} if part.names else set()
        if len(columns) > 1 or lams.shape[1:] != (() if part.scalar else (len(part.kept),)):
            raise ValueError("the number of hyperparameters is not that of the trained values")
        if not np.isfinite(lams).all():
            raise ValueError("its trained values are not finite numbers")
        for level, column in zip(part.kept_levels, lams.reshape(len(lams), -1).T, strict=True):
            if level is not None and not np.isin(column, np.arange(len(level))).all():
                raise ValueError("its trained values have categories that have no name")
    scales = () if hull is None else hull.scales
    pairs = [(scale, hull.space) for scale in scales]
    if np.ndim(state.anchors) == 2 and state.particle_field is not None:
        pairs.append((state.particle_field.scale, space))
    for scale, part in pairs:
        levels = [getattr(axis, "n_levels", None) for axis in scale.axes]
        if levels != [None if level is None else len(level) for level in part.kept_levels]:
            raise ValueError("its scales are not those of its hyperparameters")
    if hull is not None:
        hull.check(hull.lams, "lam")


def _ask(state, n_numeric, n_categorical):
    """Raise unless a state gives finite answers of the right shape."""
    x = Conditions(
        np.zeros((1, n_numeric)),
        np.zeros((1, n_categorical), dtype=np.int64),
        np.zeros((1, n_numeric + n_categorical), dtype=np.float32),
    )
    shape = (1, state.outputs.n_coordinates)
    if state.particle_field is not None:
        ends = state.anchors[[0, -1]]
        weights = state.particle_field.weights(ends.mean(axis=0)[None], ends)
        signs = state.particle_field.monotone
        if signs is not None and len(signs) != shape[1]:
            raise ValueError("the number of outputs is not that of the directions of `monotone`")
        if weights.shape != (1, 2) or not np.isfinite(weights).all():
            raise ValueError("its answers are not finite numbers")
    if state.base is None:
        return
    start, near = repeat_lam(state.base_lam, 1), state.anchors[:2].mean(axis=0)[None]
    if state.reweighting is not None:
        _ask_particles(state, state.base.centers_[[0]], near)
        return
    moved = np.zeros(shape)
    if not (state.regresses and state.movement.flow_map is None):
        moved = _in_one_step(state.movement, "flow_map").displace(moved, x, start, near)
    # neighbours know the categories of their own rows alone
    x = getattr(state.base, "centers_", x)[[0]]
    drawn = _draw(state, x)
    decoded = state.outputs.unclipped(state.outputs.displaced(drawn[:1], moved))
    figures = [drawn, moved, decoded]
    if state.lagrangian is not None:
        device = device_of(state)
        path = torch.zeros((1, 3, shape[1]), device=device)
        group = torch.zeros(1, dtype=torch.int64, device=device)
        given = PathConditions(*x.tensors(device=device), group)
        with torch.no_grad():
            figures += [part.cpu().numpy() for part in state.lagrangian(path, given)]
    if decoded.shape != (1, state.outputs.n_outputs) or not all(
        np.isfinite(f).all() for f in figures
    ):
        raise ValueError("its answers are not finite numbers")


def _ask_particles(state, x, lam):
    """Raise unless particles that jump are finite numbers at all trained values."""
    particles = state.base.pool(x)[:1]
    if particles.shape[1:] != (len(state.anchors), state.outputs.n_coordinates):
        raise ValueError("the number of anchors is not that of the particles")
    parts = state.reweighting.upper_parts(particles, np.zeros(1, dtype=int))
    points, probability = state.reweighting.outcomes(particles, lam, state.anchors, parts)
    y = state.reweighting.settled(state.outputs.decode(points[0]))
    if y.shape[1] != state.outputs.n_outputs or not all(
        np.isfinite(part).all() for part in (y, probability)
    ):
        raise ValueError("its answers are not finite numbers")


def _in_one_step(whole, name):
    """Return a movement or base that shows what it is made of as soon as any."""
    part = getattr(whole, name, None)
    if not hasattr(part, "n_steps"):
        return whole
    part = copy.copy(part)
    part.n_steps = 1
    return replace(whole, **{name: part})


def _draw(state, x):
    """Return scaled outputs (n, D) of the base at one input: a draw, or one per trained value."""
    if not state.regresses:
        base = _in_one_step(state.base, "flow")
        return base.draw(Query(None, x, None), base.noise(1, 1, np.random.default_rng(0)))[0]
    particles = state.base.particles(x)[0]
    if len(particles) != len(state.anchors):
        raise ValueError("the number of anchors is not that of the particles")
    return particles
