"""Warnings of a fit are joined, and point at the line of the user."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_hti._utils.findings import one_warning, unheard, warn, warn_once
from sklearn_hti.baselines import DisplacementInterpolationRegressor
from sklearn_hti.exceptions import ClockWarning, CouplingWarning, SupportWarning


class Surrogate:
    pass


def test_the_gravest_comes_first():
    with pytest.warns() as caught, one_warning(Surrogate()):
        warn("a guess", ClockWarning)
        warn("rows are not used", CouplingWarning)
        warn("a guess", ClockWarning)  # of another stage
    (found,) = caught
    assert found.category is CouplingWarning
    assert str(found.message) == "rows are not used\nAlso: a guess"


def test_a_fit_inside_a_fit_is_joined():
    with pytest.warns() as caught, one_warning(Surrogate()):
        warn("a guess", ClockWarning)
        with one_warning(Surrogate()):
            warn("far away", SupportWarning)
    assert [str(w.message) for w in caught] == ["a guess\nAlso: far away"]


def test_an_error_has_the_warnings_as_notes():
    with pytest.raises(ValueError, match="diverged") as caught, one_warning(Surrogate()):
        warn("outputs are unlike", CouplingWarning)
        raise ValueError("diverged")
    assert caught.value.__notes__ == ["Before that, `fit` has found: outputs are unlike"]


def test_fits_that_measure_are_unheard():
    with warnings.catch_warnings(), one_warning(Surrogate()), unheard():
        warnings.simplefilter("error")
        warn("a guess", ClockWarning)


def test_a_kind_is_said_once_until_the_next_fit():
    model = Surrogate()
    for _ in range(2):
        with pytest.warns() as caught:
            for text in ("first", "second"):
                warn_once(model, text, SupportWarning)
        assert [str(w.message) for w in caught] == ["first"]
        with one_warning(model):
            pass


def test_a_warning_that_is_an_error_leaves_no_fit(rng):
    lam = np.repeat([0.0, 1.0], 30)
    model = DisplacementInterpolationRegressor()  # of two values, the clock is a guess
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ClockWarning):
            model.fit(None, rng.normal(size=60) + lam, lam)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def test_findings_of_other_categories_come_last():
    with pytest.warns() as caught, one_warning(Surrogate()):
        warn("of the user", UserWarning)
        warn("a guess", ClockWarning)
    assert [w.category for w in caught] == [ClockWarning]
