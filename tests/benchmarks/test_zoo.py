"""The zoo: every family is whole, keeps its promises, and can be trained again."""

import importlib.util
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from benchmarks.tasks import make_task
from benchmarks.zoo import CARDS, load, load_policy, make_env
from benchmarks.zoo import family as family_module
from benchmarks.zoo.__main__ import report, train
from benchmarks.zoo.family import DATA
from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.metrics import squared_wasserstein

CONTROL = [name for name, card in CARDS.items() if "control" in card.traits]


@pytest.fixture(scope="module", params=list(CARDS))
def family(request):
    return load(request.param)


def test_shapes(family):
    n_seeds, n_lams, n_rows, n_outputs = family.y.shape
    assert (n_seeds, n_lams) == (family.n_seeds, len(family.lams))
    assert n_rows == len(family.X)
    assert 1 <= n_outputs <= 256
    assert n_seeds >= 2
    few = "control" in family.traits or family.name == "denoiser_digits"
    assert n_lams >= (5 if few else 9)
    assert np.isfinite(family.y).all()
    assert np.isfinite(family.X).all()


def test_outputs_lie_in_their_bounds(family):
    low, high = family.y_bounds or (-np.inf, np.inf)
    assert family.y.min() >= low
    assert family.y.max() <= high


def test_networks_give_what_is_possible(family):
    """All but a few draws between two modes."""
    if family.possible is not None:
        y = family.y.reshape(-1, family.n_outputs).astype(float)
        X = np.tile(family.X, (len(y) // len(family.X), 1))
        assert family.possible(X, y).mean() > 0.999
        assert not family.possible(X, y[::-1] + 0.3).all()


def test_card_is_complete(family):
    texts = (family.network, family.hyperparameter, family.changes, family.data, family.clock)
    assert all(len(text) >= 3 for text in texts)
    assert all(np.diff(family.lams) > 0)
    for c in family.categorical:
        assert_array_equal(family.X[:, c], np.round(family.X[:, c]))


def test_anchors_are_nested_and_leave_values_to_measure_at(family):
    assert {2, 3} <= set(family.protocols)
    sets = [set(family.anchors(k)) for k in family.protocols]
    assert all(a < b for a, b in pairwise(sets))
    assert all(family.anchors(k)[0] == family.lams[0] for k in family.protocols)
    assert all(family.anchors(k)[-1] == family.lams[-1] for k in family.protocols)
    assert len(family.held_out) >= 2
    assert not set(family.held_out) & sets[-1]
    with pytest.raises(ValueError, match="no protocol with 4 anchors"):
        family.anchors(4)


def test_rows_to_fit_on_and_to_measure_on(family):
    train, test = family.train_rows, family.test_rows
    assert not set(train) & set(test)
    assert len(train) >= 100
    assert len(test) >= 50
    shared = set(family.groups[train]) & set(family.groups[test])
    only_categories = len(family.categorical) == family.X.shape[1]
    assert bool(shared) == only_categories


def test_stochastic_networks_were_asked_often_at_each_input(family):
    draws = np.bincount(family.groups)
    assert draws.min() >= 30 if not family.deterministic else draws.max() == 1


def test_training_set_repeats_the_inputs_across_anchors(family):
    X, y, lam = family.training_set(3)
    n = len(family.train_rows)
    assert y.shape == (3 * n, family.n_outputs)
    assert_array_equal(X[:n], X[n : 2 * n])
    assert_array_equal(np.unique(lam), family.anchors(3))
    middle = family.at(family.anchors(3)[1], rows=family.train_rows)
    assert_array_equal(y[n : 2 * n], middle)


def test_lambda_and_seed_matter(family):
    """The end of the range is further than a retrained network, but in the one still family."""
    end = family.lams[-1]
    floor, moved = family.floor(end), family.movement(end)
    assert moved > 0
    assert floor > 0
    assert (moved > floor) == ("still" not in family.traits)


def test_shares_of_two_modes_follow_the_preference_and_modes_stay():
    family = load("two_ways_preference")
    above = np.array([family.at(lam)[:, 1] > family.X[:, 0] for lam in family.lams])
    assert (np.diff(above.mean(axis=1)) > 0).all()
    assert above[0].mean() < 0.1 and above[-1].mean() > 0.9
    heights = [family.at(lam)[up, 1].mean() for lam, up in zip(family.lams, above, strict=True)]
    assert np.ptp(heights) < 0.1


def test_tuned_policies_move_evenly_in_the_reciprocal_of_the_weight():
    """Log-ratios of probabilities are those of the reference plus rewards over the weight."""
    family, lams = load("kl_policy_digits"), (0.5, 1.2, 4.0)
    low, middle, high = (np.log(family.at(lam)) for lam in lams)
    miss = {}
    for w in (np.reciprocal, np.log, np.asarray):
        start, here, end = w(np.array(lams))
        s = (here - start) / (end - start)
        line = (1 - s) * low + s * high - middle
        miss[w.__name__] = np.mean((line - line.mean(axis=1, keepdims=True)) ** 2)
    assert 10 * miss["reciprocal"] < miss["log"] < miss["asarray"]


def test_the_chaotic_family_has_a_high_floor():
    family = load("rollout_lorenz")
    floor = np.mean([family.floor(lam) for lam in family.held_out])
    assert floor > 0.5 * np.mean([family.movement(lam) for lam in family.held_out])


def test_distance_averages_over_outputs_or_over_inputs():
    family = load("expectile_elnino")
    y, other = family.at(0.5)[:5], family.at(0.9)[:5]
    assert family.distance(y, other) == pytest.approx(np.mean((y - other) ** 2))
    family = load("dropout_diffusion")
    rows = family.test_rows[family.X[family.test_rows, 0] == 1]
    y, other = (family.at(0.0, seed=s, rows=rows) for s in (0, 1))
    assert family.distance(y, other, rows) == pytest.approx(squared_wasserstein(y, other))


def test_a_network_trained_again_answers_as_the_stored_one():
    """Alone, at one value, it ends at the weights that it had among the others."""
    stored = load("bootstrap_linnerud")
    again = CARDS["bootstrap_linnerud"].train((0.5,), (1,), iter)
    y = stored.at(0.5, seed=1)
    assert np.mean((again.y[0, 0] - y) ** 2) < 1e-3 * y.var()
    assert_allclose(again.X, stored.X)
    assert_array_equal(again.test_rows, stored.test_rows)


def test_the_command_trains_what_is_missing(monkeypatch, tmp_path, capsys):
    stored = load("weight_decay_cancer")
    monkeypatch.setattr(family_module, "DATA", tmp_path)
    train(["weight_decay_cancer"], force=False)
    assert "s CPU" in capsys.readouterr().out
    assert_allclose(load("weight_decay_cancer").y, stored.y, atol=1e-4)
    train(["weight_decay_cancer"], force=False)
    assert capsys.readouterr().out == "weight_decay_cancer: trained already\n"


def test_the_folder_is_small():
    files = list(DATA.iterdir())
    assert {f"{name}.npz" for name in CARDS} <= {file.name for file in files}
    assert sum(file.stat().st_size for file in files) <= 20e6


def test_traits_are_all_there():
    traits = [trait for card in CARDS.values() for trait in card.traits]
    assert {"still", "chaotic", "breaks", "control"} == set(traits)
    assert len(CONTROL) == 2
    assert sum(not card.deterministic for card in CARDS.values()) >= 3
    assert sum(bool(card.categorical) for card in CARDS.values()) >= 3


@pytest.mark.parametrize("name", CONTROL)
def test_policies_give_the_stored_actions(name):
    family = load(name)
    for seed in range(family.n_seeds):
        policy = load_policy(name, family.lams[2], seed)
        action, state = policy.predict(family.X, state="kept", deterministic=True)
        assert_allclose(action, family.at(family.lams[2], seed=seed), atol=1e-4)
        assert state == "kept"
        assert policy.predict(family.X[0], deterministic=True)[0].shape == (family.n_outputs,)


@pytest.mark.parametrize("name", CONTROL)
def test_stochastic_actions_spread_around_the_mean_inside_the_box(name):
    policy = load_policy(name, CARDS[name].lams[0], random_state=3)
    states = np.repeat(load(name).X[:1], 4000, axis=0)
    drawn, mean = policy.predict(states)[0], policy.predict(states, deterministic=True)[0]
    assert np.all(drawn >= policy.low)
    assert np.all(drawn <= policy.high)
    inside = np.abs(mean[0]) + 4 * np.exp(policy.log_std) < policy.high
    assert_allclose(drawn.std(axis=0)[inside], np.exp(policy.log_std)[inside], rtol=0.1)


def test_unknown_names_are_told():
    with pytest.raises(KeyError, match="not in the zoo"):
        load("unicorn")
    with pytest.raises(KeyError, match="no policy for lambda 7"):
        load_policy(CONTROL[0], 7.0)


@pytest.mark.skipif(not importlib.util.find_spec("mujoco"), reason="needs the extra rl")
@pytest.mark.parametrize("name", CONTROL)
def test_the_environment_charges_for_the_action(name):
    rewards = []
    for weight in (0.5, 2.0):
        env = make_env(name, weight)
        env.reset(seed=0)
        action = 0.7 * env.action_space.high
        rewards.append(env.step(action)[1])
        env.close()
    assert rewards[0] - rewards[1] == pytest.approx(1.5 * np.sum(action**2), rel=1e-5)


def test_unknown_environments_are_told():
    pytest.importorskip("gymnasium")
    with pytest.raises(ValueError, match="no control family"):
        make_env("unicorn", 1.0)


def test_report_prints_card_and_distances(capsys):
    report(["dropout_diffusion"])
    printed = capsys.readouterr().out
    assert "dropout rate of training" in printed
    assert "floor" in printed
    assert "1 families" in printed


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.TrajectoryWarning")
def test_the_linear_map_does_not_swing_between_its_nodes():
    """Outputs of the chaotic family are nearly collinear."""
    task = make_task("rollout_lorenz/3", 1)
    params = {"kinetic": "euclidean", "potential": None, "base": "neighbors", "validate": False}
    model = HyperparameterTrajectoryRegressor(max_iter=1, random_state=0, **params)
    module = model.fit(task.X, task.y, task.lam).flow_map_.module
    assert (module.residual_scale < 4 * module.y_scale.max()).all()
