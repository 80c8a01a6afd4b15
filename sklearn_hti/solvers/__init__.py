"""Optimal-transport solvers between neighbouring anchors."""

from .base import OTSolver
from .coupling import CouplingSolver
from .neural_dual import NeuralDual

__all__ = ["CouplingSolver", "NeuralDual", "OTSolver"]
