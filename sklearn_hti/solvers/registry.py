"""The one table that turns text aliases into default-built components."""

from functools import partial

import numpy as np

from ..lagrangian import (
    CallablePotential,
    DensityPotential,
    EuclideanKinetic,
    KineticEnergy,
    LandMetric,
    LearnedMetric,
    PotentialEnergy,
    RBFMetric,
)
from ..nn import Conditioning
from ..paths import GeodesicPath, SmoothPath
from .base import OTSolver
from .coupling import CouplingSolver
from .monge_gap import MongeGap
from .neural_dual import NeuralDual

ALIASES = {
    "kinetic": (
        {
            "euclidean": EuclideanKinetic,
            "learned": LearnedMetric,
            "fixed_spectrum": partial(LearnedMetric, fixed_spectrum=True),
            "land": LandMetric,
            "rbf": RBFMetric,
        },
        KineticEnergy,
    ),
    "potential": ({"density": DensityPotential}, PotentialEnergy),
    "path": ({"geodesic": GeodesicPath, "smooth": SmoothPath}, (GeodesicPath, SmoothPath)),
    "conditioning": (
        {
            "film": Conditioning,
            "concat": partial(Conditioning, kind="concat"),
            "hypernetwork": partial(Conditioning, kind="hypernetwork"),
        },
        Conditioning,
    ),
    "solver": (
        {"coupling": CouplingSolver, "neural_dual": NeuralDual, "monge_gap": MongeGap},
        OTSolver,
    ),
}


def resolve_potential(value):
    """Return the potential that an alias names, of a function, or the given one; None stays."""
    if value is None:
        return None
    if callable(value) and not isinstance(value, PotentialEnergy):
        value = CallablePotential(value)
    return resolve("potential", value)


def resolve(name, value):
    """Return the component that an alias names, or the given instance.

    Raises
    ------
    ValueError
        If the value is neither an accepted alias nor an instance of the right class, or a
        parameter of the instance is out of its range.
    """
    table, kind = ALIASES[name]
    if isinstance(value, str) and value in table:
        return table[value]()
    if not isinstance(value, kind):
        raise ValueError(
            f"{name}={value!r} is not available; accepted: {', '.join(map(repr, table))}, or "
            f"an instance of {' or '.join(k.__name__ for k in np.atleast_1d(kind))}."
        )
    if hasattr(value, "_check"):
        value._check()
    return value
