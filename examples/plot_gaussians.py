"""
Against closed forms: conditional Gaussians
===========================================

Between Gaussians, optimal transport has a closed form: the path of every output, and the distance
between any two distributions. The error of the surrogate is therefore known without a network.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_gaussians

# %%
# There are three conditions. Each is a Gaussian that moves, stretches and rotates from λ = 0 to
# λ = 1. The data are draws at λ = 0, ½ and 1. Transport with the Euclidean cost is straight, so
# neither metric nor potential is needed.
data = make_gaussians(n_samples=250, random_state=0)
surrogate = HyperparameterTrajectoryRegressor(
    kinetic="euclidean", potential=None, lam_transform=None, random_state=0
).fit(data.X, data.y, data.lam)
print(data.y.shape, surrogate.diagnostics_["affine"])

# %%
# New draws at λ = 0 are moved to other λ. The first table has the root mean squared distance of
# outputs from the optimal map, beside the distance that this map moves them. The second table
# compares mean and covariance of the moved outputs of a condition with the true ones.
truth = data.truth
X = np.repeat([[0.0], [1.0], [2.0]], 1000, axis=0)
start = truth(X, 0.0, random_state=1)
print("   λ  error  way")
for lam in (0.25, 0.5, 0.75, 1.0):
    moved = surrogate.transport(X, start, lam_from=0.0, lam_to=lam)
    exact = truth.transport(X, start, 0.0, lam)
    error, way = (np.sqrt(np.mean(((a - exact) ** 2).sum(axis=1))) for a in (moved, start))
    print(f"{lam:.2f}  {error:5.3f}  {way:.2f}")

print("condition  error of the mean  of the covariance (relative), at λ = 0.75")
moved = surrogate.transport(X, start, lam_from=0.0, lam_to=0.75)
for c in range(3):
    own = X[:, 0] == c
    mean, covariance = truth.mean(c, 0.75), truth.covariance(c, 0.75)
    off = np.linalg.norm(moved[own].mean(axis=0) - mean)
    stretch = np.linalg.norm(np.cov(moved[own].T) - covariance) / np.linalg.norm(covariance)
    print(f"{c:9}  {off:17.3f}  {stretch:17.3f}")

# %%
# An output that is moved to λ = 1 and back should return to its start.
there = surrogate.transport(X, start, lam_from=0.0, lam_to=1.0)
back = surrogate.transport(X, there, lam_from=1.0, lam_to=0.0)
print(f"there and back: {np.sqrt(np.mean(((back - start) ** 2).sum(axis=1))):.3f} off")

# %%
# Ellipses contain 68 % of a Gaussian. They show the truth at five λ. Dots are moved outputs.
fig, axes = plt.subplots(1, 3, figsize=(10, 4), layout="constrained")
lams, colors = (0, 0.25, 0.5, 0.75, 1), plt.cm.viridis(np.linspace(0, 0.85, 5))
for lam, color in zip(lams, colors, strict=True):
    moved = surrogate.transport(X, start, lam_from=0.0, lam_to=lam)
    for c, ax in enumerate(axes):
        ax.scatter(*moved[X[:, 0] == c][:120].T, s=5, color=color, label=f"λ = {lam}")
        values, vectors = np.linalg.eigh(truth.covariance(c, lam))
        width, height = 2 * np.sqrt(2.28 * values)  # 68 % of a chi-square of two degrees: 2.28
        angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
        ellipse = Ellipse(truth.mean(c, lam), width, height, angle=angle, fill=False, ec=color)
        ax.add_patch(ellipse)
        ax.set(aspect="equal", title=f"condition {c}")
fig.legend(
    *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, markerscale=2
)
plt.show()
