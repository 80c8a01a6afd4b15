"""
The idea in three pictures
==========================

This example shows the steps of a surrogate, for points that move along semicircles. Outputs at a
few values of lambda are coupled. The couplings become paths. The λ scale gives the position of an
output on its path. :doc:`The guide </guide/idea>` has the formulas.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import ot

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_semicircles
from sklearn_hti.metrics import squared_wasserstein

# %%
# Outputs at three trained values
# -------------------------------
#
# The plot shows one of the four conditions. Its outputs start at the origin (λ = 0) and move along
# the upper half of a circle. The data are the outputs at λ = 0, ½ and 1. They are not paired.
# Optimal transport pairs them, here with the squared distance as cost.
data = make_semicircles(n_samples=60, random_state=0)
ANCHORS = (0.0, 0.5, 1.0)
clouds = [data.y[(data.lam == lam) & (data.X[:, 0] == 0)] for lam in ANCHORS]
pairs = []
for start, end in pairwise(clouds):
    plan = ot.emd([], [], ot.dist(start, end))
    pairs.append((start, end[plan.argmax(axis=1)]))


def show_clouds(ax, title):
    """Draw the outputs of the three trained values."""
    for lam, cloud, color in zip(ANCHORS, clouds, ("C0", "C1", "C2"), strict=True):
        ax.scatter(*cloud.T, s=9, color=color, label=f"λ = {lam:g}", zorder=2)
    ax.set(aspect="equal", title=title, xlim=(-2.3, 0.3), ylim=(-1.15, 1.25))


fig, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained", sharey=True)
show_clouds(axes[0], "data")
axes[0].legend(frameon=False, loc="center")
show_clouds(axes[1], "outputs coupled by optimal transport")
for start, end in pairs:
    axes[1].plot(*np.stack([start, end]).transpose(2, 0, 1), color="0.7", lw=0.6, zorder=1)
plt.show()

# %%
# Paths
# -----
#
# Straight lines between partners leave the circle. The default Lagrangian makes places expensive
# if no trained value has outputs there (``potential="density"``). It makes the directions of the
# observed transport cheap (``kinetic="learned"``). The cheapest paths therefore follow the circle.
straight = HyperparameterTrajectoryRegressor(
    kinetic="euclidean", potential=None, lam_transform=None, max_iter=500, random_state=0
)
learned = HyperparameterTrajectoryRegressor(lam_transform=None, max_iter=500, random_state=0)
at_start = data.lam == 0
X, y = data.X[at_start], data.y[at_start]
grid = np.linspace(0, 1, 41)
surrogates = {"straight lines": straight, "learned Lagrangian (default)": learned}

fig, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained", sharey=True)
for ax, (name, surrogate) in zip(axes, surrogates.items(), strict=True):
    surrogate.fit(data.X, data.y, data.lam)
    paths = surrogate.trajectory(X[:60:3], grid, y=y[:60:3], lam_from=0.0)
    show_clouds(ax, name)
    ax.plot(paths[..., 0], paths[..., 1], color="0.45", lw=0.8, zorder=1)
plt.show()

# %%
# In this example, the truth between trained values is known. The table has the squared Wasserstein
# distance to it, averaged over the four conditions. The floor is the distance between two samples
# of the truth.
print("   λ  straight  learned  floor")
for lam in (0.25, 0.75):
    true, fresh = (data.truth(X, lam, random_state=seed) for seed in (1, 2))
    moved = [s.transport(X, y, lam_from=0.0, lam_to=lam) for s in surrogates.values()]
    w2 = [squared_wasserstein(true, outputs, groups=X[:, 0]) for outputs in (*moved, fresh)]
    print(f"{lam:.2f}  {w2[0]:8.3f}  {w2[1]:7.3f}  {w2[2]:5.3f}")

# %%
# The λ scale
# -----------
#
# A path has no times. The λ scale (``lam_transform``) gives the position of a λ on the path from
# one trained value to the next. On semicircles, λ is proportional to the arc length, so the linear
# scale is correct. In general, it is not. Between dropout rates 0.1 and 0.9, for example, a rate
# of 0.5 is half of the way on a linear scale, and a tenth on the scale of the odds p / (1 − p).
anchors, p = (0.1, 0.9), np.linspace(0.1, 0.9, 200)
fig, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
warps = {
    "None (linear)": lambda p: p,
    '"log"': np.log,
    '"logit"': lambda p: np.log(p / (1 - p)),
    '"odds"': lambda p: p / (1 - p),
}
for name, warp in warps.items():
    low, high = (warp(a) for a in anchors)
    ax.plot(p, (warp(p) - low) / (high - low), label=name)
    print(f"{name:14} at 0.5: {(warp(0.5) - low) / (high - low):.3f} of the way")
ax.set(xlabel="λ between two trained values", ylabel="fraction of the way", title="λ scales")
ax.legend(frameon=False, title="lam_transform")
plt.show()
