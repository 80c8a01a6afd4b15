"""
A page with a slider for lambda
===============================

Quantile networks are trained at three levels. Their surrogate is written to a single HTML file,
which opens in any browser without Python. A slider moves the level, and the distribution of the
outputs follows.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_quantile_networks
from sklearn_hti.inspection import MarginalDisplay

networks = make_quantile_networks(levels=(0.05, 0.5, 0.95), random_state=0)
known = np.isin(networks.row, networks.train_rows)
surrogate = HyperparameterTrajectoryRegressor(lam_transform="probit", max_iter=400, random_state=0)
surrogate.fit(networks.X[known], networks.y[known], networks.lam[known])

# %%
# The file holds draws for some patients that were not in `fit`, and follows them along the level.
# The list "Condition" of the page selects one patient, or all of them.
patients = networks.test_rows[:40]
page = surrogate.to_html(
    Path(tempfile.mkdtemp(), "quantile_networks.html"),
    networks.X[patients],
    n_samples=20,
    labels=[f"patient {i}" for i in patients],
    lam_name="quantile level",
    output_names=["disease progression (standardised)"],
    title="Predicted quantile of the progression of diabetes",
    random_state=0,
)
print(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB")

# %%
# The plot shows the distributions of the page at a few levels. Networks are trained at these
# levels only for comparison.
levels = [0.05, 0.2, 0.5, 0.8, 0.95]
X = np.tile(networks.X[patients], (len(levels), 1))
lam = np.repeat(levels, len(patients))
MarginalDisplay.from_estimator(
    surrogate,
    networks.X[patients],
    levels,
    n_samples=20,
    truth=(X, networks.truth(X, lam), lam),
    lam_name="quantile level",
    output_names=["disease progression (standardised)"],
    random_state=0,
)
plt.show()
