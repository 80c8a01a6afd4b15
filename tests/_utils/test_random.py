"""Randomness: one seed decides everything, and the global states are left alone."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ks_2samp
from skorch.callbacks import Callback
from threadpoolctl import ThreadpoolController

from sklearn_hti._utils.random import draw_seeds, sampling_generator, torch_generator


def global_states():
    """The states of numpy's and torch's global generators."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    return kind, keys.tobytes(), *rest, torch.get_rng_state().numpy().tobytes()


@pytest.fixture
def blas():
    """The controllers of the BLAS libraries, set to two threads."""
    blas = ThreadpoolController().select(user_api="blas").lib_controllers
    before = [library.get_num_threads() for library in blas]
    for library in blas:
        library.set_num_threads(2)
    yield blas
    for library, n_threads in zip(blas, before, strict=True):
        library.set_num_threads(n_threads)


def answers(model, data):
    """Everything that a fitted model says, as one list of arrays."""
    X, y = data.X[:30], data.y[:30]
    return [
        model.transport(X, y, lam_from=0.0, lam_to=1.3),
        model.sample(X, 1.3, n_samples=2, random_state=7),
        *model.predict(X, 1.3, return_std=True),
        model.trajectory(X, [0.0, 0.9], random_state=7),
    ]


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("base", ["neighbors", "flow"])
@pytest.mark.parametrize("family", ["networks", "clouds"])
def test_one_seed_one_answer(make, request, family, base):
    data = request.getfixturevalue(family)
    first = make(base=base).fit(data.X, data.y, data.lam)
    torch.manual_seed(99)
    second = make(base=base).fit(data.X, data.y, data.lam)
    assert_same(answers(first, data), answers(second, data))


def test_another_seed_another_answer(make, networks):
    first, second = (
        make(base="neighbors", random_state=seed).fit(networks.X, networks.y, networks.lam)
        for seed in (0, 1)
    )
    X, y = networks.X[:30], networks.y[:30]
    assert not np.array_equal(
        first.transport(X, y, lam_from=0, lam_to=1), second.transport(X, y, lam_from=0, lam_to=1)
    )


def test_the_seed_may_be_a_random_state(make, networks):
    first, second = (
        make(max_iter=5, random_state=np.random.RandomState(3)).fit(
            networks.X, networks.y, networks.lam
        )
        for _ in range(2)
    )
    assert_same(answers(first, networks), answers(second, networks))


def test_fits_in_parallel_threads_are_the_same(make, networks, clouds):
    """Other fits at the same time change nothing, whatever they are."""
    alone = make(base="flow").fit(networks.X, networks.y, networks.lam)

    def fit(data):
        return make(base="flow").fit(data.X, data.y, data.lam)

    with ThreadPoolExecutor(3) as pool:
        first, _, second = pool.map(fit, [networks, clouds, networks])
    assert_same(answers(first, networks), answers(alone, networks))
    assert_same(answers(second, networks), answers(alone, networks))


@pytest.mark.parametrize("base", ["neighbors", "flow"])
def test_global_states_are_left_alone(make, clouds, base):
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    before = global_states()
    model = make(base=base).fit(clouds.X, clouds.y, clouds.lam)
    assert global_states() == before
    answers(model, clouds)
    model.sample(clouds.X, 1.0)
    model.trajectory(clouds.X, [0.0, 1.0])
    assert global_states() == before


class Meet(Callback):
    """Sets one event at the first batch and waits there for another."""

    def __init__(self, here, other):
        self.here = here
        self.other = other

    def on_batch_end(self, net, **kwargs):
        self.here.set()
        assert self.other.wait(60)


def test_threads_of_the_libraries_are_left_alone(make, clouds, blas):
    """Also by two fits that overlap, of which the first to begin is the first to end."""
    began, joined, ended = Event(), Event(), Event()

    def fit(here, other, done):
        callbacks = [Meet(here, other)]
        make(max_iter=2, callbacks=callbacks).fit(clouds.X, clouds.y, clouds.lam)
        done.set()

    make(max_iter=2).fit(clouds.X, clouds.y, clouds.lam)
    assert [library.get_num_threads() for library in blas] == [2] * len(blas)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fit, began, joined, ended)
        assert began.wait(60)
        second = pool.submit(fit, joined, ended, Event())
        first.result()
        second.result()
    assert [library.get_num_threads() for library in blas] == [2] * len(blas)


def test_draws_are_fresh_unless_seeded(on_clouds):
    X = np.ones((30, 1))
    for draw in (
        lambda **seed: on_clouds.sample(X, 1.0, **seed),
        lambda **seed: on_clouds.trajectory(X, [0.0, 1.0], **seed),
    ):
        np.random.seed(0)  # noqa: NPY002
        first = draw()
        np.random.seed(0)  # noqa: NPY002
        assert not np.array_equal(first, draw())
        assert_array_equal(draw(random_state=1), draw(random_state=1))
        assert not np.array_equal(draw(random_state=1), draw(random_state=2))


def test_a_generator_goes_on(on_clouds):
    """A Generator is used as it is, so the next call draws something else."""
    rng, same = np.random.default_rng(4), np.random.default_rng(4)
    first = on_clouds.sample(np.ones((9, 1)), 1.0, random_state=rng)
    assert_array_equal(on_clouds.sample(np.ones((9, 1)), 1.0, random_state=same), first)
    second = on_clouds.sample(np.ones((9, 1)), 1.0, random_state=rng)
    assert not np.array_equal(second, first)
    seeded = [
        on_clouds.sample(
            np.ones((9, 1)),
            1.0,
            random_state=np.random.RandomState(4),
        )
        for _ in range(2)
    ]
    assert_array_equal(*seeded)


# ---------------------------------------------------------------- the helpers


def test_child_seeds_follow_their_order():
    seeds = draw_seeds(0, ["a", "b", "c"])
    assert len(set(seeds.values())) == 3
    assert draw_seeds(0, ["a", "b"]) == {name: seeds[name] for name in ("a", "b")}
    assert all(type(seed) is int and 0 <= seed < 2**31 for seed in seeds.values())


def test_generators_are_their_own():
    before = global_states()
    a, b = torch_generator(3), torch_generator(3)
    assert torch.equal(torch.rand(4, generator=a), torch.rand(4, generator=b))
    assert sampling_generator(3).random() == np.random.default_rng(3).random()
    assert global_states() == before


# ---------------------------------------------------------------- one seed per row


@pytest.fixture(scope="module", params=["neighbors", "flow"])
def on_base(request, make, clouds):
    """A surrogate of `clouds` with either base; for queries only."""
    return make(max_iter=20, base=request.param).fit(clouds.X, clouds.y, clouds.lam)


SEEDS = np.arange(1000, 1040)


def test_a_row_depends_on_its_own_seed_only(on_base, clouds):
    X, lam = clouds.X[100:140], clouds.lam[100:140]
    whole = on_base.sample(X, lam, n_samples=3, random_state=SEEDS)
    order = np.random.default_rng(0).permutation(40)
    for rows in (order, order[:7], [5]):
        part = on_base.sample(X[rows], lam[rows], n_samples=3, random_state=SEEDS[rows])
        assert_allclose(part, whole[:, rows], rtol=1e-4, atol=1e-5)
    again = on_base.sample(X, lam, n_samples=3, random_state=list(SEEDS))
    assert_array_equal(again, whole)
    path = on_base.trajectory(X[:4], [0.0, 1.0], n_samples=2, random_state=SEEDS[:4])
    again = on_base.trajectory(X[2:4], [0.0, 1.0], n_samples=2, random_state=SEEDS[2:4])
    assert_allclose(again, path[:, :, 2:], rtol=1e-4, atol=1e-5)


def test_rows_of_different_seeds_differ(on_base, clouds):
    y = on_base.sample(clouds.X[:40] * 0, 0.5, random_state=SEEDS)
    assert len(np.unique(y)) > 10
    y = on_base.sample(clouds.X[:40] * 0, 0.5, random_state=SEEDS * 0)
    assert np.ptp(y) < 1e-6


def test_draws_by_row_are_of_the_same_law(on_base, clouds):
    X = np.zeros((2000, 1))
    own = on_base.sample(X, 0.5, random_state=np.arange(2000))
    common = on_base.sample(X, 0.5, random_state=0)
    assert ks_2samp(own.ravel(), common.ravel()).pvalue > 0.01


@pytest.mark.parametrize(
    ("seeds", "match"),
    [
        (SEEDS[:-1], "39 seeds for 40 rows"),
        (SEEDS / 2, "dtype float64"),
        (SEEDS - 1001, "least -1"),
    ],
)
def test_seeds_of_rows_are_checked(on_base, clouds, seeds, match):
    with pytest.raises(ValueError, match=f"`random_state`.*{match}"):
        on_base.sample(clouds.X[:40], 0.5, random_state=seeds)


def test_networks_of_the_user_take_one_seed(make, clouds):
    """Of a network without noise there is nothing to seed."""
    data = clouds.X, clouds.y, clouds.lam
    still = make(max_iter=2, base=lambda X: np.zeros(len(X))).fit(*data)
    y = still.sample(clouds.X[:40], 0.5, random_state=SEEDS)
    assert_array_equal(y, still.sample(clouds.X[:40], 0.5))
    rng = np.random.default_rng(0)
    noisy = make(max_iter=2, base=lambda X: rng.normal(size=len(X))).fit(*data)
    with pytest.raises(ValueError, match="your own network"):
        noisy.sample(clouds.X[:40], 0.5, random_state=SEEDS)
