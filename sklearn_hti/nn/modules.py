"""Networks: a conditioned MLP and the flow map built on it (method.md sections 5 and 6)."""

import torch
from torch import nn

CONDITIONINGS = ("film", "concat")


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

    def __init__(
        self, n_inputs, n_outputs, embedding, conditioning, hidden=(128, 128, 128)
    ):
        super().__init__()
        n_condition = embedding.n_features
        self.embedding = embedding
        self.concat = conditioning == "concat" and n_condition > 0
        self.film = None
        if conditioning == "film" and n_condition:
            self.film = nn.Linear(n_condition, 2 * hidden[0])
        sizes = [n_inputs + (n_condition if self.concat else 0), *hidden]
        self.layers = nn.ModuleList(
            nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)
        )
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
    """Flow map F(y, x, a, b) = y + sum_k (length of [a, b] in interval k) net_k(y, x, a, b).

    Times a and b count anchors: k at anchor k, so every interval has length one. The map is
    exactly the identity at a = b.
    """

    def __init__(self, n_outputs, n_intervals, embedding, conditioning):
        super().__init__()
        self.n_outputs = n_outputs
        self.n_intervals = n_intervals
        self.net = ConditionalMLP(
            n_outputs + 2, n_intervals * n_outputs, embedding, conditioning
        )
        self.register_buffer("center", torch.zeros(n_outputs))
        self.register_buffer("scale", torch.ones(n_outputs))

    def init_parameters(self, generator):
        """Fill the buffers."""
        nn.init.zeros_(self.center)
        nn.init.ones_(self.scale)

    def displacement(self, y, numeric, codes, start, end):
        """Return F(y, x, start, end) - y; times have shape (n, 1)."""
        left = torch.arange(self.n_intervals, dtype=y.dtype, device=y.device)
        length = (end - left).clamp(0, 1) - (start - left).clamp(0, 1)
        z = torch.cat([(y - self.center) / self.scale, start - end, end], dim=1)
        velocity = self.net(z, numeric, codes)
        velocity = velocity.view(-1, self.n_intervals, self.n_outputs)
        return (length.unsqueeze(2) * velocity).sum(dim=1) * self.scale

    def forward(self, y, numeric, codes, start, end):
        """Return the output moved from time `start` to time `end`."""
        return y + self.displacement(y, numeric, codes, start, end)
