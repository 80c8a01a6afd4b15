"""Networks: a conditioned MLP and the flow map built on it (method.md sections 5 and 6)."""

import math
from itertools import pairwise

import torch
from torch import nn

from .._bends import bend_coefficients, bend_functions
from .conditioning import HyperLayer, Waves

_NODES = 2  # nodes per interval of the coefficients of the linear part
_SOLVED = 0.1  # of the guess's miss: an origin that misses by more is none
_ROUNDING = 16  # of a number: the miss of a guess that cannot be better


class ConditionEmbedding(nn.Module):
    """Turn (numbers, category codes) into one vector of `n_features`."""

    def __init__(self, n_numeric, n_categories):
        super().__init__()
        self.n_numeric = n_numeric
        self.n_categories = tuple(n_categories)
        sizes = [min(8, k) for k in n_categories]
        # made from tensors: to draw weights on the meta device, torch loads its compiler
        self.embeddings = nn.ModuleList(
            nn.Embedding.from_pretrained(torch.empty(k, size), freeze=False)
            for k, size in zip(n_categories, sizes, strict=True)
        )
        self.n_features = n_numeric + sum(sizes)

    def forward(self, numeric, codes):
        """Return the condition vector, (n, n_features)."""
        parts = [e(codes[:, i]) for i, e in enumerate(self.embeddings)]
        return torch.cat([numeric, *parts], dim=1) if parts else numeric

    def one_hot(self, codes):
        """Return one indicator matrix per categorical column."""
        return [nn.functional.one_hot(codes[:, i], k) for i, k in enumerate(self.n_categories)]


class ConditionalMLP(nn.Module):
    """MLP on z that sees the condition x in one layer (`Conditioning`).

    Without a condition it is a plain MLP. The output layer starts at zero.
    """

    def __init__(self, n_inputs, n_outputs, embedding, conditioning, hidden=(128, 128, 128)):
        super().__init__()
        self.embedding = embedding
        self.waves = None
        n_condition = embedding.n_features
        if conditioning.encoding == "sinusoidal" and embedding.n_numeric:
            self.waves = Waves(embedding.n_numeric, conditioning.n_frequencies)
            n_condition += self.waves.n_features
        kind = conditioning.kind if n_condition else "none"
        self.concat = kind == "concat"
        self.film = nn.Linear(n_condition, 2 * hidden[0]) if kind == "film" else None
        sizes = [n_inputs + (n_condition if self.concat else 0), *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.hyper = None
        if kind == "hypernetwork":
            self.hyper = HyperLayer(*sizes[-2:], n_condition, conditioning.n_bases)
        self.output = nn.Linear(hidden[-1], n_outputs)

    def init_parameters(self, generator):
        """Start at zero output: the identity map."""
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, z, numeric, codes):
        """Return the outputs for z (n, ..., n_inputs): one condition may have many z."""
        return self.respond(z, *self.read(numeric, codes))

    def read(self, numeric, codes):
        """Return what conditions mean to the layers: a vector, and with FiLM a scale and a shift.

        Many calls under the same conditions need it once.
        """
        condition = self.embedding(numeric, codes)
        if self.waves is not None:
            condition = torch.cat([condition, self.waves(numeric)], dim=1)
        if self.film is None:
            return condition, None, None
        scale, shift = self.film(condition).chunk(2, dim=-1)
        return condition, 1 + scale, shift

    def respond(self, z, condition, scale, shift):
        """Return the outputs for z under conditions that were read."""
        if z.dim() > 2:
            wide = (slice(None), *[None] * (z.dim() - 2))
            condition, scale, shift = (
                v if v is None else v[wide] for v in (condition, scale, shift)
            )
        if self.concat:
            z = torch.cat([z, condition.expand(*z.shape[:-1], -1)], dim=-1)
        hidden = self.layers[0](z)
        if scale is not None:
            hidden = torch.addcmul(shift, hidden, scale)
        for layer in self.layers[1:]:
            z = nn.functional.silu(hidden)
            hidden = layer(z)
        if self.hyper is not None:
            hidden = hidden + self.hyper(z, condition)
        return self.output(nn.functional.silu(hidden))


class FlowMap(nn.Module):
    """Flow map F(y, x, a, b) = y + sum_k sum_m (g_km(b) - g_km(a)) u_km(y, x, a).

    Times a and b count anchors: k at anchor k, so every interval has length one. Within
    interval k a trajectory is a chord and its bends: g_k0 is the part of the interval that
    has passed and u_k0 the velocity along the chord; g_km for m >= 1 are functions that
    vanish at both ends (`sklearn_hti._bends`). The map is exactly the identity at
    a = b, and one pass of the network at a gives the whole trajectory through y.

    The u are linear in (y, x) plus what a network adds, within `limit`, so that the map stays
    sensible where it has seen no data. The coefficients of the linear part are piecewise
    linear in a.
    """

    def __init__(self, n_outputs, n_intervals, embedding, conditioning, n_bends=0):
        super().__init__()
        self.n_intervals = n_intervals
        self.shape = (n_intervals * (1 + n_bends), n_outputs)
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
            "bends": (n_bends, n_bends + 2),
        }
        for name, shape in buffers.items():
            self.register_buffer(name, torch.empty(shape))

    def init_parameters(self, generator):
        """Start with unit scales and no velocity."""
        for name, value in self.named_buffers(recurse=False):
            nn.init.constant_(value, float(name.endswith("scale")))
        nn.init.constant_(self.limit, math.inf)
        self.bends.copy_(torch.as_tensor(bend_coefficients(len(self.bends))))

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
        if len(self.bends):
            bent = bend_functions(s1, self.bends) - bend_functions(s0, self.bends)
            parts = torch.cat([parts, bent], dim=-1)
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
        given = numeric, codes
        read = self.net.read(*given)
        origin = guess = best = self(y, *given, start, reference, read)
        miss = self(origin, *given, reference, start, read) - y
        first = smallest = miss.square().sum(dim=1, keepdim=True)
        inverse = torch.eye(y.shape[1], dtype=y.dtype, device=y.device).repeat(y.shape[0], 1, 1)
        for _ in range(n_steps):
            step = -(inverse @ miss.unsqueeze(2))
            origin = origin + step.squeeze(2)
            previous, miss = miss, self(origin, *given, reference, start, read) - y
            error = miss.square().sum(dim=1, keepdim=True)
            best = torch.where(error < smallest, origin, best)
            smallest = torch.minimum(error, smallest)
            change = inverse @ (miss - previous).unsqueeze(2)
            scale = (step * change).sum(dim=1, keepdim=True)
            scale = torch.where(scale.abs() > 1e-30, scale, torch.inf)
            inverse = inverse + (step - change) @ (step.mT @ inverse) / scale
        rounding = (_ROUNDING * torch.finfo(y.dtype).eps) ** 2 * (1 + y.square().sum(1, True))
        return best, guess, smallest <= _SOLVED**2 * first + rounding
