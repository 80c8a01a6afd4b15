"""Batches of blocks: draws of one condition, or of near ones, at both ends of every edge."""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from .._utils.groupby import first_of_each, split_by_group
from ..data.facts import BLOCK_DRAWS, DrawCounts
from ..lagrangian.support import path_conditions
from ..nn.batches import DrawnDataset
from ..stats.neighbours import k_d_order
from ..stats.ridge import linear_mean


class BlockDataset(DrawnDataset):
    """Blocks of outputs at the beginning and at the end of every edge.

    Where conditions have many draws at both ends, a block holds draws of one. Where nearly all
    have one draw at both ends, it is that pair. Else it holds the draws of the conditions that
    are nearest to one: with the parts of the outputs that a linear regression on x explains,
    and with tags, whose squared distance prices the difference of conditions.
    """

    def __init__(self, data, device, block_size, condition_penalty):
        self.device = device
        self.y = self._tensor(data.y)
        self.x = path_conditions(data, np.arange(len(data.y)), device)
        self.edges = [_edge_blocks(data, *edge, block_size, device) for edge in data.anchors.edges]
        self.n_rows = sum(len(edge.centres) for edge in self.edges)
        sizes = [edge.size for edge in self.edges if edge.size > 1]
        self.block_size = min(sizes, default=1)

        near = [edge.near for edge in self.edges]
        tags = data.features[:] if any(near) else np.zeros((len(data.y), 0))
        self.tags = self._tensor(np.sqrt(2 * condition_penalty) * tags)
        nothing = self.y.new_zeros(1, 1).expand_as(self.y)
        self.means = [
            [self._mean(data, anchor) if edge.near else nothing for anchor in ends]
            for edge, ends in zip(self.edges, data.anchors.edges, strict=True)
        ]

    def _tensor(self, values):
        return torch.as_tensor(np.array(values), dtype=torch.float32, device=self.device)

    def _mean(self, data, anchor):
        """Return what outputs of an anchor would be on average at every row's x."""
        return self._tensor(linear_mean(data, data.anchors.rows(anchor)).predict(data.features))

    def draw(self, rows, generator):
        """Return blocks of beginnings and of ends, edge by edge, equally many of each edge.

        Beginnings y0, their conditions x0, and what is explained of outputs there at both ends
        of the edge (mean0, mean1); ends y1, carried over to the condition of the beginning
        beside them; the tags of both.
        """
        n_blocks = max(1, len(rows) // (self.block_size * len(self.edges)))
        parts = []
        for edge, (mean0, mean1) in zip(self.edges, self.means, strict=True):
            begin, end = edge.draw(n_blocks, self.block_size, generator)
            parts.append((begin, end, mean0[begin], mean1[begin], mean1[end]))
        begin, end, mean0, mean1, mean_end = (torch.cat(p) for p in zip(*parts, strict=True))
        inputs = {"y0": self.y[begin], "x0": self.x.pick(begin), "mean0": mean0, "mean1": mean1}
        inputs |= {"y1": self.y[end] - mean_end + mean1}
        return inputs | {"tags0": self.tags[begin], "tags1": self.tags[end]}, None


class _Candidates(NamedTuple):
    """Rows of one end, condition by condition: which may be in its block."""

    rows: torch.Tensor
    first: torch.Tensor
    size: torch.Tensor

    def draw(self, conditions, uniform):
        """Return one row from each of even parts of a condition's candidates, block by block."""
        n = uniform.shape[1]
        size = self.size[conditions].unsqueeze(1)
        part = (torch.arange(n, device=uniform.device) + uniform) / n
        place = torch.minimum((part * size).long(), size - 1)
        return self.rows[self.first[conditions].unsqueeze(1) + place].flatten()


class _EdgeBlocks(NamedTuple):
    """Which rows of both ends of an edge may share a block."""

    ends: tuple[_Candidates, _Candidates]
    centres: torch.Tensor  # condition of each row of the beginning, in order
    size: int
    near: bool  # blocks hold more than one condition

    def draw(self, n_blocks, block_size, generator):
        """Return rows of the beginning and of the end, (n_blocks * block_size,) each."""
        device = self.centres.device
        uniform = torch.rand(1 + 2 * n_blocks * block_size, generator=generator, device=device)
        part = (torch.arange(n_blocks, device=device) + uniform[0]) / n_blocks
        place = (part * len(self.centres)).long().clamp(max=len(self.centres) - 1)
        uniforms = uniform[1:].view(2, n_blocks, block_size)
        conditions = self.centres[place]
        return [end.draw(conditions, u) for end, u in zip(self.ends, uniforms, strict=True)]


def _edge_blocks(data, k0, k1, block_size, device):
    """Choose the blocks of an edge."""
    ends = [data.anchors.rows(k) for k in (k0, k1)]
    near = not data.facts.edges_shared[k0, k1]
    if not near:
        shared = np.intersect1d(*(data.groups[rows] for rows in ends))
        lists = [_by_condition(data, rows, shared) for rows in ends]
        counts = [DrawCounts(shared, np.array([len(rows) for rows in end])) for end in lists]
        size = min(block_size, int(min(c.median for c in counts)))
        several = any(c.some_repeat for c in counts)
        near = several and size < min(block_size, BLOCK_DRAWS)
    if near:
        size = min(block_size, *map(len, ends))
        first = first_of_each(data.groups[ends[0]])
        lists = [_nearest(data, rows, ends[0][first], size) for rows in ends]
    weights = (data.facts.draws[k0] if near else counts[0]).per_input
    centres = torch.as_tensor(np.repeat(np.arange(len(lists[0])), weights), device=device)
    return _EdgeBlocks(tuple(_candidates(end, device) for end in lists), centres, size, near)


def _by_condition(data, rows, groups):
    """Return the rows of every group, in an order that `_Candidates` spreads draws over."""
    rows = rows[np.isin(data.groups[rows], groups)]
    parts = [rows[on] for on in split_by_group(data.groups[rows])]
    return [part[k_d_order(data.y[part])] for part in parts]


def _nearest(data, rows, centres, size):
    """Return the `size` rows whose conditions are nearest to that of each centre."""
    features = data.features if data.features.shape[1] else np.zeros((len(data.y), 1))
    neighbours = NearestNeighbors(n_neighbors=size).fit(features[rows])
    return rows[neighbours.kneighbors(features[centres])[1]]


def _candidates(lists, device):
    size = np.array([len(rows) for rows in lists])
    parts = np.concatenate(lists), np.cumsum(size) - size, size
    return _Candidates(*(torch.as_tensor(part, device=device) for part in parts))
