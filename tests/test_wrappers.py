"""Estimators and tools of scikit-learn around a surrogate: the page says which work, and how."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    GradientBoostingRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, RANSACRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    HalvingGridSearchCV,
    KFold,
    cross_val_score,
    learning_curve,
)
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import Bunch

from sklearn_hti.metrics import make_lam_scorer

PAGE = Path(__file__).parents[1] / "docs" / "routing.md"
BEGIN, END = "<!-- wrappers: begin -->", "<!-- wrappers: end -->"
FOLDS = KFold(3, shuffle=True, random_state=0)
N = 9  # few enough for regressors that take no time

pytestmark = [  # splits of few rows part those of one input, and shrink ranges
    pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.CouplingWarning"),
    pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.SupportWarning"),
    pytest.mark.filterwarnings("ignore:the flow map stops short"),  # two steps
]


class PartError(Exception):
    """A tool does a part alone, which is named."""


@pytest.fixture(scope="module")
def family():
    """Deterministic networks, two outputs, at three values of lambda; as table and as frame."""
    pd = pytest.importorskip("pandas")
    X = np.tile(np.random.default_rng(0).uniform(-1, 1, size=(N, 2)), (3, 1))
    lam = np.repeat([0.0, 1.0, 2.0], N)
    y = np.column_stack([X[:, 0] + lam * (2 + X[:, 1]), X[:, 1] - lam])
    table = np.column_stack([X, lam])
    return Bunch(
        X=X, lam=lam, y=y, table=table, frame=pd.DataFrame(table, columns=["a", "b", "λ"])
    )


# ---------------------------------------------------------------- how a tool is asked
# each takes (surrogate, X, y, lam as keyword or nothing) and returns the R^2 that it finds


def around(wrap, *, many=False):
    """Ask an estimator around the surrogate: fit, predict and score."""

    def ask(surrogate, X, y, given):
        y = y if many else y[:, 0]
        outer = wrap(surrogate).fit(X, y, **given)
        r2 = r2_score(y, outer.predict(X, **given))
        try:
            assert outer.score(X, y, **given) == pytest.approx(r2)
        except TypeError as error:
            raise PartError("`fit`, `predict`") from error
        return r2

    return ask


def frozen(surrogate, X, y, given):
    return around(FrozenEstimator)(surrogate.fit(X, y[:, 0], **given), X, y, given)


def columns(surrogate, X, y, given):
    """Scale inputs alone, lambda passes through."""
    named = hasattr(X, "columns")
    scaled = ["a", "b"] if named else [0, 1]
    steps = make_column_transformer(
        (StandardScaler(), scaled), remainder="passthrough", verbose_feature_names_out=False
    )
    if named:
        steps.set_output(transform="pandas")
    return around(lambda e: make_pipeline(steps, e))(surrogate, X, y, given)


def importance(surrogate, X, y, given):
    surrogate.fit(X, y[:, 0], **given)
    found = permutation_importance(surrogate, X, y[:, 0], n_repeats=2, random_state=0)
    assert found.importances_mean.argmax() == X.shape[1] - 1
    return 1.0


def dependence(surrogate, X, y, given):
    surrogate.fit(X, y[:, 0], **given)
    names = ["λ"] if hasattr(X, "columns") else [2 if X.shape[1] == 3 else 0]
    found = partial_dependence(surrogate, X, names, kind="average")
    expected = [y[X_lam == lam, 0].mean() for X_lam in [np.asarray(X)[:, -1]] for lam in (0, 1, 2)]
    return r2_score(expected, found["average"][0])


def display(surrogate, X, y, given):
    pytest.importorskip("matplotlib")
    from sklearn.inspection import PartialDependenceDisplay

    features = [*range(X.shape[1]), (0, X.shape[1] - 1)]
    surrogate.fit(X, y[:, 0], **given)
    PartialDependenceDisplay.from_estimator(surrogate, X, features, grid_resolution=3)
    return 1.0


def curve(surrogate, X, y, given):
    options = {"train_sizes": [0.8, 1.0], "shuffle": True, "random_state": 0}
    options |= {"cv": FOLDS, "error_score": "raise", "params": given}
    return learning_curve(surrogate, X, y, **options)[2].mean()


def halving(surrogate, X, y, given):
    search = HalvingGridSearchCV(
        surrogate,
        {"max_iter": [1, 2]},
        min_resources=13,
        factor=2,
        cv=FOLDS,
        error_score="raise",
        random_state=0,
    ).fit(X, y, **given)
    assert len(set(search.cv_results_["n_resources"])) == 2
    return search.score(X, y, **given)


def select(make):
    """Choose columns: all that are left have to be there afterwards."""

    def ask(surrogate, X, y, given):
        support = make(surrogate).fit(X, y[:, 0], **given).get_support()
        return float(support.sum() == 1)

    return ask


def last_first(surrogate):
    """Importances by which the last column is dropped first."""
    return np.arange(surrogate.n_features_in_)[::-1]


WRAPPERS = {
    "`BaggingRegressor`": around(lambda e: BaggingRegressor(e, n_estimators=3, random_state=0)),
    "`BaggingRegressor(max_features=0.5)`": around(
        lambda e: BaggingRegressor(e, n_estimators=3, max_features=0.5, random_state=0)
    ),
    "`AdaBoostRegressor`": around(lambda e: AdaBoostRegressor(e, n_estimators=2, random_state=0)),
    "`GradientBoostingRegressor(init=...)`": around(
        lambda e: GradientBoostingRegressor(init=e, n_estimators=2)
    ),
    "`VotingRegressor`": around(lambda e: VotingRegressor([("a", e), ("b", clone(e))])),
    "`StackingRegressor`": around(
        lambda e: StackingRegressor([("a", e)], LinearRegression(), cv=FOLDS)
    ),
    "`RANSACRegressor`": around(
        lambda e: RANSACRegressor(e, min_samples=0.8, max_trials=2, random_state=0)
    ),
    "`TransformedTargetRegressor`": around(
        lambda e: TransformedTargetRegressor(e, transformer=StandardScaler())
    ),
    "`MultiOutputRegressor`": around(MultiOutputRegressor, many=True),
    "`RegressorChain`": around(RegressorChain, many=True),
    "`Pipeline`": around(lambda e: make_pipeline(FunctionTransformer(), e)),
    "`ColumnTransformer` in a `Pipeline`": columns,
    "`FrozenEstimator`, `clone`": frozen,
    "`permutation_importance`": importance,
    "`partial_dependence`": dependence,
    "`PartialDependenceDisplay`": display,
    "`learning_curve(shuffle=True)`": curve,
    "`HalvingGridSearchCV` over rows": halving,
    "`RFE`, `SelectFromModel`": select(lambda e: SelectFromModel(e)),
    "`RFE(importance_getter=...)`": select(
        lambda e: RFE(e, n_features_to_select=1, importance_getter=last_first)
    ),
    "`SequentialFeatureSelector`": select(
        lambda e: SequentialFeatureSelector(e, n_features_to_select=1, cv=FOLDS)
    ),
    "`FixedThresholdClassifier`": around(FixedThresholdClassifier),
    "`CalibratedClassifierCV`": around(CalibratedClassifierCV),
}

# what scikit-learn says where a surrogate is not what a tool is for
NOT_FOR_IT = r"feature_importances_|predict_proba"


@pytest.fixture(scope="module")
def page():
    """What the page says: name -> (position, name of a column, routing)."""
    lines = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return {name: cells for name, *cells in rows[2:]}


def outcome(ask, surrogate, X, y, given):
    """Return "yes", what works alone, or "no" for an error that names lambda or its column."""
    try:
        r2 = ask(surrogate, X, y, given)
    except PartError as part:
        return str(part)
    except (ValueError, TypeError, AttributeError) as error:
        assert re.search(rf"\blam\b|\blam_column=|{NOT_FOR_IT}", str(error)), error
        return "no"
    assert r2 > 0.9
    return "yes"


def test_the_page_has_every_wrapper(page):
    assert list(page) == list(WRAPPERS)
    assert all(len(cells) == 4 for cells in page.values())


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_position_of_lambda(page, family, make, name):
    surrogate = make(max_iter=2, lam_column=2)
    assert outcome(WRAPPERS[name], surrogate, family.table, family.y, {}) == page[name][0]


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_name_of_lambda(page, family, make, name):
    surrogate = make(max_iter=2, lam_column="λ")
    assert outcome(WRAPPERS[name], surrogate, family.frame, family.y, {}) == page[name][1]


@pytest.mark.parametrize("name", WRAPPERS)
def test_lambda_by_routing(page, family, make, name):
    with config_context(enable_metadata_routing=True):
        found = outcome(WRAPPERS[name], make(max_iter=2), family.X, family.y, {"lam": family.lam})
    assert found == page[name][2]


# ---------------------------------------------------------------- what the notes say


@pytest.mark.parametrize("weights", [False, True])
def test_bagging_is_bootstraps_by_hand(family, make, weights):
    """By rows or, where weights are asked for, by weights, which are the same bootstraps."""
    y = family.y[:, 0]
    with config_context(enable_metadata_routing=True):
        surrogate = make(max_iter=2).set_fit_request(sample_weight=weights)
        bagging = BaggingRegressor(surrogate, n_estimators=2, random_state=0)
        bagging.fit(family.X, y, lam=family.lam)
        found = bagging.predict(family.X, lam=family.lam)
    expected = []
    for rows, fitted in zip(bagging.estimators_samples_, bagging.estimators_, strict=True):
        rows = np.sort(rows) if weights else rows
        again = clone(fitted).fit(family.X[rows], y[rows], family.lam[rows])
        expected.append(again.predict(family.X, family.lam))
    assert_array_equal(found, np.mean(expected, axis=0))


def test_wrappers_hand_weights_on(family, make):
    y = family.y[:, 0]
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    surrogate = make(max_iter=2, lam_column=2)
    expected = clone(surrogate).fit(family.table, y, sample_weight=weight).predict(family.table)
    for outer in (
        VotingRegressor([("only", surrogate)]),
        TransformedTargetRegressor(surrogate),
        MultiOutputRegressor(surrogate),
    ):
        target = y[:, None] if isinstance(outer, MultiOutputRegressor) else y
        found = outer.fit(family.table, target, sample_weight=weight).predict(family.table)
        assert_array_equal(np.ravel(found).round(9), expected.round(9))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda e: BaggingRegressor(e, n_estimators=2, random_state=0),
        lambda e: TransformedTargetRegressor(e),
    ],
)
def test_scores_by_routing(family, make, wrap):
    """`make_lam_scorer` scores what has no `score` with lambda."""
    with config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            wrap(make(max_iter=2)),
            family.X,
            family.y[:, 0],
            params={"lam": family.lam},
            scoring=make_lam_scorer(r2_score),
            cv=FOLDS,
            error_score="raise",
        )
    assert np.mean(scores) > 0.8


def test_dropped_and_appended_columns(family, make):
    """Lambda last, counted from the front: what is gone is refused, and what is there is found."""
    bagging = BaggingRegressor(make(lam_column=2), max_features=0.5)
    with pytest.raises(ValueError, match=r"lam_column=2 .* 1 column.*pass `lam`"):
        bagging.fit(family.table, family.y[:, 0])
    with pytest.raises(ValueError, match=r"lam_column='λ'.*no column names.*BaggingRegressor"):
        BaggingRegressor(make(lam_column="λ")).fit(family.frame, family.y[:, 0])
    chain = RegressorChain(make(max_iter=2, lam_column=2)).fit(family.table, family.y)
    for fitted in chain.estimators_:
        assert_array_equal(fitted.anchors_, [0, 1, 2])


def test_importance_by_a_scorer(family, make):
    fitted = make(max_iter=2).fit(family.X, family.y[:, 0], family.lam)
    found = permutation_importance(
        fitted, family.X, family.y[:, 0], scoring=lambda e, X, y: e.score(X, y, family.lam)
    )
    assert (found.importances_mean > 0).all()
