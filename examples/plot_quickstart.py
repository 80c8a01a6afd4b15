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
surrogate = HyperparameterTrajectoryRegressor(random_state=0)
surrogate.fit(networks.X[known], networks.y[known], networks.lam[known])
print(surrogate.lam_transform_)

# %%
# For new patients, move what the deployed network (level 0.05) says to any level between.
new = np.isin(networks.row, networks.test_rows[:8]) & (networks.lam == 0.05)
grid = np.linspace(0.05, 0.95, 50)
paths = surrogate.trajectory(networks.X[new], grid, y=networks.y[new], lam_from=0.05)

# %%
# Three networks trained at levels between, only to judge.
fig, ax = plt.subplots()
ax.plot(grid, paths)
for level in (0.15, 0.5, 0.8):
    truth = networks.truth(networks.X[new], level)
    ax.scatter(np.full(len(truth), level), truth, c=[f"C{i}" for i in range(len(truth))])
ax.set(xlabel="quantile level λ", ylabel="disease progression, standardised")
ax.set_title("lines: surrogate, dots: networks trained there")
plt.show()
