"""What users pass, as numpy reads it: tensors and frames that are not computed yet."""

import numpy as np
import torch

_NUMPY_FLOATS = (torch.float16, torch.float32, torch.float64)


def as_readable(values):
    """Return values as numpy and scikit-learn read them.

    Tensors, and those in lists and arrays of objects, become arrays, whatever their precision,
    device and gradient; a lazy frame is collected. All else is returned as it is.

    Raises
    ------
    TypeError
        If a tensor holds no numbers that could be read.
    """
    if isinstance(values, float | int):
        return values
    if isinstance(values, np.ndarray):
        held = values.dtype == object and values.size and isinstance(values.flat[0], torch.Tensor)
        return as_readable(values.tolist()) if held else values
    if isinstance(values, torch.Tensor):
        return _as_array(values)
    if isinstance(values, list | tuple):
        return [as_readable(v) for v in values] if _holds_tensors(values) else values
    if hasattr(values, "lazy") and hasattr(values, "collect"):  # of polars
        return values.collect()
    return values


def _as_array(tensor):
    if tensor.is_floating_point() and tensor.dtype not in _NUMPY_FLOATS:
        tensor = tensor.detach().float()
    try:
        return tensor.numpy(force=True)
    except (RuntimeError, NotImplementedError, TypeError) as error:
        kind = f"{tensor.dtype}, {tensor.layout}, on {tensor.device}"
        raise TypeError(f"a tensor ({kind}) has no readable numbers; pass a dense one.") from error


def _holds_tensors(values):
    """Tell by the first of nested lists."""
    while isinstance(values, list | tuple) and len(values):
        values = values[0]
    return isinstance(values, torch.Tensor)
