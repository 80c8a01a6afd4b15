"""Families of networks with truth at held-out lambdas, and how a surrogate of them is judged."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist, pdist
from scipy.special import softmax

from sklearn_hti.datasets import make_gaussians, make_semicircles
from sklearn_hti.metrics import squared_wasserstein

from .study import at, load
from .zoo.registry import CARDS
from .zoo.registry import load as load_family

N_FRESH = 20  # pairs of fresh draws behind a floor
LEAST = 1e-6  # probability, in log losses


@dataclass(frozen=True)
class Question:
    """Outputs at one lambda, to be moved to another where the truth is known."""

    lam_from: float
    lam_to: float
    X: np.ndarray
    y: np.ndarray
    truth: tuple  # (X, y) at lam_to; rows in the order of `X` where networks are deterministic
    nearest: tuple | None = None  # (X, y) of the true network at the anchor nearest to lam_to
    between: tuple | None = None  # (X, y) on straight lines between its neighbours
    logits: tuple | None = None  # the same, of the logarithms of probabilities
    asked: tuple | None = None  # outputs (M, n, D) of all trained networks, and their lambdas

    @property
    def neighbours(self):
        """The same of the two networks beside lam_to alone."""
        outputs, lams = self.asked
        end = np.searchsorted(lams, self.lam_to)
        return outputs[end - 1 : end + 1], lams[end - 1 : end + 1]


@dataclass(frozen=True)
class Task:
    """What is fitted, and the questions."""

    X: np.ndarray
    y: np.ndarray
    lam: np.ndarray
    questions: list
    floors: list  # distance of fresh truth from truth, question by question
    params: dict = field(default_factory=dict)  # what any user would say of this family
    paired: bool = False  # deterministic networks: mean squared error instead of W2^2
    first: tuple | None = None  # (X, y) at the first anchor, where questions start elsewhere
    possible: Callable | None = None  # of the card: which outputs networks could give

    def distance(self, question, X, y):
        """Return W2^2 per condition, or the mean squared error, to the truth of a question."""
        X_true, y_true = question.truth
        if self.paired:
            return float(np.mean((y - y_true) ** 2))
        label = np.unique(np.concatenate([X_true, X]), axis=0, return_inverse=True)[1].ravel()
        return squared_wasserstein(y_true, y, groups=(label[: len(y_true)], label[len(y_true) :]))

    def score(self, model):
        """Return mean distances and energy scores over all questions.

        Of moved outputs, "score" and "energy". Where trained networks can be asked, those of what
        comes from all of them; "two" from both neighbours, and "moved" from the nearest alone.
        "impossible" is the share of outputs that no network could give, and "divergence" the mean
        log loss of probabilities that is added to the entropy of the true ones.
        """
        answers = {}
        if getattr(model, "base", "") is not None:  # else nothing was trained that moves outputs
            answers["score"] = [
                model.transport(q.X, q.y, lam_from=q.lam_from, lam_to=q.lam_to)
                for q in self.questions
            ]
        if all(q.asked for q in self.questions):
            answers["moved"] = answers.pop("score", None)
            answers["two"] = [between(model, q, *q.neighbours) for q in self.questions]
            answers["score"] = [between(model, q, *q.asked) for q in self.questions]
        scores = {
            name: None if outputs is None else self._mean(self.distance, outputs)
            for name, outputs in answers.items()
        }
        scores["energy"] = self._mean(self.energy, answers["score"])
        if self.possible is not None:
            scores["impossible"] = self._mean(self.impossible, answers["score"])
        if self.params.get("output_transform") == "simplex":
            scores["divergence"] = self._mean(self.divergence, answers["score"])
        return scores

    def _mean(self, measure, outputs):
        pairs = zip(self.questions, outputs, strict=True)
        return float(np.mean([measure(q, q.X, y) for q, y in pairs]))

    def energy(self, question, X, y):
        """Return the energy score of outputs: of one answer, its mean distance to the truth."""
        X_true, y_true = question.truth
        if self.paired:
            return float(np.mean(np.linalg.norm(y - y_true, axis=1)))
        scores = []
        for x in np.unique(X_true, axis=0):
            here, there = ((rows == x).all(axis=1) for rows in (X_true, X))
            # that of metrics.energy_score, whose draws are the same for all rows here
            scores.append(cdist(y_true[here], y[there]).mean() - 0.5 * pdist(y[there]).mean())
        return float(np.mean(scores))

    def impossible(self, question, X, y):
        """Return the share of outputs that no network could give."""
        return float(1 - np.mean(self.possible(X, y)))

    def divergence(self, question, X, y):
        """Return the mean Kullback-Leibler divergence from true probabilities."""
        _, p = question.truth
        gain = np.log(np.where(p > 0, p, 1.0)) - np.log(np.maximum(y, LEAST))
        return float(np.mean(np.sum(p * gain, axis=1)))

    @property
    def floor(self):
        """Distance between fresh draws of the truth, or networks trained again."""
        return float(np.mean(self.floors))

    @property
    def trivial(self):
        """Scores of answers without a surrogate, for which the anchors' networks are asked."""
        return {name: float(np.mean(v)) for name, v in self._trivial().items()}

    @property
    def avoidable(self):
        """Error of the best trivial answer above the floor, and its standard error over lambda."""
        answers = self._trivial()
        best = min(answers.values(), key=np.mean)
        excess = np.array(best) - self.floors
        return float(excess.mean()), float(excess.std(ddof=1) / np.sqrt(len(excess)))

    def of_trivial(self, measure):
        """Return the means of another measure of the same answers, such as `divergence`."""
        return {name: float(np.mean(v)) for name, v in self._trivial(measure).items()}

    def _trivial(self, measure=None):
        """Return lists of distances, or of another measure, question by question."""
        measure = measure or self.distance
        answers = {"not moving": [self.first or (q.X, q.y) for q in self.questions]}
        if all(q.nearest for q in self.questions):
            answers["nearest network"] = [q.nearest for q in self.questions]
        if all(q.between for q in self.questions):
            answers["straight line"] = [q.between for q in self.questions]
        if all(q.logits for q in self.questions):
            answers["straight line of logits"] = [q.logits for q in self.questions]
        return {
            name: [measure(q, *one) for q, one in zip(self.questions, of, strict=True)]
            for name, of in answers.items()
        }


def _of_known_truth(data, X, seed, **params):
    """Return the task of a dataset with its truth, from outputs at 0 to 1/4 and 3/4."""
    truth = data.truth
    y = truth(X, 0.0, random_state=10_000 + seed)
    questions, floors = [], []
    for lam, anchor in ((0.25, 0.0), (0.75, 1.0)):
        fresh = [truth(X, lam, random_state=20_000 + 100 * seed + s) for s in range(N_FRESH + 1)]
        nearest = truth(X, anchor, random_state=30_000 + seed)
        questions.append(Question(0.0, lam, X, y, (X, fresh[0]), (X, nearest)))
        of_pairs = [squared_wasserstein(a, b, groups=X[:, 0]) for a, b in pairwise(fresh)]
        floors.append(float(np.mean(of_pairs)))
    return Task(data.X, data.y, data.lam, questions, floors, params)


def semicircles(seed, folder):
    """Return four arcs, anchors 0, 1/2, 1, 400 rows each."""
    data = make_semicircles(100, random_state=seed)
    X = data.X[data.lam == 0]
    return _of_known_truth(data, X, seed, categorical_features=[0])


def gaussians(n_outputs):
    """Return a maker of Gaussians in D dimensions: 3 conditions, 500 draws, anchors 0, 1/2, 1."""

    def make(seed, folder):
        data = make_gaussians(500, n_outputs=n_outputs, random_state=seed)
        return _of_known_truth(data, data.X[data.lam == 0], seed, categorical_features=[0])

    return make


def two_moons(seed, folder):
    """Return the dropout rates of the study's diffusion model."""
    parts = load(folder, "two_moons_dropout")
    train, test = parts["train"], parts["test"]
    X, y = at(train, 0.0)
    anchors = np.unique(train["lam"])
    questions = []
    for lam in np.unique(test["lam"]):
        near = anchors[np.abs(anchors - lam).argmin()]
        questions.append(Question(0.0, lam, X, y, at(test, lam), at(train, near)))
    # one truth per lambda: a retrained network's distance is the study's to give
    params = {"categorical_features": [0]}
    return Task(train["X"], train["y"], train["lam"], questions, [np.nan], params)


def quantiles(seed, folder):
    """Return the levels of the study's quantile forecasters, from .01."""
    parts = load(folder, "ett_quantiles")
    train, base, test = parts["train"], parts["base"], parts["test"]
    X, y = at(base, 0.01)
    questions = [Question(0.01, lam, X, y, at(test, lam)) for lam in np.unique(test["lam"])]
    return Task(train["X"], train["y"], train["lam"], questions, [0.0], paired=True)


def of_the_zoo(name, n_anchors):
    """Return a maker of a family of the zoo, judged on its test rows.

    What all trained networks say is interpolated; beside it, what both neighbours say, and what
    the nearest one says is moved. The surrogate sees the networks of one seed; the truth are those
    of another, as for the floor.
    """

    def make(seed, folder):
        family = load_family(name)
        n_seeds = len(family.y)
        own, other = seed % n_seeds, (seed + 1) % n_seeds
        rows = family.test_rows
        X, anchors = family.X[rows], np.array(family.anchors(n_anchors))
        outputs = {float(a): family.at(a, seed=own, rows=rows) for a in anchors}
        questions = []
        for lam in family.held_out:
            near = float(anchors[np.abs(anchors - lam).argmin()])
            truth = X, family.at(lam, seed=other, rows=rows)
            end = np.searchsorted(anchors, lam)
            low, high = (float(a) for a in anchors[end - 1 : end + 1])
            neighbours, s = (outputs[low], outputs[high]), (lam - low) / (high - low)
            y = straight_line(X, *neighbours, s)
            here = X, outputs[near]
            known = np.stack(list(outputs.values())), anchors
            logits = None
            if family.output_transform == "simplex":
                logits = X, line_of_logits(*neighbours, s)
            questions.append(Question(near, lam, *here, truth, here, (X, y), logits, known))
        params = {"y_bounds": family.y_bounds, "output_transform": family.output_transform}
        if family.categorical:
            params["categorical_features"] = list(family.categorical)
        floors = [family.floor(lam) for lam in family.held_out]
        fitted = family.training_set(n_anchors, seed=own)
        first = X, outputs[float(anchors[0])]
        rest = family.deterministic, first, family.possible
        return Task(*fitted, questions, floors, params, *rest)

    return make


def between(model, question, outputs, lams):
    """Return what a surrogate says from the outputs of several networks."""
    return model.interpolate(question.X, outputs, lams=lams, lam=question.lam_to)


def straight_line(X, y0, y1, s):
    """Return outputs on the way from one network's to another's, coupled inside each input."""
    y = np.empty_like(y0)
    for x in np.unique(X, axis=0):
        rows = np.flatnonzero((x == X).all(axis=1))
        cost = cdist(y0[rows], y1[rows], "sqeuclidean")
        y[rows] = (1 - s) * y0[rows] + s * y1[rows[linear_sum_assignment(cost)[1]]]
    return y


def line_of_logits(p0, p1, s):
    """Return probabilities whose logarithms are on the straight line between those of others."""
    return softmax((1 - s) * logarithms(p0) + s * logarithms(p1), axis=1)


def logarithms(p):
    """Return those of probabilities; zeros count as half of the least that is not zero."""
    return np.log(np.maximum(p, p[p > 0].min() / 2))


ZOO = {
    f"{name}/{n_anchors}": of_the_zoo(name, n_anchors)
    for name, card in CARDS.items()
    for n_anchors in card.protocols
}
TASKS = {
    "semicircles": semicircles,
    "two_moons_dropout": two_moons,
    "ett_quantiles": quantiles,
    **{f"gaussians_{d}": gaussians(d) for d in (2, 10, 30)},
    **ZOO,
}
OF_THE_STUDY = ("two_moons_dropout", "ett_quantiles")


def make_task(name, seed, folder=None):
    """Return one task; a family of the study needs the folder of its data."""
    folder = folder or os.environ.get("SKLEARN_HTI_DATA")
    if name in OF_THE_STUDY and not (folder and (Path(folder) / f"{name}.npz").exists()):
        raise FileNotFoundError(
            f"{name}.npz is not in {folder!r}: name the folder of the study's data by --data or "
            "SKLEARN_HTI_DATA."
        )
    return TASKS[name](seed, folder and Path(folder))
