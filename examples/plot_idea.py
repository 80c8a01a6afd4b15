"""
The idea in three pictures
==========================

What the surrogate learns, step by step, on points that run over semicircles: outputs at a few
values of lambda are coupled, the couplings become paths, and a clock says where on its path an
output is. :doc:`The guide </guide/idea>` has the formulas.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import ot

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_semicircles
from sklearn_hti.metrics import squared_wasserstein

# %%
# Outputs at three anchors
# ------------------------
#
# One of the four conditions is drawn below. Its outputs start at the origin (λ = 0) and run
# over the upper half of a circle. All that the surrogate gets to see are the outputs at λ = 0,
# ½ and 1: clouds without any pairing from one to the next. Optimal transport pairs them, here
# at the cost of squared distance.
data = make_semicircles(n_samples=60, random_state=0)
ANCHORS = (0.0, 0.5, 1.0)
clouds = [data.y[(data.lam == lam) & (data.X[:, 0] == 0)] for lam in ANCHORS]
pairs = []
for start, end in pairwise(clouds):
    plan = ot.emd([], [], ot.dist(start, end))
    pairs.append((start, end[plan.argmax(axis=1)]))


def show_clouds(ax, title):
    """Draw the outputs of the three anchors."""
    for lam, cloud, color in zip(ANCHORS, clouds, ("C0", "C1", "C2"), strict=True):
        ax.scatter(*cloud.T, s=9, color=color, label=f"λ = {lam:g}", zorder=2)
    ax.set(aspect="equal", title=title, xlim=(-2.3, 0.3), ylim=(-1.15, 1.25))


fig, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained", sharey=True)
show_clouds(axes[0], "what is given")
axes[0].legend(frameon=False, loc="center")
show_clouds(axes[1], "outputs coupled by optimal transport")
for start, end in pairs:
    axes[1].plot(*np.stack([start, end]).transpose(2, 0, 1), color="0.7", lw=0.6, zorder=1)
plt.show()

# %%
# Paths
# -----
#
# Straight lines between partners leave the circle. The default Lagrangian makes it dear to go
# where no anchor has outputs (``potential="density"``), and cheap to go in the directions of the
# observed transport (``kinetic="learned"``), so that the cheapest paths follow the circle.
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
# Between the anchors the truth is known here. The squared Wasserstein distance to it, averaged
# over the four conditions (fresh draws against fresh draws: the floor that finite samples set):
print("   λ  straight  learned  floor")
for lam in (0.25, 0.75):
    true, fresh = (data.truth(X, lam, random_state=seed) for seed in (1, 2))
    moved = [s.transport(X, y, lam_from=0.0, lam_to=lam) for s in surrogates.values()]
    w2 = [squared_wasserstein(true, outputs, groups=X[:, 0]) for outputs in (*moved, fresh)]
    print(f"{lam:.2f}  {w2[0]:8.3f}  {w2[1]:7.3f}  {w2[2]:5.3f}")

# %%
# The clock
# ---------
#
# A path says where outputs go, and not when. The clock (``lam_transform``) says how far along
# the way from anchor to anchor a λ is. On semicircles λ is proportional to the way, so that
# no clock is needed. Elsewhere it is: between dropout rates 0.1 and 0.9, a rate of 0.5 is half
# of the way by a linear clock, and a tenth by the odds p / (1 − p).
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
ax.set(xlabel="λ between two anchors", ylabel="fraction of the way", title="clocks")
ax.legend(frameon=False, title="lam_transform")
plt.show()
