"""The coordinates of outputs in torch: for potentials of users, and for exported graphs."""

import torch
from torch import nn

from .._utils.registry import storable
from .coordinates import Log, Logit, LogRatio


@storable
class CoordinateGraph(nn.Module):
    """Encodes and decodes tensors of outputs (n, D).

    Parameters
    ----------
    coordinates : Log, Logit, LogRatio or None
        What is put into torch.
    """

    def __init__(self, coordinates):
        super().__init__()
        self.kind = type(coordinates).__name__
        named = {} if coordinates is None else vars(coordinates)
        for name in ("low", "high", "basis", "floor"):
            value = torch.as_tensor(named.get(name, 0.0), dtype=torch.float64)
            self.register_buffer(name, value)

    def encode(self, y):
        """Return the coordinates of outputs."""
        if self.kind == Log.__name__:
            return torch.log(y)
        if self.kind == Logit.__name__:
            within = (y - self.low) / (self.high - self.low)
            within = torch.where(within > 0, within, self.floor)
            within = torch.where(within < 1, within, 1 - self.floor)
            return torch.log(within) - torch.log1p(-within)
        if self.kind == LogRatio.__name__:
            parts = y.unflatten(-1, (-1, self.basis.shape[1]))
            least = torch.where(parts > 0, parts, torch.inf).amin(-1, keepdim=True)
            parts = torch.where(parts > 0, parts, torch.minimum(least / 2, self.floor))
            return (torch.log(parts) @ self.basis.T).flatten(-2)
        return y

    def decode(self, z):
        """Return outputs at coordinates."""
        if self.kind == Log.__name__:
            return torch.exp(z)
        if self.kind == Logit.__name__:
            return self.low + (self.high - self.low) * torch.sigmoid(z)
        if self.kind == LogRatio.__name__:
            blocks = z.unflatten(-1, (-1, self.basis.shape[0]))
            return torch.softmax(blocks @ self.basis, dim=-1).flatten(-2)
        return z


def graph_of(coordinates, what):
    """Return the CoordinateGraph of coordinates; raise for a transformer, which torch lacks."""
    if isinstance(coordinates, Log | Logit | LogRatio | None):
        return CoordinateGraph(coordinates)
    raise ValueError(
        f"{what} needs the outputs in torch, where output_transform="
        f"{coordinates.transformer!r} is not known; take 'simplex', 'log' or 'logit', or apply "
        "the transformer to y before `fit`."
    )
