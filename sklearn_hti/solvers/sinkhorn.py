"""Entropic optimal transport of many small problems at once, differentiable in their costs."""

import math

import torch

_OVER_RELAXATION = 1.7
_N_ITER = 20
_LOWEST = -60  # exponentials of less are slow denormals
_LEAST_SHARE = 0.01  # of the larger mean cost that the unit of the regularization has at least
_ROUNDING = 1e-6  # of a cost between, in single precision
_TINY = 1e-30


def sinkhorn_plans(cost, regularization, n_iter=_N_ITER):
    """Return the entropic plans of cost matrices between uniform weights.

    Sinkhorn's algorithm in the log domain. Costs are centred first, which changes no plan and
    spares the iterations that a mere translation takes; over-relaxation does in twenty
    iterations what takes a hundred plain ones.

    Parameters
    ----------
    cost : tensor of shape (B, n, m)
        One matrix per problem.
    regularization : tensor of shape (B, 1, 1)
        Weight of the entropy, in units of the cost.
    n_iter : int, default=20
        Updates of each marginal. Rows are exact in the end, columns as good as converged.

    Returns
    -------
    tensor of shape (B, n, m)
        Plans, each of mass one, free of any graph.

    References
    ----------
    Cuturi, "Sinkhorn distances", NeurIPS 2013. Thibault, Chizat, Dossal and Papadakis,
    "Overrelaxed Sinkhorn-Knopp algorithm for regularized optimal transport", Algorithms 2021.
    """
    cost = cost.detach()
    scores = cost.mean(dim=1, keepdim=True) + cost.mean(dim=2, keepdim=True) - cost
    scores = scores / regularization
    rows, columns = (math.log(size) for size in cost.shape[1:])
    f, g = torch.zeros_like(cost[:, :, :1]), torch.zeros_like(cost[:, :1])
    for i in range(n_iter):
        step = _OVER_RELAXATION if i > 1 else 1.0
        f = torch.lerp(f, columns - _log_sum_exp(scores + g, dim=2), step)
        g = torch.lerp(g, rows - _log_sum_exp(scores + f, dim=1), step)
    f = columns - _log_sum_exp(scores + g, dim=2)
    return (scores + f + g).clamp_(min=_LOWEST).exp_() / (cost.shape[1] * cost.shape[2])


def _log_sum_exp(scores, dim):
    highest = scores.amax(dim=dim, keepdim=True)
    kernels = (scores - highest).clamp_(min=_LOWEST).exp_()
    return kernels.sum(dim=dim, keepdim=True).log_().add_(highest)


def sinkhorn_divergence(cost, cost_start, cost_end, strength):
    """Return the debiased transport costs OT(a, b) - (OT(a, a) + OT(b, b)) / 2.

    OT = <P, C> + regularization KL(P | uniform), whose gradient with respect to the costs is
    the plan (envelope theorem).

    Parameters
    ----------
    cost : tensor of shape (B, n, n)
        Costs between the points of a and those of b.
    cost_start, cost_end : tensor of shape (B, n, n)
        Costs among the points of a and among those of b.
    strength : float
        Of the regularization, in units of the geometric mean of the mean costs among a and
        among b, or a hundredth of the larger: how far apart the two are does not change it.

    Returns
    -------
    tensor of shape (B,)
        Zero where a and b are the same points, differentiable in the costs.

    References
    ----------
    Feydy et al., "Interpolating between optimal transport and MMD using Sinkhorn
    divergences", AISTATS 2019.
    """
    units = [c.detach().mean(dim=(1, 2), keepdim=True) for c in (cost_start, cost_end)]
    unit = (units[0] * units[1]).sqrt()
    # where one of them is a single point, many times over, the other's; where both are, any
    unit = torch.maximum(unit, _LEAST_SHARE * torch.maximum(*units))
    unit = torch.maximum(unit, _ROUNDING * cost.detach().mean(dim=(1, 2), keepdim=True))
    unit = unit.clamp(min=_TINY)
    regularization = strength * unit.repeat(3, 1, 1)
    costs = torch.cat([cost, cost_start, cost_end])
    plans = sinkhorn_plans(costs, regularization)
    entropy = plans * (plans * cost.shape[1] * cost.shape[2]).log()
    values = (plans * costs + regularization * entropy).sum(dim=(1, 2))
    between, start, end = values.chunk(3)
    return between - 0.5 * (start + end)


def squared_costs(a, b):
    """Return |a_i - b_j|^2 / 2 of points (B, n, D) and (B, m, D), as (B, n, m)."""
    return 0.5 * (a.unsqueeze(2) - b.unsqueeze(1)).square().sum(dim=3)
