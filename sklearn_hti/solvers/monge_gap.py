"""Maps between anchors by the conditional Monge gap (docs/method.md, equation 16)."""

from collections.abc import Sequence
from typing import Any

from .._utils.findings import warn
from .._utils.parameters import check_range, check_sizes
from .._utils.registry import storable
from ..exceptions import CouplingWarning
from .blocks import BlockDataset
from .maps import MapSolver
from .monge_training import MongeEngine, MongeNetworks


@storable
class MongeGap(MapSolver):
    r"""Maps that fit the next trained value at the lowest cost.

    Between neighbouring trained values, a map T minimises

    .. math:: S(T_\# p_k, p_{k+1}) + w \, M(T), \quad
        M(T) = E[c(y_0, T(y_0))] - OT_c(p_k, T_\# p_k),

    given x. S is the Sinkhorn divergence of squared distances. M is the Monge gap. It is never
    negative, and it is zero for the cheapest map from p_k to the mapped distribution. The cost c
    comes from any Lagrangian. Both terms are estimated on blocks of draws of one condition, or of
    near conditions if conditions do not repeat. OT_c is the cost of the best assignment in a
    block. A learned metric minimises the cost of the mapped pairs, and the path network follows
    both. If every condition has one draw, the gap of any map is zero, and maps are regressions on
    the pairs.

    `diagnostics_["monge_gap"]` of the estimator is the exact gap.

    Parameters
    ----------
    max_iter : int, default=500
        Training steps.
    learning_rate : float, default=0.003
        Peak of the one-cycle learning rate of the maps.
    batch_size : int, default=512
        Draws at each end per step, in blocks, with the same number for each edge.
    block_size : int, default=64
        Draws in a block. There are fewer if conditions have fewer.
    gap_size : int, default=16
        Draws of a block on which the gap is estimated, from the costs of all their pairs. If paths
        are straight, all draws are used.
    gap_weight : float, default=0.3
        Weight of the gap. Both terms are in units of squared distances.
    strength : float, default=0.05
        Entropic regularization of S, relative to mean costs inside each end of a block.
    condition_penalty : float, default=1.0
        Price of a squared distance between conditions of a block, in standard deviations.
    hidden_layer_sizes : sequence of int, default=(64, 64, 64, 64)
        Hidden layers of each map.
    metric_every : int, default=10
        Number of steps between two steps of the metric, if it is learned.
    metric_learning_rate : float, default=0.001
        Learning rate of the metric.
    path_every : int, default=25
        Number of steps after which the path network is refitted.
    path_iter : int, default=25
        Steps of the path network at each refit. It has 200 before the first step of the maps.
    path_learning_rate : float, default=0.005
        Learning rate of the path network.

    See Also
    --------
    CouplingSolver : Couples the rows themselves. It is faster, more accurate, and the default.
    NeuralDual : Maps from the Kantorovich dual.

    References
    ----------
    Uscidda and Cuturi, "The Monge Gap: A Regularizer to Learn All Transport Maps", ICML 2023.

    Driessen et al., "Towards generalizable single-cell perturbation modeling via the
    Conditional Monge Gap", 2025.

    Feydy et al., "Interpolating between optimal transport and MMD using Sinkhorn
    divergences", AISTATS 2019.

    Examples
    --------
    >>> from sklearn_hti.solvers import MongeGap
    >>> MongeGap(gap_weight=0.5)
    MongeGap(gap_weight=0.5)
    """

    name = "monge_gap"
    engine = MongeEngine

    def __init__(
        self,
        max_iter: int = 500,
        learning_rate: float = 0.003,
        batch_size: int = 512,
        block_size: int = 64,
        gap_size: int = 16,
        gap_weight: float = 0.3,
        strength: float = 0.05,
        condition_penalty: float = 1.0,
        hidden_layer_sizes: Sequence[Any] = (64, 64, 64, 64),
        metric_every: int = 10,
        metric_learning_rate: float = 0.001,
        path_every: int = 25,
        path_iter: int = 25,
        path_learning_rate: float = 0.005,
    ) -> None:
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.block_size = block_size
        self.gap_size = gap_size
        self.gap_weight = gap_weight
        self.strength = strength
        self.condition_penalty = condition_penalty
        self.hidden_layer_sizes = hidden_layer_sizes
        self.metric_every = metric_every
        self.metric_learning_rate = metric_learning_rate
        self.path_every = path_every
        self.path_iter = path_iter
        self.path_learning_rate = path_learning_rate

    def _check(self):
        counts = ["max_iter", "batch_size", "metric_every", "path_every", "path_iter"]
        check_range(self, integer=counts, lowest=1)
        check_range(self, integer=["block_size", "gap_size"], lowest=2)
        rates = ["strength", "learning_rate", "metric_learning_rate", "path_learning_rate"]
        check_range(self, real=rates, above=0)
        check_range(self, real=["gap_weight", "condition_penalty"], lowest=0)
        check_sizes(self, ["hidden_layer_sizes"])

    def _networks(self, n_outputs, n_edges, training):
        return MongeNetworks(n_outputs, n_edges, training, self.hidden_layer_sizes)

    def _dataset(self, data, device):
        dataset = BlockDataset(data, device, self.block_size, self.condition_penalty)
        if dataset.block_size == 1:
            warn(
                "monge_gap: every condition has one draw at neighbouring trained values. The gap "
                "of every map is then zero, and maps are regressions on the pairs. "
                "solver='coupling' does the same in less time.",
                CouplingWarning,
            )
        return dataset
