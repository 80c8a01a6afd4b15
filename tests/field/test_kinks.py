"""The signal fraction of kinks: of single answers, and of draws."""

import numpy as np
import pytest

from sklearn_hti.data.anchors import find_anchors
from sklearn_hti.data.conditions import Features
from sklearn_hti.data.encoding import ConditionEncoder
from sklearn_hti.data.training_data import TrainingData
from sklearn_hti.datasets import make_rotations
from sklearn_hti.field.kinks import signal_fraction, signal_fractions_of_draws


def training_data(X, y, lam):
    """Encoded rows."""
    encoder = ConditionEncoder().fit(X, None, len(X))
    conditions = encoder.transform(X, len(X))
    features = Features(conditions, encoder.n_categories_)
    return TrainingData(y, conditions, features, conditions.groups(), lam, find_anchors(lam))


def of_steps(rng, *steps, n=200):
    """Three groups of n draws, which move from anchor to anchor by so much and are fresh there."""
    lam = np.repeat(np.arange(len(steps) + 1.0), 3 * n)
    X = np.tile(np.repeat(np.arange(3.0), n), len(steps) + 1)[:, None]
    path = np.vstack([np.zeros(2), np.cumsum(steps, axis=0)])
    return training_data(X, path[lam.astype(int)] + rng.normal(size=(len(lam), 2)), lam)


def test_the_fraction_of_noise_is_found(rng):
    x = rng.normal(size=(200, 2))
    signal = np.sin(x) + x[:, ::-1]
    noise = rng.normal(size=signal.shape)
    for sigma in (0.0, 0.5, 1.0):
        kinks = (signal + sigma * noise)[:, None]
        fraction = np.mean(signal**2) / np.mean(kinks**2)
        assert signal_fraction(x, kinks, rng) == pytest.approx(fraction, abs=0.12)
    assert signal_fraction(x, np.ones((200, 1, 2)), rng) == 1
    assert signal_fraction(x, noise[:, None], rng) < 0.15


@pytest.mark.parametrize(("draws", "conditions"), [(20, 60), (300, 4)])
def test_turning_discs_are_seen_to_turn(rng, draws, conditions):
    made = make_rotations(draws, n_conditions=conditions, random_state=0)
    fraction = signal_fractions_of_draws(training_data(made.X, made.y, made.lam), rng)
    assert fraction.shape == (1,)
    assert fraction[0] > 0.7


def test_samples_of_one_distribution_are_have_no_known_kinks(rng):
    assert signal_fractions_of_draws(of_steps(rng, [0, 0], [0, 0]), rng)[0] < 0.3


def test_a_kink_is_signal_if_both_slopes_are(rng):
    """The step before the first inner anchor is noise alone, those at the second are not."""
    none, both = signal_fractions_of_draws(of_steps(rng, [0, 0], [3, 0], [3, 2]), rng)
    assert none < 0.5
    assert both > 0.9


def test_single_draws_cannot_be_halved(rng):
    X = np.tile(rng.normal(size=(60, 1)), (3, 1))
    data = training_data(X, rng.normal(size=(180, 2)), np.repeat([0.0, 1.0, 2.0], 60))
    assert signal_fractions_of_draws(data, rng).tolist() == [0]


def test_draws_at_one_anchor_alone_say_nothing(rng):
    """Halves that do not reach all anchors tell of no kink."""
    X = np.concatenate([np.repeat(np.arange(30.0), 4), np.arange(30.0), np.arange(30.0)])
    lam = np.repeat([0.0, 1.0, 2.0], [120, 30, 30])
    data = training_data(X[:, None], rng.normal(size=(180, 2)), lam)
    assert signal_fractions_of_draws(data, rng).tolist() == [0]
