"""Networks that are asked at question time."""

import copy
import functools
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_friedman1, make_regression
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_validate
from sklearn.svm import SVR

from sklearn_hti import HyperparameterTrajectoryRegressor, load, sweep
from sklearn_hti.clocks.hull import Hull
from sklearn_hti.data.lam_space import learn_space
from sklearn_hti.exceptions import ClockWarning, TrajectoryWarning, ValidationWarning
from sklearn_hti.metrics import squared_wasserstein
from sklearn_hti.model_selection import LeaveOneLambdaOut
from sklearn_hti.policies import TrajectoryPolicy
from sklearn_hti.samplers.networks import find_networks

ALPHAS = [0.1, 1.0, 10.0]
X, TARGET = make_friedman1(250, noise=0.5, random_state=0)
X, NEW = X[:200], X[200:]
TARGET = TARGET[:200]


@pytest.fixture(scope="module")
def data():
    return sweep(KernelRidge(kernel="rbf"), "alpha", ALPHAS, X, TARGET)


def make(networks, **params):
    return HyperparameterTrajectoryRegressor(networks=networks, random_state=0, **params)


@pytest.fixture(scope="module")
def surrogate(data):
    return make(data.networks).fit(data.X, data.y, data.lam)


class Noisy:
    """A network whose answers are draws N(lam x, (1 + lam)^2), from numpy's global state."""

    def __init__(self, lam):
        self.lam = lam

    def predict(self, x):
        noise = np.random.standard_normal(len(x))  # noqa: NPY002
        return self.lam * np.asarray(x)[:, 0] + (1 + self.lam) * noise


def noisy_data(n_inputs=8, n_draws=60):
    networks = {lam: Noisy(lam) for lam in (0.0, 0.5, 1.0)}
    x = np.repeat(np.linspace(-1, 1, n_inputs), n_draws)[:, None]
    y = np.concatenate([network.predict(x) for network in networks.values()])
    return networks, np.tile(x, (3, 1)), y, np.repeat([0.0, 0.5, 1.0], len(x))


@pytest.fixture(scope="module")
def noisy():
    networks, x, y, lam = noisy_data()
    return make(networks, lam_transform=None).fit(x, y, lam)


class TestAnswers:
    def test_trained_values_are_the_networks_own(self, surrogate, data):
        for alpha, network in data.networks.items():
            for answer in (surrogate.predict(NEW, alpha), surrogate.sample(NEW, alpha)):
                assert_allclose(answer, network(NEW), atol=1e-9)

    def test_between_they_beat_the_nearest_network_and_the_line_in_lambda(self, surrogate, data):
        alphas = [0.3, 3.0]
        truth = sweep(KernelRidge(kernel="rbf"), "alpha", alphas, X, TARGET, NEW)
        error = {"ours": 0.0, "line": 0.0, "nearest": 0.0}
        for alpha, (low, high) in zip(alphas, [(0.1, 1.0), (1.0, 10.0)], strict=True):
            true = truth.networks[alpha](NEW)
            below, above = data.networks[low](NEW), data.networks[high](NEW)
            t = (alpha - low) / (high - low)
            answers = (surrogate.predict(NEW, alpha), (1 - t) * below + t * above, below)
            for name, answer in zip(error, answers, strict=True):
                error[name] += np.mean((answer - true) ** 2)
        assert error["ours"] < 0.3 * min(error["line"], error["nearest"])

    def test_answers_agree_with_each_other(self, surrogate, data):
        mean, deviation = surrogate.predict(NEW, 0.4, return_std=True)
        assert_array_equal(deviation, np.zeros(len(NEW)))
        assert_array_equal(surrogate.sample(NEW, 0.4, n_samples=3), np.tile(mean, (3, 1)))
        assert_allclose(surrogate.trajectory(NEW, [0.1, 0.4, 10])[1], mean, atol=1e-12)
        outputs = [network(NEW) for network in data.networks.values()]
        assert_allclose(
            surrogate.interpolate(NEW, outputs, lams=ALPHAS, lam=0.4), mean, atol=1e-12
        )

    def test_rows_do_not_depend_on_the_rows_beside_them(self, surrogate):
        lam = np.linspace(0.1, 10, len(NEW))
        whole = surrogate.predict(NEW, lam)
        assert_allclose(surrogate.predict(NEW[7:9], lam[7:9]), whole[7:9], atol=1e-10)

    def test_given_outputs_move_as_the_field_does(self, surrogate, data):
        said = data.networks[0.1](NEW)
        assert_allclose(
            surrogate.transport(NEW, said, lam_from=0.1, lam_to=3.0),
            surrogate.predict(NEW, 3.0),
            atol=1e-9,
        )
        moved = surrogate.transport(NEW, said + 5, lam_from=0.1, lam_to=3.0)
        assert_allclose(moved, surrogate.predict(NEW, 3.0) + 5, atol=1e-9)
        back = surrogate.transport(NEW, moved, lam_from=3.0, lam_to=0.1)
        assert_allclose(back, said + 5, atol=1e-9)
        path = surrogate.trajectory(NEW, [0.1, 3.0], y=said + 5, lam_from=0.1)
        assert_allclose(path, [said + 5, moved], atol=1e-9)

    @pytest.mark.parametrize("lam_transform", ["auto", "entropy"])
    def test_networks_that_agree_on_the_inputs_of_fit_alone(self, lam_transform):
        def network(lam):
            return lambda x: max(lam - 1, 0) * x[:, 0] + lam * (x[:, 1] > 1)

        networks = {lam: network(lam) for lam in (0.0, 1.0, 2.0)}
        y = np.concatenate([each(X) for each in networks.values()])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ValidationWarning)
            surrogate = make(networks, lam_transform=lam_transform).fit(
                np.tile(X, (3, 1)), y, np.repeat([0.0, 1.0, 2.0], len(X))
            )
        far = np.where(np.arange(X.shape[1]) == 1, 1.01, NEW[:5])
        for lam, each in networks.items():
            assert_allclose(surrogate.predict(far, lam), each(far), atol=1e-9)
        assert_allclose(surrogate.predict(far, 0.5), 0.5, atol=0.2)

    def test_several_outputs_bounds_and_frames(self):
        frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
        target = np.column_stack([TARGET, -TARGET])
        data = sweep(Ridge(), "alpha", ALPHAS, frame, target)
        bounds = data.y.min() - 0.1, data.y.max() + 0.1
        surrogate = make(data.networks, lam_transform=None, y_bounds=bounds).fit(
            data.X, data.y, data.lam
        )
        answer = surrogate.predict(frame[:5], 0.5)
        assert answer.shape == (5, 2)
        assert_allclose(answer[:, 0], -answer[:, 1], atol=1e-9)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_inputs_keep_the_precision_of_fit(self, data, dtype, tmp_path):
        def strict(network):
            def ask(x):
                assert x.dtype == dtype
                return network(x)

            return ask

        networks = {alpha: strict(network) for alpha, network in data.networks.items()}
        surrogate = make(networks).fit(data.X.astype(dtype), data.y, data.lam)
        expected = surrogate.predict(NEW, 0.4)
        assert_array_equal(surrogate.predict(NEW.astype(dtype).tolist(), 0.4), expected)
        with pytest.warns(TrajectoryWarning, match="not saved"):
            surrogate.save(tmp_path / "surrogate")
        again = load(tmp_path / "surrogate", networks=networks)
        assert_array_equal(again.predict(NEW, 0.4), expected)

    def test_lambda_may_be_a_column(self, surrogate, data):
        with_column = np.column_stack([data.X, data.lam])
        other = make(data.networks, lam_column=-1).fit(with_column, data.y)
        asked = np.column_stack([NEW, np.full(len(NEW), 0.4)])
        assert_allclose(other.predict(asked), surrogate.predict(NEW, 0.4), atol=1e-12)

    def test_networks_of_torch(self, data):
        def with_gradient(network):
            weight = torch.ones(1, dtype=torch.float64, requires_grad=True)
            return lambda x: weight * torch.as_tensor(network(x))

        networks = {alpha: with_gradient(network) for alpha, network in data.networks.items()}
        surrogate = make(networks).fit(data.X, data.y, data.lam)
        assert_allclose(surrogate.predict(NEW, 1.0), data.networks[1.0](NEW), atol=1e-9)

    def test_classifiers_answer_with_probabilities(self):
        labels = (np.median(TARGET) < TARGET).astype(int)
        data = sweep(LogisticRegression(), "C", [0.01, 1.0], X, labels, method="predict_proba")
        models = dict(zip([0.01, 1.0], data.estimators, strict=True))
        surrogate = make(models, lam_transform="log").fit(data.X, data.y, data.lam)
        answer = surrogate.predict(NEW, 0.1)
        assert_allclose(answer.sum(axis=1), 1)
        assert_allclose(surrogate.predict(NEW, 1.0), models[1.0].predict_proba(NEW), atol=1e-9)

    def test_many_trained_values_are_all_met(self):
        alphas = np.geomspace(0.1, 10, 30)
        data = sweep(Ridge(), "alpha", alphas, X, TARGET, X[:10])
        surrogate = make(data.networks).fit(data.X, data.y, data.lam)
        assert_array_equal(surrogate.anchors_, alphas)
        assert_allclose(surrogate.validation_["lam"].iloc[[0, -1]], alphas[[1, -2]])
        assert len(surrogate.validation_) == 20  # in a time that does not grow with all of them
        for alpha, network in list(data.networks.items())[::7]:
            assert_allclose(surrogate.predict(NEW, alpha), network(NEW), atol=1e-9)


class TestDraws:
    def test_draws_at_a_trained_value_are_the_networks(self, noisy):
        x = np.array([[0.5]])
        draws = noisy.sample(x, 0.5, n_samples=2000, random_state=0)[:, 0]
        assert draws.mean() == pytest.approx(0.25, abs=0.15)
        assert draws.std() == pytest.approx(1.5, rel=0.1)

    def test_draws_between_are_those_of_the_family(self, noisy):
        x = np.array([[-1.0], [1.0]])
        draws = noisy.sample(x, 0.25, n_samples=1000, random_state=0).T
        rng = np.random.default_rng(0)
        truth = 0.25 * x + 1.25 * rng.standard_normal((2, 1000))
        groups = np.repeat([0, 1], 1000)
        found = squared_wasserstein(truth.ravel(), draws.ravel(), groups=groups)
        assert found < 0.05  # the floor of 1,000 draws is about .01

    def test_seeds_repeat_draws_and_means(self, noisy):
        x = np.linspace(-1, 1, 5)[:, None]
        first, second = (noisy.sample(x, 0.3, n_samples=4, random_state=1) for _ in range(2))
        assert_array_equal(first, second)
        assert (first != noisy.sample(x, 0.3, n_samples=4, random_state=2)).any()
        assert (noisy.sample(x, 0.3) != noisy.sample(x, 0.3)).any()
        assert_array_equal(noisy.predict(x, 0.3), noisy.predict(x, 0.3))

    def test_the_global_state_is_left_alone(self, noisy):
        np.random.seed(3)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        noisy.sample([[0.0]], 0.3, random_state=0)
        assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002

    def test_spread_is_that_of_draws(self, noisy):
        _, deviation = noisy.predict(np.zeros((20, 1)), 0.5, return_std=True)
        assert deviation.mean() == pytest.approx(1.5, rel=0.1)

    def test_trajectories_follow_draws(self, noisy):
        path = noisy.trajectory([[0.0]], [0.0, 0.5, 1.0], n_samples=50, random_state=0)[:, :, 0]
        assert np.corrcoef(path)[0, 2] > 0.95
        assert path[2].std() > 1.5 * path[0].std()

    def test_functions_of_a_number_of_samples(self):
        def network(lam):
            def draw(x, n_samples):
                noise = np.random.standard_normal((n_samples, len(x)))  # noqa: NPY002
                return lam * x[:, 0] + (1 + lam) * noise

            return draw

        _, x, y, lam = noisy_data()
        networks = {value: network(value) for value in (0.0, 0.5, 1.0)}
        surrogate = make(networks, lam_transform=None).fit(x, y, lam)
        draws = surrogate.sample([[1.0]], 0.5, n_samples=2000, random_state=0)
        assert draws.std() == pytest.approx(1.5, rel=0.1)

    @pytest.mark.parametrize("form", ["keyword", "partial"])
    def test_the_number_of_samples_goes_by_name(self, form):
        def draw(lam, x, *, n_samples):
            noise = np.random.default_rng(0).standard_normal((n_samples, len(x)))
            return lam * x[:, 0] + (1 + lam) * noise

        def network(lam):
            fixed = {"n_samples": 1} if form == "partial" else {}
            return functools.partial(draw, lam, **fixed)

        _, x, _, lam = noisy_data(n_inputs=100, n_draws=1)
        networks = {value: network(value) for value in (0.0, 0.5, 1.0)}
        y = np.concatenate([each(x[:100], n_samples=1)[0] for each in networks.values()])
        surrogate = make(networks, lam_transform=None).fit(x, y, lam)
        draws = surrogate.sample([[1.0]], 0.5, n_samples=500, random_state=0)
        assert draws.std() == pytest.approx(1.5, rel=0.2)

    def test_rounding_is_no_draw(self, data):
        def jittered(network):
            return lambda x: network(x) * (1 + 1e-7 * np.random.standard_normal(len(x)))  # noqa: NPY002

        networks = {alpha: jittered(network) for alpha, network in data.networks.items()}
        surrogate = make(networks).fit(data.X, data.y, data.lam)
        moved = surrogate.transport(NEW, data.networks[0.1](NEW), lam_from=0.1, lam_to=1.0)
        assert_allclose(moved, data.networks[1.0](NEW), rtol=1e-5)

    def test_one_draw_per_input_is_seen_to_be_a_draw(self):
        networks, x, y, lam = noisy_data(n_inputs=100, n_draws=1)
        surrogate = make(networks, lam_transform=None).fit(x, y, lam)
        draws = surrogate.sample([[1.0]], 0.5, n_samples=500, random_state=0)
        assert draws.std() == pytest.approx(1.5, rel=0.2)

    def test_draws_unlike_the_outputs_of_fit_are_warned_of(self):
        networks, x, y, lam = noisy_data()
        shifted = {value: lambda x, n=n: n.predict(x) + 30 for value, n in networks.items()}
        with pytest.warns(TrajectoryWarning, match=r"networks\[0\], .*no draws like") as caught:
            make(shifted, lam_transform=None).fit(x, y, lam)
        assert caught[0].filename == __file__

    @pytest.mark.parametrize("shared", [False, True])
    def test_draws_like_the_outputs_of_fit_are_not(self, shared):
        def network(lam):
            def draw(x):  # such as a network whose weights are drawn once for all rows
                noise = np.random.standard_normal(1 if shared else len(x))  # noqa: NPY002
                return lam * x[:, 0] + (1 + lam) * noise

            return draw

        networks = {lam: network(lam) for lam in (0.0, 0.5, 1.0)}
        x = np.random.default_rng(0).uniform(-1, 1, (40, 1))
        y = np.concatenate([each(x) for each in networks.values()])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ValidationWarning)
            make(networks, lam_transform=None).fit(
                np.tile(x, (3, 1)), y, np.repeat(list(networks), 40)
            )

    def test_given_draws_cannot_be_moved(self, noisy):
        with pytest.raises(ValueError, match=r"networks=.*draws.*networks=None"):
            noisy.transport([[0.0]], [0.3], lam_from=0.0, lam_to=1.0)

    def test_one_seed_per_row_is_refused(self, noisy):
        with pytest.raises(ValueError, match="pass an int"):
            noisy.sample([[0.0], [1.0]], 0.3, random_state=[1, 2])


class TestFit:
    def test_nothing_is_trained(self, data):
        start = time.process_time()
        surrogate = make(data.networks).fit(data.X, data.y, data.lam)
        assert time.process_time() - start < 1
        assert len(surrogate.history_) == 0
        assert surrogate.base_ is None
        assert surrogate.flow_map_ is None

    def test_inputs_that_are_not_shared_are_asked(self, data):
        rng = np.random.default_rng(0)
        parts = [rng.random((60, X.shape[1])) for _ in ALPHAS]
        y = np.concatenate([data.networks[a](x) for a, x in zip(ALPHAS, parts, strict=True)])
        surrogate = make(data.networks).fit(np.concatenate(parts), y, np.repeat(ALPHAS, 60))
        other = make(data.networks).fit(data.X, data.y, data.lam)
        assert_allclose(surrogate.predict(NEW, 0.4), other.predict(NEW, 0.4), atol=0.02)

    @pytest.mark.parametrize("asked", [True, False])
    def test_inputs_that_no_trained_values_have_in_common(self, data, asked):
        parts = [X[:120], X[60:180], np.concatenate([X[:60], X[120:180]])]  # two know each
        y = np.concatenate([data.networks[a](x) for a, x in zip(ALPHAS, parts, strict=True)])
        fit = np.concatenate(parts), y, np.repeat(ALPHAS, 120)
        if asked:
            surrogate = make(data.networks).fit(*fit)
            other = make(data.networks).fit(data.X, data.y, data.lam)
            assert_allclose(surrogate.predict(NEW, 0.4), other.predict(NEW, 0.4), atol=0.02)
            assert len(surrogate.validation_) == 1
        else:
            surrogate = HyperparameterTrajectoryRegressor(base=None, random_state=0).fit(*fit)
            assert len(surrogate.validation_) == 1
            outputs = [network(NEW) for network in data.networks.values()]
            answer = surrogate.interpolate(NEW, outputs, lams=ALPHAS, lam=1.0)
            assert_allclose(answer, outputs[1], atol=1e-9)

    def test_keys_that_fit_did_not_see_are_never_asked(self, data):
        def fault(x):
            raise AssertionError("asked")

        more = data.networks | {0.5: fault, 100.0: fault}
        surrogate = make(more).fit(data.X, data.y, data.lam)
        assert np.isfinite(surrogate.predict(NEW, 0.5)).all()

    def test_of_keys_near_to_each_other_the_nearest_is_taken(self):
        lams = [1e6, 1e6 + 0.1, 1e6 + 0.2]  # apart by less than the rounding of single precision
        networks = {lam: lambda x, k=k: k * x[:, 0] for k, lam in enumerate(lams)}
        y = np.concatenate([network(X) for network in networks.values()])
        surrogate = make(networks).fit(np.tile(X, (3, 1)), y, np.repeat(lams, len(X)))
        for lam, network in networks.items():
            assert_allclose(surrogate.predict(NEW, lam), network(NEW), atol=1e-9)

    def test_left_out_values_are_never_asked(self, data):
        asked = []

        def spy(alpha):
            def network(x):
                asked.append(alpha)
                return data.networks[alpha](x)

            return network

        networks = {alpha: spy(alpha) for alpha in ALPHAS}
        with sklearn.config_context(enable_metadata_routing=True):
            for train, test in LeaveOneLambdaOut().split(data.X, data.y, lam=data.lam):
                asked.clear()
                model = make(networks, lam_transform="log").fit(
                    data.X[train], data.y[train], data.lam[train]
                )
                model.predict(data.X[test], data.lam[test])
                assert set(asked) == {0.1, 10.0}
            scores = cross_validate(
                make(networks, lam_transform="log"),
                data.X,
                data.y,
                cv=LeaveOneLambdaOut(),
                params={"lam": data.lam},
                error_score="raise",
            )
        assert scores["test_score"].min() > 0.5

    def test_clones_and_copies_share_the_networks(self, data):
        model = make(data.networks, max_iter=7)
        other = clone(model)
        assert other.networks is data.networks
        assert other.max_iter == 7
        assert copy.copy(model).networks is data.networks

    def test_validation_is_of_the_field(self, data):
        surrogate = make(data.networks).fit(data.X, data.y, data.lam)
        record = surrogate.validation_
        assert record["lam"].tolist() == [1.0]
        assert (record["interpolate"] < record["nearest_anchor"]).all()
        assert (
            make(data.networks, validate=False).fit(data.X, data.y, data.lam).validation_ is None
        )

    @pytest.mark.parametrize(
        ("outputs", "categories"),
        [
            ({0.0: 0, 1.0: 4}, [ClockWarning]),
            ({0.001: 0, 0.5: 2, 0.999: 4}, []),
            ({0.001: 0, 0.1: 1.4, 0.5: 2, 0.9: 2.6, 0.999: 4}, []),  # some left out do not tell
            ({0.0: 0, 0.2: 0.1, 2.0: 4, 2.2: 4.1}, [ValidationWarning]),
        ],
    )
    def test_one_warning_at_most_points_at_the_line_that_fits(self, outputs, categories):
        networks = {lam: lambda x, k=k: k * np.sin(9 * x[:, 0]) for lam, k in outputs.items()}
        y = np.concatenate([network(X) for network in networks.values()])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            lam = np.repeat(list(outputs), len(X))
            make(networks).fit(np.tile(X, (len(outputs), 1)), y, lam)
        assert [w.category for w in caught] == categories
        assert all(w.filename == __file__ for w in caught)

    def test_networks_that_do_not_fit_the_outputs_are_warned_of(self, data):
        swapped = dict(zip(ALPHAS, list(data.networks.values())[::-1], strict=True))
        with pytest.warns(TrajectoryWarning, match=r"networks\[0.1\]"):
            make(swapped).fit(data.X, data.y, data.lam)

    def test_trained_values_may_have_few_rows_and_not_the_same_number(self, data):
        rows = np.concatenate(
            [np.flatnonzero(data.lam == a)[:n] for a, n in zip(ALPHAS, (6, 9, 40), strict=True)]
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ValidationWarning)
            surrogate = make(data.networks).fit(data.X[rows], data.y[rows], data.lam[rows])
        assert_allclose(surrogate.predict(NEW, 1.0), data.networks[1.0](NEW), atol=1e-9)

    def test_rounding_of_constants_is_no_other_network(self):
        networks = {
            a: lambda x, k=k: np.full(len(x), 3.3 + k * 1e-15) for k, a in enumerate(ALPHAS)
        }
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            surrogate = make(networks).fit(
                np.tile(X, (3, 1)), np.full(600, 3.3), np.repeat(ALPHAS, 200)
            )
        assert_allclose(surrogate.predict(NEW, 0.4), 3.3)

    @pytest.mark.parametrize(
        ("networks", "match"),
        [
            ([1, 2], "dict"),
            ({}, r"networks={} must be a dict"),
            ({"a": len}, "key 'a'"),
            ({True: len}, "key True"),
            ({0.1: 3}, r"networks\[0.1\]=3 must be"),
            ({0.1: Ridge}, r"networks\[0.1\]=<class"),
            ({0.1: len, 10.0: len}, "no network for lambda = 1"),
        ],
    )
    def test_bad_networks_are_named_before_any_work(self, data, networks, match):
        with pytest.raises(ValueError, match=match):
            make(networks).fit(data.X, data.y, data.lam)

    @pytest.mark.parametrize(
        ("answer", "match"),
        [
            (lambda x: np.full(len(x), np.nan), r"networks\[1\].*NaN"),
            (lambda x: np.zeros((len(x), 2)), r"networks\[1\].*shape"),
        ],
    )
    def test_bad_answers_name_the_network(self, data, answer, match):
        with pytest.raises(ValueError, match=match):
            make(data.networks | {1.0: answer}).fit(data.X, data.y, data.lam)

    def test_errors_of_networks_say_which_it_was(self, data):
        def fault(x):
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine") as caught:
            make(data.networks | {1.0: fault}).fit(data.X, data.y, data.lam)
        assert caught.value.__notes__ == ["networks[1] was asked ndarray of shape (16, 10)."]

    def test_a_base_beside_networks_is_refused(self, data):
        with pytest.raises(ValueError, match="base"):
            make(data.networks, base="flow").fit(data.X, data.y, data.lam)


class TestNoBase:
    def test_interpolate_needs_no_training(self, data):
        surrogate = HyperparameterTrajectoryRegressor(base=None).fit(data.X, data.y, data.lam)
        outputs = [network(NEW) for network in data.networks.values()]
        answer = surrogate.interpolate(NEW, outputs, lams=ALPHAS, lam=0.4)
        asked = make(data.networks).fit(data.X, data.y, data.lam).predict(NEW, 0.4)
        assert_allclose(answer, asked, atol=1e-9)
        assert len(surrogate.history_) == 0

    @pytest.mark.parametrize("method", ["sample", "predict", "trajectory", "transport"])
    def test_other_answers_say_what_is_missing(self, data, method):
        surrogate = HyperparameterTrajectoryRegressor(base=None).fit(data.X, data.y, data.lam)
        ask = {
            "sample": lambda: surrogate.sample(NEW, 0.4),
            "predict": lambda: surrogate.predict(NEW, 0.4),
            "trajectory": lambda: surrogate.trajectory(NEW, [0.4]),
            "transport": lambda: surrogate.transport(NEW, NEW[:, 0], lam_from=0.1, lam_to=1.0),
        }
        with pytest.raises(ValueError, match=r"base=None.*networks="):
            ask[method]()


class TestFiles:
    def test_networks_are_left_out_and_brought_again(self, surrogate, data, tmp_path):
        path = tmp_path / "surrogate"
        with pytest.warns(TrajectoryWarning, match="networks are not saved"):
            surrogate.save(path)
        expected = surrogate.predict(NEW, 0.4)
        assert_array_equal(load(path, networks=data.networks).predict(NEW, 0.4), expected)
        alone = load(path)
        with pytest.raises(ValueError, match=r"load\(path, networks="):
            alone.predict(NEW, 0.4)
        outputs = [network(NEW) for network in data.networks.values()]
        assert_allclose(alone.interpolate(NEW, outputs, lams=ALPHAS, lam=0.4), expected)

    def test_networks_set_since_the_fit_are_not_of_the_file(self, data, tmp_path):
        model = HyperparameterTrajectoryRegressor(base=None).fit(data.X, data.y, data.lam)
        model.set_params(networks=data.networks).save(tmp_path / "surrogate")
        assert load(tmp_path / "surrogate").networks is None
        assert model.networks is data.networks

    def test_a_file_needs_a_network_for_every_trained_value(self, surrogate, data, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrajectoryWarning)
            surrogate.save(tmp_path / "surrogate")
        with pytest.raises(ValueError, match="no network for lambda = 10"):
            load(tmp_path / "surrogate", networks={a: data.networks[a] for a in (0.1, 1.0)})

    def test_a_file_without_a_field_of_networks_takes_none(self, data, tmp_path):
        from sklearn_hti.baselines import DisplacementInterpolationRegressor

        model = DisplacementInterpolationRegressor().fit(data.X, data.y, data.lam)
        model.save(tmp_path / "rival")
        with pytest.raises(ValueError, match="networks"):
            load(tmp_path / "rival", networks=data.networks)

    def test_intervals_hold_the_networks_between(self, surrogate, data):
        low, high = surrogate.interval(NEW, 0.4)
        assert (low < high).all()
        assert_allclose(*surrogate.interval(NEW, 1.0), rtol=0)

    def test_export_needs_a_flow_map(self, surrogate, tmp_path):
        with pytest.raises(ValueError, match=r"flow map.*networks=None"):
            surrogate.export(tmp_path / "graph", format="torch")


def test_policies_act_at_any_lambda(surrogate, data):
    policy = TrajectoryPolicy(surrogate, 0.4, base=data.networks[0.1])
    assert_allclose(policy.predict(NEW)[0][:, 0], surrogate.predict(NEW, 0.4), rtol=1e-5)
    alone = TrajectoryPolicy(surrogate, 0.4)
    assert_allclose(alone.predict(NEW)[0][:, 0], surrogate.predict(NEW, 0.4), rtol=1e-5)


def test_inputs_far_from_those_of_fit_are_not_warned_of(surrogate, data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = surrogate.predict(100 * NEW, 1.0)
    assert_allclose(answer, data.networks[1.0](100 * NEW), atol=1e-9)


def test_a_bad_seed_is_refused(surrogate):
    with pytest.raises(ValueError, match="seed"):
        surrogate.sample(NEW, 0.4, random_state="abc")


# ---------------------------------------------------------------- several hyperparameters


@pytest.fixture(scope="module")
def grid():
    """Kernel machines on a grid, and what keys are asked."""
    X, y = make_regression(12, 2, random_state=0)
    return sweep(SVR(), {"C": [0.1, 1.0, 10.0], "gamma": [0.01, 0.1]}, X, y / y.std())


def test_a_grid_is_answered_with_and_without_its_networks(grid, tmp_path):
    X, lam = grid.X[::6], {"C": 3.0, "gamma": 0.03}
    without = make(None, max_iter=2, validate=False).fit(grid.X, grid.y, grid.lam)
    model = make(grid.networks).fit(grid.X, grid.y, grid.lam)
    assert_allclose(model.predict(X, lam), without.predict(X, lam))
    for key, network in grid.networks.items():  # new inputs, too
        assert_allclose(model.predict(X + 0.1, lam=key), network(X + 0.1))
    with pytest.warns(TrajectoryWarning, match="networks are not saved"):
        model.save(tmp_path / "model")
    again = load(tmp_path / "model", networks=grid.networks)
    assert_array_equal(again.predict(X, lam), model.predict(X, lam))
    swapped = {(gamma, C): network for (C, gamma), network in grid.networks.items()}
    with pytest.raises(ValueError, match=r"no network for .*C=0.1.*in the order \(C, gamma\)"):
        load(tmp_path / "model", networks=swapped)


def spied(networks):
    """Return networks that write down their keys when they are asked, and these."""
    seen = set()

    def spy(key, network):
        return lambda X: seen.add(key) or network(X)

    return {key: spy(key, network) for key, network in networks.items()}, seen


def test_a_key_that_is_not_in_fit_is_never_asked(grid):
    networks, seen = spied(grid.networks)
    out = ((grid.lam["C"] == 1.0) & (grid.lam["gamma"] == 0.1)).to_numpy()
    model = make(networks, validate=False).fit(grid.X[~out], grid.y[~out], grid.lam[~out])
    model.predict(grid.X[:2], lam=(1.0, 0.1))
    assert seen == set(networks) - {(1.0, 0.1)}
    with pytest.warns(ValidationWarning, match=r"near lambda = \(C=1, gamma=0.01\)"):
        make(networks).fit(grid.X[~out], grid.y[~out], grid.lam[~out])


def test_nor_is_one_that_differs_along_an_axis_without_influence():
    """Of an axis that answers do not depend on, any value is taken that was in fit."""
    trained = [(alpha, tol) for alpha in (0.1, 1.0, 10.0) for tol in (1e-3, 1e-2)]
    space, lams = learn_space(pd.DataFrame(trained, columns=["alpha", "tol"]), len(trained))
    hull = Hull(space, (), lams)
    networks = {(alpha, tol): (alpha, tol) for alpha in (0.1, 1.0, 10.0) for tol in (1e-4, 1e-2)}
    found = find_networks(networks, np.array([0.1, 1.0, 10.0]), space.only([0]), hull)
    assert found == ((0.1, 1e-2), (1.0, 1e-2), (10.0, 1e-2))
    of_others = {key: key for key in networks if key[1] == 1e-4}
    with pytest.raises(ValueError, match="no network for lambda"):
        find_networks(of_others, np.array([0.1, 1.0, 10.0]), space.only([0]), hull)


def test_keys_have_categories():
    X, y = make_regression(12, 2, random_state=0)
    grid = {"fit_intercept": [True, False], "alpha": [0.1, 1.0, 10.0]}
    data = sweep(Ridge(), grid, X, y / y.std() + 1)
    model = make(data.networks).fit(data.X, data.y, data.lam)
    for key, network in data.networks.items():
        assert_allclose(model.predict(X, lam=key), network(X))
    with pytest.raises(ValueError, match="the key True is not a value of lambda"):
        make({True: Ridge()}).fit(data.X, data.y, data.lam)
