"""The last stage of a fit: how far the surrogate can be trusted."""

from dataclasses import dataclass, field

import numpy as np

from .leave_out import Validation
from .left_out import leave_values_out, warn_if_no_better


@dataclass(frozen=True)
class Assessment:
    """Anchors left out, and the members of an ensemble; empty where neither is asked for."""

    validation: Validation = field(default_factory=Validation)
    members: list = field(default_factory=list)


def assess_field(learned, solver, training, lam_transform, leave_out):
    """Return the Assessment of a field alone: trained values left out, without training."""
    if not leave_out or len(learned.data.anchors.lam) < 3:
        return Assessment()
    rng = np.random.default_rng(training.seeds["validation"])
    records = leave_values_out(learned.data, lam_transform, solver, rng)
    if records is not None:
        warn_if_no_better(records)
    return Assessment(Validation(records))
