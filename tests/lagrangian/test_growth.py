"""The growth term against closed forms of the Wasserstein-Fisher-Rao distance."""

import numpy as np
import ot
import pytest
from numpy.testing import assert_allclose

from sklearn_hti.lagrangian import Unbalanced
from sklearn_hti.lagrangian.growth import growth_cost, reach


def growth_action(path, mass, delta):
    """Return the integral of m (|v|^2 + delta^2 g^2) / 2 over even times from 0 to 1."""
    n_steps = len(path) - 1
    speed = n_steps * np.linalg.norm(np.diff(path, axis=0), axis=1)
    growth = n_steps * np.diff(np.log(mass))
    return np.mean(0.5 * (mass[1:] + mass[:-1]) * 0.5 * (speed**2 + delta**2 * growth**2))


@pytest.mark.parametrize(("d", "delta", "m0", "m1"), [(1.0, 0.5, 1.0, 1.0), (0.8, 0.3, 0.2, 0.9)])
def test_the_straight_path_on_the_cone_has_the_least_action(d, delta, m0, m1):
    angle, s = d / (2 * delta), np.linspace(0, 1, 4001)
    ends = np.sqrt(m0), np.sqrt(m1) * np.exp(1j * angle)
    z = (1 - s) * ends[0] + s * ends[1]
    path, mass = 2 * delta * np.angle(z)[:, None], np.abs(z) ** 2
    least = growth_cost(d, delta, m0, m1)
    assert_allclose(growth_action(path, mass, delta), least, rtol=1e-4)
    assert growth_action(d * s[:, None], (1 - s) * m0 + s * m1, delta) > least


def test_limits():
    near = growth_cost(0.01, 1.0)
    assert_allclose(near, 0.5 * 0.01**2, rtol=1e-4)  # transport
    far = growth_cost([reach(0.3), 5.0], 0.3, 0.4, 0.6)
    assert_allclose(far, 2 * 0.3**2)  # one is destroyed, the other created
    assert growth_cost(0.99 * reach(0.3), 0.3, 0.4, 0.6) < far[0]
    in_place = growth_cost(0.0, 0.3, 0.4, 0.9)
    assert_allclose(in_place, 2 * 0.3**2 * (np.sqrt(0.9) - np.sqrt(0.4)) ** 2)


@pytest.mark.parametrize("d", [0.2, 0.6])
def test_static_problem_has_the_same_value(d):
    """Kantorovich's form, with the cost -log cos^2 and free marginals, solved by POT."""
    delta, m0, m1 = 0.3, np.array([0.7]), np.array([0.4])
    cost = np.array([[-2 * np.log(np.cos(d / (2 * delta)))]])
    plan = ot.unbalanced.mm_unbalanced(m0, m1, cost, reg_m=1.0, div="kl", numItermax=5000)
    g = plan[0, 0]
    kl = sum(g * np.log(g / m) - g + m for m in (0.7, 0.4))
    value = 2 * delta**2 * (g * cost[0, 0] + kl)
    assert_allclose(value, growth_cost(d, delta, 0.7, 0.4), rtol=1e-5)


def test_delta_is_checked():
    for delta in (-1.0, np.inf, "large", True):
        with pytest.raises(ValueError, match=r"delta=.* must be 'auto' or a finite number"):
            Unbalanced(delta=delta)._check()
