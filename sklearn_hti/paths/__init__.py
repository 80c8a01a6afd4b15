"""Paths between coupled points."""

from .geodesic import StraightGeodesic

__all__ = ["StraightGeodesic"]
