"""Geodesics: the cheapest path between two points, and its cost (method.md section 3)."""

from dataclasses import dataclass

from ..lagrangian import EuclideanKinetic


@dataclass(frozen=True)
class StraightGeodesic:
    """The geodesics of a Euclidean Lagrangian without potential: straight lines."""

    kinetic: EuclideanKinetic

    def cost_matrix(self, y0, y1):
        """Return c(y0_i, y1_j), shape (n0, n1)."""
        return self.kinetic.cost_matrix(y0, y1)

    def point(self, y0, y1, s):
        """Return the point at fraction s of the path from y0 to y1, at constant speed."""
        return y0 + s * (y1 - y0)
