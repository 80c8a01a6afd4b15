"""Which rows a kernel under a condition x sums over, so that none sums over all."""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from torch import nn


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


class Support(nn.Module):
    """For each distinct condition, the rows nearest in x and the logarithm of their weights.

    Rows of the same categories alone; of those, the `n_support` nearest in the numeric part of
    x, weighted by a Gaussian kernel there, or a random choice where x has no numeric part.
    """

    def __init__(self, points, log_weights, rows):
        super().__init__()
        self.register_buffer("points", points)  # (U, J, D)
        self.register_buffer("log_weights", log_weights)  # (U, J), -inf: no row
        self.rows = rows  # (U, J)

    def forward(self, x):
        """Return the points (n, J, D) and log-weights (n, J) under conditions x."""
        if len(self.points) == 1:
            return self.points, self.log_weights
        return self.points[x.group], self.log_weights[x.group]

    @classmethod
    def build(cls, data, condition_bandwidth, n_support, seed):
        """Choose the rows of every distinct condition of the training data."""
        rng = np.random.default_rng(seed)
        groups, first = np.unique(data.groups, return_index=True)
        numeric, codes = data.conditions.scaled, data.conditions.codes
        n_support = min(n_support, len(data.y))
        rows = np.zeros((len(groups), n_support), dtype=np.int64)
        log_weights = np.full((len(groups), n_support), -np.inf)
        width = condition_bandwidth
        if width == "scott":
            width = len(groups) ** (-1.0 / (numeric.shape[1] + 4))
        category = np.zeros(len(numeric), dtype=np.int64)
        if codes.shape[1]:
            category = np.unique(codes, axis=0, return_inverse=True)[1].reshape(-1)
        for c in np.unique(category):
            own = rng.permutation(np.flatnonzero(category == c))
            mine = np.flatnonzero(category[first] == c)
            n = min(n_support, len(own))
            if not numeric.shape[1]:
                rows[mine, :n], log_weights[mine, :n] = own[:n], -np.log(n)
                continue
            distance, near = (
                NearestNeighbors(n_neighbors=n).fit(numeric[own]).kneighbors(numeric[first[mine]])
            )
            log_kernel = -0.5 * (distance / width) ** 2
            rows[mine, :n] = own[near]
            log_weights[mine, :n] = log_kernel - np.logaddexp.reduce(
                log_kernel, axis=1, keepdims=True
            )
        return cls(
            torch.as_tensor(data.y[rows], dtype=torch.float32),
            torch.as_tensor(log_weights, dtype=torch.float32),
            rows,
        )
