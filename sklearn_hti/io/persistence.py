"""Fitted surrogates in plain data files: safetensors, with JSON for structure; no pickle."""

import copy
import hashlib
import importlib
import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import sklearn
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_safetensors
from sklearn import preprocessing
from sklearn.exceptions import InconsistentVersionWarning
from torch import nn

from .._utils.annotations import FilePath
from .._utils.files import readable, replacing
from .._utils.findings import warn
from .._utils.registry import storable, storable_classes
from .._utils.text import printable
from .._utils.torch_state import own_torch_state
from .._version import __version__
from ..exceptions import TrajectoryWarning
from ..nn.inference import pick_device
from ..samplers.networks import check_networks, find_networks
from .checks import check_answers, device_of
from .decoder import Decoder
from .encoder import Encoder

_FORMAT = 4
_ENTRY = "sklearn_hti"
_LONG = 200  # letters of what a file says of itself, in messages

# of torch and scikit-learn; classes of this package are `storable` where they are defined
for _cls in (
    nn.Embedding,
    nn.Linear,
    nn.ModuleList,
    nn.Sequential,
    nn.SiLU,
    preprocessing.MinMaxScaler,
    preprocessing.OrdinalEncoder,
    preprocessing.PowerTransformer,
    preprocessing.QuantileTransformer,
    preprocessing.StandardScaler,
):
    storable(_cls)
# modules that define storable classes, and may not be imported yet
_MORE = ("sklearn_hti.baselines",)

# Records that `history_` of the surrogate holds, too.
_LEFT_OUT = {"FlowBase": {"history_"}, "FlowFromNoise": {"history_"}}


def save(model, path):
    """Write a fitted surrogate; see `BaseSurrogate.save`."""
    encoder = Encoder(storable_classes(), _LEFT_OUT)
    plain = copy.copy(model)
    # what only a new fit would need: objects of the user, and a generator that has moved on
    if hasattr(model, "callbacks"):
        plain.callbacks = None
    if isinstance(model.random_state, np.random.RandomState):
        plain.random_state = None
    vars(plain).pop("_metadata_request", None)
    _leave_networks_out(plain)
    head = {
        "format": _FORMAT,
        "version": __version__,
        "sklearn": sklearn.__version__,
        "device": str(device_of(model._state)),
        "root": encoder.encode(plain),
    }
    if not _are_numbers(encoder.arrays):
        raise ValueError("save: the surrogate holds NaN, and `load` would fail. Fit it again.")
    text = json.dumps(head, allow_nan=False)
    digest = _digest(text, encoder.arrays)
    data = to_safetensors(encoder.arrays, {_ENTRY: text, "sha256": digest})
    with replacing(path) as fresh:
        fresh.write_bytes(data)


def load(
    path: FilePath, device: str = "auto", *, networks: Mapping[Any, Any] | None = None
) -> Any:
    """Read a surrogate that its `save` has written.

    The file holds only data, and no code is executed. Only classes of this package, and a few of
    scikit-learn and torch, are built. Answers are those of the saved surrogate, and equal to the
    last bit on the same kind of device.

    Parameters
    ----------
    path : str or path-like
        The file.
    device : str, default="auto"
        Torch device of the networks. "auto" is their device when saved, or the CPU if this device
        is not available.
    networks : dict, default=None
        The trained networks, which the file does not hold: see the parameter `networks` of
        `HyperparameterTrajectoryRegressor`. Without them, only `interpolate` answers for such a
        surrogate.

    Returns
    -------
    BaseSurrogate
        The fitted surrogate. Its `callbacks` are None, because only a new fit needs them. A
        `random_state` that was not an integer is None, too.

    Raises
    ------
    OSError
        If the file does not exist or cannot be read.
    ValueError
        If the file is damaged, not from `save`, or from a newer version. If the device is not
        available. If `networks` lacks a trained value, or the surrogate was fitted without
        networks.

    Warns
    -----
    InconsistentVersionWarning
        If it was saved under another version of scikit-learn.

    See Also
    --------
    HyperparameterTrajectoryRegressor.save : Writes the file.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from sklearn_hti import load
    >>> from sklearn_hti.baselines import DisplacementInterpolationRegressor
    >>> lam = np.repeat([0.0, 1.0], 20)
    >>> model = DisplacementInterpolationRegressor(lam_transform=None).fit(None, 4 * lam, lam)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "surrogate.safetensors")
    ...     model.save(path)
    ...     again = load(path)
    >>> again.predict(None, lam=0.5)
    array([2.])
    """
    file = readable(path)
    head, arrays = _read(file)
    try:
        where = _choose_device(device, head["device"])
        size = os.path.getsize(file)
        with own_torch_state():
            model = Decoder(_classes(), arrays, where, size=size).decode(head["root"])
            check_answers(model)
    except _DeviceError as error:
        raise ValueError(str(error)) from error
    except Exception as error:  # whatever a damaged or hostile file provokes
        told = str(error)[:_LONG]
        raise ValueError(
            printable(
                f"{file}: not a surrogate of this version of sklearn-hti ({told}); it was "
                f"written by {head['version']!r}. Save it again, or install that version."
            )
        ) from (error if str(error) == printable(told) else None)
    if head["sklearn"] != sklearn.__version__:
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name=type(model).__name__,
                current_sklearn_version=sklearn.__version__,
                original_sklearn_version=head["sklearn"],
            ),
            stacklevel=2,
        )
    if networks is not None:
        _bring_networks(model, networks)
    return model


def _leave_networks_out(model):
    """Take the networks of the user out of a copy of a surrogate."""
    asked = model._state.networks
    if getattr(model, "networks", None) is not None:
        model.networks = None  # set since the fit, perhaps, which is saved
    if asked is None:
        return
    warn(
        "save: the networks are not saved; pass them to load(path, networks=...).",
        TrajectoryWarning,
    )
    model._state = replace(model._state, networks=replace(asked, networks=None))


def _bring_networks(model, networks):
    """Give a loaded surrogate its networks."""
    state, asked = model._state, model._state.networks
    if asked is None:
        raise ValueError(
            "networks: the surrogate in the file was fitted without networks; leave them out."
        )
    check_networks(networks)
    model.networks = networks
    found = find_networks(networks, asked.lams, state.lam_space, state.hull)
    model._state = replace(state, networks=replace(asked, networks=found))


def get_state(model):
    """Return what pickle and skops store: text, arrays and, as they are, objects of the user."""
    foreign = []
    encoder = Encoder(storable_classes(), _LEFT_OUT, foreign)
    nodes = json.dumps(encoder.encode(vars(model)), allow_nan=False)
    device = str(device_of(model._state))
    return {"nodes": nodes, "arrays": encoder.arrays, "device": device, "foreign": foreign}


@own_torch_state()
def set_state(model, state):
    """Give a surrogate the attributes that `get_state` has returned."""
    device = _choose_device("auto", state["device"])
    decoder = Decoder(_classes(), state["arrays"], device, state["foreign"])
    vars(model).update(decoder.decode(json.loads(state["nodes"])))


def _classes():
    """Return all classes that a file may hold, by name."""
    for module in _MORE:
        importlib.import_module(module)
    return storable_classes()


class _DeviceError(ValueError):
    """The device that the user asked for cannot be used."""


def _read(path):
    """Return head and arrays of a file, checked for damage."""
    with open(path, "rb"):  # an OSError tells more than a parser
        pass
    refused = f"{printable(path)}: not a surrogate that `save` has written, or damaged"
    try:
        with safe_open(path, framework="numpy") as file:
            entries = file.metadata() or {}
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        text, digest = entries[_ENTRY], entries["sha256"]
        head = json.loads(text)
        version = _check_head(head)["format"]
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{refused} ({error!r}). Save it again.") from error
    if version != _FORMAT:
        older = version < _FORMAT
        remedy = "Fit and save again, or install that version" if older else "Upgrade sklearn-hti"
        raise ValueError(
            f"{printable(path)}: written by sklearn-hti {head['version']!r} in format {version}; "
            f"this is {__version__}, which reads format {_FORMAT}. {remedy}."
        )
    if digest != _digest(text, arrays):
        raise ValueError(f"{refused}: its checksum is not that of its content. Save it again.")
    if not _are_numbers(arrays):
        raise ValueError(f"{refused}: it holds values that are not numbers. Save it again.")
    if max((n for a in arrays.values() for n in a.shape), default=0) > os.path.getsize(path):
        raise ValueError(f"{refused}: its arrays are longer than the file. Save it again.")
    return head, arrays


def _check_head(head):
    """Return the head of a file if what messages tell of it is a number, and short names."""
    names = [head[name] for name in ("version", "sklearn", "device")]
    if not all(isinstance(n, str) and n.isprintable() and len(n) < _LONG for n in names):
        raise ValueError("its versions are none")
    if type(head["format"]) is not int:
        raise ValueError("its format is none")
    return head


def _are_numbers(arrays):
    return all(a.dtype.kind in "biuf" and not np.isnan(a).any() for a in arrays.values())


def _digest(text, arrays):
    digest = hashlib.sha256(text.encode())
    for key in sorted(arrays):
        digest.update(f"{key} {arrays[key].dtype} {arrays[key].shape}".encode())
        digest.update(arrays[key].tobytes())
    return digest.hexdigest()


def _choose_device(device, saved):
    """Return the device of the networks."""
    try:
        return pick_device(saved if device == "auto" else device)
    except ValueError as error:
        if device == "auto":
            return "cpu"
        raise _DeviceError(str(error)) from error
