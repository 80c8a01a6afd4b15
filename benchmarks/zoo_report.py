"""The page of the zoo: families against methods, from the judge's records."""

import numpy as np

from .report import BEGIN, END, short
from .tasks import make_task
from .zoo.registry import load

TRIVIAL = ("not moving", "nearest network", "straight line", "straight line of logits")


def avoidable(name):
    """Return a task's avoidable error over all pairs of networks, and its standard error."""
    n_seeds = len(load(name.split("/")[0]).y)
    values = [make_task(name, seed).avoidable[0] for seed in range(n_seeds)]
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(n_seeds))


def kept(names):
    """Return the tasks whose best trivial answer is above the floor by two standard errors."""
    figures = {name: avoidable(name) for name in names}
    return [name for name, (value, error) in figures.items() if value > 2 * error]


def share(value):
    """Return a share as text."""
    return "–" if np.isnan(value) else f"{value:.3f}"


def nan_if_none(value):
    """Return a score, nan where a method has none."""
    return np.nan if value is None else value


class Results:
    """Records of the judge by task and method, means over seeds."""

    def __init__(self, records):
        self.records = records
        self.tasks = list(dict.fromkeys(r["task"] for r in records))
        self.methods = list(dict.fromkeys(r["method"] for r in records))
        self.kept = kept(self.tasks)

    def of(self, task, method):
        """Return the records of one task and method."""
        return [r for r in self.records if (r["task"], r["method"]) == (task, method)]

    def of_task(self, task):
        """Return the records of one task."""
        return [r for r in self.records if r["task"] == task]

    def fixed(self, task, key):
        """Return a score that no method changes."""
        by_seed = {r["seed"]: r[key] for r in self.records if r["task"] == task}
        return float(np.mean(list(by_seed.values())))

    def best_trivial(self, task):
        """Return the lowest of the answers without a surrogate, and its name."""
        names = [name for name in TRIVIAL if all(name in r for r in self.of_task(task))]
        return min((self.fixed(task, name), name) for name in names)

    def shares(self, task, method, score="score"):
        """Return, seed by seed, the share of the avoidable error that a method removes."""
        return [
            1 - (nan_if_none(r.get(score)) - r["floor"]) / r["avoidable"]
            for r in self.of(task, method)
        ]

    def pooled(self, method, score="score"):
        """Return the sum of a method's gains over the sum of avoidable errors."""
        of = [r for task in self.kept for r in self.of(task, method)]
        gain = sum(r["floor"] + r["avoidable"] - nan_if_none(r.get(score)) for r in of)
        return gain / sum(r["avoidable"] for r in of)

    def firsts(self, method):
        """Return in how many kept families no other method has a lower mean score.

        Methods that answer alike, to rounding, are first together.
        """
        lowest = {t: min(self.mean(t, m) for m in self.methods) for t in self.kept}
        return sum(self.mean(t, method) <= (1 + 1e-5) * lowest[t] for t in self.kept)

    def harms(self, method):
        """Return in how many families a method is over 5 % worse than the best trivial answer."""
        return sum(self.mean(t, method) > 1.05 * self.best_trivial(t)[0] for t in self.tasks)

    def mean(self, task, method, key="score"):
        """Return a figure's mean over seeds."""
        return float(np.mean([nan_if_none(r[key]) for r in self.of(task, method)]))


def zoo_tables(records):
    """Return the lines of the page's tables."""
    results = Results(records)
    names = [task.split("/")[0] for task in results.tasks]
    yield "Mean squared errors of deterministic networks, exact W² of others; mean ± standard"
    yield "error over pairs of networks where there are several."
    yield ""
    yield "| family | floor | best trivial answer | " + " | ".join(results.methods) + " |"
    yield "| --- |" + " --- |" * (2 + len(results.methods))
    for task, name in zip(results.tasks, names, strict=True):
        value, which = results.best_trivial(task)
        cells = [short(results.fixed(task, "floor")), f"{short(value)} ({which})"]
        lowest = min(results.mean(task, m) for m in results.methods)
        for method in results.methods:
            scores = [r["score"] for r in results.of(task, method)]
            text = short(np.mean(scores))
            if len(scores) > 1:
                text += f" ± {short(np.std(scores, ddof=1) / np.sqrt(len(scores)))}"
            cells.append(f"**{text}**" if np.mean(scores) == lowest else text)
        mark = "" if task in results.kept else " (left out)"
        yield f"| {name}{mark} | " + " | ".join(cells) + " |"
    yield ""
    yield "Share of the avoidable error removed, and what else is asked of a method:"
    yield ""
    head = ["method", "pooled", "pooled, two networks asked", "pooled, one", "mean"]
    head += ["mean, two networks asked", "first"]
    head += ["worse than trivial by 5 %", "energy score", "CPU s", "draws per CPU s"]
    yield f"| {' | '.join(head)} |"
    yield "| --- |" + " --- |" * 10
    for method in results.methods:
        mean, mean_of_two = (
            np.mean([np.mean(results.shares(t, method, score)) for t in results.kept])
            for score in ("score", "two")
        )
        energy, cpu, speed = (
            np.mean([results.mean(t, method, key) for t in results.tasks])
            for key in ("energy", "cpu", "draws_per_second")
        )
        figures = [
            share(results.pooled(method)),
            share(results.pooled(method, "two")),
            share(results.pooled(method, "moved")),
            share(mean),
            share(mean_of_two),
            f"{results.firsts(method)} of {len(results.kept)}",
            f"{results.harms(method)} of {len(results.tasks)}",
            short(energy),
            f"{cpu:.1f}",
            "–" if np.isnan(speed) else f"{speed:,.0f}",
        ]
        yield f"| {method} | " + " | ".join(figures) + " |"
    yield ""
    left_out = [t.split("/")[0] for t in results.tasks if t not in results.kept]
    yield f"Left out of shares, pooled figures and firsts: {', '.join(left_out) or 'none'}."
    yield ""
    yield "| family | " + " | ".join(results.methods) + " |"
    yield "| --- |" + " --- |" * len(results.methods)
    for task in results.kept:
        cells = [f"{np.mean(results.shares(task, m)):.2f}" for m in results.methods]
        yield f"| {task.split('/')[0]} | " + " | ".join(cells) + " |"
    yield from tables_of_kinds(results)


KINDS = {
    "divergence": "Added log loss of probabilities, in thousandths (Kullback-Leibler divergence "
    "from networks\nof another seed), of answers without a surrogate and of methods:",
    "impossible": "Percentage of answers that no network could give: rows that are no "
    "probabilities, counts\nthat are not whole, points between two modes:",
}


def tables_of_kinds(results):
    """Return the lines of tables of measures that fit one kind of outputs."""
    for key, text in KINDS.items():
        unit = 1e3 if key == "divergence" else 100
        tasks = [t for t in results.tasks if all(key in r for r in results.of_task(t))]
        if not tasks:
            continue
        yield from ("", text, "")
        yield "| family | " + " | ".join((*TRIVIAL, *results.methods)) + " |"
        yield "| --- |" + " --- |" * len((*TRIVIAL, *results.methods))
        for task in tasks:
            made = [make_task(task, seed) for seed in sorted({r["seed"] for r in results.records})]
            trivial = [one.of_trivial(getattr(one, key)) for one in made]
            cells = [
                short(unit * np.mean([of[name] for of in trivial])) if name in trivial[0] else "–"
                for name in TRIVIAL
            ]
            cells += [short(unit * results.mean(task, method, key)) for method in results.methods]
            yield f"| {task.split('/')[0]} | " + " | ".join(cells) + " |"


def write_zoo_page(records, path):
    """Write the tables between the marks of a page."""
    before, rest = path.read_text().split(BEGIN)
    body = "\n".join([BEGIN, "", *zoo_tables(records), "", END])
    path.write_text(before + body + rest.split(END)[1])
