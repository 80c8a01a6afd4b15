"""
Search for the kind of path and the clock
=========================================

Which kinetic energy, which potential, which clock? Leave each interior anchor out, predict it
from the others, and let scikit-learn's `GridSearchCV` compare.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep
from sklearn_hti.metrics import make_lam_scorer
from sklearn_hti.model_selection import LeaveOneLambdaOut
from sklearn_hti.paths import GeodesicPath

# %%
# Four networks that tell three wines apart, trained with weaker and stronger regularisation:
# the stronger it is, the less sure they are. Their outputs at 60 wines are all that follows
# learns from.
X, y = load_wine(return_X_y=True)
classifier = make_pipeline(StandardScaler(), MLPClassifier((16,), solver="lbfgs", max_iter=500))
strengths = [0.1, 1.0, 10.0, 100.0]
how = {"X": X, "y": y, "X_query": X[::3], "method": "predict_proba", "random_state": 0}
data = sweep(classifier, "mlpclassifier__alpha", strengths, **how)
table = np.column_stack([data.X, data.lam])  # lambda as a column: no metadata routing needed

# %%
# The network of the weakest regularisation is deployed: the surrogate moves what it says.
# Trained for long enough to compare, not for accuracy.
surrogate = HyperparameterTrajectoryRegressor(
    base=data.estimators[0].predict_proba,
    path=GeodesicPath(max_iter=30),
    max_iter=60,
    lam_column=-1,
    random_state=0,
)
grid = {
    "kinetic": ["euclidean", "learned"],
    "potential": [None, "density"],
    "lam_transform": [None, "log", "entropy"],
}
search = GridSearchCV(
    surrogate,
    grid,
    scoring=make_lam_scorer(mean_squared_error, greater_is_better=False),
    cv=LeaveOneLambdaOut(lam_column=-1),
    error_score="raise",
)
search.fit(table, data.y)
search

# %%
# The error at each left-out anchor, beside that of not moving at all.
found = pd.DataFrame(search.cv_results_).fillna({"param_potential": "none"})
found["clock"] = found["param_lam_transform"].fillna("linear")
found["path"] = found["param_kinetic"] + ", " + found["param_potential"]
left_out = {f"split{k}_test_score": f"λ = {lam:g}" for k, lam in enumerate(strengths[1:-1])}
errors = found.set_index(["clock", "path"])[list(left_out)].rename(columns=left_out).mul(-1)
errors["mean"] = errors.mean(axis=1)
errors.sort_values("mean").round(4)

# %%
# A logarithm is what one would guess for a strength of regularisation, and the search says
# otherwise. Networks trained at strengths that took no part in it judge: the best candidate,
# and the best one with a logarithmic clock.
between = [0.3, 3.0, 30.0]
judges = sweep(classifier, "mlpclassifier__alpha", between, **how)
log = found.loc[found[found["clock"] == "log"]["rank_test_score"].idxmin(), "params"]
candidates = {
    "best of the search": search.best_estimator_,
    "best with a log clock": surrogate.set_params(**log).fit(table, data.y),
}
asked = np.column_stack([judges.X, judges.lam])
still = data.y[data.lam == strengths[0]]
answers = {name: model.predict(asked) for name, model in candidates.items()}
answers["not moving"] = np.tile(still, (len(between), 1))
judged = pd.DataFrame(
    {
        name: [
            mean_squared_error(judges.y[judges.lam == lam], y[judges.lam == lam])
            for lam in between
        ]
        for name, y in answers.items()
    },
    index=pd.Index(between, name="λ"),
)
judged.round(4)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
errors["mean"].unstack("path").loc[["entropy", "log", "linear"]].plot.barh(ax=left, legend=False)
left.legend(title="kinetic, potential", loc="upper right", fontsize="small")
left.set(xlabel="mean squared error at left-out anchors", ylabel="clock (lam_transform)")
left.set_title("the search")
judged.plot.bar(ax=right, logy=True, rot=0)
right.set(xlabel="strength λ of the regularisation", ylabel="mean squared error")
right.set_title("networks trained elsewhere judge")
plt.show()
