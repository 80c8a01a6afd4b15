"""Evaluate a Lagrangian in a plane of outputs, under one condition."""

from itertools import chain

import numpy as np
import torch

from .._utils.torch_state import own_torch_state
from ..lagrangian.support import PathConditions


class LagrangianAt:
    """The Lagrangian under one condition, as a function of places in a plane of outputs."""

    def __init__(self, state, conditions, pair, held):
        self.lagrangian, self.scaler = state.lagrangian, state.outputs.scaler
        self.pair, self.held = list(pair), held
        modules = chain(self.lagrangian.parameters(), self.lagrangian.buffers())
        self.device = next((tensor.device for tensor in modules), "cpu")
        numeric, codes = conditions.tensors(device=self.device)
        group = 0
        if not self.lagrangian.is_flat:
            group = nearest_condition(conditions, state.conditions)
        self.x = PathConditions(numeric, codes, torch.tensor([group], device=self.device))

    @own_torch_state()
    @torch.no_grad()
    def potential(self, places):
        """Return u at places (m, 2), or None."""
        if self.lagrangian.field is None:
            return None
        q = self.lagrangian.read(self._scaled(places))
        return self.lagrangian.field(q, self.x)[0].double().cpu().numpy()

    @own_torch_state()
    @torch.no_grad()
    def metric(self, places):
        """Return the block of G at places (m, 2), in the units of the outputs."""
        scale = self.scaler.scale_[self.pair]
        q = self._scaled(places)
        steps = {}
        for name, step in (("00", (1, 0)), ("11", (0, 1)), ("01", (1, 1))):
            v = torch.zeros_like(q)
            v[..., self.pair] = torch.as_tensor(step / scale, dtype=q.dtype, device=q.device)
            metric, (place, v) = self.lagrangian.metric, map(self.lagrangian.read, (q, v))
            square = (v**2).sum(dim=-1) if metric is None else metric(place, v, self.x)
            steps[name] = square[0].double().cpu().numpy()
        mixed = 0.5 * (steps["01"] - steps["00"] - steps["11"])
        return np.stack([steps["00"], mixed, mixed, steps["11"]], axis=1).reshape(-1, 2, 2)

    def _scaled(self, places):
        """Return scaled places (1, m, D), the other outputs held."""
        y = np.tile(self.held, (len(places), 1))
        y[:, self.pair] = places
        scaled = self.scaler.encode(y)[None]
        return torch.as_tensor(scaled, dtype=torch.float32, device=self.device)


def nearest_condition(conditions, known):
    """Return the number of the condition of the fit that is nearest to the given one."""
    distance = ((known.scaled - conditions.scaled) ** 2).sum(axis=1)
    same = (known.codes == conditions.codes).all(axis=1)
    return int(np.argmin(np.where(same, distance, np.inf)))


def window(values, n_places):
    """Return even places around values."""
    low, high = values.min(), values.max()
    margin = 0.2 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, n_places)


def cell_centers(axis, n_cells):
    """Return the centres of even cells along an axis."""
    return axis[0] + (np.arange(n_cells) + 0.5) * (axis[-1] - axis[0]) / n_cells
