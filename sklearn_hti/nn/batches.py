"""Examples that are drawn anew for every step of a training, and rows that are held out of it."""

from itertools import islice

import numpy as np
import torch
from torch.utils.data import Dataset

from ..data.budget import BUDGET
from ..data.facts import DrawCounts

STEPS_PER_EPOCH = 50
_HELD = 0.1, 0.2  # fractions of the rows that are held out, at most


class DrawnDataset(Dataset):
    """Training examples that are drawn anew for every step.

    Subclasses hold tensors of `n_rows` rows on one device and turn row numbers into one
    batch (inputs, target) with the randomness of a torch Generator.
    """

    n_rows: int
    device: str
    by_row = False  # one row in every tensor per row asked for: many batches are drawn at once

    def __len__(self):
        return self.n_rows

    def draw(self, rows, generator):
        """Return one batch: a dict of module inputs, and the target."""
        raise NotImplementedError

    def state_dict(self):
        """Return what changes in training, for checkpoints: tensors and numbers."""
        return {}

    def load_state_dict(self, state):
        """Go on from a state."""


class BatchIterator:
    """Yield batches of a DrawnDataset; tensors were moved to the device once.

    Fixed batches are the same each time, and of full size: few rows are drawn several times.
    """

    def __init__(self, dataset, batch_size, seed=0, n_batches=STEPS_PER_EPOCH, fixed=False):
        self.dataset = dataset
        self.batch_size = batch_size if fixed else min(batch_size, len(dataset))
        self.n_batches = n_batches
        self.fixed = fixed
        self.seed = seed
        self.generator = torch.Generator(device=dataset.device).manual_seed(seed)

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        if self.fixed:
            self.generator.manual_seed(self.seed)
        at_once = max(1, BUDGET.drawn_rows // self.batch_size) if self.dataset.by_row else 1
        rows = self._rows()
        while some := list(islice(rows, at_once)):
            inputs, target = self.dataset.draw(torch.cat(some), self.generator)
            if len(some) == 1:
                yield inputs, target
                continue
            for parts in zip(
                *(v.split(self.batch_size) for v in (*inputs.values(), *target)), strict=True
            ):
                yield dict(zip(inputs, parts, strict=False)), parts[len(inputs) :]

    def _rows(self):
        """Yield the row numbers of every batch: permutations, cut."""
        order, used = (), 0
        for _ in range(self.n_batches):
            if used + self.batch_size > len(order):
                order, used = self._permutations(), 0
            yield order[used : used + self.batch_size]
            used += self.batch_size

    def _permutations(self):
        """Return as many permutations, one after the other, as fill a batch: mostly one."""
        n_rows = len(self.dataset)
        return torch.cat(
            [
                torch.randperm(n_rows, generator=self.generator, device=self.dataset.device)
                for _ in range(-(-self.batch_size // n_rows))
            ]
        )


def split_rows(units, rng, required, *, enough=0, min_rows=50):
    """Hold out whole units (groups of equal x): return rows to train on and to validate.

    Of fewer than 20 units, rows are held out instead.
    A tenth of the units is held out; where those are not `enough` rows, up to a fifth. Nothing
    is where rows are few, nor, unless `required`, where every condition has many draws:
    conditions are all known then, and every draw shapes the distribution.
    """
    counts = DrawCounts.of(units)
    if len(units) < min_rows or (counts.know_distributions and not required):
        return np.arange(len(units)), None
    distinct = counts.inputs
    if not counts.hold_inputs:
        units = distinct = np.arange(len(units))
    part = np.clip(enough / len(units), *_HELD)
    held = rng.choice(distinct, max(1, round(part * len(distinct))), replace=False)
    mask = np.isin(units, held)
    return np.flatnonzero(~mask), np.flatnonzero(mask)
