"""Families of several hyperparameters: what is stored, trained again, and how they are judged."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial import Delaunay

from benchmarks import fields, several, several_report
from benchmarks.several import DESIGNS, Problem, judge
from benchmarks.simplices import TRIVIAL, Coupled, GaussianProcess, Scales, ThinPlates, weights_of
from benchmarks.zoo import CARDS, SEVERAL, ensemble, load, noisy, preferences
from benchmarks.zoo import family as family_module
from benchmarks.zoo.__main__ import report, train
from benchmarks.zoo.several import Box, Simplex


@pytest.fixture(scope="module", params=list(SEVERAL))
def family(request):
    return load(request.param)


def test_the_zoo_has_what_was_asked_for():
    assert not set(SEVERAL) & set(CARDS)
    assert len(SEVERAL) >= 5
    assert any(not card.deterministic for card in SEVERAL.values())
    widths = [len(card.space.names) for card in SEVERAL.values()]
    assert set(widths) == {2, 3}
    assert any(isinstance(card.space, Simplex) for card in SEVERAL.values())


def test_shapes(family):
    n_seeds, n_lams, n_rows, n_outputs = family.y.shape
    assert (n_seeds, n_rows) == (family.n_seeds, len(family.X))
    assert family.lams.shape == (n_lams, len(family.space.names))
    assert len(np.unique(family.lams, axis=0)) == n_lams
    assert 1 <= n_outputs <= 32
    assert np.isfinite(family.y).all() and np.isfinite(family.X).all()
    low, high = family.y_bounds or (-np.inf, np.inf)
    assert low <= family.y.min() and family.y.max() <= high
    draws = np.bincount(family.groups)
    assert draws.min() >= 30 if not family.deterministic else draws.max() == 1


def test_rows_to_fit_on_and_to_measure_on(family):
    train, test = family.train_rows, family.test_rows
    assert not set(train) & set(test)
    assert len(train) >= 100 and len(test) >= 50
    only_categories = len(family.categorical) == family.X.shape[1]
    assert bool(set(family.groups[train]) & set(family.groups[test])) == only_categories


def test_stored_values_are_those_of_the_card(family):
    lams, rows = SEVERAL[family.name].trained()
    assert_allclose(family.lams, lams)
    for name, of_part in rows.items():
        assert_array_equal(getattr(family, name), of_part)


def test_the_grid_is_even_and_part_of_a_finer_one(family):
    assert set(family.grid) <= set(family.fine)
    values = [np.unique(axis.round(9)) for axis in family.lams[family.grid].T]
    k = len(family.space.names)
    assert len({len(axis) for axis in values}) == 1
    assert len(values[0]) == family.space.n_grid >= 3
    if isinstance(family.space, Box):
        assert len(family.grid) == family.space.n_grid**k
    z = Scales(family.lams[family.grid])(family.lams[family.fine])
    assert z.shape[1] == (k if isinstance(family.space, Box) else k - 1)
    if isinstance(family.space, Box):
        for axis in z.T:
            steps = np.diff(np.unique(axis.round(3)))
            assert_allclose(steps, steps.mean(), rtol=0.02)


@pytest.mark.parametrize("design", DESIGNS)
def test_values_to_measure_at_are_strictly_inside_the_hull(family, design):
    anchors = family.lams[family.anchors(design)]
    assert len(family.held_out) >= 30
    assert not set(family.held_out) & (set(family.grid) | set(family.scattered))
    scales = Scales(anchors)
    z, held_out = scales(anchors), scales(family.lams[family.held_out])
    hull = Delaunay(z)
    for outwards in 1 + 0.01 * np.array([0, 1]):
        assert (
            hull.find_simplex(z.mean(axis=0) + outwards * (held_out - z.mean(axis=0))) >= 0
        ).all()


def test_weights_sum_to_one():
    [family] = [load(name) for name, c in SEVERAL.items() if isinstance(c.space, Simplex)]
    assert_allclose(family.lams.sum(axis=1), 1)
    assert family.lams.min() == pytest.approx(family.space.least)


def test_networks_differ_by_more_than_two_trainings(family):
    floor = np.mean([family.floor(lam) for lam in family.held_out[:6]])
    assert (floor > 0) == (len(family.y) > 1)
    corners = family.scattered[: 2 if isinstance(family.space, Box) else 3]
    y = [family.at(lam, rows=family.test_rows) for lam in corners]
    assert family.distance(y[0], y[-1], family.test_rows) > 3 * floor


@pytest.mark.parametrize("design", DESIGNS)
def test_trivial_answers_leave_something_to_gain(family, design):
    """Each of them is worse than the floor; moving and lines are worth something."""
    problem = Problem(family, design)
    value, error = problem.avoidable
    assert value > 2 * error
    means = [problem.trivial[name].mean() for name in TRIVIAL]
    assert means[0] > means[1] > means[2] > problem.floors.mean()
    assert problem.best == "simplices"


def test_a_model_trained_again_answers_as_the_stored_one(monkeypatch, tmp_path):
    stored = load("svc_wine")
    monkeypatch.setattr(family_module, "DATA", tmp_path)
    train(["svc_wine"], force=False)
    again = load("svc_wine")
    assert_allclose(again.y, stored.y, atol=1e-4)
    assert_array_equal(again.held_out, stored.held_out)


@pytest.mark.parametrize("name", ["preferences_point_mass", "dropout_noise_wine"])
def test_networks_do_not_disturb_each_other(name, monkeypatch):
    """One that is trained among few others starts on the path of the stored one."""

    def short(model, losses, n_steps, **given):
        return ensemble.fit(model, losses, 3, **given)

    monkeypatch.setattr(noisy, "fit", short)
    monkeypatch.setattr(preferences, "fit", short)
    card = SEVERAL[name]
    lams = card.trained()[0][:6]
    many, few = (card.train(part, (0,), iter) for part in (lams, lams[[1, 4]]))
    assert_allclose(many.y[0, [1, 4]], few.y[0], atol=2e-3)


def test_report_prints_the_designs(capsys):
    report(["svr_diabetes"])
    printed = capsys.readouterr().out
    assert "C, gamma" in printed
    assert "49 on a grid, 16 of them anchors, 12 scattered anchors, 32 held out" in printed


# ---------------------------------------------------------------- judging


def test_scales_are_suggested_and_drop_flat_directions():
    anchors = np.array([[0.01, 0.0, 1.0], [1.0, 1.0, 0.0], [100.0, 0.5, 0.5]])
    z = Scales(anchors)(np.array([[0.1, 0.0, 1.0], [10.0, 1.0, 0.0], [1.0, 1.0, 0.0]]))
    assert z.shape == (3, 2)
    ahead = z[1] - z[0], z[2] - z[0]
    assert_allclose(ahead[0] @ ahead[0], 0.5**2 + 2)
    assert_allclose(ahead[1] @ ahead[1], 0.25**2 + 2)


@pytest.mark.parametrize("name", [*TRIVIAL, "thin plates"])
def test_linear_answers_sum_to_one_and_meet_the_anchors(name, rng):
    anchors = np.concatenate([np.eye(2), np.zeros((1, 2)), np.ones((1, 2)), rng.random((5, 2))])
    z = np.concatenate([anchors, rng.uniform(0.1, 0.9, (20, 2))])
    weights = weights_of(name, anchors, z)
    assert_allclose(weights.sum(axis=1), 1)
    if name != "not moving":
        assert_allclose(weights[: len(anchors)], np.eye(len(anchors)), atol=1e-9)
    if name in ("simplices", "thin plates"):
        assert_allclose(weights @ anchors, z, atol=1e-9)


def test_outside_the_hull_there_are_no_simplices():
    with pytest.raises(ValueError, match="outside the convex hull"):
        weights_of("simplices", np.eye(3)[:, :2], np.array([[2.0, 2.0]]))


def test_draws_are_coupled_inside_an_input(rng):
    X, z = np.repeat([[0.0], [1.0]], 20, axis=0), rng.normal(size=(40, 2))
    apart = z + 100 * X
    shuffled = np.concatenate([rng.permutation(20), 20 + rng.permutation(20)])
    outputs = np.stack([apart, (apart + 1)[shuffled]])
    assert_allclose(Coupled(X, outputs).mean(np.array([0.5, 0.5]), 0), apart + 0.5)
    alone = Coupled(np.arange(40)[:, None], outputs)
    assert_allclose(alone.mean(np.array([0.0, 1.0]), 0), outputs[1])


class Knows:
    """Answers with the truth, plus an error."""

    def __init__(self, problem, error=0.0, **params):
        self.params, self.error = params, error
        other = (problem.seed + 1) % len(problem.family.y)
        self.truth = {
            tuple(problem.family.lams[lam]): problem.family.at(lam, seed=other, rows=problem.rows)
            for lam in problem.family.held_out
        }

    def fit(self, X, y, lam):
        assert X.shape[0] == y.shape[0] == lam.shape[0]
        assert lam.ndim == y.ndim == 2
        self.n_anchors = len(np.unique(lam, axis=0))
        return self

    def interpolate(self, X, outputs, *, lams, lam):
        assert len(outputs) == len(lams) == self.n_anchors
        return self.predict(X, lam)

    def predict(self, X, lam):
        assert lam.shape == (len(self.truth_lam),)
        y = self.truth[tuple(lam)]
        return (y + self.error)[:, 0] if y.shape[1] == 1 else y + self.error

    @property
    def truth_lam(self):
        return next(iter(self.truth))

    def sample(self, X, lam, random_state=None):
        return self.predict(X, lam)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("networks_answer", [True, False])
@pytest.mark.parametrize("name", ["svr_diabetes", "dropout_noise_wine"])
def test_any_surrogate_can_be_judged(name, networks_answer, design):
    family = load(name)
    problem = Problem(replace(family, held_out=family.held_out[:5]), design)
    record = judge(lambda **params: Knows(problem, 0.1, **params), problem, networks_answer)
    assert record["score"] == pytest.approx(0.01 * (1 if problem.family.deterministic else 2))
    best = min(record[name] for name in TRIVIAL)
    expected = 1 - (record["score"] - record["floor"]) / (best - record["floor"])
    assert record["share"] == pytest.approx(expected)
    assert set(json.loads(json.dumps(record))) >= {"family", "design", "seed", "cpu"}


def test_users_settings_reach_the_surrogate():
    problem = Problem(load("preferences_point_mass"), "grid")
    seen = {}
    judge(lambda **params: seen.update(params) or Knows(problem), problem)
    assert seen == {"y_bounds": (-1.0, 1.0)}
    assert Problem(load("dropout_guidance"), "grid").params["categorical_features"] == [0]


def test_thin_plates_meet_the_trained_networks():
    problem = Problem(load("kernel_ridge_elnino"), "scattered")
    model = ThinPlates().fit(*problem.data)
    for anchor, y in zip(problem.lams[:3], problem.outputs, strict=False):
        found = model.interpolate(problem.inputs, problem.outputs, lams=problem.lams, lam=anchor)
        assert_allclose(found, y, atol=1e-8)
    assert judge(lambda **params: model, problem)["share"] > 0.2


def test_a_gaussian_process_meets_the_trained_networks_and_finds_lengths(rng):
    lams = np.array([[a, b] for a in range(4) for b in range(4)], dtype=float)
    outputs = np.sin(1.5 * lams[:, :1, None] + rng.normal(size=(1, 30, 1)))
    process = GaussianProcess().fit(None, None, lams)
    asked = partial(process.interpolate, np.arange(30.0)[:, None], outputs, lams=lams)
    assert_allclose(asked(lam=lams[5]), outputs[5], atol=1e-3)
    # the second hyperparameter has no influence
    assert_allclose(asked(lam=[1.0, 0.5]), outputs[5], atol=1e-2)


def test_tables_and_refusals(capsys, monkeypatch, tmp_path):
    class Refuses:
        def fit(self, X, y, lam):
            raise ValueError("one hyperparameter only")

    refuses = (lambda seed, **params: Refuses(), True)
    monkeypatch.setattr(several, "METHODS", several.METHODS | {"field": refuses})
    file = tmp_path / "records.jsonl"
    page = tmp_path / "page.md"
    page.write_text(f"before\n{several_report.BEGIN}\nstale\n{several_report.END}\nafter\n")
    options = ["--results", str(file), "--write", str(page)]
    several.main(["--families", "svr_diabetes", *options])
    printed = capsys.readouterr().out
    assert "| svr_diabetes | grid | 16 | 0 |" in printed
    assert "| svr_diabetes | scattered | – | 0." in printed
    assert "| **mean** | grid | – | 0." in printed
    assert printed.count("field refused: ValueError: one hyperparameter only") == 1
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "stale" not in text
    assert printed.strip() in text
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert [r["method"] for r in records] == ["field", "thin plates"] * 2


# ---------------------------------------------------------------- known truth


@pytest.mark.parametrize("name", fields.FAMILIES)
@pytest.mark.parametrize("design", DESIGNS)
def test_fields_of_known_truth(name, design, monkeypatch):
    monkeypatch.setattr(fields, "N_DRAWS", 20)
    make = partial(fields.FAMILIES[name], n_anchors=9 if name == "lognormal" else None)
    monkeypatch.setitem(fields.FAMILIES, name, make)
    problem = fields.KnownTruth(name, design=design)
    X, y, lam = problem.data
    assert X is None and y.ndim == lam.ndim == 2
    assert_array_equal(
        problem.outputs, [y[(lam == anchor).all(axis=1)] for anchor in problem.lams]
    )
    assert (problem.targets > lam.min(axis=0)).all() and (problem.targets < lam.max(axis=0)).all()
    same = [problem.draw(lam, 10_000 + i) for i, lam in enumerate(problem.targets)]
    assert_allclose(problem.distances(same), 0, atol=1e-12)
    assert_allclose(problem.distances([y + 1 for y in same]), same[0].shape[1])


def test_errors_as_multiples_of_the_floor(capsys, monkeypatch):
    monkeypatch.setattr(fields, "N_DRAWS", 60)
    monkeypatch.setattr(fields, "N_TARGETS", 4)
    methods = ["thin plates", "nearest anchor", "displacement interpolation"]
    fields.main(["--families", "gaussians, k = 2", "--methods", *methods])
    head, _, row = capsys.readouterr().out.splitlines()[2:]
    found = dict(zip(*([c.strip() for c in line.split("|")] for line in (head, row)), strict=True))
    assert float(found["not moving"]) > float(found["nearest network"]) > 1.1
    assert float(found["thin plates"]) < float(found["nearest network"])
    drawn = {name: float(found[name]) for name in methods[1:]}
    assert 1.1 < drawn["displacement interpolation"] < drawn["nearest anchor"]
