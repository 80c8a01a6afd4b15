"""The coordinates of outputs in torch: for potentials of users, and for exported graphs."""

import torch
from torch import nn

from .._utils.registry import storable
from .codec import Principal
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


@storable
class CodecGraph(nn.Module):
    """Principal coordinates (n, R) of free outputs (n, D), and back; None keeps outputs."""

    def __init__(self, codec):
        super().__init__()
        self.keeps = codec is None
        for name in ("center", "scale", "axes"):
            value = torch.as_tensor(getattr(codec, name, 0.0), dtype=torch.float64)
            self.register_buffer(name, value)

    def encode(self, v):
        """Return the coordinates of values."""
        return v if self.keeps else ((v - self.center) / self.scale) @ self.axes.T

    def decode(self, z):
        """Return values at coordinates."""
        return z if self.keeps else self.spread(z) + self.center

    def spread(self, z):
        """Return how far values move while coordinates move by z."""
        return z if self.keeps else (z @ self.axes) * self.scale


def graph_of(part, what):
    """Return coordinates or codec in torch; raise for a transformer, which torch lacks."""
    if isinstance(part, Principal):
        return CodecGraph(part)
    if isinstance(part, Log | Logit | LogRatio | None):
        return CoordinateGraph(part)
    raise ValueError(
        f"{what} needs the outputs in torch, which does not support output_transform="
        f"{part.transformer!r}; use 'simplex', 'log' or 'logit', or apply "
        "the transformer to y before `fit`."
    )


def graphs_of(outputs, what):
    """Return the graphs of coordinates and codec of an OutputSpace."""
    codec = CodecGraph(None) if outputs.codec is None else graph_of(outputs.codec, what)
    return graph_of(outputs.coordinates, what), codec
