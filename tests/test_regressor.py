"""The estimator's contract: shapes, what is learned, draws, means, paths, bounds, clocks."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ks_2samp
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.preprocessing import FunctionTransformer

from sklearn_hti.exceptions import ClockWarning
from sklearn_hti.solvers import CouplingSolver

GRID = [0.0, 0.4, 1.0, 2.0]


# ---------------------------------------------------------------- shapes


@pytest.mark.parametrize("inner", [(), (1,), (2,)], ids=["(n,)", "(n,1)", "(n,2)"])
@pytest.mark.parametrize("with_x", [True, False], ids=["X", "no X"])
def test_shapes(make, networks, inner, with_x):
    y = networks.y.reshape(-1, 2)[:, : (inner or (1,))[0]].reshape(-1, *inner)
    model = make(max_iter=5, base="neighbors").fit(networks.X if with_x else None, y, networks.lam)
    X, lam = (networks.X[:7], 0.5) if with_x else (None, np.full(7, 0.5))
    shape = (7, *inner)
    assert model.predict(X, lam).shape == shape
    assert [part.shape for part in model.predict(X, lam, return_std=True)] == [shape, shape]
    assert model.sample(X, lam).shape == shape
    assert model.sample(X, lam, n_samples=1).shape == (1, *shape)
    assert model.sample(X, lam, n_samples=5).shape == (5, *shape)
    assert model.transport(X, y[:7], lam_from=0.0, lam_to=lam).shape == shape
    assert model.trajectory(X, GRID, y=y[:7], lam_from=0.0).shape == (4, *shape)
    rows = 7 if with_x else 1
    assert model.trajectory(X, GRID).shape == (4, rows, *inner)
    assert model.trajectory(X, GRID, n_samples=5).shape == (4, 5, rows, *inner)
    for values in (model.predict(X, lam), model.sample(X, lam), model.trajectory(X, GRID)):
        assert values.dtype == np.float64
        assert np.isfinite(values).all()


def test_without_condition_there_are_as_many_rows_as_lambdas(make, clouds):
    model = make(max_iter=5).fit(None, clouds.y, clouds.lam)
    assert model.n_features_in_ == 0
    assert model.predict(None, 0.3).shape == (1, 1)
    assert model.sample(None, [0.3, 0.4]).shape == (2, 1)
    assert_array_equal(model.predict(None, [0.3, 0.4])[1], model.predict(None, 0.4)[0])


@pytest.mark.parametrize("lam", [0.7, [0.7] * 5, np.full((5, 1), 0.7), pd.Series([0.7] * 5)])
def test_one_lambda_serves_all_rows(on_networks, networks, lam):
    X = networks.X[:5]
    expected = [on_networks.predict(row[None], 0.7)[0] for row in X]
    assert_allclose(on_networks.predict(X, lam), expected, atol=1e-7)


def test_every_row_has_its_own_lambda(on_networks, networks):
    X, lam = networks.X[:5], np.array([0.0, 0.3, 1.0, 1.7, 2.0])
    expected = [on_networks.predict(row[None], one)[0] for row, one in zip(X, lam, strict=True)]
    assert_allclose(on_networks.predict(X, lam), expected, atol=1e-7)
    y = networks.f(X, 0.0)
    moved = on_networks.transport(X, y, lam_from=0.0, lam_to=lam)
    for i, one in enumerate(lam):
        assert_allclose(
            moved[i], on_networks.transport(X[[i]], y[[i]], lam_from=0.0, lam_to=one)[0], atol=1e-5
        )


# ---------------------------------------------------------------- what is learned


def test_deterministic_networks_are_interpolated(on_networks, networks):
    X = networks.X[:80]
    for lam in (0.0, 0.5, 1.3, 2.0):
        truth = networks.f(X, lam)
        assert_allclose(
            on_networks.transport(X, networks.f(X, 0.0), lam_from=0.0, lam_to=lam), truth, atol=0.2
        )
        assert_allclose(
            on_networks.transport(X, networks.f(X, 2.0), lam_from=2.0, lam_to=lam), truth, atol=0.2
        )
        assert_allclose(on_networks.predict(X, lam), truth, atol=0.2)
        assert on_networks.score(X, truth, lam) > 0.995


def test_stochastic_networks_are_interpolated(on_clouds):
    for x, lam in [(0.0, 0.25), (1.0, 1.2), (1.0, 2.0)]:
        draws = on_clouds.sample([[x]], lam, n_samples=4000, random_state=0)
        assert_allclose(draws.mean(), (1 + x) * lam, atol=0.12)
        assert_allclose(draws.std(), 0.5 * (1 + lam), rtol=0.12)


def test_there_and_back(on_networks, networks):
    X, y = networks.X[:80], networks.f(networks.X[:80], 0.3)
    there = on_networks.transport(X, y, lam_from=0.3, lam_to=1.8)
    assert abs(there - y).mean() > 0.5
    assert_allclose(on_networks.transport(X, there, lam_from=1.8, lam_to=0.3), y, atol=0.06)


def test_a_detour_ends_at_the_same_place(on_networks, networks):
    X, y = networks.X[:80], networks.f(networks.X[:80], 0.0)
    half_way = on_networks.transport(X, y, lam_from=0.0, lam_to=0.6)
    detour = on_networks.transport(X, half_way, lam_from=0.6, lam_to=1.7)
    assert_allclose(detour, on_networks.transport(X, y, lam_from=0.0, lam_to=1.7), atol=0.06)


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0, 1.999, 2.0])
def test_transport_to_the_same_lambda_returns_y(on_networks, networks, lam):
    X, y = networks.X[:80], networks.y[80:160]
    assert_array_equal(on_networks.transport(X, y, lam_from=lam, lam_to=lam), y)
    lams = np.linspace(0, 2, 80)
    assert_array_equal(on_networks.transport(X, y, lam_from=lams, lam_to=lams), y)


@pytest.mark.parametrize("conditioning", ["film", "concat", "hypernetwork"])
def test_every_conditioning_uses_x(make, networks, conditioning):
    model = make(conditioning=conditioning, max_iter=200, base="neighbors")
    model.fit(networks.X, networks.y, networks.lam)
    X, truth = networks.X[:80], networks.y[160:]
    moved = model.transport(X, networks.y[:80], lam_from=0.0, lam_to=2.0)
    assert abs(moved - truth).mean() < 0.1  # a network without x would miss by 1


@pytest.mark.parametrize("n_anchors", [2, 3, 5])
def test_any_number_of_anchors(make, n_anchors):
    anchors = np.linspace(1, 2, n_anchors) ** 2
    rng = np.random.default_rng(0)
    lam = np.repeat(anchors, 50)
    y = np.tile(rng.normal(size=50), n_anchors) * 0.1 + 2 * lam
    model = make(max_iter=100, base="neighbors").fit(None, y, lam)
    assert_array_equal(model.anchors_, anchors)
    for grid in (anchors, np.linspace(1, 4, 11)):
        assert_allclose(model.predict(None, grid), 2 * grid, atol=0.1)


def test_lambda_is_any_real_number(make, clouds):
    """Only the order of lambda and the clock count: shifted and turned it is the same."""
    model = make(max_iter=5).fit(clouds.X, clouds.y, clouds.lam)
    shifted = make(max_iter=5).fit(clouds.X, clouds.y, 1000 * clouds.lam - 5e5)
    lam = np.array([0.1, 0.9])
    expected = model.predict([[0.0], [1.0]], lam)
    assert_allclose(shifted.predict([[0.0], [1.0]], 1000 * lam - 5e5), expected, atol=1e-6)


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_units_of_y_do_not_matter(make, networks, factor):
    params = {"max_iter": 5, "base": "neighbors"}
    model = make(**params).fit(networks.X, networks.y, networks.lam)
    other = make(**params).fit(networks.X, factor * networks.y, networks.lam)
    X = networks.X[:10]
    assert_allclose(other.predict(X, 0.5) / factor, model.predict(X, 0.5), rtol=1e-4, atol=1e-4)


def test_units_of_x_do_not_matter(make, networks):
    params = {"max_iter": 5, "base": "neighbors"}
    model = make(**params).fit(networks.X, networks.y, networks.lam)
    other = make(**params).fit(1e5 * networks.X - 3, networks.y, networks.lam)
    X = networks.X[:10]
    assert_allclose(other.predict(1e5 * X - 3, 0.5), model.predict(X, 0.5), atol=1e-3)


def test_constant_outputs_stay_constant(make, networks):
    y = np.column_stack([networks.y[:, 0], np.full(len(networks.y), 7.0)])
    model = make(max_iter=5, base="neighbors").fit(networks.X, y, networks.lam)
    assert_allclose(model.predict(networks.X[:9], 0.5)[:, 1], 7.0, atol=1e-3)
    y[:] = 7.0
    model = make(max_iter=5, base="neighbors").fit(networks.X, y, networks.lam)
    assert_allclose(model.sample(networks.X[:9], 0.5), 7.0, atol=1e-4)


# ---------------------------------------------------------------- draws and means


def test_predict_is_the_mean_of_samples(on_clouds):
    X, lam = [[0.0], [1.0]], [0.7, 1.4]
    draws = on_clouds.sample(X, lam, n_samples=5000, random_state=0)
    mean, std = on_clouds.predict(X, lam, return_std=True)
    assert_allclose(mean, draws.mean(axis=0), atol=4 * draws.std() / np.sqrt(5000))
    assert_allclose(std, draws.std(axis=0), rtol=0.05)


def test_predict_of_the_flow_is_the_mean_of_samples(make, clouds):
    model = make(base="flow", max_iter=300).fit(clouds.X, clouds.y, clouds.lam)
    draws = model.sample([[1.0]], 1.4, n_samples=4000, random_state=0)
    mean, std = model.predict([[1.0]], 1.4, return_std=True)
    assert_allclose(mean, draws.mean(axis=0), atol=0.1 * draws.std())
    assert_allclose(std, draws.std(axis=0), rtol=0.1)


def test_predict_does_not_depend_on_the_other_rows(on_networks, networks):
    X, lam = networks.X[:80], np.linspace(0, 2, 80)
    mean, std = on_networks.predict(X, lam, return_std=True)
    assert_array_equal(on_networks.predict(X, lam), mean)
    order = np.random.default_rng(0).permutation(80)
    assert_allclose(on_networks.predict(X[order], lam[order]), mean[order], atol=1e-7)
    alone = [on_networks.predict(X[[i]], lam[i], return_std=True) for i in range(0, 80, 9)]
    assert_allclose(np.concatenate([a[0] for a in alone]), mean[::9], atol=1e-7)
    assert_allclose(np.concatenate([a[1] for a in alone]), std[::9], atol=1e-7)
    twice = on_networks.predict(np.tile(X, (4, 1)), np.tile(lam, 4))
    assert_allclose(twice, np.tile(mean, (4, 1)), atol=1e-7)


@pytest.mark.parametrize("n_samples", [None, 3])
@pytest.mark.parametrize("fitted", ["on_networks", "on_clouds"])
def test_a_prefix_of_rows_gets_the_same_draws(request, fitted, n_samples):
    model = request.getfixturevalue(fitted)
    X = np.random.default_rng(1).integers(0, 2, size=(30, model.n_features_in_))
    draw = {"n_samples": n_samples, "random_state": 5}
    all_rows, few = model.sample(X, 0.8, **draw), model.sample(X[:4], 0.8, **draw)
    assert_allclose(few, all_rows[..., :4, :], atol=1e-5)
    all_rows, few = model.trajectory(X, GRID, **draw), model.trajectory(X[:4], GRID, **draw)
    assert_allclose(few, all_rows[..., :4, :], atol=1e-5)


def test_draws_of_equal_rows_differ(on_clouds):
    y = on_clouds.sample(np.ones((50, 1)), 1.0, n_samples=4, random_state=0)
    assert len(np.unique(np.round(y, 9))) > 40
    assert not np.array_equal(y[0], y[1])


def test_draws_at_the_base_anchor_are_its_outputs(on_clouds, clouds):
    here = (clouds.X[:, 0] == 1) & (clouds.lam == 0)
    draws = on_clouds.sample(np.ones((500, 1)), 0.0, random_state=0)
    distance = abs(draws - clouds.y[here, 0]).min(axis=1)
    assert distance.max() < 1e-6
    assert ks_2samp(draws[:, 0], clouds.y[here, 0]).pvalue > 0.01


def test_score_is_r2(on_clouds, clouds):
    X, y, lam = clouds.X[::7], clouds.y[::7], clouds.lam[::7]
    expected = r2_score(y, on_clouds.predict(X, lam))
    assert on_clouds.score(X, y, lam) == pytest.approx(expected)
    weight = np.arange(len(y))
    expected = r2_score(y, on_clouds.predict(X, lam), sample_weight=weight)
    assert on_clouds.score(X, y, lam, sample_weight=weight) == pytest.approx(expected)


# ---------------------------------------------------------------- trajectories


@pytest.mark.parametrize("n_samples", [None, 3])
def test_trajectory_is_sample_at_every_lambda(on_clouds, n_samples):
    X, draw = np.array([[0.0], [1.0], [1.0]]), {"n_samples": n_samples, "random_state": 3}
    path = on_clouds.trajectory(X, GRID, **draw)
    for points, lam in zip(path, GRID, strict=True):
        assert_allclose(points, on_clouds.sample(X, lam, **draw), atol=1e-5)


def test_trajectory_is_transport_to_every_lambda(on_networks, networks):
    X, y = networks.X[:9], networks.f(networks.X[:9], 0.5)
    for lam_from in (0.5, np.linspace(0, 2, 9)):
        path = on_networks.trajectory(X, GRID, y=y, lam_from=lam_from)
        for points, lam in zip(path, GRID, strict=True):
            expected = on_networks.transport(X, y, lam_from=lam_from, lam_to=lam)
            assert_allclose(points, expected, atol=1e-5)


def test_trajectory_runs_in_any_order(on_networks, networks):
    X = networks.X[:9]
    forward = on_networks.trajectory(X, GRID, random_state=0)
    backward = on_networks.trajectory(X, GRID[::-1], random_state=0)
    assert_allclose(backward[::-1], forward, atol=1e-6)


def test_trajectories_are_straight_in_clock_time_between_anchors(on_networks, networks):
    """Euclidean geodesics: three points of one interval lie on a line, evenly spaced."""
    y = networks.f(networks.X[:9], 1.0)
    path = on_networks.trajectory(networks.X[:9], [1.0, 1.4, 1.8], y=y, lam_from=1.0)
    assert_allclose(path[1] - path[0], path[2] - path[1], atol=0.02)


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize("y_bounds", [(0.0, 1.0), ([0.0], [1.0])])
def test_bounds_are_kept(make, y_bounds):
    rng = np.random.default_rng(0)
    lam = np.repeat([0.0, 1.0], 60)
    y = np.clip(rng.normal(0.5, 0.5, size=(120, 1)), 0, 1)
    free = make(max_iter=5).fit(None, y, lam)
    model = make(max_iter=5, y_bounds=y_bounds).fit(None, y, lam)
    start = np.linspace(0, 1, 300)[:, None]
    lams = np.full(300, 0.5)
    moved = free.transport(None, start, lam_from=0.0, lam_to=lams)
    assert moved.min() < 0
    assert moved.max() > 1
    assert_allclose(
        model.transport(None, start, lam_from=0.0, lam_to=lams), np.clip(moved, 0, 1), atol=1e-6
    )
    for values in (
        model.sample(None, lams, n_samples=5),
        model.predict(None, lams),
        model.trajectory(None, [0.0, 0.5, 1.0], y=start, lam_from=0.0),
    ):
        assert values.min() >= 0
        assert values.max() <= 1


def test_one_bound_for_every_output(make, networks):
    model = make(max_iter=5, base="neighbors", y_bounds=([-2.5, -np.inf], [4, 0]))
    y = np.clip(networks.y, [-2.5, -9], [4, 0])
    moved = model.fit(networks.X, y, networks.lam).sample(networks.X, networks.lam)
    assert (moved >= [-2.5, -np.inf]).all()
    assert (moved <= [4, 0]).all()


# ---------------------------------------------------------------- clocks and anchors


def test_the_clock_warps_time_between_anchors(make):
    """Outputs that move with log(lambda): right with that clock, and wrong without."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=80)
    lam = np.repeat([1.0, 100.0], 80)
    y = 0.3 * np.tile(z, 2) + np.log10(lam)
    for clock, expected in [("log", 1.0), (FunctionTransformer(np.log), 1.0), (None, 2 / 11)]:
        model = make(lam_transform=clock, max_iter=100, base="neighbors").fit(None, y, lam)
        assert_allclose(model.predict(None, 10.0) - y[:80].mean(), expected, atol=0.05)


def test_auto_records_how_the_clock_was_chosen(make, networks):
    model = make(lam_transform="auto", max_iter=5, base="neighbors")
    model.fit(networks.X, networks.y, networks.lam)
    assert model.lam_transform_.name == "identity"
    assert "at the speed of the outputs" in model.lam_transform_.reason
    grid = np.linspace(0, 2, 21)
    assert_allclose(model.lam_transform_.time(grid), grid, atol=1e-3)
    with pytest.warns(ClockWarning, match="lam_transform"):
        model.fit(networks.X[:160], networks.y[:160], networks.lam[:160])
    assert model.lam_transform_.name == "entropy"
    assert "two anchors" in model.lam_transform_.reason


@pytest.mark.parametrize(("n_anchors", "expected"), [("auto", 5), (3, 3), (7, 7)])
def test_continuous_lambda_is_binned(make, n_anchors, expected):
    """Outputs of a bin are taken to its anchor, so that what lambda does in it is no chance."""
    rng = np.random.default_rng(0)
    lam = rng.uniform(-1, 3, size=400)
    y = 5 * lam + 0.1 * rng.normal(size=400)
    model = make(n_anchors=n_anchors, max_iter=200).fit(None, y, lam)
    assert len(model.anchors_) == expected
    assert_array_equal(model.anchors_[[0, -1]], [lam.min(), lam.max()])
    grid = np.linspace(lam.min(), lam.max(), 21)
    assert_allclose(model.predict(None, grid), 5 * grid, atol=0.35)


def test_values_of_few_rows_are_no_anchors_unless_told(make, networks):
    lam = networks.lam.copy()
    lam[:4] = 0.5
    model = make(max_iter=5, base="neighbors", n_anchors=4)
    with pytest.warns(UserWarning, match="the trained value 0.5 has 4 rows"):
        model.fit(networks.X, networks.y, lam)
    assert_array_equal(model.anchors_, [0, 0.5, 1, 2])
    with pytest.warns(UserWarning, match=r"such as 0.5 with 4\. .*: n_anchors=4"):
        model.set_params(n_anchors="auto").fit(networks.X, networks.y, lam)
    assert_array_equal(model.anchors_, [0, 1, 2])
    with_bins = make(n_anchors=3, max_iter=5, base="neighbors").fit(networks.X, networks.y, lam)
    assert_array_equal(with_bins.anchors_, [0, 1, 2])


# ---------------------------------------------------------------- scikit-learn


def test_fit_returns_itself_and_sets_what_it_documents(make, clouds):
    model = make(max_iter=5)
    assert model.fit(clouds.X, clouds.y, clouds.lam) is model
    assert_array_equal(model.anchors_, [0.0, 0.5, 2.0])
    assert model.base_lam_ == 0.0
    assert model.n_features_in_ == 1
    assert isinstance(model.solver_, CouplingSolver)
    assert set(model.history_["stage"]) == {"transport"}
    assert np.isfinite(model.history_["train_loss"]).all()
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("max_iter", [1, 7, 50, 51, 120])
def test_n_iter_counts_optimisation_steps(make, clouds, networks, max_iter):
    """The steps asked for, rounded up to whole epochs of equal length."""
    for data in (clouds, networks):  # without and with validation
        model = make(max_iter=max_iter, base="neighbors").fit(data.X, data.y, data.lam)
        assert max_iter <= model.n_iter_ < max_iter + len(model.history_)


def test_fitting_twice_is_fitting_once(make, clouds, networks):
    model = make(max_iter=5).fit(networks.X, networks.y, networks.lam)
    model.fit(clouds.X, clouds.y, clouds.lam)
    once = make(max_iter=5).fit(clouds.X, clouds.y, clouds.lam)
    assert_array_equal(model.predict([[1.0]], 1.0), once.predict([[1.0]], 1.0))
    assert model.n_features_in_ == 1


def test_fit_leaves_its_arguments_alone(make, networks):
    X, y, lam = (np.copy(networks[name]) for name in ("X", "y", "lam"))
    solver = CouplingSolver()
    model = make(max_iter=5, solver=solver).fit(X, y, lam)
    model.transport(X, y, lam_from=lam, lam_to=0.5)
    for name, values in (("X", X), ("y", y), ("lam", lam)):
        assert_array_equal(values, networks[name])
    assert model.solver is solver
    assert vars(solver) == vars(CouplingSolver())


def test_read_only_arrays_are_welcome(make, networks):
    arrays = [np.copy(networks[name]) for name in ("X", "y", "lam")]
    for array in arrays:
        array.flags.writeable = False
    X, y, lam = arrays
    for base in ("neighbors", "flow"):
        model = make(max_iter=5, base=base).fit(X, y, lam)
        model.predict(X[:1], lam[:1])
        model.sample(X[:1], lam[:1])
        model.transport(X[:1], y[:1], lam_from=0.0, lam_to=lam[:1])


def test_pickle_keeps_the_answers(on_networks, networks):
    again = pickle.loads(pickle.dumps(on_networks))
    X, y = networks.X[:9], networks.y[:9]
    assert_array_equal(again.predict(X, 0.5), on_networks.predict(X, 0.5))
    draws = on_networks.sample(X, 0.5, random_state=0)
    assert_array_equal(again.sample(X, 0.5, random_state=0), draws)
    moved = on_networks.transport(X, y, lam_from=0.0, lam_to=0.5)
    assert_array_equal(again.transport(X, y, lam_from=0.0, lam_to=0.5), moved)


def test_clone_keeps_the_parameters(make, clouds):
    transformer = FunctionTransformer(np.cbrt)
    model = make(max_iter=5, lam_transform=transformer, solver=CouplingSolver(max_batch=50))
    model.fit(clouds.X, clouds.y, clouds.lam)
    copy = clone(model)
    assert not hasattr(copy, "anchors_")
    assert copy.get_params()["solver__max_batch"] == 50
    copy.set_params(solver__condition_penalty=3.0)
    assert model.solver.condition_penalty == "auto"
    copy.set_params(solver__condition_penalty="auto").fit(clouds.X, clouds.y, clouds.lam)
    assert_array_equal(copy.predict([[1.0]], 1.0), model.predict([[1.0]], 1.0))
    assert not hasattr(transformer, "n_features_in_")  # a clone of it was fitted


def test_few_draws_per_input_keep_their_spread(make, rng):
    """Also at inputs that were not in fitting."""

    def draw(X, lam):
        mean = np.column_stack([np.sin(2 * X[:, 0]) + lam * X[:, 1], lam * np.cos(2 * X[:, 0])])
        return mean + 0.2 * (1 + 2 * lam)[:, None] * rng.normal(size=X.shape)

    X = np.tile(np.repeat(rng.uniform(-1, 1, (120, 2)), 10, axis=0), (2, 1))
    lam = np.repeat([0.0, 1.0], 1200)
    model = make(max_iter=300, base="neighbors").fit(X, draw(X, lam), lam)
    asked = np.repeat(rng.uniform(-1, 1, (50, 2)), 100, axis=0)
    for at in (0.5, 1.0):
        moved = model.transport(asked, draw(asked, np.zeros(5000)), lam_from=0.0, lam_to=at)
        own = moved.reshape(50, 100, 2).std(axis=1).mean(axis=0)
        assert_allclose(own, 0.2 * (1 + 2 * at), rtol=0.1)


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.TrajectoryWarning")
def test_angles_by_sine_and_cosine(make, rng):
    """The recipe of the page on limits: errors of raw angles are jumps at pi."""
    x, values = rng.uniform(-1, 1, size=(80, 1)), [0.0, 0.5, 1.0]

    def turn(lam):
        return np.angle(np.exp(1j * (3 * x[:, 0] + 2 * lam)))

    def error(angle, lam):
        return np.abs(np.angle(np.exp(1j * (angle - turn(lam))))).mean()

    X, lam = np.tile(x, (3, 1)), np.repeat(values, 80)
    y = np.concatenate([turn(v) for v in values])
    model = make(max_iter=5)
    raw = model.fit(X, y, lam).predict(x, lam=0.25)
    sine, cosine = (
        model.fit(X, np.column_stack([np.sin(y), np.cos(y)]), lam).predict(x, lam=0.25).T
    )
    assert error(raw, 0.25) > 0.3
    assert error(np.arctan2(sine, cosine), 0.25) < 0.03


@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**450])
def test_units_of_outputs_change_no_answer(make, rng, unit):
    X, lam = np.tile(rng.normal(size=(30, 1)), (3, 1)), np.repeat([0.0, 1.0, 2.0], 30)
    y = X[:, 0] + lam * rng.normal(size=90)
    model = make(max_iter=5, base="flow", base_lam=2.0)
    asked = {"X": X[:3], "lam": 0.5}

    def answers(unit):
        model.fit(X, unit * y, lam)
        moments = model.predict(**asked, return_std=True)
        score = unit * model.score(X, unit * y, lam)
        return np.concatenate([*moments, *model.interval(**asked), [score]]) / unit

    assert_allclose(answers(unit), answers(1.0), rtol=1e-9)
