"""What a fit has learned: every answer is a function of it and of a query."""

from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np
import pandas as pd

from .._utils.registry import storable
from ..clocks.hull import Hull
from ..data.conditions import Conditions
from ..data.encoding import ConditionEncoder
from ..data.lam_space import ONE, LamSpace
from ..data.outputs import OutputSpace
from ..field.jumps import Reweighting
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
    outputs; movement and base are for answers without them. With a `reweighting`, the base is
    WholeParticles, and all answers come from particles that move or jump.
    """

    encoder: ConditionEncoder
    outputs: OutputSpace
    anchors: np.ndarray  # (M,), or (M, k) of several hyperparameters
    lam_space: LamSpace = ONE
    hull: Hull | None = None  # of the trained values of several hyperparameters
    base_lam: float | np.ndarray  # the anchor at which outputs are drawn
    deployed_lam: (
        float | np.ndarray
    )  # that of a deployed network, unless told: never one that the data chose
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
    moments: np.ndarray | None = None  # (M, M), of particles at trained values
    reweighting: Reweighting | None = None  # how particles jump; None: all move
    n_rows: int | None = None  # of the fit
    warnings: tuple = ()  # what the fit warned of

    def count_rows(self, lam):
        """Return the number of rows that lambda asks for where there is no X."""
        return self.lam_space.count_rows(lam)

    @property
    def trained_values(self):
        """Trained values as users pass lambda, (M,) or (M, k)."""
        if self.hull is not None:
            return self.hull.space.decode(self.hull.lams)
        return self.lam_space.decode(self.anchors)

    @property
    def base_value(self):
        """The lambda of the base, as users pass it."""
        return self._value(self.base_lam)

    @property
    def deployed_value(self):
        """The lambda of a deployed network, as users pass it."""
        return self._value(self.deployed_lam)

    def _value(self, lam):
        """Return an anchor, as users pass it."""
        if self.hull is not None:  # of axes without influence, any
            same = np.all(self.hull.lams[:, self.counting] == lam, axis=1)
            return self.hull.space.decode(self.hull.lams[same][:1])[0]
        value = self.lam_space.decode(np.asarray(lam)[None])[0]
        return float(value) if np.ndim(value) == 0 else value

    @property
    def counting(self):
        """Columns of the trained values of the hull that answers depend on."""
        return [self.hull.space.kept.index(j) for j in self.lam_space.kept]

    @property
    def has_draws(self):
        """Whether outputs of one input differ from draw to draw."""
        if self.networks is not None:
            return self.networks.draws
        return not self.regresses

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
    shown : str, default=None
        The same of what users read; None: the part.
    """

    def __init__(self, path, shown=None):
        self.path = path
        self.shown = path if shown is None else shown

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, estimator, owner=None):
        if estimator is None:
            return self
        return attrgetter(self.shown)(self._state_of(estimator))

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
