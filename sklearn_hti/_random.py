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


def sampling_generator(random_state):
    """Return the numpy Generator that drives sampling noise."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    if random_state is None or isinstance(random_state, numbers.Integral):
        return np.random.default_rng(random_state)
    return np.random.default_rng(check_random_state(random_state).randint(_MAX_SEED))


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
