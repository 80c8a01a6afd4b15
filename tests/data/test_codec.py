"""Few coordinates of many outputs: what they keep, and what they leave out."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from sklearn_hti.data.budget import BUDGET
from sklearn_hti.data.codec import Principal
from sklearn_hti.data.coordinate_graph import graphs_of
from sklearn_hti.data.outputs import make_space

D = 200  # more than Budget.coordinates


def images(rng, n=40, rank=3):
    """Return outputs of few coordinates, of which some do not vary."""
    y = 5 + rng.normal(size=(n, rank)) @ rng.normal(size=(rank, D))
    y[:, :7] = 0.25
    return y


def space(y, transform="auto", scaling="common", **bounds):
    return make_space(transform, scaling, y, y.shape[1:], **bounds)


def test_coordinates_are_as_many_as_outputs_have(rng):
    y = images(rng)
    few = space(y)
    assert few.n_coordinates == 3
    assert_allclose(few.decode(few.encode(y)), y, rtol=1e-10)
    assert_allclose(few.encode(y).var(axis=0).mean(), 1)
    # fewer rows than outputs, and all of them needed
    noise = rng.normal(size=(30, D))
    assert space(noise).n_coordinates == 29
    assert space(rng.normal(size=(300, D))).n_coordinates == BUDGET.coordinates
    assert space(np.full((30, D), 2.0)).n_coordinates == 1
    assert_array_equal(space(np.full((30, D), 2.0)).decode(np.zeros((1, 1))), np.full((1, D), 2.0))


@pytest.mark.parametrize("scaling", ["common", "per_output"])
def test_whole_outputs_lose_nothing(rng, scaling):
    y = rng.normal(size=(300, D)) * np.geomspace(1, 30, D)
    many = space(y, scaling=scaling)
    whole = many.encode_whole(y)
    assert_allclose(many.decode(whole), y, rtol=1e-9, atol=1e-9)
    assert_array_equal(whole[:, : many.n_coordinates], many.encode(y))
    # orthogonal: couplings of whole outputs are those of outputs
    if scaling == "common":
        assert_allclose(pdist(whole) * many.unit * np.sqrt(D / many.n_coordinates), pdist(y))


def test_displaced_outputs_keep_their_rest(rng):
    y = rng.normal(size=(300, D))
    many = space(y)
    moved = np.zeros((2, 300, many.n_coordinates))
    moved[1, :, 0] = 0.3
    there = many.move(y, moved)
    assert_array_equal(there[0], y)
    step = there[1] - y
    assert_allclose(step, np.broadcast_to(step[0], step.shape), atol=1e-12)


def test_log_ratios_of_many_classes_stay_on_the_simplex(rng):
    p = softmax(rng.normal(size=(300, D)), axis=1)
    many = space(p, "simplex")
    assert isinstance(many.codec, Principal)
    assert_allclose(many.decode(many.encode_whole(p)), p, rtol=1e-9)
    some = many.decode(many.encode(p))
    assert_allclose(some.sum(axis=1), 1)
    down, up = many.reach(p[:4], np.full((4, many.n_coordinates), 0.1), 2.0)
    assert (down > 0).all()
    assert (up > 0).all()


@pytest.mark.parametrize("transform", [None, StandardScaler()])
def test_only_auto_and_names_have_a_codec(rng, transform):
    assert space(images(rng), transform).codec is None


def test_few_outputs_have_none(rng):
    y = rng.normal(size=(50, BUDGET.coordinates))
    assert space(y).as_they_are


def test_a_transformer_that_loses_is_a_codec(rng):
    y = rng.normal(size=(50, 4))
    own = space(y, PCA(2))
    assert (own.n_coordinates, own.coordinates) == (2, None)
    assert_allclose(own.decode(own.encode_whole(y)), y)
    assert_allclose(
        own.decode(own.encode(y)), PCA(2).fit(y).inverse_transform(PCA(2).fit_transform(y))
    )


class FirstHalf:
    """A transformer without `set_output`, which the user's need not have."""

    def get_params(self, deep=True):
        return {}

    def fit(self, y):
        return self

    def transform(self, y):
        return y[:, :2]

    def inverse_transform(self, z):
        return np.hstack([z, z])


def test_transformers_need_no_names_of_columns(rng):
    y = rng.normal(size=(20, 4))
    own = space(y, FirstHalf())
    assert_allclose(own.decode(own.encode_whole(y)), y)


def test_reach_is_that_of_steps_along_axes(rng):
    y = images(rng)
    few = space(y)
    width = rng.uniform(size=(40, 3))
    down, up = few.reach(y, width)
    steps = [few.decode(few.encode(y) + width * (np.arange(3) == j)) - y for j in range(3)]
    assert_allclose(up, np.sqrt(np.sum(np.square(steps), axis=0)), atol=1e-9)
    assert_array_equal(down, up)


def test_the_same_in_torch(rng):
    y = rng.normal(size=(300, D))
    many = space(y)
    _, codec = graphs_of(many, "export")
    z = codec.encode(torch.tensor(y))
    assert_allclose(z, many.codec.encode(y), atol=1e-10)
    assert_allclose(codec.decode(z), many.codec.decode(z.numpy()), atol=1e-10)
