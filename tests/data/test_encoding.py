"""Encoding: scales of y, categories, groups of equal x, anchors and bins."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist

from sklearn_hti.data.categories import categorical_mask
from sklearn_hti.data.encoding import ConditionEncoder, OutputScaler
from sklearn_hti.data.lambdas import check_within


@pytest.fixture
def y(rng):
    return rng.normal([1.0, -50.0, 0.0], [1.0, 20.0, 1e-3], size=(200, 3))


# ---------------------------------------------------------------- outputs


def test_common_scale_keeps_the_geometry(y):
    scaler = OutputScaler().fit(y, "common")
    ratio = pdist(scaler.encode(y)) / pdist(y)
    assert_allclose(ratio, ratio[0])
    assert_allclose(scaler.encode(y).mean(axis=0), 0, atol=1e-12)
    assert np.mean(scaler.encode(y) ** 2) == pytest.approx(1.0)


def test_per_output_scale_makes_units_equal(y):
    scaler = OutputScaler().fit(y, "per_output")
    assert_allclose(scaler.encode(y).mean(axis=0), 0, atol=1e-10)
    assert_allclose(scaler.encode(y).std(axis=0), 1)
    changed = OutputScaler().fit(y * [1e3, 1e-3, 7.0] + 5, "per_output")
    assert_allclose(changed.encode(y * [1e3, 1e-3, 7.0] + 5), scaler.encode(y), atol=1e-9)


@pytest.mark.parametrize("mode", ["common", "per_output"])
@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8, 1e-150, 1e150])
def test_scaling_is_undone(y, mode, unit):
    scaler = OutputScaler().fit(unit * y, mode)
    assert_allclose(scaler.decode(scaler.encode(unit * y)), unit * y, atol=1e-12 * unit)
    one = OutputScaler().fit(y, mode)
    assert_allclose(scaler.encode(unit * y), one.encode(y), atol=1e-9)


@pytest.mark.parametrize("mode", ["common", "per_output"])
@pytest.mark.parametrize("value", [0.0, 0.1, 7.3, -1e12, 1e-12])
def test_constant_outputs_are_centred_and_not_blown_up(mode, value):
    y = np.full((50, 2), value)
    scaler = OutputScaler().fit(y, mode)
    assert_allclose(scaler.encode(y), 0, atol=1e-3)
    assert_allclose(scaler.decode(scaler.encode(y)), y)
    assert_allclose(scaler.decode(np.ones((1, 2))), value + 1, atol=1e-3)


def test_one_constant_output_of_several(y):
    y[:, 2] = 4.0
    scaler = OutputScaler().fit(y, "per_output")
    assert_allclose(scaler.encode(y)[:, 2], 0, atol=1e-12)
    assert scaler.scale_[2] == 1


def test_outputs_too_large_to_be_squared_are_refused():
    with pytest.raises(ValueError, match="y is too large"):
        OutputScaler().fit(np.array([[1e200], [-1e200]]), "common")


# ---------------------------------------------------------------- conditions


def encode(X, categorical=None):
    encoder = ConditionEncoder().fit(X, categorical, len(X))
    return encoder, encoder.transform(X, len(X))


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.SupportWarning")
def test_numbers_are_standardised(rng):
    X = rng.normal([5.0, -2.0], [100.0, 1e-6], size=(80, 2))
    encoder, conditions = encode(X)
    assert_allclose(conditions.scaled.mean(axis=0), 0, atol=1e-9)
    assert_allclose(conditions.scaled.std(axis=0), 1)
    new = encoder.transform(X[:3] + 100.0, 3)
    assert_allclose(new.scaled - conditions.scaled[:3], np.tile(100 / X.std(axis=0), (3, 1)))


def test_categories_are_numbered_and_embedded_one_hot():
    frame = pd.DataFrame({"kind": ["b", "a", "c", "a"], "n": [1.0, 2.0, 3.0, 4.0]})
    encoder, conditions = encode(frame, "from_dtype")
    assert encoder.n_categories_ == [3]
    assert encoder.n_numeric_ == 1
    assert_array_equal(conditions.codes[:, 0], [1, 0, 2, 0])
    hot = conditions.one_hot(encoder.n_categories_)
    assert_array_equal(hot[:, 1:], np.eye(3)[[1, 0, 2, 0]])
    assert_array_equal(hot[:, 0], conditions.scaled[:, 0])


def test_a_frame_of_categories_only():
    frame = pd.DataFrame({"kind": ["b", "a", "c", "a"]})
    encoder, conditions = encode(frame, "from_dtype")
    assert encoder.n_numeric_ == 0
    assert conditions.scaled.shape == (4, 0)
    assert_array_equal(conditions.groups(), [1, 0, 2, 0])


def test_equal_x_is_equal_in_single_precision(rng):
    x = rng.normal(size=(20, 2))
    X = np.concatenate([x, x.astype(np.float32), x * (1 + 1e-10), x * (1 + 1e-3)])
    groups = encode(X)[1].groups()
    for part in (groups[20:40], groups[40:60]):
        assert_array_equal(part, groups[:20])
    assert len(np.unique(groups)) == 40
    assert not np.isin(groups[60:], groups[:20]).any()


def test_equal_x_does_not_depend_on_the_other_rows():
    """Close numbers beside huge ones stay distinct: x is compared before it is scaled."""
    X = np.array([[0.0], [1.0], [2.0], [1e12]])
    assert len(np.unique(encode(X)[1].groups())) == 4


def test_groups_need_equal_categories_too():
    frame = pd.DataFrame({"n": [1.0, 1.0, 1.0, 2.0], "kind": ["a", "b", "a", "a"]})
    groups = encode(frame, "from_dtype")[1].groups()
    assert groups[0] == groups[2]
    assert len(np.unique(groups)) == 3


def test_no_condition_is_one_group():
    encoder = ConditionEncoder().fit(None, "from_dtype", 5)
    conditions = encoder.transform(None, 3)
    assert len(conditions) == 3
    assert_array_equal(conditions.groups(), [0, 0, 0])
    assert conditions.one_hot(encoder.n_categories_).shape == (3, 0)


def test_conditions_can_be_cut_and_turned_into_tensors(rng):
    frame = pd.DataFrame({"n": rng.normal(size=6), "kind": list("abcabc")})
    _, conditions = encode(frame, "from_dtype")
    part = conditions[[4, 1]]
    assert len(part) == 2
    numeric, codes = part.tensors(torch.float64)
    assert (numeric.dtype, codes.dtype) == (torch.float64, torch.int64)
    assert_array_equal(numeric, conditions.scaled[[4, 1]])
    assert_array_equal(codes, conditions.codes[[4, 1]])


@pytest.mark.parametrize(
    ("values", "categorical"),
    [
        (pd.Categorical(["a", "b"]), True),
        (pd.Categorical([1, 2]), True),
        (pd.array(["a", "b"], dtype="string"), True),
        (pd.Series(["a", "b"], dtype=object), True),
        ([True, False], False),
        ([1, 2], False),
        ([1.5, 2.5], False),
        (pd.array([1, 2], dtype="Int64"), False),
    ],
)
def test_categories_from_the_dtype(values, categorical):
    frame = pd.DataFrame({"n": [0.0, 1.0], "v": values})
    assert_array_equal(categorical_mask(frame, "from_dtype"), [False, categorical])
    assert_array_equal(categorical_mask(frame, None), [False, False])


def test_numbers_far_from_zero_are_told_apart():
    X = np.column_stack([1.8e9 + np.arange(30.0), np.full(30, 7.3)])
    encoder = ConditionEncoder().fit(X, None, 30)
    conditions = encoder.transform(X, 30)
    assert len(np.unique(conditions.groups())) == 30
    assert_array_equal(conditions.numbers_and_codes, X.astype(np.float32))


def test_equal_in_single_precision_is_equal():
    X = np.random.default_rng(0).normal(5.3, 1.0, size=(30, 1))
    both = np.concatenate([X, X.astype(np.float32)])
    groups = ConditionEncoder().fit(X, None, 30).transform(both, 60).groups()
    np.testing.assert_array_equal(groups[:30], groups[30:])


@pytest.mark.parametrize(
    ("anchors", "lam"), [([0.0, 1e3], -5e-5), ([1e-4, 1e3], 5e-5), ([-1e3, 1e-4], 2e-4)]
)
def test_lambda_outside_a_wide_range_is_refused(anchors, lam):
    with pytest.raises(ValueError, match="outside the anchors"):
        check_within(np.array([lam]), np.array(anchors))


@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**-140, 2.0**140, 2.0**480])
def test_units_of_x_change_nothing(rng, unit):
    X = rng.normal(size=(50, 2)).round(1)
    one, other = encode(X)[1], encode(unit * X)[1]
    assert_array_equal(one.scaled, other.scaled)
    assert_array_equal(one.groups(), other.groups())
    constant = ConditionEncoder().fit(np.full((5, 1), unit), None, 5)
    assert constant.scaler_.scale_ == 1


@pytest.mark.parametrize("mode", ["common", "per_output"])
@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**400])
def test_units_of_y_change_nothing(y, mode, unit):
    one, other = OutputScaler().fit(y, mode), OutputScaler().fit(unit * y, mode)
    assert_array_equal(one.encode(y), other.encode(unit * y))


def test_objects_that_are_numbers_are_numbers():
    numbers = [1, 2.5, np.float32(3), True, Decimal("0.5"), None]
    X = pd.DataFrame({"n": numbers, "c": list("ababab"), "gap": [None, *"babab"]}, dtype=object)
    assert_array_equal(categorical_mask(X, "from_dtype"), [False, True, True])
    assert_array_equal(categorical_mask(X, ["n"]), [True, False, False])


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ([1.5, "unknown"], r"column 'n' mixes .* 1.5 and 'unknown'.*to_numeric"),
        ([date(2020, 1, 1), date(2020, 1, 2)], "column 'n' holds dates"),
    ],
)
def test_objects_of_two_kinds_are_refused(values, match):
    with pytest.raises((ValueError, TypeError), match=match):
        categorical_mask(pd.DataFrame({"n": pd.Series(values, dtype=object)}), "from_dtype")
