"""Learn paths and metric: both descend the cost of coupled pairs (docs/method.md, equation 44)."""

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import nn
from torch.func import functional_call

from .._utils.groupby import rank_in_group
from ..data.thinning import thinned
from ..lagrangian.support import PathConditions, path_conditions, supported
from ..nn.batches import DrawnDataset
from ..nn.engine import Engine, train
from .geodesic import Geodesic, StraightGeodesic, build_paths
from .trajectories import build_trajectories

_SPEED_PENALTY = 0.05
_RANDOM_EVERY = 3  # one in so many paths of a batch leads to a random partner


class PairDataset(DrawnDataset):
    """Pairs of outputs that the current plans couple, all edges together."""

    def __init__(self, data, plans, rng, device):
        self.data, self.rng, self.device = data, rng, device
        self.couple(plans)

    def couple(self, plans):
        """Take the pairs of new plans."""
        trajectories = build_trajectories(self.data, plans, self.rng)
        points, origin = trajectories.points, trajectories.origin
        y0, y1, rows, block = [], [], [], []
        for k, (a, b) in enumerate(self.data.anchors.edges):
            on = (trajectories.first <= a) & (b <= trajectories.last)
            on |= trajectories.whole
            y0.append(points[on, a])
            y1.append(points[on, b])
            rows.append(origin[on])
            block.append(self.data.groups[origin[on]] * points.shape[1] + k)
        y0, y1, rows, block = (np.concatenate(part) for part in (y0, y1, rows, block))
        picked = self.rng.permutation(len(y0))[: self.data.budget.pairs]
        picked = picked[np.argsort(block[picked], kind="stable")]
        rank, size = rank_in_group(block[picked])
        first = np.arange(len(picked)) - rank

        def tensor(values, dtype=torch.float32):
            return torch.as_tensor(values, dtype=dtype, device=self.device)

        self.y0, self.y1 = tensor(y0[picked]), tensor(y1[picked])
        self.x = path_conditions(self.data, rows[picked], self.device)
        self.first, self.size = (tensor(v, torch.int64) for v in (first, size))
        self.n_rows = len(picked)

    def state_dict(self):
        """Return the pairs, and the randomness of couplings to come."""
        pairs = [self.y0, self.y1, *self.x, self.first, self.size]
        return {"pairs": pairs, "rng": self.rng.bit_generator.state}

    def load_state_dict(self, state):
        """Go on with the pairs of a state."""
        y0, y1, *x, first, size = (part.to(self.device) for part in state["pairs"])
        self.y0, self.y1, self.x, self.n_rows = y0, y1, PathConditions(*x), len(y0)
        self.first, self.size = first, size
        self.rng.bit_generator.state = state["rng"]

    def draw(self, rows, generator):
        """Return pairs; one in three starts is led to a random end of its edge and condition."""
        rows = rows % self.n_rows
        uniform = torch.rand(len(rows), generator=generator, device=self.device)
        other = self.first[rows] + (uniform * self.size[rows]).long().clamp(
            max=self.size[rows] - 1
        )
        some = slice(len(rows) // _RANDOM_EVERY)
        inputs = {
            "y0": torch.cat([self.y0[rows], self.y0[rows[some]]]),
            "y1": torch.cat([self.y1[rows], self.y1[other[some]]]),
            "x": self.x.pick(torch.cat([rows, rows[some]])),
        }
        return inputs, len(rows)


class PathsAndMetric(nn.Module):
    """The two networks that are trained together."""

    def __init__(self, paths, lagrangian):
        super().__init__()
        self.paths = paths
        self.lagrangian = lagrangian
        self.metric_learns = False  # before paths leave their chords, it would make these cheap

    def costs(self, y0, y1, x, n_coupled):
        """Return cost and speeds of all paths; the metric learns from the coupled ones alone."""
        path = self.paths(y0, y1, x)
        frozen = {k: v.detach() for k, v in self.lagrangian.named_parameters()}
        if not self.metric_learns:
            return functional_call(self.lagrangian, frozen, (path, x))
        parts = (
            self.lagrangian(path[:n_coupled], x.pick(slice(n_coupled))),
            functional_call(
                self.lagrangian, frozen, (path[n_coupled:], x.pick(slice(n_coupled, None)))
            ),
        )
        return tuple(torch.cat(pair) for pair in zip(*parts, strict=True))


def mean_straight_cost(y0, y1):
    """Return the mean of |y1 - y0|^2 / 2, the unit of costs."""
    return 0.5 * ((y1 - y0) ** 2).sum(dim=1).mean().clamp(min=1e-12)


def path_loss(cost, speed, unit):
    """Return the mean cost of paths and a penalty on uneven speed.

    The penalty keeps the sampled points spread along the path; the "jacobi" cost does not
    depend on them.
    """
    uneven = speed / speed.mean(dim=1, keepdim=True).detach().clamp(min=1e-6) - 1
    return cost.mean() / unit + _SPEED_PENALTY * (uneven**2).mean()


class GeodesicEngine(Engine):
    """Minimises the mean cost of paths over path network and metric."""

    def loss(self, inputs, n_coupled):
        """Return the loss of one batch."""
        cost, speed = self.module_.costs(**inputs, n_coupled=n_coupled)
        return path_loss(cost, speed, mean_straight_cost(inputs["y0"], inputs["y1"]))


class Recouple(Callback):
    """Solve the transport problems anew, on the current cost, a few times during training."""

    def __init__(self, solve, dataset, n_times):
        self.solve, self.dataset, self.n_times = solve, dataset, n_times

    def on_train_begin(self, net, *args, **kwargs):
        """Let the metric learn at once in a training too short to be parted."""
        net.module_.metric_learns = net.max_epochs == 1

    def on_epoch_begin(self, net, **kwargs):
        """Let the metric learn in a training that goes on and had recoupled before."""
        if len(net.history) > self._epochs(net)[0]:
            net.module_.metric_learns = True

    def on_epoch_end(self, net, **kwargs):
        """Recouple at even distances, `n_times` in all where there are enough epochs."""
        epoch = len(net.history)
        if epoch < net.max_epochs and epoch in self._epochs(net):
            self.dataset.couple(self.solve())
            net.module_.metric_learns = True

    def _epochs(self, net):
        fractions = np.arange(1, self.n_times + 1) / (self.n_times + 1)
        return np.floor(fractions * net.max_epochs).clip(1)


def learn_geodesics(solver, data, lagrangian, component, training):
    """Train path network and metric on couplings that follow them.

    Returns
    -------
    geodesic : Geodesic
        Paths and costs.
    net : Engine
        The trained engine.
    """
    device = training.settings.device
    rng = np.random.default_rng(training.seeds["coupling"])
    some = _enough(data, lagrangian, rng)
    paths = build_paths(component, data.facts.n_outputs, training)
    module = PathsAndMetric(paths, lagrangian).to(device)
    geodesic = Geodesic(module.paths, module.lagrangian, some, device, component)

    def solve():
        return [solver.plan(some, edge, geodesic, rng) for edge in data.anchors.edges]

    straight = StraightGeodesic()
    plans = [solver.plan(some, edge, straight, rng) for edge in data.anchors.edges]
    dataset = PairDataset(some, plans, rng, device)
    net = train(
        module,
        dataset,
        None,
        label="geodesics",
        seed=training.seeds["pairs"],
        settings=component.training(training.settings),
        engine=GeodesicEngine,
        user_callbacks=[*training.callbacks, Recouple(solve, dataset, component.n_couplings)],
    )
    return Geodesic(module.paths, module.lagrangian, data, device, component), net


def _enough(data, lagrangian, rng):
    """Return rows for as many pairs as are looked at, of conditions that potentials know best."""
    every = np.unique(data.groups)
    known = every[supported(data)] if hasattr(lagrangian.field, "support") else every
    if len(known) < len(every):
        data = data.take(np.flatnonzero(np.isin(data.groups, known)))
    return thinned(data, data.budget.paths, rng)
