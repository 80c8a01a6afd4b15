"""Kinetic energies K = v' G(q, x) v / 2: what a velocity costs (docs/method.md, section 2).

A component holds parameters only; `metric` builds the torch module of its metric G.
"""

from abc import ABC, abstractmethod
from itertools import combinations
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn

from .._utils.parameters import check_range
from .._utils.random import build_module
from .._utils.registry import storable
from ..nn.modules import ConditionalMLP, ConditionEmbedding
from .support import Support

_HIDDEN = (64, 64)
_MAX_GIVENS = 6  # outputs up to which every pair of axes has a rotation of its own
_N_REFLECTIONS = 4


class KineticEnergy(BaseEstimator, ABC):
    """Base class of kinetic energies, each with a metric G."""

    @abstractmethod
    def metric(self, data: Any, encoder: Any, conditioning: Any, seed: int) -> Any:
        """Return the module of the metric, or None for G = I.

        Parameters
        ----------
        data : TrainingData
            All encoded rows.
        encoder : ConditionEncoder
            What the columns of x are.
        conditioning : Conditioning
            How x enters networks.
        seed : int
            Seed of the parameters.

        Returns
        -------
        torch.nn.Module or None
            ``module(q, v, x)`` gives v' G(q, x) v, shape (n, T), for places q and velocities
            v of shape (n, T, D) under conditions x (`PathConditions`).
        """


@storable
class EuclideanKinetic(KineticEnergy):
    """Kinetic energy ``K = |dq/dt|^2 / 2``, the metric G = I."""

    def metric(self, data: Any, encoder: Any, conditioning: Any, seed: int) -> Any:
        """Return None: no metric is to be evaluated.

        Parameters
        ----------
        data : TrainingData
            Not read.
        encoder : ConditionEncoder
            Not read.
        conditioning : Conditioning
            Not read.
        seed : int
            Not read.

        Returns
        -------
        None
            The identity.
        """
        return None


@storable
class LearnedMetric(KineticEnergy):
    """Metric field G = R' diag(e) R, learned so that the observed transport is cheap.

    The eigenvalues are e_i = e_min + (e_max - e_min) softmax_i, so their sum is fixed. R is a
    product of rotations in every pair of axes (up to 6 outputs) or of reflections. A network
    computes e and R from the place q and the condition x. With one output, the metric would be a
    constant, so the estimator takes the Euclidean one.

    Parameters
    ----------
    min_eigenvalue : float, default=0.1
        Lowest possible price of a direction.
    max_eigenvalue : float, default=1.0
        Highest possible price of a direction.
    fixed_spectrum : bool, default=False
        Whether e is the same everywhere. One direction then costs `min_eigenvalue`, the others
        `max_eigenvalue`, and only the rotation is learned.

    References
    ----------
    Scarvelis and Solomon, "Riemannian Metric Learning via Optimal Transport", ICLR 2023.

    Pooladian, Domingo-Enrich, Chen and Amos, "Neural Optimal Transport with Lagrangian
    Costs", UAI 2024.

    Examples
    --------
    >>> from sklearn_hti.lagrangian import LearnedMetric
    >>> LearnedMetric(min_eigenvalue=0.2)
    LearnedMetric(min_eigenvalue=0.2)
    """

    def __init__(
        self,
        min_eigenvalue: float = 0.1,
        max_eigenvalue: float = 1.0,
        fixed_spectrum: bool = False,
    ) -> None:
        self.min_eigenvalue = min_eigenvalue
        self.max_eigenvalue = max_eigenvalue
        self.fixed_spectrum = fixed_spectrum

    def _check(self):
        check_range(self, real=["min_eigenvalue"], above=0)
        check_range(self, real=["max_eigenvalue"], lowest=self.min_eigenvalue)

    def metric(self, data: Any, encoder: Any, conditioning: Any, seed: int) -> Any:
        """Return the module of the metric.

        Parameters
        ----------
        data : TrainingData
            Gives the number of outputs.
        encoder : ConditionEncoder
            What the columns of x are.
        conditioning : Conditioning
            How x enters the network.
        seed : int
            Seed of its parameters.

        Returns
        -------
        torch.nn.Module or None
            The metric; None with one output.
        """
        low, high = self.min_eigenvalue, self.max_eigenvalue
        n_outputs = data.y.shape[1]
        if n_outputs == 1:
            return None
        embedding = (encoder.n_numeric_, encoder.n_categories_)
        return build_module(
            lambda: RotatedMetric(
                n_outputs,
                ConditionEmbedding(*embedding),
                conditioning,
                low,
                high,
                self.fixed_spectrum,
            ),
            seed,
        )


@storable
class RotatedMetric(nn.Module):
    """The metric field of `LearnedMetric`."""

    def __init__(self, n_outputs, embedding, conditioning, low, high, fixed_spectrum):
        super().__init__()
        self.low, self.high = low, high
        self.pairs = list(combinations(range(n_outputs), 2)) if n_outputs <= _MAX_GIVENS else []
        n_rotation = 2 * len(self.pairs) or _N_REFLECTIONS * n_outputs
        self.sizes = [n_rotation, 0 if fixed_spectrum else n_outputs]
        self.net = ConditionalMLP(n_outputs, sum(self.sizes), embedding, conditioning, _HIDDEN)
        self.register_buffer("spectrum", torch.empty(n_outputs))

    def init_parameters(self, generator):
        """Start near the axes, with the first direction a little cheaper."""
        nn.init.normal_(self.net.output.weight, std=0.02, generator=generator)
        bias = torch.zeros(sum(self.sizes))
        bias[: 2 * len(self.pairs) : 2] = 1.0  # the cosines
        if not self.pairs:
            bias[: self.sizes[0]].normal_(generator=generator)
        self.net.output.bias.data.copy_(bias)
        self.spectrum.fill_(self.high)[0] = self.low

    def forward(self, q, v, x):
        """Return v' G(q, x) v."""
        eigenvalues, rotated = self.decompose(q, v, x)
        return (eigenvalues * rotated**2).sum(dim=-1)

    def decompose(self, q, v, x):
        """Return the eigenvalues e and the velocities R v in their directions."""
        rotation, logits = self.net(q, x.numeric, x.codes).split(self.sizes, dim=-1)
        if self.pairs:
            v = list(v.unbind(dim=-1))
            for (i, j), cos_sin in zip(self.pairs, rotation.split(2, dim=-1), strict=True):
                c, s = nn.functional.normalize(cos_sin, dim=-1).unbind(dim=-1)
                v[i], v[j] = c * v[i] + s * v[j], c * v[j] - s * v[i]
            v = torch.stack(v, dim=-1)
        else:
            for normal in rotation.chunk(_N_REFLECTIONS, dim=-1):
                normal = nn.functional.normalize(normal, dim=-1)
                v = v - 2 * (v * normal).sum(dim=-1, keepdim=True) * normal
        if not self.sizes[1]:
            return self.spectrum, v
        return self.low + (self.high - self.low) * logits.softmax(dim=-1), v


class _KernelKinetic(KineticEnergy):
    """Diagonal metrics that are read off the data by a Gaussian kernel."""

    def __init__(self, bandwidth, ridge, n_support):
        self.bandwidth = bandwidth
        self.ridge = ridge
        self.n_support = n_support

    def _check(self):
        check_range(self, real=["bandwidth", "ridge"], above=0)
        check_range(self, integer=["n_support"], lowest=1)

    def metric(self, data: Any, encoder: Any, conditioning: Any, seed: int) -> Any:
        """Return the module of the metric.

        Parameters
        ----------
        data : TrainingData
            The rows that are read.
        encoder : ConditionEncoder
            Not read.
        conditioning : Conditioning
            Not read.
        seed : int
            Seed of the choice of rows.

        Returns
        -------
        torch.nn.Module
            The metric.
        """
        support = Support.build(data, "scott", self.n_support, seed)
        return KernelMetric(support, self.bandwidth, self.ridge, centred=self._centred)


@storable
class LandMetric(_KernelKinetic):
    """Diagonal metric that is cheap where data are dense, computed from the data.

    It is G_ii(q) = 1 / (sum_n w_n(q) (y_ni - q_i)^2 + ridge), with a Gaussian kernel w_n(q).

    Parameters
    ----------
    bandwidth : float, default=0.3
        Width of the kernel, in scaled output units.
    ridge : float, default=0.01
        Bounds the price far from the data: it is at most 1 / ridge.
    n_support : int, default=128
        Rows per condition in the sum.

    References
    ----------
    Arvanitidis, Hansen and Hauberg, "A Locally Adaptive Normal Distribution", NeurIPS 2016.
    """

    _centred = True

    def __init__(self, bandwidth: float = 0.3, ridge: float = 0.01, n_support: int = 128) -> None:
        super().__init__(bandwidth, ridge, n_support)


@storable
class RBFMetric(_KernelKinetic):
    """Diagonal metric that is the inverse of a kernel estimate of the data density.

    It is G_ii(q) = 1 / (h(q) + ridge). Here h is the Gaussian kernel mean over the rows. Its
    median on the data is scaled to one.

    Parameters
    ----------
    bandwidth : float, default=0.3
        Width of the kernel, in scaled output units.
    ridge : float, default=0.01
        Bounds the price far from the data: it is at most 1 / ridge.
    n_support : int, default=128
        Rows per condition in the sum.

    References
    ----------
    Kapuśniak et al., "Metric Flow Matching for Smooth Interpolations on the Data Manifold",
    NeurIPS 2024.
    """

    _centred = False

    def __init__(self, bandwidth: float = 0.3, ridge: float = 0.01, n_support: int = 128) -> None:
        super().__init__(bandwidth, ridge, n_support)


@storable
class KernelMetric(nn.Module):
    """The metrics of `LandMetric` (centred second moments) and `RBFMetric` (kernel mean)."""

    def __init__(self, support, bandwidth, ridge, centred):
        super().__init__()
        self.support = support
        self.bandwidth = bandwidth
        self.ridge = ridge
        self.centred = centred
        self.register_buffer("unit", torch.ones(()))
        if not centred:
            self.unit.fill_(1.0 / self._median_kernel_on_data())

    def forward(self, q, v, x):
        """Return v' G(q, x) v."""
        points, log_weights = self.support(x)
        squares = torch.cdist(q, points) ** 2
        kernel = (log_weights.unsqueeze(1) - 0.5 * squares / self.bandwidth**2).exp()
        if not self.centred:
            density = self.unit * kernel.sum(dim=-1, keepdim=True)
            return (v**2).sum(dim=-1) / (density.squeeze(-1) + self.ridge)
        gaps = (points.unsqueeze(1) - q.unsqueeze(2)) ** 2
        spread = (kernel.unsqueeze(-1) * gaps).sum(dim=2)
        return (v**2 / (spread + self.ridge)).sum(dim=-1)

    @torch.no_grad()
    def _median_kernel_on_data(self):
        points, log_weights = self.support.points[:200], self.support.log_weights[:200]
        squares = torch.cdist(points, points) ** 2
        kernel = (log_weights.unsqueeze(1) - 0.5 * squares / self.bandwidth**2).exp()
        return float(np.median(kernel.sum(dim=-1)[log_weights > -torch.inf].numpy()))
