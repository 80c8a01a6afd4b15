"""The growth term of the Lagrangian: mass that grows in place (docs/method.md, equation 64).

Least actions are those of Wasserstein-Fisher-Rao: mass moves up to a distance of pi delta, and
farther away it is destroyed at one place and created at the other.
"""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator

from .._utils.registry import storable


@storable
class Unbalanced(BaseEstimator):
    r"""Unbalanced transport: near outputs move, and others change their weights in place.

    The Lagrangian is :math:`L = \tfrac12 |v|^2 + \tfrac{\delta^2}{2} g^2`, where g is the rate at
    which mass grows. Outputs of neighbouring trained values do not move if they are farther apart
    than :math:`\pi \delta`. One of them loses weight, and the other gains it.

    Parameters
    ----------
    delta : "auto" or float, default="auto"
        Price of growth, in units of the spread of the scaled outputs. Zero is the mixture, and a
        large value is transport. "auto" is the candidate that predicts left-out trained values
        best, or a medium one if this cannot be measured.

    References
    ----------
    Chizat, Peyre, Schmitzer and Vialard, "Unbalanced optimal transport: dynamic and Kantorovich
    formulations", Journal of Functional Analysis 274, 2018.

    Neklyudov et al., "A computational framework for solving Wasserstein Lagrangian flows", ICML
    2024.

    Examples
    --------
    >>> from sklearn_hti.lagrangian import Unbalanced
    >>> Unbalanced(delta=0.3)
    Unbalanced(delta=0.3)
    """

    def __init__(self, delta: float | str = "auto") -> None:
        self.delta = delta

    def _check(self):
        delta = self.delta
        if isinstance(delta, str) and delta == "auto":
            return
        number = isinstance(delta, Real) and not isinstance(delta, bool)
        if not (number and np.isfinite(delta) and delta >= 0):
            raise ValueError(
                f"Unbalanced: delta={delta!r} must be 'auto' or a finite number of at least 0."
            )


def reach(delta):
    """Return the distance from which on mass does not move."""
    return np.pi * delta


def growth_cost(distance, delta, mass=1.0, mass_other=1.0):
    """Return the least action between two point masses (docs/method.md, equation 65).

    Parameters
    ----------
    distance : array-like
        How far the points are from each other.
    delta : float
        What growth costs.
    mass, mass_other : float, default=1.0
        Their masses.
    """
    angle = np.minimum(np.asarray(distance) / (2 * delta), np.pi / 2)
    return 2 * delta**2 * (mass + mass_other - 2 * np.sqrt(mass * mass_other) * np.cos(angle))
