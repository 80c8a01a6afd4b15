"""
A custom Lagrangian: an obstacle
================================

If outputs cannot be in some region, a potential can exclude it. Here, points move along circles
and are never near the centres. The data are points at the start, in the middle and at the end.
``potential`` accepts any function u(y, x) of torch tensors that is large where outputs may be.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_semicircles
from sklearn_hti.lagrangian import CallablePotential
from sklearn_hti.metrics import squared_wasserstein

data = make_semicircles(n_samples=50, random_state=0)
at_start = data.lam == 0
X, y = data.X[at_start], data.y[at_start]

# %%
# Outputs have to stay outside two discs. ``x`` holds the number of the category: the first two
# categories move around the left centre, the others around the right one. The potential is zero
# outside the discs and decreases towards their centres.
RADIUS = 0.9


def outside(y, x):
    """Return zero outside the disc of a condition, less inside."""
    centre = (x[:, 0] >= 2).to(y.dtype) * 2 - 1
    distance = ((y[:, 0] - centre) ** 2 + y[:, 1] ** 2).sqrt()
    return -10 * (RADIUS - distance).clamp(min=0)


obstacle = CallablePotential(outside, weight=1.0)

# %%
# There are three surrogates: without a potential, with the obstacle, and with the default. The
# default estimates from the outputs where they are dense, and needs no further information.
settings = {"kinetic": "euclidean", "lam_transform": None, "max_iter": 500, "random_state": 0}
surrogates = {
    "no potential": HyperparameterTrajectoryRegressor(potential=None, **settings),
    "obstacle": HyperparameterTrajectoryRegressor(potential=obstacle, **settings),
    "density": HyperparameterTrajectoryRegressor(potential="density", **settings),
}
grid = np.linspace(0, 1, 41)
centre = np.where(X[:, :1] >= 2, [[1.0, 0.0]], [[-1.0, 0.0]])


def errors(outputs):
    """Return the squared Wasserstein distances to the truth at λ = ¼ and ¾."""
    return [
        squared_wasserstein(data.truth(X, lam, random_state=1), moved, groups=X[:, 0])
        for lam, moved in zip((0.25, 0.75), outputs, strict=True)
    ]


print("potential     inside a disc   squared Wasserstein distance at λ = ¼ and ¾")
paths = {}
for name, surrogate in surrogates.items():
    surrogate.fit(data.X, data.y, data.lam)
    path = paths[name] = surrogate.trajectory(X, grid, y=y, lam_from=0.0)
    inside = np.mean(np.linalg.norm(path - centre, axis=2) < RADIUS - 0.05)
    print("{:13} {:13.1%} {:12.3f} {:7.3f}".format(name, inside, *errors(path[[10, 30]])))
fresh = [data.truth(X, lam, random_state=2) for lam in (0.25, 0.75)]
print("{:27} {:12.3f} {:7.3f}".format("floor", *errors(fresh)))

# %%
# The plot shows fifteen points of each category. The discs are grey.
fig, axes = plt.subplots(3, 1, figsize=(6, 9.5), layout="constrained", sharex=True)
shown = np.concatenate([np.flatnonzero(X[:, 0] == c)[:15] for c in range(4)])
for ax, (name, path) in zip(axes, paths.items(), strict=True):
    for x in (-1, 1):
        ax.add_patch(plt.Circle((x, 0), RADIUS, color="0.9", zorder=0))
    for i in shown:
        ax.plot(*path[:, i].T, color=f"C{int(X[i, 0])}", lw=0.8)
    ax.set(aspect="equal", title=name, ylim=(-1.25, 1.25))
plt.show()
