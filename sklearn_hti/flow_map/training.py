"""Distil trajectories into one flow map F(y, x, a, b) (docs/method.md, equation 53)."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .._utils.groupby import first_of_each, number_groups
from .._utils.random import build_module
from ..nn.engine import Engine, split_rows, train
from .dataset import TrajectoryDataset
from .linear_part import enough, set_linear_part
from .module import FlowMap
from .transport import TransportMap, guess_error

_BACK_EVERY = 4  # one in so many rows of a batch is moved back, too
# Weight of the way back where one trajectory runs through each condition: deterministic
# networks have a well-defined inverse. Else starts at all times teach the way back as well.
_BACK_WEIGHT = 0.3


class FlowMapEngine(Engine):
    """Regresses the flow map on trajectories and on its own way back.

    Parameters
    ----------
    module : FlowMap
        The map.
    back_weight : float, default=0.0
        Weight of the way back.
    **kwargs : dict
        Further arguments of Engine.
    """

    def __init__(self, module, *, back_weight=0.0, **kwargs):
        super().__init__(module, **kwargs)
        self.back_weight = back_weight

    def loss(self, inputs, target):
        """Return the error of increments between knots, of deviations and of the way back.

        Every interval counts relative to its own spread of velocities. The way back starts
        where the map itself arrived, so that it learns to undo the map and not only the
        trajectory; the gradient does not pass through the arrival.
        """
        flow_map = self.module_
        along, increments, deviation = target
        y, numeric, codes, start, end, z, linear, passed = inputs.values()
        modes = linear + flow_map.added_modes(z, numeric, codes, start)
        by_interval = modes.view(len(y), flow_map.n_intervals, -1, y.shape[1])
        scale = flow_map.v_scale.view(by_interval.shape[1:])
        miss = along @ modes - increments
        error = ((miss / scale[:, 0]) ** 2).mean()
        if deviation.shape[2]:
            miss = (by_interval[:, :, 1:] - deviation) / scale[:, 1:]
            error = error + (miss**2).sum(dim=2).mean()
        if not self.back_weight:
            return error

        some = slice(max(1, len(y) // _BACK_EVERY))
        y, numeric, codes, start, end, _, _, passed = (v[some] for v in inputs.values())
        arrival = (y + (passed @ modes[some]).squeeze(1)).detach()
        modes = flow_map.modes(arrival, numeric, codes, end)
        back = arrival - (passed @ modes).squeeze(1)
        unit = (passed.abs() @ flow_map.v_scale).squeeze(1) + 0.1 * scale[:, 0].mean(dim=0)
        return error + self.back_weight * (((back - y) / unit) ** 2).mean()


@dataclass(frozen=True)
class Distilled:
    """The flow map between numpy arrays, and the engine that trained it."""

    flow_map: TransportMap
    net: FlowMapEngine


def fit_flow_map(trajectories, data, clock, base_time, training):
    """Train the flow map on trajectories; return it Distilled."""
    times = clock.time(data.lam)[trajectories.rows]
    n_outputs = data.y.shape[1]
    module = build_module(
        lambda: FlowMap(
            n_outputs,
            len(data.anchors.edges),
            training.embedding(),
            training.conditioning,
            trajectories.deviation.shape[2],
        ),
        training.seeds["module"],
    )
    rng = np.random.default_rng(training.seeds["split"])
    some = enough(trajectories, data.features.shape[1], rng, data.budget)
    set_linear_part(module, trajectories[some], times[some], data)

    origin = trajectories.rows[:, 0]
    # rows may repeat; of one condition, all trajectories must then be one
    first = first_of_each(data.groups[origin])[number_groups(data.groups[origin])]
    one_each = np.array_equal(trajectories.points, trajectories.points[first])
    deterministic = one_each and data.facts.inputs_shared[base_time]
    settings = training.settings
    picked, held = split_rows(data.groups[origin], rng, settings.early_stopping)
    examples = (
        None
        if rows is None
        else TrajectoryDataset(
            module, trajectories[rows], times[rows], data, base_time, settings.device, rng
        )
        for rows in (picked, held)
    )
    net = train(
        module,
        *examples,
        label="transport",
        seed=training.seeds["batches"],
        settings=settings,
        engine=partial(FlowMapEngine, back_weight=_BACK_WEIGHT * deterministic),
        user_callbacks=training.callbacks,
    )
    error = None
    if deterministic:
        rows = picked if held is None else held
        error = guess_error(net.module_, trajectories[rows], data.conditions, base_time)
    return Distilled(TransportMap(net.module_, settings.device, base_time, error), net)
