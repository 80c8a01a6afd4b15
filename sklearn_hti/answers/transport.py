"""Given outputs, moved from one lambda to another."""


def transport(state, query, given):
    """Return given outputs (n, D) at the lambdas of a query, in the user's units."""
    outputs = state.outputs
    scaled = outputs.encode(given.y)
    moved = state.movement.displace(scaled, query.conditions, given.lam, query.lam)
    # the displacement alone is scaled, so that equal lambdas return the outputs to the bit
    return outputs.clip(given.y + moved * outputs.scaler.scale_)
