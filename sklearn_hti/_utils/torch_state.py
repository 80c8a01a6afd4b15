"""The modes of torch: held at their defaults for the package, given back to code of the user."""

import threading
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch

_DEVICES = ("cpu", "cuda", "mps", "xpu")  # that may cast by themselves


@dataclass(frozen=True)
class TorchState:
    """The modes of torch that change what a computation gives, or whether it runs."""

    inference: bool = False
    gradients: bool = True
    autocast: tuple = ()  # (device, dtype) where it is on
    dtype: torch.dtype = torch.float32  # of new tensors
    device: str = "cpu"  # of new tensors

    @classmethod
    def now(cls):
        """Return the present state."""
        return cls(
            torch.is_inference_mode_enabled(),
            torch.is_grad_enabled(),
            tuple(
                (device, torch.get_autocast_dtype(device))
                for device in _DEVICES
                if torch.is_autocast_enabled(device)
            ),
            torch.get_default_dtype(),
            str(torch.empty(0).device),
        )


_OWN = TorchState()
_callers = ContextVar("callers", default=None)  # the state of the caller, within the package


@contextmanager
def own_torch_state():
    """Compute with torch as it is by default, whatever the caller has set.

    The work of the package is that of a fresh process: with gradients where it trains, in single
    precision unless it says otherwise, and on the devices that it names. As a decorator, it adds
    a frame to the stack, which functions that warn would have to count.
    """
    found = TorchState.now()
    if _callers.get() is not None and found == _OWN:  # called by the package itself
        yield
        return
    token = _callers.set(found)
    _default_dtype.hold()
    try:
        with _switched(found, _OWN):
            yield
    finally:
        _default_dtype.release()
        _callers.reset(token)


@contextmanager
def callers_torch_state():
    """Run code of the user, such as networks that are asked, under what the caller has set."""
    caller = _callers.get()
    if caller is None:
        yield
        return
    token = _callers.set(None)
    _default_dtype.release()
    try:
        with _switched(_OWN, caller):
            yield
    finally:
        _default_dtype.hold()
        _callers.reset(token)


@contextmanager
def _switched(found, wanted):
    """Switch all modes but the default dtype, those that differ."""
    with ExitStack() as stack:
        if found.inference != wanted.inference:
            stack.enter_context(torch.inference_mode(wanted.inference))
        if torch.is_grad_enabled() != wanted.gradients:
            stack.enter_context(torch.set_grad_enabled(wanted.gradients))
        for device, dtype in set(found.autocast) - set(wanted.autocast):
            stack.enter_context(torch.autocast(device, dtype=dtype, enabled=False))
        for device, dtype in set(wanted.autocast) - set(found.autocast):
            stack.enter_context(torch.autocast(device, dtype=dtype))
        if found.device != wanted.device:
            stack.enter_context(torch.device(wanted.device))
        yield


class _DefaultDtype:
    """The dtype of new tensors, which all threads share: float32 while any of them holds it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.n_holders = 0
        self.before = _OWN.dtype

    def hold(self):
        """Set it, unless it is held already."""
        with self.lock:
            if not self.n_holders:
                self.before = torch.get_default_dtype()
                self._change(_OWN.dtype)
            self.n_holders += 1

    def release(self):
        """Put it back, if nobody else holds it."""
        with self.lock:
            self.n_holders -= 1
            if not self.n_holders:
                self._change(self.before)

    def _change(self, dtype):
        if self.before != _OWN.dtype:
            torch.set_default_dtype(dtype)


_default_dtype = _DefaultDtype()
