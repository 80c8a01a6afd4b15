"""Which rows a kernel under a condition x sums over, so that none sums over all."""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from torch import nn

from .._utils.groupby import first_of_each, number_groups, split_by_group
from .._utils.registry import storable


class PathConditions(NamedTuple):
    """Conditions of paths: what networks read, and the number of the distinct condition."""

    numeric: torch.Tensor
    codes: torch.Tensor
    group: torch.Tensor

    def pick(self, rows):
        """Return the conditions of some rows."""
        return PathConditions(*(part[rows] for part in self))


def path_conditions(data, rows, device):
    """Return the PathConditions of training rows."""
    numeric, codes = data.conditions[rows].tensors(device=device)
    return PathConditions(numeric, codes, torch.as_tensor(data.groups[rows], device=device))


@storable
class Support(nn.Module):
    """For distinct conditions, the rows nearest in x and the logarithm of their weights.

    Rows of the same categories alone; of those, the `n_support` nearest in the numeric part of
    x, weighted by a Gaussian kernel there, or a random choice where x has no numeric part. Of
    too many conditions, some have rows of their own (`supported`), which serve the conditions
    that are nearest to them, too.
    """

    def __init__(self, points, log_weights, rows, centre):
        super().__init__()
        self.register_buffer("points", points)  # (M, J, D)
        self.register_buffer("log_weights", log_weights)  # (M, J), -inf: no row
        self.register_buffer("centre", centre)  # (U,): which of the M serves a condition
        self.rows = rows  # (M, J)

    def forward(self, x):
        """Return the points (n, J, D) and log-weights (n, J) under conditions x."""
        if len(self.points) == 1:
            return self.points, self.log_weights
        own = self.centre[x.group]
        return self.points[own], self.log_weights[own]

    @classmethod
    def build(cls, data, condition_bandwidth, n_support, seed):
        """Choose the rows of the conditions of the training data."""
        rng = np.random.default_rng(seed)
        every = first_of_each(data.groups)
        numeric, category = data.conditions.scaled, _categories(data)
        width = condition_bandwidth
        if width == "scott":
            width = len(every) ** (-1.0 / (numeric.shape[1] + 4))
        first = every[supported(data)]
        n_support = min(n_support, np.bincount(category).max())
        rows = np.zeros((len(first), n_support), dtype=np.int64)
        log_weights = np.full((len(first), n_support), -np.inf, dtype=np.float32)
        centre = np.zeros(len(every), dtype=np.int64)
        by_category = (split_by_group(category[some]) for some in (slice(None), first, every))
        for own, mine, served in zip(*by_category, strict=True):
            own = rng.permutation(own)
            n = min(n_support, len(own))
            if not numeric.shape[1]:
                rows[mine, :n], log_weights[mine, :n] = own[:n], -np.log(n)
                centre[served] = mine
                continue
            x = numeric[first[mine]]
            distance, near = NearestNeighbors(n_neighbors=n).fit(numeric[own]).kneighbors(x)
            log_kernel = -0.5 * (distance / width) ** 2
            rows[mine, :n] = own[near]
            log_weights[mine, :n] = log_kernel - np.logaddexp.reduce(
                log_kernel, axis=1, keepdims=True
            )
            centre[served] = mine[_nearest(x, numeric[every[served]])]
        return cls(
            torch.as_tensor(data.y.astype(np.float32)[rows]),
            torch.as_tensor(log_weights),
            rows,
            torch.as_tensor(centre),
        )


def supported(data):
    """Return the conditions that get rows of their own, a fixed random choice where too many."""
    every = first_of_each(data.groups)
    budget = data.budget
    most = int(np.clip(budget.support_numbers // data.facts.n_outputs, 1, budget.support_inputs))
    if len(every) <= most or not data.facts.n_numbers:
        return np.arange(len(every))
    order = np.random.default_rng(len(every)).permutation(len(every))
    one_each = first_of_each(_categories(data)[every][order])
    return np.union1d(order[:most], order[one_each])


def _categories(data):
    """Return the number of the combination of categories of every row."""
    codes = data.conditions.codes
    if not data.facts.n_categorical:
        return np.zeros(len(codes), dtype=np.int64)
    return number_groups(codes)


def _nearest(centres, places):
    """Return the nearest centre of each place."""
    if len(centres) == len(places):
        return np.arange(len(places))  # they are the same
    return NearestNeighbors(n_neighbors=1).fit(centres).kneighbors(places)[1][:, 0]
