"""The table of clocks: what it says of outputs whose clock is known."""

import numpy as np
import pytest

from benchmarks.clocks import COLUMNS, errors, some_anchors

LAM = np.geomspace(0.01, 10, 25)
WAYS = {
    "log": np.log(LAM),
    "linear": LAM,
    "shifted log": np.log(0.5 + LAM),
    "settling": LAM / (1 + LAM),
}


def outputs(way):
    """Return outputs of thirty inputs that go straight."""
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 30))
    share = (way - way[0]) / (way[-1] - way[0])
    return start + share[:, None] * (end - start)


@pytest.mark.parametrize("name", WAYS)
def test_no_clock_is_better_than_the_best_time(name):
    anchors = np.array([0, 10, 16, 24])
    found = errors(LAM, outputs(WAYS[name]), anchors)
    assert set(found) == set(COLUMNS)
    assert found["best"] < 1e-9  # straight lines
    right = {"log": ("range", "auto"), "linear": ("linear",)}.get(name, ())
    assert all(found[column] < 1e-6 for column in right)
    assert all(found[column] > 0.005 for column in {"linear", "range"}.difference(right))


def test_a_clock_is_led_where_outputs_settle():
    found = errors(LAM, outputs(WAYS["settling"]), np.array([0, 8, 16, 24]))
    assert found["auto"] < found["range"]


def test_anchors_hold_the_ends_and_are_no_neighbours():
    rng = np.random.default_rng(0)
    found = list(some_anchors(25, 5, 8, rng))
    assert len(found) == 8
    for anchors in found:
        assert (anchors[0], anchors[-1]) == (0, 24)
        assert np.diff(anchors).min() > 1
