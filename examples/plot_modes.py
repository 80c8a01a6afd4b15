"""
Two modes: moving or reweighting
================================

A policy passes an obstacle on the left or on the right. A hyperparameter sets the probability of
each side. The two strategies do not change, but their probabilities do. Transport moves outputs
from one strategy to the other, so the policy would hit the obstacle in between. A mixture changes
the probabilities.
"""

# %%
# The data are steering angles at three trained values, 600 draws each.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.metrics import squared_wasserstein

rng = np.random.default_rng(0)


def steer(lam):
    """Return angles: right with the probability 0.1 + 0.8 lambda, else left."""
    side = np.where(rng.random(len(lam)) < 0.1 + 0.8 * lam, 30.0, -30.0)
    return side + 4.0 * rng.normal(size=len(lam))


lam = np.repeat([0.0, 0.5, 1.0], 600)
y = steer(lam)

# %%
# The default leaves out the middle value and compares geometries. Reweighting predicts its draws
# best.
moved = HyperparameterTrajectoryRegressor(geometry="transport", random_state=0).fit(None, y, lam)
mixed = HyperparameterTrajectoryRegressor(random_state=0).fit(None, y, lam)
print(mixed.diagnostics_)

# %%
# The surrogates draw at a quarter of the range, where no policy was trained.
truth, again = (steer(np.full(600, 0.25))[:, None] for _ in range(2))
answers = {"truth": truth}
for name, surrogate in (("transport", moved), ("mixture", mixed)):
    answers[name] = surrogate.sample(None, lam=0.25, n_samples=600, random_state=0)
    distance = squared_wasserstein(truth, answers[name])
    in_gap = np.mean(np.abs(answers[name]) < 15)
    print(f"{name}: W2^2 {distance:.1f}, {in_gap:.0%} of the draws in the gap")
print(f"noise floor: {squared_wasserstein(truth, again):.1f}")

# %%
# The upper row shows the draws. The lower row shows the trained values, and draws that are
# followed along lambda. They move through the gap with transport, and jump with a mixture.
grid = np.linspace(0, 1, 101)
figure, axes = plt.subplots(2, 3, figsize=(10, 5), sharey="row", layout="constrained")
for ax, (name, draws) in zip(axes[0], answers.items(), strict=True):
    ax.hist(draws.ravel(), bins=np.linspace(-45, 45, 46), color="0.4")
    ax.set(title=name, xlabel="angle at lambda = 0.25")
axes[0, 0].set_ylabel("draws")
axes[1, 0].plot(lam[::15] + 0.02 * rng.normal(size=120), y[::15], ".", color="0.4")
for ax, surrogate in ((axes[1, 1], moved), (axes[1, 2], mixed)):
    path = surrogate.trajectory(None, grid, n_samples=25, random_state=0)
    ax.plot(grid, path.reshape(101, 25), color="C0", alpha=0.5, linewidth=0.8)
for ax in axes[1]:
    ax.set_xlabel("lambda")
    ax.set_ylim(-45, 45)
axes[1, 0].set_ylabel("angle")
plt.show()
