"""ot_sensitivity: closed forms, categories, refusals."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.sensitivity import KNOWN, errors
from sklearn_hti.metrics import ot_sensitivity


def test_ot_sensitivity_of_gaussian_outputs():
    """One minus the conditional deviation, and half of the explained variance."""
    z, noise = np.random.default_rng(0).normal(size=(2, 4000))
    y = np.sqrt(0.5) * (z + noise)
    table = ot_sensitivity(pd.DataFrame({"z": z, "noise": noise}), y, random_state=0)
    assert table.index.tolist() == ["z", "noise"]
    np.testing.assert_allclose(table["index"], 1 - np.sqrt(0.5), atol=0.02)
    np.testing.assert_allclose(table["advective"], 0.25, atol=0.02)
    np.testing.assert_allclose(table["lower"], table["index"], atol=0.05)
    again = ot_sensitivity(np.c_[z, noise], 1e200 * y, random_state=0)
    np.testing.assert_allclose(again, table, atol=1e-9)


def test_ot_sensitivity_of_several_outputs_of_a_thousand_rows():
    rng = np.random.default_rng(1)
    Z = rng.multivariate_normal(np.zeros(3), 0.5 + 0.5 * np.eye(3), 1000)
    Y = Z @ np.array([[4.0, -2, 1], [2, 5, -1]]).T
    table = ot_sensitivity(Z, Y, random_state=0)
    truth = np.array([0.4924, 0.5066, 0.1171])
    assert np.abs(table["index"] - truth).sum() < 0.054
    assert ((table["lower"] < truth) & (truth < table["upper"])).all()
    few, twice = Y[:200], np.c_[Y, Y][:200] / np.sqrt(2)  # collinear
    table = ot_sensitivity(Z[:200], few, random_state=0)
    doubled = ot_sensitivity(Z[:200], twice, random_state=0)
    np.testing.assert_allclose(doubled["index"], table["index"], atol=0.03)


def test_ot_sensitivity_of_categories():
    """A category that determines y, one that does nothing, and a constant."""
    rng = np.random.default_rng(0)
    level = rng.integers(3, size=600)
    Z = pd.DataFrame(
        {"name": np.array(list("abc"))[level], "other": rng.integers(2, size=600) > 0, "one": 1.0}
    )
    table = ot_sensitivity(Z, np.array([0.0, 1.0, 5.0])[level], random_state=0)
    assert table["index"]["name"] == pytest.approx(1, abs=0.01)
    assert table["index"]["other"] < 0.02
    assert table["index"]["one"] == pytest.approx(0, abs=1e-3)
    few_values = ot_sensitivity(level, level + rng.normal(size=600), random_state=0)
    assert few_values["advective"][0] == pytest.approx(0.5 * (2 / 3) / (5 / 3), abs=0.03)


def test_ot_sensitivity_refuses():
    z = np.arange(100.0)
    for Z, Y, options, message in (
        (z, z[:50], {}, "Z has 100 rows and Y has 50"),
        (z[:50], z[:50], {}, "needs 60 or more"),
        (z, np.ones(100), {}, "Y is the same in all rows"),
        (np.where(z == 3, np.nan, z), z, {}, "missing values"),
        (np.where(z == 3, np.inf, z), z, {}, "infinite values"),
        (np.where(z < 3, "a", "b"), z, {}, "has 3 row"),
        (z, z, {"n_slices": 30}, "from 2 to 20"),
        (z, z, {"coverage": 1.0}, "coverage=1.0"),
        (np.zeros((100, 2, 2)), z, {}, "one column per input"),
    ):
        with pytest.raises(ValueError, match=message):
            ot_sensitivity(Z, Y, **options)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(KNOWN))
def test_ot_sensitivity_hits_closed_forms(name):
    """On each of ten data sets of 10,000 rows, and in their mean."""
    found = errors(name, 10_000, 10)
    assert np.abs(found).max() < 0.02
    assert np.abs(found.mean(axis=0)).max() < 0.01


@pytest.mark.slow
def test_ot_sensitivity_beats_other_estimators():
    """Whose best has a summed error of 0.054 at 1,000 rows."""
    assert np.abs(errors("linear, two outputs", 1000, 20)).sum(axis=1).mean() < 0.054
