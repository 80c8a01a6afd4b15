"""Distil trajectories into one flow map F(y, x, lam_from, lam_to) (method.md section 6)."""

from functools import partial

import numpy as np
import torch

from ._bends import bend_coefficients, bend_functions
from ._linear import fit_ridge
from ._nearby import have_many_draws, nearby_places
from ._random import build_module
from ._transport_map import TransportMap, guess_error
from .nn.engine import DrawnDataset, Engine, split_rows, train
from .nn.modules import FlowMap

_BASE_SHARE = 0.5  # of the starts, where conditions have many draws
_MARGIN = 1.5  # over what the linear part leaves of the trajectories: no network adds more
_BACK_SHARE = 4  # one in so many rows of a batch is moved back, too
# Weight of the way back where one trajectory runs through each condition: deterministic
# networks have a well-defined inverse. Else starts at all times teach the way back as well.
_BACK_WEIGHT = 0.3
_AROUND = (-0.25, 0.0, 0.25)  # of a node: times that its linear part is fitted at
_MAX_NUMBERS, _MIN_REGRESSED = 2**22, 8192  # of trajectories that the linear part is fitted to


class TrajectoryDataset(DrawnDataset):
    """Draws outputs at random times of trajectories, and where the trajectories go.

    Half of the start times are knots, where outputs of real networks are moved from. Where
    conditions have many draws, half are the base, where draws start, and a quarter any knot;
    single draws would be learned by heart that way. What does not change in training, the
    linear part of the flow map, is drawn with them.
    """

    by_row = True

    def __init__(self, flow_map, trajectories, times, data, base_time, device, rng):
        def tensor(values, dtype=torch.float32):
            return torch.as_tensor(values, dtype=dtype, device=device)

        self.flow_map = flow_map
        self.points = tensor(trajectories.points)
        self.bends = tensor(trajectories.bends)
        self.functions = tensor(bend_coefficients(self.bends.shape[2]))
        self.times = tensor(times)
        self.first = tensor(trajectories.first, torch.int64)
        self.last = tensor(trajectories.last, torch.int64)
        origin = trajectories.rows[:, 0]
        self.numeric, self.codes = data.conditions[origin].tensors(device=device)
        knots = np.arange(trajectories.points.shape[1])
        passes = (trajectories.first[:, None] <= knots) & (knots <= trajectories.last[:, None])
        # draws of near inputs stand for each other: few of one do not stand for it
        groups = np.arange(len(origin)) if trajectories.pooled else data.groups[origin]
        places, nearest = nearby_places(trajectories.points, passes, groups, rng)
        self.places, self.nearest = tensor(places), tensor(nearest, torch.int64)
        self.base_time = base_time
        self.base_share = _BASE_SHARE if have_many_draws(groups) else 0.0
        self.n_rows = len(self.points)
        self.device = device

    @torch.no_grad()
    def draw(self, rows, generator):
        """Return inputs at random times; increments and bends of the trajectories."""
        n = len(rows)
        uniform = torch.rand(n, 6, generator=generator, device=self.device)
        knot = self._knot(rows, uniform[:, 0])
        base = (uniform[:, 1] < self.base_share) & (self.first[rows] <= self.base_time)
        knot = torch.where(base & (self.base_time <= self.last[rows]), self.base_time, knot)
        at_knot = uniform[:, 1] < 0.5 * (1 + self.base_share)
        place = (uniform[:, 2] * self.places.shape[2]).long()
        places = self.places[rows, knot, place]
        rows = torch.where(at_knot, self.nearest[rows, knot, place], rows)

        knots, points, bends = self.times[rows], self.points[rows], self.bends[rows]
        at_knot = at_knot.unsqueeze(1)
        between = self._between(rows, knots, uniform[:, 3])
        start = torch.where(at_knot, knots.gather(1, knot.unsqueeze(1)), between)
        y = torch.where(at_knot, places, position(points, bends, knots, start, self.functions))
        end_knot = knots.gather(1, self._knot(rows, uniform[:, 4]).unsqueeze(1))
        end_between = self._between(rows, knots, uniform[:, 4])
        end = torch.where(uniform[:, 5:] < 0.5, end_knot, end_between)
        given = self.numeric[rows], self.codes[rows], start
        z = self.flow_map.normalise(y, start)
        inputs = {
            **dict(zip(("y", "numeric", "codes", "start", "end"), (y, *given, end), strict=True)),
            "z": z,
            "linear": self.flow_map.linear_modes(z, *given),
            "passed": self.flow_map.passed(start, end),
        }
        along = self.flow_map.passed(knots[:, :-1], knots[:, 1:])
        return inputs, (along, points.diff(dim=1), bends)

    def _knot(self, rows, uniform):
        """Return one knot of each trajectory."""
        first, n_more = self.first[rows], (self.last - self.first)[rows]
        return first + (uniform * (n_more + 1)).long().clamp(max=n_more)

    def _between(self, rows, knots, uniform):
        """Return one time (n, 1) within each trajectory."""
        ends = torch.stack([self.first[rows], self.last[rows]], dim=1)
        low, high = knots.gather(1, ends).split(1, dim=1)
        return torch.lerp(low, high, uniform.unsqueeze(1))


def position(points, bends, knots, time, functions):
    """Return the points (n, D) of trajectories at times (n, 1)."""
    k = torch.searchsorted(knots, time, right=True) - 1
    k = k.clamp(0, knots.shape[1] - 2)
    low, high = knots.gather(1, k), knots.gather(1, k + 1)
    # knots outside a trajectory repeat the nearest one: no division by their length zero
    s = ((time - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    row, k = torch.arange(len(k), device=k.device), k[:, 0]
    straight = torch.lerp(points[row, k], points[row, k + 1], s)
    return straight + (bend_functions(s, functions) @ bends[row, k]).squeeze(1)


class FlowMapEngine(Engine):
    """Regresses the flow map on trajectories and on its own way back.

    Parameters
    ----------
    module : FlowMap
        The map.
    back_weight : float, default=0.0
        Weight of the way back.
    **kwargs : dict
        Further arguments of Engine.
    """

    def __init__(self, module, *, back_weight=0.0, **kwargs):
        super().__init__(module, **kwargs)
        self.back_weight = back_weight

    def loss(self, inputs, target):
        """Return the error of increments between knots and of bends, and of the way back.

        Every interval counts relative to its own spread of velocities. The way back starts
        where the map itself arrived, so that it learns to undo the map and not only the
        trajectory; the gradient does not pass through the arrival.
        """
        flow_map = self.module_
        along, increments, bends = target
        y, numeric, codes, start, end, z, linear, passed = inputs.values()
        modes = linear + flow_map.added_modes(z, numeric, codes, start)
        by_interval = modes.view(len(y), flow_map.n_intervals, -1, y.shape[1])
        scale = flow_map.v_scale.view(by_interval.shape[1:])
        miss = along @ modes - increments
        error = ((miss / scale[:, 0]) ** 2).mean()
        if bends.shape[2]:
            miss = (by_interval[:, :, 1:] - bends) / scale[:, 1:]
            error = error + (miss**2).sum(dim=2).mean()
        if not self.back_weight:
            return error

        some = slice(max(1, len(y) // _BACK_SHARE))
        y, numeric, codes, start, end, _, _, passed = (v[some] for v in inputs.values())
        arrival = (y + (passed @ modes[some]).squeeze(1)).detach()
        modes = flow_map.modes(arrival, numeric, codes, end)
        back = arrival - (passed @ modes).squeeze(1)
        unit = (passed.abs() @ flow_map.v_scale).squeeze(1) + 0.1 * scale[:, 0].mean(dim=0)
        return error + self.back_weight * (((back - y) / unit) ** 2).mean()


def fit_flow_map(trajectories, data, clock, base_time, training):
    """Train the flow map on trajectories; return (TransportMap, engine)."""
    times = clock.time(data.lam)[trajectories.rows]
    n_outputs = data.y.shape[1]
    module = build_module(
        lambda: FlowMap(
            n_outputs,
            len(data.anchors.edges),
            training.embedding(),
            training.conditioning,
            trajectories.bends.shape[2],
        ),
        training.seeds["module"],
    )
    rng = np.random.default_rng(training.seeds["split"])
    some = _enough(trajectories, data.features.shape[1], rng)
    _set_linear_part(module, trajectories[some], times[some], data)

    origin = trajectories.rows[:, 0]
    # rows may repeat; of one condition, all trajectories must then be one
    _, first, back = np.unique(data.groups[origin], return_index=True, return_inverse=True)
    one_each = np.array_equal(trajectories.points, trajectories.points[first[back.reshape(-1)]])
    deterministic = one_each and data.conditions_repeat(data.anchors.rows(base_time))
    settings = training.settings
    picked, held = split_rows(data.groups[origin], rng, settings.early_stopping)
    examples = (
        None
        if rows is None
        else TrajectoryDataset(
            module, trajectories[rows], times[rows], data, base_time, settings.device, rng
        )
        for rows in (picked, held)
    )
    net = train(
        module,
        *examples,
        label="transport",
        seed=training.seeds["batches"],
        settings=settings,
        engine=partial(FlowMapEngine, back_weight=_BACK_WEIGHT * deterministic),
        user_callbacks=training.callbacks,
    )
    error = None
    if deterministic:
        rows = picked if held is None else held
        error = guess_error(net.module_, trajectories[rows], data.conditions, base_time)
    return TransportMap(net.module_, settings.device, base_time, error), net


def _enough(trajectories, n_features, rng):
    """Return trajectories that are enough for regressions: all, where memory takes them."""
    n, n_intervals, n_bends, n_outputs = trajectories.bends.shape
    width = max(n_intervals * (1 + n_bends) * n_outputs, len(_AROUND) * (n_outputs + n_features))
    most = max(_MIN_REGRESSED, _MAX_NUMBERS // width)
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


@torch.no_grad()
def _set_linear_part(module, trajectories, times, data):
    """Write the linear modes into the map, and the scales of y, of the modes and of the rest."""
    points, n_bends = trajectories.points, trajectories.bends.shape[2]
    origin = trajectories.rows[:, 0]
    length = np.diff(times, axis=1)
    moved = length > 1e-3
    velocity = np.diff(trajectories.points, axis=1) / np.where(moved, length, 1.0)[:, :, None]
    modes = np.concatenate([velocity[:, :, None], trajectories.bends], axis=2)
    modes = modes.reshape(len(points), *module.shape)
    moved = np.repeat(moved, 1 + n_bends, axis=1)
    spread = own_spread = modes.std(axis=0, where=moved[:, :, None])
    # an interval in which hardly anything moves must not weigh as much as the others,
    # and a bend not more than the chord that it belongs to
    spread = spread.reshape(-1, 1 + n_bends, spread.shape[1])[:, 0]
    spread = np.maximum(np.maximum(spread, 0.1 * spread.max(axis=0)), 1e-6)
    spread = np.repeat(spread, 1 + n_bends, axis=0)
    module.v_scale.copy_(torch.as_tensor(spread))
    scale = points.std(axis=0)
    module.y_mean.copy_(torch.as_tensor(points.mean(axis=0)))
    module.y_scale.copy_(torch.as_tensor(np.where(scale > 1e-6, scale, 1.0)))

    features = data.features[origin]

    def inputs_at(t):
        """Return normalised outputs at time t, as if knots were anchors, beside x."""
        time = torch.full((len(points), 1), t, dtype=torch.float32)
        y = torch.as_tensor(trajectories.at(t), dtype=torch.float32)
        return np.hstack([module.normalise(y, time).numpy(), features])

    nodes = module.nodes.numpy()
    linear = np.zeros(module.linear.shape)
    alike = _alike(moved)
    last = points.shape[1] - 1.0
    for coefficients, t in zip(linear, nodes.tolist(), strict=True):
        around = [t + u for u in _AROUND if 0 <= t + u <= last]
        inputs = [inputs_at(u) for u in around]
        for on, of in alike:
            x = np.concatenate([part[on] for part in inputs])
            u = np.tile(modes[on], (len(around), 1, 1))
            intercepts, slopes = fit_ridge(x, u[:, of])
            coefficients[0, of] = intercepts
            coefficients[1:, of] = slopes.swapaxes(0, 1)
    module.linear.copy_(torch.as_tensor(linear))

    left = 0.01 * own_spread + 1e-8
    most = np.zeros_like(left)
    for t in np.arange(0, points.shape[1] - 0.9, 0.25):
        near = (1 - np.abs(t - nodes) / nodes[1]).clip(min=0)
        intercepts, slopes = np.split(np.tensordot(near, linear, axes=1), [1])
        miss = modes - intercepts - np.tensordot(inputs_at(t), slopes, axes=1)
        left = np.maximum(left, miss.std(axis=0, where=moved[:, :, None]))
        most = np.maximum(most, np.abs(miss * moved[:, :, None]).max(axis=0))
    module.residual_scale.copy_(torch.as_tensor(left))
    module.limit.copy_(torch.as_tensor(np.maximum(_MARGIN * most, left)))


def _alike(moved):
    """Return which rows (n,) move in a mode, and the modes (n, K) alike in that, in pairs."""
    patterns, of = np.unique(moved, axis=1, return_inverse=True)
    pairs = [
        (np.flatnonzero(patterns[:, i]), np.flatnonzero(of.reshape(-1) == i))
        for i in range(patterns.shape[1])
    ]
    return [(on, modes) for on, modes in pairs if len(on)]
