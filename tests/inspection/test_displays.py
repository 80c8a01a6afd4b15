"""Displays hold what the surrogate answers, draw it, and refuse kindly."""

import builtins

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import (
    ConditionalFlowMatchingRegressor,
    DirectSurrogateRegressor,
    DisplacementInterpolationRegressor,
    MetricFlowMatchingRegressor,
    NearestAnchorRegressor,
)
from sklearn_hti.datasets import make_semicircles
from sklearn_hti.inspection import (
    HistoryDisplay,
    LagrangianDisplay,
    MarginalDisplay,
    TrajectoryDisplay,
)
from sklearn_hti.inspection._history import _collect_losses
from sklearn_hti.inspection._marginal import _densities
from sklearn_hti.lagrangian import LearnedMetric
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.pipeline import make_trajectory_pipeline

pytest.importorskip("matplotlib", reason="displays draw with matplotlib (extra `plot`)")
import matplotlib.pyplot as plt

SHORT = {"max_iter": 10, "lam_transform": None, "random_state": 0}
DISPLAYS = [TrajectoryDisplay, LagrangianDisplay, MarginalDisplay, HistoryDisplay]


@pytest.fixture(scope="module")
def arcs():
    return make_semicircles(n_samples=20, random_state=0)


@pytest.fixture(scope="module")
def on_arcs(arcs):
    model = HyperparameterTrajectoryRegressor(
        path=GeodesicPath(max_iter=10), categorical_features=[0], validate=False, **SHORT
    )
    return model.fit(arcs.X, arcs.y, arcs.lam)


@pytest.fixture(scope="module")
def three_outputs(networks):
    """A surrogate of three outputs with an ellipsoid for a metric; for queries only."""
    y = np.column_stack([networks.y, networks.y[:, 0] ** 2])
    model = HyperparameterTrajectoryRegressor(
        kinetic=LearnedMetric(fixed_spectrum=True),
        path=GeodesicPath(max_iter=10),
        validate=False,
        **SHORT,
    )
    return model.fit(networks.X, y, networks.lam)


def test_trajectories_are_those_of_the_surrogate(on_networks, networks):
    X = networks.X[:3]
    display = TrajectoryDisplay.from_estimator(
        on_networks, X, lam_grid=[0.5, 1.5], n_samples=2, random_state=0
    )
    assert display.lam.tolist() == [0.5, 1.0, 1.5]  # the anchor between
    expected = on_networks.trajectory(X, [0.5, 1.0, 1.5], n_samples=2, random_state=0)
    np.testing.assert_array_equal(display.paths, expected)
    lines = display.ax_.get_lines()
    assert len(lines) == 6
    np.testing.assert_array_equal(lines[3].get_xydata(), expected[:, 1, 1])
    assert display.figure_ is display.ax_.figure


def test_given_outputs_are_followed(on_networks, networks):
    X, y = networks.X[:3], networks.y[:3]
    display = TrajectoryDisplay.from_estimator(on_networks, X, y=y, lam_from=0.0)
    np.testing.assert_allclose(display.paths[0, 0], y, atol=1e-6)


def test_one_output_is_drawn_against_lambda(on_clouds, clouds):
    display = TrajectoryDisplay.from_estimator(
        on_clouds, clouds.X[:1], lam_name="dropout", output_names=["action"], random_state=0
    )
    assert display.panels == [(0,)]
    assert display.ax_.get_xlabel() == "dropout"
    assert display.ax_.get_ylabel() == "action"
    np.testing.assert_array_equal(display.ax_.get_lines()[0].get_xdata(), display.lam)


def test_panels_by_position_and_name(three_outputs, networks):
    options = {"output_names": ["a", "b", "c"], "n_samples": 1, "random_state": 0}
    X = networks.X[:2]
    display = TrajectoryDisplay.from_estimator(three_outputs, X, **options)
    assert display.panels == [(0, 1), (1, 2)]
    display = TrajectoryDisplay.from_estimator(
        three_outputs, X, outputs=["c", ("b", 0)], **options
    )
    assert display.panels == [(2,), (1, 0)]
    assert [ax.get_ylabel() for ax in display.axes_] == ["c", "a"]
    for outputs in ([3], ["d"], [-1], [(0, 1, 2)]):
        with pytest.raises(ValueError, match=r"is not an output|one output or two"):
            TrajectoryDisplay.from_estimator(three_outputs, X, outputs=outputs, **options)


def test_truth_is_matched_by_its_x(on_networks, networks):
    X = networks.X[:2]
    truth = (networks.X[1:4], networks.f(networks.X[1:4], 0.5), 0.5)
    display = TrajectoryDisplay.from_estimator(on_networks, X, truth=truth, random_state=0)
    assert display.truth.row.tolist() == [1]
    np.testing.assert_array_equal(display.truth.y, truth[1][:1])
    with pytest.raises(ValueError, match="no row with a plotted x"):
        TrajectoryDisplay.from_estimator(on_networks, X, truth=(X + 1, truth[1][:2], 0.5))
    with pytest.raises(ValueError, match="outside the anchors"):
        TrajectoryDisplay.from_estimator(on_networks, X, truth=(X, truth[1][:2], 9.0))
    with pytest.raises(ValueError, match=r"\(X, y, lam\)"):
        TrajectoryDisplay.from_estimator(on_networks, X, truth=truth[:2])


def test_marginals_are_the_draws(on_clouds, clouds):
    X = clouds.X[[0, 60]]
    lam = [0.0, 0.3, 2.0]
    truth = (clouds.X, clouds.y, clouds.lam)
    display = MarginalDisplay.from_estimator(
        on_clouds, X, lam, n_samples=40, truth=truth, random_state=0
    )
    drawn = on_clouds.trajectory(X, lam, n_samples=40, random_state=0)
    np.testing.assert_array_equal(display.draws, drawn.reshape(3, -1))
    assert [len(y) for y in display.truth] == [120, 0, 120]
    ticks = [tick.get_text() for tick in display.ax_.get_yticklabels()]
    assert ticks == ["0 (trained)", "0.3", "2 (trained)"]
    with pytest.raises(ValueError, match="no row at a lambda"):
        MarginalDisplay.from_estimator(on_clouds, X, [0.3], truth=truth)


@pytest.mark.parametrize("kind", ["density", "histogram"])
def test_ridges_hold_their_mass_where_the_draws_are(kind, rng):
    draws = np.stack([rng.normal(size=400), np.full(400, 3.0)])  # the second all alike
    display = MarginalDisplay(draws=draws, lam=np.array([0.0, 1.0]), anchors=np.array([0.0, 1.0]))
    display.plot(kind=kind)
    ridges = [patch.get_paths()[0].vertices for patch in display.ax_.collections]
    for base, (ridge, y) in enumerate(zip(ridges, draws, strict=True)):
        assert ridge[:, 1].min() == base
        assert ridge[:, 1].max() == pytest.approx(base + 0.9)
        peak = ridge[ridge[:, 1].argmax(), 0]
        assert abs(peak - np.median(y)) < 0.75
    with pytest.raises(ValueError, match="kind='violin'"):
        display.plot(kind="violin")


def test_densities_are_as_smooth_as_the_smallest_sample_allows(rng):
    places = np.linspace(-6, 6, 301)
    large, small = rng.normal(size=5000), rng.normal(size=30)
    together = _densities([large, small], places)
    step = places[1] - places[0]
    assert [ridge.sum() * step for ridge in together] == pytest.approx([1, 1], abs=1e-6)
    width = small.std() * 30**-0.2  # of the kernel; the variance of the large one grows by it
    variance = (together[0] * places**2).sum() * step
    assert variance == pytest.approx(large.var() + width**2, rel=0.02)


def test_ellipses_are_the_unit_balls_of_the_metric(on_arcs):
    display = LagrangianDisplay.from_estimator(on_arcs, [[0]], n_ellipses=5, random_state=0)
    scale = on_arcs._state.outputs.scaler.scale_[0]
    eigenvalues = np.linalg.eigvalsh(display.metric * scale**2)
    np.testing.assert_allclose(eigenvalues.sum(axis=1), 1.1, atol=1e-4)  # e_min + e_max
    outlines = np.array([path.vertices[:-1] for path in display.ellipses_.get_paths()])
    away = outlines - display.centers[:, None]
    energy = np.einsum("mki,mij,mkj->mk", away, display.metric, away)
    np.testing.assert_allclose(energy, energy[0, 0], rtol=1e-3)


def test_potential_is_that_of_the_condition(on_arcs, arcs):
    display = LagrangianDisplay.from_estimator(on_arcs, [[3]], random_state=0)
    peak = np.unravel_index(display.potential.argmax(), display.potential.shape)
    place = np.array([[display.xx0[peak], display.xx1[peak]]])
    assert arcs.truth.circle_distance([[3.0]], place)[0] < 0.2
    # by the definition of the estimate, among the rows of the category
    y = on_arcs._state.outputs.scaler.encode(arcs.y[arcs.X[:, 0] == 3])
    h = float(on_arcs.lagrangian_.field.bandwidth[3])
    squares = ((y - on_arcs._state.outputs.scaler.encode(place)) ** 2).sum(axis=1) / h**2
    expected = np.log(np.mean(np.exp(-0.5 * squares)) / (2 * np.pi * h**2))
    assert display.potential[peak] == pytest.approx(expected, abs=1e-3)


def test_the_other_outputs_are_held_at_the_median(three_outputs, networks):
    X = networks.X[:1]
    display = LagrangianDisplay.from_estimator(
        three_outputs,
        X,
        interval=(0.5, 1.5),
        outputs=("c", 0),
        output_names="abc",
        n_paths=5,
        random_state=0,
    )
    assert display.names == ("c", "a")
    middle = three_outputs.trajectory(X, [0.5, 1.0], n_samples=5, random_state=0)[1, :, 0]
    assert display.held == pytest.approx({"b": np.median(middle[:, 1])})
    # a block of a metric with spectrum (0.1, 1, 1) lies between these
    values = np.linalg.eigvalsh(
        display.metric * three_outputs._state.outputs.scaler.scale_[0] ** 2
    )
    assert values.min() > 0.099
    assert values.max() < 1.001
    assert "b = " in display.ax_.get_legend().get_title().get_text()


def test_an_unseen_condition_takes_the_density_of_the_nearest(three_outputs, networks):
    options = {"n_paths": 3, "grid_resolution": 9, "random_state": 0}
    seen, near = networks.X[:1], networks.X[:1] + 1e-5
    displays = [
        LagrangianDisplay.from_estimator(three_outputs, X, **options) for X in (seen, near)
    ]
    np.testing.assert_allclose(displays[1].potential, displays[0].potential, atol=0.05)


def test_a_flat_lagrangian_has_circles_alone(on_networks, networks):
    display = LagrangianDisplay.from_estimator(on_networks, networks.X[:1], random_state=0)
    assert display.potential is None
    assert display.contours_ is None
    np.testing.assert_allclose(
        display.metric / display.metric[0, 0, 0],
        np.broadcast_to(np.eye(2), (121, 2, 2)),
        atol=1e-6,
    )


def test_lagrangian_refuses(on_arcs, on_clouds, clouds, networks):
    refuse = LagrangianDisplay.from_estimator
    with pytest.raises(ValueError, match="the surrogate has one"):
        refuse(on_clouds, clouds.X[:1])
    with pytest.raises(ValueError, match="one row"):
        refuse(on_arcs, [[0], [1]])
    with pytest.raises(ValueError, match="two different outputs"):
        refuse(on_arcs, [[0]], outputs=(1, 1))
    with pytest.raises(ValueError, match="`interval` must be two lambdas"):
        refuse(on_arcs, [[0]], interval=(0.5, 0.1))
    with pytest.raises(ValueError, match="outside the anchors"):
        refuse(on_arcs, [[0]], interval=(0.5, 1.1))
    rival = NearestAnchorRegressor().fit(networks.X, networks.y, networks.lam)
    with pytest.raises(TypeError, match="NearestAnchorRegressor has none"):
        refuse(rival, networks.X[:1])


def test_history_shows_every_stage_by_steps(on_arcs):
    display = HistoryDisplay.from_estimator(on_arcs)
    assert list(display.losses) == ["paths", "transport"]
    assert display.losses["transport"]["train_loss"][0].tolist() == [10]
    assert len(display.axes_) == 2
    (line,) = display.axes_[1].get_lines()
    assert line.get_label() == "training loss"


def test_history_names_the_players_of_the_dual():
    record = {"stage": "paths", "epoch": 1, "step": 50, "seconds": 0.1, "train_loss": -0.5}
    record |= {"dual_value": 0.5, "map_residual": 0.1, "cost": 0.4, "negative_share": 0.0}
    record["valid_loss"] = np.nan  # there were no rows to hold out
    losses = _collect_losses([record, record | {"epoch": 2, "step": 100, "dual_value": 0.6}])
    assert set(losses["paths"]) == {"dual_value", "map_residual", "cost"}
    display = HistoryDisplay(losses=losses).plot()
    assert "potential g: dual value" in display.ax_.get_legend_handles_labels()[1]
    np.testing.assert_array_equal(display.ax_.get_lines()[0].get_xydata(), [[50, 0.5], [100, 0.6]])


def test_history_of_nothing(clouds):
    rival = NearestAnchorRegressor().fit(clouds.X, clouds.y, clouds.lam)
    with pytest.raises(ValueError, match="trained no network"):
        HistoryDisplay.from_estimator(rival)


@pytest.mark.parametrize(
    "model",
    [
        DirectSurrogateRegressor(LinearRegression(), random_state=0),
        DisplacementInterpolationRegressor(lam_transform=None, random_state=0),
        NearestAnchorRegressor(random_state=0),
        ConditionalFlowMatchingRegressor(base="neighbors", **SHORT),
        MetricFlowMatchingRegressor(path=GeodesicPath(max_iter=10), base="neighbors", **SHORT),
        make_trajectory_pipeline(StandardScaler(), DisplacementInterpolationRegressor()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_every_surrogate_can_be_shown(model, networks):
    model.fit(networks.X, networks.y, networks.lam)
    X = networks.X[:2]
    truth = (networks.X, networks.y, networks.lam)
    paths = TrajectoryDisplay.from_estimator(model, X, truth=truth, n_samples=3, random_state=0)
    assert np.isfinite(paths.paths).all()
    assert paths.truth.row.tolist() == [0, 1] * 3
    draws = MarginalDisplay.from_estimator(
        model, X, truth=truth, output=1, n_samples=20, random_state=0
    )
    assert np.isfinite(draws.draws).all()
    again = MarginalDisplay.from_estimator(
        model, X, truth=truth, output=1, n_samples=20, random_state=0
    )
    np.testing.assert_array_equal(draws.draws, again.draws)
    if hasattr(model, "lagrangian_"):
        display = LagrangianDisplay.from_estimator(model, X[:1], random_state=0)
        assert np.isfinite(display.metric).all()


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda display: display.__name__)
def test_what_is_no_surrogate_is_refused(display):
    with pytest.raises(TypeError, match="got LinearRegression"):
        display.from_estimator(LinearRegression())
    with pytest.raises(ValueError, match="not fitted"):  # NotFittedError
        display.from_estimator(HyperparameterTrajectoryRegressor())


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda display: display.__name__)
def test_without_matplotlib_the_extra_is_named(display, monkeypatch, on_arcs):
    def no_matplotlib(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    monkeypatch.setattr("importlib.import_module", no_matplotlib)
    with pytest.raises(ImportError, match=r"sklearn-hti\[plot\]"):
        display.from_estimator(on_arcs)


def test_axes_of_the_user_are_used(on_arcs):
    figure, axes = plt.subplots(1, 2)
    display = TrajectoryDisplay.from_estimator(
        on_arcs, [[0]], outputs=[0, 1], ax=axes, random_state=0, color="k"
    )
    assert display.figure_ is figure
    assert display.axes_[1] is axes[1]
    assert display.ax_.get_lines()[0].get_color() == "k"
    assert display.plot(ax=axes) is display
    with pytest.raises(ValueError, match=r"2 axes for 1 panel"):
        MarginalDisplay.from_estimator(on_arcs, [[0]], ax=axes)


HOSTILE = ["$\\frac{a$", "_hidden", "", "a $b$\x07\u202e", "truth", "100 % & {x}^2", "\\$"]
SEEN = [r"$\frac{a$", " _hidden", " ", r"a $b$\x07\u202e", "truth", "100 % & {x}^2", r"\$"]


def seen(text):
    """Return a text as matplotlib draws it, if it takes it for no formula."""
    drawn, is_formula = text._preprocess_math(text.get_text())
    assert not is_formula
    return drawn


@pytest.mark.parametrize(("name", "as_seen"), [*zip(HOSTILE, SEEN, strict=True)])
def test_names_are_shown_as_they_are(on_clouds, clouds, on_arcs, arcs, name, as_seen):
    """No name is a formula, hides from the legend or holds control characters."""
    labels, X = [name, "other"], clouds.X[[0, -1]]
    truth = (clouds.X, clouds.y, clouds.lam)
    given = {"output_names": [name], "lam_name": name, "random_state": 0}
    paths = TrajectoryDisplay.from_estimator(on_clouds, X, labels=labels, truth=truth, **given)
    legend = [seen(text) for text in paths.ax_.get_legend().get_texts()]
    assert legend == [as_seen, "other", "truth"]
    marginal = MarginalDisplay.from_estimator(on_clouds, X, **given)
    for axis in (paths.ax_, marginal.ax_):
        assert seen(axis.xaxis.label) == seen(axis.yaxis.label) == as_seen
    given["output_names"] = [name, f"{name}2"]
    plane = TrajectoryDisplay.from_estimator(on_arcs, [[0]], **given)
    lagrangian = LagrangianDisplay.from_estimator(on_arcs, [[0]], **given)
    for axis in (plane.ax_, lagrangian.ax_):
        assert seen(axis.xaxis.label) == as_seen
        assert all(as_seen.strip() in seen(text) for text in axis.get_legend().get_texts())
    for display in (paths, marginal, plane, lagrangian):
        display.figure_.canvas.draw()


def test_rows_of_one_name_keep_their_colours(on_clouds, clouds):
    display = TrajectoryDisplay.from_estimator(
        on_clouds, clouds.X[[0, -1]], labels=["same", "same"], random_state=0
    )
    lines = display.ax_.get_legend().get_lines()
    assert [line.get_color() for line in lines] == ["C0", "C1"]


def test_names_and_labels_are_counted(on_arcs):
    with pytest.raises(ValueError, match="`output_names` has 1 names for 2"):
        TrajectoryDisplay.from_estimator(on_arcs, [[0]], output_names=["a"])
    with pytest.raises(ValueError, match="`labels` has 3 entries for 1"):
        TrajectoryDisplay.from_estimator(on_arcs, [[0]], labels="abc")
    with pytest.raises(ValueError, match="`lam_grid` has 1 value"):
        TrajectoryDisplay.from_estimator(on_arcs, [[0]], lam_grid=[0.0, 2.0])


def test_rows_are_named_by_their_values(networks):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"age": networks.X[:, 0], "lam": networks.lam, "dose": networks.X[:, 1]})
    model = DisplacementInterpolationRegressor(lam_column="lam").fit(frame, networks.y)
    display = TrajectoryDisplay.from_estimator(model, frame[:1], n_samples=1, outputs=[0])
    assert display.labels == [f"age = {networks.X[0, 0]:.3g}, dose = {networks.X[0, 1]:.3g}"]
    assert display.ax_.get_xlabel() == "lam"


def test_metric_and_potential_of_many_outputs_are_read_through_axes(make, rng):
    """Few coordinates of 80 outputs are learned from; places are in any plane of the outputs."""
    X = np.tile(rng.uniform(-1, 1, size=(40, 2)), (2, 1))
    y = X @ rng.normal(size=(2, 80)) + 0.1 * rng.normal(size=(80, 80))
    lam = np.repeat([0.0, 1.0], 40)
    model = make(kinetic="learned", potential="density", base="neighbors", max_iter=5)
    model.fit(X, y + lam[:, None], lam)
    assert model.lagrangian_.axes.shape == (80, 64)
    display = LagrangianDisplay.from_estimator(model, X[:1], outputs=[3, 70], n_paths=3)
    assert np.isfinite(display.potential).all()
    assert (np.linalg.eigvalsh(display.metric) > 0).all()
