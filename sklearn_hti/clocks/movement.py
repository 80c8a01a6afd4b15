"""Movement in the time of a clock."""

from dataclasses import dataclass

import numpy as np
import torch

from .clock import Clock


@dataclass(frozen=True)
class Movement:
    """How far scaled outputs go from lambda to lambda, and how far lambda is on the way.

    `flow_map` is an object with ``displacement(y, conditions, start, end, *, dtype)``.
    """

    clock: Clock
    flow_map: object

    def displace(self, y, conditions, lam_from, lam_to, dtype=torch.float32):
        """Return displacements (n, D) of scaled outputs between lambdas (n,)."""
        times = self.clock.time(np.concatenate([lam_from, lam_to]))
        start, end = times[: len(y)], times[len(y) :]
        return self.flow_map.displacement(y, conditions, start, end, dtype=dtype)

    def share(self, lam, lam_from, lam_to):
        """Return how far lambda is on the way from one to another, 0 to 1."""
        here, start, end = (self.clock.time(value) for value in (lam, lam_from, lam_to))
        return (here - start) / (end - start)
