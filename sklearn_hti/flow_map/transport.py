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
    field : ParticleField, default=None
        Of one hyperparameter: gives the modes beyond the trained range; None: they go on straight.
    anchors : ndarray of shape (M,), default=None
        Its trained values.
    """

    def __init__(self, module, device, knots, field=None, anchors=None):
        self.module = module
        self.device = device
        self.knots = knots
        self.field = field
        self.anchors = anchors

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
                passed = self._passed(module, a, b, start[rows], ends[rows])
                part = passed @ module.modes(y_part, numeric, codes, a)
            moved[rows] = part.cpu().numpy()
        return moved

    def _passed(self, module, a, b, start, ends):
        """Return how much of every mode passes from a to b, the tensors of start and ends."""
        if self.field is None:
            return module.passed(a, b)
        return self._psi(module, b, ends) - self._psi(module, a, start)

    def _psi(self, module, time, exact):
        """Return the modes at times (n, T); beyond the trained range, by the field."""
        psi, outside = module._psi(time), (exact < 0) | (exact > module.n_intervals)
        if outside.any():
            values, back = np.unique(exact[outside], return_inverse=True)
            weights = self.field.weights_of_knots(values, self.knots, self.anchors)
            cells = np.rint(self.knots * module.n_cells).astype(int)
            beyond = weights @ module.table[cells].double().cpu().numpy()
            where = torch.as_tensor(outside, device=psi.device)
            psi[where] = torch.as_tensor(beyond[back.reshape(-1)]).to(psi)
        return psi
