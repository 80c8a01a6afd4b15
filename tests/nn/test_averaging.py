"""The mean of late weights: it forgets the beginning, and goes in and out of the module."""

import torch
from numpy.testing import assert_allclose
from torch import nn

from sklearn_hti.nn.averaging import WeightAverage


def follow(values):
    """Return an average that has seen these values of one weight, and its module."""
    module = nn.Linear(1, 1, bias=False)
    average = WeightAverage(module)
    for value in values:
        nn.init.constant_(module.weight, value)
        average.update()
    return average, module


def test_equal_weights_are_their_own_mean():
    average, module = follow([3.0] * 400)
    average.show(True)
    assert_allclose(module.weight.item(), 3.0, rtol=1e-3)


def test_noise_is_averaged_away_and_the_beginning_forgotten():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1000, generator=generator)
    average, module = follow([50.0] * 10 + (1 + noise).tolist())
    average.show(True)
    assert_allclose(module.weight.item(), 1.0, atol=0.4)  # of one step it is 1.0


def test_the_mean_and_the_last_weights_change_places():
    average, module = follow([1.0, 2.0])
    parameter = module.weight
    average.show(True)
    mean = module.weight.item()
    assert 1.0 < mean < 2.0
    average.show(True)
    assert module.weight.item() == mean
    average.show(False)
    assert module.weight.item() == 2.0
    assert module.weight is parameter  # which the optimizer knows


def test_state_goes_on():
    average, module = follow([1.0, 5.0, 2.0])
    average.show(True)
    again = WeightAverage(module)
    again.load_state_dict(average.state_dict())
    for one in (average, again):
        one.show(False)
        assert module.weight.item() == 2.0
        one.show(True)
