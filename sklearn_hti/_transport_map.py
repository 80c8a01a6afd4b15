"""The trained flow map between numpy arrays, and its exact inverse where there is one."""

import copy

import numpy as np
import torch

_CHUNK, _MAX_NUMBERS = 65_536, 2**23  # rows per forward pass; times their numbers
_BELIEF = 5.0  # an inverse may be so many errors of the guess away from it


class TransportMap:
    """The trained flow map, between numpy arrays in scaled units.

    Deterministic networks have one trajectory through each condition. There, outputs that do
    not come from the base anchor are first led back to it by inverting the map, so that there
    and back is exact. An inverse further from the map's own guess than the guess usually errs
    is not believed: the guess then stands.

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
        module = self.module
        width = max(module.linear[:, :, 0, 0].numel(), module.limit.numel(), 128)
        chunk = min(_CHUNK, max(1, _MAX_NUMBERS // width))
        if dtype != torch.float32:
            module = copy.deepcopy(module).to(dtype)
        moved = np.empty(y.shape)
        led_back = (start != self.base_time) & (start != end) & (self.guess_error is not None)
        for rows, move in (
            (np.flatnonzero(~led_back), self.mover(module, False)),
            (np.flatnonzero(led_back), self.mover(module, True)),
        ):
            for begin in range(0, len(rows), chunk):
                part = rows[begin : begin + chunk]
                numeric, codes = conditions[part].tensors(dtype, self.device)
                y_part, a, b = (
                    torch.as_tensor(v, dtype=dtype, device=self.device)
                    for v in (y[part], start[part, None], end[part, None])
                )
                with torch.no_grad():
                    moved[part] = move(y_part, numeric, codes, a, b).cpu().numpy()
        return moved

    def mover(self, module, through_base):
        """Return a function like `displacement` of the network, through its inverse if asked."""
        if not through_base:
            return module.displacement

        def move(y, numeric, codes, start, end):
            base = torch.full_like(start, self.base_time)
            origin, guess = module.origins(y, numeric, codes, start, base)
            error = torch.as_tensor(self.guess_error, dtype=y.dtype, device=y.device)
            limit = _BELIEF * torch.maximum(
                error[start.floor().long()], error[start.ceil().long()]
            )
            apart = (origin - guess).norm(dim=1, keepdim=True)
            modes = module.modes(origin, numeric, codes, base)
            through = (module.passed(start, end) @ modes).squeeze(1)
            direct = module.displacement(y, numeric, codes, start, end)
            return torch.where(apart <= limit, through, direct)

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
