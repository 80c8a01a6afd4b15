"""The one table that turns text aliases into default-built components."""

from dataclasses import dataclass
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
from .maps import MapSolver
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


@dataclass(frozen=True)
class Components:
    """The components that the parameters of a surrogate name, as far as it has them."""

    solver: OTSolver | None = None
    path: GeodesicPath | SmoothPath | None = None
    kinetic: KineticEnergy | None = None
    potential: PotentialEnergy | None = None


def refuse_several(solver, path):
    """Raise where several hyperparameters vary, and a parameter names what follows one alone."""
    for name, value, alone, instead in (
        ("solver", solver, MapSolver, "coupling"),
        ("path", path, SmoothPath, "geodesic"),
    ):
        if isinstance(resolve(name, value), alone):
            raise ValueError(
                f"{name}={value!r} follows one hyperparameter, and several vary in `lam`; use "
                f"{name}={instead!r}."
            )


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
