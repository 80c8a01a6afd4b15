"""Distil trajectories into one flow map F(y, x, lam_from, lam_to) (method.md section 6)."""

from functools import partial

import numpy as np
import torch

from ._bends import bend_coefficients, bend_functions
from ._linear import LinearMean
from ._random import build_module
from ._transport_map import TransportMap, guess_error
from .nn.engine import DrawnDataset, Engine, split_rows, train
from .nn.modules import ConditionEmbedding, FlowMap

_BACK_SHARE = 4  # one in so many rows of a batch is moved back, too
# Weight of the way back, more where one trajectory runs through each condition: deterministic
# networks have a well-defined inverse. Where outputs spread from a thin set to a broad one,
# insisting on the way back would keep the map from spreading.
_BACK_WEIGHT = {True: 5.0, False: 0.1}


class TrajectoryDataset(DrawnDataset):
    """Draws outputs at random times of trajectories, and where the trajectories go."""

    def __init__(self, trajectories, times, conditions, picked, device):
        def tensor(values, dtype=torch.float32):
            return torch.as_tensor(values[picked], dtype=dtype, device=device)

        self.points = tensor(trajectories.points)
        self.bends = tensor(trajectories.bends)
        self.functions = torch.as_tensor(
            bend_coefficients(self.bends.shape[2]), dtype=torch.float32, device=device
        )
        self.times = tensor(times)
        self.first = tensor(trajectories.first, torch.int64)
        self.last = tensor(trajectories.last, torch.int64)
        origin = trajectories.rows[picked, 0]
        self.numeric, self.codes = conditions[origin].tensors(device=device)
        self.n_rows = len(self.points)
        self.device = device

    def draw(self, rows, generator):
        """Return inputs at random times; times, points and bends of the trajectories.

        Half of the start times are knots, because that is where outputs of real networks
        are moved from.
        """
        knots, points, bends = self.times[rows], self.points[rows], self.bends[rows]
        start = self._time(rows, knots, 0.5, generator)
        end = self._time(rows, knots, 0.5, generator)
        inputs = {
            "y": position(points, bends, knots, start, self.functions),
            "numeric": self.numeric[rows],
            "codes": self.codes[rows],
            "start": start,
            "end": end,
        }
        return inputs, (knots, points, bends)

    def at(self, t):
        """Return all trajectories at clock time t as if their knots were the anchors."""
        knots = torch.arange(self.points.shape[1], dtype=torch.float32, device=self.device)
        time = torch.full((self.n_rows, 1), t, dtype=torch.float32, device=self.device)
        knots = knots.expand(self.n_rows, -1).contiguous()
        return position(self.points, self.bends, knots, time, self.functions)

    def _time(self, rows, knots, share_of_knots, generator):
        """Draw one time per row within its trajectory, some of them at a knot."""
        uniform = torch.rand(len(rows), 2, generator=generator, device=self.device)
        first, last = self.first[rows], self.last[rows]
        knot = first + (uniform[:, 0] * (last - first + 1)).long().clamp(max=last - first)
        index = torch.stack([first, last, knot], dim=1)
        low, high, at_knot = knots.gather(1, index).unbind(dim=1)
        between = low + uniform[:, 0] * (high - low)
        return torch.where(uniform[:, 1] < share_of_knots, at_knot, between).unsqueeze(1)


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
    back_weight : float, default=1.0
        Weight of the way back.
    **kwargs : dict
        Further arguments of Engine.
    """

    def __init__(self, module, *, back_weight=1.0, **kwargs):
        super().__init__(module, **kwargs)
        self.back_weight = back_weight

    def loss(self, inputs, target):
        """Return the error of increments between knots and of bends, and of the way back.

        Every interval counts relative to its own spread of velocities. The way back starts
        where the map itself arrived, so that it learns to undo the map and not only the
        trajectory; the gradient does not pass through the arrival.
        """
        flow_map = self.module_
        knots, points, bends = target
        y, numeric, codes, start, end = inputs.values()
        modes = flow_map.modes(y, numeric, codes, start)
        by_interval = modes.view(len(y), flow_map.n_intervals, -1, y.shape[1])
        scale = flow_map.v_scale.view(by_interval.shape[1:])
        miss = flow_map.passed(knots[:, :-1], knots[:, 1:]) @ modes - points.diff(dim=1)
        error = ((miss / scale[:, 0]) ** 2).mean()
        if bends.shape[2]:
            miss = (by_interval[:, :, 1:] - bends) / scale[:, 1:]
            error = error + (miss**2).sum(dim=2).mean()

        some = slice(max(1, len(y) // _BACK_SHARE))
        y, numeric, codes, start, end = (v[some] for v in inputs.values())
        passed = flow_map.passed(start, end)
        arrival = y + (passed @ modes[some]).squeeze(1)
        back = flow_map(arrival.detach(), numeric, codes, end, start)
        unit = (passed.abs() @ flow_map.v_scale).squeeze(1) + 0.1 * scale[:, 0].mean(dim=0)
        return error + self.back_weight * (((back - y) / unit) ** 2).mean()


def fit_flow_map(
    trajectories, data, clock, encoder, conditioning, base_time, seeds, settings, callbacks
):
    """Train the flow map on trajectories; return (TransportMap, engine)."""
    times = clock.time(data.lam)[trajectories.rows]
    n_outputs = data.y.shape[1]
    module = build_module(
        lambda: FlowMap(
            n_outputs,
            len(data.anchors.edges),
            ConditionEmbedding(encoder.n_numeric_, encoder.n_categories_),
            conditioning,
            trajectories.bends.shape[2],
        ),
        seeds["module"],
    )
    _set_linear_part(module, trajectories, times, data)

    rng = np.random.default_rng(seeds["split"])
    origin = trajectories.rows[:, 0]
    one_each = len(np.unique(data.groups[origin])) == len(origin)
    deterministic = one_each and data.conditions_repeat(data.anchors.rows(base_time))
    picked, held = split_rows(data.groups[origin], rng, settings.early_stopping)
    training, validation = (
        None
        if rows is None
        else TrajectoryDataset(trajectories, times, data.conditions, rows, settings.device)
        for rows in (picked, held)
    )
    net = train(
        module,
        training,
        validation,
        label="transport",
        seed=seeds["batches"],
        settings=settings,
        engine=partial(FlowMapEngine, back_weight=_BACK_WEIGHT[deterministic]),
        user_callbacks=callbacks,
    )
    error = None
    if deterministic:
        rows = picked if held is None else held
        error = guess_error(net.module_, trajectories[rows], data.conditions, base_time)
    return TransportMap(net.module_, settings.device, base_time, error), net


@torch.no_grad()
def _set_linear_part(module, trajectories, times, data):
    """Write the linear modes into the map, and the scales of y, of the modes and of the rest."""
    dataset = TrajectoryDataset(trajectories, times, data.conditions, slice(None), "cpu")
    points, n_bends = dataset.points, dataset.bends.shape[2]
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
    scale = points.std(dim=0, correction=0)
    module.y_mean.copy_(points.mean(dim=0))
    module.y_scale.copy_(torch.where(scale > 1e-6, scale, 1.0))

    features = data.features[trajectories.rows[:, 0]]
    for j, t in enumerate(module.nodes.tolist()):
        z = module.normalise(dataset.at(t), torch.full((len(points), 1), t))
        inputs = np.hstack([z.numpy(), features])
        for k in np.flatnonzero(moved.any(axis=0)):
            fit = LinearMean().fit(inputs[moved[:, k]], modes[moved[:, k], k])
            module.linear[j, 0, k] = torch.as_tensor(fit.intercept)
            module.linear[j, 1:, k] = torch.as_tensor(fit.coefficients)

    left = 0.01 * own_spread + 1e-8
    for t in np.arange(0, points.shape[1] - 0.9, 0.25):
        time = torch.full((len(points), 1), t, dtype=torch.float32)
        z = module.normalise(dataset.at(t), time)
        miss = modes - module.linear_modes(z, dataset.numeric, dataset.codes, time).numpy()
        left = np.maximum(left, miss.std(axis=0, where=moved[:, :, None]))
    module.residual_scale.copy_(torch.as_tensor(left))
