"""What a fit has learned: every answer is a function of it and of a query."""

from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np
import pandas as pd

from .._utils.registry import storable
from ..data.conditions import Conditions
from ..data.encoding import ConditionEncoder
from ..data.outputs import OutputSpace
from ..field.particle_field import ParticleField
from ..samplers.networks import Networks
from ..samplers.regression import ParticleRegression


@storable
@dataclass(frozen=True, kw_only=True)
class FittedState:
    """All that a fit has learned; parts that a surrogate does without are None.

    `movement` has ``displace(y, conditions, lam_from, lam_to, dtype)`` for scaled outputs (n, D)
    and lambdas (n,), and ``time_fraction(lam, lam_from, lam_to)``. `base` has ``noise(n_rows,
    n_draws, rng)`` and ``draw(query, noise, dtype)``, which returns scaled outputs
    (n, n_draws, D); or it is a ParticleRegression, whose ``particles(conditions)`` the
    `particle_field` answers from. A `generator` takes the place of both: it has ``draw(query,
    n_draws, seed)``, which returns scaled outputs (n_draws, n, D) at the lambdas of the query.
    Where there are `networks`, they are asked, and the `particle_field` answers from their
    outputs; movement and base are for answers without them.
    """

    encoder: ConditionEncoder
    outputs: OutputSpace
    anchors: np.ndarray  # (K + 1,)
    base_lam: float  # the anchor at which outputs are drawn
    deployed_lam: float  # that of a deployed network, unless told: never one that the data chose
    movement: object | None = None
    base: object | None = None
    noise: object | None = None  # of the draws behind conditional means
    generator: object | None = None
    particle_field: ParticleField | None = None
    networks: Networks | None = None
    lam_column: int | str | None = None  # of X, as it was fitted
    history: pd.DataFrame
    n_iter: int | None = None  # of the flow map
    solver: object | None = None
    lagrangian: object | None = None
    conditions: Conditions | None = None  # the distinct ones, which the Lagrangian numbers
    diagnostics: dict | None = None
    validation: pd.DataFrame | None = None
    uncertainty: object | None = None  # of conditional means

    @property
    def regresses(self):
        """Whether answers come from whole particles, which are regressed on x."""
        return isinstance(self.base, ParticleRegression)


class FittedAttribute:
    """A public attribute of a fitted estimator: a part of its state.

    Parameters
    ----------
    path : str
        Names from the state to the part, joined by dots.
    """

    def __init__(self, path):
        self.path = path

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, estimator, owner=None):
        if estimator is None:
            return self
        return attrgetter(self.path)(self._state_of(estimator))

    def __set__(self, estimator, value):
        names = self.path.split(".")
        estimator._state = _replaced(self._state_of(estimator), names, value)

    def _state_of(self, estimator):
        if estimator._state is None:
            raise AttributeError(f"{type(estimator).__name__} has {self.name} once it is fitted")
        return estimator._state


def _replaced(whole, names, value):
    """Return a frozen object with another part, or part of a part."""
    name, *rest = names
    part = _replaced(getattr(whole, name), rest, value) if rest else value
    return replace(whole, **{name: part})
