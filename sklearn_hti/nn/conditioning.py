"""How the condition x enters the networks (docs/method.md, equation 57).

A component holds parameters only; `modules.ConditionalMLP` builds networks by it.
"""

import math

import torch
from sklearn.base import BaseEstimator
from torch import nn

from .._utils.parameters import check_choice, check_range
from .._utils.registry import storable

_LONGEST_PERIOD = 12.0  # of a wave, in standard deviations: |x| < 3 is half of it
_MIXTURE_WIDTH = 64
# So drawn, coefficients m differ by about one from x to x. By torch's default they hardly do,
# and the dual, after 500 steps on rotations, is left with W2^2 of 1.2 instead of .07.
_MIXTURE_GAIN = 2.5


@storable
class Conditioning(BaseEstimator):
    r"""How the condition x enters every network.

    Numbers are standardised, and categories pass through learned embeddings. Every network that
    moves outputs ends in a layer that starts at zero. Before the first step, maps are therefore
    exactly the identity, and potentials exactly constant, for every kind. Pre-training toward the
    identity and toward smoothness would lead to the same start.

    Parameters
    ----------
    kind : {"film", "concat", "hypernetwork"}, default="film"
        "film" scales and shifts the first hidden layer by linear functions of x. "concat"
        appends x to the inputs. "hypernetwork" computes weights and bias of the last hidden
        layer from x, as mixtures of `n_bases` matrices,

        .. math:: W(x) = W_0 + \sum_j m_j(x) W_j, \quad b(x) = b_0 + \sum_j m_j(x) b_j,

        with coefficients m from a small network. W(x) itself is never formed, so memory does not
        grow with the square of the width.
    encoding : {"linear", "sinusoidal"}, default="linear"
        Encoding of a standardised number. "linear" is the number itself. "sinusoidal" adds sines
        and cosines of `n_frequencies` frequencies.
    n_frequencies : int, default=2
        Number of frequencies of the sinusoidal encoding. Periods are 12, 6, 3, ... standard
        deviations. The longest wave increases over ``|x| < 3``. Short waves overfit few distinct
        x.
    n_bases : int, default=4
        Number of matrices that the hypernetwork mixes.

    References
    ----------
    Rodriguez-Pardo, Chiani, Borgonovo and Tavoni, "Neural Conditional Transport Maps", TMLR
    2026, arXiv:2505.15808.

    Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018.

    Examples
    --------
    >>> from sklearn_hti import HyperparameterTrajectoryRegressor
    >>> from sklearn_hti.nn import Conditioning
    >>> surrogate = HyperparameterTrajectoryRegressor(
    ...     conditioning=Conditioning("hypernetwork", encoding="sinusoidal")
    ... )
    >>> surrogate.set_params(conditioning__n_bases=8).conditioning
    Conditioning(encoding='sinusoidal', kind='hypernetwork', n_bases=8)
    """

    def __init__(
        self,
        kind: str = "film",
        encoding: str = "linear",
        n_frequencies: int = 2,
        n_bases: int = 4,
    ) -> None:
        self.kind = kind
        self.encoding = encoding
        self.n_frequencies = n_frequencies
        self.n_bases = n_bases

    def _check(self):
        check_choice(self, "kind", ("film", "concat", "hypernetwork"))
        check_choice(self, "encoding", ("linear", "sinusoidal"))
        check_range(self, integer=["n_frequencies", "n_bases"], lowest=1)


@storable
class Waves(nn.Module):
    """Sines and cosines of standardised numbers, at frequencies that double."""

    def __init__(self, n_numeric, n_frequencies):
        super().__init__()
        self.n_features = 2 * n_numeric * n_frequencies
        self.register_buffer("frequencies", torch.empty(n_frequencies))

    def init_parameters(self, generator):
        """Fill the frequencies."""
        doubled = 2.0 ** torch.arange(len(self.frequencies))
        self.frequencies.copy_(2 * math.pi / _LONGEST_PERIOD * doubled)

    def forward(self, numeric):
        """Return all sines, then all cosines, (n, n_features)."""
        angles = (numeric.unsqueeze(2) * self.frequencies).flatten(1)
        return torch.cat([angles.sin(), angles.cos()], dim=1)


@storable
class HyperLayer(nn.Module):
    """What the condition adds to a linear layer: sum_j m_j(x) (W_j h + b_j)."""

    def __init__(self, n_inputs, n_outputs, n_condition, n_bases):
        super().__init__()
        self.mixture = nn.Sequential(
            nn.Linear(n_condition, _MIXTURE_WIDTH),
            nn.SiLU(),
            nn.Linear(_MIXTURE_WIDTH, _MIXTURE_WIDTH),
            nn.SiLU(),
            nn.Linear(_MIXTURE_WIDTH, n_bases),
        )
        self.weight = nn.Parameter(torch.empty(n_bases, n_outputs, n_inputs))
        self.bias = nn.Parameter(torch.empty(n_bases, n_outputs))

    def init_parameters(self, generator):
        """Draw W_j and b_j as those of a linear layer, and coefficients of unit size."""
        bound = self.weight.shape[2] ** -0.5
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        for layer in self.mixture[::2]:
            bound = _MIXTURE_GAIN * layer.in_features**-0.5
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def forward(self, hidden, condition):
        """Return what is added for hidden (n, ..., n_inputs) under conditions (n, ..., C)."""
        parts = zip(self.mixture(condition).split(1, dim=-1), self.weight, self.bias, strict=True)
        return sum(m * nn.functional.linear(hidden, weight, bias) for m, weight, bias in parts)
