"""Flow matching from noise to outputs, given x and several hyperparameters."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import torch

from .._utils.registry import storable
from ..data.conditions import Conditions, Query
from ..field.particles import partners_in_groups
from ..samplers.flow import FlowBase, FlowMatchingDataset

_N_COUPLINGS = 8  # of outputs with noise, drawn once: training picks one at random


class CoupledNoise(FlowMatchingDataset):
    """The same, from noise that is coupled with the outputs of one x and lambda."""

    def __init__(self, y, conditions, picked, device):
        super().__init__(y, conditions, picked, device)
        rng = np.random.default_rng(0)
        groups = conditions[picked].groups()
        noise = rng.standard_normal((_N_COUPLINGS, len(picked), y.shape[1]))
        coupled = [one[partners_in_groups(y[picked], one, groups, rng)] for one in noise]
        self.noise = torch.as_tensor(np.stack(coupled), dtype=torch.float32, device=device)

    def _noise(self, rows, generator):
        of = torch.randint(len(self.noise), (1,), generator=generator, device=self.device)
        return self.noise[of.expand(len(rows)), rows]


@storable
class FlowFromNoise(FlowBase):
    """Conditional flow matching of p(y | x, lambda), by a velocity field from noise to outputs.

    Moves outputs between places to those that the same noise flows to.

    Parameters
    ----------
    coupled : bool
        Whether noise is coupled with the outputs of one x and lambda by optimal transport.
    n_steps : int
        Midpoint steps from noise to outputs.
    """

    label = "transport"

    def __init__(self, coupled, n_steps):
        self.coupled = coupled
        self.n_steps = n_steps

    def train(self, data, scale, training):
        """Train the velocity field on all rows."""
        places = scale.time(data.lam)
        self.n_places = places.shape[1]
        encoder = SimpleNamespace(
            n_numeric_=training.encoder.n_numeric_ + self.n_places,
            n_categories_=training.encoder.n_categories_,
        )
        names = {"base_module": "module", "base_split": "split", "base_batches": "batches"}
        seeds = {name: training.seeds[of] for name, of in names.items()}
        training = replace(training, encoder=encoder, seeds=seeds)
        return self.fit(data.y, at_places(data.conditions, places), data.groups, training)

    def displacement(self, y, conditions, start, end, *, dtype=torch.float32):
        """Return displacements (n, D) to outputs that the same noise flows to, between places."""
        moved = np.zeros(y.shape)
        rows = np.flatnonzero((start != end).any(axis=1))
        if len(rows):
            here, there = (at_places(conditions[rows], place[rows]) for place in (start, end))
            noise = self.noise_of(y[rows], here, dtype)
            ends = (self.outputs_of(noise, given, dtype) for given in (there, here))
            moved[rows] = np.subtract(*ends)
        return moved

    def _dataset(self, y, conditions, rows, device):
        kind = CoupledNoise if self.coupled else FlowMatchingDataset
        return kind(y, conditions, rows, device)


@storable
@dataclass(frozen=True)
class DrawnFromNoise:
    """Draws of a flow from noise at one place.

    Attributes
    ----------
    flow : FlowFromNoise
        From noise to outputs.
    place : ndarray of shape (P,)
        That of the base.
    """

    flow: FlowFromNoise
    place: np.ndarray
    name: str = "flow"
    reason: str = "it draws at every lambda"

    def noise(self, n_rows, n_draws, rng):
        """Return the randomness of the draws, rows first."""
        return self.flow.noise(n_rows, n_draws, rng)

    def fixed_noise(self, rng):
        """Return evenly spread normal noise, to be shared by rows."""
        return self.flow.fixed_noise(rng)

    def draw(self, query, noise, dtype=torch.float32):
        """Return scaled outputs (n, n_draws, D)."""
        places = np.repeat(self.place[None], len(query), axis=0)
        at = Query(query.X, at_places(query.conditions, places), None)
        return self.flow.draw(at, noise, dtype)


def at_places(conditions, places):
    """Return Conditions with the places (n, P) of lambda among the numbers."""
    n_numbers = conditions.scaled.shape[1]
    keys = [conditions.numbers, places.astype(np.float32), conditions.keys[:, n_numbers:]]
    scaled = np.hstack([conditions.scaled, places])
    return Conditions(scaled, conditions.codes, np.hstack(keys))
