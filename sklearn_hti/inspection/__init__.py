"""Pictures of fitted surrogates: paths, marginals, Lagrangian, losses; what moves outputs."""

from ._history import HistoryDisplay
from ._lagrangian import LagrangianDisplay
from ._marginal import MarginalDisplay
from ._sensitivity import sensitivity
from ._sensitivity_display import SensitivityDisplay
from ._trajectory import TrajectoryDisplay

__all__ = [
    "HistoryDisplay",
    "LagrangianDisplay",
    "MarginalDisplay",
    "SensitivityDisplay",
    "TrajectoryDisplay",
    "sensitivity",
]
