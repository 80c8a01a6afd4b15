"""All methods of the arena by name, cheap ones first, and what is missing."""

from . import (
    conditioned,
    emulator,
    forests,
    generators,
    log_probabilities,
    of_outputs,
    otp_flow,
    weights,
)

# in the order of their price, so that a run that is stopped has most of the page
_MODULES = (
    of_outputs, emulator, forests, log_probabilities, weights, conditioned, otp_flow, generators,
)  # fmt: skip
_DEAR = (
    of_outputs.OURS,
    "conditioned network",
    "torchcfm",
    "metric flow matching",
    "flow matching",
    "OTP-FM",
    "Treeffuser",
    "BoTorch emulator",
)
_ALL = {name: kind for module in _MODULES for name, kind in module.METHODS.items()}
METHODS = {name: _ALL[name] for name in _ALL if name not in _DEAR}
METHODS |= {name: _ALL[name] for name in _DEAR if name in _ALL}
MISSING = {
    name: how for module in _MODULES for name, how in getattr(module, "MISSING", {}).items()
}
