"""Baselines with the interface of `HyperparameterTrajectoryRegressor`, to compare with it."""

from .direct import DirectSurrogateRegressor
from .displacement import DisplacementInterpolationRegressor, NearestAnchorRegressor
from .flow_matching import ConditionalFlowMatchingRegressor
from .metric_flow_matching import MetricFlowMatchingRegressor

__all__ = [
    "ConditionalFlowMatchingRegressor",
    "DirectSurrogateRegressor",
    "DisplacementInterpolationRegressor",
    "MetricFlowMatchingRegressor",
    "NearestAnchorRegressor",
]
