"""The Lagrangian L = K - U: kinetic and potential energies."""

from .kinetic import EuclideanKinetic

__all__ = ["EuclideanKinetic"]
