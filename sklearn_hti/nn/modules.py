"""Networks: an MLP conditioned on x (docs/method.md, section 10)."""

from itertools import pairwise

import torch
from torch import nn

from .._utils.registry import storable
from .conditioning import HyperLayer, Waves


@storable
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


@storable
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
