"""What the training of maps shares: networks by edge, and paths and metric that follow them."""

from collections import deque

import torch
from skorch.callbacks import Callback
from torch import nn

from .._utils.random import torch_generator
from ..nn.engine import Engine
from ..nn.modules import ConditionalMLP
from ..paths.learning import mean_straight_cost, path_loss
from ..paths.spline import spline_basis

SETTLED = 10  # steps until maps have moved
_MAX_KEPT = 25  # batches whose pairs the paths are refitted on


class EdgeNetworks(nn.Module):
    """Maps T_k(y, x) = y + net_k(y, x) of all edges, and the cost.

    Rows come edge by edge, equally many of each. The networks' outputs start at zero: the
    maps are pre-trained to the identity without a step. Subclasses build ``maps``.
    """

    def __init__(self, n_outputs, n_edges, training):
        super().__init__()
        self.sizes = n_outputs, n_edges, training
        self.paths = self.lagrangian = None
        self.register_buffer("basis", None)

    def of_edges(self, n_out, hidden):
        """Return one network of y under x for each edge."""
        n_outputs, n_edges, training = self.sizes
        return nn.ModuleList(
            ConditionalMLP(
                n_outputs,
                n_out,
                training.embedding(),
                training.conditioning,
                tuple(hidden),
            )
            for _ in range(n_edges)
        )

    def follow(self, paths, lagrangian):
        """Take the cost of paths, over half as many segments as paths are drawn with."""
        n_segments, n_nodes = len(paths.basis) - 1, paths.shape[0]
        self.paths, self.lagrangian = paths, lagrangian
        n_segments = -(-n_segments // 2)
        self.basis = torch.as_tensor(spline_basis(n_nodes, n_segments), dtype=torch.float32)

    def by_edge(self, networks, y, x):
        """Return what the network of its edge says of every row."""
        rows = (t.chunk(len(networks)) for t in (y, x.numeric, x.codes))
        return torch.cat([net(*part) for net, *part in zip(networks, *rows, strict=True)])

    def move(self, y, x):
        """Return T(y, x), shape (n, D)."""
        return y + self.by_edge(self.maps, y, x)

    def cost(self, y0, y1, x):
        """Return c(y0, y1 | x), shape (n,)."""
        if self.paths is None:
            return 0.5 * ((y1 - y0) ** 2).sum(dim=1)
        s = torch.linspace(0, 1, len(self.basis), device=y0.device).unsqueeze(1)
        chord = torch.lerp(y0.unsqueeze(1), y1.unsqueeze(1), s)
        return self.lagrangian(chord + self.basis @ self.paths.nodes(y0, y1, x), x)[0]


class MapEngine(Engine):
    """Trains networks of a MapSolver, and paths and metric in turn with them.

    Subclasses take the steps of the maps, in ``train_step``. Pairs are constants to paths and
    metric (envelope theorem), and so are the paths to the metric.
    """

    trained: tuple[str, ...] = ("maps",)  # parts of the module that the first optimizer moves
    recorded: tuple[str, ...] = ()  # figures of a step
    map_optimizer: type | None = None  # None: that of all networks
    path_optimizer: type = torch.optim.Adam
    warm_up = 100  # steps of the paths' first fit, at least

    def __init__(self, module, *, solver, **kwargs):
        self.solver = solver
        super().__init__(module, **kwargs)

    def initialize_optimizer(self, *args, **kwargs):
        """Build one optimizer for the maps, one for the paths, one for the metric."""
        module, solver = self.module_, self.solver
        named = [
            (name, p)
            for part in self.trained
            for name, p in getattr(module, part).named_parameters(prefix=part)
        ]
        arguments, options = self.get_params_for_optimizer("optimizer", named)
        self.optimizer_ = (self.map_optimizer or self.optimizer)(*arguments, **options)
        self.path_optimizer_ = self.metric_optimizer_ = None
        if module.paths is not None:
            self.path_optimizer_ = self.path_optimizer(
                module.paths.parameters(), lr=solver.path_learning_rate, fused=True
            )
            metric = module.lagrangian.metric
            weights = [] if metric is None else [p for p in metric.parameters() if p.requires_grad]
            if weights:
                self.metric_optimizer_ = torch.optim.Adam(
                    weights, lr=solver.metric_learning_rate, fused=True
                )
        return self

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Fit the paths to random pairs before anything relies on their cost."""
        super().on_train_begin(net, X, y, **kwargs)
        self.n_steps_ = 0
        self.kept_ = deque(maxlen=min(self.solver.path_every, _MAX_KEPT))
        if self.path_optimizer_ is None:
            return
        generator = torch_generator(self.iterator_train__seed + 2, X.device)
        for inputs in self.batches(X, generator, max(self.warm_up, self.solver.path_iter)):
            self.fit_paths(*self.random_pairs(inputs))

    def batches(self, dataset, generator, n_batches):
        """Yield the inputs of some random batches."""
        size = min(self.batch_size, len(dataset))
        for _ in range(n_batches):
            rows = torch.randperm(len(dataset), generator=generator, device=dataset.device)
            yield dataset.draw(rows[:size], generator)[0]

    def random_pairs(self, inputs):
        """Return beginnings, ends and conditions of a batch for the paths to begin with."""
        return inputs["y0"], inputs["y1"], inputs["x0"]

    def on_epoch_begin(self, net, *args, **kwargs):
        """Begin a list of figures: they stay on the device until the epoch ends."""
        super().on_epoch_begin(net, *args, **kwargs)
        self.figures_ = []

    def follow_maps(self, y0, partner, y1, x):
        """Keep the pairs of a step; now and then, take steps of metric and paths."""
        self.kept_.append((y0, partner, y1, x))
        if self.metric_optimizer_ is not None and self.n_steps_ % self.solver.metric_every == 0:
            self.fit_metric(y0, partner, x)
        self.n_steps_ += 1
        if self.n_steps_ % self.solver.path_every == 0:
            self.refit_paths()

    def refit_paths(self):
        """Fit the paths to the pairs of late, half of them coupled and half random."""
        for step in range(self.solver.path_iter):
            y0, partner, y1, x = self.kept_[step % len(self.kept_)]
            coupled = torch.arange(len(y0), device=y0.device) % 2 == step % 2
            self.fit_paths(y0, torch.where(coupled.unsqueeze(1), partner, y1), x)

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


class MapRecords(Callback):
    """Write the means of an epoch to the history, and what the metric and the energy are."""

    def on_epoch_end(self, net, **kwargs):
        """Record the figures of the engine, energies and eigenvalues."""
        means = torch.stack([torch.stack(figures) for figures in net.figures_]).mean(dim=0)
        for name, value in zip(net.recorded, means.tolist(), strict=True):
            net.history.record(name, value)
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
                way = lagrangian.read(path).diff(dim=1)
                values, _ = lagrangian.metric.decompose(middle, way, x)
                net.history.record("eigenvalue_min", float(values.amin(dim=-1).mean()))
                net.history.record("eigenvalue_max", float(values.amax(dim=-1).mean()))
