"""Paths between coupled points."""

from .components import GeodesicPath, SmoothPath
from .geodesic import Geodesic, StraightGeodesic

__all__ = ["Geodesic", "GeodesicPath", "SmoothPath", "StraightGeodesic"]
