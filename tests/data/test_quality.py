"""Outputs that are warned of before training."""

import warnings

import numpy as np
import pytest

from sklearn_hti.baselines import DirectSurrogateRegressor
from sklearn_hti.data.anchors import find_anchors
from sklearn_hti.data.quality import (
    warn_if_discrete,
    warn_if_merged,
    warn_if_narrow,
    warn_if_unlike,
)
from sklearn_hti.exceptions import CouplingWarning


def test_outputs_of_unlike_size_are_named(rng):
    y = rng.normal(size=(50, 3)) * [1.0, 1e-4, 0.0]
    with pytest.warns(CouplingWarning, match=r"output 1 runs over .*output 0 .*per_output"):
        warn_if_unlike(y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_unlike(y * [1, 100, 1])
        warn_if_unlike(np.ones((5, 2)))
        warn_if_unlike(np.column_stack([y[:, 0], 0.1 + 1e-16 * np.arange(50)]))


@pytest.mark.parametrize(("scaling", "warned"), [("common", 1), ("per_output", 0)])
def test_one_unit_for_unlike_outputs_is_a_warning(make, rng, recwarn, scaling, warned):
    y, lam = rng.normal(size=(60, 2)) * [1.0, 1e-5], np.repeat([0.0, 1.0, 2.0], 20)
    make(output_scaling=scaling, max_iter=20).fit(None, y, lam)
    assert sum(issubclass(w.category, CouplingWarning) for w in recwarn) == warned


def test_outputs_of_few_values_are_named(rng):
    groups, anchor = np.repeat(np.arange(10), 30), np.tile([0, 1, 2], 100)
    y = np.column_stack([rng.normal(size=300), rng.choice([-1.0, 1.0], size=300)])
    with pytest.warns(CouplingWarning, match=r"output 1 takes 2 values alone.* \* 2, and take"):
        warn_if_discrete(y, groups, anchor)
    with pytest.warns(CouplingWarning, match="output 0 takes 4 values"):
        warn_if_discrete(rng.integers(4, size=(300, 1)), np.arange(300), anchor)


@pytest.mark.parametrize(
    "outputs",
    [
        pytest.param(lambda g, k, rng: g % 3 + k, id="one answer of each input, asked again"),
        pytest.param(lambda g, k, rng: np.ones(300), id="a constant"),
        pytest.param(lambda g, k, rng: 1.0 * k, id="one value at each anchor"),
        pytest.param(lambda g, k, rng: rng.integers(30, size=300), id="counts of many values"),
        pytest.param(
            lambda g, k, rng: rng.choice([-1.0, 1.0], 300) + rng.normal(size=300) / 50, id="modes"
        ),
        pytest.param(lambda g, k, rng: (rng.uniform(size=300) < 0.02) * 1.0, id="hardly ever"),
    ],
)
def test_other_outputs_are_not(rng, outputs):
    groups, anchor = np.repeat(np.arange(10), 30), np.tile([0, 1, 2], 100)
    y = np.column_stack([outputs(groups, anchor, rng)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_discrete(y, groups, anchor)
        warn_if_discrete(np.sign(rng.normal(size=(60, 1))), groups[:60], anchor[:60])
        # answers of deterministic networks to the same inputs: each input is moved by itself
        asked = np.repeat(np.arange(100), 3)
        warn_if_discrete(np.sign(np.sin(asked + anchor))[:, None], asked, anchor)


def test_spread_values_follow_probabilities(make, rng):
    """The advice: 0 and 1 of probability .2 and .8, and .5 between."""
    lam = np.repeat([0.0, 1.0], 400)
    y = (rng.uniform(size=800) < 0.2 + 0.6 * lam) * 1.0
    with pytest.warns(CouplingWarning, match="takes 2 values"):
        plain = make(max_iter=200, lam_transform=None).fit(None, y, lam)
    spread = y + rng.uniform(-0.5, 0.5, y.shape)
    advised = make(max_iter=200, lam_transform=None).fit(None, spread, lam)

    def draw(model):
        return model.sample(None, np.full(1, 0.5), n_samples=2000, random_state=0)

    between = (abs(draw(plain) - 0.5) < 0.4).mean()
    assert between > 0.3
    np.testing.assert_allclose((draw(advised) > 0.5).mean(), 0.5, atol=0.1)


def anchors_of(*n_rows):
    return find_anchors(np.repeat(np.arange(len(n_rows)) / 2, n_rows))


@pytest.mark.parametrize(
    ("n_rows", "named"),
    [
        ((200, 30, 400), r"at 0.5 has 30 rows, the others 300 \(median\)"),
        ((500, 450, 99, 450), "at 1 has 99 rows"),
        ((1000, 1000, 1), "at 1 has 1 row, the others 1000"),
        ((3, 1000, 1000), "at 0 has 3 rows"),
        ((30, 500, 30), r"at 0 \(and 1 more such\) has 30 rows"),
        ((1000, 3, 2), r"at 1 \(and 1 more such\) has 2 rows"),
        ((1000, 1), "at 0.5 has 1 row,"),
    ],
)
def test_an_anchor_of_few_rows_is_named(n_rows, named):
    with pytest.warns(CouplingWarning, match=named):
        warn_if_narrow(anchors_of(*n_rows))


@pytest.mark.parametrize(
    "n_rows", [(30, 30), (60, 20, 60), (2000, 100, 2000), (2000, 90, 90, 90), (14, 50, 60)]
)
def test_anchors_of_enough_rows_are_not(n_rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_narrow(anchors_of(*n_rows))


def test_lambdas_of_networks_in_bins_are_named():
    shared = np.repeat(np.linspace(0, 1, 25), 30)
    with pytest.warns(CouplingWarning, match=r"25 values .* 5 bins.*: n_anchors=25"):
        warn_if_merged(shared, find_anchors(shared))
    rare = np.repeat([0.0, 0.4, 0.5, 1.0], [40, 4, 40, 40])
    with pytest.warns(CouplingWarning, match=r"1 of 4 values .* 0.4 with 4, .*: n_anchors=4"):
        warn_if_merged(rare, find_anchors(rare))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for lam in (np.linspace(0, 1, 750), shared[: 20 * 30]):
            warn_if_merged(lam, find_anchors(lam))


def test_fit_warns_of_lambdas_in_bins(make, rng):
    """Not those who asked for bins, and not a rival that learns from each row's own lambda."""
    lam = np.repeat(np.linspace(0, 1, 21), 5)
    y = rng.normal(size=len(lam)) + lam
    with pytest.warns(CouplingWarning, match="n_anchors=21"):
        make(max_iter=5, validate=False).fit(None, y, lam)
    with warnings.catch_warnings():
        warnings.simplefilter("error", CouplingWarning)
        make(max_iter=5, validate=False, n_anchors=5).fit(None, y, lam)
        DirectSurrogateRegressor(random_state=0).fit(lam[:, None], y, lam)


def test_fit_warns_of_an_anchor_of_few_rows(make, rng):
    lam = np.repeat([0.0, 1.0, 2.0], [100, 10, 100])
    with pytest.warns(CouplingWarning, match="at 1 has 10 rows"):
        make(max_iter=20).fit(None, rng.normal(size=len(lam)) + lam, lam)
