"""Training steps on the meta device, whose tensors hold no numbers: none can reach the host.

What asks for a number raises there, and the dispatcher tells what mixes devices: a stand-in for
a GPU where there is none. `test_device.py` looks at a real one.
"""

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import ConditionalFlowMatchingRegressor
from sklearn_hti.flow_map.training import FlowMapEngine
from sklearn_hti.nn.averaging import WeightAverage
from sklearn_hti.nn.batches import DrawnDataset
from sklearn_hti.nn.engine import Engine
from sklearn_hti.solvers import NeuralDual
from sklearn_hti.solvers.dual_training import DualEngine


class OneDevice(TorchDispatchMode):
    """Refuses operations on tensors of two devices."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = {t.device for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
        assert len(found) < 2, f"{function} reads {found}"
        return function(*args, **(kwargs or {}))


def without_numbers(value):
    """Return what a dataset holds with all tensors on the meta device."""
    if isinstance(value, torch.Tensor | nn.Module):
        return value.to("meta")
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(without_numbers, value))
    if isinstance(value, list | tuple):
        return type(value)(map(without_numbers, value))
    return value


def move(net, dataset):
    """Put a net, its optimizers and its training rows on the meta device."""
    module = net.module_.requires_grad_(True)
    before = list(module.parameters())
    moved = dict(zip(before, module.to("meta").parameters(), strict=True))
    for name in ("optimizer_", "path_optimizer_", "metric_optimizer_"):
        if (optimizer := getattr(net, name, None)) is not None:
            optimizer.state.clear()
            for group in optimizer.param_groups:
                group["params"] = [moved[p] for p in group["params"]]
                group["fused"] = False  # the only form that AdamW has there
    if net.average_ is not None:
        net.average_ = WeightAverage(module)
    if isinstance(net, DualEngine):
        net.kept_.clear()
        net.scale_ = torch.ones((), device="meta")
    if isinstance(net, FlowMapEngine):
        net.steps = without_numbers(net.steps)
    for name, value in vars(dataset).items():
        setattr(dataset, name, "meta" if name == "device" else without_numbers(value))


# a step of paths and one of the metric in two
DUAL = NeuralDual(max_iter=20, pretrain_iter=5, path_every=2, metric_every=2, path_iter=2)
LEARNED = {"kinetic": "learned", "potential": "density"}
CASES = {
    "generator": {"base": "flow"},
    "hypernetwork": {"base": "flow", "conditioning": "hypernetwork"},
    "smooth": {"conditioning": "concat", "path": "smooth"},
    "learned": LEARNED,
    "action": {**LEARNED, "cost": "action"},
    "dual": {**LEARNED, "solver": DUAL},
    "velocities": {"estimator": ConditionalFlowMatchingRegressor},
}


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.TrajectoryWarning")  # 10 steps
@pytest.mark.parametrize("case", CASES)
def test_a_training_step_tells_the_host_nothing(networks, monkeypatch, case):
    stages, get = {}, Engine.get_iterator

    def noted(net, dataset, training=False):
        if training:
            stages[net] = dataset
        return get(net, dataset, training=training)

    monkeypatch.setattr(Engine, "get_iterator", noted)
    params = dict(CASES[case])
    kind = params.pop("estimator", HyperparameterTrajectoryRegressor)
    model = kind(lam_transform=None, max_iter=10, random_state=0, **params)
    if "validate" in model.get_params():
        model.set_params(validate=False)
    model.fit(networks.X, networks.y, networks.lam)
    assert stages
    for net, dataset in stages.items():
        assert isinstance(dataset, DrawnDataset)
        move(net, dataset)
        rows = torch.arange(min(net.batch_size, len(dataset)), device="meta")
        for _ in range(3):
            with OneDevice():
                batch = dataset.draw(rows, torch.Generator())
                loss = net.train_step(batch)["loss"]
            assert loss.device.type == "meta"
