"""Networks that stand for several trained values, and networks that read lambda."""

from itertools import pairwise

import torch
from torch import nn

from ..zoo.ensemble import Ensemble, fit, generator

N_WAVES = 4


class Plain(nn.Module):
    """An Ensemble that ignores lambda: one member for each trained value."""

    def __init__(self, sizes, n_members, source, own_start=False):
        super().__init__()
        self.members = Ensemble(sizes, n_members, source, own_start)

    def forward(self, x, lam, drop=None):
        """Return outputs (M, n, out)."""
        return self.members(x, drop)

    def squared_weights(self, lam):
        """Return the sum of squared weights (M, 1)."""
        return sum(w.square().sum((1, 2)) for w in self.members.weights)[:, None]


class Conditioned(nn.Module):
    """One perceptron that reads lambda.

    Parameters
    ----------
    sizes : sequence of int
        Widths from input to output; hidden ones are multiplied by `width`.
    kind : {"concat", "film", "weights"}
        How lambda enters: cosines of its time beside the inputs (implicit quantile networks),
        as scale and shift of every layer (You Only Train Once), or as a sum of weight matrices
        with cosines as factors (a hypernetwork that is linear in them).
    time : callable
        From a tensor of lambda to time from 0 to 1.
    source : torch.Generator
        Source of the initial weights.
    width : int
        Factor of hidden widths.
    """

    def __init__(self, sizes, kind, time, source, width=1):
        super().__init__()
        hidden = [width * size for size in sizes[1:-1]]
        sizes = (sizes[0], *hidden, sizes[-1])
        self.kind, self.time, n_waves = kind, time, N_WAVES + 1
        self.main = Ensemble(sizes, 1, source)
        if kind == "concat":
            self.entry = nn.Parameter(_uniform((n_waves, sizes[1]), n_waves, source))
        elif kind == "film":
            n_modulated = 2 * sum(sizes[1:])
            self.first = nn.Parameter(_uniform((n_waves, 32), n_waves, source))
            self.second = nn.Parameter(torch.zeros(32, n_modulated))
            self.widths = sizes[1:]
        else:
            shapes = pairwise(sizes)
            self.further = nn.ParameterList(torch.zeros(N_WAVES, *shape) for shape in shapes)
            self.shifts = nn.ParameterList(torch.zeros(N_WAVES, width) for width in sizes[1:])

    def groups(self, weight_decay, decays=False):
        """Return the parameters as AdamW takes them; what reads lambda decays if asked."""
        if self.kind == "weights" or decays:
            return [{"params": list(self.parameters()), "weight_decay": weight_decay}]
        main = list(self.main.parameters())
        rest = [p for name, p in self.named_parameters() if not name.startswith("main")]
        return [
            {"params": main, "weight_decay": weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]

    def waves(self, lam):
        """Return 2 t - 1 and cosines of t, (1, n, 1 + N_WAVES), of lambda (1, n, 1)."""
        t = self.time(lam)
        return torch.cat(
            [2 * t - 1, *(torch.cos(k * torch.pi * t) for k in range(1, N_WAVES + 1))], -1
        )

    def modulation(self, lam):
        """Return scale and shift of every layer, each (1, n, width)."""
        parts = (torch.tanh(self.waves(lam) @ self.first) @ self.second).chunk(2, -1)
        scales, shifts = (part.split(self.widths, -1) for part in parts)
        return list(zip([1 + s for s in scales], shifts, strict=True))

    def forward(self, x, lam, drop=None):
        """Return outputs (1, n, out) for x (n, in) and lambda (1, n, 1) or (1, 1, 1)."""
        layers = list(zip(self.main.weights, self.main.biases, strict=True))
        waves = self.waves(lam)
        modulation = self.modulation(lam) if self.kind == "film" else None
        for k, (weight, bias) in enumerate(layers):
            z = torch.matmul(x, weight) + bias
            if self.kind == "concat" and k == 0:
                z = z + waves @ self.entry
            elif self.kind == "film":
                z = z * modulation[k][0] + modulation[k][1]
            elif self.kind == "weights":
                for j in range(N_WAVES):
                    z = z + waves[..., j + 1 :][..., :1] * (
                        torch.matmul(x, self.further[k][j]) + self.shifts[k][j]
                    )
            x = z
            if k < len(layers) - 1:
                x = nn.functional.silu(x)
                x = x if drop is None else drop(x)
        return x

    def squared_weights(self, lam):
        """Return the sum of squared weights that act at lambda, (1, n)."""
        total, modulation = 0.0, self.modulation(lam) if self.kind == "film" else None
        waves = self.waves(lam)[0, :, 1:]
        for k, weight in enumerate(self.main.weights):
            if self.kind == "weights":
                stack = torch.cat([weight, self.further[k]]).flatten(1)
                factors = torch.cat([torch.ones(len(waves), 1), waves], 1)
                total = total + ((factors @ (stack @ stack.T)) * factors).sum(1)[None]
            elif self.kind == "film":
                total = total + modulation[k][0].square() @ weight[0].square().sum(0)
            else:
                total = total + weight.square().sum()
        return total if torch.is_tensor(total) and total.ndim else total.expand(1, 1)


def _uniform(shape, n_in, source):
    return (2 * torch.rand(shape, generator=source) - 1) * n_in**-0.5


def train_plain(training, lams, own_start=False):
    """Return networks (ModuleList) of several trained values, one member each, as the zoo's."""
    column = torch.tensor(lams, dtype=torch.float32)[:, None, None]
    nets = training.build(lambda sizes: Plain(sizes, len(lams), training.source, own_start))
    _minimise(training, nets, lambda n: column, training.n_steps, training.pool, {})
    return nets


def train_conditioned(
    training, *, kind, width, time, draw, n_steps, rate, decays=False, pool=None, seed=0
):
    """Return networks that read lambda, trained on lambdas of `draw(n)` for each row."""
    source = generator(seed, 7)

    def make(sizes):
        return Conditioned(sizes, kind, time, source, width)

    nets = training.build(make)
    groups = [group for net in nets for group in net.groups(training.weight_decay, decays)]
    pool = training.pool if pool is None else pool
    _minimise(
        training, nets, draw, n_steps, pool,
        {"parameters": groups, "learning_rate": rate * training.learning_rate},
    )  # fmt: skip
    return nets


def _minimise(training, nets, lam, n_steps, pool, options):
    step = iter(range(n_steps))

    def losses():
        return training.loss(nets, lam, pool, next(step) / max(n_steps - 1, 1))

    given = {"learning_rate": training.learning_rate, "weight_decay": training.weight_decay}
    fit(nets, losses, n_steps, **given | options)
