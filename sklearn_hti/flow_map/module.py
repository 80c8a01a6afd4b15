"""The network of the flow map (docs/method.md, equation 51)."""

import math

import torch
from torch import nn

from .._utils.registry import storable
from ..nn.modules import ConditionalMLP
from ..stats.axes import MOST_AXES

_NODES = 2  # nodes per interval of the coefficients of the linear part
_MOST_NODES = 16  # intervals between nodes in all
_MOST_PRODUCTS = 512  # of outputs and categories, for slopes of each category


@storable
class FlowMap(nn.Module):
    """Flow map F(y, x, a, b) = y + sum_r (psi_r(b) - psi_r(a)) c_r(y, x, a).

    Times a and b count anchors: k at anchor k, so every interval has length one. The psi_r are
    the few functions of time in which all particles of the field move
    (`sklearn_hti.field.modes`); without others, the parts of the intervals that have passed. The
    map is exactly the identity at a = b, and one pass of the network at a gives the whole path
    through y.

    The c_r are linear in y and x, with slopes of each category, plus what a network adds, within
    `limit`, so that the map stays sensible where it has seen no data. The coefficients of the
    linear part are piecewise linear in a. Of many outputs, the map reads a few coordinates: cost
    is linear in D.
    """

    def __init__(self, n_outputs, n_intervals, embedding, conditioning, n_modes=None, n_cells=1):
        super().__init__()
        self.n_intervals = n_intervals
        self.n_cells = n_cells
        n_modes = n_intervals if n_modes is None else n_modes
        n_read = min(n_outputs, MOST_AXES)
        self.shape = (n_modes, n_outputs)
        self._read(n_outputs, 1, embedding, conditioning)
        n_codes = sum(embedding.n_categories)
        self.by_category = n_read * n_codes <= _MOST_PRODUCTS
        n_features = 1 + n_read + embedding.n_numeric + n_codes
        n_features += n_read * n_codes * self.by_category
        n_nodes = min(_NODES * n_intervals, _MOST_NODES) + 1
        buffers = {
            # psi at even times, so many cells per interval
            "table": (n_cells * n_intervals + 1, n_modes),
            # location and scale of y at every anchor, and the coordinates that are read
            "y_mean": (n_intervals + 1, n_outputs),
            "y_scale": (n_intervals + 1, n_outputs),
            "axes": (n_outputs, n_read),
            # coefficients of the linear part, scale of what the network adds and the most that
            # it may add
            "linear": (n_nodes, n_features, *self.shape),
            "residual_scale": self.shape,
            "limit": self.shape,
        }
        for name, shape in buffers.items():
            self.register_buffer(name, torch.empty(shape))

    def _read(self, n_outputs, n_places, embedding, conditioning):
        """Make the network that reads outputs, and so many coordinates of lambda."""
        width = min(n_outputs, MOST_AXES) + n_places
        self.net = ConditionalMLP(width, math.prod(self.shape), embedding, conditioning)

    def init_parameters(self, generator):
        """Start with unit scales, no velocity, and a mode for every interval."""
        for name, value in self.named_buffers(recurse=False):
            nn.init.constant_(value, float(name.endswith("scale")))
        nn.init.constant_(self.limit, math.inf)
        nn.init.eye_(self.axes)
        time = torch.arange(len(self.table)).unsqueeze(1) / self.n_cells
        self.table.copy_((time - torch.arange(self.shape[0])).clamp(0, 1))

    @property
    def nodes(self):
        """Times at which the coefficients of the linear part are given."""
        like = {"dtype": self.linear.dtype, "device": self.linear.device}
        return torch.linspace(0, self.n_intervals, len(self.linear), **like)

    def modes(self, y, numeric, codes, start, read=None):
        """Return c_r of the path through y at time `start` (n, 1), as (n, R, D).

        `read` is what the network's `read` has returned for the conditions, if it was asked.
        """
        z = self.normalise(y, start)
        linear = self.linear_modes(z, numeric, codes, start)
        return linear + self.added_modes(z, numeric, codes, start, read)

    def added_modes(self, z, numeric, codes, start, read=None):
        """Return what the network adds to the linear part of the modes."""
        return self._added(z, self._within(start) / self.n_intervals, numeric, codes, read)

    def _added(self, z, place, numeric, codes, read):
        read = self.net.read(numeric, codes) if read is None else read
        added = self.net.respond(torch.cat([z, place], dim=1), *read)
        added = self.residual_scale * added.view(-1, *self.shape)
        return added.clamp(-self.limit, self.limit)

    def normalise(self, y, time):
        """Return what is read of y, relative to location and scale at a time (n, 1).

        Beyond the ends, both go on straight, the scale down to half of that at the end.
        """
        k = time[:, 0].long().clamp(0, self.n_intervals - 1)
        s = time - k.unsqueeze(1)
        mean = torch.lerp(self.y_mean[k], self.y_mean[k + 1], s)
        scale = torch.lerp(self.y_scale[k], self.y_scale[k + 1], s)
        if not torch.compiler.is_exporting():  # times of a graph lie within
            least = torch.lerp(self.y_scale[k], self.y_scale[k + 1], s.clamp(0, 1)) / 2
            scale = torch.maximum(scale, least)
        return self._along_axes((y - mean) / scale)

    def _within(self, time):
        """Return the nearest time within the trained range: what the map knows goes no further."""
        # times of a graph lie within
        return time if torch.compiler.is_exporting() else time.clamp(0, self.n_intervals)

    def _along_axes(self, z):
        return z if self.axes.shape[0] == self.axes.shape[1] else z @ self.axes

    def features(self, z, numeric, codes):
        """Return what the linear part is linear in: y and x, and y for each category alone."""
        one_hot = self.net.embedding.one_hot(codes)
        parts = [z, numeric, *one_hot]
        if self.by_category:
            parts += [(z.unsqueeze(2) * one.unsqueeze(1)).flatten(1) for one in one_hot]
        return torch.cat(parts, dim=1)

    def linear_modes(self, z, numeric, codes, start):
        """Return the linear part of the modes; its coefficients blend between nodes of a."""
        per_interval = (len(self.linear) - 1) / self.n_intervals
        near = (1 - per_interval * (self._within(start) - self.nodes).abs()).clamp(min=0)
        return self._blended(near, z, numeric, codes)

    def _blended(self, near, z, numeric, codes):
        """Return the linear part, with the coefficients of nodes that are near (n, Q)."""
        ones = torch.ones_like(z[:, :1])
        features = torch.cat([ones, self.features(z, numeric, codes)], dim=1)
        blended = (near.unsqueeze(2) * features.unsqueeze(1)).flatten(1)
        return (blended @ self.linear.view(blended.shape[1], -1)).view(-1, *self.shape)

    def passed(self, start, end):
        """Return psi_r(end) - psi_r(start) for times (n, ...), as (n, ..., R)."""
        return self._psi(end) - self._psi(start)

    def _psi(self, time):
        place = time * self.n_cells
        cell = place.detach().long().clamp(0, len(self.table) - 2)
        return torch.lerp(self.table[cell], self.table[cell + 1], (place - cell).unsqueeze(-1))

    def displacement(self, y, numeric, codes, start, end, read=None):
        """Return F(y, x, start, end) - y; times have shape (n, 1)."""
        return (self.passed(start, end) @ self.modes(y, numeric, codes, start, read)).squeeze(1)

    def forward(self, y, numeric, codes, start, end, read=None):
        """Return the output moved from time `start` to time `end`."""
        return y + self.displacement(y, numeric, codes, start, end, read)
