"""Potential energies U: paths stay where outputs are likely (docs/method.md, equation 7)."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn

from .._utils.groupby import first_of_each
from .._utils.parameters import check_range
from .._utils.registry import storable
from ..data.coordinate_graph import graphs_of
from .support import Support, path_conditions

_GRID = np.geomspace(0.01, 1.0, 21)  # bandwidths that are tried, in units of the spread of y


class PotentialEnergy(BaseEstimator, ABC):
    """Base class of potential energies U = weight * u(y, x)."""

    def factor(self, n_outputs: int) -> float:
        """Return the factor of u in the Lagrangian.

        Parameters
        ----------
        n_outputs : int
            Number of outputs, D.

        Returns
        -------
        float
            The weight.
        """
        return self.weight

    @abstractmethod
    def field(self, data: Any, outputs: Any, seed: int) -> Any:
        """Return the module of u.

        Parameters
        ----------
        data : TrainingData
            All encoded rows.
        outputs : OutputSpace
            From scaled outputs to those of the user.
        seed : int
            Seed of the choice of rows.

        Returns
        -------
        torch.nn.Module
            ``module(q, x)`` gives u, shape (n, T), at places q of shape (n, T, D) under
            conditions x (`PathConditions`); ``module.level`` its largest value on the data.
        """


@storable
class DensityPotential(PotentialEnergy):
    """Logarithm of a conditional kernel density of the outputs at all trained values.

    The density is the Nadaraya-Watson estimate with Gaussian kernels,
    p(y | x) = sum_i k_h(y - y_i) k_g(x - x_i) / sum_i k_g(x - x_i). Rows of other categories do
    not count. Each condition sums over its `n_support` nearest rows, or over a random choice of
    them if all are equally near.

    Parameters
    ----------
    weight : float, default=0.3
        Price of leaving the data. It is the factor a of the "jacobi" cost with one or two
        outputs, and 2 a / D with more. The reason is that with more outputs, the log-density of
        typical places is farther below its maximum.
    bandwidth : {"likelihood", "scott"} or float, default="likelihood"
        Kernel width h, in scaled output units. "likelihood" maximises the leave-one-out
        likelihood of the rows. "scott" follows Scott's rule for each condition; it is far too wide
        if outputs lie on a thin set.
    condition_bandwidth : "scott" or float, default="scott"
        Kernel width g, in standard deviations of the numeric columns of X.
    cap : float, default=100.0
        Depth below the highest log-density beyond which all places have the same cost.
    n_support : int, default=128
        Rows per condition in the sum. Compared with all rows, the error of log p is at most 0.2
        with the nearest 128 of 400 conditions. The error of p is 9 to 22 % with 128 of 1,000 draws
        of one condition, and 5 to 7 % with 512.

    Examples
    --------
    >>> from sklearn_hti.lagrangian import DensityPotential
    >>> DensityPotential(bandwidth=0.1)
    DensityPotential(bandwidth=0.1)
    """

    def __init__(
        self,
        weight: float = 0.3,
        bandwidth: str | float = "likelihood",
        condition_bandwidth: str | float = "scott",
        cap: float = 100.0,
        n_support: int = 128,
    ) -> None:
        self.weight = weight
        self.bandwidth = bandwidth
        self.condition_bandwidth = condition_bandwidth
        self.cap = cap
        self.n_support = n_support

    def factor(self, n_outputs: int) -> float:
        """Return the factor of the log-density in the Lagrangian.

        Parameters
        ----------
        n_outputs : int
            Number of outputs, D.

        Returns
        -------
        float
            The weight, less with more than two outputs.
        """
        return self.weight * 2 / max(2, n_outputs)

    def field(self, data: Any, outputs: Any, seed: int) -> Any:
        """Return the module of the log-density.

        Parameters
        ----------
        data : TrainingData
            The rows of all anchors.
        outputs : OutputSpace
            Not read.
        seed : int
            Seed of the choice of rows.

        Returns
        -------
        torch.nn.Module
            The log-density.
        """
        support = Support.build(data, self.condition_bandwidth, self.n_support, seed)
        field = LogDensity(support, np.ones(len(support.points)))
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(data.y))[: data.budget.bandwidth_rows]
        if self.bandwidth == "likelihood":
            scores = [field.with_bandwidth(h).left_out(data, rows) for h in _GRID]
            field = field.with_bandwidth(_GRID[int(np.argmax(scores))])
        elif self.bandwidth == "scott":
            field = LogDensity(support, _scott(support))
        else:
            field = field.with_bandwidth(float(self.bandwidth))
        field.level = float(field.at_rows(data, rows).max())
        return field

    def _check(self):
        words = {"bandwidth": ("likelihood", "scott"), "condition_bandwidth": ("scott",)}
        check_range(self, real=list(words), above=0, words=words)
        check_range(self, real=["weight", "cap"], lowest=0)
        check_range(self, integer=["n_support"], lowest=1)


class _LogKernelSum(torch.autograd.Function):
    """log sum_i w_i exp(-|q - y_i|^2 / 2), with its gradient: the mean shift.

    Shapes: q (n, T, D), y (n or 1, J, D), offset = log w - |y|^2 / 2 of (n or 1, J).
    """

    @staticmethod
    def forward(ctx, q, y, offset):
        """Return the values, (n, T)."""
        exponents = q @ y.mT + offset.unsqueeze(1)
        highest = exponents.amax(dim=-1, keepdim=True)
        # far terms are cut at e^-60 of the largest: exponentials of less are slow denormals
        kernels = exponents.sub_(highest).clamp_(min=-60).exp_()
        total = kernels.sum(dim=-1, keepdim=True)
        ctx.save_for_backward((kernels @ y) / total - q)
        return (total.log() + highest).squeeze(-1) - 0.5 * (q**2).sum(dim=-1)

    @staticmethod
    def backward(ctx, gradient):
        """Return the gradient with respect to q alone."""
        (shift,) = ctx.saved_tensors
        return gradient.unsqueeze(-1) * shift, None, None


@storable
class LogDensity(nn.Module):
    """log p(y | x) over the rows of a Support, with one bandwidth per condition."""

    def __init__(self, support, bandwidth):
        super().__init__()
        self.support = support
        self.register_buffer("bandwidth", torch.as_tensor(bandwidth, dtype=torch.float32))
        self.level = 0.0
        # exponents -|q - y_i|^2 / 2 h^2 + log w_i, but for the part of q alone
        scaled = support.points / self.bandwidth.view(-1, 1, 1)
        self.register_buffer("scaled", scaled)
        self.register_buffer("offset", support.log_weights - 0.5 * (scaled**2).sum(dim=-1))

    def with_bandwidth(self, h):
        """Return the density over the same rows with another bandwidth."""
        return LogDensity(self.support, np.full(len(self.bandwidth), h))

    def forward(self, q, x):
        """Return log p(q | x), shape (n, T)."""
        own = self.support.centre[x.group]
        h = self.bandwidth[own].unsqueeze(1)
        rows = slice(None) if len(self.scaled) == 1 else own
        value = _LogKernelSum.apply(q / h.unsqueeze(2), self.scaled[rows], self.offset[rows])
        return value - self._log_normaliser(q, h)

    def _log_normaliser(self, q, h):
        return q.shape[-1] * (h.log() + 0.5 * np.log(2 * np.pi))

    @torch.no_grad()
    def at_rows(self, data, rows):
        """Return log p at training rows, one value per row."""
        q = torch.as_tensor(data.y[rows, None], dtype=torch.float32)
        return self(q, path_conditions(data, rows, "cpu"))[:, 0]

    @torch.no_grad()
    def left_out(self, data, rows):
        """Return the mean log p of rows, each estimated from the others."""
        q = torch.as_tensor(data.y[rows, None], dtype=torch.float32)
        x = path_conditions(data, rows, "cpu")
        own = self.support.centre[x.group]
        h = self.bandwidth[own].unsqueeze(1)
        rows_of = slice(None) if len(self.scaled) == 1 else own
        scaled, offset, place = self.scaled[rows_of], self.offset[rows_of], q / h.unsqueeze(2)
        exponents = place @ scaled.mT + offset.unsqueeze(1)
        rest = -0.5 * (place**2).sum(dim=-1) - self._log_normaliser(q, h)
        support_rows = self.support.rows[own.numpy()]
        itself = torch.as_tensor(support_rows == rows[:, None])
        log_density = exponents[:, 0].masked_fill(itself, -torch.inf).logsumexp(dim=-1)
        return float((log_density + rest[:, 0]).clamp(min=-1e3).mean())


def _scott(support):
    """Return Scott's bandwidth of every condition: spread * n_effective^(-1 / (D + 4))."""
    weights = support.log_weights.exp().unsqueeze(-1)
    mean = (weights * support.points).sum(dim=1, keepdim=True)
    variance = (weights * (support.points - mean) ** 2).sum(dim=1).mean(dim=-1)
    n_effective = 1 / (weights**2).sum(dim=1)[:, 0]
    n_outputs = support.points.shape[-1]
    width = variance.sqrt() * n_effective ** (-1.0 / (n_outputs + 4))
    return width.clamp(min=1e-3).numpy()


class CallablePotential(PotentialEnergy):
    """Potential given by a function of the user.

    Parameters
    ----------
    function : callable or torch.nn.Module
        A function ``u(y, x)`` that is large where outputs are likely. It receives tensors y of
        shape (n, D), in the units of the user, and x of shape (n, C). The columns of x are the
        numeric ones, then the numbers of the categories. It returns shape (n,), differentiable
        in y.
    weight : float, default=0.3
        Factor a of the "jacobi" cost.
    cap : float, default=100.0
        Depth below the largest value on the data beyond which all places have the same cost.
    """

    def __init__(self, function: Any, weight: float = 0.3, cap: float = 100.0) -> None:
        self.function = function
        self.weight = weight
        self.cap = cap

    def _check(self):
        check_range(self, real=["weight", "cap"], lowest=0)

    def field(self, data: Any, outputs: Any, seed: int) -> Any:
        """Return the module of the function.

        Parameters
        ----------
        data : TrainingData
            The rows of all anchors.
        outputs : OutputSpace
            From scaled outputs to those of the user.
        seed : int
            Not read.

        Returns
        -------
        torch.nn.Module
            The function of scaled places.
        """
        first = first_of_each(data.groups)
        field = _UserField(self.function, outputs, data.conditions.numbers_and_codes[first])
        rows = np.arange(len(data.y))
        q = torch.as_tensor(data.y[:, None], dtype=torch.float32)
        with torch.no_grad():
            values = field(q, path_conditions(data, rows, "cpu"))
        field.level = float(values.max())  # type: ignore[assignment]
        if not torch.isfinite(values).all():
            raise ValueError(
                "potential: u(y, x) is not finite on the training outputs. Return finite numbers."
            )
        return field


@storable
class _UserField(nn.Module):
    """u(y, x) at scaled places."""

    by_user = True

    def __init__(self, function, outputs, keys):
        super().__init__()
        self.function = function
        coordinates, codec = graphs_of(outputs, "potential")
        self.coordinates, self.codec = coordinates.float(), codec.float()
        scaler = outputs.scaler
        for name, value in (("scale", scaler.scale_), ("center", scaler.center_), ("keys", keys)):
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32))

    def forward(self, q, x):
        """Return u, shape (n, T)."""
        z = self.codec.decode((q * self.scale + self.center).flatten(0, 1))
        y = self.coordinates.decode(z)
        value = self.function(y, self.keys[x.group].repeat_interleave(q.shape[1], dim=0))
        return value.reshape(q.shape[:2])
