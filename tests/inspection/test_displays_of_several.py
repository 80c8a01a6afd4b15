"""Displays of several hyperparameters: lines through lambda, maps, and what is refused."""

import numpy as np
import pytest

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.inspection import (
    HistoryDisplay,
    LagrangianDisplay,
    LamMapDisplay,
    MarginalDisplay,
    TrajectoryDisplay,
)

pytest.importorskip("matplotlib", reason="displays draw with matplotlib (extra `plot`)")

X = np.linspace(-1, 1, 10)[:, None]


def answer(X, lam):
    """Return two outputs, which depend on all numbers of lambda."""
    place = np.log10(np.array(lam[:2], dtype=float))
    extra = sum(float(v) for v in lam[2:] if not isinstance(v, str)) + (lam[-1] == "rbf")
    return np.column_stack([X[:, 0] * place[0] + extra, X[:, 0] + place[1] ** 2])


def fitted(lams, n_outputs=2, frame=None):
    networks = {
        tuple(lam): lambda X, lam=tuple(lam): answer(X, lam)[:, :n_outputs] for lam in lams
    }
    y = np.vstack([network(X) for network in networks.values()])
    lam = np.repeat(np.array(lams, dtype=object), len(X), axis=0)
    lam = lam if frame is None else frame(lam)
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    return model.fit(np.tile(X, (len(lams), 1)), y, lam)


@pytest.fixture(scope="module")
def scattered():
    """Two numbers on logarithmic scales, whose hull is a part of the box."""
    rng = np.random.default_rng(0)
    return fitted([[0.1, 0.01], [100.0, 0.1], [1.0, 10.0], *10 ** rng.uniform(-0.5, 0.5, (6, 2))])


@pytest.fixture(scope="module")
def named():
    pd = pytest.importorskip("pandas")
    grid = [[c, g, k] for c in (0.1, 1.0, 10.0) for g in (0.01, 0.1, 1.0) for k in ("rbf", "poly")]
    columns = ["C", "gamma", "kernel"]
    return fitted(grid, 1, lambda lam: pd.DataFrame(lam, columns=columns).infer_objects())


def test_a_line_is_straight_on_its_scales(scattered):
    display = TrajectoryDisplay.from_estimator(
        scattered, X[:2], lam_from=[0.1, 0.01], lam_to=[100.0, 0.1], n_samples=1, outputs=[0, 1]
    )
    assert display.lam[[0, -1]].tolist() == [0.0, 1.0]
    np.testing.assert_array_equal(display.anchors, [0.0, 1.0])
    lam = 10 ** np.column_stack([-1 + 3 * display.lam, -2 + display.lam])
    expected = scattered.trajectory(X[:2], lam)
    np.testing.assert_allclose(display.paths[:, 0], expected, atol=1e-9)
    ticks = [text.get_text() for text in display.ax_.get_xticklabels()]
    assert ticks[0] == "λ[0] = 0.1\nλ[1] = 0.01"
    assert ticks[-1] == "λ[0] = 100\nλ[1] = 0.1"


def test_no_line_is_the_longest_between_trained_values(scattered):
    display = TrajectoryDisplay.from_estimator(scattered, X[:1])
    ends = scattered.trajectory(X[:1], [[0.1, 0.01], [1.0, 10.0]])
    np.testing.assert_allclose(display.paths[[0, -1], 0], ends)


def test_one_number_that_varies_is_the_axis(named):
    given = {"lam_from": {"C": 0.1, "gamma": 0.1, "kernel": "rbf"}}
    given["lam_to"] = {**given["lam_from"], "C": 10.0}
    lams = named.anchors_
    truth = (
        np.tile(X, (len(lams), 1)),
        np.concatenate([named.predict(X, lam) for lam in lams]),
        np.repeat(lams, len(X), axis=0),
    )
    display = TrajectoryDisplay.from_estimator(named, X[:2], truth=truth, **given)
    assert display.ax_.get_xlabel() == "C, at gamma = 0.1, kernel = rbf"
    assert display.ax_.get_xscale() == "log"
    assert display.anchors.tolist() == [0.1, 1.0, 10.0]
    assert sorted(display.truth.lam) == [0.1, 0.1, 1.0, 1.0, 10.0, 10.0]
    for lam, y, row in zip(display.truth.lam, display.truth.y, display.truth.row, strict=True):
        (at,) = np.flatnonzero(display.lam == lam)
        np.testing.assert_allclose(display.paths[at, 0, row], y, atol=1e-9)


def test_a_given_grid_and_given_outputs(scattered):
    grid = [[1.0, 1.0], [1.0, 2.0], [2.0, 2.0]]
    y = answer(X[:2], (1.0, 0.9))
    display = TrajectoryDisplay.from_estimator(
        scattered, X[:2], lam_grid=grid, y=y, lam_from=[1.0, 0.9], lam_name=["a", "b"]
    )
    expected = scattered.trajectory(X[:2], grid, y=y, lam_from=[1.0, 0.9])
    np.testing.assert_allclose(display.paths[:, 0], expected)
    assert display.lam[0] == 0
    assert display.lam[-1] == 1
    texts = [text.get_text() for text in display.axes_[-1].get_legend().get_texts()]
    assert "a = 1, b = 1" in texts  # no trained value on the line: its ends


def test_marginals_name_their_lambdas(named):
    lams = [[1.0, 0.1, "rbf"], [10.0, 0.1, "poly"], [0.5, 0.1, "poly"]]
    truth = (X, named.predict(X, lams[1]), np.repeat([lams[1]], len(X), axis=0).astype(object))
    truth[2][:, :2] = truth[2][:, :2].astype(float)
    display = MarginalDisplay.from_estimator(named, X, lams, truth=truth)
    ticks = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert ticks == ["1, 0.1, rbf (trained)", "10, 0.1, poly (trained)", "0.5, 0.1, poly"]
    assert [len(y) for y in display.truth] == [0, len(X), 0]
    np.testing.assert_allclose(np.unique(display.draws[1]), np.sort(truth[1][:, 0]), atol=1e-9)


def test_a_map_is_the_statistic_where_the_surrogate_answers(scattered):
    display = LamMapDisplay.from_estimator(scattered, X[:3], output=1, grid_resolution=8)
    (panel,) = display.panels
    assert len(panel.trained) == 9
    assert len(panel.beside) == 0
    assert display.ax_.get_xscale() == display.ax_.get_yscale() == "log"
    for lam, value in zip(panel.lam[::7], panel.statistic[::7], strict=True):
        assert value == pytest.approx(scattered.predict(X[:3], lam)[:, 1].mean())
    # triangles cover the hull, and nothing beyond
    a, b, c = np.log10(panel.lam)[panel.triangles].transpose(1, 0, 2)
    area = 0.5 * np.abs(np.linalg.det(np.stack([b - a, c - a], axis=1)))
    hull = scattered._state.hull
    rng = np.random.default_rng(0)
    points = rng.uniform([-1, -2], [2, 1], (20_000, 2))
    share = (hull.distance(10**points) <= 1e-6).mean()
    assert area.sum() == pytest.approx(share * 9, rel=0.03)


@pytest.mark.parametrize("statistic", [0.9, lambda y: np.quantile(y[..., 0], 0.9, axis=0).mean()])
def test_statistics_of_draws(make, statistic, rng):
    lam = np.repeat([[a, b] for a in (0.0, 1.0) for b in (0.0, 1.0)], 40, axis=0)
    model = make(base="neighbors").fit(None, lam.sum(axis=1) + rng.normal(size=160), lam)
    display = LamMapDisplay.from_estimator(
        model, statistic=statistic, n_samples=30, grid_resolution=3, random_state=0
    )
    draws = model.trajectory(None, display.panels[0].lam, n_samples=30, random_state=0)
    expected = np.quantile(draws[:, :, 0], 0.9, axis=1)
    np.testing.assert_allclose(display.panels[0].statistic, expected)


def test_categories_have_panels_or_are_fixed(named):
    display = LamMapDisplay.from_estimator(named, X[:1], grid_resolution=4)
    assert [axis.get_title() for axis in display.axes_] == ["kernel = poly", "kernel = rbf"]
    fixed = LamMapDisplay.from_estimator(
        named, X[:1], fixed={"kernel": "rbf"}, hyperparameters=["gamma", "C"], grid_resolution=4
    )
    assert (fixed.ax_.get_xlabel(), fixed.ax_.get_ylabel()) == ("gamma", "C")
    (panel,) = fixed.panels
    lam = [[c, gamma, "rbf"] for gamma, c in panel.lam]
    np.testing.assert_allclose(panel.statistic, named.trajectory(X[:1], lam)[:, 0, 0], atol=1e-9)


def test_further_numbers_are_held_or_follow():
    rng = np.random.default_rng(0)
    box = [[a, b, c] for a in (1.0, 2.0) for b in (1.0, 2.0) for c in (0.0, 0.5, 2.0)]
    display = LamMapDisplay.from_estimator(fitted(box), X[:1], fixed={2: 0.5}, grid_resolution=3)
    assert display.ax_.get_title() == "λ[2] = 0.5"
    assert (len(display.panels[0].trained), len(display.panels[0].beside)) == (4, 8)
    weights = rng.dirichlet(np.ones(3), 10)
    model = fitted(weights)
    display = LamMapDisplay.from_estimator(model, X[:1], hyperparameters=[0, 2], grid_resolution=5)
    (panel,) = display.panels
    assert len(panel.trained) == 10
    lam = np.column_stack([panel.lam[:, 0], 1 - panel.lam.sum(axis=1), panel.lam[:, 1]])
    expected = model.trajectory(X[:1], lam)[:, 0, 0]
    np.testing.assert_allclose(panel.statistic, expected, atol=1e-6)


def test_an_edge_has_a_lagrangian(make, rng):
    lam = np.repeat([[a, b] for a in (0.0, 1.0) for b in (0.0, 1.0)], 40, axis=0)
    y = lam + rng.normal(size=(160, 2))
    model = make(base="neighbors", potential="density").fit(None, y, lam)
    edge = [[0.0, 0.0], [0.0, 1.0]]
    display = LagrangianDisplay.from_estimator(model, interval=edge, random_state=0, n_paths=3)
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["λ[0] = 0, λ[1] = 0", "λ[0] = 0, λ[1] = 1"]
    expected = model.trajectory(None, edge, n_samples=3, random_state=0)[:, :, 0]
    np.testing.assert_allclose(display.paths[[0, -1]], expected, atol=1e-9)
    with pytest.raises(ValueError, match=r"`interval` must be two lambdas; got 3"):
        LagrangianDisplay.from_estimator(model, interval=[0.0, 1.0, 2.0])
    assert "transport" in HistoryDisplay.from_estimator(model).losses


def test_a_second_column_that_is_constant(on_clouds, clouds):
    lam = np.column_stack([clouds.lam, np.full(len(clouds.lam), 7.0)])
    model = type(on_clouds)(**on_clouds.get_params()).fit(clouds.X, clouds.y, lam)
    for display in (TrajectoryDisplay, MarginalDisplay):
        one = display.from_estimator(on_clouds, clouds.X[:1], random_state=0)
        two = display.from_estimator(model, clouds.X[:1], random_state=0)
        key = "paths" if display is TrajectoryDisplay else "draws"
        np.testing.assert_array_equal(getattr(one, key), getattr(two, key))
    given = [[0.0, 7.0], [1.0, 7.0]]
    display = TrajectoryDisplay.from_estimator(model, clouds.X[:1], lam_grid=given)
    assert display.lam.tolist() == [0.0, 0.5, 1.0]  # the anchor between
    with pytest.raises(ValueError, match="map over two numbers, but only one varies"):
        LamMapDisplay.from_estimator(model, clouds.X[:1])


def test_refusals(named, scattered, on_clouds, clouds):
    one = X[:1]
    show = TrajectoryDisplay.from_estimator
    with pytest.raises(ValueError, match="outside the convex hull"):
        show(scattered, one, lam_from=[0.1, 10.0], lam_to=[1.0, 1.0])
    with pytest.raises(ValueError, match=r"Nothing lies between the categories of .*rbf.*poly"):
        show(named, one, lam_from=[1.0, 0.1, "rbf"], lam_to=[1.0, 0.1, "poly"])
    with pytest.raises(ValueError, match="nothing lies between categories"):
        show(named, one, lam_grid=[[1.0, 0.1, "rbf"], [1.0, 0.1, "poly"]])
    with pytest.raises(ValueError, match="Both ends of the line are"):
        show(scattered, one, lam_from=[1.0, 1.0], lam_to=[1.0, 1.0])
    with pytest.raises(ValueError, match="pass its start, `lam_from`"):
        show(scattered, one, lam_to=[1.0, 1.0])
    with pytest.raises(ValueError, match="pass one of them"):
        show(scattered, one, lam_grid=[[1.0, 1.0]], lam_from=[1.0, 1.0], lam_to=[1.0, 1.0])
    with pytest.raises(ValueError, match=r"`lam_name` has 1 name\(s\) for 2"):
        show(scattered, one, lam_name="C")
    with pytest.raises(ValueError, match="no row at a lambda on the line"):
        truth = (one, [[0.0, 0.0]], [1.0, 1.0])
        show(scattered, one, lam_grid=[[1.0, 0.9], [1.0, 0.8]], truth=truth)
    show = LamMapDisplay.from_estimator
    with pytest.raises(ValueError, match="map over two numbers, but only one varies"):
        show(on_clouds, clouds.X[:1])
    for given, match in [
        ({"statistic": "median"}, "statistic='median' must be 'mean', a level"),
        ({"statistic": lambda y: y[0]}, "must return one number"),
        ({"statistic": lambda y: np.nan}, "returned NaN"),
        ({"hyperparameters": ["C", "kernel"]}, "two different numbers"),
        ({"hyperparameters": ["C", "nu"]}, "'nu' is not a hyperparameter that varies"),
        ({"fixed": {"kernel": "linear"}}, r"has the categories \['poly', 'rbf'\]"),
        ({"fixed": {"C": 1.0}}, "C is on an axis"),
        ({"fixed": ["kernel"]}, "`fixed` must be a dict"),
    ]:
        with pytest.raises(ValueError, match=match):
            show(named, one, **given)
