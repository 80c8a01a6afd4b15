"""Statistics of the outputs of one input: their mean, a quantile, or any function of draws."""

from numbers import Real

import numpy as np

from .._utils.random import halvings
from .._utils.torch_state import callers_torch_state
from ..data.budget import BUDGET

_METHOD = "hazen"  # exact for draws in the middles of even parts, as those of a base are


def check_statistic(statistic, returned):
    """Raise unless a statistic is "mean", a quantile level, or a function of draws.

    Parameters
    ----------
    statistic : object
        As users pass it.
    returned : str
        What a function has to return.
    """
    level = isinstance(statistic, Real) and not isinstance(statistic, bool) and 0 < statistic < 1
    mean = isinstance(statistic, str) and statistic == "mean"
    if not (mean or level or (callable(statistic) and not isinstance(statistic, type))):
        raise ValueError(
            f"statistic={statistic!r} must be 'mean', a quantile level between 0 and 1, or a "
            f"function of draws (n_draws, n, D) that returns {returned}."
        )


class Statistic:
    """What `interval` bounds.

    Parameters
    ----------
    name : "mean", float or callable
        As users pass it.

    Attributes
    ----------
    trailing : tuple
        Shape of what a function returns for one input, once it was called.
    """

    def __init__(self, name):
        check_statistic(name, "(n, ...)")
        self.name = name
        self.trailing = None

    @property
    def is_mean(self):
        """Whether it is the mean, whose calibration is part of a fit."""
        return isinstance(self.name, str)

    @property
    def of_outputs(self):
        """Whether it has one number for every output, in its units."""
        return self.is_mean or not callable(self.name)

    def in_coordinates(self, outputs):
        """Tell whether errors are those of coordinates: of means, and where quantiles are kept."""
        return self.is_mean or (self.of_outputs and outputs.keeps_quantiles)

    def __call__(self, draws):
        """Return the statistic (n, S) of draws (n_draws, n, D)."""
        if self.is_mean:
            return draws.mean(axis=0)
        if self.of_outputs:
            return np.quantile(draws, self.name, axis=0, method=_METHOD)
        with callers_torch_state():
            values = np.asarray(self.name(draws))
        n_draws, n = draws.shape[:2]
        if values.dtype.kind not in "biuf" or values.shape[:1] != (n,):
            raise ValueError(
                "`statistic` must return numbers of shape (n, ...) for draws (n_draws, n, D); it "
                f"returned {values.dtype} of shape {values.shape} for draws of shape "
                f"{draws.shape}; reduce axis 0."
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"`statistic` must return finite numbers; it returned nan or infinity for draws "
                f"of shape {draws.shape}."
            )
        self.trailing = values.shape[1:] if self.trailing is None else self.trailing
        if values.shape[1:] != self.trailing:
            raise ValueError(
                f"`statistic` must return one shape for any number of draws; it returned "
                f"{values.shape[1:]} per input for {n_draws} draws, {self.trailing} before."
            )
        return values.reshape(n, -1).astype(float)

    def shape(self, values, outputs):
        """Return values (n, S) in the shape that users get."""
        if self.of_outputs:
            return outputs.shape(values)
        return values.reshape(len(values), *self.trailing)

    def error(self, draws, outputs):
        """Return the standard error (n, S) that the statistic has by the chance of draws."""
        if self.is_mean:
            return outputs.std(draws, axis=0) / np.sqrt(len(draws))
        halves = halvings(len(draws), BUDGET.halvings)
        differences = [self(draws[a]) - self(draws[b]) for a, b in halves]
        return 0.5 * np.sqrt(np.mean(np.square(differences), axis=0))
