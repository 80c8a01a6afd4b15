"""Networks of one shape, one for each lambda, trained side by side in one batch."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from .family import Outputs


class Ensemble(nn.Module):
    """M perceptrons; every weight has a leading axis of members.

    All members start from the same weights, so that lambda is all that differs between
    them, unless each has a start of its own.

    Parameters
    ----------
    sizes : sequence of int
        Widths from input to output.
    n_members : int
        M.
    generator : torch.Generator
        Source of the initial weights.
    own_start : bool, default=False
        Whether every member starts from weights of its own.
    """

    def __init__(self, sizes, n_members, generator, own_start=False):
        super().__init__()
        n_drawn = n_members if own_start else 1
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for n_in, n_out in pairwise(sizes):
            for part, shape in (
                (self.weights, (n_drawn, n_in, n_out)),
                (self.biases, (n_drawn, 1, n_out)),
            ):
                start = (2 * torch.rand(shape, generator=generator) - 1) * n_in**-0.5
                part.append(start.expand(n_members, -1, -1).clone())

    def forward(self, x, drop=None):
        """Return outputs (M, n, out) for x of shape (n, in) or (M, n, in).

        `drop` changes the hidden activations, a function of (M, n, width).
        """
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = nn.functional.silu(torch.matmul(x, weight) + bias)
            if drop is not None:
                x = drop(x)
        return torch.matmul(x, self.weights[-1]) + self.biases[-1]


def fit(model, losses, n_steps, *, learning_rate=0.01, weight_decay=0.0, parameters=None):
    """Minimise `losses()`, of shape (M,), for all members; return the frozen model.

    AdamW with a cosine schedule. It works weight by weight, so members do not disturb each
    other, and one that is trained alone ends at the same weights. `parameters`, those of the
    model by default, may be groups as torch's optimizers take them.
    """
    torch.set_num_threads(1)
    parameters = model.parameters() if parameters is None else parameters
    optimizer = torch.optim.AdamW(parameters, learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for _ in range(n_steps):
        optimizer.zero_grad(set_to_none=True)
        losses().sum().backward()
        optimizer.step()
        schedule.step()
    return model.eval().requires_grad_(False)


def column(lams):
    """Return one value per member as a tensor (M, 1, 1)."""
    return torch.tensor(lams, dtype=torch.float32)[:, None, None]


def generator(*seed):
    """Return a torch Generator; it depends on every number given."""
    seeds = np.random.SeedSequence([round(1e6 * number) for number in seed])
    return torch.Generator().manual_seed(int(seeds.generate_state(1)[0]))


def batch(n_rows, size, source):
    """Return row numbers of a random batch."""
    return torch.randint(n_rows, (size,), generator=source)


def collect(answer, seeds, progress, X, train_rows, test_rows, dtype=np.float32):
    """Return the Outputs of `answer(seed)`, of shape (L, n, D), for all seeds."""
    y = np.stack([np.asarray(answer(seed), dtype=dtype) for seed in progress(seeds)])
    return Outputs(
        X=np.asarray(X, dtype=np.float32), y=y, train_rows=train_rows, test_rows=test_rows
    )


def split(n_rows, n_train):
    """Return rows to fit on and to measure on, at random but always the same."""
    order = np.random.default_rng(0).permutation(n_rows)
    return np.sort(order[:n_train]), np.sort(order[n_train:])


def alternate(n_rows):
    """Return the even and the odd rows: draws to fit on and other draws at the same inputs."""
    return np.arange(0, n_rows, 2), np.arange(1, n_rows, 2)
