"""Paths between coupled points."""

from .components import GeodesicPath, SmoothPath
from .geodesic import Geodesic, GrowingChords, StraightGeodesic

__all__ = ["Geodesic", "GeodesicPath", "GrowingChords", "SmoothPath", "StraightGeodesic"]
