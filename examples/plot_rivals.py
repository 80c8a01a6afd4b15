"""
Rivals side by side
===================

What else could be done with outputs at a few values of λ? ``sklearn_hti.baselines`` has the
answers of the literature and the simple ones behind the same methods, so that a loop compares
them, on your data as on these.
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
# Points that run over semicircles, seen at λ = 0, ½ and 1; the truth between is known.
data = make_semicircles(n_samples=60, random_state=0)
at_start = data.lam == 0
X, y = data.X[at_start], data.y[at_start]
rivals = {
    "nearest anchor": NearestAnchorRegressor(random_state=0),
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
# Outputs at λ = 0 are moved to λ = ¼ and ¾ by each, and compared with draws of the truth: squared
# Wasserstein distance per category. The floor is that between two draws of the truth.


def error(outputs, lam, seed=1):
    """Return the distance to the truth, averaged over categories."""
    return squared_wasserstein(data.truth(X, lam, random_state=seed), outputs, groups=X[:, 0])


print(f"{'':28}λ = ¼   λ = ¾   CPU seconds of the fit")
moved = {}
for name, rival in rivals.items():
    began = time.process_time()
    rival.fit(data.X, data.y, data.lam)
    seconds = time.process_time() - began
    moved[name] = [rival.transport(X, y, lam_from=0.0, lam_to=lam) for lam in (0.25, 0.75)]
    figures = (error(outputs, lam) for outputs, lam in zip(moved[name], (0.25, 0.75), strict=True))
    print("{:26} {:7.3f} {:7.3f} {:8.1f}".format(name, *figures, seconds))
floor = [error(data.truth(X, lam, random_state=2), lam) for lam in (0.25, 0.75)]
print(f"{'floor':26} {floor[0]:7.3f} {floor[1]:7.3f}")

# %%
# The outputs at λ = ¼, by category; grey: the truth. :doc:`/benchmarks/choices` has more families,
# more rivals and more seeds.
fig, axes = plt.subplots(2, 3, figsize=(10, 5.6), layout="constrained", sharex=True, sharey=True)
truth = data.truth(X, 0.25, random_state=1)
for ax, (name, (outputs, _)) in zip(axes.flat, moved.items(), strict=False):
    ax.scatter(*truth.T, s=5, color="0.8")
    ax.scatter(*outputs.T, s=5, c=X[:, 0], cmap="tab10", vmax=9)
    ax.set(title=name, aspect="equal")
axes.flat[-1].scatter(*y.T, s=5, c=X[:, 0], cmap="tab10", vmax=9)
axes.flat[-1].set(title="where they come from (λ = 0)", aspect="equal")
plt.show()
