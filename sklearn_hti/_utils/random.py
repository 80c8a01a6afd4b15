"""Seeds, generators and seeded initialisation; no global state is read or written."""

import numbers

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch import nn

_MAX_SEED = np.iinfo(np.int32).max


def draw_seeds(random_state, names):
    """Return one child seed per name, drawn in order from `random_state`."""
    rng = check_random_state(random_state)
    return {name: int(rng.randint(_MAX_SEED)) for name in names}


class RowGenerator:
    """Draws the noise of every row from a seed of its own, in place of a numpy Generator.

    What a row is given depends on its seed alone, neither on the other rows nor on how they
    are split, and further draws leave the first ones as they are.
    """

    def __init__(self, seeds):
        seeds = np.asarray(seeds)
        if seeds.dtype.kind not in "iu" or (seeds < 0).any():
            raise ValueError(
                "`random_state` with one seed per row must hold non-negative integers; "
                f"got dtype {seeds.dtype}" + (f", least {seeds.min()}." if seeds.size else ".")
            )
        self.seeds = seeds

    def random(self, shape):
        """Return uniform numbers, rows first."""
        return self._by_row(shape, "random")

    def standard_normal(self, shape):
        """Return standard normal numbers, rows first."""
        return self._by_row(shape, "standard_normal")

    def integers(self, *args):
        """Refuse what one seed has to decide."""
        raise ValueError(
            "`random_state` holds one seed per row, but the draws come from your own network, "
            "which needs a single seed for all rows: pass an int."
        )

    def _by_row(self, shape, method):
        if shape[0] != len(self.seeds):
            raise ValueError(
                f"`random_state` has {len(self.seeds)} seeds for {shape[0]} rows; pass one per "
                "row."
            )
        values = np.empty(shape)
        for row, seed in zip(values, self.seeds.tolist(), strict=True):
            row[...] = getattr(np.random.default_rng(seed), method)(shape[1:])
        return values


def sampling_generator(random_state):
    """Return the Generator that drives sampling noise; one seed per row gives a RowGenerator."""
    if np.ndim(random_state) == 1:
        return RowGenerator(random_state)
    if isinstance(random_state, np.random.Generator):
        return random_state
    if random_state is None or isinstance(random_state, numbers.Integral):
        return np.random.default_rng(random_state)
    return np.random.default_rng(check_random_state(random_state).randint(_MAX_SEED))


def halvings(n, n_halvings):
    """Yield the numbers of two random halves of n draws, some times; always the same."""
    rng = np.random.default_rng(0)
    for _ in range(n_halvings):
        order = rng.permutation(n)
        yield order[: n // 2], order[n // 2 :]


def torch_generator(seed, device="cpu"):
    """Return a torch Generator of its own, seeded."""
    return torch.Generator(device=device).manual_seed(seed)


def build_module(factory, seed):
    """Build a module whose parameters depend on `seed` alone.

    The module is laid out on the meta device, where initialisers draw nothing, and
    then filled with torch's default linear initialisation from an own generator. A
    module with an ``init_parameters(generator)`` method has the last word.
    """
    with torch.device("meta"):
        module = factory()
    module.to_empty(device="cpu")
    generator = torch_generator(seed)
    for part in module.modules():
        if isinstance(part, nn.Linear):
            bound = part.in_features**-0.5 if part.in_features else 0.0
            nn.init.uniform_(part.weight, -bound, bound, generator=generator)
            if part.bias is not None:
                nn.init.uniform_(part.bias, -bound, bound, generator=generator)
        elif isinstance(part, nn.Embedding):
            nn.init.normal_(part.weight, generator=generator)
    for part in reversed(list(module.modules())):  # the outer one has the last word
        if hasattr(part, "init_parameters"):
            part.init_parameters(generator)
    return module
