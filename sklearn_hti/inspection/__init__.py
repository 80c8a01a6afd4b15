"""Pictures of fitted surrogates: paths, marginals, Lagrangian and losses."""

from ._history import HistoryDisplay
from ._lagrangian import LagrangianDisplay
from ._marginal import MarginalDisplay
from ._trajectory import TrajectoryDisplay

__all__ = ["HistoryDisplay", "LagrangianDisplay", "MarginalDisplay", "TrajectoryDisplay"]
