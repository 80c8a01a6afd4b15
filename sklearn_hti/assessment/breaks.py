"""Where outputs change fastest, and where the range breaks (docs/method.md, section 11).

The logarithm of the speed of the outputs wanders with the time, as in the prior of the clock. A
break is a step between neighbouring trained values that is faster than all other steps explain, or
goes farther aside from them than they do from each other.
"""

from dataclasses import dataclass

import numpy as np

from .._utils.findings import warn
from ..clocks.selection import confirmed_rule
from ..clocks.time_scale import CurvedScale
from ..exceptions import BreakWarning
from .unexplained import unexplained


@dataclass(frozen=True)
class Steps:
    """Steps of particles along the edges of the trained values.

    Attributes
    ----------
    edges : ndarray of shape (E, 2)
        Pairs of trained values.
    products : ndarray of shape (E, E)
        Mean inner products of the steps, as outputs show them.
    signal : ndarray of shape (E, E)
        The same without what samples of one distribution are apart.
    """

    edges: np.ndarray
    products: np.ndarray
    signal: np.ndarray


def find_breaks(scale, data, way, space):
    """Return the figures of the steps between trained values, and warn of breaks.

    Parameters
    ----------
    scale : CurvedScale, PlacedScale or AxesScale
        The time scale of the field.
    data : TrainingData
        Rows that were coupled.
    way : Way
        Their outputs, followed through the trained values.
    space : LamSpace
        The hyperparameters.

    Returns
    -------
    dict
        ``speeds`` of the steps, the ``fastest`` of them and the ``breaks``, as pairs of trained
        values; see `diagnostics_`.

    Warns
    -----
    BreakWarning
        If there is a break.
    """
    lams = data.anchors.lam
    steps = measure_steps(way, np.array(data.anchors.edges))
    knots = _places(scale, data.anchors, way.trajectories)
    start, end = steps.edges.T
    lengths = np.linalg.norm(knots[end] - knots[start], axis=1)
    speeds = np.sqrt(np.diag(steps.signal)) / lengths
    found, excess = [], 1.0
    # of several, how fast outputs are depends on the direction: steps explain no others
    if not data.anchors.several and all(data.facts.inputs_shared) and speeds.any():
        middles = (knots[start] + knots[end]) / 2
        found, excess = unexplained(steps, middles, lengths, data.budget.left_out_values)
    pairs = [tuple(sorted(edge)) for edge in steps.edges.tolist()]
    users = [tuple(_as_users_pass(space, lams[k]) for k in pair) for pair in pairs]
    if found:
        between = [" and ".join(space.text(lams[k]) for k in pairs[edge]) for edge in found]
        warn(
            f"outputs break between lambda = {', and between '.join(between)}: they change up to "
            f"{excess:.2g} times as fast there as the other trained values suggest. Answers there "
            "are not reliable. Train a network between these values, check whether one of them "
            "failed, or fit both sides separately (`diagnostics_['breaks']`).",
            BreakWarning,
        )
    figures = {
        "speeds": speeds.tolist(),
        "fastest": users[int(speeds.argmax())] if speeds.any() else None,
    }
    return figures if data.anchors.several else figures | {"breaks": [users[e] for e in found]}


def measure_steps(way, edges):
    """Return the Steps of a Way along edges (E, 2)."""
    trajectories = way.trajectories
    first, last = trajectories.first[:, None], trajectories.last[:, None]
    reached = (first <= edges.min(axis=1)) & (edges.max(axis=1) <= last)
    reached = (reached | trajectories.whole[:, None]).astype(float)
    steps = trajectories.points[:, edges[:, 1]] - trajectories.points[:, edges[:, 0]]
    flat = (steps * reached[:, :, None]).transpose(1, 0, 2).reshape(len(edges), -1)
    products = flat @ flat.T / np.maximum(reached.T @ reached, 1)
    # both ends of an edge leave it (-1) or enter it (1); an end that two share is in their product
    ends = np.zeros((len(edges), len(way.noise)))
    np.put_along_axis(ends, edges, np.array([[-1.0, 1.0]]), axis=1)
    signal = products - 0.5 * (ends * way.noise) @ ends.T
    np.fill_diagonal(signal, np.maximum(np.diag(signal), 0))
    return Steps(edges, products, signal)


def _places(scale, anchors, trajectories):
    """Return places (M, k) of trained values, of which the trained range is one.

    That of one hyperparameter is the suggested scale, not yet run at the speed of the outputs, or
    the one that users asked for.
    """
    lams = anchors.lam
    if anchors.several:
        return scale.place(lams)
    if isinstance(scale, CurvedScale):
        return scale.rule.fraction(lams, lams[0], lams[-1])[:, None]
    if scale.clock.name == "entropy" and len(lams) > 2:  # runs at the speed of the outputs
        return confirmed_rule(lams, trajectories).fraction(lams, lams[0], lams[-1])[:, None]
    return scale.time(lams)[:, None]


def _as_users_pass(space, lam):
    """Return one encoded lambda as a number, or a tuple of several."""
    value = space.decode(np.asarray(lam)[None])[0]
    return float(value) if np.ndim(value) == 0 else tuple(np.asarray(value).tolist())
