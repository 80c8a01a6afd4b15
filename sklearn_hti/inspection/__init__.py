"""Pictures of fitted surrogates: answers, paths, marginals, maps, losses, sensitivity."""

from ._history import HistoryDisplay
from ._lagrangian import LagrangianDisplay
from ._lam_map import LamMapDisplay
from ._marginal import MarginalDisplay
from ._prediction import PredictionDisplay
from ._sensitivity import sensitivity
from ._sensitivity_display import SensitivityDisplay
from ._trajectory import TrajectoryDisplay

__all__ = [
    "HistoryDisplay",
    "LagrangianDisplay",
    "LamMapDisplay",
    "MarginalDisplay",
    "PredictionDisplay",
    "SensitivityDisplay",
    "TrajectoryDisplay",
    "sensitivity",
]
