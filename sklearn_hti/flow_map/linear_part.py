"""The linear part of the flow map: regressions of trajectories on (y, x)."""

import numpy as np
import torch

from ..stats.ridge import fit_ridge

_MARGIN = 1.5  # over what the linear part leaves of the trajectories: no network adds more
_AROUND = (-0.25, 0.0, 0.25)  # of a node: times that its linear part is fitted at


def enough(trajectories, n_features, rng, budget):
    """Return trajectories that are enough for regressions: all, where memory takes them."""
    n, n_intervals, n_coefficients, n_outputs = trajectories.deviation.shape
    width = max(
        n_intervals * (1 + n_coefficients) * n_outputs, len(_AROUND) * (n_outputs + n_features)
    )
    most = max(budget.regressed_rows, budget.regressed_numbers // width)
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


@torch.no_grad()
def set_linear_part(module, trajectories, times, data):
    """Write the linear modes into the map, and the scales of y, of the modes and of the rest."""
    points, n_coefficients = trajectories.points, trajectories.deviation.shape[2]
    origin = trajectories.rows[:, 0]
    length = np.diff(times, axis=1)
    moved = length > 1e-3
    velocity = np.diff(trajectories.points, axis=1) / np.where(moved, length, 1.0)[:, :, None]
    modes = np.concatenate([velocity[:, :, None], trajectories.deviation], axis=2)
    modes = modes.reshape(len(points), *module.shape)
    moved = np.repeat(moved, 1 + n_coefficients, axis=1)
    spread = own_spread = modes.std(axis=0, where=moved[:, :, None])
    # an interval in which hardly anything moves must not weigh as much as the others,
    # and a deviation not more than the chord that it belongs to
    spread = spread.reshape(-1, 1 + n_coefficients, spread.shape[1])[:, 0]
    spread = np.maximum(np.maximum(spread, 0.1 * spread.max(axis=0)), 1e-6)
    spread = np.repeat(spread, 1 + n_coefficients, axis=0)
    module.v_scale.copy_(torch.as_tensor(spread))
    scale = points.std(axis=0)
    module.y_mean.copy_(torch.as_tensor(points.mean(axis=0)))
    module.y_scale.copy_(torch.as_tensor(np.where(scale > 1e-6, scale, 1.0)))

    features = data.features[origin]

    def inputs_at(t):
        """Return normalised outputs at time t, as if knots were anchors, beside x."""
        time = torch.full((len(points), 1), t, dtype=torch.float32)
        y = torch.as_tensor(trajectories.at(t), dtype=torch.float32)
        return np.hstack([module.normalise(y, time).numpy(), features])

    nodes = module.nodes.numpy()
    linear = np.zeros(module.linear.shape)
    alike = _alike(moved)
    last = points.shape[1] - 1.0
    for coefficients, t in zip(linear, nodes.tolist(), strict=True):
        around = [t + u for u in _AROUND if 0 <= t + u <= last]
        inputs = [inputs_at(u) for u in around]
        for on, of in alike:
            x = np.concatenate([part[on] for part in inputs])
            u = np.tile(modes[on], (len(around), 1, 1))
            intercepts, slopes = fit_ridge(x, u[:, of])
            coefficients[0, of] = intercepts
            coefficients[1:, of] = slopes.swapaxes(0, 1)
    module.linear.copy_(torch.as_tensor(linear))

    left = 0.01 * own_spread + 1e-8
    most = np.zeros_like(left)
    for t in np.arange(0, points.shape[1] - 0.9, 0.25):
        near = (1 - np.abs(t - nodes) / nodes[1]).clip(min=0)
        intercepts, slopes = np.split(np.tensordot(near, linear, axes=1), [1])
        miss = modes - intercepts - np.tensordot(inputs_at(t), slopes, axes=1)
        left = np.maximum(left, miss.std(axis=0, where=moved[:, :, None]))
        most = np.maximum(most, np.abs(miss * moved[:, :, None]).max(axis=0))
    module.residual_scale.copy_(torch.as_tensor(left))
    module.limit.copy_(torch.as_tensor(np.maximum(_MARGIN * most, left)))


def _alike(moved):
    """Return which rows (n,) move in a mode, and the modes (n, K) alike in that, in pairs."""
    patterns, of = np.unique(moved, axis=1, return_inverse=True)
    pairs = [
        (np.flatnonzero(patterns[:, i]), np.flatnonzero(of.reshape(-1) == i))
        for i in range(patterns.shape[1])
    ]
    return [(on, modes) for on, modes in pairs if len(on)]
