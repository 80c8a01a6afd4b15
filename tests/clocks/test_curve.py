"""The curve through the places of trained values: closed forms, limits and its width."""

import numpy as np
import pytest

from sklearn_hti.clocks.clock import Clock
from sklearn_hti.clocks.curve import fit_curve
from sklearn_hti.clocks.time_scale import CurvedScale, PlacedScale, clock_of
from sklearn_hti.clocks.warps import WarpClock

GRID = np.linspace(0, 1, 101)


@pytest.mark.parametrize("trend", [False, True])
def test_places_of_the_suggested_scale_leave_it_as_it_is(trend):
    u = np.array([0.0, 0.2, 0.5, 1.0])
    curve = fit_curve(u, u, trend=trend)
    np.testing.assert_allclose(curve.time(GRID), GRID, atol=1e-6)


@pytest.mark.parametrize("kappa", [-6.0, -2.0, 3.0, 8.0])
def test_a_trend_finds_an_exponential_from_one_place(kappa):
    def suggested(s):  # log du/ds has the slope kappa
        return np.expm1(kappa * s) / np.expm1(kappa)

    places = np.array([0.0, 0.6, 1.0])
    curve = fit_curve(suggested(places), places, trend=True)
    error = np.abs(curve.time(suggested(GRID)) - GRID).max()
    assert error < (0.02 if abs(kappa) < 5 else 0.08)
    plain = fit_curve(suggested(places), places, trend=False)
    assert np.abs(plain.time(suggested(GRID)) - GRID).max() > 2 * error


@pytest.mark.parametrize("place", [0.0, 0.01, 0.3, 0.99, 1.0])
@pytest.mark.parametrize("trend", [False, True])
def test_time_is_strictly_monotone_and_near_the_place(place, trend):
    """A place is known to a tenth of the scale: without a trend, half-way is far already."""
    curve = fit_curve([0, 0.4, 1], [0, place, 1], trend=trend)
    time = curve.time(GRID)
    assert (np.diff(time) > 0).all()
    assert time[0] == 0
    assert time[-1] == 1
    assert min(place, 0.4) < curve.time(0.4) < max(place, 0.4) + 0.01
    if trend:
        assert abs(curve.time(0.4) - place) < (0.1 if 0 < place < 1 else 0.2)


def test_reflection_of_both_scales_reflects_the_curve():
    u, places = np.array([0, 0.15, 0.6, 1]), np.array([0, 0.4, 0.7, 1])
    curve = fit_curve(u, places, trend=False)
    mirrored = fit_curve(1 - u[::-1], 1 - places[::-1], trend=False)
    np.testing.assert_allclose(1 - mirrored.time(1 - GRID), curve.time(GRID), atol=2e-3)


def test_width_is_none_at_the_ends_and_less_where_a_place_is_known():
    u = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    for trend in (False, True):
        width = fit_curve([0, 0.5, 1], [0, 0.5, 1], trend=trend).deviation(u)
        assert width[[0, -1]] == pytest.approx(0, abs=1e-9)
        assert (width[1:-1] < 0.11).all()  # the error of a place
        unknown = fit_curve([0, 1], [0, 1], trend=trend).deviation(u)
        assert (width[1:-1] < 0.7 * unknown[1:-1]).all()
        many = np.linspace(0, 1, 9)
        assert (fit_curve(many, many, trend=trend).deviation(u) <= width + 1e-9).all()
    open_trend = fit_curve([0, 1], [0, 1], trend=True).deviation([0.5])
    assert open_trend > 5 * fit_curve([0, 1], [0, 1], trend=False).deviation([0.5])


def test_width_is_that_of_draws_from_the_prior():
    # without places between the ends, the curve is any draw of the prior, linearised
    rng = np.random.default_rng(0)
    n = 200
    steps = 0.1 * rng.standard_normal((4000, n)) / np.sqrt(n)
    mass = np.exp(np.cumsum(steps, axis=1))
    u = np.cumsum(mass, axis=1) / mass.sum(axis=1, keepdims=True)
    width = fit_curve([0, 1], [0, 1], trend=False).deviation([0.5])
    assert width == pytest.approx(10 * u[:, n // 2 - 1].std(), rel=0.05)


def test_many_places_are_met():
    rng = np.random.default_rng(1)
    u = np.concatenate([[0], np.sort(rng.random(40)), [1]])
    truth = (u + 0.5 * u**2) / 1.5
    curve = fit_curve(u, truth, trend=True)
    np.testing.assert_allclose(curve.time(u), truth, atol=0.01)


def test_a_scale_that_follows_outputs_is_a_clock():
    anchors = np.array([0.0, 0.2, 0.9])
    curve = fit_curve(anchors / 0.9, [0, 0.8, 1.0], trend=True)
    scale = CurvedScale(WarpClock("identity"), 0.0, 0.9, curve)
    followed = clock_of(scale, anchors)
    assert followed.name == "identity"
    np.testing.assert_allclose(followed.time(anchors), [0, 1, 2], atol=1e-12)
    grid = np.linspace(0, 0.9, 20)
    times = np.interp(followed.time(grid), [0, 1, 2], scale.time(anchors))
    np.testing.assert_allclose(times, scale.time(grid), atol=1e-9)
    asked = Clock(WarpClock("identity"), anchors, "")
    assert clock_of(PlacedScale(asked, np.array([0, 0.8, 1.0])), anchors) is asked
