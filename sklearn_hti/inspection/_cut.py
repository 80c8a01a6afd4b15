"""A cut of two numbers through the region between trained values, in triangles."""

import numpy as np
from scipy.spatial import Delaunay
from sklearn.utils import Bunch

_ROUNDING = 1e-6  # of the trained range
_HALVINGS = 30


def cut(hull, group, axes, held, n_places):
    """Return the places at which a map is drawn; None where the axes do not vary freely.

    Parameters
    ----------
    hull : Hull
        The region in which the surrogate answers.
    group : Group
        Trained values of one combination of categories.
    axes : list of int
        The two numbers of the map, among the numbers.
    held : dict of int to float
        Places of other numbers; those that are left out are held at their medians.
    n_places : int
        Places of a grid in either direction; those outside the hull are left out, and others
        are put where its lines leave the hull.

    Returns
    -------
    Bunch
        Lambdas ``lam`` (P, k), ``triangles`` (T, 3) of them, ``held`` with the places of all
        numbers that are held, and which of the trained values are ``on`` the cut (m,).
    """
    order = [*axes, *held]
    order += [j for j in range(group.places.shape[1]) if j not in order]
    free = group.free(order)
    held = {j: held.get(j, np.median(group.places[:, j])) for j in free[2:]}
    if free[:2] != list(axes) or not set(order[2 : 2 + len(held)]) <= set(free):
        return None
    on = np.all([np.abs(group.places[:, j] - v) <= _ROUNDING for j, v in held.items()], axis=0)
    on = np.broadcast_to(on, len(group.lams))

    def lam_at(z):
        values = np.column_stack([z, *(np.full(len(z), value) for value in held.values())])
        return group.chart.lam_at(group.follow(free, values), group.codes)

    def inside(z):
        return hull.distance(lam_at(z)) <= _ROUNDING

    ends = group.places[:, axes].min(axis=0), group.places[:, axes].max(axis=0)
    grid = np.stack(np.meshgrid(*np.linspace(*ends, n_places).T, indexing="ij"), axis=-1)
    seen = inside(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    points = [group.places[on][:, axes], grid[seen]]
    for turn in ((0, 1), (1, 0)):  # along both directions
        lines, known = grid.transpose(*turn, 2), seen.transpose(turn)
        for step in (slice(None), slice(None, None, -1)):  # out of the hull at both ends
            line, was = lines[:, step], known[:, step]
            leaves = was[:, :-1] & ~was[:, 1:]
            points.append(_border(inside, line[:, :-1][leaves], line[:, 1:][leaves]))
    z = np.vstack(points)
    z = z[np.sort(np.unique(np.round(z / _ROUNDING), axis=0, return_index=True)[1])]
    return Bunch(lam=lam_at(z), triangles=_triangles(z, inside), held=held, on=on)


def _border(inside, within, beyond):
    """Return the last points inside on the way from points inside to points outside."""
    if not len(within):
        return within
    for _ in range(_HALVINGS):
        middle = 0.5 * (within + beyond)
        known = inside(middle)[:, None]
        within, beyond = np.where(known, middle, within), np.where(known, beyond, middle)
    return within


def _triangles(z, inside):
    """Return triangles (T, 3) between points whose centres are inside."""
    if len(z) < 3 or np.linalg.matrix_rank(z - z.mean(axis=0), tol=_ROUNDING) < 2:
        return np.empty((0, 3), dtype=int)
    corners = Delaunay(z).simplices
    a, b, c = np.moveaxis(z[corners], 1, 0)
    area = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    corners = corners[area > _ROUNDING**1.5]
    return corners[inside(z[corners].mean(axis=1))]
