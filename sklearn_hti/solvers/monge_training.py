"""Training on the Monge gap: maps, paths and metric in turn (docs/method.md, equation 16)."""

import torch

from ..nn.optimizer import Muon
from ..paths.learning import mean_straight_cost
from .map_training import EdgeNetworks, MapEngine
from .monge_costs import BlockCosts, Blocks

_UNITS = 0.01, 10.0  # range of a straight cost over the learned one
_THINNED = 4  # one row in so many is enough for the first fit of the paths


class MongeNetworks(EdgeNetworks):
    """Maps T_k(y, x) = y + net_k(y, x) of all edges, and the cost."""

    def __init__(self, n_outputs, n_edges, training, hidden):
        super().__init__(n_outputs, n_edges, training)
        self.maps = self.of_edges(n_outputs, hidden)


class MongeEngine(MapEngine):
    """Descends a Sinkhorn divergence from the next anchor and the conditional Monge gap."""

    recorded = ("fitting_loss", "monge_gap", "cost")
    path_optimizer = Muon
    warm_up = 200

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Read how many rows a block has."""
        self.block_size_ = X.block_size
        super().on_train_begin(net, X, y, **kwargs)

    def train_step(self, batch, **fit_params):
        """Take one step of the maps; now and then, of metric and paths."""
        module, solver = self.module_, self.solver
        module.train()
        inputs = dict(batch[0])
        y1, tags1 = inputs.pop("y1"), inputs.pop("tags1")
        moved = module.move(inputs["y0"], inputs["x0"])
        blocks = Blocks(moved=moved, size=self.block_size_, **inputs)
        fit = blocks.divergence(y1, tags1, solver.strength)

        # straight lines cost nothing to price; what swirls inside a block shows on all of it
        size = blocks.size if module.paths is None else solver.gap_size
        few, rows = blocks.thin(size)
        gap, paid = BlockCosts(module, few).gap()
        unit = mean_straight_cost(few.y0, few.moved.detach()) / paid.clamp(min=1e-12)
        loss = fit + solver.gap_weight * unit.clamp(*_UNITS) * gap
        self.descend(self.optimizer_, loss, module.maps)
        self.figures_.append((fit.detach(), gap.detach(), paid))
        if module.paths is not None:
            few = few.detached()
            self.follow_maps(few.y0, few.moved, self.others(few, y1[rows]), few.x0)
        return {"loss": loss.detach(), "y_pred": None}

    def random_pairs(self, inputs):
        """Return beginnings, ends and conditions of a batch for the paths to begin with."""
        some = slice(None, None, _THINNED)
        return inputs["y0"][some], inputs["y1"][some], inputs["x0"].pick(some)

    def others(self, few, y1):
        """Return ends for the paths to learn beside their own: another's, or one of the anchor."""
        shift = 1 + self.n_steps_ % max(1, few.size - 1)
        other = (few.moved - few.mean1).unflatten(0, (-1, few.size)).roll(shift, dims=1)
        other = other.flatten(0, 1) + few.mean1
        even = torch.arange(len(y1), device=y1.device) // 2 % 2 == 0
        return torch.where(even.unsqueeze(1), other, y1)
