"""Families of conditional distributions whose truth is known at any lambda."""

from ._gaussians import make_gaussians
from ._quantile_networks import make_quantile_networks, quantile_network
from ._rotations import make_rotations
from ._semicircles import make_semicircles

__all__ = [
    "make_gaussians",
    "make_quantile_networks",
    "make_rotations",
    "make_semicircles",
    "quantile_network",
]
