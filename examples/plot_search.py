"""
Search for the kind of path and the λ scale
===========================================

Which kinetic energy, which potential, which λ scale? `GridSearchCV` of scikit-learn compares them:
each interior trained value is left out and predicted from the others. `PredictionErrorDisplay`
shows the result.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.metrics import PredictionErrorDisplay, root_mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep
from sklearn_hti.metrics import make_lam_scorer
from sklearn_hti.model_selection import LeaveOneLambdaOut
from sklearn_hti.paths import GeodesicPath

# %%
# Four networks classify three wines. They are trained with weak to strong regularisation. With
# stronger regularisation, their probabilities are less extreme. The surrogate learns from their
# outputs at 60 wines alone.
X, y = load_wine(return_X_y=True)
classifier = make_pipeline(StandardScaler(), MLPClassifier((16,), solver="lbfgs", max_iter=500))
strengths = [0.1, 1.0, 10.0, 100.0]
how = {"X": X, "y": y, "X_query": X[::3], "method": "predict_proba", "random_state": 0}
data = sweep(classifier, "mlpclassifier__alpha", strengths, **how)
table = np.column_stack([data.X, data.lam])  # lambda as a column: no metadata routing needed

# %%
# The network with the weakest regularisation is deployed, and the surrogate moves its outputs. The
# short training is enough to compare candidates, not to be accurate.
surrogate = HyperparameterTrajectoryRegressor(
    base=data.estimators[0].predict_proba,
    path=GeodesicPath(max_iter=30),
    max_iter=60,
    lam_column=-1,
    validate=False,  # the search leaves values out, so `fit` need not
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
    scoring=make_lam_scorer(root_mean_squared_error, greater_is_better=False),
    cv=LeaveOneLambdaOut(lam_column=-1),
    error_score="raise",
)
search.fit(table, data.y)
search

# %%
# The table has the root mean squared error of probabilities at each left-out trained value, with
# the best candidate first. The λ scale matters most. Metric and potential hardly matter, because
# the probabilities move on nearly straight lines.
found = pd.DataFrame(search.cv_results_).fillna({"param_potential": "none"})
found["clock"] = found["param_lam_transform"].fillna("linear")
found["path"] = found["param_kinetic"] + ", " + found["param_potential"]
left_out = {f"split{k}_test_score": f"λ = {lam:g}" for k, lam in enumerate(strengths[1:-1])}
errors = found.set_index(["clock", "path"])[list(left_out)].rename(columns=left_out).mul(-1)
errors["mean"] = errors.mean(axis=1)
errors.sort_values("mean").round(4)

# %%
# A logarithm is the usual guess for a strength of regularisation, but the search chooses another
# scale. Networks at other strengths are trained for comparison. They measure the error of the best
# candidate, of the best one with a logarithmic scale, and of outputs that do not move.
between = [0.3, 3.0, 30.0]
judges = sweep(classifier, "mlpclassifier__alpha", between, **how)
log = found.loc[found[found["clock"] == "log"]["rank_test_score"].idxmin(), "params"]
asked = np.column_stack([judges.X, judges.lam])
answers = {
    "best of the search": search.predict(asked),
    "best with a log scale": surrogate.set_params(**log).fit(table, data.y).predict(asked),
    "not moving": np.repeat(data.y[data.lam == strengths[0]], len(between), axis=0),
}


def error(answer, lam):
    """Return the root mean squared error at one strength."""
    return root_mean_squared_error(judges.y[judges.lam == lam], answer[judges.lam == lam])


judged = pd.DataFrame(
    {name: [error(answer, lam) for lam in between] for name, answer in answers.items()},
    index=pd.Index(between, name="λ"),
)
judged.round(4)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
errors["mean"].unstack("path").loc[["entropy", "log", "linear"]].plot.barh(ax=left, legend=False)
handles, names = left.get_legend_handles_labels()
left.legend(handles[::-1], names[::-1], title="kinetic, potential", fontsize="small")
left.set(xlabel="error at left-out values", ylabel="λ scale (lam_transform)", title="the search")
judged.plot.bar(ax=right, logy=True, rot=0, ylabel="error")
right.set(xlabel="strength λ of the regularisation", title="error at other strengths")
plt.show()

# %%
# The plot compares every probability of the networks trained at 30 with its prediction. The
# logarithm moves probabilities too far towards those of strength 100.
fig, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
at = judges.lam == 30.0
for ax, (name, answer) in zip(axes, answers.items(), strict=True):
    PredictionErrorDisplay.from_predictions(
        judges.y[at].ravel(), answer[at].ravel(), kind="actual_vs_predicted", ax=ax
    )
    ax.set(xlabel="probability, surrogate", ylabel="probability, trained at 30", title=name)
    ax.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
plt.show()
