"""Whether outputs may jump between trained values, by the parameters of an estimator."""

from dataclasses import dataclass

from ..lagrangian import Unbalanced
from ..solvers.maps import MapSolver
from ..solvers.registry import resolve


@dataclass(frozen=True)
class Geometry:
    """The parameter `geometry`, and those that it has to agree with.

    All have the names of parameters of `HyperparameterTrajectoryRegressor`.
    """

    given: object
    monotone: object
    base: object
    networks: object
    solver: object

    @property
    def named(self):
        """The geometry that is asked for; "unbalanced" as an instance."""
        asked = isinstance(self.given, str) and self.given == "unbalanced"
        return Unbalanced() if asked else self.given

    @property
    def jumps(self):
        """Whether particles jump, whatever the data are."""
        return not isinstance(self.given, str) or self.given in ("mixture", "unbalanced")

    @property
    def draws_whole(self):
        """Whether particles could be drawn, or followed, that jump."""
        named = self.base is None or (isinstance(self.base, str) and self.base != "flow")
        return (self.networks is not None or named) and not self._learns_maps

    @property
    def _learns_maps(self):
        return isinstance(resolve("solver", self.solver), MapSolver)

    def may_jump(self, anchors):
        """Return whether particles may jump between such trained values."""
        if isinstance(self.given, str) and self.given == "auto":
            return self.draws_whole and not anchors.several
        return self.jumps

    @property
    def remedy_of_few(self):
        """What helps where outputs take few values: see `warn_if_discrete`."""
        if self.jumps:
            return ""
        if self.draws_whole:
            return "Use geometry='mixture'."
        return "Use geometry='mixture' with base='auto' and solver='coupling'."

    def check(self):
        """Raise where the other parameters do not agree."""
        if isinstance(self.given, Unbalanced):
            self.given._check()
        if self.jumps and self.monotone is not None:
            raise ValueError(
                f"geometry={self.given!r} lets outputs jump in any direction, and "
                f"monotone={self.monotone!r} requires one: leave out one of the two."
            )
        if self.jumps and not self.draws_whole:
            by_base = self.networks is None and not self._learns_maps
            name, wanted = ("base", "auto") if by_base else ("solver", "coupling")
            raise ValueError(
                f"geometry={self.given!r} follows whole particles, and "
                f"{name}={getattr(self, name)!r} makes none: use {name}={wanted!r}, or "
                "geometry='transport'."
            )

    def refuse_several(self):
        """Raise where several hyperparameters vary, and growth follows one alone."""
        if isinstance(self.named, Unbalanced):
            raise ValueError(
                f"geometry={self.given!r} follows one hyperparameter, and several vary in "
                "`lam`; use geometry='mixture' or 'transport'."
            )
