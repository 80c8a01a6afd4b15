"""The arena: what methods may see, what they answer, and the page from stored records."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.arena import judge as judging
from benchmarks.arena import otp_flow, page
from benchmarks.arena.__main__ import run
from benchmarks.arena.cases import Case, case_of
from benchmarks.arena.conditioned import ConditionedNetwork
from benchmarks.arena.curve import case_of_curve, values
from benchmarks.arena.extra_families import MAKERS
from benchmarks.arena.judge import judge
from benchmarks.arena.method import KINDS, NETWORKS, OUTPUTS, TRAINING, Method
from benchmarks.arena.networks import Conditioned, train_plain
from benchmarks.arena.registry import METHODS, MISSING
from benchmarks.arena.trainings_generative import TRAININGS
from benchmarks.arena.weights import checkpoints
from benchmarks.records import read
from benchmarks.zoo.family import Family
from benchmarks.zoo.registry import load

DEAR = {
    "ours",
    "flow matching",
    "metric flow matching",
    "torchcfm",
    "Treeffuser",
    "conditioned network",
    "BoTorch emulator",
}


@pytest.fixture
def tiny():
    """y = (x + 1) lambda, two seeds that differ by little."""
    X = np.linspace(0, 1, 60)[:, np.newaxis]
    lams = (0.0, 0.25, 0.5, 0.75, 1.0)
    y = np.stack([[(X + 1) * lam + 0.01 * seed for lam in lams] for seed in range(2)])
    rows = np.arange(60)
    family = Family(
        name="tiny", network="", hyperparameter="", changes="", data="", lams=lams,
        clock="identity", deterministic=True, train=None, X=X, y=y, train_rows=rows[::2],
        test_rows=rows[1::2],
    )  # fmt: skip
    return Case(family, (0.0, 0.5, 1.0), (0.25, 0.75))


@pytest.fixture
def drawn(rng):
    """y ~ N(lambda, 0.1^2) in the plane, at two inputs."""
    X = np.repeat([0.0, 1.0], 60)[:, np.newaxis]
    lams = (0.0, 0.25, 0.5, 0.75, 1.0)
    y = np.array(lams)[:, None, None] + 0.1 * rng.normal(size=(2, 5, 120, 2))
    family = Family(
        name="drawn", network="", hyperparameter="", changes="", data="", lams=lams,
        clock="identity", deterministic=False, categorical=(0,), train=None, X=X, y=y,
        train_rows=np.arange(0, 120, 2), test_rows=np.arange(1, 120, 2),
    )  # fmt: skip
    return Case(family, (0.0, 0.5, 1.0), (0.25, 0.75))


def applicable(name):
    return METHODS[name].needs in (OUTPUTS, NETWORKS)


@pytest.mark.parametrize("name", [m for m in METHODS if applicable(m) and m not in DEAR])
@pytest.mark.parametrize("kind", ["tiny", "drawn"])
def test_methods_of_outputs(name, kind, request, monkeypatch):
    monkeypatch.setattr(otp_flow, "N_STEPS", 20)
    case = request.getfixturevalue(kind)
    record = judge(METHODS[name], case)
    still = np.mean([case.distance(case.outputs[0], lam) for lam in case.held_out])
    assert record["score"] < (2 if name == "OTP-FM" else 1) * still
    assert record["cpu"] >= 0 and record["needs"] in KINDS and record["n_asked"] == 2


def test_methods_see_what_they_need_alone(tiny):
    for kind in METHODS.values():
        outputs = kind(tiny).question(0.25).outputs
        assert (outputs is None) == (kind.needs in (OUTPUTS, TRAINING))


def test_what_is_not_finite_is_an_error(tiny):
    class Broken(Method):
        def answer(self, question):
            return np.full((len(question.X), 1), np.nan)

    with pytest.raises(FloatingPointError, match="Broken answers tiny"):
        judge(Broken, tiny)


@pytest.mark.parametrize("name", [m for m in METHODS if not applicable(m)])
def test_families_without_labels_are_refused(name, tiny):
    assert judge(METHODS[name], tiny)["refused"]


def test_missing_libraries_are_named():
    assert all("install" in how for how in MISSING.values())
    assert not set(MISSING) & set(METHODS)


@pytest.mark.parametrize("name", MAKERS)
def test_mixed_log_probabilities_are_exact(name):
    family = MAKERS[name](1)  # one seed: the truth is of the networks that are seen
    case = Case(family, family.anchors(3), family.held_out[:2])
    case.__dict__["floor"] = 0.0
    assert judge(METHODS["mixed log-probabilities"], case)["score"] < 1e-12
    assert judge(METHODS["straight line in the clock"], case)["score"] > 1e-5


def test_trainings_give_the_stored_networks():
    family, seed = load("label_smoothing_digits"), 1
    lams = family.anchors(3)
    training = TRAININGS[family.name](seed)
    nets = train_plain(training, lams)
    y = training.answer(nets, torch.tensor(lams)[:, None, None], family.test_rows)
    stored = np.stack([family.at(lam, seed=seed, rows=family.test_rows) for lam in lams])
    np.testing.assert_allclose(y, stored, atol=0.01)


def test_weights_at_a_trained_value_are_those_of_its_network(monkeypatch):
    monkeypatch.setattr(TRAININGS["adversarial_wine"], "n_steps", 20)
    checkpoints.cache_clear()
    case = case_of("adversarial_wine", None, 0)
    case = replace(case, held_out=case.trained[1:2])
    for name in ("weights, one start", "weights, separate starts"):
        model = METHODS[name](case).fit()
        [lam] = case.held_out
        y = model.answer(model.question(lam))
        lams = torch.tensor(case.trained)[:, None, None]
        theirs = model.training.answer(model.nets, lams, case.rows)[1]
        np.testing.assert_allclose(y, theirs, atol=1e-4)
    checkpoints.cache_clear()


def test_weights_of_policies():
    case = case_of("reacher_control_cost", None, 0)
    case = replace(case, held_out=case.trained[1:2])
    model = METHODS["weights, one start"](case).fit()
    y = model.answer(model.question(case.trained[1]))
    np.testing.assert_allclose(y, case.outputs[1], atol=1e-5)


def test_runs_go_on(tiny, tmp_path, capsys):
    class Broken(Method):
        def answer(self, question):
            raise ValueError("this one is broken")

    results = tmp_path / "arena.jsonl"
    names = ("nearest", "broken")
    todo = [(("tiny", name, 0, 3, "protocol"), lambda: tiny) for name in names]
    methods = {"nearest": METHODS["nearest"], "broken": Broken}
    with pytest.raises(SystemExit, match="1 fits failed"):
        run(todo, results, methods)
    [record] = read(results)
    assert record["method"] == "nearest" and record["trained"] == [0.0, 0.5, 1.0]
    run(todo[:1], results, {})  # nothing is judged twice
    assert read(results) == [record]
    assert "this one is broken" in capsys.readouterr().out


def test_conditioned_network_learns_levels(monkeypatch):
    case = case_of("quantile_diabetes", None, 0)
    monkeypatch.setattr(TRAININGS["quantile_diabetes"], "n_steps", 60)
    monkeypatch.setattr(TRAININGS["quantile_diabetes"], "conditionings", ("film",))
    record = judge(ConditionedNetwork, case)
    assert record["n_steps"] == 180
    still = np.mean([case.distance(case.outputs[0], lam) for lam in case.held_out])
    assert record["score"] < 0.3 * still
    assert abs(record["loss"] - record["loss_retrained"]) < 0.1


@pytest.mark.parametrize("kind", ["concat", "film", "weights"])
def test_weights_that_act_at_lambda(kind):
    source = torch.Generator().manual_seed(0)
    net = Conditioned((3, 4, 2), kind, lambda lam: lam, source)
    with torch.no_grad():
        for part in net.parameters():
            part.add_(0.1 * torch.randn(part.shape, generator=source))
    lam, x = torch.full((1, 5, 1), 0.3), torch.randn(5, 3, generator=source)
    assert net(x, lam).shape == (1, 5, 2)
    size = net.squared_weights(lam).expand(1, 5)
    if kind == "weights":
        waves = net.waves(lam)[0, 0, 1:]
        parts = zip(net.main.weights, net.further, strict=True)
        acting = [w[0] + torch.tensordot(waves, f, 1) for w, f in parts]
    elif kind == "film":
        scales = [scale[0, 0] for scale, _ in net.modulation(lam)]
        acting = [w[0] * s for w, s in zip(net.main.weights, scales, strict=True)]
    else:
        acting = list(net.main.weights)
    expected = sum(w.square().sum() for w in acting)
    torch.testing.assert_close(size, expected.expand(1, 5))


def test_designs_of_the_curve(tiny):
    lams = values("quantile_sunspots")
    assert (len(lams), lams[0], lams[16], lams[-1]) == (33, 0.01, 0.5, 0.99)
    X = tiny.family.X
    y = np.stack([[np.exp(-3 * X * lam) for lam in np.linspace(0, 1, 33)]])
    family = replace(tiny.family, y=y, lams=tuple(np.linspace(0, 1, 33)))
    even = case_of_curve(family, 0, 5, "even")
    assert even.trained == (0.0, 0.25, 0.5, 0.75, 1.0)
    suggested = case_of_curve(family, 0, 3, "suggested")
    assert suggested.trained[0] == 0 < suggested.trained[1] < suggested.trained[2] == 1
    assert not set(suggested.held_out) & set(family.lams[::2])


@pytest.fixture
def records():
    scores = {
        "ours, networks asked": (NETWORKS, {"a": (1.0, 1.2, 1.1), "b": (2.0, 2.1, 1.9)}),
        "ours": (OUTPUTS, {"a": (1.5, 1.6, 1.7), "b": (2.5, 2.6, 2.4)}),
        "nearest": (NETWORKS, {"a": (4.0, 4.0, 4.1), "b": (1.99, 2.11, 1.91)}),
        "conditioned network": (TRAINING, {"a": (0.5, 0.5, 0.6)}),
    }
    made = [
        {"family": family, "method": method, "seed": seed, "n_trained": 3, "design": "protocol",
         "needs": needs, "score": score, "floor": 0.1, "cpu": 2.0, "cpu_answer": 0.1, "n_asked": 4,
         "n_steps": 300, "loss": 0.2, "loss_retrained": 0.3}
        for method, (needs, of) in scores.items()
        for family, values in of.items()
        for seed, score in enumerate(values)
    ]  # fmt: skip
    refused = {"family": "b", "method": "conditioned network", "seed": 0, "n_trained": 3,
               "design": "protocol", "needs": TRAINING, "refused": "no loss"}  # fmt: skip
    return [*made, refused]


def test_first_alone_and_shared(records):
    results = page.Results(records)
    assert results.first("a", (OUTPUTS, NETWORKS)) == (
        "ours, networks asked", ["ours, networks asked"]
    )  # fmt: skip
    assert set(results.first("b", KINDS)[1]) == {"ours, networks asked", "nearest"}
    assert results.count(page.US, (OUTPUTS, NETWORKS)) == (1, 2)
    assert results.count(page.US, KINDS) == (0, 1)
    assert results.near(page.US, KINDS) == 1
    assert results.count(("conditioned network",), KINDS) == (1, 1)


def test_the_page(records, tmp_path):
    of_curve = [
        r | {"family": "quantile_sunspots", "design": "even", "n_trained": n}
        for r in records
        for n in (2, 3)
        if r["family"] == "a"
    ]
    path = tmp_path / "folder" / "arena.md"
    page.write([*records, *of_curve], path)
    text = path.read_text()
    assert "| labels and the training code, and λ is in the loss | conditioned network" in text
    assert "| a | 1.10 | 0.533 | 0.48 | -0.1000 | -0.1000 | 300 | 2.0 | 2.0 |" in text
    assert "| 1 of 2 | 2 of 2 (100%) | 2 of 2 (100%) |" in text
    assert "* conditioned network: no loss. Families: b." in text
    assert "quantile_sunspots, floor 0.100:" in text
    assert max(map(len, page.TOP.splitlines())) <= 110


def test_losses_on_labels():
    case = case_of("quantile_sunspots", None, 0)
    truth = [case.truth(lam) for lam in case.held_out]
    losses = judging.label_losses(case, truth)
    assert losses["loss"] == losses["loss_retrained"] > 0
    off = judging.label_losses(case, [y + 1 for y in truth])
    assert off["loss"] > losses["loss"]
