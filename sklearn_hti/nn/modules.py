"""Networks: a conditioned MLP and the flow map built on it (method.md sections 5 and 6)."""

from itertools import pairwise

import torch
from torch import nn


class ConditionEmbedding(nn.Module):
    """Turn (numbers, category codes) into one vector of `n_features`."""

    def __init__(self, n_numeric, n_categories):
        super().__init__()
        sizes = [min(8, k) for k in n_categories]
        self.embeddings = nn.ModuleList(
            nn.Embedding(k, size) for k, size in zip(n_categories, sizes, strict=True)
        )
        self.n_features = n_numeric + sum(sizes)

    def forward(self, numeric, codes):
        """Return the condition vector, (n, n_features)."""
        parts = [e(codes[:, i]) for i, e in enumerate(self.embeddings)]
        return torch.cat([numeric, *parts], dim=1)


class ConditionalMLP(nn.Module):
    """MLP on z whose first hidden layer sees the condition x.

    ``"concat"`` appends x to z; ``"film"`` scales and shifts the first hidden layer by
    linear functions of x. The output layer starts at zero.
    """

    def __init__(self, n_inputs, n_outputs, embedding, conditioning, hidden=(128, 128, 128)):
        super().__init__()
        n_condition = embedding.n_features
        self.embedding = embedding
        self.concat = conditioning == "concat" and n_condition > 0
        self.film = None
        if conditioning == "film" and n_condition:
            self.film = nn.Linear(n_condition, 2 * hidden[0])
        sizes = [n_inputs + (n_condition if self.concat else 0), *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.output = nn.Linear(hidden[-1], n_outputs)

    def init_parameters(self, generator):
        """Start at zero output: the identity map."""
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, z, numeric, codes):
        """Return the outputs, (n, n_outputs)."""
        condition = self.embedding(numeric, codes)
        if self.concat:
            z = torch.cat([z, condition], dim=1)
        hidden = self.layers[0](z)
        if self.film is not None:
            scale, shift = self.film(condition).chunk(2, dim=1)
            hidden = torch.addcmul(shift, hidden, 1 + scale)
        hidden = nn.functional.silu(hidden)
        for layer in self.layers[1:]:
            hidden = nn.functional.silu(layer(hidden))
        return self.output(hidden)


class FlowMap(nn.Module):
    """Flow map F(y, x, a, b) = y + sum_k (length of [a, b] in interval k) v_k(y, x, a).

    Times a and b count anchors: k at anchor k, so every interval has length one. The map is
    exactly the identity at a = b. Paths are straight within an interval, so the velocities
    v_k of the trajectory through y at time a do not depend on b, and one pass of the network
    gives the whole trajectory.
    """

    def __init__(self, n_outputs, n_intervals, embedding, conditioning):
        super().__init__()
        self.shape = (n_intervals, n_outputs)
        self.net = ConditionalMLP(n_outputs + 1, n_intervals * n_outputs, embedding, conditioning)
        # location and scale of y at every knot, and of the velocity in every interval
        for name, shape in (("y", (n_intervals + 1, n_outputs)), ("v", self.shape)):
            self.register_buffer(f"{name}_mean", torch.zeros(shape))
            self.register_buffer(f"{name}_scale", torch.ones(shape))

    def init_parameters(self, generator):
        """Fill the buffers."""
        for name in ("y", "v"):
            nn.init.zeros_(getattr(self, f"{name}_mean"))
            nn.init.ones_(getattr(self, f"{name}_scale"))

    def velocities(self, y, numeric, codes, start):
        """Return v_k of the trajectory through y at time `start` (n, 1), as (n, K, D)."""
        n_intervals, _ = self.shape
        k = start[:, 0].floor().clamp(0, n_intervals - 1).long()
        s = start - k.unsqueeze(1)
        mean = torch.lerp(self.y_mean[k], self.y_mean[k + 1], s)
        scale = torch.lerp(self.y_scale[k], self.y_scale[k + 1], s)
        z = torch.cat([(y - mean) / scale, start / n_intervals], dim=1)
        return self.v_mean + self.v_scale * self.net(z, numeric, codes).view(-1, *self.shape)

    def displacement(self, y, numeric, codes, start, end):
        """Return F(y, x, start, end) - y; times have shape (n, 1)."""
        velocities = self.velocities(y, numeric, codes, start)
        return (self.lengths(start, end).unsqueeze(2) * velocities).sum(dim=1)

    def lengths(self, start, end):
        """Return the signed length of [start, end] in every interval, (n, K)."""
        left = torch.arange(self.shape[0], dtype=start.dtype, device=start.device)
        return (end - left).clamp(0, 1) - (start - left).clamp(0, 1)

    def forward(self, y, numeric, codes, start, end):
        """Return the output moved from time `start` to time `end`."""
        return y + self.displacement(y, numeric, codes, start, end)
