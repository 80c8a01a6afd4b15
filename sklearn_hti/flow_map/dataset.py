"""Particles that the flow map is trained on, and random starts on them."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..data.facts import DrawCounts
from ..field.modes import CELLS, FieldModes
from ..nn.batches import DrawnDataset
from ..stats.neighbours import nearby_places

_BASE_FRACTION = 0.5  # of the starts, where conditions have many draws
LEAST_SCALE = 0.1  # of the largest: what hardly moves must not weigh as much as what does


def at_least(spread):
    """Return spreads (Q, D) of at least a part of the largest of each output, to divide by."""
    return np.maximum(np.maximum(spread, LEAST_SCALE * spread.max(axis=0)), 1e-6)


@dataclass(frozen=True)
class Particles:
    """Outputs followed through all knots, and the modes in which they move.

    Attributes
    ----------
    points : ndarray of shape (N, Q, D)
        Knots, those that a particle does not reach as the field has them.
    first, last : ndarray of shape (N,)
        First and last anchor that a particle reaches.
    origin : ndarray of shape (N,)
        Training rows whose x is the condition.
    modes : FieldModes
        Shared by all.
    """

    points: np.ndarray
    first: np.ndarray
    last: np.ndarray
    origin: np.ndarray
    modes: FieldModes

    def __getitem__(self, picked):
        names = ("points", "first", "last", "origin")
        return replace(self, **{name: getattr(self, name)[picked] for name in names})

    @property
    def steps(self):
        """From knot to knot, (N, Q - 1, D)."""
        return self.modes.steps_of(self.points)

    @property
    def passed(self):
        """Which steps a particle reaches both ends of, (N, Q - 1)."""
        return self.modes.passed_by(self.first, self.last)

    def scaled_steps(self, device):
        """Return how much of each mode is in each step, and the scale of the steps: tensors."""
        steps = self.steps
        spread = np.zeros(steps.shape[1:])
        for k, on in enumerate(self.passed.T):
            spread[k] = steps[on, k].std(axis=0) if on.any() else 0.0
        return tuple(
            torch.as_tensor(v, dtype=torch.float32, device=device)
            for v in (self.modes.along, at_least(spread))
        )

    @property
    def anchors(self):
        """Outputs at the anchors, (N, K + 1, D)."""
        return self.points[:, self.modes.of_anchors]


class ParticleDataset(DrawnDataset):
    """Draws outputs at random times of particles, and where the particles go.

    Half of the start times are anchors, where outputs of real networks are moved from. Where
    conditions have many draws, half are the base, where draws start, and a quarter any anchor;
    single draws would be learned by heart that way. What does not change in training, the
    linear part of the flow map, is drawn with them.
    """

    by_row = True

    def __init__(self, flow_map, particles, data, base_time, pooled, device, rng):
        def tensor(values, dtype=torch.float32):
            return torch.as_tensor(values, dtype=dtype, device=device)

        modes, origin = particles.modes, particles.origin
        self.flow_map = flow_map
        self.points = tensor(particles.points)
        self._times(modes, tensor)
        self.first = tensor(particles.first, torch.int64)
        self.last = tensor(particles.last, torch.int64)
        self.numeric, self.codes = data.conditions[origin].tensors(device=device)
        self.steps, self.passed = tensor(particles.steps), tensor(particles.passed)
        # draws of near inputs stand for each other: few of one do not stand for it
        groups = np.arange(len(origin)) if pooled else data.groups[origin]
        anchors = np.arange(particles.anchors.shape[1])
        reached = (particles.first[:, None] <= anchors) & (anchors <= particles.last[:, None])
        places, nearest = nearby_places(particles.anchors, reached, groups, rng, data.budget)
        self.places, self.nearest = tensor(places), tensor(nearest, torch.int64)
        self.base_time = base_time
        self.base_fraction = _BASE_FRACTION if DrawCounts.of(groups).show_spread else 0.0
        self.n_rows = len(self.points)
        self.device = device

    @torch.no_grad()
    def draw(self, rows, generator):
        """Return inputs at random times; the steps of the particles, and which are reached."""
        uniform = torch.rand(len(rows), 4, generator=generator, device=self.device)
        anchor = self._anchor(rows, uniform[:, 0])
        base = (uniform[:, 1] < self.base_fraction) & (self.first[rows] <= self.base_time)
        anchor = torch.where(base & (self.base_time <= self.last[rows]), self.base_time, anchor)
        at_anchor = uniform[:, 1] < 0.5 * (1 + self.base_fraction)
        place = (uniform[:, 2] * self.places.shape[2]).long()
        places = self.places[rows, anchor, place]
        rows = torch.where(at_anchor, self.nearest[rows, anchor, place], rows)

        at_anchor = at_anchor.unsqueeze(1)
        between = self._between(rows, uniform[:, 3])
        start = torch.where(at_anchor, self._at(anchor), between)
        y = torch.where(at_anchor, places, self._position(rows, between))
        numeric, codes = self.numeric[rows], self.codes[rows]
        z = self.flow_map.normalise(y, start)
        inputs = {
            "z": z,
            "numeric": numeric,
            "codes": codes,
            "start": start,
            "linear": self.flow_map.linear_modes(z, numeric, codes, start),
        }
        return inputs, (self.steps[rows], self.passed[rows])

    def _anchor(self, rows, uniform):
        """Return one anchor of each particle."""
        first, n_more = self.first[rows], (self.last - self.first)[rows]
        return first + (uniform * (n_more + 1)).long().clamp(max=n_more)

    def _times(self, modes, tensor):
        """Take what tells the points of particles at any time."""
        self.weights = tensor(modes.weights)

    def _at(self, anchor):
        """Return the times (n, 1) of anchors."""
        return anchor.unsqueeze(1)

    def _between(self, rows, uniform):
        """Return one time (n, 1) of each particle."""
        first, last = (ends[rows].to(uniform) for ends in (self.first, self.last))
        return torch.lerp(first, last, uniform).unsqueeze(1)

    def _position(self, rows, time):
        """Return the points (n, D) of particles at times (n, 1)."""
        place = time[:, 0] * CELLS
        cell = place.long().clamp(max=len(self.weights) - 2)
        weights = torch.lerp(
            self.weights[cell], self.weights[cell + 1], (place - cell).unsqueeze(1)
        )
        return (weights.unsqueeze(1) @ self.points[rows]).squeeze(1)


class PlaneDataset(ParticleDataset):
    """The same over several hyperparameters: at random places among the knots."""

    def _times(self, modes, tensor):
        self.n_knots = len(modes.vectors)
        self.starts = tensor(modes.places)

    def _at(self, anchor):
        """Return the places (n, P) of anchors, which are the first."""
        return self.starts[anchor]

    def _between(self, rows, uniform):
        """Return one place (n, P) between knots for each particle."""
        n_others = len(self.starts) - self.n_knots
        return self.starts[self.n_knots + (uniform * n_others).long()]

    def _position(self, rows, place):
        """Return the points (n, D) of particles at places (n, P)."""
        return (place[:, : self.n_knots].unsqueeze(1) @ self.points[rows]).squeeze(1)
