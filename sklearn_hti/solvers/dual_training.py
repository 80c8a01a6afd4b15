"""Training of the neural dual: potentials, maps, paths and metric in turn (method.md 4)."""

from collections import deque

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import nn

from .._random import torch_generator
from ..lagrangian.support import path_conditions
from ..nn.engine import DrawnDataset, Engine
from ..nn.modules import ConditionalMLP, ConditionEmbedding
from ..paths.learning import mean_straight_cost, path_loss
from ..paths.spline import spline_basis
from .c_transform import c_transform

_WARM_UP = 100  # steps of the paths' first fit, at least
_SETTLED = 10  # steps until maps have moved
_MAX_KEPT = 25  # batches whose pairs the paths are refitted on


class DualNetworks(nn.Module):
    """Potentials g_k(y, x) and maps T_k(y, x) = y + net_k(y, x) of all edges, and the cost.

    Rows come edge by edge, equally many of each. Unless `random_start`, the networks' outputs
    start at zero: maps at the identity, potentials at a constant.
    """

    def __init__(
        self, n_outputs, n_edges, encoder, conditioning, hidden, map_hidden, random_start=False
    ):
        super().__init__()
        self.random_start = random_start

        def networks(n_out, hidden):
            return nn.ModuleList(
                ConditionalMLP(
                    n_outputs,
                    n_out,
                    ConditionEmbedding(encoder.n_numeric_, encoder.n_categories_),
                    conditioning,
                    hidden,
                )
                for _ in range(n_edges)
            )

        self.potentials = networks(1, tuple(hidden))
        self.maps = networks(n_outputs, tuple(map_hidden))
        self.paths = self.lagrangian = None
        self.register_buffer("basis", None)

    def init_parameters(self, generator):
        """Draw the output layers as linear layers are, if the start is random."""
        for net in (*self.potentials, *self.maps) if self.random_start else ():
            bound = net.output.in_features**-0.5
            for parameter in net.output.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def follow(self, paths, lagrangian):
        """Take the cost of paths, over half as many segments as paths are drawn with."""
        n_segments, n_nodes = len(paths.basis) - 1, paths.shape[0]
        self.paths, self.lagrangian = paths, lagrangian
        n_segments = -(-n_segments // 2)
        self.basis = torch.as_tensor(spline_basis(n_nodes, n_segments), dtype=torch.float32)

    def potential(self, y, x):
        """Return g(y, x), shape (n,)."""
        return _by_edge(self.potentials, y, x).squeeze(1)

    def move(self, y, x):
        """Return T(y, x), shape (n, D)."""
        return y + _by_edge(self.maps, y, x)

    def cost(self, y0, y1, x):
        """Return c(y0, y1 | x), shape (n,)."""
        if self.paths is None:
            return 0.5 * ((y1 - y0) ** 2).sum(dim=1)
        s = torch.linspace(0, 1, len(self.basis), device=y0.device).unsqueeze(1)
        chord = torch.lerp(y0.unsqueeze(1), y1.unsqueeze(1), s)
        return self.lagrangian(chord + self.basis @ self.paths.nodes(y0, y1, x), x)[0]


def _by_edge(networks, y, x):
    parts = zip(networks, *(t.chunk(len(networks)) for t in (y, x.numeric, x.codes)), strict=True)
    return torch.cat([net(*part) for net, *part in parts])


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


class DualEngine(Engine):
    """Ascends the dual in g, descends it in the metric, and lets T follow the c-transform.

    Minimisers are constants to every gradient (envelope theorem), and so are the paths to
    that of the metric.
    """

    def __init__(self, module, *, solver, **kwargs):
        self.solver = solver
        super().__init__(module, **kwargs)

    def initialize_optimizer(self, *args, **kwargs):
        """Build one optimizer for potentials and maps, one for the paths, one for the metric."""
        module, solver = self.module_, self.solver
        named = [
            (name, p)
            for part in ("potentials", "maps")
            for name, p in getattr(module, part).named_parameters(prefix=part)
        ]
        arguments, options = self.get_params_for_optimizer("optimizer", named)
        # orthogonalised steps bring a min-max problem nothing
        self.optimizer_ = torch.optim.AdamW(*arguments, **options)
        self.path_optimizer_ = self.metric_optimizer_ = None
        if module.paths is not None:
            self.path_optimizer_ = torch.optim.Adam(
                module.paths.parameters(), lr=solver.path_learning_rate, fused=True
            )
            metric = module.lagrangian.metric
            weights = [] if metric is None else list(metric.parameters())
            if weights:
                self.metric_optimizer_ = torch.optim.Adam(
                    weights, lr=solver.metric_learning_rate, fused=True
                )
        return self

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Pre-train maps and potentials; fit the paths before anything relies on their cost."""
        super().on_train_begin(net, X, y, **kwargs)
        self.n_steps_ = 0
        self.scale_ = 1.0  # inverse curvature of the cost
        self.kept_ = deque(maxlen=min(self.solver.path_every, _MAX_KEPT))
        generator = torch_generator(self.iterator_train__seed + 2, X.device)
        if n_steps := self.solver.pretrain_iter:
            self.pretrain(self.batches(X, generator, n_steps), n_steps)
        if self.path_optimizer_ is None:
            return
        for inputs in self.batches(X, generator, max(_WARM_UP, self.solver.path_iter)):
            self.fit_paths(inputs["y0"], inputs["y1"], inputs["x0"])

    def batches(self, dataset, generator, n_batches):
        """Yield the inputs of some random batches."""
        size = min(self.batch_size, len(dataset))
        for _ in range(n_batches):
            rows = torch.randperm(len(dataset), generator=generator, device=dataset.device)
            yield dataset.draw(rows[:size], generator)[0]

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
        figures = (
            transformed.mean() + at_end.mean(),
            (transformed + at_nearest).mean(),
            residual.mean().sqrt(),
            mean_straight_cost(y0, nearest),
        )
        values = torch.stack(figures).tolist()  # one copy to the host
        for name, value in zip(("dual_value", "cost", "map_residual"), values, strict=False):
            self.history.record_batch(name, value)

        if self.path_optimizer_ is not None:
            self.kept_.append((y0, nearest, y1, x0))
            _, cost, _, straight = values
            if cost > 0 and self.n_steps_ >= _SETTLED:
                self.scale_ = min(max(straight / cost, 0.01), 10.0)
            if self.metric_optimizer_ is not None and self.n_steps_ % solver.metric_every == 0:
                self.fit_metric(y0, nearest, x0)
            self.n_steps_ += 1
            if self.n_steps_ % solver.path_every == 0:
                self.refit_paths()
        return {"loss": -figures[0].detach(), "y_pred": None}

    def refit_paths(self):
        """Fit the paths to the pairs of late, half of them coupled and half random."""
        for step in range(self.solver.path_iter):
            y0, nearest, y1, x = self.kept_[step % len(self.kept_)]
            coupled = torch.arange(len(y0), device=y0.device) % 2 == step % 2
            self.fit_paths(y0, torch.where(coupled.unsqueeze(1), nearest, y1), x)

    def fit_paths(self, y0, y1, x):
        """Take one step of the path network on the cost of its paths."""
        module = self.module_
        cost, speed = module.lagrangian(module.paths(y0, y1, x), x)
        loss = path_loss(cost, speed, mean_straight_cost(y0, y1))
        self.descend(self.path_optimizer_, loss, module.paths)

    def fit_metric(self, y0, y1, x):
        """Take one step of the metric, which makes the coupled pairs cheap."""
        module = self.module_
        with torch.no_grad():
            path = module.paths(y0, y1, x)
        loss = module.lagrangian(path, x)[0].mean() / mean_straight_cost(y0, y1)
        self.descend(self.metric_optimizer_, loss, module.lagrangian.metric)

    def descend(self, optimizer, loss, *modules):
        """Take one step of an optimizer on the parameters of some modules alone."""
        parts = [list(module.parameters()) for module in modules]
        everything = [p for part in parts for p in part]
        gradients = torch.autograd.grad(loss, everything, materialize_grads=True)
        for p, gradient in zip(everything, gradients, strict=True):
            p.grad = gradient
        for part in parts:
            nn.utils.clip_grad_norm_(part, 1.0)
        optimizer.step()


class DualRecords(Callback):
    """Write the means of an epoch to the history, and what the metric and the energy are."""

    def on_epoch_end(self, net, **kwargs):
        """Record dual value, cost, residual of the map, energies and eigenvalues."""
        batches = net.history[-1]["batches"]
        for name in ("dual_value", "cost", "map_residual"):
            net.history.record(name, float(np.mean([b[name] for b in batches if name in b])))
        if net.path_optimizer_ is None:
            return
        y0, y1, _, x = net.kept_[-1]
        lagrangian = net.module_.lagrangian
        with torch.no_grad():
            path = net.module_.paths(y0, y1, x)
            if lagrangian.cost != "jacobi":
                share = (lagrangian.signed(path, x) < 0).double().mean()
                net.history.record("negative_share", float(share))
            if hasattr(lagrangian.metric, "decompose"):
                _, middle = lagrangian.speed(path, x)
                values, _ = lagrangian.metric.decompose(middle, path.diff(dim=1), x)
                net.history.record("eigenvalue_min", float(values.amin(dim=-1).mean()))
                net.history.record("eigenvalue_max", float(values.amax(dim=-1).mean()))
