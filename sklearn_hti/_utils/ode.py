"""Follow a velocity field."""

import torch

MAX_STEPS = 10_000  # of a parameter or a file; more would change no answer


@torch.inference_mode()
def integrate(velocity, y, start, end, n_steps):
    """Return y (n, D) moved from times `start` to `end` (n, 1) by the midpoint rule.

    `velocity` takes points and times; all rows take `n_steps` steps.
    """
    step = (end - start) / n_steps
    t = start
    for _ in range(n_steps):
        half = y + 0.5 * step * velocity(y, t)
        y = y + step * velocity(half, t + 0.5 * step)
        t = t + step
    return y
