"""Conditional neural dual of Lagrangian optimal transport (docs/method.md, equation 15)."""

from collections.abc import Sequence
from typing import Any, Self

from .._utils.parameters import check_range, check_sizes
from .._utils.registry import storable
from .dual_training import DualEngine, DualNetworks, EdgeDataset
from .maps import MapSolver


@storable
class NeuralDual(MapSolver):
    r"""Maps between trained values from the Kantorovich dual, with networks as potentials.

    For neighbouring trained values, the solver maximises over a potential g

    .. math:: E[g^c(y_0, x)] + E[g(y_1, x)], \quad
        g^c(y_0, x) = \min_{y_1} c(y_0, y_1 | x) - g(y_1, x).

    The minimiser starts from a map T(y_0, x) and takes a few L-BFGS steps. T is then regressed on
    the result. A learned metric minimises the same objective, and the path network follows both.
    The maps start as the identity, the potentials as constants.

    Parameters
    ----------
    max_iter : int, default=500
        Training steps.
    learning_rate : float, default=0.002
        Peak of the one-cycle learning rate of potentials and maps.
    batch_size : int, default=160
        Pairs of start and end per step, with the same number for each edge.
    inner_iter : int, default=3
        Steps of the minimiser.
    hidden_layer_sizes : sequence of int, default=(64, 64, 64, 64)
        Hidden layers of each potential.
    map_hidden_layer_sizes : sequence of int, default=(64, 64, 64, 64)
        Hidden layers of each map.
    metric_every : int, default=10
        Number of steps between two steps of the metric, if it is learned.
    metric_learning_rate : float, default=0.001
        Learning rate of the metric.
    path_every : int, default=25
        Number of steps after which the path network is refitted.
    path_iter : int, default=10
        Steps of the path network at each refit. It has at least 100 before the first step of the
        dual.
    path_learning_rate : float, default=0.001
        Learning rate of the path network.
    pretrain_iter : int, default=None
        Number of pre-training steps. None: output layers start at zero, so maps are exactly the
        identity and potentials exactly constant without any step. An integer: networks start at
        random, and this many steps train the maps toward the identity and the potentials toward a
        vanishing gradient (Rodriguez-Pardo et al., 2026). 0 is no pre-training.

    See Also
    --------
    CouplingSolver : Couples the rows themselves. It is faster, and the default.

    References
    ----------
    Pooladian, Domingo-Enrich, Chen and Amos, "Neural Optimal Transport with Lagrangian
    Costs", UAI 2024.

    Amad and van der Schaar, "Hyperparameter Trajectory Inference with Conditional Lagrangian
    Optimal Transport", ICLR 2026.

    Rodriguez-Pardo, Chiani, Borgonovo and Tavoni, "Neural Conditional Transport Maps", TMLR
    2026.

    Examples
    --------
    >>> from sklearn_hti.solvers.neural_dual import NeuralDual
    >>> NeuralDual(inner_iter=5)
    NeuralDual(inner_iter=5)
    """

    name = "neural_dual"
    engine = DualEngine

    def __init__(
        self,
        max_iter: int = 500,
        learning_rate: float = 0.002,
        batch_size: int = 160,
        inner_iter: int = 3,
        hidden_layer_sizes: Sequence[Any] = (64, 64, 64, 64),
        map_hidden_layer_sizes: Sequence[Any] = (64, 64, 64, 64),
        metric_every: int = 10,
        metric_learning_rate: float = 0.001,
        path_every: int = 25,
        path_iter: int = 10,
        path_learning_rate: float = 0.001,
        pretrain_iter: int | None = None,
    ) -> None:
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.inner_iter = inner_iter
        self.hidden_layer_sizes = hidden_layer_sizes
        self.map_hidden_layer_sizes = map_hidden_layer_sizes
        self.metric_every = metric_every
        self.metric_learning_rate = metric_learning_rate
        self.path_every = path_every
        self.path_iter = path_iter
        self.path_learning_rate = path_learning_rate
        self.pretrain_iter = pretrain_iter

    def _check(self):
        counts = [
            "max_iter",
            "batch_size",
            "inner_iter",
            "metric_every",
            "path_every",
            "path_iter",
        ]
        check_range(self, integer=counts, lowest=1)
        rates = ["learning_rate", "metric_learning_rate", "path_learning_rate"]
        check_range(self, real=rates, above=0)
        if self.pretrain_iter is not None:
            check_range(self, integer=["pretrain_iter"], lowest=0)
        check_sizes(self, ["hidden_layer_sizes", "map_hidden_layer_sizes"])

    @classmethod
    def study(cls) -> Self:
        """Return the solver with the settings of the original paper.

        There (Amad and van der Schaar, 2026), the learning rate is constant; here, it is the peak
        of a one-cycle schedule. Paths there have 15 interior nodes:
        ``path=GeodesicPath(n_nodes=15)``. A batch has 400 pairs of each of two edges. Training
        takes hours.

        Returns
        -------
        NeuralDual
            The solver with these settings.
        """
        return cls(
            max_iter=2001,
            learning_rate=1e-4,
            batch_size=800,
            inner_iter=10,
            metric_learning_rate=5e-3,
            path_iter=1001,
            path_learning_rate=1e-4,
        )

    def _networks(self, n_outputs, n_edges, training):
        hidden = self.hidden_layer_sizes, self.map_hidden_layer_sizes
        random_start = self.pretrain_iter is not None
        return DualNetworks(n_outputs, n_edges, training, *hidden, random_start)

    def _dataset(self, data, device):
        return EdgeDataset(data, device)
