"""Leaving one lambda out, and scorers that ask for lambda themselves."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hti.baselines import DisplacementInterpolationRegressor
from sklearn_hti.metrics import (
    crps,
    energy_score,
    make_lam_scorer,
    neg_crps,
    neg_energy_score,
    neg_squared_wasserstein,
    squared_wasserstein,
)
from sklearn_hti.model_selection import LeaveOneLambdaOut

SCORERS = {"energy": neg_energy_score, "crps": neg_crps, "w2": neg_squared_wasserstein}


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def rival():
    """A surrogate that is fitted in no time."""
    return DisplacementInterpolationRegressor(lam_transform=None, random_state=0)


@pytest.fixture
def as_column(clouds):
    """The same rows with lambda as the last column of X."""
    return np.column_stack([clouds.X, clouds.lam])


# ---------------------------------------------------------------- the splitter


def test_interior_anchors_are_left_out(clouds):
    splits = list(LeaveOneLambdaOut().split(clouds.X, lam=clouds.lam))
    assert len(splits) == LeaveOneLambdaOut().get_n_splits(clouds.X, lam=clouds.lam) == 1
    train, test = splits[0]
    assert set(clouds.lam[test]) == {0.5}
    assert set(clouds.lam[train]) == {0.0, 2.0}
    assert len(train) + len(test) == len(clouds.lam)
    ends = [
        set(clouds.lam[test])
        for _, test in LeaveOneLambdaOut(ends=True).split(None, lam=clouds.lam)
    ]
    assert ends == [{0.0}, {0.5}, {2.0}]


def test_lambda_as_a_column(clouds, as_column):
    for X, column in [(as_column, -1), (pd.DataFrame(as_column, columns=["x", "lam"]), "lam")]:
        ((_, test),) = LeaveOneLambdaOut(lam_column=column).split(X)
        assert set(clouds.lam[test]) == {0.5}


def test_bins_of_continuous_lambda(rng):
    lam = rng.uniform(size=200)
    parts = [test for _, test in LeaveOneLambdaOut(n_anchors=5).split(None, lam=lam)]
    assert len(parts) == 3
    assert max(lam[parts[0]]) < min(lam[parts[1]])


@pytest.mark.parametrize(
    ("arguments", "match"),
    [({}, "`lam` is missing"), ({"lam": np.repeat([0.0, 1.0], 10)}, "at least three")],
)
def test_the_splitter_refuses(arguments, match):
    with pytest.raises(ValueError, match=match):
        next(LeaveOneLambdaOut().split(np.zeros((20, 1)), **arguments))


# ---------------------------------------------------------------- the scores


def test_crps_is_the_energy_score_of_one_output(rng):
    y, draws = rng.normal(size=20), rng.normal(size=(7, 20))
    assert crps(y, draws) == pytest.approx(energy_score(y, draws))
    both = crps(np.column_stack([y, 3 * y]), np.stack([draws, 3 * draws], axis=2))
    assert both == pytest.approx(2 * energy_score(y, draws))  # (1 + 3) / 2


def test_crps_refuses_other_shapes(rng):
    with pytest.raises(ValueError, match="y_samples"):
        crps(np.zeros(3), np.zeros((5, 4)))


@pytest.mark.parametrize("scorer", SCORERS.values(), ids=str)
def test_scorers_by_hand(scorer, rival, clouds):
    rival.fit(clouds.X, clouds.y, clouds.lam)
    draws = rival.sample(
        clouds.X, clouds.lam, n_samples=scorer.n_samples, random_state=scorer.random_state
    )
    groups = clouds.X[:, 0] + 10 * clouds.lam
    expected = {
        "neg_energy_score": lambda: energy_score(clouds.y, draws),
        "neg_crps": lambda: crps(clouds.y, draws),
        "neg_squared_wasserstein": lambda: squared_wasserstein(clouds.y, draws[0], groups=groups),
    }[scorer.name]()
    assert scorer(rival, clouds.X, clouds.y, lam=clouds.lam) == pytest.approx(-expected)
    assert pickle.loads(pickle.dumps(scorer)).name == scorer.name


def test_scorer_of_the_mean_by_hand(rival, clouds):
    rival.fit(clouds.X, clouds.y, clouds.lam)
    predicted = rival.predict(clouds.X, clouds.lam)
    scorer = make_lam_scorer(r2_score)
    found = scorer(rival, clouds.X, clouds.y, lam=clouds.lam)
    assert found == rival.score(clouds.X, clouds.y, clouds.lam)
    pinball = make_lam_scorer(mean_pinball_loss, greater_is_better=False, alpha=0.9)
    found = pinball(rival, clouds.X, clouds.y, lam=clouds.lam)
    assert found == -mean_pinball_loss(clouds.y, predicted, alpha=0.9)
    again = pickle.loads(pickle.dumps(pinball))
    assert repr(again) == repr(pinball) == "neg_mean_pinball_loss"
    assert again(rival, clouds.X, clouds.y, lam=clouds.lam) == found


@pytest.mark.parametrize("scorer", SCORERS.values(), ids=str)
def test_scorers_of_draws_refuse_what_cannot_draw(scorer, rival, clouds):
    pipe = make_pipeline(StandardScaler(), rival)
    with pytest.raises(TypeError, match=r"Pipeline has no `sample`.*make_trajectory_pipeline"):
        scorer(pipe, clouds.X, clouds.y, lam=clouds.lam)


# ---------------------------------------------------------------- through scikit-learn


def test_search_with_routing(routing, rival, clouds):
    search = GridSearchCV(
        rival,
        {"n_neighbors": [1, 30]},
        scoring=SCORERS,
        refit="energy",
        cv=LeaveOneLambdaOut(),
        error_score="raise",
    ).fit(clouds.X, clouds.y, lam=clouds.lam)
    ((train, test),) = LeaveOneLambdaOut().split(clouds.X, lam=clouds.lam)
    for i, n in enumerate([1, 30]):
        rival.set_params(n_neighbors=n).fit(clouds.X[train], clouds.y[train], clouds.lam[train])
        for name, scorer in SCORERS.items():
            expected = scorer(rival, clouds.X[test], clouds.y[test], lam=clouds.lam[test])
            assert search.cv_results_[f"mean_test_{name}"][i] == pytest.approx(expected)
    assert np.array_equal(search.best_estimator_.anchors_, [0.0, 0.5, 2.0])


def test_halving_and_cross_validation_with_routing(routing, rival, clouds):
    search = HalvingGridSearchCV(
        rival,
        {"n_neighbors": [1, 10]},
        scoring=neg_energy_score,
        cv=KFold(2, shuffle=True, random_state=0),
        min_resources=180,
        error_score="raise",
        random_state=0,
    ).fit(clouds.X, clouds.y, lam=clouds.lam)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    scores = cross_validate(
        rival,
        clouds.X,
        clouds.y,
        scoring=SCORERS,
        cv=LeaveOneLambdaOut(),
        params={"lam": clouds.lam},
        error_score="raise",
    )
    assert {k for k in scores if k.startswith("test")} == {f"test_{name}" for name in SCORERS}
    assert all(np.isfinite(scores[f"test_{name}"]).all() for name in SCORERS)


def test_halving_hands_on_the_lambdas_of_its_rows(routing, rival, clouds):
    """With rows as the resource, fewer rows of every anchor are fitted and scored first."""
    seen = []

    def record(estimator, X, y, lam):
        seen.append((len(y), set(lam), tuple(estimator.anchors_)))
        return estimator.score(X, y, lam)

    record.get_metadata_routing = neg_energy_score.get_metadata_routing
    HalvingGridSearchCV(
        rival,
        {"n_neighbors": [1, 2, 3, 4]},
        scoring=record,
        cv=LeaveOneLambdaOut(),
        factor=2,
        random_state=0,
        error_score="raise",
    ).fit(clouds.X, clouds.y, lam=clouds.lam)
    held_out = [anchors for _, lam, anchors in seen if lam == {0.5}]
    assert held_out == [(0.0, 2.0)] * len(seen[::2])  # each is scored on the rest, too
    assert sorted({n for n, lam, _ in seen if lam == {0.5}}) == [30, 60, 120]


def test_lambda_as_a_column_without_routing(rival, clouds, as_column):
    rival.set_params(lam_column=-1)
    cv = LeaveOneLambdaOut(lam_column=-1)
    scores = cross_val_score(
        rival, as_column, clouds.y, scoring=neg_energy_score, cv=cv, error_score="raise"
    )
    ((train, test),) = cv.split(as_column)
    rival.fit(as_column[train], clouds.y[train])
    assert scores == pytest.approx(neg_energy_score(rival, as_column[test], clouds.y[test]))


def test_without_lambda_nothing_is_scored(rival, clouds):
    with pytest.raises(ValueError, match="`lam` is missing"):
        cross_val_score(rival, clouds.X, clouds.y, scoring=neg_energy_score, error_score="raise")
    rival.fit(clouds.X, clouds.y, clouds.lam)
    with pytest.raises(ValueError, match="`lam` is missing"):
        neg_energy_score(rival, clouds.X, clouds.y)


def test_no_lambda_is_left_in_that_differs_by_rounding_from_the_one_left_out():
    lam = np.repeat([0.0, 0.3, 0.1 + 0.2, 1.0], 5)
    (train, test), *others = LeaveOneLambdaOut().split(np.zeros((20, 1)), lam=lam)
    assert not others
    assert set(lam[train]) == {0.0, 1.0}
    assert set(lam[test]) == {0.3, 0.1 + 0.2}


# ---------------------------------------------------------------- several hyperparameters

GRID = np.repeat([(a, b) for a in (0.0, 1.0, 2.0) for b in (0.0, 1.0, 3.0)], 2, axis=0)
FRAME = pd.DataFrame(GRID, columns=["C", "gamma"])


@pytest.mark.parametrize(
    ("X", "column", "lam"),
    [
        (None, None, GRID),
        (None, None, GRID.tolist()),
        (None, None, FRAME),
        (None, None, dict(FRAME)),
        (np.column_stack([np.zeros(18), GRID]), [1, -1], None),
        (FRAME.assign(x=0.0), ["C", "gamma"], None),
    ],
)
def test_values_within_the_hull_of_the_others_are_left_out(X, column, lam):
    cv = LeaveOneLambdaOut(lam_column=column)
    left_out = []
    for train, test in cv.split(X, lam=lam):
        ((value),) = np.unique(GRID[test], axis=0).tolist()
        assert value not in GRID[train].tolist()
        assert sorted([*train, *test]) == list(range(18))
        left_out.append(value)
    assert left_out == [[0, 1], [1, 0], [1, 1], [1, 3], [2, 1]]  # all but the corners
    assert cv.get_n_splits(X, lam=lam) == 5
    assert LeaveOneLambdaOut(lam_column=column, ends=True).get_n_splits(X, lam=lam) == 9


def test_weights_that_sum_to_one_are_left_out_within_their_plane():
    corners = np.eye(3)
    within = [(1 / 3, 1 / 3, 1 / 3), (0.5, 0.5, 0.0)]
    lam = np.repeat([*corners, *within], 3, axis=0)
    tests = [lam[test[0]].tolist() for _, test in LeaveOneLambdaOut().split(None, lam=lam)]
    assert tests == [[*value] for value in within]


def test_categories_have_hulls_of_their_own():
    lam = pd.DataFrame({"kernel": ["rbf"] * 3 + ["linear"] * 2, "C": [0.0, 1.0, 2.0, 0.0, 1.0]})
    ((_, test),) = LeaveOneLambdaOut().split(None, lam=lam)
    assert test.tolist() == [1]


def test_values_that_are_all_on_the_hull_are_refused():
    corners = np.array([(a, b) for a in (0.0, 1.0) for b in (0.0, 1.0)])
    with pytest.raises(ValueError, match=r"none of the 4 trained values.*ends=True"):
        LeaveOneLambdaOut().get_n_splits(None, lam=corners)
    assert LeaveOneLambdaOut(ends=True).get_n_splits(None, lam=corners) == 4


class Shifted:
    """Draws whose error is the first hyperparameter of the row, and mean as far away."""

    def sample(self, X, lam, *, n_samples, random_state):
        return np.tile(self.predict(X, lam), (n_samples, 1))

    def predict(self, X, lam):
        first = lam["C"] if isinstance(lam, dict | pd.DataFrame) else np.asarray(lam)[..., 0]
        return X[:, 0] + np.broadcast_to(first, len(X))


@pytest.mark.parametrize("scorer", [*SCORERS.values(), make_lam_scorer(r2_score)], ids=str)
def test_scorers_take_lambda_in_all_forms(scorer):
    """Rows of one lambda are a group, in whichever form lambda comes."""
    X = np.zeros((18, 1))
    y = np.tile([-1.0, 1.0], 9)
    forms = [GRID, GRID.tolist(), FRAME, dict(FRAME)]
    found = [scorer(Shifted(), X, y, lam=lam) for lam in forms]
    assert np.ptp(found) == 0
    one = {"C": 2.0, "gamma": 0.0}
    of_one = [scorer(Shifted(), X, y, lam=lam) for lam in (one, (2.0, 0.0))]
    assert of_one[0] == of_one[1]
    if scorer is neg_squared_wasserstein:  # pairs -1, 1 against a point at C
        assert found[0] == pytest.approx(-np.mean(1 + GRID[:, 0] ** 2))
        assert of_one[0] == pytest.approx(-5)
