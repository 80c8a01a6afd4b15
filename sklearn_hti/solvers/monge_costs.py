"""Costs inside blocks of outputs, and their Monge gap (docs/method.md, equation 16)."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from ..lagrangian.support import PathConditions
from .sinkhorn import sinkhorn_divergence, squared_costs

_OF_ROWS = ("y0", "moved", "mean0", "mean1", "tags0")


@dataclass(frozen=True)
class Blocks:
    """Outputs before and after the map, block by block, with what `BlockDataset` adds."""

    y0: torch.Tensor
    moved: torch.Tensor
    x0: PathConditions
    mean0: torch.Tensor
    mean1: torch.Tensor
    tags0: torch.Tensor
    size: int

    def thin(self, size):
        """Return about `size` outputs of every block, spread evenly, and their rows."""
        step = max(1, self.size // size)
        rows = torch.arange(len(self.y0), device=self.y0.device).view(-1, self.size)[:, ::step]
        size, rows = rows.shape[1], rows.flatten()
        parts = {name: getattr(self, name)[rows] for name in _OF_ROWS}
        return replace(self, **parts, x0=self.x0.pick(rows), size=size), rows

    def detached(self):
        """Return the same blocks, free of any graph."""
        return replace(self, moved=self.moved.detach())

    def divergence(self, y1, tags1, strength):
        """Return the mean Sinkhorn divergence of mapped outputs from those of the next anchor.

        Blocks of one pair have the divergence of two points: half their squared distance.
        """
        if self.size == 1:
            return 0.5 * (self.moved - y1).square().sum(dim=1).mean()
        a, b = (
            torch.cat([y - self.mean1, tags], dim=1).unflatten(0, (-1, self.size))
            for y, tags in ((self.moved, self.tags0), (y1, tags1))
        )
        costs = squared_costs(a, b), squared_costs(a, a), squared_costs(b, b)
        return sinkhorn_divergence(*costs, strength).mean()


class BlockCosts:
    """Costs c(y_i, T(y_j) | x_i) inside blocks, T(y_j) carried over to x_i.

    Where x differ, half the squared distance of their tags is added.
    """

    def __init__(self, module, blocks):
        self.module, self.blocks = module, blocks

    def __call__(self, i, j):
        """Return the costs of paths from outputs i to mapped outputs j."""
        b = self.blocks
        end = b.moved[j] - b.mean1[j] + b.mean1[i]
        apart = 0.5 * (b.tags0[i] - b.tags0[j]).square().sum(dim=1)
        return self.module.cost(b.y0[i], end, b.x0.pick(i)) + apart

    @torch.no_grad()
    def reassigned(self):
        """Return for every output the mapped one of its block that it had best go to."""
        b = self.blocks
        rows = torch.arange(len(b.y0), device=b.y0.device).view(-1, b.size)
        if b.size == 1:
            return rows.flatten()
        shape = (*rows.shape, b.size)
        i, j = (r.expand(shape).flatten() for r in (rows.unsqueeze(2), rows.unsqueeze(1)))
        matrices = self(i, j).view(shape).cpu().numpy()  # one copy to the host
        best = np.stack([linear_sum_assignment(matrix)[1] for matrix in matrices])
        return (rows[:, :1] + torch.as_tensor(best, device=rows.device)).flatten()

    def gap(self):
        """Return the mean Monge gap of the blocks, and what the map costs.

        The best reassignment is exact, and a constant to the gradient (envelope theorem). On
        the very points that it moves, no cheapest map has a gap, however few they are: there is
        no bias to be taken off.
        """
        best = self.reassigned()
        own = torch.arange(len(best), device=best.device)
        other = best != own
        paid = self(own, own)
        saved = paid[other].sum() - self(own[other], best[other]).sum()
        return saved / len(best), paid.detach().mean()
