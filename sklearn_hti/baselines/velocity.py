"""A velocity field of outputs over lambda, and surrogates that follow it."""

from functools import partial

import numpy as np
import torch
from torch import nn

from .._surrogate import ClockedSurrogate
from .._utils import progress
from .._utils.ode import integrate
from .._utils.random import build_module
from .._utils.registry import storable
from ..answers.state import FittedAttribute
from ..clocks.movement import Movement
from ..flow_map.learning import Learned
from ..nn.batches import DrawnDataset, split_rows
from ..nn.engine import Engine, count_steps, train
from ..nn.inference import in_precision, row_chunks
from ..nn.modules import ConditionalMLP
from ..paths.deviation import basis_slopes, basis_values, deviation_basis


@storable
class VelocityField(nn.Module):
    """Velocity v(y, x, t) of outputs, one head per interval between anchors."""

    def __init__(self, n_outputs, n_intervals, embedding, conditioning):
        super().__init__()
        self.shape = (n_intervals, n_outputs)
        self.net = ConditionalMLP(n_outputs + 1, n_intervals * n_outputs, embedding, conditioning)
        self.register_buffer("scale", torch.empty(n_intervals, n_outputs))

    def init_parameters(self, generator):
        """Start with unit scales."""
        nn.init.ones_(self.scale)

    def forward(self, y, numeric, codes, t):
        """Return the velocity at points (n, D) and times (n, 1)."""
        n_intervals = self.shape[0]
        k = t[:, 0].floor().clamp(0, n_intervals - 1).long()
        out = self.net(torch.cat([y, t / n_intervals], dim=1), numeric, codes)
        rows = torch.arange(len(y), device=y.device)
        return self.scale[k] * out.view(-1, *self.shape)[rows, k]


class VelocityDataset(DrawnDataset):
    """Draws points at random times of trajectories, and the velocities there."""

    by_row = True

    def __init__(self, trajectories, times, data, device):
        def tensor(values, dtype=torch.float32):
            return torch.as_tensor(values, dtype=dtype, device=device)

        self.points, self.deviation = tensor(trajectories.points), tensor(trajectories.deviation)
        self.basis = tensor(deviation_basis(self.deviation.shape[2]))
        self.times = tensor(times)
        ends = np.column_stack([trajectories.first, trajectories.last])
        self.ends = tensor(np.take_along_axis(times, ends, axis=1))
        origin = trajectories.origin
        self.numeric, self.codes = data.conditions[origin].tensors(device=device)
        self.n_rows = len(self.points)
        self.device = device

    @torch.no_grad()
    def draw(self, rows, generator):
        """Return points at random times, and (velocities, interval)."""
        uniform = torch.rand(len(rows), 1, generator=generator, device=self.device)
        t = torch.lerp(*self.ends[rows].split(1, dim=1), uniform)
        knots, points, deviation = self.times[rows], self.points[rows], self.deviation[rows]
        k = (torch.searchsorted(knots, t, right=True) - 1).clamp(0, knots.shape[1] - 2)
        length = (knots.gather(1, k + 1) - knots.gather(1, k)).clamp(min=1e-6)
        s = (t - knots.gather(1, k)) / length
        row, k = torch.arange(len(rows), device=self.device), k[:, 0]
        way = points[row, k + 1] - points[row, k]
        way = way + (basis_slopes(s, self.basis) @ deviation[row, k]).squeeze(1)
        inputs = {
            "y": position(points, deviation, knots, t, self.basis),
            "numeric": self.numeric[rows],
            "codes": self.codes[rows],
            "t": t,
        }
        return inputs, (way / length,)


def position(points, deviation, knots, time, basis):
    """Return the points (n, D) of trajectories at times (n, 1)."""
    k = torch.searchsorted(knots, time, right=True) - 1
    k = k.clamp(0, knots.shape[1] - 2)
    low, high = knots.gather(1, k), knots.gather(1, k + 1)
    # knots outside a trajectory repeat the nearest one: no division by their length zero
    s = ((time - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    row, k = torch.arange(len(k), device=k.device), k[:, 0]
    straight = torch.lerp(points[row, k], points[row, k + 1], s)
    return straight + (basis_values(s, basis) @ deviation[row, k]).squeeze(1)


@storable
class FollowedVelocities:
    """Moves outputs by following the trained field, between numpy arrays in scaled units."""

    def __init__(self, module, device, n_steps):
        self.module = module
        self.device = device
        self.n_steps = n_steps

    def displacement(self, y, conditions, start, end, *, dtype=torch.float32):
        """Return the displacement (n, D) between two times; times have shape (n,)."""
        module = in_precision(self.module, dtype)
        n_steps = np.ceil(self.n_steps * np.abs(end - start)).astype(int)  # none where at the end
        moved = np.zeros(y.shape)
        alike = (np.flatnonzero(n_steps == n) for n in np.unique(n_steps[n_steps > 0]))
        parts = (rows[part] for rows in alike for part in row_chunks(len(rows), self.device))
        for part in parts:
            numeric, codes = conditions[part].tensors(dtype, self.device)
            here, a, b = (
                torch.as_tensor(v, dtype=dtype, device=self.device)
                for v in (y[part], start[part, None], end[part, None])
            )
            velocity = partial(_velocity, module, numeric, codes)
            arrived = integrate(velocity, here, a, b, int(n_steps[part[0]]))
            moved[part] = (arrived - here).cpu().numpy()
        return moved


def _velocity(module, numeric, codes, y, t):
    return module(y, numeric, codes, t)


class VelocityEngine(Engine):
    """Regresses the velocity field; every interval counts relative to its own velocities."""

    def loss(self, inputs, target):
        """Return the mean squared error of the velocities of one batch."""
        field = self.module_
        k = inputs["t"][:, 0].floor().clamp(0, len(field.scale) - 1).long()
        return (((field(**inputs) - target[0]) / field.scale[k]) ** 2).mean()


def fit_field(trajectories, data, clock, training):
    """Train the velocity field on trajectories; return the engine."""
    times = clock.time(data.lam)[trajectories.rows]
    n_outputs, n_intervals = data.y.shape[1], len(data.anchors.edges)
    module = build_module(
        lambda: VelocityField(
            n_outputs,
            n_intervals,
            training.embedding(),
            training.conditioning,
        ),
        training.seeds["module"],
    )
    length = np.maximum(np.diff(times, axis=1), 1e-3)[:, :, None]
    velocity = np.sqrt(np.mean((np.diff(trajectories.points, axis=1) / length) ** 2, axis=0))
    floor = np.maximum(0.1 * velocity.max(axis=0), 1e-6)
    with torch.no_grad():
        module.scale.copy_(torch.as_tensor(np.maximum(velocity, floor)))
    progress.begin("flow map")
    rng = np.random.default_rng(training.seeds["split"])
    groups = data.groups[trajectories.origin]
    settings = training.settings
    examples = (
        None
        if rows is None
        else VelocityDataset(trajectories[rows], times[rows], data, settings.device)
        for rows in split_rows(groups, rng, settings.early_stopping)
    )
    return train(
        module,
        *examples,
        label="velocities",
        seed=training.seeds["batches"],
        settings=settings,
        engine=VelocityEngine,
        user_callbacks=training.callbacks,
    )


class FlowMatching(ClockedSurrogate):
    """Common to both: couplings under a Lagrangian, then the velocities along their paths.

    Subclasses have the parameter `n_steps`.
    """

    n_iter_ = FittedAttribute("n_iter")

    def _follow_velocities(self, couplings, data, clock, training):
        """Return what is Learned of the velocities along the paths of couplings."""
        trajectories = couplings.trajectories
        if not couplings.geodesic.is_straight:
            trajectories = trajectories.deviating(couplings.geodesic.deviation(trajectories))
        net = fit_field(trajectories, data, clock, training)
        followed = FollowedVelocities(net.module_, training.settings.device, self.n_steps)
        return Learned(
            Movement(clock, followed),
            n_iter=count_steps(net.history),
            history={"paths": couplings.history, "transport": net.history},
        )
