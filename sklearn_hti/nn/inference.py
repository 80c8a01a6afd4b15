"""Trained networks that answer: in which precision, and how many rows at once."""

import copy
from weakref import WeakKeyDictionary

import torch

_ROWS_IN_CACHE = 4096  # of 128 hidden units: a pass through the layers leaves no processor cache
_ROWS_ON_DEVICE = 65_536  # an accelerator wants more at once
_MAX_NUMBERS = 2**23  # of all these rows

_doubles: WeakKeyDictionary = WeakKeyDictionary()  # network -> (what it was copied from, copy)


def row_chunks(n_rows, device, width=1):
    """Yield slices of rows of so many numbers, as many at once as are fast on the device."""
    step = _ROWS_IN_CACHE if torch.device(device).type == "cpu" else _ROWS_ON_DEVICE
    step = min(step, max(1, _MAX_NUMBERS // width))
    for begin in range(0, n_rows, step):
        yield slice(begin, begin + step)


def settle_thread():
    """Let the calling thread compute as all others do: to the last bit.

    A new thread takes over torch's number of threads when it first asks for it. Until then
    the algebra library uses its own number, and sums in another order.
    """
    torch.get_num_threads()


def in_precision(module, dtype):
    """Return a trained network, ready to answer: in single precision, or its copy in another.

    The copy is made once, and again if the weights have changed or moved since. It lives as long
    as the network does, and no file holds it.
    """
    settle_thread()
    if dtype == torch.float32:
        return module
    tensors = [*module.parameters(), *module.buffers()]
    stamp = dtype, [(t.data_ptr(), t._version) for t in tensors]
    known = _doubles.get(module)
    if known is None or known[0] != stamp:
        known = _doubles[module] = stamp, copy.deepcopy(module).to(dtype)
    return known[1]


def pick_device(device):
    """Return the torch device, checked."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={device!r} cannot be used: {error}") from error
    return device
