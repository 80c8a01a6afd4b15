"""Training of the neural dual: potentials, maps, paths, metric (docs/method.md, equation 15)."""

import numpy as np
import torch
from torch import nn

from .._utils.random import torch_generator
from ..lagrangian.support import path_conditions
from ..nn.batches import DrawnDataset
from ..paths.learning import mean_straight_cost
from .c_transform import c_transform
from .map_training import SETTLED, EdgeNetworks, MapEngine

_SCALES = 0.01, 10.0  # range of the inverse curvature of the cost


class DualNetworks(EdgeNetworks):
    """Potentials g_k(y, x) and maps T_k(y, x) = y + net_k(y, x) of all edges, and the cost.

    Unless `random_start`, maps start at the identity and potentials at a constant.
    """

    def __init__(self, n_outputs, n_edges, training, hidden, map_hidden, random_start=False):
        super().__init__(n_outputs, n_edges, training)
        self.random_start = random_start
        self.potentials = self.of_edges(1, hidden)
        self.maps = self.of_edges(n_outputs, map_hidden)

    def init_parameters(self, generator):
        """Draw the output layers as linear layers are, if the start is random."""
        for net in (*self.potentials, *self.maps) if self.random_start else ():
            bound = net.output.in_features**-0.5
            for parameter in net.output.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def potential(self, y, x):
        """Return g(y, x), shape (n,)."""
        return self.by_edge(self.potentials, y, x).squeeze(1)


class EdgeDataset(DrawnDataset):
    """Outputs of both ends of every edge, which are independent given x.

    Where conditions repeat, an end point has the x of its beginning: both sides of the dual
    see the same draw of x, so that its noise cancels.
    """

    def __init__(self, data, device):
        self.device = device
        self.y = torch.as_tensor(data.y, dtype=torch.float32, device=device)
        self.x = path_conditions(data, np.arange(len(data.y)), device)
        self.edges = [self._edge(data, *edge) for edge in data.anchors.edges]
        self.n_rows = sum(len(rows) for rows, *_ in self.edges)

    def _edge(self, data, k0, k1):
        """Return rows of an edge's beginning; its end's; where each one's own range is there."""
        rows0, rows1 = data.anchors.rows(k0), data.anchors.rows(k1)
        rows1 = rows1[np.argsort(data.groups[rows1], kind="stable")]
        groups = data.groups[rows1]
        first = np.searchsorted(groups, data.groups[rows0], "left")
        size = np.searchsorted(groups, data.groups[rows0], "right") - first
        if (size > 0).mean() < 0.5:
            first[:], size[:] = 0, len(rows1)
        else:
            rows0, first, size = (v[size > 0] for v in (rows0, first, size))
        return tuple(torch.as_tensor(v, device=self.device) for v in (rows0, rows1, first, size))

    def draw(self, rows, generator):
        """Return beginnings and ends, edge by edge, equally many of each edge."""
        begin, end = [], []
        n = max(1, len(rows) // len(self.edges))
        for k, (rows0, rows1, first, size) in enumerate(self.edges):
            i = rows[(torch.arange(n, device=self.device) + k * n) % len(rows)]
            i = i * len(rows0) // self.n_rows
            uniform = torch.rand(n, generator=generator, device=self.device)
            begin.append(rows0[i])
            j = first[i] + (uniform * size[i]).long()
            end.append(rows1[j.clamp(max=len(rows1) - 1)])
        begin, end = torch.cat(begin), torch.cat(end)
        inputs = {"y0": self.y[begin], "x0": self.x.pick(begin)}
        return {**inputs, "y1": self.y[end], "x1": self.x.pick(end)}, None


class DualEngine(MapEngine):
    """Ascends the dual in g, descends it in the metric, and lets T follow the c-transform.

    Minimisers are constants to every gradient (envelope theorem), and so are the paths to
    that of the metric.
    """

    trained = ("potentials", "maps")
    recorded = ("dual_value", "cost", "map_residual")
    # orthogonalised steps bring a min-max problem nothing
    map_optimizer = torch.optim.AdamW

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Pre-train maps and potentials; begin with the curvature of the straight cost."""
        super().on_train_begin(net, X, y, **kwargs)
        self.scale_ = 1.0  # inverse curvature of the cost
        if n_steps := self.solver.pretrain_iter:
            generator = torch_generator(self.iterator_train__seed + 3, X.device)
            self.pretrain(self.batches(X, generator, n_steps), n_steps)

    def pretrain(self, batches, n_steps):
        """Lead maps toward the identity and potentials toward a vanishing gradient."""
        module = self.module_
        parts = module.potentials, module.maps
        weights = [p for part in parts for p in part.parameters()]
        optimizer = torch.optim.Adam(weights, lr=self.solver.learning_rate, fused=True)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, n_steps)
        for inputs in batches:
            y1 = inputs["y1"].clone().requires_grad_()
            potential = module.potential(y1, inputs["x1"])
            (slope,) = torch.autograd.grad(potential.sum(), y1, create_graph=True)
            move = module.move(inputs["y0"], inputs["x0"]) - inputs["y0"]
            loss = (slope**2).sum(dim=1).mean() + (move**2).sum(dim=1).mean()
            self.descend(optimizer, loss, *parts)
            schedule.step()

    def train_step(self, batch, **fit_params):
        """Take one step of potentials and maps; now and then, of metric and paths."""
        module, solver = self.module_, self.solver
        module.train()
        y0, x0, y1, x1 = (batch[0][name] for name in ("y0", "x0", "y1", "x1"))
        moved = module.move(y0, x0)
        nearest, transformed = c_transform(
            module.cost,
            module.potential,
            y0,
            x0,
            moved.detach(),
            solver.inner_iter,
            scale=self.scale_,
        )
        at_end, at_nearest = module.potential(y1, x1), module.potential(nearest, x0)
        residual = ((moved - nearest) ** 2).sum(dim=1)
        self.descend(
            self.optimizer_,
            at_nearest.mean() - at_end.mean() + residual.mean(),
            module.potentials,
            module.maps,
        )
        value, cost = (transformed + at_end).mean().detach(), (transformed + at_nearest).mean()
        self.figures_.append((value, cost.detach(), residual.detach().mean().sqrt()))
        if module.paths is not None:
            if self.n_steps_ >= SETTLED:
                scale = (mean_straight_cost(y0, nearest) / cost.detach()).clamp(*_SCALES)
                self.scale_ = torch.where(cost > 0, scale, self.scale_)
            self.follow_maps(y0, nearest, y1, x0)
        return {"loss": -value, "y_pred": None}
