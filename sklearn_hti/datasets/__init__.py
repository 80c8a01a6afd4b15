"""Families of conditional distributions whose truth is known at any lambda."""

from ._gaussian_field import make_gaussian_field
from ._gaussians import make_gaussians
from ._lognormal_field import make_lognormal_field
from ._quantile_networks import make_quantile_networks, quantile_network
from ._rotations import make_rotations
from ._semicircles import make_semicircles

__all__ = [
    "make_gaussian_field",
    "make_gaussians",
    "make_lognormal_field",
    "make_quantile_networks",
    "make_rotations",
    "make_semicircles",
    "quantile_network",
]
