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
    """

    def __init__(self, module, device):
        self.module = module
        self.device = device

    def displacement(self, y, conditions, start, end, *, dtype=torch.float32):
        """Return F(y, x, start, end) - y, shape (n, D) float64; times have shape (n,)."""
        module = in_precision(self.module, dtype)
        moved = np.empty(y.shape)
        width = max(self.module.linear[:, :, 0, 0].numel(), self.module.limit.numel())
        for rows in row_chunks(len(start), self.device, width):
            numeric, codes = conditions[rows].tensors(dtype, self.device)
            y_part, a, b = (
                torch.as_tensor(v, dtype=dtype, device=self.device)
                for v in (y[rows], start[rows, None], end[rows, None])
            )
            with torch.inference_mode():
                part = module.displacement(y_part, numeric, codes, a, b)
            moved[rows] = part.cpu().numpy()
        return moved
