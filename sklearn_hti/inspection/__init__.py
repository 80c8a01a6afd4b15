"""Pictures of fitted surrogates: paths, marginals, maps, Lagrangian, losses, sensitivity."""

from ._history import HistoryDisplay
from ._lagrangian import LagrangianDisplay
from ._lam_map import LamMapDisplay
from ._marginal import MarginalDisplay
from ._sensitivity import sensitivity
from ._sensitivity_display import SensitivityDisplay
from ._trajectory import TrajectoryDisplay

__all__ = [
    "HistoryDisplay",
    "LagrangianDisplay",
    "LamMapDisplay",
    "MarginalDisplay",
    "SensitivityDisplay",
    "TrajectoryDisplay",
    "sensitivity",
]
