"""From couplings to trajectories: Lagrangian, plans, paths (docs/method.md, sections 2, 3, 7)."""

import warnings
from dataclasses import dataclass

import numpy as np

from ..exceptions import CouplingWarning
from ..nn.engine import Engine
from ..paths import GeodesicPath, SmoothPath, StraightGeodesic
from ..paths.geodesic import Geodesic
from ..paths.learning import learn_geodesics
from ..paths.trajectories import Trajectories, build_trajectories
from ..solvers.affine import affine_trajectories, affine_where_better
from ..solvers.maps import MapSolver
from .joins import join, join_paths


@dataclass(frozen=True)
class Couplings:
    """Coupled outputs of all anchors, and the paths between them."""

    trajectories: Trajectories
    geodesic: StraightGeodesic | Geodesic  # paths and costs
    net: Engine | None  # path network or dual; None where nothing was to be learned

    @property
    def history(self):
        """One record per epoch of the training."""
        return [] if self.net is None else self.net.history


def fit_trajectories(path, solver, data, lagrangian, training):
    """Couple the anchors and draw the paths between the coupled outputs.

    Parameters
    ----------
    path : GeodesicPath or SmoothPath
        How paths are drawn.
    solver : OTSolver
        How anchors are coupled.
    data : TrainingData
        All encoded rows.
    lagrangian : Lagrangian
        What paths cost; its metric is trained.
    training : Training
        How networks are trained.

    Returns
    -------
    Couplings
        Trajectories through the coupled outputs.

    Warns
    -----
    CouplingWarning
        If rows share their x with no row of a neighbouring anchor while others do.
    """
    rng = np.random.default_rng(training.seeds["coupling"])
    component = GeodesicPath() if isinstance(path, SmoothPath) else path
    geodesic, net = StraightGeodesic(), None
    if isinstance(solver, MapSolver):
        maps = solver.fit_maps(data, lagrangian, component, training)
        geodesic, net, trajectories = maps.geodesic, maps.net, maps.trajectories(data, rng)
    else:
        if not lagrangian.is_flat:
            geodesic, net = learn_geodesics(solver, data, lagrangian, component, training)
        plans = [solver.plan(data, edge, geodesic, rng) for edge in data.anchors.edges]
        _warn_without_partner(plans, data)
        trajectories = build_trajectories(data, plans, rng)
        if solver.affine is True:
            trajectories = affine_trajectories(trajectories, data)
        elif solver.affine == "auto":
            trajectories = affine_where_better(trajectories, data, rng)
    if isinstance(path, SmoothPath):
        trajectories = join(trajectories)
    elif not lagrangian.is_flat:
        trajectories = trajectories.deviating(geodesic.deviation(trajectories))
        by_user = getattr(lagrangian.field, "by_user", False)
        if component.join is True or (component.join == "auto" and not by_user):
            trajectories = join_paths(trajectories, data, rng)
    return Couplings(trajectories, geodesic, net)


def _warn_without_partner(plans, data):
    """Warn of rows that find no row of the same x at a neighbouring anchor."""
    anchors = range(len(data.anchors.lam))
    coupled = [np.zeros(len(data.anchors.rows(k)), dtype=bool) for k in anchors]
    for (a, b), plan in zip(data.anchors.edges, plans, strict=True):
        coupled[a] |= np.diff(plan.indptr) > 0
        coupled[b][plan.indices] = True
    alone = [int((~rows).sum()) for rows in coupled]
    if any(alone):
        counts = ", ".join(
            f"{n} at lambda = {lam:g}" for n, lam in zip(alone, data.anchors.lam, strict=True) if n
        )
        warnings.warn(
            f"{sum(alone)} rows are not used ({counts}): their x occurs at no neighbouring "
            "anchor. Put the same inputs to every network.",
            CouplingWarning,
            stacklevel=5,
        )
