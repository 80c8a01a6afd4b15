"""The linear part of the flow map: regressions of particles on (y, x)."""

from dataclasses import dataclass

import numpy as np
import torch

from ..data.lam_space import repeat_lam
from ..field.modes import PlaneModes
from ..stats.axes import MOST_AXES, principal_axes
from ..stats.ridge import fit_ridge

_MARGIN = 1.5  # over what the linear part leaves of the particles: no network adds more
_AROUND = (-0.5, 0.0, 0.5)  # of the way from node to node: times that coefficients are fitted at


def enough(particles, n_features, rng, budget):
    """Return particles that are enough for regressions: all, where memory takes them."""
    n, n_knots, n_outputs = particles.points.shape
    width = max((n_knots - 1) * n_outputs, len(_AROUND) * (n_outputs + n_features))
    most = max(budget.regressed_rows, budget.regressed_numbers // width)
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


@torch.no_grad()
def set_linear_part(module, particles, conditions):
    """Write the linear modes into the map, and the scales of y, of the modes and of the rest.

    Parameters
    ----------
    module : FlowMap
        The map.
    particles : Particles
        What the map is to follow.
    conditions : Conditions
        Their x.
    """
    modes = particles.modes
    steps, passed = particles.steps, particles.passed
    of_steps = modes.of_steps
    coefficients = np.einsum("rq,nqd->nrd", of_steps, steps)
    spread = coefficients.std(axis=0)
    module.table.copy_(torch.as_tensor(modes.table))
    at_anchors = particles.points if isinstance(modes, PlaneModes) else particles.anchors
    scale = at_anchors.std(axis=0)
    module.y_mean.copy_(torch.as_tensor(at_anchors.mean(axis=0)))
    module.y_scale.copy_(torch.as_tensor(np.where(scale > 1e-6, scale, 1.0)))
    if at_anchors.shape[2] > MOST_AXES:
        module.axes.copy_(torch.as_tensor(_axes_of(at_anchors)))

    numeric, codes = conditions.tensors()

    def inputs_at(t):
        """Return what the map reads at time or place t, beside x."""
        start = torch.as_tensor(repeat_lam(modes.start(t), len(steps)), dtype=torch.float32)
        y = torch.as_tensor(modes.at(particles.points, t), dtype=torch.float32)
        return module.features(module.normalise(y, start), numeric, codes).double().numpy()

    nodes = _plane_nodes(modes) if isinstance(modes, PlaneModes) else _line_nodes(module)
    linear = np.zeros((len(nodes.around), module.linear.shape[1], *steps.shape[1:]))
    alike = _alike(passed)
    for of_node, around in zip(linear, nodes.around, strict=True):
        inputs = [inputs_at(u) for u in around]
        for on, of in alike:
            x = np.concatenate([part[on] for part in inputs])
            u = np.tile(steps[on][:, of], (len(around), 1, 1))
            intercepts, slopes = fit_ridge(x, u)
            of_node[0, of] = intercepts
            of_node[1:, of] = slopes.swapaxes(0, 1)
    linear = np.einsum("rq,nfqd->nfrd", of_steps, linear)
    module.linear.copy_(torch.as_tensor(linear))

    left = 0.01 * spread + 1e-8
    most = np.zeros_like(left)
    for near, t in nodes.between:
        intercepts, slopes = np.split(np.tensordot(near, linear, axes=1), [1])
        miss = coefficients - intercepts - np.tensordot(inputs_at(t), slopes, axes=1)
        left = np.maximum(left, miss.std(axis=0))
        most = np.maximum(most, np.abs(miss).max(axis=0))
    module.residual_scale.copy_(torch.as_tensor(left))
    module.limit.copy_(torch.as_tensor(np.maximum(_MARGIN * most, left)))


@dataclass(frozen=True)
class _Nodes:
    """Where coefficients are fitted, and times at which they blend, with the weights of nodes."""

    around: list
    between: list


def _line_nodes(module):
    nodes = module.nodes.numpy()
    step, last = nodes[1], nodes[-1]
    around = [[t + u * step for u in _AROUND if 0 <= t + u * step <= last] for t in nodes.tolist()]
    times = np.linspace(0, last, 2 * len(nodes) - 1)
    return _Nodes(around, [((1 - np.abs(t - nodes) / step).clip(min=0), t) for t in times])


def _plane_nodes(modes):
    n_knots, places = len(modes.vectors), modes.places
    between = [(place[:n_knots], i) for i, place in enumerate(places)]
    return _Nodes([[i] for i in range(n_knots)], between)


def _axes_of(points):
    """Return the axes (D, R) along which outputs (N, K + 1, D), each in its unit, differ most."""
    scale = points.std(axis=0)
    z = (points - points.mean(axis=0)) / np.where(scale > 1e-6, scale, 1.0)
    return principal_axes(z.reshape(-1, z.shape[2]))


def _alike(passed):
    """Return which rows (n,) pass a step, and the steps (n, Q - 1) alike in that, in pairs."""
    patterns, of = np.unique(passed, axis=1, return_inverse=True)
    pairs = [
        (np.flatnonzero(patterns[:, i]), np.flatnonzero(of.reshape(-1) == i))
        for i in range(patterns.shape[1])
    ]
    return [(on, steps) for on, steps in pairs if len(on)]
