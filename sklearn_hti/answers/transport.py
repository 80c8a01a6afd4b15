"""Given outputs, moved from one lambda to another."""

import numpy as np

from .._utils.torch_state import own_torch_state
from .from_networks import displacements_of_networks
from .from_particles import move_along_particles
from .from_regression import displacements_of_regression


def transport(state, query, given):
    """Return given outputs (n, D) at the lambdas of a query, in the user's units."""
    return transports(state, query, given, query.lam[None])[0]


@own_torch_state()
def transports(state, query, given, grid):
    """Return given outputs (L, n, D) at lambdas (L, n), in the user's units."""
    outputs = state.outputs
    if state.reweighting is not None:
        check_asked(state)
        moved = outputs.move(given.y, move_along_particles(state, query, given, grid))
        return state.reweighting.settled(moved)
    if state.networks is not None:
        moved = displacements_of_networks(state, query, given.lam, grid)
    elif state.regresses and state.movement.flow_map is None:
        moved = displacements_of_regression(state, query, given.lam, grid)
    else:
        check_trained(state)
        y, x = outputs.encode(given.y), query.conditions
        moved = np.stack([state.movement.displace(y, x, given.lam, lam) for lam in grid])
    # the displacement alone is scaled, so that equal lambdas return the outputs to the bit
    return outputs.move(given.y, moved)


def check_asked(state):
    """Raise where there is nothing to draw particles from."""
    if state.networks is None:
        check_trained(state)


def check_trained(state):
    """Raise where a fit has trained nothing that this answer needs."""
    if state.base is None and state.generator is None:
        raise ValueError(
            "The surrogate was fitted with base=None, which trains nothing, so only `interpolate` "
            "answers. Fit with networks=, or with base='auto'."
        )
