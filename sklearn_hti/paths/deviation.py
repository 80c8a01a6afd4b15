"""Bends: how a path leaves its chord, as a few coefficients per path."""

import numpy as np
import torch
from numpy.polynomial import polynomial as poly
from scipy.special import jacobi

N_BENDS = 4


def bend_coefficients(n_bends):
    """Return the bend functions h_m as polynomials, one row of powers of s each.

    h_m(s) = s (1 - s) P_m(2 s - 1) with Jacobi polynomials P_m of weight s^2 (1 - s)^2, scaled
    to unit norm: they vanish at both ends and are orthonormal on [0, 1].
    """
    rows = np.zeros((n_bends, n_bends + 2))
    for m in range(n_bends):
        inner = np.poly1d(jacobi(m, 2, 2).coeffs)(np.poly1d([2.0, -1.0])).coeffs[::-1]
        bump = poly.polymul([0.0, 1.0, -1.0], inner)
        norm = np.diff(poly.polyval([0.0, 1.0], poly.polyint(poly.polymul(bump, bump))))
        rows[m, : len(bump)] = bump / np.sqrt(norm)
    return rows


def bend_functions(s, coefficients):
    """Return h_m(s) for times s in [0, 1], shape s.shape + (M,)."""
    powers = torch.arange(coefficients.shape[1], device=s.device)
    return s.unsqueeze(-1) ** powers @ coefficients.T


def bend_slopes(s, coefficients):
    """Return the derivatives h_m'(s), shape s.shape + (M,)."""
    powers = torch.arange(coefficients.shape[1], device=s.device)
    return bend_functions(s, (powers * coefficients)[:, 1:])


def fit_bends(path):
    """Return the bends (N, M, D) of paths (N, T + 1, D) sampled at even times."""
    s = np.linspace(0, 1, path.shape[1])
    chord = path[:, :1] + s[:, None] * (path[:, -1:] - path[:, :1])
    functions = poly.polyval(s, bend_coefficients(N_BENDS).T).T
    return np.linalg.pinv(functions) @ (path - chord)
