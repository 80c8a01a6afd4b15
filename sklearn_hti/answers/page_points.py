"""The lambdas that a page of several hyperparameters holds, and how it answers between them."""

import numpy as np
from scipy.spatial import ConvexHull, Delaunay

_ROUNDING = 1e-6  # of the trained range
_POINTS = 125  # beside the trained values
_FINEST = {1: 61}  # grid: points along one number, by how many vary freely
_FINEST_ELSE = 12
_TRIED = 20_000  # points of a grid that reaches beyond the hull
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
        new = _inside(knots, z)
        new &= np.abs(z[:, None] - knots).max(axis=2).min(axis=1) > _ROUNDING
        z, added = z[new], added[new]
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
    """Return the finest even grid between trained values (m, r) that is not too large."""
    r, found = knots.shape[1], np.empty((0, knots.shape[1]))
    ends = list(zip(knots.min(axis=0), knots.max(axis=0), strict=True))
    for n in range(2, _FINEST.get(r, _FINEST_ELSE) + 1):
        axes = [np.linspace(*of, n) for of in ends]
        z = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, r)
        if len(z) > _TRIED:
            break
        z = z[_inside(knots, z)]
        if len(z) > _POINTS / n_groups:
            break
        found = z
    return found


def _inside(knots, z):
    """Tell which places (n, r) lie within the convex hull of trained ones."""
    if knots.shape[1] == 1:
        return (z[:, 0] >= knots.min() - _ROUNDING) & (z[:, 0] <= knots.max() + _ROUNDING)
    sides = ConvexHull(knots).equations
    return (z @ sides[:, :-1].T + sides[:, -1] <= _ROUNDING).all(axis=1)


def _simplices(z):
    """Return the corners (T, r + 1) of simplices between places (P, r)."""
    if z.shape[1] == 1:
        order = np.argsort(z[:, 0])
        return np.column_stack([order[:-1], order[1:]])
    corners = Delaunay(z).simplices
    volume = np.abs(np.linalg.det(z[corners[:, 1:]] - z[corners[:, :1]]))
    return corners[volume > _ROUNDING ** z.shape[1]]
