"""Starts and ends on trajectories, which the flow map is trained on."""

import numpy as np
import torch

from ..data.facts import DrawCounts
from ..nn.engine import DrawnDataset
from ..paths.deviation import basis_values, deviation_basis
from ..stats.neighbours import nearby_places

_BASE_FRACTION = 0.5  # of the starts, where conditions have many draws


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
        self.deviation = tensor(trajectories.deviation)
        self.basis = tensor(deviation_basis(self.deviation.shape[2]))
        self.times = tensor(times)
        self.first = tensor(trajectories.first, torch.int64)
        self.last = tensor(trajectories.last, torch.int64)
        origin = trajectories.rows[:, 0]
        self.numeric, self.codes = data.conditions[origin].tensors(device=device)
        knots = np.arange(trajectories.points.shape[1])
        passes = (trajectories.first[:, None] <= knots) & (knots <= trajectories.last[:, None])
        # draws of near inputs stand for each other: few of one do not stand for it
        groups = np.arange(len(origin)) if trajectories.pooled else data.groups[origin]
        places, nearest = nearby_places(trajectories.points, passes, groups, rng, data.budget)
        self.places, self.nearest = tensor(places), tensor(nearest, torch.int64)
        self.base_time = base_time
        self.base_fraction = _BASE_FRACTION if DrawCounts.of(groups).show_spread else 0.0
        self.n_rows = len(self.points)
        self.device = device

    @torch.no_grad()
    def draw(self, rows, generator):
        """Return inputs at random times; increments and deviation of the trajectories."""
        n = len(rows)
        uniform = torch.rand(n, 6, generator=generator, device=self.device)
        knot = self._knot(rows, uniform[:, 0])
        base = (uniform[:, 1] < self.base_fraction) & (self.first[rows] <= self.base_time)
        knot = torch.where(base & (self.base_time <= self.last[rows]), self.base_time, knot)
        at_knot = uniform[:, 1] < 0.5 * (1 + self.base_fraction)
        place = (uniform[:, 2] * self.places.shape[2]).long()
        places = self.places[rows, knot, place]
        rows = torch.where(at_knot, self.nearest[rows, knot, place], rows)

        knots, points, deviation = self.times[rows], self.points[rows], self.deviation[rows]
        at_knot = at_knot.unsqueeze(1)
        between = self._between(rows, knots, uniform[:, 3])
        start = torch.where(at_knot, knots.gather(1, knot.unsqueeze(1)), between)
        y = torch.where(at_knot, places, position(points, deviation, knots, start, self.basis))
        end_knot = knots.gather(1, self._knot(rows, uniform[:, 4]).unsqueeze(1))
        end_between = self._between(rows, knots, uniform[:, 4])
        end = torch.where(uniform[:, 5:] < 0.5, end_knot, end_between)
        numeric, codes = self.numeric[rows], self.codes[rows]
        z = self.flow_map.normalise(y, start)
        inputs = {
            "y": y,
            "numeric": numeric,
            "codes": codes,
            "start": start,
            "end": end,
            "z": z,
            "linear": self.flow_map.linear_modes(z, numeric, codes, start),
            "passed": self.flow_map.passed(start, end),
        }
        along = self.flow_map.passed(knots[:, :-1], knots[:, 1:])
        return inputs, (along, points.diff(dim=1), deviation)

    def _knot(self, rows, uniform):
        """Return one knot of each trajectory."""
        first, n_more = self.first[rows], (self.last - self.first)[rows]
        return first + (uniform * (n_more + 1)).long().clamp(max=n_more)

    def _between(self, rows, knots, uniform):
        """Return one time (n, 1) within each trajectory."""
        ends = torch.stack([self.first[rows], self.last[rows]], dim=1)
        low, high = knots.gather(1, ends).split(1, dim=1)
        return torch.lerp(low, high, uniform.unsqueeze(1))


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
