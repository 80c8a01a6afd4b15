"""The engine: every row in its turn, fixed validation, sensible splits and schedules."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn

from sklearn_hti.nn.batches import BatchIterator, DrawnDataset, split_rows
from sklearn_hti.nn.engine import train
from sklearn_hti.nn.settings import TrainingSettings


class Rows(DrawnDataset):
    """Batches that are the row numbers and noise."""

    def __init__(self, n_rows):
        self.n_rows = n_rows
        self.device = "cpu"

    def draw(self, rows, generator):
        return rows, torch.rand(len(rows), generator=generator)


class Line(DrawnDataset):
    """y = 3 x - 1 on n points."""

    device = "cpu"

    def __init__(self, n_rows=100):
        self.n_rows = n_rows

    def draw(self, rows, generator):
        x = 4 * torch.rand(len(rows), 1, generator=generator) - 2
        return {"input": x}, 3 * x - 1


SETTINGS = TrainingSettings(
    max_iter=200,
    batch_size=16,
    learning_rate=0.05,
    early_stopping=False,
    tol=1e-4,
    device="cpu",
)


# ---------------------------------------------------------------- batches


@pytest.mark.parametrize(("n_rows", "batch_size"), [(40, 10), (40, 40), (40, 7), (5, 256)])
def test_every_row_once_per_permutation(n_rows, batch_size):
    """A permutation is used up (but for less than a batch) before the next one begins."""
    batches = [rows for rows, _ in BatchIterator(Rows(n_rows), batch_size, n_batches=60)]
    size = min(batch_size, n_rows)
    per_pass = n_rows // size
    assert {len(rows) for rows in batches} == {size}
    for begin in range(0, 60 - per_pass + 1, per_pass):
        seen = torch.cat(batches[begin : begin + per_pass])
        assert len(seen.unique()) == per_pass * size
    counts = torch.bincount(torch.cat(batches), minlength=n_rows)
    assert counts.min() > 0


def test_number_and_order_of_batches():
    iterator = BatchIterator(Rows(40), 8, n_batches=13)
    assert len(iterator) == len(list(iterator)) == 13
    first, second = list(iterator), list(iterator)
    assert not torch.equal(first[0][0], second[0][0])  # the stream goes on


def test_fixed_batches_are_the_same_each_time():
    iterator = BatchIterator(Rows(40), 8, seed=3, n_batches=4, fixed=True)
    for (rows, noise), (same_rows, same_noise) in zip(list(iterator), iterator, strict=True):
        assert torch.equal(rows, same_rows)
        assert torch.equal(noise, same_noise)


def test_batches_depend_on_their_seed_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = next(iter(BatchIterator(Rows(40), 8, seed=3)))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    again = next(iter(BatchIterator(Rows(40), 8, seed=3)))
    other = next(iter(BatchIterator(Rows(40), 8, seed=4)))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("validation", [None, Line(20)])
def test_a_line_is_learned(validation):
    torch.manual_seed(0)
    net = train(nn.Linear(1, 1), Line(), validation, label="line", seed=0, settings=SETTINGS)
    assert net.module_.weight.item() == pytest.approx(3, abs=0.05)
    assert net.module_.bias.item() == pytest.approx(-1, abs=0.05)
    assert not net.module_.training
    assert not any(p.requires_grad for p in net.module_.parameters())


@pytest.mark.parametrize("max_iter", [1, 49, 50, 51, 130])
def test_steps_are_those_asked_for(max_iter):
    """Split evenly over epochs of at most 50 steps; the schedule ends where they end."""
    settings = replace(SETTINGS, max_iter=max_iter)
    net = train(nn.Linear(1, 1), Line(), None, label="line", seed=0, settings=settings)
    n_steps = [len(epoch["batches"]) for epoch in net.history]
    assert len(n_steps) == -(-max_iter // 50)
    assert max_iter <= sum(n_steps) < max_iter + len(n_steps)
    assert len(set(n_steps)) == 1
    if max_iter > 50:
        assert net.optimizer_.param_groups[0]["lr"] < 1e-3 * SETTINGS.learning_rate


# ---------------------------------------------------------------- held-out rows


def test_whole_groups_are_held_out(rng):
    units = rng.integers(0, 50, size=300)
    kept, held = split_rows(units, np.random.default_rng(0), True)
    assert_array_equal(np.sort(np.r_[kept, held]), np.arange(300))
    assert not np.isin(units[held], units[kept]).any()
    assert len(np.unique(units[held])) == 5


@pytest.mark.parametrize(("n_rows", "n_held"), [(60, 12), (800, 100), (5000, 500)])
def test_enough_rows_are_held_out_but_no_more_than_a_fifth(n_rows, n_held):
    kept, held = split_rows(np.arange(n_rows), np.random.default_rng(0), True, enough=100)
    assert (len(kept), len(held)) == (n_rows - n_held, n_held)


def test_few_groups_are_split_by_rows(rng):
    units = rng.integers(0, 3, size=300)
    kept, held = split_rows(units, np.random.default_rng(0), True)
    assert_array_equal(np.sort(np.r_[kept, held]), np.arange(300))
    assert len(held) == 30


def test_few_rows_are_all_used():
    kept, held = split_rows(np.arange(49), np.random.default_rng(0), True)
    assert_array_equal(kept, np.arange(49))
    assert held is None


def test_many_draws_of_all_conditions_are_all_used_unless_asked(rng):
    units = np.repeat([0, 1], 100)
    kept, held = split_rows(units, np.random.default_rng(0), False)
    assert_array_equal(kept, np.arange(200))
    assert held is None
    assert split_rows(np.arange(200), np.random.default_rng(0), False)[1] is not None
