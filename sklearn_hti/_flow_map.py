"""Distil trajectories into one flow map F(y, x, lam_from, lam_to) (method.md section 6)."""

import copy
from functools import partial

import numpy as np
import torch

from ._random import build_module
from .nn.engine import DrawnDataset, Engine, split_rows, train
from .nn.modules import ConditionEmbedding, FlowMap

_CHUNK = 65_536  # rows per forward pass
_BACK_SHARE = 4  # one in so many rows of a batch is moved back, too


class TrajectoryDataset(DrawnDataset):
    """Draws outputs at random times of trajectories, and where the trajectories go."""

    def __init__(self, trajectories, times, conditions, picked, device):
        def tensor(values, dtype=torch.float32):
            return torch.as_tensor(values[picked], dtype=dtype, device=device)

        self.points = tensor(trajectories.points)
        self.times = tensor(times)
        self.first = tensor(trajectories.first, torch.int64)
        self.last = tensor(trajectories.last, torch.int64)
        origin = trajectories.rows[picked, 0]
        self.numeric, self.codes = conditions[origin].tensors(device=device)
        self.n_rows = len(picked)
        self.device = device

    def draw(self, rows, generator):
        """Return inputs at random times, and the increments between all knots.

        Half of the start times are knots, because that is where outputs of real networks
        are moved from.
        """
        knots, points = self.times[rows], self.points[rows]
        start = self._time(rows, knots, 0.5, generator)
        end = self._time(rows, knots, 0.5, generator)
        inputs = {
            "y": position(points, knots, start),
            "numeric": self.numeric[rows],
            "codes": self.codes[rows],
            "start": start,
            "end": end,
        }
        return inputs, (knots, points)

    def _time(self, rows, knots, share_of_knots, generator):
        """Draw one time per row within its trajectory, some of them at a knot."""
        uniform = torch.rand(len(rows), 2, generator=generator, device=self.device)
        first, last = self.first[rows], self.last[rows]
        knot = first + (uniform[:, 0] * (last - first + 1)).long().clamp(max=last - first)
        index = torch.stack([first, last, knot], dim=1)
        low, high, at_knot = knots.gather(1, index).unbind(dim=1)
        between = low + uniform[:, 0] * (high - low)
        return torch.where(uniform[:, 1] < share_of_knots, at_knot, between).unsqueeze(1)


def position(points, knots, time):
    """Return the points (n, D) of piecewise straight trajectories at times (n, 1)."""
    k = torch.searchsorted(knots, time, right=True) - 1
    k = k.clamp(0, knots.shape[1] - 2)
    low, high = knots.gather(1, k), knots.gather(1, k + 1)
    # knots outside a trajectory repeat the nearest one: no division by their length zero
    s = ((time - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    k = k.unsqueeze(2).expand(-1, -1, points.shape[2])
    y0, y1 = points.gather(1, k).squeeze(1), points.gather(1, k + 1).squeeze(1)
    return torch.lerp(y0, y1, s)


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
        """Return the error of the increments between knots plus that of the way back.

        Every interval counts relative to its own spread of velocities. The way back starts
        where the map itself arrived, so that it learns to undo the map and not only the
        trajectory; the gradient does not pass through the arrival.
        """
        flow_map = self.module_
        knots, points = target
        y, numeric, codes, start, end = inputs.values()
        velocities = flow_map.velocities(y, numeric, codes, start)
        lengths = flow_map.lengths(knots[:, :-1, None], knots[:, 1:, None])
        miss = lengths @ velocities - points.diff(dim=1)
        error = ((miss / flow_map.v_scale) ** 2).mean()

        some = slice(max(1, len(y) // _BACK_SHARE))
        y, numeric, codes, start, end = (v[some] for v in inputs.values())
        lengths = flow_map.lengths(start, end)
        arrival = y + (lengths.unsqueeze(1) @ velocities[some]).squeeze(1)
        back = flow_map(arrival.detach(), numeric, codes, end, start)
        unit = lengths.abs() @ flow_map.v_scale + 0.1 * flow_map.v_scale.mean(dim=0)
        return error + self.back_weight * (((back - y) / unit) ** 2).mean()


class TransportMap:
    """The trained flow map, between numpy arrays in scaled units.

    Parameters
    ----------
    module : FlowMap
        The trained network.
    device : str
        Where it runs.
    """

    def __init__(self, module, device):
        self.module = module
        self.device = device

    def displacement(self, y, conditions, start, end, *, dtype=torch.float32):
        """Return F(y, x, start, end) - y, shape (n, D) float64; times have shape (n,)."""
        module = self.module
        if dtype != torch.float32:
            module = copy.deepcopy(module).to(dtype)
        moved = np.empty(y.shape)
        for begin in range(0, len(y), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            numeric, codes = conditions[part].tensors(dtype, self.device)
            y_part, a, b = (
                torch.as_tensor(v, dtype=dtype, device=self.device)
                for v in (y[part], start[part, None], end[part, None])
            )
            with torch.no_grad():
                moved[part] = module.displacement(y_part, numeric, codes, a, b).cpu().numpy()
        return moved


def fit_flow_map(trajectories, data, clock, encoder, conditioning, seeds, settings, callbacks):
    """Train the flow map on trajectories; return (TransportMap, engine)."""
    times = clock.time(data.lam)[trajectories.rows]
    n_outputs = data.y.shape[1]
    module = build_module(
        lambda: FlowMap(
            n_outputs,
            len(data.anchors.edges),
            ConditionEmbedding(encoder.n_numeric_, encoder.n_categories_),
            conditioning,
        ),
        seeds["module"],
    )
    _set_scales(module, trajectories, times)

    rng = np.random.default_rng(seeds["split"])
    origin = trajectories.rows[:, 0]
    training, validation = (
        None
        if picked is None
        else TrajectoryDataset(trajectories, times, data.conditions, picked, settings.device)
        for picked in split_rows(data.groups[origin], rng, settings.early_stopping)
    )
    net = train(
        module,
        training,
        validation,
        label="transport",
        seed=seeds["batches"],
        settings=settings,
        engine=partial(FlowMapEngine, back_weight=_back_weight(data.groups[origin])),
        user_callbacks=callbacks,
    )
    return TransportMap(net.module_, settings.device), net


def _back_weight(groups):
    """Weigh the way back more where one trajectory runs through each condition.

    Deterministic networks have a well-defined inverse; where outputs spread from a thin set
    to a broad one, insisting on the way back would keep the map from spreading.
    """
    return 5.0 if len(np.unique(groups)) == len(groups) else 0.1


@torch.no_grad()
def _set_scales(module, trajectories, times):
    """Write location and scale of outputs and velocities into the buffers of the map."""
    points = trajectories.points
    length = np.diff(times, axis=1)
    moved = length > 1e-3
    velocity = np.diff(points, axis=1) / np.where(moved, length, 1.0)[:, :, None]
    statistics = {"y_mean": points.mean(axis=0), "y_scale": points.std(axis=0)}
    statistics["v_mean"] = velocity.mean(axis=0, where=moved[:, :, None])
    spread = velocity.std(axis=0, where=moved[:, :, None])
    # an interval in which hardly anything moves must not weigh as much as the others
    statistics["v_scale"] = np.maximum(spread, 0.1 * spread.max(axis=0))
    for name, value in statistics.items():
        if name.endswith("scale"):
            value = np.where(value > 1e-6, value, 1e-6 if name[0] == "v" else 1.0)
        getattr(module, name).copy_(torch.as_tensor(value))
