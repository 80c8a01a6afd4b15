"""Steps between trained values: which is the fastest, and where the range breaks."""

import warnings

import numpy as np
import pytest

from sklearn_hti import HyperparameterTrajectoryRegressor, load
from sklearn_hti.exceptions import BreakWarning, TrajectoryWarning

N = 60
X, A, B = np.random.default_rng(0).normal(size=(3, N, 1))


def fit(outputs, lams, lam_transform=None, **params):
    """Return a surrogate, which trains nothing, of outputs (N, M)."""
    lam = np.repeat(lams, N, axis=0)
    inputs = np.tile(X, (len(lams), 1))
    params = {"base": None, "validate": False, "random_state": 0} | params
    model = HyperparameterTrajectoryRegressor(lam_transform=lam_transform, **params)
    return model.fit(inputs, outputs.T.ravel(), lam)


def breaks(outputs, lams, **params):
    """Return the breaks of a fit, and check that it warns of them, and of them alone."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TrajectoryWarning)
        found = fit(outputs, lams, **params).diagnostics_["breaks"]
    assert [issubclass(w.category, BreakWarning) for w in caught] == [True] * bool(found)
    for pair in found:
        assert all(f"{v:g}" in str(caught[0].message) for v in pair)
    return found


@pytest.mark.parametrize("n_values", [2, 3, 5, 9])
@pytest.mark.parametrize(
    "of",
    [
        lambda lam: X + A * lam,
        lambda lam: X + A * np.log(1 + 9 * lam),
        lambda lam: X + A / (1 + np.exp(-12 * (lam - 0.5))),
        lambda lam: X + A * (lam - 0.5) ** 2,
        lambda lam: X + A * (lam - 0.3) ** 2 + B * lam,
        lambda lam: np.tanh(4 * (lam - 0.5) + A),
        lambda lam: X + A * np.sin(6 * lam),
        lambda lam: X + 0 * lam,
    ],
    ids=["line", "log", "sigmoid", "parabola", "curve", "tanh", "sine", "still"],
)
def test_smooth_families_do_not_break(of, n_values):
    lams = np.linspace(0, 1, n_values)
    assert breaks(of(lams), lams) == []


@pytest.mark.parametrize("n_values", [5, 9])
def test_a_sudden_step_is_a_break(n_values):
    lams = np.linspace(0, 1, n_values)
    outputs = X + 0.5 * A * lams + 2 * B * (lams > 0.5)
    middle = n_values // 2
    assert breaks(outputs, lams) == [(lams[middle], lams[middle + 1])]
    # in its own direction, too
    assert breaks(X + 0.5 * A * (lams + 3 * (lams > 0.5)), lams) == [
        (lams[middle], lams[middle + 1])
    ]


@pytest.mark.parametrize("last", [B, 0 * B], ids=["noise", "constant"])
def test_a_last_network_that_failed_is_a_break(last):
    lams = np.linspace(0, 1, 6)
    outputs = X + 0.5 * A * lams
    outputs[:, [-1]] = last
    assert breaks(outputs, lams) == [(lams[-2], 1.0)]


def test_both_steps_at_a_network_that_failed_are_breaks():
    lams = np.linspace(0, 1, 7)
    outputs = X + 0.5 * A * lams
    outputs[:, [3]] = B
    assert breaks(outputs, lams) == [(lams[2], 0.5), (0.5, lams[4])]


def test_all_steps_of_a_chaotic_end_are_breaks(rng):
    lams = np.linspace(0, 1, 9)
    outputs = X + 0.5 * A * lams
    outputs[:, 6:] += rng.normal(size=(N, 3))
    assert breaks(outputs, lams) == [(lams[k], lams[k + 1]) for k in (5, 6, 7)]


def test_speeds_are_those_of_the_suggested_scale():
    lams = np.array([0.01, 0.1, 1.0, 10.0])
    found = fit(X + A * np.array([0.0, 1.0, 3.0, 4.0]), lams, "auto").diagnostics_
    assert np.allclose(np.array(found["speeds"]) / found["speeds"][0], [1, 2, 1])
    assert found["fastest"] == (0.1, 1.0)
    assert fit(X + 0 * lams, lams).diagnostics_["fastest"] is None


def test_noise_of_draws_is_no_step(rng):
    lams = np.linspace(0, 1, 5)
    lam, y = np.repeat(lams, 40), rng.normal(size=200)
    model = HyperparameterTrajectoryRegressor(
        base=None, lam_transform=None, validate=False, random_state=0
    )
    with pytest.warns(BreakWarning, match="between lambda = 0.5 and 0.75"):
        model.fit(None, y + 20 * (lam > 0.5), lam)
    still = model.fit(None, y, lam).diagnostics_
    assert still["breaks"] == []
    assert np.median(still["speeds"]) < 1  # of standard deviations; without the noise, 0


def test_several_hyperparameters_have_speeds_along_edges():
    lams = np.array([(a, b) for a in np.linspace(0, 1, 3) for b in (0, 1)])
    smooth = X + A * lams[:, 0] + B * lams[:, 1]
    found = fit(smooth, lams, lam_transform="auto").diagnostics_
    assert "breaks" not in found
    assert len(found["speeds"]) == 5
    assert all(len(lam) == 2 for lam in found["fastest"])


def test_networks_that_are_asked_have_figures_too(tmp_path):
    lams = np.linspace(0, 1, 6)
    networks = {v: lambda x, v=v: x[:, 0] * v + 30 * (v > 0.5) * x[:, 0] for v in lams.tolist()}
    outputs = np.column_stack([network(X) for network in networks.values()])
    with pytest.warns(BreakWarning, match="between lambda = 0.4 and 0.6"):
        model = fit(outputs, lams, networks=networks, base="auto")
    assert model.diagnostics_["breaks"] == [(lams[2], lams[3])]
    with pytest.warns(TrajectoryWarning, match="networks"):
        model.save(tmp_path / "file.hti")
    again = load(tmp_path / "file.hti", networks=networks)
    assert again.diagnostics_ == model.diagnostics_
