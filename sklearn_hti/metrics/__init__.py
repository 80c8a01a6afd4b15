"""Distances between the outputs of a network and those of its surrogate."""

from ._scorers import (
    MeanScorer,
    SampleScorer,
    make_lam_scorer,
    neg_crps,
    neg_energy_score,
    neg_squared_wasserstein,
)
from ._scores import crps, energy_score
from ._sensitivity import ot_sensitivity
from ._wasserstein import squared_wasserstein

__all__ = [
    "MeanScorer",
    "SampleScorer",
    "crps",
    "energy_score",
    "make_lam_scorer",
    "neg_crps",
    "neg_energy_score",
    "neg_squared_wasserstein",
    "ot_sensitivity",
    "squared_wasserstein",
]
