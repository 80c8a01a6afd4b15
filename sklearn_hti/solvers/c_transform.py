"""The c-transform: minimise c(y0, y | x) - g(y, x) over y, every row a problem of its own."""

import torch

_ARMIJO = 1e-4
_MEMORY = 6
_SHORTER = 0.25


def c_transform(cost, potential, y0, x, start, n_iter, *, scale=1.0):
    """Return the minimisers y of c(y0, y | x) - g(y, x) and the values there.

    No step is longer than one scaled unit of outputs.

    Parameters
    ----------
    cost : callable
        ``cost(y0, y, x)`` gives c, shape (n,), differentiable in y.
    potential : callable
        ``potential(y, x)`` gives g, shape (n,), differentiable in y.
    y0 : tensor of shape (n, D)
        Where paths begin.
    x : PathConditions
        Their conditions.
    start : tensor of shape (n, D)
        First guess, that of the map.
    n_iter : int
        Steps, one evaluation of cost and potential each.
    scale : float
        First guess of 1 / m, where c is about m |y - y0|^2 / 2.

    Returns
    -------
    y : tensor of shape (n, D)
        Best point seen in each row; never worse than `start`.
    value : tensor of shape (n,)
        The c-transform of g at y0, but for what more steps would gain.
    """

    def objective(y):
        return cost(y0, y, x) - potential(y, x)

    return minimise_rows(objective, start, n_iter, scale=scale, max_step=1.0)


def minimise_rows(objective, start, n_iter, *, scale=1.0, max_step=torch.inf):
    """Minimise a function of each row by L-BFGS, all rows in one batch.

    Nothing loops over rows or inside a step: a trial that does not lower a row's value is
    not taken, but the curvature that it met shortens the next one.

    Parameters
    ----------
    objective : callable
        Maps points (n, D) to values (n,), row by row.
    start : tensor of shape (n, D)
        Where to begin.
    n_iter : int
        Trials.
    scale : float or tensor
        First guess of the inverse of the curvature.
    max_step : float
        No step is longer.

    Returns
    -------
    y : tensor of shape (n, D)
        Best point seen in each row.
    value : tensor of shape (n,)
        Values there.

    References
    ----------
    Nocedal and Wright, "Numerical Optimization", 2006, Algorithm 7.4.
    """
    y = start.detach()
    value, gradient = _evaluate(objective, y)
    inverse = scale * torch.ones_like(value)
    shrink = torch.ones_like(value)
    pairs = []
    for i in range(n_iter):
        step = -shrink.unsqueeze(1) * _inverse_hessian(pairs, inverse, gradient)
        length = step.norm(dim=1, keepdim=True)
        step = step * (max_step / length.clamp(min=1e-12)).clamp(max=1.0)
        if i == n_iter - 1:
            with torch.no_grad():  # the last trial needs no gradient
                trial_value = objective(y + step)
            taken = trial_value <= value
            y = torch.where(taken.unsqueeze(1), y + step, y)
            return y, torch.where(taken, trial_value, value)
        trial_value, trial_gradient = _evaluate(objective, y + step)
        change = trial_gradient - gradient
        curvature = _dot(step, change)
        convex = curvature > 1e-8 * _dot(step, step)  # false where not finite
        change = torch.where(convex.unsqueeze(1), change, 0.0)
        pairs = [*pairs, (step, change, torch.where(convex, 1 / curvature, 0.0))][-_MEMORY:]
        size = _dot(change, change).clamp(min=1e-30)
        inverse = torch.where(convex, curvature / size, inverse)

        taken = trial_value <= value + _ARMIJO * _dot(step, gradient)
        shrink = torch.where(taken | convex, 1.0, _SHORTER * shrink)
        y = torch.where(taken.unsqueeze(1), y + step, y)
        gradient = torch.where(taken.unsqueeze(1), trial_gradient, gradient)
        value = torch.where(taken, trial_value, value)
    return y, value


def _evaluate(objective, y):
    """Return values and gradients, free of any graph."""
    with torch.enable_grad():
        y = y.detach().requires_grad_()
        value = objective(y)
        (gradient,) = torch.autograd.grad(value.sum(), y)
    return value.detach(), gradient


def _inverse_hessian(pairs, inverse, gradient):
    """Return H gradient by the two-loop recursion; pairs of weight zero change nothing."""
    gains = []
    for step, change, weight in reversed(pairs):
        gains.append(weight * _dot(step, gradient))
        gradient = gradient - gains[-1].unsqueeze(1) * change
    gradient = inverse.unsqueeze(1) * gradient
    for (step, change, weight), gain in zip(pairs, reversed(gains), strict=True):
        gradient = gradient + (gain - weight * _dot(change, gradient)).unsqueeze(1) * step
    return gradient


def _dot(a, b):
    return (a * b).sum(dim=1)
