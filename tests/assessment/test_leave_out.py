"""Anchors left out: what is refitted, what is compared, and when users are warned."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.assessment.leave_out import leave_anchors_out, shorter, warn_if_no_better
from sklearn_hti.clocks.clock import Clock
from sklearn_hti.clocks.movement import Movement
from sklearn_hti.clocks.warps import WarpClock
from sklearn_hti.data.anchors import Anchors, find_anchors
from sklearn_hti.data.conditions import Conditions, Features
from sklearn_hti.data.training_data import TrainingData
from sklearn_hti.exceptions import ConvergenceWarning, ValidationWarning
from sklearn_hti.paths import GeodesicPath

QUICK = {"max_iter": 40, "random_state": 0, "kinetic": "euclidean", "potential": None}


class Oracle:
    """Moves outputs y = f(lambda) x by the truth."""

    def __init__(self, f, anchors):
        self.f, self.anchors = f, anchors

    def displacement(self, y, conditions, start, end, *, dtype=None):
        start, end = (
            np.interp(t, np.arange(len(self.anchors)), self.anchors) for t in (start, end)
        )
        return (self.f(end) - self.f(start))[:, None] * conditions.scaled


def deterministic(f, anchors, n=100):
    """Return outputs f(lambda) x of the same inputs at every anchor."""
    x = np.tile(np.linspace(1, 2, n), len(anchors))[:, None]
    lam = np.repeat(np.asarray(anchors, dtype=float), n)
    conditions = Conditions(x, np.zeros((len(x), 0), dtype=int), x.astype(np.float32))
    y = f(lam)[:, None] * x
    return TrainingData(
        y, conditions, Features(conditions, []), conditions.groups(), lam, find_anchors(lam)
    )


def square(lam):
    return lam**2


def refit_by(f, seen):
    def refit(rest, base_time):
        seen.append((rest, base_time))
        lam = rest.anchors.lam
        return Movement(Clock(WarpClock("identity"), lam, ""), Oracle(f, lam))

    return refit


def judged(*args):
    """Return the records, and the errors by interval."""
    validation = leave_anchors_out(*args)
    return validation.records, [(e.interval, e.values) for e in validation.errors]


def test_records_of_the_truth_have_closed_forms():
    data, seen = deterministic(square, [0, 1, 3]), []
    records, errors = judged(refit_by(square, seen), data, 0, 0, None)
    (rest, base_time), row = seen[0], records.iloc[0]
    held = np.setdiff1d(data.groups, rest.groups)
    mean = np.mean(data.conditions.scaled[held] ** 2)  # rows of the first anchor are in order
    assert row["lam"] == 1
    assert rest.anchors.lam.tolist() == [0, 3]
    assert base_time == 0
    assert len(held) == 20
    assert row["transport"] == pytest.approx(0, abs=1e-12)
    assert row["nearest_anchor"] == pytest.approx(mean)
    assert row["no_transport"] == pytest.approx(mean)
    assert row["straight_line"] == pytest.approx(4 * mean)  # 3 where the truth is 1
    assert row["interpolate"] == pytest.approx(0, abs=1e-12)
    assert row["floor"] == 0
    assert row["unseen"] == pytest.approx(0, abs=1e-12)
    assert row["unseen_no_transport"] == pytest.approx(81 * mean)
    assert [(interval, of.shape) for interval, of in errors] == [(0, (20, 1)), (1, (20, 1))]
    assert max(np.abs(of).max() for _, of in errors) < 1e-6


@pytest.mark.parametrize(("base_time", "places"), [(0, [0, 0]), (3, [2, 2]), (2, [1, 2])])
def test_the_base_has_its_place_among_the_rest(base_time, places):
    data, seen = deterministic(square, [0, 1, 2, 3]), []
    leave_anchors_out(refit_by(square, seen), data, base_time, 0, None)
    assert [place for _, place in seen] == places


@pytest.mark.parametrize(("base_time", "standing"), [(0, 1), (1, 64), (2, 64)])
def test_no_transport_starts_where_the_base_of_the_refit_is(base_time, standing):
    """Outputs 0, 1 and 9 times x; the one left out is no base."""
    data = deterministic(square, [0, 1, 3], n=10)
    records, _ = judged(refit_by(square, []), data, base_time, 0, None)
    mean = np.mean(data.conditions.scaled[:10] ** 2)
    assert records["no_transport"].item() == pytest.approx(standing * mean)


def test_a_surrogate_that_does_not_move_errs_as_copies_do():
    data = deterministic(square, [0, 1, 3])
    records, errors = judged(refit_by(np.zeros_like, []), data, 0, 0, None)
    row = records.iloc[0]
    assert row["transport"] == pytest.approx(row["nearest_anchor"])
    (_, low), (_, high) = errors
    assert np.mean((low + high) ** 2) / 4 == pytest.approx(row["transport"])
    np.testing.assert_allclose(high, 8 * low)  # outputs move from 0 to 1, and on to 9


@pytest.mark.parametrize("miss", [0.0, 0.5])
def test_errors_of_means_hold_no_chance_of_few_draws(miss, rng):
    clean = deterministic(square, [0, 1, 2], n=200)
    rows = np.repeat(np.arange(len(clean.y)), 10)
    data = clean.take(rows)
    data = replace(data, y=data.y + rng.normal(size=data.y.shape))

    def displaced(lam):
        return square(lam) + miss * (lam == 1)

    _, errors = judged(refit_by(displaced, []), data, 0, 0, None)
    (_, one), (_, other) = errors
    square_mean = np.mean((0.5 * (one + other)) ** 2)
    # the means of ten draws, of both anchors, have a variance of 0.2 for 40 inputs
    assert square_mean == pytest.approx(miss**2 * 2.3, abs=0.09)


def test_at_most_five_anchors_are_left_out():
    data = deterministic(square, np.arange(12.0), n=10)
    records, errors = judged(refit_by(square, []), data, 0, 0, None)
    assert records["lam"].tolist() == [1, 3, 5, 8, 10]
    assert [interval for interval, _ in errors] == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10]


def test_few_conditions_are_all_judged_and_all_seen():
    data, seen = deterministic(square, [0, 1, 3], n=10), []
    records, errors = judged(refit_by(square, seen), data, 0, 0, None)
    assert len(np.unique(seen[0][0].groups)) == len(errors[0][1]) == 10
    assert records[["unseen", "unseen_no_transport"]].isna().all(axis=None)


def test_distributions_are_compared_within_conditions(rng):
    """Two conditions whose clouds change places: pooled clouds would be equal."""
    n = 200
    code = np.tile(np.repeat([0, 1], n), 3)[:, None]
    lam = np.repeat([0.0, 1.0, 2.0], 2 * n)
    place = np.where((lam == 1) ^ (code[:, 0] == 1), 5.0, 0.0)
    y = (place + rng.normal(size=len(lam)))[:, None]
    conditions = Conditions(np.zeros((len(y), 0)), code, code.astype(np.float32))
    index = lam.astype(int)
    data = TrainingData(
        y,
        conditions,
        Features(conditions, [2]),
        code[:, 0],
        lam,
        Anchors(np.arange(3.0), index, binned=False),
    )

    class Still:
        def displacement(self, y, *args, **kwargs):
            return np.zeros_like(y)

    clock = Clock(WarpClock("identity"), np.array([0.0, 2.0]), "")
    records, errors = judged(lambda rest, base_time: Movement(clock, Still()), data, 0, 0, None)
    assert records["nearest_anchor"].item() == pytest.approx(25, rel=0.1)
    assert np.abs(errors[0][1]).round().tolist() == [[5], [5]]
    assert 0 < records["floor"].item() < 0.3


def test_anchors_of_other_inputs_have_no_lines_between(rng):
    x = rng.normal(size=(300, 1))
    conditions = Conditions(x, np.zeros((300, 0), dtype=int), x.astype(np.float32))
    lam = np.repeat([0.0, 1.0, 2.0], 100)
    data = TrainingData(
        x * lam[:, None],
        conditions,
        Features(conditions, []),
        conditions.groups(),
        lam,
        find_anchors(lam),
    )
    records, _ = judged(refit_by(np.asarray, []), data, 0, 0, None)
    assert records[["straight_line", "interpolate"]].isna().all(axis=None)
    assert records["transport"].item() < records["nearest_anchor"].item()


@pytest.mark.parametrize("n", [8, 60])
def test_anchors_whose_inputs_meet_in_pairs_only_are_compared_as_clouds(rng, n):
    """Each half of the middle inputs is known at one side."""
    number = np.concatenate([np.arange(n), np.arange(n // 2, n + n // 2), np.arange(n, 2 * n)])
    x = rng.normal(size=2 * n)[number][:, None]
    conditions = Conditions(x, np.zeros((3 * n, 0), dtype=int), x.astype(np.float32))
    lam = np.repeat([0.0, 1.0, 2.0], n)
    features, anchors = Features(conditions, []), find_anchors(lam)
    data = TrainingData(x + lam[:, None], conditions, features, conditions.groups(), lam, anchors)
    records, errors = judged(refit_by(np.zeros_like, []), data, 0, 0, None)
    assert np.isfinite(records[["transport", "nearest_anchor", "no_transport"]]).all(axis=None)
    assert all(np.isfinite(of).all() for _, of in errors)


def test_refits_take_half_of_the_steps_but_not_too_few():
    assert [shorter(n) for n in (10, 100, 150, 600)] == [10, 100, 100, 300]


def networks(f, n=60, anchors=(0.0, 1.0, 2.0)):
    x = np.tile(np.linspace(1, 2, n), len(anchors))[:, None]
    lam = np.repeat(anchors, n)
    return x, f(lam) * x[:, 0], lam


def test_what_moves_evenly_is_confirmed():
    model = HyperparameterTrajectoryRegressor(lam_transform=None, **QUICK | {"max_iter": 200})
    model.fit(*networks(np.asarray))
    row = model.validation_.iloc[0]
    assert row["transport"] < 0.05 * row["nearest_anchor"]
    assert row["interpolate"] < 0.05 * row["nearest_anchor"]


def test_a_middle_anchor_off_the_way_is_a_warning():
    with pytest.warns(ValidationWarning, match=r"`transport` is no better there than a copy"):
        model = HyperparameterTrajectoryRegressor(lam_transform=None, **QUICK).fit(
            *networks(lambda lam: np.choose(lam.astype(int), [0.0, -0.1, 5.0]))
        )
    row = model.validation_.iloc[0]
    assert row["transport"] > row["nearest_anchor"]


@pytest.mark.parametrize("noise", [1.0, 30.0])
def test_unseen_inputs_that_are_not_followed_are_a_warning(noise):
    """What a network says at the last anchor is known of the inputs of the fit alone."""
    data = deterministic(square, [0, 1, 3])
    last = data.anchors.rows(2)
    data.y[last] += noise * np.random.default_rng(0).normal(size=(len(last), 1))
    records, _ = judged(refit_by(square, []), data, 0, 0, None)
    row = records.iloc[0]
    assert row["unseen"] == pytest.approx(noise**2, rel=0.6)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_if_no_better(records)
    told = [w for w in caught if "inputs that were left out are not followed" in str(w.message)]
    assert len(told) == (row["unseen"] > 0.25 * row["unseen_no_transport"])
    assert len(told) == (noise > 10)


def test_validation_is_off_when_asked_and_with_two_anchors():
    data = networks(np.asarray)
    assert (
        HyperparameterTrajectoryRegressor(lam_transform=None, validate=False, **QUICK)
        .fit(*data)
        .validation_
        is None
    )
    data = networks(np.asarray, anchors=(0.0, 1.0))
    model = HyperparameterTrajectoryRegressor(lam_transform=None, **QUICK)
    assert model.fit(*data).validation_ is None
    with pytest.raises(ValueError, match=r"validate=True .* add one"):
        model.set_params(validate=True).fit(*data)


def test_validation_changes_no_answer():
    data = networks(square)
    answers = [
        HyperparameterTrajectoryRegressor(lam_transform=None, validate=validate, **QUICK)
        .fit(*data)
        .sample(data[0], 0.5, random_state=0)
        for validate in (False, "auto")
    ]
    np.testing.assert_array_equal(*answers)


def test_interrupted_refits_leave_no_record(monkeypatch):
    monkeypatch.setattr("sklearn_hti.flow_map.learning.is_complete", lambda net: False)
    with pytest.warns(ConvergenceWarning, match="validation: interrupted"):
        model = HyperparameterTrajectoryRegressor(lam_transform=None, **QUICK).fit(
            *networks(np.asarray)
        )
    assert model.validation_ is None


def test_most_inputs_may_be_those_of_the_anchor_that_is_left_out(rng):
    """What is left has few of them, whose numbers have gaps."""
    x = rng.normal(size=(10, 3))
    X = np.concatenate([x[-1:], x[-1:], x, x[-1:]])
    lam = np.repeat([0.0, 1.0, 2.0, 3.0], [1, 1, 10, 1])
    short = GeodesicPath(max_iter=2, n_nodes=2)
    model = HyperparameterTrajectoryRegressor(
        max_iter=2, path=short, base="neighbors", lam_transform=None, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, X + lam[:, None], lam)
    assert np.isfinite(model.validation_["transport"]).all()
