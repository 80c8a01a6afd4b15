"""Sample a network's outputs at any value of a training hyperparameter.

`HyperparameterTrajectoryRegressor` learns from the outputs of networks that were trained at
a few values of a hyperparameter lambda, and draws y ~ p_lambda(y | x) at any value between.
"""

from ._estimator import HyperparameterTrajectoryRegressor
from ._persistence import load
from ._sweep import sweep
from ._version import __version__

__all__ = ["HyperparameterTrajectoryRegressor", "__version__", "load", "sweep"]
