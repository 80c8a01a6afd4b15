"""The flow map over several hyperparameters (docs/method.md, section 8)."""

import torch
from torch import nn

from .._utils.registry import storable
from .module import FlowMap


@storable
class PlaneFlowMap(FlowMap):
    """Flow map F(y, x, a, b) between places a and b among the knots of the field.

    A place is the weights of the Q knots, and coordinates (`sklearn_hti.field.place.PlaceClock`).
    The functions psi_r, the location and scale of y, and the coefficients of the linear part are
    known at the knots, and blend by the weights.
    """

    def __init__(self, n_outputs, n_knots, n_places, embedding, conditioning, n_modes):
        super().__init__(n_outputs, n_knots - 1, embedding, conditioning, n_modes)
        self.n_knots = n_knots
        self._read(n_outputs, n_places, embedding, conditioning)
        buffers = {
            "table": (n_knots, n_modes),
            "linear": (n_knots, *self.linear.shape[1:]),
        }
        for name, shape in buffers.items():
            self.register_buffer(name, torch.empty(shape))

    def init_parameters(self, generator):
        """Start with unit scales and no velocity."""
        for name, value in self.named_buffers(recurse=False):
            nn.init.constant_(value, float(name.endswith("scale")))
        nn.init.constant_(self.limit, torch.inf)
        nn.init.eye_(self.axes)

    def added_modes(self, z, numeric, codes, start, read=None):
        """Return what the network adds to the linear part of the modes."""
        return self._added(z, start[:, self.n_knots :], numeric, codes, read)

    def normalise(self, y, place):
        """Return what is read of y, relative to location and scale at a place."""
        weights = place[:, : self.n_knots]
        mean = weights @ self.y_mean
        # weights may be negative; scales are not
        weights = weights.clamp(min=0)
        scale = (weights / weights.sum(dim=1, keepdim=True)) @ self.y_scale
        return self._along_axes((y - mean) / scale)

    def linear_modes(self, z, numeric, codes, start):
        """Return the linear part of the modes; its coefficients blend between knots."""
        return self._blended(start[:, : self.n_knots], z, numeric, codes)

    def _psi(self, place):
        return place[..., : self.n_knots] @ self.table

    def passed(self, start, end):
        """Return psi_r(end) - psi_r(start) for places (n, P) and (n, T, P), as (n, T, R)."""
        return self._psi(end) - self._psi(start).unsqueeze(1)
