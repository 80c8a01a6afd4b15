"""Facts about designs that are known by hand; questions on both sides of their cut-offs."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from sklearn_hti.data.facts import DrawCounts, inputs_shared, is_continuous


def counts(*per_input):
    """Draws per input, of rows in any order."""
    groups = np.repeat(np.arange(len(per_input)), per_input)
    return DrawCounts.of(np.random.default_rng(0).permutation(groups))


@pytest.fixture
def design(encode):
    """Rows of a design: inputs at every anchor, and draws of each."""

    def design(inputs, n_draws, *, noise=0.1, **options):
        rng = np.random.default_rng(0)
        sizes = [len(at) * n_draws for at in inputs]
        X = np.concatenate([np.repeat(at, n_draws) for at in inputs])[:, None].astype(float)
        lam = np.repeat(np.arange(len(inputs)), sizes)
        y = X + lam[:, None] + noise * rng.normal(size=(len(X), 3))
        return encode(X, y, lam, n_anchors=len(inputs), **options)

    return design


# ---------------------------------------------------------------- counts


def test_counts_of_rows():
    found = DrawCounts.of(np.array([7, 3, 7, 7, 5, 5]))
    assert found.inputs.tolist() == [3, 5, 7]
    assert found.per_input.tolist() == [1, 2, 3]
    assert (found.n_rows, found.n_inputs, found.n_spare) == (6, 3, 3)
    assert (found.median, found.fewest) == (2, 1)


@pytest.mark.parametrize(
    ("question", "yes", "no"),
    [
        ("one_each", [1, 1, 1], [1, 1, 2]),
        ("mostly_single", [1, 1, 3], [1, 1, 2, 4]),
        ("mostly_repeated", [1, 1, 2], [1, 1, 1, 2]),
        ("some_repeat", [1] * 8 + [2], [1] * 9 + [2]),
        ("show_spread", [2, 4, 6], [4, 4, 4]),
        ("tell_variance", [2] * 20, [2] * 19),
        ("tell_variance", [1] * 19 + [21], [1] * 20 + [20]),
        ("match_by_input", [4, 6], [4, 5]),
        ("know_distributions", [19, 21], [19, 20]),
        ("have_entropies", [20] * 100, [20] * 101),
        ("have_entropies", [20, 30], [19, 30]),
        ("can_be_listed", [5] * 50, [5] * 51),
        ("can_be_listed", [5, 30], [4, 30]),
        ("show_neighbours", [1] * 20, [1] * 19),
        ("hold_inputs", [1] * 20, [1] * 19),
    ],
)
def test_cut_offs(question, yes, no):
    assert getattr(counts(*yes), question)
    assert not getattr(counts(*no), question)


# ---------------------------------------------------------------- inputs that are shared


def test_half_of_the_rows_of_both_sides_have_to_be_shared():
    assert inputs_shared([0, 1], [1, 2])
    assert not inputs_shared([0, 1, 2], [2, 3])
    assert not inputs_shared([2, 3], [0, 1, 2])
    assert inputs_shared([0, 1, 2, 2, 2], [2, 3])  # rows count, not inputs
    assert not inputs_shared([], [0])


def test_shared_by_neighbours_or_by_any_anchor(design):
    facts = design([[0, 1], [2, 3], [0, 1]], 30).facts
    assert facts.edges_shared == {(0, 1): False, (1, 2): False}
    assert facts.inputs_shared == (True, False, True)
    facts = design([[0, 1], [0, 1], [0, 1]], 30).facts
    assert facts.edges_shared == {(0, 1): True, (1, 2): True}
    assert all(facts.inputs_shared)


# ---------------------------------------------------------------- designs


def test_facts_of_a_design(design):
    facts = design([[0, 1], [0, 1, 2]], 30).facts
    assert [found.n_inputs for found in facts.draws] == [2, 3]
    assert [found.median for found in facts.draws] == [30, 30]
    assert (facts.all_draws.n_rows, facts.all_draws.n_inputs) == (150, 3)
    assert (facts.n_outputs, facts.n_numbers, facts.n_categorical) == (3, 1, 0)
    facts = design([[0, 1], [0, 1]], 30, categorical=[0]).facts
    assert (facts.n_numbers, facts.n_categorical) == (0, 1)


def test_facts_do_not_depend_on_the_order_of_rows(design):
    data = design([range(30), range(25)], 3)
    shuffled = data.take(np.random.default_rng(1).permutation(len(data.y))).facts
    assert shuffled.inputs_shared == data.facts.inputs_shared
    assert shuffled.draws_differ == data.facts.draws_differ
    for one, other in zip(shuffled.draws, data.facts.draws, strict=True):
        assert np.array_equal(one.per_input, other.per_input)


def test_draws_differ_where_the_variance_within_inputs_tells_so(design):
    assert design([range(20)] * 2, 2).facts.draws_differ == (True, True)
    assert design([range(20)] * 2, 2, noise=0).facts.draws_differ == (False, False)
    assert design([range(20)] * 2, 2, noise=3e-5).facts.draws_differ == (True, True)
    assert design([range(20)] * 2, 2, noise=3e-6).facts.draws_differ == (False, False)
    assert design([range(200)] * 2, 1).facts.draws_differ == (False, False)
    assert design([range(19), range(20)], 2).facts.draws_differ == (False, True)


def test_one_answer_where_inputs_are_shared_and_no_two_outputs_of_one_differ(design):
    assert design([range(9)] * 2, 1).facts.one_answer
    assert design([range(9)] * 2, 3, noise=0).facts.one_answer  # asked again, the same
    assert not design([range(9)] * 2, 2, noise=1e-3).facts.one_answer
    assert design([range(9), range(6)], 1).facts.one_answer
    assert not design([range(9), range(4)], 1).facts.one_answer  # most have to be shared
    data = design([range(9)] * 2, 1)
    twice = data.take(np.r_[np.arange(18), 0])
    assert twice.facts.one_answer
    twice.y[-1] += 1e-3
    assert not replace(twice).facts.one_answer


def test_few_draws_of_near_inputs(design):
    facts = design([range(20)] * 2, 4).facts
    assert facts.few_draws((0, 1), 5)
    assert not facts.few_draws((0, 1), 4)
    assert not facts.few_draws((0, 1), 0)
    assert not design([range(200)] * 2, 1).facts.few_draws((0, 1), 64)
    assert not design([range(20), range(19)], 4).facts.few_draws((0, 1), 64)
    assert not design([range(20)] * 2, 4, noise=0).facts.few_draws((0, 1), 64)
    assert not design([range(20)] * 2, 4, categorical=[0]).facts.few_draws((0, 1), 64)


def test_facts_are_computed_once_and_anew_for_other_rows(design):
    data = design([[0, 1], [0, 1], [0, 1]], 30)
    assert data.facts is data.facts
    half = data.take(np.arange(0, len(data.y), 2))
    assert half.facts.draws[0].median == 15
    assert data.facts.draws[0].median == 30
    assert data.without(1).facts.edges_shared == {(0, 1): True}


def test_facts_cannot_be_changed(design):
    with pytest.raises(FrozenInstanceError):
        design([[0, 1], [0, 1]], 30).facts.n_outputs = 1


def test_continuous_numbers():
    assert is_continuous(np.arange(11) / 2)
    assert not is_continuous(np.arange(10) / 2)
    assert not is_continuous(np.arange(100.0))
