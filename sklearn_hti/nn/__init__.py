"""Networks, how the condition enters them, and the engine that trains them."""

from .conditioning import Conditioning

__all__ = ["Conditioning"]
