"""The network of the flow map (docs/method.md, equation 51)."""

import math

import torch
from torch import nn

from .._utils.registry import storable
from ..nn.modules import ConditionalMLP
from ..paths.deviation import basis_values, deviation_basis

_NODES = 2  # nodes per interval of the coefficients of the linear part
_SOLVED = 0.1  # of the guess's miss: an origin that misses by more is none
_ROUNDING = 16  # of a number: the miss of a guess that cannot be better


@storable
class FlowMap(nn.Module):
    """Flow map F(y, x, a, b) = y + sum_k sum_m (g_km(b) - g_km(a)) u_km(y, x, a).

    Times a and b count anchors: k at anchor k, so every interval has length one. Within
    interval k a trajectory is a chord and its deviation: g_k0 is the part of the interval that
    has passed and u_k0 the velocity along the chord; g_km for m >= 1 are functions that
    vanish at both ends (`sklearn_hti.paths.deviation`). The map is exactly the identity at
    a = b, and one pass of the network at a gives the whole trajectory through y.

    The u are linear in (y, x) plus what a network adds, within `limit`, so that the map stays
    sensible where it has seen no data. The coefficients of the linear part are piecewise
    linear in a.
    """

    def __init__(self, n_outputs, n_intervals, embedding, conditioning, n_coefficients=0):
        super().__init__()
        self.n_intervals = n_intervals
        self.shape = (n_intervals * (1 + n_coefficients), n_outputs)
        self.net = ConditionalMLP(n_outputs + 1, math.prod(self.shape), embedding, conditioning)
        n_features = 1 + n_outputs + embedding.n_numeric + sum(embedding.n_categories)
        buffers = {
            # location and scale of y at every knot
            "y_mean": (n_intervals + 1, n_outputs),
            "y_scale": (n_intervals + 1, n_outputs),
            # coefficients of the linear part, scale of what the network adds and the most that
            # it may add, scale of both
            "linear": (_NODES * n_intervals + 1, n_features, *self.shape),
            "residual_scale": self.shape,
            "limit": self.shape,
            "v_scale": self.shape,
            "basis": (n_coefficients, n_coefficients + 2),
        }
        for name, shape in buffers.items():
            self.register_buffer(name, torch.empty(shape))

    def init_parameters(self, generator):
        """Start with unit scales and no velocity."""
        for name, value in self.named_buffers(recurse=False):
            nn.init.constant_(value, float(name.endswith("scale")))
        nn.init.constant_(self.limit, math.inf)
        self.basis.copy_(torch.as_tensor(deviation_basis(len(self.basis))))

    @property
    def nodes(self):
        """Times at which the coefficients of the linear part are given."""
        like = {"dtype": self.linear.dtype, "device": self.linear.device}
        return torch.arange(len(self.linear), **like) / _NODES

    def modes(self, y, numeric, codes, start, read=None):
        """Return u_km of the trajectory through y at time `start` (n, 1), as (n, K (1 + M), D).

        `read` is what the network's `read` has returned for the conditions, if it was asked.
        """
        z = self.normalise(y, start)
        linear = self.linear_modes(z, numeric, codes, start)
        return linear + self.added_modes(z, numeric, codes, start, read)

    def added_modes(self, z, numeric, codes, start, read=None):
        """Return what the network adds to the linear part of the modes."""
        read = self.net.read(numeric, codes) if read is None else read
        added = self.net.respond(torch.cat([z, start / self.n_intervals], dim=1), *read)
        added = self.residual_scale * added.view(-1, *self.shape)
        return added.clamp(-self.limit, self.limit)

    def normalise(self, y, time):
        """Return y relative to its location and scale at a time (n, 1)."""
        k = time[:, 0].long().clamp(0, self.n_intervals - 1)
        s = time - k.unsqueeze(1)
        mean = torch.lerp(self.y_mean[k], self.y_mean[k + 1], s)
        return (y - mean) / torch.lerp(self.y_scale[k], self.y_scale[k + 1], s)

    def linear_modes(self, z, numeric, codes, start):
        """Return the linear part of the modes; its coefficients blend between nodes of a."""
        one_hot = self.net.embedding.one_hot(codes)
        features = torch.cat([torch.ones_like(start), z, numeric, *one_hot], dim=1)
        near = (1 - _NODES * (start - self.nodes).abs()).clamp(min=0)
        blended = (near.unsqueeze(2) * features.unsqueeze(1)).flatten(1)
        return (blended @ self.linear.view(blended.shape[1], -1)).view(-1, *self.shape)

    def passed(self, start, end):
        """Return g_km(end) - g_km(start) for times (n, ...), as (n, ..., K (1 + M))."""
        left = torch.arange(self.n_intervals, dtype=start.dtype, device=start.device)
        s0, s1 = ((t.unsqueeze(-1) - left).clamp(0, 1) for t in (start, end))
        parts = (s1 - s0).unsqueeze(-1)
        if len(self.basis):
            deviation = basis_values(s1, self.basis) - basis_values(s0, self.basis)
            parts = torch.cat([parts, deviation], dim=-1)
        return parts.flatten(-2)

    def displacement(self, y, numeric, codes, start, end, read=None):
        """Return F(y, x, start, end) - y; times have shape (n, 1)."""
        return (self.passed(start, end) @ self.modes(y, numeric, codes, start, read)).squeeze(1)

    def forward(self, y, numeric, codes, start, end, read=None):
        """Return the output moved from time `start` to time `end`."""
        return y + self.displacement(y, numeric, codes, start, end, read)

    def origins(self, y, numeric, codes, start, reference, n_steps=8):
        """Return the outputs at time `reference` whose trajectories run through y.

        The map itself gives the first guess; Broyden's method then solves
        F(origin, x, reference, start) = y. Each row keeps its best iterate. Returned beside
        it: the guess, and whether the row is solved (n, 1), where most of what the guess
        misses is gone.
        """
        read = self.net.read(numeric, codes)

        def missed(origin):
            return self(origin, numeric, codes, reference, start, read) - y

        origin = guess = best = self(y, numeric, codes, start, reference, read)
        miss = missed(origin)
        first = smallest = miss.square().sum(dim=1, keepdim=True)
        inverse = torch.eye(y.shape[1], dtype=y.dtype, device=y.device).repeat(y.shape[0], 1, 1)
        for _ in range(n_steps):
            step = -(inverse @ miss.unsqueeze(2))
            origin = origin + step.squeeze(2)
            previous, miss = miss, missed(origin)
            error = miss.square().sum(dim=1, keepdim=True)
            best = torch.where(error < smallest, origin, best)
            smallest = torch.minimum(error, smallest)
            change = inverse @ (miss - previous).unsqueeze(2)
            scale = (step * change).sum(dim=1, keepdim=True)
            scale = torch.where(scale.abs() > 1e-30, scale, torch.inf)
            inverse = inverse + (step - change) @ (step.mT @ inverse) / scale
        rounding = (_ROUNDING * torch.finfo(y.dtype).eps) ** 2 * (1 + y.square().sum(1, True))
        return best, guess, smallest <= _SOLVED**2 * first + rounding
