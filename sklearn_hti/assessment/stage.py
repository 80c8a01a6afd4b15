"""The last stage of a fit: how far the surrogate can be trusted."""

from dataclasses import dataclass, field

from .leave_out import Validation


@dataclass(frozen=True)
class Assessment:
    """Anchors left out, and the members of an ensemble; empty where neither is asked for."""

    validation: Validation = field(default_factory=Validation)
    members: list = field(default_factory=list)
