"""The trained flow map between numpy arrays, and its exact inverse where there is one."""

import numpy as np
import torch

from .._utils.registry import storable
from ..nn.inference import in_precision, row_chunks

_BELIEF = 5.0  # an inverse may be so many errors of the guess away from it


@storable
class TransportMap:
    """The trained flow map, between numpy arrays in scaled units.

    Deterministic networks have one trajectory through each condition. There, outputs that do
    not come from the base anchor are first led back to it by inverting the map, so that there
    and back is exact. An inverse that is not found, or lies further from the map's own guess
    than the guess usually errs, is not believed: the guess then stands.

    Parameters
    ----------
    module : FlowMap
        The trained network.
    device : str
        Where it runs.
    base_time : int
        Clock time of the base anchor.
    guess_error : ndarray of shape (K + 1,) or None
        Root mean square error, by knot, of the map's guess of the output at the base anchor;
        None: the map is never inverted.
    """

    def __init__(self, module, device, base_time=0, guess_error=None):
        self.module = module
        self.device = device
        self.base_time = base_time
        self.guess_error = guess_error

    def displacement(self, y, conditions, start, end, *, dtype=torch.float32):
        """Return F(y, x, start, end) - y, shape (n, D) float64; times have shape (n,)."""
        module = in_precision(self.module, dtype)
        moved = np.empty(y.shape)
        for rows, through_base in self._parts(start, end):
            numeric, codes = conditions[rows].tensors(dtype, self.device)
            y_part, a, b = (
                torch.as_tensor(v, dtype=dtype, device=self.device)
                for v in (y[rows], start[rows, None], end[rows, None])
            )
            with torch.inference_mode():
                part = self.mover(module, through_base)(y_part, numeric, codes, a, b)
            moved[rows] = part.cpu().numpy()
        return moved

    def _parts(self, start, end):
        """Yield rows to be moved at once, and whether they are led back to the base first."""
        width = max(self.module.linear[:, :, 0, 0].numel(), self.module.limit.numel())
        if self.guess_error is None:
            # slices, which copy nothing
            yield from ((part, False) for part in row_chunks(len(start), self.device, width))
            return
        led_back = (start != self.base_time) & (start != end)
        for through_base in (False, True):
            rows = np.flatnonzero(led_back == through_base)
            for part in row_chunks(len(rows), self.device, width):
                yield rows[part], through_base

    def mover(self, module, through_base):
        """Return a function like `displacement` of the network, through its inverse if asked."""
        if not through_base:
            return module.displacement

        def move(y, numeric, codes, start, end):
            base = torch.full_like(start, self.base_time)
            origin, guess, solved = module.origins(y, numeric, codes, start, base)
            error = torch.as_tensor(self.guess_error, dtype=y.dtype, device=y.device)
            limit = _BELIEF * torch.maximum(
                error[start.floor().long()], error[start.ceil().long()]
            )
            apart = (origin - guess).norm(dim=1, keepdim=True)
            modes = module.modes(origin, numeric, codes, base)
            through = (module.passed(start, end) @ modes).squeeze(1)
            direct = module.displacement(y, numeric, codes, start, end)
            return torch.where(solved & (apart <= limit), through, direct)

        return move


@torch.no_grad()
def guess_error(module, trajectories, conditions, base_time):
    """Return the error of the map's guess of the output at the base, by knot, (K + 1,)."""
    error = np.zeros(trajectories.points.shape[1])
    plain = TransportMap(module, next(module.parameters()).device)
    for k in range(len(error)):
        low, high = sorted((k, base_time))
        rows = np.flatnonzero((trajectories.first <= low) & (high <= trajectories.last))
        if not len(rows):
            continue
        y, aim = trajectories.points[rows, k], trajectories.points[rows, base_time]
        time = np.full((2, len(rows)), [[k], [base_time]])
        moved = plain.displacement(y, conditions[trajectories.rows[rows, 0]], *time)
        error[k] = np.sqrt(np.mean(np.sum((y + moved - aim) ** 2, axis=1)))
    return error
