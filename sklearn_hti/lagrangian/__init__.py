"""The Lagrangian L = K - U: kinetic and potential energies, and the cost that they make."""

from .action import COSTS, Lagrangian
from .growth import Unbalanced
from .kinetic import EuclideanKinetic, KineticEnergy, LandMetric, LearnedMetric, RBFMetric
from .potential import CallablePotential, DensityPotential, PotentialEnergy

__all__ = [
    "COSTS",
    "CallablePotential",
    "DensityPotential",
    "EuclideanKinetic",
    "KineticEnergy",
    "Lagrangian",
    "LandMetric",
    "LearnedMetric",
    "PotentialEnergy",
    "RBFMetric",
    "Unbalanced",
]
