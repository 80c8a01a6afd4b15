"""Deviation: how a path leaves its chord, as a few coefficients per path."""

import numpy as np
import torch
from numpy.polynomial import polynomial as poly
from scipy.special import jacobi

N_COEFFICIENTS = 4


def deviation_basis(n_coefficients):
    """Return the basis functions h_m as polynomials, one row of powers of s each.

    h_m(s) = s (1 - s) P_m(2 s - 1) with Jacobi polynomials P_m of weight s^2 (1 - s)^2, scaled
    to unit norm: they vanish at both ends and are orthonormal on [0, 1].
    """
    rows = np.zeros((n_coefficients, n_coefficients + 2))
    for m in range(n_coefficients):
        inner = np.poly1d(jacobi(m, 2, 2).coeffs)(np.poly1d([2.0, -1.0])).coeffs[::-1]
        bump = poly.polymul([0.0, 1.0, -1.0], inner)
        norm = np.diff(poly.polyval([0.0, 1.0], poly.polyint(poly.polymul(bump, bump))))
        rows[m, : len(bump)] = bump / np.sqrt(norm)
    return rows


def basis_values(s, basis):
    """Return h_m(s) for times s in [0, 1], shape s.shape + (M,)."""
    powers = torch.arange(basis.shape[1], device=s.device)
    return s.unsqueeze(-1) ** powers @ basis.T


def basis_slopes(s, basis):
    """Return the derivatives h_m'(s), shape s.shape + (M,)."""
    powers = torch.arange(basis.shape[1], device=s.device)
    return basis_values(s, (powers * basis)[:, 1:])


def fit_deviation(path):
    """Return the deviations (N, M, D) of paths (N, T + 1, D) sampled at even times."""
    s = np.linspace(0, 1, path.shape[1])
    chord = path[:, :1] + s[:, None] * (path[:, -1:] - path[:, :1])
    basis = poly.polyval(s, deviation_basis(N_COEFFICIENTS).T).T
    return np.linalg.pinv(basis) @ (path - chord)
