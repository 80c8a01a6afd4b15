"""The trained flow map between numpy arrays."""

import numpy as np
import torch

from .._utils.registry import storable
from ..nn.inference import in_precision, row_chunks


@storable
class TransportMap:
    """The trained flow map, between numpy arrays in scaled units.

    Parameters
    ----------
    module : FlowMap
        The trained network.
    device : str
        Where it runs.
    knots : ndarray of shape (Q,)
        Clock times of the knots of the particles that it follows.
    """

    def __init__(self, module, device, knots):
        self.module = module
        self.device = device
        self.knots = knots

    def displacement(self, y, conditions, start, end, *, dtype=torch.float32):
        """Return F(y, x, start, end) - y, (n, D) float64; times have shape (n,) or (n, P)."""
        return self.displacements(y, conditions, start, end[:, None], dtype=dtype)[:, 0]

    def displacements(self, y, conditions, start, ends, *, dtype=torch.float32):
        """Return F(y, x, start, end) - y at ends (n, T) or (n, T, P), shape (n, T, D) float64."""
        module = in_precision(self.module, dtype)
        moved = np.empty((*ends.shape[:2], y.shape[1]))
        start = start.reshape(len(start), -1)
        width = max(self.module.linear[:, :, 0, 0].numel(), self.module.limit.numel())
        for rows in row_chunks(len(start), self.device, width):
            numeric, codes = conditions[rows].tensors(dtype, self.device)
            y_part, a, b = (
                torch.as_tensor(v, dtype=dtype, device=self.device)
                for v in (y[rows], start[rows], ends[rows])
            )
            with torch.inference_mode():
                part = module.passed(a, b) @ module.modes(y_part, numeric, codes, a)
            moved[rows] = part.cpu().numpy()
        return moved
