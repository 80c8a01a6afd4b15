"""Movement in the time of a clock."""

from dataclasses import dataclass

import numpy as np
import torch

from .._utils.registry import storable
from .clock import Clock


@storable
@dataclass(frozen=True)
class Movement:
    """How far scaled outputs go from lambda to lambda, in the time of a clock.

    `flow_map` is an object with ``displacement(y, conditions, start, end, *, dtype)``.
    """

    clock: Clock
    flow_map: object

    @property
    def scale(self):
        """From lambda to time."""
        return self.clock

    def displace(self, y, conditions, lam_from, lam_to, dtype=torch.float32):
        """Return displacements (n, D) of scaled outputs between lambdas (n,)."""
        times = self.clock.time(np.concatenate([lam_from, lam_to]))
        start, end = times[: len(y)], times[len(y) :]
        return self.flow_map.displacement(y, conditions, start, end, dtype=dtype)

    def time_fraction(self, lam, lam_from, lam_to):
        """Return the fraction of the time from one lambda to another at which lambda lies."""
        here, start, end = (self.clock.time(value) for value in (lam, lam_from, lam_to))
        return (here - start) / (end - start)
