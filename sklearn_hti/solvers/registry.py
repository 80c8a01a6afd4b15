"""The one table that turns text aliases into default-built components."""

from ..lagrangian import EuclideanKinetic
from .base import OTSolver
from .coupling import CouplingSolver

ALIASES = {
    "kinetic": ({"euclidean": EuclideanKinetic}, EuclideanKinetic),
    "solver": ({"coupling": CouplingSolver}, OTSolver),
}


def resolve(name, value):
    """Return the component that an alias names, or the given instance.

    Raises
    ------
    ValueError
        If the value is neither an accepted alias nor an instance of the right class.
    """
    table, kind = ALIASES[name]
    if isinstance(value, kind):
        return value
    if isinstance(value, str) and value in table:
        return table[value]()
    raise ValueError(
        f"{name}={value!r} is not available; accepted: {', '.join(map(repr, table))}, or an "
        f"instance of {kind.__name__}."
    )
