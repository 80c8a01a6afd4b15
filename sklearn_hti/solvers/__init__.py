"""Optimal-transport solvers between neighbouring anchors."""

from .base import OTSolver
from .coupling import CouplingSolver
from .monge_gap import MongeGap
from .neural_dual import NeuralDual

__all__ = ["CouplingSolver", "MongeGap", "NeuralDual", "OTSolver"]
