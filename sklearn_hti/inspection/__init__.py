"""Pictures of fitted surrogates: paths, marginals, maps over lambda, Lagrangian and losses."""

from ._history import HistoryDisplay
from ._lagrangian import LagrangianDisplay
from ._lam_map import LamMapDisplay
from ._marginal import MarginalDisplay
from ._trajectory import TrajectoryDisplay

__all__ = [
    "HistoryDisplay",
    "LagrangianDisplay",
    "LamMapDisplay",
    "MarginalDisplay",
    "TrajectoryDisplay",
]
