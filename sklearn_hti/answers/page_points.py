"""The lambdas that a page of several hyperparameters holds, and how it answers between them."""

import numpy as np
from scipy.spatial import Delaunay

_ROUNDING = 1e-6  # of the trained range
_POINTS = 125  # of grids between the trained values
_MOST = {1: 61}  # of them along one number, by how many vary freely
_MOST_ELSE = 9
_SLIDER = 240  # steps of a slider


def choose_points(chart, lam_grid=None):
    """Return the lambdas (P, k) of a page, and the regions between them as plain data.

    The trained values come first. A region is that of one combination of categories, cut into
    simplices in the places of the numbers that vary freely; the page blends the draws at the
    corners of the simplex around a lambda.
    """
    groups, lams, regions = chart.groups, [chart.lams], []
    n_points = len(chart.lams)
    for group in groups:
        trained = np.flatnonzero((chart.lams[:, chart.categories] == group.codes).all(axis=1))
        free = group.free()
        knots = group.places[:, free]
        if lam_grid is None:
            z = _grid(knots, len(groups))
            added = chart.lam_at(group.follow(free, z), group.codes)
        else:
            added = lam_grid[(lam_grid[:, chart.categories] == group.codes).all(axis=1)]
        z = chart.place(added)[:, free]
        z, added = z[_inside(knots, z)], added[_inside(knots, z)]
        apart = np.abs(z[:, None] - knots).max(axis=2).min(axis=1) > _ROUNDING
        z, added = z[apart], added[apart]
        numbers = np.r_[trained, n_points + np.arange(len(z))]
        corners = numbers[_simplices(np.vstack([knots, z]))]
        start = group.follow(free, np.zeros((1, len(free))))[0]
        slopes = group.follow(free, np.eye(len(free))) - start
        regions.append(
            {
                "codes": group.codes.astype(int).tolist(),
                "free": free,
                "start": start.tolist(),
                "slopes": slopes.tolist(),
                "trained": trained.tolist(),
                "simplices": corners.tolist(),
            }
        )
        lams.append(added)
        n_points += len(added)
    return np.vstack(lams), regions


def describe(chart):
    """Return the hyperparameters as plain data: names, and categories or numbers by place."""
    even = np.linspace(0, 1, _SLIDER + 1)
    values = chart.lam_at(np.tile(even[:, None], len(chart.numbers)), chart.groups[0].codes)
    return [
        {
            "name": name,
            "levels": None if level is None else list(map(str, level)),
            "values": values[:, j].tolist() if level is None else None,
            "log": log,
        }
        for j, (name, level, log) in enumerate(
            zip(chart.names, chart.space.kept_levels, chart.logarithmic, strict=True)
        )
    ]


def _grid(knots, n_groups):
    """Return an even grid over the range of trained values (m, r)."""
    r = knots.shape[1]
    n = int((_POINTS / n_groups) ** (1 / r) + _ROUNDING)
    n = min(max(n, 2), _MOST.get(r, _MOST_ELSE))
    axes = [np.linspace(*ends, n) for ends in zip(knots.min(axis=0), knots.max(axis=0))]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, r)


def _inside(knots, z):
    """Tell which places (n, r) lie within the convex hull of trained ones."""
    if knots.shape[1] == 1:
        return (z[:, 0] >= knots.min() - _ROUNDING) & (z[:, 0] <= knots.max() + _ROUNDING)
    return Delaunay(knots).find_simplex(z, tol=_ROUNDING) >= 0


def _simplices(z):
    """Return the corners (T, r + 1) of simplices between places (P, r)."""
    if z.shape[1] == 1:
        order = np.argsort(z[:, 0])
        return np.column_stack([order[:-1], order[1:]])
    corners = Delaunay(z).simplices
    volume = np.abs(np.linalg.det(z[corners[:, 1:]] - z[corners[:, :1]]))
    return corners[volume > _ROUNDING ** z.shape[1]]
