"""
Categories, a pipeline, and trained values left out
===================================================

Inputs have categorical columns, and transformers come before the surrogate. The validation
matches the task: every interior trained value is predicted from the others.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVR

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep
from sklearn_hti.model_selection import LeaveOneLambdaOut
from sklearn_hti.pipeline import make_trajectory_pipeline

# %%
# The inputs are patients with two numeric and two categorical columns.
raw, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
frame = pd.DataFrame(
    {
        "bmi": raw["bmi"],
        "pressure": raw["bp"],
        "sex": raw["sex"].map({1.0: "a", 2.0: "b"}).astype("category"),
        "age": pd.cut(raw["age"], [0, 40, 55, 100], labels=["young", "middle", "old"]),
    }
)
print(frame.head(3))

# %%
# The model is a support vector regression. Its hyperparameter is the strength C of the penalty.
# `sklearn_hti.sweep` sets parameters inside a pipeline, like ``set_params``.
numbers, categories = ["bmi", "pressure"], ["sex", "age"]
model = make_pipeline(
    make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(), categories)),
    SVR(),
)
anchors = [1.0, 5.0, 25.0, 125.0]
train, new = frame[:300], frame[300:]
data = sweep(model, "svr__C", anchors, train, y[:300])
print(data.X.shape, np.unique(data.lam))

# %%
# The surrogate accepts categories as they are (columns of category or string type). Only numbers
# need a transformer. `make_trajectory_pipeline` keeps the methods of the surrogate.
scaler = make_column_transformer(
    (StandardScaler(), numbers), remainder="passthrough", verbose_feature_names_out=False
).set_output(transform="pandas")


def build(columns=scaler):
    """Return a pipeline that ends in a quickly fitted surrogate."""
    surrogate = HyperparameterTrajectoryRegressor(
        lam_transform="log", base="neighbors", max_iter=300, random_state=0
    )
    return make_trajectory_pipeline(columns, surrogate)


# %%
# Each interior trained value is left out in turn. With metadata routing on, ``lam`` follows the
# rows. The score is R² of the conditional mean at the left-out strength, predicted from the
# answers at the others. It is computed with and without the categories.
without = make_column_transformer((StandardScaler(), numbers)).set_output(transform="pandas")
candidates = {"all columns": build(), "without categories": build(without)}
with sklearn.config_context(enable_metadata_routing=True):
    for name, pipe in candidates.items():
        scores = cross_val_score(
            pipe, data.X, data.y, cv=LeaveOneLambdaOut(), params={"lam": data.lam}
        )
        print(f"{name:18}  R² at C = 5: {scores[0]:.4f}, at C = 25: {scores[1]:.4f}")

# %%
# The chosen pipeline is fitted to all trained values. It moves the answers of the model with C = 1
# for 142 new patients to other strengths. The straight line uses two models, those on both sides.
pipe = candidates["all columns"].fit(data.X, data.y, lam=data.lam)
judge = sweep(model, "svr__C", [2.0, 10.0, 60.0], train, y[:300], new)
truth = judge.y.reshape(-1, 3).T
said = data.estimators[0].predict(new)
print("   C  surrogate  straight line  not moving   (root mean squared error)")
for strength, true in zip((2.0, 10.0, 60.0), truth, strict=True):
    moved = pipe.transport(new, said, lam_from=1.0, lam_to=strength)
    k = np.searchsorted(anchors, strength)
    low, high = (data.estimators[j].predict(new) for j in (k - 1, k))
    fraction = (strength - anchors[k - 1]) / (anchors[k] - anchors[k - 1])
    line = low + fraction * (high - low)
    errors = [np.sqrt(np.mean((answer - true) ** 2)) for answer in (moved, line, said)]
    print("{:4.0f} {:10.2f} {:14.2f} {:11.2f}".format(strength, *errors))

# %%
# The plot shows two patients of each age group. Lines are the surrogate. Dots are models that are
# trained only for comparison.
grid = np.geomspace(1, 125, 30)
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for color, group in zip(("C0", "C1", "C2"), ("young", "middle", "old"), strict=True):
    rows = np.flatnonzero(new["age"] == group)[:2]
    path = pipe.trajectory(new.iloc[rows], grid, y=said[rows], lam_from=1.0)
    ax.semilogx(grid, path, color=color, label=[group, None])
    ax.plot([2, 10, 60], truth[:, rows], "o", color=color)
for strength in anchors:
    ax.axvline(strength, color="0.85", zorder=0)
ax.set(xlabel="C (grey: trained there)", ylabel="predicted disease progression")
ax.legend(frameon=False, title="age group")
plt.show()
