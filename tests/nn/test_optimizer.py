"""Orthogonalised momentum for hidden matrices, AdamW for the rest."""

import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_hti._utils.random import torch_generator
from sklearn_hti.nn.optimizer import Muon, orthogonalise


def matrices(*shape, seed=0):
    return torch.randn(*shape, generator=torch_generator(seed))


@pytest.mark.parametrize("shape", [(2, 48, 48), (1, 40, 64), (3, 64, 40)])
def test_singular_values_become_about_one(shape):
    """The quintic iteration leaves them between .5 and 1.5, the singular vectors as they are."""
    x = matrices(*shape)
    u, _, vh = torch.linalg.svd(x, full_matrices=False)
    values = (u.mT @ orthogonalise(x) @ vh.mT).diagonal(dim1=1, dim2=2)
    assert values.median() == pytest.approx(1, abs=0.3)
    assert values.max() < 1.6


def test_zero_gradients_stay_zero():
    assert not orthogonalise(torch.zeros(2, 40, 40)).any()


@pytest.mark.parametrize("exponent", [-70, -100, 60])
def test_the_size_of_a_gradient_does_not_matter(exponent):
    """Squares of the entries underflow, or overflow; powers of two change no bit."""
    x = matrices(2, 40, 64)
    torch.testing.assert_close(
        orthogonalise(torch.ldexp(x, torch.tensor(exponent))), orthogonalise(x), rtol=0, atol=0
    )


def test_only_hidden_matrices_are_orthogonalised():
    """A vector and a narrow matrix move exactly as with AdamW."""

    def parameters():
        shapes = [(64, 64), (64, 8), (64,)]
        return [torch.nn.Parameter(matrices(*shape, seed=i)) for i, shape in enumerate(shapes)]

    ours, theirs = parameters(), parameters()
    optimizers = Muon(ours, lr=0.01), torch.optim.AdamW(theirs, lr=0.01)
    for step in range(3):
        for group in (ours, theirs):
            for i, p in enumerate(group):
                p.grad = matrices(*p.shape, seed=10 + 3 * step + i)
        for optimizer in optimizers:
            optimizer.step()
    for p, q in zip(ours[1:], theirs[1:], strict=True):
        assert_allclose(p.detach(), q.detach())
    assert (ours[0] - theirs[0]).abs().max() > 1e-3


def test_steps_of_matrices_are_as_long_as_the_learning_rate_says():
    """All directions count alike, whatever the size of the gradient."""
    for scale in (1e-4, 1e4):
        p = torch.nn.Parameter(torch.zeros(64, 64))
        optimizer = Muon([p], lr=0.01)
        p.grad = scale * matrices(64, 64)
        optimizer.step()
        assert p.detach().square().mean().sqrt() == pytest.approx(0.4 * 0.01, rel=0.3)


def test_a_least_squares_problem_is_solved():
    """Ill-conditioned, where plain gradients crawl."""
    x = matrices(512, 48) * torch.logspace(0, -2, 48)
    aim = matrices(48, 48, seed=1)
    p = torch.nn.Parameter(torch.zeros(48, 48))
    optimizer = Muon([p], lr=0.05, weight_decay=0.0)
    for step in range(300):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - step / 300)
        loss = ((x @ (p - aim)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1e-3 * ((x @ aim) ** 2).mean()
