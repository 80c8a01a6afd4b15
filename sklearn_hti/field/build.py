"""From couplings to trajectories: Lagrangian, plans, paths (docs/method.md, sections 2, 3, 7)."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from .._utils.findings import warn
from ..data.lam_space import shown
from ..exceptions import CouplingWarning
from ..nn.engine import Engine
from ..paths import GeodesicPath, SmoothPath, StraightGeodesic
from ..paths.geodesic import Geodesic, GrowingChords
from ..paths.learning import learn_geodesics
from ..paths.spline import smooth_between
from ..paths.trajectories import Trajectories, build_trajectories
from ..solvers import CouplingSolver
from ..solvers.affine import affine_trajectories, affine_where_better
from ..solvers.maps import MapSolver
from ..stats.selection import select
from .place import with_between

_BETWEEN = 3  # points of a path between two anchors
_DEAR = 1e4  # price of another x, where outputs are not to be matched but inputs are


@dataclass(frozen=True)
class Couplings:
    """Coupled outputs of all anchors, and the paths between them."""

    trajectories: Trajectories
    geodesic: StraightGeodesic | Geodesic  # paths and costs
    net: Engine | None  # path network or dual; None where nothing was to be learned
    between: np.ndarray | None = None  # (N, K, J, D): of the paths, where these are believed
    edges: tuple | None = None  # (parent, child) of several hyperparameters; else a chain

    @property
    def history(self):
        """One record per epoch of the training."""
        return [] if self.net is None else self.net.history

    @property
    def points(self):
        """Knots of particles, (N, Q, D): outputs at the anchors, and points between them."""
        points = self.trajectories.points
        if self.between is None:
            return points
        n, _, n_outputs = points.shape
        if self.edges is not None:
            return np.concatenate([points, self.between.reshape(n, -1, n_outputs)], axis=1)
        begun = np.concatenate([points[:, :-1, None], self.between], axis=2)
        return np.concatenate([begun.reshape(n, -1, n_outputs), points[:, -1:]], axis=1)

    @property
    def n_between(self):
        """Number of points between two anchors."""
        return 0 if self.between is None else self.between.shape[2]

    @property
    def tree(self):
        """Pairs (parent, child) of the knots of several hyperparameters, (Q - 1, 2)."""
        n_anchors, found = self.trajectories.points.shape[1], []
        for e, (a, b) in enumerate(self.edges):
            first = n_anchors + e * self.n_between
            way = [a, *range(first, first + self.n_between), b]
            found += pairwise(way)
        return np.array(found)

    def knots(self, n_intervals):
        """Return the clock times of the knots, (Q,)."""
        n_steps = 1 + self.n_between
        return np.arange(n_intervals * n_steps + 1) / n_steps


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

    Raises
    ------
    ValueError
        If, of several hyperparameters, no input is known at all trained values.
    """
    rng = np.random.default_rng(training.seeds["coupling"])
    component = GeodesicPath() if isinstance(path, SmoothPath) else path
    geodesic, net = StraightGeodesic(), None
    if isinstance(solver, MapSolver):
        maps = solver.fit_maps(data, lagrangian, component, training)
        geodesic, net, trajectories = maps.geodesic, maps.net, maps.trajectories(data)
    else:
        if not lagrangian.is_flat:
            geodesic, net = learn_geodesics(solver, data, lagrangian, component, training)
        plans = [solver.plan(data, edge, geodesic, rng) for edge in data.anchors.edges]
        _warn_without_partner(plans, data)
        trajectories = build_trajectories(data, plans, rng)
        _check_followed(trajectories)
        if solver.affine is True:
            trajectories = affine_trajectories(trajectories, data)
        elif solver.affine == "auto":
            trajectories = affine_where_better(trajectories, data, rng)
    between = None
    if isinstance(path, SmoothPath):
        between = smooth_between(trajectories, _BETWEEN)
    elif not lagrangian.is_flat:
        between = geodesic.between(trajectories, data.anchors.edges, _BETWEEN)
        if not (getattr(lagrangian.field, "by_user", False) or data.anchors.several):
            between = believed(between, trajectories)
    edges = tuple(data.anchors.edges) if data.anchors.several else None
    return Couplings(trajectories, geodesic, net, between, edges)


def whole_trajectories(data, reweighting, rng):
    """Couple the anchors where particles jump; return the Trajectories through all of them.

    Outputs are coupled inside their input. Where inputs are not shared, they are coupled with
    those of the nearest input, whatever they are.

    Parameters
    ----------
    data : TrainingData
        All encoded rows.
    reweighting : Reweighting
        How particles jump.
    rng : numpy.random.Generator
        Source of randomness.
    """
    solver = CouplingSolver(condition_penalty=_DEAR, min_draws=0, affine=False)
    growing = GrowingChords(reweighting.delta) if reweighting.delta > 0 else StraightGeodesic()
    shared = data.facts.edges_shared
    paths = {edge: growing if shared[edge] else StraightGeodesic() for edge in data.anchors.edges}
    plans = [solver.plan(data, edge, path, rng) for edge, path in paths.items()]
    _warn_without_partner(plans, data)
    trajectories = build_trajectories(data, plans, rng, carry=reweighting.levels is None)
    trajectories = trajectories[trajectories.whole]
    _check_followed(trajectories)
    return trajectories


def _check_followed(trajectories):
    if not len(trajectories.points):
        raise ValueError(
            "X: no input occurs at all trained values of `lam`, so none can be followed through "
            "them. Pass outputs of every network at the same inputs. In cross-validation, keep "
            "the rows of an input in one fold: GroupKFold, with a number per x as groups."
        )


def believed(between, trajectories):
    """Return points between anchors if paths through them are smoother at the anchors than chords.

    The output of a network moves smoothly with lambda, also through the anchors, and paths are
    learned interval by interval: a kink at an anchor is an error. With two anchors there is none
    (docs/method.md, equation 47).

    Parameters
    ----------
    between : ndarray of shape (N, K, J, D)
        Evenly spaced points of the paths.
    trajectories : Trajectories
        Through the anchors.
    """
    whole, points = trajectories.whole, trajectories.points
    if points.shape[1] < 3 or not whole.any():
        return between
    points, own = points[whole], between[whole]
    length = np.sqrt(np.mean(np.sum(np.diff(points, axis=1) ** 2, axis=2), axis=0))
    step = np.maximum(length, 1e-9 * length.max() + np.finfo(float).tiny)[:, None]
    step = step / (1 + between.shape[2])
    chord = np.diff(points, axis=1) / (1 + between.shape[2])
    onward = chord, own[:, :, 0] - points[:, :-1]
    arriving = chord, points[:, 1:] - own[:, :, -1]
    kinks = [
        (after / step)[:, 1:] - (before / step)[:, :-1]
        for after, before in zip(onward, arriving, strict=True)
    ]
    losses = [np.sum(kink**2, axis=(1, 2)) for kink in kinks]
    return between if select(losses).index else None


def believed_on_tree(couplings, field, anchors, interior):
    """Return the Couplings, with points of paths if they help to predict trained values left out.

    Parameters
    ----------
    couplings : Couplings
        Of several hyperparameters.
    field : ParticleField
        Gives the weights.
    anchors : ndarray of shape (M, k)
        Trained values.
    interior : sequence of int
        Those that others surround.
    """
    if couplings.between is None or not len(interior):
        return couplings
    points, n_between = couplings.points, couplings.n_between
    trained = field._times(anchors)
    knots = with_between(trained, couplings.edges, n_between)
    ends = np.repeat(np.array(couplings.edges), n_between, axis=0)
    losses = np.zeros((2, len(points)))
    for k in interior:
        others = np.flatnonzero(np.arange(len(anchors)) != k)
        beside = len(anchors) + np.flatnonzero((ends != k).all(axis=1))
        for loss, known in zip(losses, (others, np.r_[others, beside]), strict=True):
            weights = field._kriging(knots[known], trained[others]).weights(knots[[k]])[0]
            miss = np.einsum("q,nqd->nd", weights, points[:, known]) - points[:, k]
            loss += np.sum(miss**2, axis=1)
    return couplings if select(losses).index else replace(couplings, between=None)


def _warn_without_partner(plans, data):
    """Warn of rows that find no row of the same x at a neighbouring anchor."""
    anchors = range(len(data.anchors.lam))
    coupled = [np.zeros(len(data.anchors.rows(k)), dtype=bool) for k in anchors]
    for (a, b), plan in zip(data.anchors.edges, plans, strict=True):
        coupled[a] |= np.diff(plan.indptr) > 0
        coupled[b][plan.indices] = True
    alone = [lam for lam, rows in zip(data.anchors.lam, coupled, strict=True) if not rows.all()]
    if alone:
        warn(
            f"X: rows at lambda = {', '.join(map(shown, alone))} are not used: their x "
            "occurs at no neighbouring trained value. Pass outputs of every network at the same "
            "inputs. In cross-validation, keep the rows of an input in one fold: GroupKFold, with "
            "a number per x as groups.",
            CouplingWarning,
        )
