"""Conditional neural dual of Lagrangian optimal transport (method.md section 4)."""

import warnings
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from .._parameters import check_range, check_sizes
from .._random import build_module, draw_seeds
from .._trajectories import Trajectories
from ..exceptions import ConvergenceWarning
from ..lagrangian.support import path_conditions
from ..metrics import squared_wasserstein
from ..nn.engine import Engine, train
from ..paths.geodesic import Geodesic, StraightGeodesic, build_paths
from .base import OTSolver
from .coupling import CouplingSolver
from .dual_training import DualEngine, DualNetworks, DualRecords, EdgeDataset

_MAX_JUDGED = 300  # rows per anchor on which maps are judged
_SHORT = 0.25  # a map that leaves more of the distance than this has stopped short
_SAME_CONDITION = 1e3  # dearer than any distance between scaled outputs


class NeuralDual(OTSolver):
    r"""Maps between anchors from the Kantorovich dual, by potentials that are networks.

    For neighbouring anchors, maximise over a potential g

    .. math:: E[g^c(y_0, x)] + E[g(y_1, x)], \quad
        g^c(y_0, x) = \min_{y_1} c(y_0, y_1 | x) - g(y_1, x).

    The minimiser starts from a map T(y_0, x), takes a few L-BFGS steps, and T regresses on
    it. A learned metric descends the same objective, the path network follows both. The maps
    start as the identity, the potentials as constants.

    Parameters
    ----------
    max_iter : int, default=500
        Training steps.
    learning_rate : float, default=0.002
        Peak of the one-cycle learning rate of potentials and maps.
    batch_size : int, default=160
        Pairs of beginning and end in a step, equally many of each edge.
    inner_iter : int, default=3
        Steps of the minimiser.
    hidden_layer_sizes : sequence of int, default=(64, 64, 64, 64)
        Hidden layers of each potential.
    map_hidden_layer_sizes : sequence of int, default=(64, 64, 64, 64)
        Hidden layers of each map.
    metric_every : int, default=10
        Steps between two of the metric, if it is learned.
    metric_learning_rate : float, default=0.001
        Of the metric.
    path_every : int, default=25
        Steps after which the path network is refitted.
    path_iter : int, default=10
        Its steps each time; at least 100 before the first step of the dual.
    path_learning_rate : float, default=0.001
        Of the path network.
    pretrain_iter : int, default=None
        None: output layers start at zero, so that maps are exactly the identity and potentials
        exactly constant without a step. An integer: networks start at random, and so many steps
        lead the maps toward the identity and the potentials toward a vanishing gradient
        (Rodriguez-Pardo et al., 2026); 0 is no pre-training at all.

    See Also
    --------
    CouplingSolver : Couples the rows themselves; faster, and the default.

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

    def __init__(
        self,
        max_iter=500,
        learning_rate=0.002,
        batch_size=160,
        inner_iter=3,
        hidden_layer_sizes=(64, 64, 64, 64),
        map_hidden_layer_sizes=(64, 64, 64, 64),
        metric_every=10,
        metric_learning_rate=0.001,
        path_every=25,
        path_iter=10,
        path_learning_rate=0.001,
        pretrain_iter=None,
    ):
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
    def study(cls):
        """Return the solver with the settings of the study (Amad and van der Schaar, 2026).

        The learning rate is the peak of a one-cycle here, constant there. Its paths have 15
        interior nodes: ``path=GeodesicPath(n_nodes=15)``. A batch has 400 pairs of each of two
        edges. Hours of computation.

        Returns
        -------
        NeuralDual
            With those settings.
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

    def plan(self, data, edge, geodesic, rng):
        """Return the plan of `CouplingSolver`: a dual has maps, no plan between rows.

        Parameters
        ----------
        data : TrainingData
            All encoded rows.
        edge : tuple of int
            The two anchors.
        geodesic : StraightGeodesic
            Gives the cost of a path between two outputs.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        scipy.sparse.csr_array of shape (n0, n1)
            Mass between the rows of the two anchors.
        """
        return CouplingSolver().plan(data, edge, geodesic, rng)

    def fit_maps(
        self, data, lagrangian, path_component, encoder, conditioning, seeds, settings, callbacks
    ):
        """Train potentials, maps, paths and metric.

        Parameters
        ----------
        data : TrainingData
            All encoded rows.
        lagrangian : Lagrangian
            What paths cost; its metric is trained.
        path_component : GeodesicPath
            Nodes and segments of the paths.
        encoder : ConditionEncoder
            What the columns of x are.
        conditioning : Conditioning
            How x enters the networks.
        seeds : dict
            Seeds "paths" and "pairs".
        settings : TrainingSettings
            Of the estimator; device and verbosity are read.
        callbacks : sequence
            Callbacks of skorch.

        Returns
        -------
        DualMaps
            The maps, the geodesics and the trained engine.

        Raises
        ------
        DivergenceError
            If the dual is not finite.

        Warns
        -----
        ConvergenceWarning
            If a map stops short of its anchor, or the metric has collapsed to its bounds.
        """
        own = draw_seeds(seeds["pairs"], ["networks", "batches"])
        sizes = data.y.shape[1], len(data.anchors.edges), encoder, conditioning
        hidden = self.hidden_layer_sizes, self.map_hidden_layer_sizes
        random_start = self.pretrain_iter is not None
        module = build_module(lambda: DualNetworks(*sizes, *hidden, random_start), own["networks"])
        geodesic = StraightGeodesic()
        if not lagrangian.is_flat:
            module.follow(
                build_paths(
                    path_component, data.y.shape[1], encoder, conditioning, seeds["paths"]
                ),
                lagrangian,
            )
            geodesic = Geodesic(module.paths, lagrangian, data, settings.device, path_component)
        net = train(
            module,
            EdgeDataset(data, settings.device),
            None,
            label="neural dual",
            seed=own["batches"],
            settings=replace(
                settings,
                max_iter=self.max_iter,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                early_stopping=False,
            ),
            # the lowest loss of a min-max problem is not its best state: keep the last
            engine=partial(DualEngine, solver=self, callbacks__best=None),
            user_callbacks=[("dual_records", DualRecords()), *callbacks],
        )
        maps = DualMaps(geodesic, net)
        _warn_if_collapsed(net.history[-1], lagrangian.metric)
        maps.warn_if_short(data)
        return maps


@dataclass(frozen=True)
class DualMaps:
    """The maps of `NeuralDual`, between numpy arrays in scaled units."""

    geodesic: StraightGeodesic | Geodesic
    net: Engine

    def move(self, y, k, rows, data):
        """Return T_k(y, x of the rows)."""
        x = path_conditions(data, rows, self.net.device)
        start = torch.as_tensor(y, dtype=torch.float32, device=self.net.device)
        with torch.no_grad():
            moved = start + self.net.module_.maps[k](start, x.numeric, x.codes)
        return moved.double().cpu().numpy()

    def trajectories(self, data, rng):
        """Follow the rows of the first anchor through all maps.

        Parameters
        ----------
        data : TrainingData
            All encoded rows.
        rng : numpy.random.Generator
            Not read.

        Returns
        -------
        Trajectories
            Straight between knots; `rows` holds, for every later knot, the row of that
            anchor that is nearest, of the same condition where there is one.
        """
        origin = data.anchors.rows(0)
        points, rows = [data.y[origin]], [origin]
        for k, (_, end) in enumerate(data.anchors.edges):
            points.append(self.move(points[-1], k, origin, data))
            there = data.anchors.rows(end)
            places = np.hstack([_SAME_CONDITION * data.features[there], data.y[there]])
            wanted = np.hstack([_SAME_CONDITION * data.features[origin], points[-1]])
            nearest = NearestNeighbors(n_neighbors=1).fit(places).kneighbors(wanted)[1][:, 0]
            rows.append(there[nearest])
        n, n_knots = len(origin), len(points)
        bends = np.zeros((n, n_knots - 1, 0, data.y.shape[1]))
        first, last = np.zeros(n, dtype=np.int64), np.full(n, n_knots - 1)
        return Trajectories(np.stack(points, axis=1), bends, np.stack(rows, axis=1), first, last)

    def warn_if_short(self, data):
        """Warn of maps whose outputs do not reach the next anchor."""
        for k, (a, b) in enumerate(data.anchors.edges):
            left, still = self.distance_left(data, k, a, b)
            if left > _SHORT * still:
                warnings.warn(
                    f"neural_dual: the map from lambda = {data.anchors.lam[a]:g} stops short of "
                    f"{data.anchors.lam[b]:g}: the squared Wasserstein distance left is "
                    f"{left:.3g}, without moving {still:.3g} (scaled outputs). Raise max_iter "
                    "or learning_rate of NeuralDual, or take solver='coupling'.",
                    ConvergenceWarning,
                    stacklevel=4,
                )

    def distance_left(self, data, k, a, b):
        """Return W2^2 to anchor b of mapped and of unmoved outputs, noise taken off.

        The floor is that between two samples of anchor b, all of one size. It counts twice
        for mapped outputs: where nothing has to move, noise must not look like a distance.
        """
        rng = np.random.default_rng(0)
        rows0, rows1 = (rng.permutation(data.anchors.rows(anchor)) for anchor in (a, b))
        n = max(1, min(len(rows0), len(rows1) // 2, _MAX_JUDGED))
        goal, other = data.y[rows1[:n]], data.y[rows1[n : 2 * n]]
        moved = self.move(data.y[rows0[:n]], k, rows0[:n], data)
        floor = squared_wasserstein(goal, other) if len(other) == n else 0.0
        left, still = (squared_wasserstein(goal, y) for y in (moved, data.y[rows0[:n]]))
        return left - 2 * floor, max(still - floor, 0.0)


def _warn_if_collapsed(last, metric):
    """Warn where the last epoch shows a metric at its bounds everywhere."""
    if "eigenvalue_max" in last and metric.sizes[1]:
        slack = 0.01 * (metric.high - metric.low)
        if last["eigenvalue_max"] > metric.high - slack:
            warnings.warn(
                "neural_dual: the metric has collapsed: its eigenvalues are at their bounds "
                "everywhere, and only rotations are learned. Lower metric_learning_rate of "
                "NeuralDual, or say so with kinetic='fixed_spectrum'.",
                ConvergenceWarning,
                stacklevel=4,
            )
