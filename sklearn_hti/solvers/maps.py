"""Solvers that learn maps between anchors, and the maps that they return."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from .._utils.findings import warn
from .._utils.random import build_module, draw_seeds
from ..exceptions import ConvergenceWarning
from ..lagrangian.support import path_conditions
from ..metrics import squared_wasserstein
from ..nn.engine import Engine, train
from ..paths.geodesic import Geodesic, StraightGeodesic, build_paths
from ..paths.trajectories import Trajectories
from .base import OTSolver
from .coupling import CouplingSolver
from .map_training import MapRecords

_SHORT = 0.25  # a map that leaves more of the distance than this has stopped short
_SAME_CONDITION = 1e3  # dearer than any distance between scaled outputs


class MapSolver(OTSolver):
    """Base class of solvers that learn a map T_k(y, x) from each trained value to the next."""

    name: str  # the alias of the estimator's `solver`
    engine: type  # a MapEngine

    @abstractmethod
    def _networks(self, n_outputs, n_edges, training):
        """Return the EdgeNetworks to be trained, in a function that builds modules."""

    @abstractmethod
    def _dataset(self, data, device):
        """Return the DrawnDataset that the networks are trained on."""

    def plan(self, data: Any, edge: tuple[Any, ...], geodesic: Any, rng: Any) -> Any:
        """Return the plan of `CouplingSolver` for each x, because maps have no plan between rows.

        Parameters
        ----------
        data : TrainingData
            All encoded rows.
        edge : tuple of int
            The two trained values.
        geodesic : StraightGeodesic
            Gives the cost of a path between two outputs.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        scipy.sparse.csr_array of shape (n0, n1)
            Mass between the rows of the two anchors.
        """
        return CouplingSolver(min_draws=0).plan(data, edge, geodesic, rng)

    def fit_maps(self, data: Any, lagrangian: Any, path_component: Any, training: Any) -> Any:
        """Train maps, paths and metric.

        Parameters
        ----------
        data : TrainingData
            All encoded rows.
        lagrangian : Lagrangian
            What paths cost; its metric is trained.
        path_component : GeodesicPath
            Nodes and segments of the paths.
        training : Training
            How x enters the networks, the seeds "paths" and "pairs", device and verbosity.

        Returns
        -------
        LearnedMaps
            The maps, the geodesics and the trained engine.

        Raises
        ------
        DivergenceError
            If the loss is not finite.

        Warns
        -----
        ConvergenceWarning
            If a map stops short of its trained value, or the metric has collapsed to its bounds.
        """
        own = draw_seeds(training.seeds["pairs"], ["networks", "batches"])
        n_outputs = data.facts.n_outputs
        module = build_module(
            lambda: self._networks(n_outputs, len(data.anchors.edges), training),
            own["networks"],
        )
        geodesic: StraightGeodesic | Geodesic = StraightGeodesic()
        if not lagrangian.is_flat:
            paths = build_paths(path_component, n_outputs, training)
            module.follow(paths, lagrangian)
            device = training.settings.device
            geodesic = Geodesic(paths, lagrangian, data, device, path_component)
        net = train(
            module,
            self._dataset(data, training.settings.device),
            None,
            label=self.name.replace("_", " "),
            seed=own["batches"],
            settings=replace(
                training.settings,
                max_iter=self.max_iter,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                early_stopping=False,
            ),
            # the lowest loss of a min-max problem, or of one batch, is not the best state: keep
            # the last
            engine=partial(self.engine, solver=self, callbacks__best=None),
            user_callbacks=[("map_records", MapRecords()), *training.callbacks],
        )
        maps = LearnedMaps(geodesic, net, self)
        maps.warn_if_collapsed(lagrangian.metric)
        maps.warn_if_short(data)
        return maps


@dataclass(frozen=True)
class LearnedMaps:
    """The maps of a MapSolver, between numpy arrays in scaled units."""

    geodesic: StraightGeodesic | Geodesic
    net: Engine
    solver: MapSolver

    def move(self, y, k, rows, data):
        """Return T_k(y, x of the rows)."""
        x = path_conditions(data, rows, self.net.device)
        start = torch.as_tensor(y, dtype=torch.float32, device=self.net.device)
        with torch.no_grad():
            moved = start + self.net.module_.maps[k](start, x.numeric, x.codes)
        return moved.double().cpu().numpy()

    def trajectories(self, data):
        """Follow the rows of the first anchor through all maps.

        Parameters
        ----------
        data : TrainingData
            All encoded rows.

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
        deviation = np.zeros((n, n_knots - 1, 0, data.y.shape[1]))
        first, last = np.zeros(n, dtype=np.int64), np.full(n, n_knots - 1)
        return Trajectories(
            np.stack(points, axis=1), deviation, np.stack(rows, axis=1), first, last
        )

    def warn_if_short(self, data):
        """Warn of maps whose outputs do not reach the next anchor."""
        lams, short = data.anchors.lam, []
        for k, (a, b) in enumerate(data.anchors.edges):
            left, still = self.distance_left(data, k, a, b)
            if left > _SHORT * still:
                short.append(f"{left:.3g} of {still:.3g} from lambda = {lams[a]:g} to {lams[b]:g}")
        if short:
            warn(
                f"{self.solver.name}: maps stop short, and so do all answers. Of the squared "
                f"distance, they leave {', '.join(short)} (scaled). Raise max_iter or "
                f"learning_rate of {type(self.solver).__name__}, or use solver='coupling'.",
                ConvergenceWarning,
            )

    def distance_left(self, data, k, a, b):
        """Return W2^2 to anchor b of mapped and of unmoved outputs, noise taken off.

        The floor is that between two samples of anchor b, all of one size. It counts twice
        for mapped outputs: where nothing has to move, noise must not look like a distance.
        """
        rng = np.random.default_rng(0)
        rows0, rows1 = (rng.permutation(data.anchors.rows(anchor)) for anchor in (a, b))
        n = max(1, min(len(rows0), len(rows1) // 2, data.budget.map_rows))
        goal, other = data.y[rows1[:n]], data.y[rows1[n : 2 * n]]
        moved = self.move(data.y[rows0[:n]], k, rows0[:n], data)
        floor = squared_wasserstein(goal, other) if len(other) == n else 0.0
        left, still = (squared_wasserstein(goal, y) for y in (moved, data.y[rows0[:n]]))
        return left - 2 * floor, max(still - floor, 0.0)

    def warn_if_collapsed(self, metric):
        """Warn where the last epoch shows a metric at its bounds everywhere."""
        last = self.net.history[-1]
        if "eigenvalue_max" in last and metric.sizes[1]:
            slack = 0.01 * (metric.high - metric.low)
            if last["eigenvalue_max"] > metric.high - slack:
                warn(
                    f"{self.solver.name}: the metric has collapsed: its eigenvalues are at their "
                    "bounds everywhere, and only rotations are learned. Lower "
                    f"metric_learning_rate of {type(self.solver).__name__}, or use "
                    "kinetic='fixed_spectrum'.",
                    ConvergenceWarning,
                )
