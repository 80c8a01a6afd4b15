"""Geodesics: the cheapest path between two points, and its cost (docs/method.md, equation 43)."""

from typing import Any

import numpy as np
import torch
from torch import nn

from .._utils.random import build_module
from ..lagrangian.growth import growth_cost
from ..lagrangian.support import path_conditions
from ..nn.modules import ConditionalMLP
from .deviation import N_COEFFICIENTS, fit_deviation
from .spline import retime, spline_basis

_HIDDEN = (128, 128)
_CHUNK = 8192  # paths per pass


class SplinePaths(nn.Module):
    """Amortised paths q = chord + |y1 - y0| B n(y0, y1, x) with exact end points.

    B is the basis of natural cubic splines over interior nodes, n a network that starts at
    zero: the straight line.
    """

    def __init__(self, n_outputs, n_nodes, n_segments, embedding, conditioning):
        super().__init__()
        self.shape = (n_nodes, n_outputs)
        self.net = ConditionalMLP(
            2 * n_outputs, n_nodes * n_outputs, embedding, conditioning, _HIDDEN
        )
        self.register_buffer("basis", torch.empty(n_segments + 1, n_nodes))

    def init_parameters(self, generator):
        """Fill the basis."""
        n_segments, n_nodes = self.basis.shape[0] - 1, self.basis.shape[1]
        self.basis.copy_(torch.as_tensor(spline_basis(n_nodes, n_segments)))

    def nodes(self, y0, y1, x):
        """Return the offsets of the nodes from the chord, (n, M, D)."""
        gap = y1 - y0
        offsets = self.net(torch.cat([y0, gap], dim=1), x.numeric, x.codes).view(-1, *self.shape)
        return gap.norm(dim=1).view(-1, 1, 1) * offsets

    def path(self, y0, y1, nodes):
        """Return the path through given nodes at even times, (n, T + 1, D)."""
        s = torch.linspace(0, 1, len(self.basis), dtype=y0.dtype, device=y0.device).unsqueeze(1)
        return torch.lerp(y0.unsqueeze(1), y1.unsqueeze(1), s) + self.basis @ nodes

    def forward(self, y0, y1, x):
        """Return the path from y0 to y1 under condition x."""
        return self.path(y0, y1, self.nodes(y0, y1, x))


class StraightGeodesic:
    """The geodesics of a Euclidean Lagrangian without potential: straight lines."""

    is_straight = True

    def cost_matrix(self, y0: Any, y1: Any, rows: Any = None) -> Any:
        """Return ``c(y0_i, y1_j) = |y1_j - y0_i|^2 / 2``, shape (n0, n1)."""
        from ot import dist

        return 0.5 * dist(y0, y1, metric="sqeuclidean")

    def cost_matrices(self, y0: Any, y1: Any, parts: Any, rows: Any = None) -> Any:
        """Yield the cost matrices between some rows i of y0 and j of y1."""
        return (self.cost_matrix(y0[i], y1[j]) for i, j in parts)


class GrowingChords(StraightGeodesic):
    """Straight lines of a Lagrangian with a growth term: outputs far apart cost all the same.

    Parameters
    ----------
    delta : float
        What growth costs (docs/method.md, equation 65).
    """

    def __init__(self, delta):
        self.delta = delta

    def cost_matrix(self, y0, y1, rows=None):
        """Return the least action between two outputs of mass one, shape (n0, n1)."""
        squares = 2 * super().cost_matrix(y0, y1)
        return growth_cost(np.sqrt(squares.clip(min=0)), self.delta)


class Geodesic:
    """Learned geodesics of a Lagrangian, between numpy arrays in scaled units.

    Parameters
    ----------
    paths : SplinePaths
        The path network.
    lagrangian : Lagrangian
        What paths cost.
    data : TrainingData
        Rows whose conditions are meant by `rows`.
    device : str
        Where both run.
    component : GeodesicPath
        How paths are refined, and what speed is constant along them.
    """

    is_straight = False

    def __init__(
        self, paths: Any, lagrangian: Any, data: Any, device: str, component: Any
    ) -> None:
        self.paths = paths
        self.lagrangian = lagrangian
        self.data = data
        self.device = device
        self.refine_steps = component.refine_steps
        self.constant_speed = component.constant_speed

    def cost_matrix(self, y0: Any, y1: Any, rows: Any) -> Any:
        """Return c(y0_i, y1_j | x of row_i), shape (n0, n1)."""
        every = np.arange(len(y0)), np.arange(len(y1))
        return next(self.cost_matrices(y0, y1, [every], rows))

    def cost_matrices(self, y0: Any, y1: Any, parts: Any, rows: Any) -> Any:
        """Yield c(y0_i, y1_j | x of row_i) between some rows i of y0 and j of y1.

        Small ones are priced together: passes of the networks over few paths take as long as
        over many.
        """
        for some in _together(parts, _CHUNK):
            i = np.concatenate([np.repeat(i, len(j)) for i, j in some])
            j = np.concatenate([np.tile(j, len(i)) for i, j in some])
            cost = self.cost(y0[i], y1[j], rows[i], coarse=True)
            ends = np.cumsum([len(i) * len(j) for i, j in some])[:-1]
            for (i, j), part in zip(some, np.split(cost, ends), strict=True):
                yield part.reshape(len(i), len(j))

    def cost(self, y0: Any, y1: Any, rows: Any, *, coarse: Any = False) -> Any:
        """Return c(y0, y1 | x), row by row, where x is that of the training rows.

        With `coarse`, every other point of the path is enough: to rank pairs.
        """
        stride = 2 if coarse and len(self.paths.basis) % 2 else 1
        return self._over_chunks(
            lambda path, x: self.lagrangian(path[:, ::stride], x)[0], y0, y1, rows
        )

    def path(self, y0: Any, y1: Any, rows: Any) -> Any:
        """Return paths (n, T + 1, D) that run at constant speed."""
        path = self._over_chunks(lambda path, x: path, y0, y1, rows)
        if self.constant_speed == "metric":
            speed = self._over_chunks(
                lambda path, x: self.lagrangian.speed(path, x)[0], y0, y1, rows
            )
        else:
            speed = np.linalg.norm(np.diff(path, axis=1), axis=2)
        return retime(path, speed)

    def between(self, trajectories: Any, edges: Any, n_points: Any) -> Any:
        """Return evenly spaced points (N, K, n_points, D) of the geodesics along K edges."""
        points = trajectories.points
        n, _, n_outputs = points.shape
        between = np.empty((n, len(edges), n_points, n_outputs))
        s = np.linspace(0, len(self.paths.basis) - 1, n_points + 2)[1:-1]
        low = np.minimum(s.astype(int), len(self.paths.basis) - 2)
        part_way = (s - low)[:, None]
        for begin in range(0, n, _CHUNK):
            part = slice(begin, begin + _CHUNK)
            rows = trajectories.origin[part]
            for k, (a, b) in enumerate(edges):
                path = self.path(points[part, a], points[part, b], rows)
                between[part, k] = (1 - part_way) * path[:, low] + part_way * path[:, low + 1]
        return between

    def deviation(self, trajectories: Any) -> Any:
        """Return the deviations (N, K, M, D) of the geodesics between knots of trajectories."""
        points = trajectories.points
        n, n_knots, n_outputs = points.shape
        deviation = np.empty((n, n_knots - 1, N_COEFFICIENTS, n_outputs))
        for begin in range(0, n, _CHUNK):
            part = slice(begin, begin + _CHUNK)
            rows = trajectories.origin[part]
            for k in range(n_knots - 1):
                path = self.path(points[part, k], points[part, k + 1], rows)
                deviation[part, k] = fit_deviation(path)
        return deviation

    def _over_chunks(self, function, y0, y1, rows):
        out = []
        for begin in range(0, len(y0), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            x = path_conditions(self.data, rows[part], self.device)
            start, end = (
                torch.as_tensor(y[part], dtype=torch.float32, device=self.device) for y in (y0, y1)
            )
            path = self._best_path(start, end, x)
            with torch.no_grad():
                out.append(function(path, x).double().cpu().numpy())
        return np.concatenate(out)

    def _best_path(self, y0, y1, x):
        """Return the network's path after `refine_steps` steps of Adam on its nodes."""
        with torch.no_grad():
            nodes = self.paths.nodes(y0, y1, x)
        if self.refine_steps:
            nodes = refine(self.paths, self.lagrangian, y0, y1, nodes, x, self.refine_steps)
        with torch.no_grad():
            return self.paths.path(y0, y1, nodes)


def _together(parts, size):
    """Yield lists of parts that hold at least so many pairs of rows in all, but for the last."""
    some, n_pairs = [], 0
    for part in parts:
        some.append(part)
        n_pairs += len(part[0]) * len(part[1])
        if n_pairs >= size:
            yield some
            some, n_pairs = [], 0
    if some:
        yield some


def refine(paths, lagrangian, y0, y1, nodes, x, n_steps):
    """Improve the nodes of paths by gradient steps on their cost; each keeps its best."""
    scale = (y1 - y0).norm(dim=1).clamp(min=1e-6).view(-1, 1, 1)
    offsets = (nodes / scale).requires_grad_()
    optimizer = torch.optim.Adam([offsets], lr=0.01)
    best, lowest = nodes, torch.full((len(nodes),), torch.inf, device=nodes.device)
    for step in range(n_steps + 1):
        cost, _ = lagrangian(paths.path(y0, y1, scale * offsets), x)
        better = cost.detach() < lowest
        lowest = torch.where(better, cost.detach(), lowest)
        best = torch.where(better.view(-1, 1, 1), (scale * offsets).detach(), best)
        if step < n_steps:
            (offsets.grad,) = torch.autograd.grad((cost / scale.view(-1) ** 2).sum(), offsets)
            optimizer.step()
    return best


def build_paths(component, n_outputs, training):
    """Return an untrained path network: straight lines."""
    return build_module(
        lambda: SplinePaths(
            n_outputs,
            component.n_nodes,
            component.n_segments,
            training.embedding(),
            training.conditioning,
        ),
        training.seeds["paths"],
    )
