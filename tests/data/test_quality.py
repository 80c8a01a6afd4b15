"""Outputs that are warned of before training."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import DirectSurrogateRegressor
from sklearn_hti.data.anchors import find_anchors
from sklearn_hti.data.quality import (
    warn_if_discrete,
    warn_if_far_out,
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
    with pytest.warns(CouplingWarning, match=r"output 1 takes only 2 values.* \* 2, and round"):
        warn_if_discrete(y, groups, anchor)
    with pytest.warns(CouplingWarning, match="output 0 takes only 4 values"):
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
    with pytest.warns(CouplingWarning, match="takes only 2 values"):
        plain = make(max_iter=200, geometry="transport").fit(None, y, lam)
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
        ((200, 30, 400), r"value 0.5 has 30 rows, the others 300 \(median\)"),
        ((500, 450, 99, 450), "value 1 has 99 rows"),
        ((1000, 1000, 1), "value 1 has 1 row, the others 1000"),
        ((3, 1000, 1000), "value 0 has 3 rows"),
        ((30, 500, 30), r"value 0 \(and 1 more such\) has 30 rows"),
        ((1000, 3, 2), r"value 1 \(and 1 more such\) has 2 rows"),
        ((1000, 1), "value 0.5 has 1 row,"),
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
    with pytest.warns(CouplingWarning, match=r"1 of 4 values .* 0.4 with 4\. .*: n_anchors=4"):
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
    with pytest.warns(CouplingWarning, match="value 1 has 10 rows"):
        make(max_iter=20).fit(None, rng.normal(size=len(lam)) + lam, lam)


HEAVY = {
    "normal": lambda rng, n: rng.normal(size=n),
    "t, 3 degrees": lambda rng, n: rng.standard_t(3, size=n),
    "lognormal": lambda rng, n: rng.lognormal(0, 1.5, size=n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "rare ones": lambda rng, n: (rng.uniform(size=n) < 0.003) * 1.0,
    "zeros and more": lambda rng, n: (rng.uniform(size=n) < 0.1) * rng.lognormal(size=n),
    "modes": lambda rng, n: np.where(rng.uniform(size=n) < 0.3, 0, rng.normal(1000, 1, size=n)),
    "levels": lambda rng, n: rng.choice([1.0, 10.0, 1000.0], size=n),
    "a constant": lambda rng, n: np.ones(n),
    "strengths": lambda rng, n: rng.choice(np.geomspace(1e-6, 1e6, 25), size=n),
}
NONE = np.zeros(0, dtype=bool)


@pytest.mark.parametrize("draw", HEAVY.values(), ids=HEAVY)
@pytest.mark.parametrize("n_outputs", [1, 300])
def test_heavy_tails_are_no_outliers(rng, draw, n_outputs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(30 if n_outputs == 1 else 1):
            y = draw(rng, 600 * n_outputs).reshape(600, -1)
            warn_if_far_out(np.zeros((600, 0)), y, NONE)
            warn_if_far_out(y, np.ones((600, 1)), np.zeros(n_outputs, dtype=bool))


@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e120])
def test_outliers_are_named(rng, unit):
    y = rng.standard_t(3, size=(600, 2))
    y[207, 1] = 1e4
    with pytest.warns(CouplingWarning, match=re.escape(f"1 has {1e4 * unit:g} in row 207 and")):
        warn_if_far_out(np.zeros((600, 0)), unit * y, NONE)
    X = np.tile(rng.normal(size=(40, 2)), (15, 1))
    X[7::40, 0] = -9999  # one input of forty
    match = re.escape(f"X: column 0 has {-9999 * unit:g} in 15 rows, such as row 7, and")
    with pytest.warns(CouplingWarning, match=match):
        warn_if_far_out(unit * X, y[:, :1], np.zeros(2, dtype=bool))


def test_fit_names_outliers_once_and_the_remedy_mends_them(make, networks):
    X, y = networks.X.copy(), networks.y.copy()
    frame = pd.DataFrame({"c": np.tile(list("ab"), len(X) // 2), "a": X[:, 0], "b": X[:, 1]})
    y[90, 0], frame.loc[[3, 83, 163], "b"] = 1e4, -9999.0
    model = make(max_iter=5, validate=False)
    with pytest.warns(CouplingWarning) as caught:
        model.fit(frame, y, networks.lam)
    (warning,) = caught
    assert warning.filename == __file__
    for text in ("y: output 0 has 10000 in row 90 ", "X: column 'b' has -9999 in 3 rows"):
        assert text in str(warning.message)
    kept = np.setdiff1d(np.arange(len(y)), [3, 83, 163, 10, 90, 170])
    with warnings.catch_warnings():
        warnings.simplefilter("error", CouplingWarning)
        model.fit(frame.iloc[kept], y[kept], networks.lam[kept])


def test_one_wrong_row_among_single_answers_is_named():
    X, lam = np.tile(np.arange(12.0), 3)[:, None], np.repeat([0.0, 1.0, 2.0], 12)
    X, lam = np.vstack([X, X[:1]]), np.append(lam, 0.0)
    y = X[:, 0] * lam
    y[-1] = 5.0
    surrogate = HyperparameterTrajectoryRegressor(
        kinetic="euclidean", potential=None, max_iter=5, random_state=0
    )
    with pytest.warns(CouplingWarning, match="rows 0 and 36 have the same input and lambda=0"):
        surrogate.fit(X, y, lam)
