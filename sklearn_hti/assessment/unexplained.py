"""Steps that all other steps do not explain: predicted from them, by the prior of the clock."""

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from ..clocks.curve import log_detours, log_speeds, speed_kernel, speed_noise
from ..field.kriging import Kriging
from .uncertainty import PRIOR_VALUES


def unexplained(steps, middles, lengths, most):
    """Return the edges that the others do not explain, and by how much they are faster at most.

    The log speed of each is predicted from those of all others, whose own deviations scale the
    prior; so is that of the part of each step that goes aside from its neighbours.
    Steps that go there and come back are judged together: a network that fails makes both of its
    steps fast, and a chaotic end all of its own. A step is found at two standard errors, as in
    `select`, at the level of all trials together.

    Parameters
    ----------
    steps : Steps
        The steps, along a chain of trained values.
    middles : ndarray of shape (E, k)
        Where they are, in times of which the trained range is one.
    lengths : ndarray of shape (E,)
        How long they take.
    most : int
        Edges that are judged, the fastest.
    """
    speeds = np.sqrt(np.diag(steps.signal)) / lengths
    fastest = set(np.argsort(-speeds, kind="stable")[:most].tolist())
    blocks = [block for block in _blocks(steps) if fastest.issuperset(block)]
    kinds = _along, _aside
    level = norm.sf(2.0) / max(1, len(blocks) * len(kinds))
    excess = {}
    for block in blocks:
        rest = np.setdiff1d(np.arange(len(lengths)), block)
        for kind in kinds:
            known, judged = kind(steps, lengths, rest, block)
            more, ratio = _surprise(known, judged, middles[rest], middles[block])
            if ratio.min() > student.isf(level, PRIOR_VALUES + len(rest) - 1):
                excess |= {e: max(excess.get(e, 0), m) for e, m in zip(block, more, strict=True)}
    return sorted(excess), float(np.exp(max(excess.values(), default=0.0)))


def _surprise(known, judged, z_known, z_judged):
    """Return how far log speeds lie above what known ones predict: plain, and in deviations."""
    noise = np.full(len(known), speed_noise())
    others = Kriging(z_known, speed_kernel, noise=noise)
    more = judged - others.weights(z_judged) @ known
    n_known = len(known) - 1
    squares = n_known * others.spread(np.outer(known, known))
    scale = (PRIOR_VALUES + squares) / (PRIOR_VALUES + n_known)
    return more, more / np.sqrt(scale * (others.variance(z_judged) + noise[0]))


def _along(steps, lengths, rest, block):
    """Return log speeds of the rest, with their noise, and of a block, without it."""
    way = np.sqrt(np.diag(steps.products)).sum()
    known, judged = (np.sqrt(np.diag(of)) / way for of in (steps.products, steps.signal))
    return log_speeds(known[rest], lengths[rest]), log_speeds(judged[block], lengths[block])


def _aside(steps, lengths, rest, block):
    """Return the same of what is left of every step beside the nearest of the rest.

    Of the nearest on both sides, beside that to which it is more parallel.
    """
    way = np.sqrt(np.diag(steps.products)).sum()

    def left(products, edge):
        beside = [*rest[rest < edge][-1:], *rest[rest > edge][:1]]
        squares = products[edge, edge] - [
            products[edge, other] ** 2 / max(products[other, other], np.finfo(float).tiny)
            for other in beside
        ]
        return np.sqrt(max(squares.min(), 0)) / way

    known = np.array([left(steps.products, edge) for edge in rest])
    judged = np.array([left(steps.signal, edge) for edge in block])
    return log_detours(known, lengths[rest]), log_detours(judged, lengths[block])


def _blocks(steps):
    """Return lists of edges that may be a break: one, or several that run against each other.

    Beside single edges these are the edges at one trained value, and those up to an end of the
    chain. Two edges or more, and half of all, are left to explain a block.
    """
    n_edges = len(steps.edges)
    blocks = [[edge] for edge in range(n_edges)]
    at_values = [np.flatnonzero((steps.edges == k).any(axis=1)) for k in np.unique(steps.edges)]
    blocks += [edges.tolist() for edges in at_values if len(edges) > 1]
    for n in range(3, n_edges // 2 + 1):
        blocks += [[*range(n)], [*range(n_edges - n, n_edges)]]
    most = min(n_edges // 2, n_edges - 2)
    return [block for block in blocks if len(block) <= most and _comes_back(steps, block)]


def _comes_back(steps, block):
    """Return whether edges of a block that meet run against each other."""
    for i, edge in enumerate(block):
        for other in block[:i]:
            met = np.equal.outer(steps.edges[edge], steps.edges[other])
            if not met.any():
                continue
            # away from a value that both leave, or enter, steps run against each other if ahead
            outward = 1 if met[0, 0] or met[1, 1] else -1
            if outward * steps.signal[edge, other] <= 0:
                return False
    return True
