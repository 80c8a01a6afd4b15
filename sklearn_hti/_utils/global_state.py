"""The global random states of numpy and torch, held at a seed while others draw from them."""

import sys
from contextlib import contextmanager

import numpy as np
from sklearn.utils import check_random_state

_MAX_SEED = np.iinfo(np.int32).max


def draw_seed(random_state):
    """Draw the seed that all trainings share.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        None: a fresh seed, which leaves numpy's global state alone.

    Returns
    -------
    int
        The seed.
    """
    if random_state is None:
        return int(np.random.default_rng().integers(_MAX_SEED))
    return int(check_random_state(random_state).randint(_MAX_SEED))


@contextmanager
def global_seed(seed, estimator):
    """Hold the global random states that `estimator` may draw from at a seed.

    numpy's, and torch's where torch is imported, are put back at the end.

    Parameters
    ----------
    seed : int
        The seed.
    estimator : estimator or callable
        The one that will draw; with a CUDA device, CUDA is seeded too.
    """
    state = np.random.get_state()  # noqa: NPY002
    with _torch_seed(seed, estimator):
        try:
            np.random.seed(seed)  # noqa: NPY002
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


@contextmanager
def _torch_seed(seed, estimator):
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    devices = _cuda_devices(torch, estimator)
    with torch.random.fork_rng(devices):
        # torch.manual_seed would also seed, for good, a CUDA that starts up later.
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed_all(seed)
        yield


def _cuda_devices(torch, estimator):
    """The CUDA devices whose states `estimator` may touch; starts CUDA for no other."""
    named = (
        str(value)
        for name, value in getattr(estimator, "get_params", dict)().items()
        if name.split("__")[-1] == "device"
    )
    in_use = torch.cuda.is_initialized() or any(d.startswith("cuda") for d in named)
    return list(range(torch.cuda.device_count())) if in_use else []
