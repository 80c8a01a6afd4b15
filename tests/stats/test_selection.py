"""Choices whose gains and errors are known by hand, and how often chance is chosen."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from sklearn_hti.stats.selection import select

FLAT = np.full(4, 2.0)
# gains over FLAT of 1, 1, 3, 3: mean 2, standard deviation 1, standard error 1/2
CURVE = FLAT - [1, 1, 3, 3]


def test_figures_of_a_comparison():
    found = select([FLAT, CURVE], ["flat", "curve"])
    assert (found.index, found.name) == (1, "curve")
    assert found.losses == (2.0, 0.0)
    assert found.gains == (0.0, 2.0)
    assert found.errors == (0.0, 0.5)
    with pytest.raises(FrozenInstanceError):
        found.index = 0


def test_the_gain_has_to_exceed_so_many_standard_errors():
    assert select([FLAT, CURVE], n_errors=3.9).index == 1
    assert select([FLAT, CURVE], n_errors=4.0).index == 0


def test_the_gain_has_to_exceed_a_margin_too():
    assert select([FLAT, CURVE], margin=0.9).index == 1
    assert select([FLAT, CURVE], margin=1.0).index == 0
    # 2.1 exceeds 2 by 5 %, not by more
    assert select([[2.15], [2.0]], n_errors=0, relative=0.05).index == 1
    assert select([[2.05], [2.0]], n_errors=0, relative=0.05).index == 0


def test_equal_candidates_leave_the_simpler_one():
    assert select([FLAT, FLAT, FLAT], n_errors=0).index == 0
    assert select([FLAT, FLAT, FLAT], n_errors=0, compare="best").index == 0


def test_losses_are_paired(rng):
    """Units that differ much, and candidates that differ little in all of them."""
    units = rng.normal(scale=100, size=50)
    gains = rng.normal(0.1, 0.1, size=50)
    assert select([units, units - gains]).index == 1
    assert select([units, rng.permutation(units - gains)]).index == 0


def test_units_of_losses_do_not_matter(rng):
    losses = rng.normal(size=(4, 30)) - np.linspace(0, 0.8, 4)[:, None]
    for compare in ("each", "best"):
        index = select(losses, compare=compare).index
        assert select(1e3 * losses + 7, compare=compare).index == index


def test_each_is_compared_with_the_one_chosen_so_far():
    small = FLAT - [0.5, 0.5, 0.7, 0.7]  # better than the first, and better by the last's error
    assert select([FLAT, small, CURVE], n_errors=2.0).index == 2
    assert select([FLAT, small, CURVE], n_errors=3.2).index == 1
    found = select([FLAT, small, CURVE], n_errors=3.2)
    assert found.gains == pytest.approx((0, 0.6, 1.4))


def test_the_best_is_compared_with_the_first():
    small = FLAT - [0.5, 0.5, 0.7, 0.7]
    assert select([FLAT, small, CURVE], n_errors=3.0, compare="best").index == 2
    found = select([FLAT, small, CURVE], n_errors=4.5, compare="best")
    assert found.index == 0  # though the other gains more than 4.5 of its errors
    assert found.gains == pytest.approx((0, 0.6, 2.0))


@pytest.mark.parametrize("compare", ["each", "best"])
def test_candidates_without_a_loss_are_not_chosen(compare):
    assert select([[2.0], [np.nan], [1.0]], n_errors=0, compare=compare).index == 2
    assert select([[np.nan], [1.0]], n_errors=0, compare=compare).index == 0
    assert select([[2.0], [np.nan]], n_errors=0, compare=compare).index == 0


def test_one_candidate_is_chosen():
    assert select([[1.0, 2.0]], ["only"]).name == "only"
    assert select([[1.0, 2.0]], compare="best").index == 0


def test_chance_is_rarely_chosen(rng):
    """Two standard errors are exceeded by 2.3 % of normal gains without a mean."""
    losses = rng.normal(size=(4000, 2, 100))
    taken = {k: np.mean([select(one, n_errors=k).index for one in losses]) for k in (0, 1, 2)}
    assert taken[0] == pytest.approx(0.5, abs=0.03)
    assert taken[1] == pytest.approx(0.159, abs=0.025)
    assert taken[2] == pytest.approx(0.023, abs=0.012)


@pytest.mark.parametrize("losses", [[1.0, 2.0], [], [[], []], np.zeros((2, 3, 1))])
def test_other_shapes_are_refused(losses):
    with pytest.raises(ValueError, match=r"losses: shape \(n_candidates, n_units\)"):
        select(losses)


def test_other_comparisons_are_refused():
    with pytest.raises(ValueError, match="compare='all' is not available"):
        select([FLAT, CURVE], compare="all")
