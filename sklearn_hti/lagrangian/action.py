"""The Lagrangian of paths: kinetic and potential energy as a cost (docs/method.md, section 2)."""

from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import nn

from .._utils.registry import storable

COSTS = ("jacobi", "action", "study")


@storable
class Lagrangian(nn.Module):
    """Cost of paths q (n, T + 1, D), sampled at even times, under conditions x.

    Parameters
    ----------
    metric : torch.nn.Module or None
        v' G(q, x) v; None is the Euclidean metric.
    field : torch.nn.Module or None
        u(q, x) of the potential, with its `level`.
    weight, cap : float
        Of the potential.
    cost : {"jacobi", "action", "study"}
        How both make a cost.
    axes : array-like of shape (D, R), default=None
        Coordinates that metric and potential read; None: the outputs themselves.
    growth : float, default=None
        What it costs mass to grow, delta of equation 64; None: it does not.
    """

    growth: float | None = None  # of those of older files

    def __init__(
        self,
        metric: Any,
        field: Any,
        weight: float = 0.0,
        cap: float = torch.inf,
        cost: str = "jacobi",
        axes: ArrayLike | None = None,
        growth: float | None = None,
    ) -> None:
        super().__init__()
        axes = None if axes is None else torch.as_tensor(axes, dtype=torch.float32)
        self.register_buffer("axes", axes)
        self.metric = metric
        self.field = field
        self.weight = weight
        self.cap = cap
        self.cost = cost
        self.growth = growth

    @property
    def is_flat(self) -> Any:
        """Whether geodesics are straight lines and the cost is |y1 - y0|^2 / 2."""
        return self.metric is None and (self.field is None or self.weight == 0)

    def read(self, path: Any) -> Any:
        """Return the coordinates of paths that metric and potential read."""
        return path if self.axes is None else path @ self.axes

    def speed(self, path: Any, x: Any) -> Any:
        """Return the speed sqrt(v' G v) in every segment, (n, T), and the mid-points."""
        path = self.read(path)
        velocity = (path.shape[1] - 1) * path.diff(dim=1)
        middle = 0.5 * (path[:, 1:] + path[:, :-1])
        if self.metric is None:
            squares = (velocity**2).sum(dim=-1)
        else:
            squares = self.metric(middle, velocity, x)
        return squares.clamp(min=1e-14).sqrt(), middle

    def forward(self, path: Any, x: Any) -> Any:
        """Return the cost of every path and the speed in its segments."""
        speed, middle = self.speed(path, x)
        potential = None if self.field is None else self.field(middle, x)
        return getattr(self, f"_{self.cost}")(speed, potential), speed

    def _jacobi(self, speed, potential):
        """Half the squared length in the metric rho^2 G."""
        if potential is None:
            return 0.5 * speed.mean(dim=1) ** 2
        rho = 1 + self.weight * (self.field.level - potential).clamp(0, self.cap)
        return 0.5 * (rho * speed).mean(dim=1) ** 2

    def _action(self, speed, potential):
        """Integral of K - U over time."""
        action = 0.5 * (speed**2).mean(dim=1)
        return action if potential is None else action - self.weight * potential.mean(dim=1)

    def _study(self, speed, potential):
        """Half the square of the energy that the published code sums over segments."""
        return 0.5 * self.energy(speed, potential) ** 2

    def signed(self, path: Any, x: Any) -> Any:
        """Return what may be negative: the energy of "study", else the cost, (n,)."""
        if self.cost != "study":
            return self(path, x)[0]
        speed, middle = self.speed(path, x)
        return self.energy(speed, None if self.field is None else self.field(middle, x))

    def energy(self, speed: Any, potential: Any) -> Any:
        """Mean of speed - U over the segments; negative values are squared away."""
        energy = speed if potential is None else speed - self.weight * potential
        return energy.mean(dim=1)
