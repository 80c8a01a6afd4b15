"""Sample a network's outputs at any value of a training hyperparameter.

`HyperparameterTrajectoryRegressor` learns from the outputs of networks that were trained at
a few values of a hyperparameter lambda, and draws y ~ p_lambda(y | x) at any value between.
`HyperparameterTrajectoryClassifier` does so for probabilities of classes.
"""

from importlib import import_module

from ._classifier import HyperparameterTrajectoryClassifier
from ._regressor import HyperparameterTrajectoryRegressor
from ._sweep import sweep
from ._version import __version__
from .io.persistence import load

__all__ = [
    "HyperparameterTrajectoryClassifier",
    "HyperparameterTrajectoryRegressor",
    "__version__",
    "load",
    "sweep",
]


def __getattr__(name):
    if name == "baselines":  # needed by few, and imported when it is first used
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
