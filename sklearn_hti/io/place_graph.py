"""The place of several hyperparameters as a graph of operations that any runtime has."""

import numpy as np
import torch
from scipy.spatial import Delaunay
from torch import nn

from ..clocks.clock import Clock
from ..field.kernels import Brownian, Matern
from ..field.kriging import Nearest, Simplices
from .clock_graph import ClockGraph

_MOST_SIMPLICES = 2000  # that a graph looks at for every row
_ROUNDING = 1e-6  # of a simplex


class AxisGraph(nn.Module):
    """The place of one hyperparameter, as `NumberAxis.place` and `CategoryAxis.place`.

    Numbers outside the trained range count as its nearest end, and codes as the nearest one.
    """

    def __init__(self, axis):
        super().__init__()
        self.clock = None
        if not axis.is_number:
            levels = axis.place(np.arange(axis.n_levels))
            self.register_buffer("levels", torch.tensor(levels))
            return
        self.clock = ClockGraph(Clock(axis.rule, np.array([axis.low, axis.high]), ""))
        self.bend = axis.bend
        self.first_order = abs(axis.bend) <= 1e-4

    def forward(self, lam):
        """Return places (n, P) of numbers or codes (n,)."""
        if self.clock is None:
            return self.levels[lam.round().long().clamp(0, len(self.levels) - 1)]
        u = self.clock(lam)
        if self.first_order:
            u = u + 0.5 * self.bend * u * (1 - u)
        else:
            u = ((-self.bend * u).exp() - 1) / np.expm1(-self.bend)
        return u.unsqueeze(1)


class KrigingGraph(nn.Module):
    """Weights of knots, as `Kriging.weights`, by a constant matrix."""

    def __init__(self, kriging):
        super().__init__()
        self.kernel = kriging.kernel
        n_knots = len(kriging.knots)
        center, axes = kriging._span
        n_functions = 1 + axes.shape[1] * (kriging.mean == "linear")
        inverse = kriging._solve(np.eye(n_knots + n_functions))[:n_knots].T
        parts = {"knots": kriging.knots, "center": center, "axes": axes, "inverse": inverse}
        self.linear = kriging.mean == "linear"
        _register(self, parts)

    def forward(self, times):
        """Return weights (n, Q) at times (n, k)."""
        blend, apart = self.kernel, _distances(times, self.knots)
        share = blend.rough_fraction
        parts = [
            (1 - share) / blend.smooth_unit * _covariance(blend.smooth, apart)
            + share / blend.rough_unit * _covariance(blend.rough, apart),
            torch.ones_like(apart[:, :1]),
        ]
        if self.linear:
            parts.append((times - self.center) @ self.axes)
        return torch.cat(parts, dim=1) @ self.inverse


class NearestGraph(nn.Module):
    """Weights that copy the nearest knot, as `Nearest.weights`."""

    def __init__(self, rule):
        super().__init__()
        _register(self, {"knots": rule.knots, "every": np.eye(len(rule.knots))})

    def forward(self, times):
        """Return weights (n, Q) at times (n, k)."""
        return self.every[_distances(times, self.knots).argmin(dim=1)]


class SimplicesGraph(nn.Module):
    """Weights of the corners of the simplex around a time, as `Simplices.weights`.

    Outside of all simplices, the nearest knot is copied.

    Raises
    ------
    ValueError
        If there are too many simplices.
    """

    def __init__(self, rule):
        super().__init__()
        center, axes = rule._span
        knots = (rule.knots - center) @ axes
        if knots.shape[1] == 1:
            order = np.argsort(knots[:, 0])
            corners = np.column_stack([order[:-1], order[1:]])
            origin = knots[order[1:]]
            transform = 1 / (knots[order[:-1]] - origin)[:, :, None]
        else:
            mesh = Delaunay(knots)
            sound = np.isfinite(mesh.transform).all(axis=(1, 2))
            corners, of = mesh.simplices[sound], mesh.transform[sound]
            transform, origin = of[:, :-1], of[:, -1]
        if len(corners) > _MOST_SIMPLICES:
            raise ValueError(
                f"export: straight lines replaced the field (see `validation_`) over "
                f"{len(corners)} simplices between trained values, and a graph holds at most "
                f"{_MOST_SIMPLICES}. Fit with validate=False, or save the surrogate."
            )
        parts = {"center": center, "axes": axes, "transform": transform, "origin": origin}
        _register(self, parts | {"every": np.eye(len(knots))})
        self.register_buffer("corners", torch.as_tensor(corners, dtype=torch.int64))
        self.nearest = NearestGraph(Nearest(knots))

    def forward(self, times):
        """Return weights (n, Q) at times (n, k)."""
        z = (times - self.center) @ self.axes
        away = z.unsqueeze(1) - self.origin
        part = (self.transform * away.unsqueeze(2)).sum(dim=3)
        part = torch.cat([part, 1 - part.sum(dim=2, keepdim=True)], dim=2)
        least, simplex = part.amin(dim=2).max(dim=1)
        index = simplex.view(-1, 1, 1).expand(-1, 1, part.shape[2])
        own = part.gather(1, index).squeeze(1)
        weights = (own.unsqueeze(2) * self.every[self.corners[simplex]]).sum(dim=1)
        return torch.where((least >= -_ROUNDING).unsqueeze(1), weights, self.nearest(z))


class PlaceGraph(nn.Module):
    """The place of lambda among the knots of the field, as `PlaceClock.time`."""

    def __init__(self, clock):
        super().__init__()
        self.axes = nn.ModuleList(map(AxisGraph, clock.axes))
        self.lengths = [axis.length for axis in clock.axes]
        rule = clock.field._kriging(clock.knots, clock.field._times(clock.anchors))
        graphs = {Nearest: NearestGraph, Simplices: SimplicesGraph}
        self.weights = graphs.get(type(rule), KrigingGraph)(rule)

    def forward(self, lam):
        """Return weights of the knots, and coordinates, side by side (n, Q + k')."""
        places = [axis(lam[:, j]) for j, axis in enumerate(self.axes)]
        pairs = zip(places, self.lengths, strict=True)
        times = torch.cat([place / length for place, length in pairs], dim=1)
        return torch.cat([self.weights(times), *places], dim=1)


def _register(module, parts):
    for name, value in parts.items():
        # a copy: the file format loses tensors that share memory
        module.register_buffer(name, torch.tensor(value, dtype=torch.float64))


def _distances(times, knots):
    return (times.unsqueeze(1) - knots).square().sum(dim=2).sqrt()


def _covariance(kernel, apart):
    """Return a kernel at distances, as `Matern` and `Brownian` do."""
    if isinstance(kernel, Brownian):
        return -apart
    assert isinstance(kernel, Matern)
    assert kernel.nu in (1.5, 2.5)
    r = apart * ((2 * kernel.nu) ** 0.5 / kernel.length)
    polynomial = 1 + r if kernel.nu == 1.5 else 1 + r + r**2 / 3
    return polynomial * (-r).exp()
