"""
Baselines side by side
======================

``sklearn_hti.baselines`` has other answers from outputs at a few values of λ: simple ones, and
those of the literature. They all have the same methods, so a loop compares them, on these data or
on yours.
"""

import time

import matplotlib.pyplot as plt

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import (
    ConditionalFlowMatchingRegressor,
    DirectSurrogateRegressor,
    DisplacementInterpolationRegressor,
    NearestAnchorRegressor,
)
from sklearn_hti.datasets import make_semicircles
from sklearn_hti.metrics import squared_wasserstein

# %%
# Points move along semicircles. The trained values are λ = 0, ½ and 1, and the truth between them
# is known.
data = make_semicircles(n_samples=60, random_state=0)
at_start = data.lam == 0
X, y = data.X[at_start], data.y[at_start]
models = {
    "nearest trained value": NearestAnchorRegressor(random_state=0),
    "regression on [x, λ]": DirectSurrogateRegressor(categorical_features=[0], random_state=0),
    "displacement interpolation": DisplacementInterpolationRegressor(
        lam_transform=None, random_state=0
    ),
    "flow matching": ConditionalFlowMatchingRegressor(
        lam_transform=None, max_iter=600, random_state=0
    ),
    "this package's estimator": HyperparameterTrajectoryRegressor(
        lam_transform=None, max_iter=600, random_state=0
    ),
}

# %%
# Each model moves outputs at λ = 0 to λ = ¼ and ¾. The error is the squared Wasserstein distance
# to draws of the truth, per category. The noise floor is the distance between two samples of the
# truth.


def error(outputs, lam, seed=1):
    """Return the distance to the truth, averaged over categories."""
    return squared_wasserstein(data.truth(X, lam, random_state=seed), outputs, groups=X[:, 0])


print(f"{'':28}λ = ¼   λ = ¾   CPU seconds of the fit")
moved = {}
for name, model in models.items():
    began = time.process_time()
    model.fit(data.X, data.y, data.lam)
    seconds = time.process_time() - began
    moved[name] = [model.transport(X, y, lam_from=0.0, lam_to=lam) for lam in (0.25, 0.75)]
    figures = (error(outputs, lam) for outputs, lam in zip(moved[name], (0.25, 0.75), strict=True))
    print("{:26} {:7.3f} {:7.3f} {:8.1f}".format(name, *figures, seconds))
floor = [error(data.truth(X, lam, random_state=2), lam) for lam in (0.25, 0.75)]
print(f"{'floor':26} {floor[0]:7.3f} {floor[1]:7.3f}")

# %%
# The plot shows the outputs at λ = ¼, by category. The truth is grey. :doc:`/benchmarks/choices`
# has more families, more baselines and more seeds.
fig, axes = plt.subplots(2, 3, figsize=(10, 5.6), layout="constrained", sharex=True, sharey=True)
truth = data.truth(X, 0.25, random_state=1)
for ax, (name, (outputs, _)) in zip(axes.flat, moved.items(), strict=False):
    ax.scatter(*truth.T, s=5, color="0.8")
    ax.scatter(*outputs.T, s=5, c=X[:, 0], cmap="tab10", vmax=9)
    ax.set(title=name, aspect="equal")
axes.flat[-1].scatter(*y.T, s=5, c=X[:, 0], cmap="tab10", vmax=9)
axes.flat[-1].set(title="outputs at λ = 0", aspect="equal")
plt.show()
