"""Optimal-transport solvers between neighbouring anchors."""

from .base import OTSolver
from .coupling import CouplingSolver

__all__ = ["CouplingSolver", "OTSolver"]
