"""lambda through scikit-learn's tools: python -m benchmarks.routing [--page docs/routing.md]

Runs every tool with lambda given in every way, right and wrong, and prints what came of it:
"yes" where the numbers are those of the same steps by hand, else what the tool said.
"""

import argparse
import re
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn import config_context
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import make_scorer, mean_squared_error, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from sklearn_hti.baselines import DisplacementInterpolationRegressor
from sklearn_hti.metrics import make_lam_scorer, neg_energy_score
from sklearn_hti.pipeline import make_trajectory_pipeline

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
VALUES = [1, 5]
FOLDS = KFold(2)  # rows of an input are neighbours: no fold parts them
MULTIMETRIC = {
    "mse": make_lam_scorer(mean_squared_error, greater_is_better=False),
    "energy": neg_energy_score,
}


class Way(NamedTuple):
    """How lambda is given."""

    name: str
    routing: bool
    column: bool
    passed: bool
    right: bool


WAYS = [
    Way("routing on, `lam=lam`", True, False, True, True),
    Way("`lam_column`, routing off", False, True, False, True),
    Way("`lam_column`, routing on", True, True, False, True),
    Way("`lam=lam`, routing off", False, False, True, False),
    Way("forgotten, routing on", True, False, False, False),
    Way("forgotten, routing off", False, False, False, False),
]


def make_data():
    """Return outputs of networks at three lambdas, all asked at the same inputs."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.uniform(-1, 1, size=(12, 2)), 3, axis=0)
    lam = np.tile([0.0, 0.5, 2.0], 12)
    return Bunch(X=X, y=X[:, 0] + lam * (1 + 0.5 * X[:, 1]), lam=lam)


def make_surrogate(**params):
    """Return a surrogate that is fitted in no time; all take lambda in the same way."""
    return DisplacementInterpolationRegressor(lam_transform=None, random_state=0, **params)


# ---------------------------------------------------------------- the tools
# each takes the estimator, X, y, {"lam": lam} or {}, the folds and `error_score`


def _cross_val_score(estimator, X, y, params, cv, error_score):
    return cross_val_score(estimator, X, y, params=params, cv=cv, error_score=error_score)


def _cross_validate(estimator, X, y, params, cv, error_score):
    options = {"scoring": MULTIMETRIC, "error_score": error_score}
    found = cross_validate(estimator, X, y, params=params, cv=cv, **options)
    return np.concatenate([found[f"test_{name}"] for name in MULTIMETRIC])


def _cross_val_predict(estimator, X, y, params, cv, error_score):
    return cross_val_predict(estimator, X, y, params=params, cv=cv)


def _validation_curve(estimator, X, y, params, cv, error_score):
    options = {"param_name": _name(estimator), "param_range": VALUES, "error_score": error_score}
    return validation_curve(estimator, X, y, params=params, cv=cv, **options)[1]


def _learning_curve(estimator, X, y, params, cv, error_score):
    options = {"train_sizes": [1.0], "error_score": error_score}
    return learning_curve(estimator, X, y, params=params, cv=cv, **options)[2][0]


def _search(search_class, **options):
    def run(estimator, X, y, params, cv, error_score):
        grid = {_name(estimator): VALUES}
        search = search_class(estimator, grid, cv=cv, error_score=error_score, **options)
        search.fit(X, y, **params)
        return [search.cv_results_[f"split{k}_test_score"] for k in range(2)]

    return run


def _search_multimetric(estimator, X, y, params, cv, error_score):
    options = {"scoring": MULTIMETRIC, "refit": "mse", "error_score": error_score}
    search = GridSearchCV(estimator, {_name(estimator): VALUES}, cv=cv, **options)
    found = search.fit(X, y, **params).cv_results_
    return [[found[f"split{k}_test_{name}"] for k in range(2)] for name in MULTIMETRIC]


def _halving(estimator, X, y, params, cv, error_score):
    """Double the neighbours instead of the rows, so that every score can be done by hand."""
    options = {"resource": _name(estimator), "max_resources": 2, "min_resources": 1, "factor": 2}
    grid = {_name(estimator).replace("n_neighbors", "output_scaling"): ["common", "per_output"]}
    search = HalvingGridSearchCV(estimator, grid, cv=cv, error_score=error_score, **options)
    found = search.fit(X, y, **params).cv_results_
    return [found[f"split{k}_test_score"] for k in range(2)]


def _fit_and_ask(estimator, X, y, params, cv, error_score):
    estimator = clone(estimator).fit(X, y, **params)
    return np.r_[estimator.predict(X, **params), estimator.score(X, y, **params)]


def _name(estimator):
    return next(name for name in estimator.get_params() if name.endswith("n_neighbors"))


# ---------------------------------------------------------------- the same by hand


def _scores(estimator, data, score=None, **params):
    """Return the scores of both folds, with `params` of the surrogate."""
    estimator = clone(estimator)
    if params:
        prefix = _name(estimator).removesuffix("n_neighbors")
        estimator.set_params(**{prefix + name: value for name, value in params.items()})
    found = []
    for train, test in FOLDS.split(data.X):
        _fit(estimator, data, train)
        X, y, lam = data.X[test], data.y[test], data.lam[test]
        if score is None:
            found.append(r2_score(y, _ask(estimator, X, lam)))
        else:
            found.append(score(estimator, X, y, lam=lam))
    return found


def _fit(estimator, data, rows):
    X, y, lam = data.X[rows], data.y[rows], data.lam[rows]
    if hasattr(estimator, "steps"):
        Xt = estimator[0].fit_transform(X)
        estimator[1].fit(Xt, y, lam)
    else:
        estimator.fit(X, y, lam)


def _ask(estimator, X, lam):
    if hasattr(estimator, "steps"):
        return estimator[1].predict(estimator[0].transform(X), lam)
    return estimator.predict(X, lam)


def _many_scores(estimator, data, score=None):
    return np.transpose([_scores(estimator, data, score, n_neighbors=n) for n in VALUES])


def _multi_scores(estimator, data):
    return np.concatenate([_scores(estimator, data, score) for score in MULTIMETRIC.values()])


def _many_multi_scores(estimator, data):
    return [_many_scores(estimator, data, score) for score in MULTIMETRIC.values()]


def _predicted(estimator, data):
    estimator, y = clone(estimator), np.empty_like(data.y)
    for train, test in FOLDS.split(data.X):
        _fit(estimator, data, train)
        y[test] = _ask(estimator, data.X[test], data.lam[test])
    return y


def _halved(estimator, data):
    first = _scores(estimator, data, n_neighbors=1)
    # outputs are single, so the scaling changes nothing, and either candidate goes on
    return np.column_stack([first, first, _scores(estimator, data, n_neighbors=2)])


def _asked(estimator, data):
    estimator = clone(estimator)
    _fit(estimator, data, np.arange(len(data.y)))
    predicted = _ask(estimator, data.X, data.lam)
    return np.r_[predicted, r2_score(data.y, predicted)]


class Tool(NamedTuple):
    """A tool of scikit-learn, what it gives by hand, and before what."""

    run: object
    by_hand: object
    wrap: object = staticmethod(lambda surrogate: surrogate)


def _in_pipeline(make):
    return lambda surrogate: make(StandardScaler(), surrogate)


TOOLS = {
    "`cross_val_score`": Tool(_cross_val_score, _scores),
    "`cross_validate`, two scorers": Tool(_cross_validate, _multi_scores),
    "`cross_val_predict`": Tool(_cross_val_predict, _predicted),
    "`learning_curve`": Tool(_learning_curve, _scores),
    "`validation_curve`": Tool(_validation_curve, lambda e, d: np.transpose(_many_scores(e, d))),
    "`GridSearchCV`": Tool(_search(GridSearchCV), _many_scores),
    "`GridSearchCV`, two scorers": Tool(_search_multimetric, _many_multi_scores),
    "`RandomizedSearchCV`": Tool(
        _search(RandomizedSearchCV, n_iter=2, random_state=0), _many_scores
    ),
    "`HalvingGridSearchCV`": Tool(_halving, _halved),
    "`Pipeline`: fit, predict, score": Tool(_fit_and_ask, _asked, _in_pipeline(make_pipeline)),
    "`Pipeline` in `GridSearchCV`": Tool(
        _search(GridSearchCV), _many_scores, _in_pipeline(make_pipeline)
    ),
    "`make_trajectory_pipeline`: fit, predict, score": Tool(
        _fit_and_ask, _asked, _in_pipeline(make_trajectory_pipeline)
    ),
    "`make_trajectory_pipeline` in `GridSearchCV`": Tool(
        _search(GridSearchCV), _many_scores, _in_pipeline(make_trajectory_pipeline)
    ),
}


def _scored_by(scoring):
    def run(estimator, X, y, params, cv, error_score):
        options = {"scoring": scoring, "cv": cv, "error_score": error_score}
        return cross_val_score(estimator, X, y, params=params, **options)

    return run


def _squared_error(estimator, X, y, lam):
    return -mean_squared_error(y, estimator.predict(X, lam))


SCORERS = {
    "none: R² of the mean": Tool(_scored_by(None), _scores),
    "`neg_energy_score`": Tool(
        _scored_by(neg_energy_score), lambda e, d: _scores(e, d, neg_energy_score)
    ),
    **{
        name: Tool(_scored_by(scoring), lambda e, d: _scores(e, d, _squared_error))
        for name, scoring in {
            "`make_lam_scorer(mean_squared_error, ...)`": MULTIMETRIC["mse"],
            '`"neg_mean_squared_error"`': "neg_mean_squared_error",
            "`make_scorer(mean_squared_error, ...)`": make_scorer(
                mean_squared_error, greater_is_better=False
            ),
        }.items()
    },
}


# ---------------------------------------------------------------- what came of it


def outcome(tool, way, error_score=np.nan):
    """Return what a tool does with lambda given in a way.

    "yes", "wrong numbers", "nan in silence", or "error" and "nan, with a warning", both of
    which count only if the text names lambda.
    """
    data = make_data()
    surrogate = make_surrogate(lam_column=-1 if way.column else None)
    X = np.column_stack([data.X, data.lam]) if way.column else data.X
    params = {"lam": data.lam} if way.passed else {}
    with (
        config_context(enable_metadata_routing=way.routing),
        warnings.catch_warnings(record=True) as said,
    ):
        warnings.simplefilter("always")
        try:
            found = tool.run(tool.wrap(surrogate), X, data.y, params, FOLDS, error_score)
        except (ValueError, TypeError) as error:
            return "error" if _names_lam(error) else f"error: {error}"
    found = np.asarray(found, dtype=float)
    if np.isnan(found).any():
        told = any(_names_lam(w.message) for w in said)
        return "nan, with a warning" if told else "nan in silence"
    expected = _expected(tool)
    same = found.shape == expected.shape and np.allclose(found, expected, rtol=1e-6)
    return "yes" if same else "wrong numbers"


@cache
def _expected(tool):
    return np.asarray(tool.by_hand(tool.wrap(make_surrogate()), make_data()), dtype=float)


def _names_lam(message):
    return bool(re.search(r"\blam\b", str(message)))


def routing_table(tools=TOOLS, ways=WAYS, error_score=np.nan):
    """Return {tool: [outcome for every way]}."""
    return {
        name: [outcome(tool, way, error_score) for way in ways] for name, tool in tools.items()
    }


def as_markdown(table, ways, corner):
    """Return the lines of a table."""
    head = [f"| {corner} | " + " | ".join(way.name for way in ways) + " |"]
    head.append("| --- " * (len(ways) + 1) + "|")
    return head + [f"| {name} | " + " | ".join(row) + " |" for name, row in table.items()]


def make_tables():
    """Return the lines of both tables."""
    right = [way for way in WAYS if way.right]
    return [
        *as_markdown(routing_table(), WAYS, "tool"),
        "",
        *as_markdown(routing_table(SCORERS, right), right, "`scoring` of `cross_val_score`"),
    ]


def write_page(lines, path):
    """Write the tables between the marks of a page."""
    before, rest = path.read_text().split(BEGIN)
    path.write_text("\n".join([before + BEGIN, "", *lines, "", END + rest.split(END)[1]]))


def main():
    """Print the tables, and write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    lines = make_tables()
    print("\n".join(lines))
    if options.page:
        write_page(lines, options.page)


if __name__ == "__main__":
    main()
