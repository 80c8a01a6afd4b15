"""
A network at hyperparameter values at which it was never trained
================================================================

Quantile networks are trained at three levels. The surrogate answers for levels between.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_quantile_networks

# %%
# Outputs of networks trained at three levels; `sklearn_hti.sweep` collects such data from
# any scikit-learn or skorch estimator. Rows with the same x are recognised and used.
networks = make_quantile_networks(levels=(0.05, 0.3, 0.95), random_state=0)
known = np.isin(networks.row, networks.train_rows)
surrogate = HyperparameterTrajectoryRegressor(
    base="neighbors",  # no generator of outputs is trained: `transport` needs none
    random_state=0,
)
surrogate.fit(networks.X[known], networks.y[known], networks.lam[known])

# %%
# For patients who were in no training, move what the deployed network (level 0.05) says to
# any level between.
new = np.isin(networks.row, networks.test_rows) & (networks.lam == 0.05)
X, said = networks.X[new], networks.y[new]
grid = np.linspace(0.05, 0.95, 50)
paths = surrogate.trajectory(X, grid, y=said, lam_from=0.05)
print(paths.shape)  # level, patient

# %%
# Networks trained at three levels between judge. Mean squared error to them of four answers:
# moved from level 0.05 (`transport`), from all three networks where they can still be asked
# (`interpolate`), the answer of level 0.05 as it is, and that of the nearest network.
levels, between = (0.05, 0.3, 0.95), (0.15, 0.5, 0.8)
trained = {level: networks.truth(X, level) for level in levels}
truth = {level: networks.truth(X, level) for level in between}
print("level  transport  interpolate  not moving  nearest network")
for level, true in truth.items():
    answers = (
        surrogate.transport(X, said, lam_from=0.05, lam_to=level),
        surrogate.interpolate(X, list(trained.values()), lams=levels, lam=level),
        said,
        trained[min(levels, key=lambda other: abs(other - level))],
    )
    errors = [np.mean((answer - true) ** 2) for answer in answers]
    print("{:5.2f} {:10.4f} {:12.4f} {:11.4f} {:16.4f}".format(level, *errors))

# %%
# Eight patients: lines are answers of level 0.05, moved; dots the networks trained to judge.
shown = np.argsort(said)[:: len(said) // 8][:8]
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for i, patient in enumerate(shown):
    ax.plot(grid, paths[:, patient], color=f"C{i}")
    ax.scatter(between, [truth[level][patient] for level in between], color=f"C{i}")
for level in levels:
    ax.axvline(level, color="0.85", zorder=0)
ax.set(
    xlabel="quantile level λ (grey: trained there)",
    ylabel="disease progression, standardised",
    title="lines: surrogate, dots: networks trained there",
)
plt.show()
