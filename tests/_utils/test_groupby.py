import numpy as np
import pytest

from sklearn_hti._utils.groupby import (
    first_of_each,
    mean_of_groups,
    number_groups,
    rank_in_group,
    split_by_group,
)

LABELS = np.array([30, 10, 30, 20, 10, 30])


@pytest.fixture
def labels():
    """A few hundred labels in any order, not all numbers of which occur."""
    return np.random.default_rng(0).choice([3, 5, 6, 11], size=300)


def test_numbers_are_those_of_the_sorted_labels():
    assert number_groups(LABELS).tolist() == [2, 0, 2, 1, 0, 2]
    assert number_groups(np.array(["b", "a", "b"])).tolist() == [1, 0, 1]


def test_rows_are_one_group_where_all_columns_are_equal():
    rows = np.array([[1, 2], [0, 9], [1, 2], [1, 1]])
    assert number_groups(rows).tolist() == [2, 0, 2, 1]
    assert number_groups(np.zeros((3, 0))).tolist() == [0, 0, 0]


def test_first_of_each_group():
    assert first_of_each(LABELS).tolist() == [1, 3, 0]


def test_parts_hold_ascending_positions():
    parts = split_by_group(LABELS)
    assert [part.tolist() for part in parts] == [[1, 4], [3], [0, 2, 5]]


def test_parts_of_numbered_groups_may_be_empty():
    parts = split_by_group(np.array([3, 1, 3]), 5)
    assert [part.tolist() for part in parts] == [[], [1], [], [0, 2], []]


def test_rank_and_size_in_the_order_of_the_entries():
    rank, size = rank_in_group(LABELS)
    assert rank.tolist() == [0, 0, 1, 0, 1, 2]
    assert size.tolist() == [3, 2, 3, 1, 2, 3]


def test_ranks_and_parts_agree(labels):
    rank, size = rank_in_group(labels)
    parts = split_by_group(labels)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    for part, first in zip(parts, first_of_each(labels), strict=True):
        assert len(set(labels[part])) == 1
        assert part[0] == first
        assert np.array_equal(rank[part], np.arange(len(part)))
        assert (size[part] == len(part)).all()


def test_means_of_groups(labels):
    values = np.random.default_rng(1).normal(size=(len(labels), 2))
    expected = [values[labels == label].mean(axis=0) for label in np.unique(labels)]
    assert np.allclose(mean_of_groups(number_groups(labels), values), expected, atol=1e-14)


def test_no_entries():
    nothing = np.zeros(0, dtype=int)
    assert [part.tolist() for part in split_by_group(nothing)] == [[]]
    assert all(len(part) == 0 for part in (*rank_in_group(nothing), first_of_each(nothing)))
