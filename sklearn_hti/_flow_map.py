"""Distil trajectories into one flow map F(y, x, lam_from, lam_to) (method.md section 6)."""

import copy

import numpy as np
import torch

from ._random import build_module
from .nn.engine import DrawnDataset, Engine, split_rows, train
from .nn.modules import ConditionEmbedding, FlowMap

_CHUNK = 65_536  # rows per forward pass


class TrajectoryDataset(DrawnDataset):
    """Draws (y at time a, y at time b) along trajectories."""

    def __init__(self, trajectories, times, conditions, geodesic, picked, device):
        def tensor(values, dtype=torch.float32):
            return torch.as_tensor(values[picked], dtype=dtype, device=device)

        self.points = tensor(trajectories.points)
        self.times = tensor(times)
        self.first = tensor(trajectories.first, torch.int64)
        self.last = tensor(trajectories.last, torch.int64)
        origin = trajectories.rows[picked, 0]
        self.numeric, self.codes = conditions[origin].tensors(device=device)
        self.geodesic = geodesic
        self.n_rows = len(picked)
        self.device = device

    def draw(self, rows, generator):
        """Return inputs at random times a, and the points of the same paths at b.

        Half of the start times and a quarter of the end times are knots, because that is
        where outputs of real networks are moved from and compared.
        """
        start = self._time(rows, 0.5, generator)
        end = self._time(rows, 0.25, generator)
        inputs = {
            "y": self.position(rows, start),
            "numeric": self.numeric[rows],
            "codes": self.codes[rows],
            "start": start,
            "end": end,
        }
        return inputs, self.position(rows, end)

    def _time(self, rows, share_of_knots, generator):
        """Draw one time per row within its trajectory, some of them at a knot."""
        uniform = torch.rand(len(rows), 2, generator=generator, device=self.device)
        first, last = self.first[rows], self.last[rows]
        knot = first + (uniform[:, 0] * (last - first + 1)).long().clamp(max=last - first)
        index = torch.stack([first, last, knot], dim=1)
        low, high, at_knot = self.times[rows].gather(1, index).unbind(dim=1)
        between = low + uniform[:, 0] * (high - low)
        return torch.where(uniform[:, 1] < share_of_knots, at_knot, between).unsqueeze(1)

    def position(self, rows, time):
        """Return the points of the trajectories at times (n, 1)."""
        knots = self.times[rows]
        k = torch.searchsorted(knots, time, right=True) - 1
        k = torch.maximum(k, self.first[rows].unsqueeze(1))
        k = torch.minimum(k, self.last[rows].unsqueeze(1) - 1)
        low, high = knots.gather(1, k), knots.gather(1, k + 1)
        points = self.points[rows]
        k = k.unsqueeze(2).expand(-1, -1, points.shape[2])
        y0, y1 = points.gather(1, k).squeeze(1), points.gather(1, k + 1).squeeze(1)
        return self.geodesic.point(y0, y1, (time - low) / (high - low))


class FlowMapEngine(Engine):
    """Regresses the flow map on trajectories and on its own way back."""

    def loss(self, inputs, target):
        """Return the error of the way there plus that of the way back from its end.

        The way back starts where the map itself arrived, so that it learns to undo the map
        and not only the trajectory; the gradient does not pass through the arrival.
        """
        module = self.module_
        reached = module(**inputs)
        back = dict(inputs, y=reached.detach(), start=inputs["end"], end=inputs["start"])
        there = self.criterion_(reached / module.scale, target / module.scale)
        return there + self.criterion_(module(**back) / module.scale, inputs["y"] / module.scale)


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


def fit_flow_map(
    trajectories, data, clock, geodesic, encoder, conditioning, seeds, settings, callbacks
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
        ),
        seeds["module"],
    )
    spread = trajectories.points.std(axis=(0, 1))
    with torch.no_grad():
        module.center.copy_(torch.as_tensor(trajectories.points.mean(axis=(0, 1))))
        module.scale.copy_(torch.as_tensor(np.where(spread > 1e-12, spread, 1.0)))

    rng = np.random.default_rng(seeds["split"])
    origin = trajectories.rows[:, 0]
    training, validation = (
        None
        if picked is None
        else TrajectoryDataset(
            trajectories, times, data.conditions, geodesic, picked, settings.device
        )
        for picked in split_rows(data.groups[origin], 0.1, rng)
    )
    net = train(
        module,
        training,
        validation,
        label="transport",
        seed=seeds["batches"],
        settings=settings,
        engine=FlowMapEngine,
        user_callbacks=callbacks,
    )
    return TransportMap(net.module_, settings.device), net


