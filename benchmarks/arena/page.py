"""The page of the arena, from its records: what to take, who is first where, and at what price."""

from itertools import chain
from textwrap import wrap

import numpy as np

from ..report import short
from .curve import EVEN, NUMBERS, SUGGESTED
from .curve import FAMILIES as OF_CURVE
from .method import CHECKPOINTS, KINDS, NETWORKS, OUTPUTS, PROBABILITIES, TRAINING
from .of_outputs import OURS, OURS_ASKED

US = (OURS, OURS_ASKED)
HAVE = {
    OUTPUTS: "a table of outputs, no network to ask",
    NETWORKS: "the trained networks, to be asked at new inputs",
    PROBABILITIES: "their log-probabilities, and λ is a temperature or a weight of KL or entropy",
    CHECKPOINTS: "their weights",
    TRAINING: "labels and the training code, and λ is in the loss",
}


class Results:
    """Records of one protocol by family and method."""

    def __init__(self, records):
        self.records = records
        self.judged = [r for r in records if "score" in r]
        self.families = list(dict.fromkeys(r["family"] for r in self.judged))
        self.methods = list(dict.fromkeys(r["method"] for r in records))
        self.needs = {r["method"]: r["needs"] for r in records}

    def values(self, family, method, key="score"):
        """Return {seed: figure}."""
        return {
            r["seed"]: r[key]
            for r in self.judged
            if (r["family"], r["method"]) == (family, method) and r.get(key) is not None
        }

    def mean(self, family, method, key="score"):
        """Return the mean over pairs of networks; nan where there is none."""
        values = list(self.values(family, method, key).values())
        return float(np.mean(values)) if values else np.nan

    def error(self, family, method, key="score"):
        """Return its standard error."""
        values = list(self.values(family, method, key).values())
        return float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else np.nan

    def floor(self, family):
        """Return the distance of networks of two seeds."""
        return next(r["floor"] for r in self.judged if r["family"] == family)

    def of_kind(self, family, kinds):
        """Return the methods that need one of `kinds` and have answers for all pairs."""
        n_pairs = {m: len(self.values(family, m)) for m in self.methods}
        most = max(n_pairs.values())
        return [m for m in self.methods if self.needs[m] in kinds and n_pairs[m] == most]

    def first(self, family, kinds):
        """Return the best method, and all within one standard error of it.

        The standard error is that of the difference to the best, pair by pair of networks.
        """
        rivals = self.of_kind(family, kinds)
        if not rivals:
            return "–", []
        best = min(rivals, key=lambda m: self.mean(family, m))
        sharing = []
        for method in rivals:
            one, other = self.values(family, method), self.values(family, best)
            off = np.array([one[s] - other[s] for s in other])
            spread = off.std(ddof=1) / len(off) ** 0.5 if len(off) > 1 else 0.0
            if off.mean() <= max(spread, 1e-6 * self.mean(family, best)):
                sharing.append(method)
        return best, sharing

    def near(self, names, kinds):
        """Return in how many families one of `names` is within the standard error of the best."""
        n_near = 0
        for family in self.families:
            best, sharing = self.first(family, kinds)
            if sharing:
                reach = self.mean(family, best) + np.nan_to_num(self.error(family, best))
                n_near += any(self.mean(family, name) <= reach for name in names)
        return n_near

    def count(self, names, kinds):
        """Return in how many families `names` are first alone, and first or shared."""
        alone = shared = 0
        for family in self.families:
            _, sharing = self.first(family, kinds)
            inside = [m for m in sharing if m in names]
            shared += bool(inside)
            alone += bool(inside) and len(inside) == len(sharing)
        return alone, shared


def table(head, rows):
    """Yield the lines of a Markdown table, and an empty one before."""
    yield ""
    yield f"| {' | '.join(head)} |"
    yield "| --- |" + " --- |" * (len(head) - 1)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def decisions(results):
    """Yield the rows of the first table."""
    for kind in KINDS:
        methods = [m for m in results.methods if results.needs[m] == kind]
        if not methods:
            continue
        ratios = {m: _ratios(results, m) for m in methods}
        ratios = {m: r for m, r in ratios.items() if r}
        wide = {m: r for m, r in ratios.items() if 2 * len(r) > max(map(len, ratios.values()))}
        best = min(wide, key=lambda m: np.mean(np.log(wide[m])))
        ahead = sum(r < 1 for r in wide[best])
        against = "–" if best == OURS_ASKED else f"{ahead} of {len(wide[best])}"
        ratio = np.exp(np.mean(np.log(wide[best])))
        yield [HAVE[kind], best, f"{ratio:.2f}", against]


def _ratios(results, method):
    """Return mean errors over those of ours, on the same pairs, for all families."""
    ratios = []
    for family in results.families:
        one, ours = results.values(family, method), results.values(family, OURS_ASKED)
        shared = one.keys() & ours.keys()
        if shared:
            ratios.append(sum(one[s] for s in shared) / sum(ours[s] for s in shared))
    return ratios


def firsts(results):
    """Yield the counts of firsts, ours and the rivals'."""
    groups = {
        "outputs alone, networks asked or not": ((OUTPUTS, NETWORKS), US),
        "a table of outputs, no network asked": ((OUTPUTS,), (OURS,)),
        "all methods": (KINDS, US),
    }
    for words, (kinds, ours) in groups.items():
        alone, shared = results.count(ours, kinds)
        n = sum(bool(results.of_kind(family, kinds)) for family in results.families)
        if not n:
            continue
        rivals = [m for m in results.methods if results.needs[m] in kinds and m not in US]
        counts = {m: results.count((m,), kinds) for m in rivals}
        top = sorted(counts, key=lambda m: counts[m][::-1], reverse=True)[:3]
        others = "; ".join(f"{m} {counts[m][0]} / {counts[m][1]}" for m in top)
        near = results.near(ours, kinds)
        shares = [f"{count} of {n} ({count / n:.0%})" for count in (shared, near)]
        yield [words, f"{alone} of {n}", *shares, others]


def scores(results):
    """Yield the table of distances, a row for each family and a column for each method."""
    for family in results.families:
        _, sharing = results.first(family, KINDS)
        floor = short(results.floor(family))
        cells = [f"{family} ({len(results.values(family, OURS_ASKED))})", floor]
        for method in results.methods:
            mean, error = results.mean(family, method), results.error(family, method)
            if np.isnan(mean):
                cells.append("–")
                continue
            text = short(mean) + ("" if np.isnan(error) else f" ± {short(error)}")
            cells.append(f"**{text}**" if method in sharing else text)
        yield cells


def who_is_first(results):
    """Yield family by family who is first, of outputs alone and of all."""
    for family in results.families:
        cells = [family]
        for kinds in ((OUTPUTS, NETWORKS), KINDS):
            best, sharing = results.first(family, kinds)
            others = [m for m in sharing if m != best]
            cells.append(best + (f"; shared: {', '.join(others)}" if others else ""))
            over = results.mean(family, best) / results.floor(family)
            cells.append("–" if np.isnan(over) else f"{over:.2f}")
        yield cells


def conditioned(results, name="conditioned network"):
    """Yield where one network that reads lambda stands against ours, and what it costs."""
    for family in results.families:
        if not results.values(family, name):
            continue
        ours, theirs = (results.mean(family, m) for m in (OURS_ASKED, name))
        steps = next(
            r["n_steps"] for r in results.judged if r["method"] == name and r["family"] == family
        )
        yield [
            family, short(ours), short(theirs), f"{theirs / ours:.2f}",
            *(_gap(results, family, m) for m in (OURS_ASKED, name)),
            f"{steps:,}", *(f"{results.mean(family, m, 'cpu'):.1f}" for m in (OURS_ASKED, name)),
        ]  # fmt: skip


def _gap(results, family, method):
    loss, retrained = (results.mean(family, method, k) for k in ("loss", "loss_retrained"))
    return "–" if np.isnan(loss) else f"{loss - retrained:+.4f}"


def losses(results):
    """Yield the loss on labels at held-out values, above that of the retrained network."""
    for family in results.families:
        retrained = results.mean(family, OURS_ASKED, "loss_retrained")
        if not np.isnan(retrained):
            gaps = [_gap(results, family, m) for m in results.methods]
            yield [family, f"{retrained:.4f}", *gaps]


def prices(results):
    """Yield what each method needs and costs, and its error over that of ours."""
    for method in results.methods:
        cpu, answer = (
            [v for f in results.families for v in results.values(f, method, key).values()]
            for key in ("cpu", "cpu_answer")
        )
        if not cpu:
            continue
        ratios = _ratios(results, method)
        yield [
            method,
            results.needs[method],
            f"{len(ratios)} ({len(cpu)})",
            f"{np.exp(np.mean(np.log(ratios))):.2f}",
            f"{sum(r < 1 for r in ratios)}",
            f"{np.mean(cpu):.2f}",
            f"{np.mean(answer):.2f}",
        ]


def curve_tables(records):
    """Yield a table of errors over the number of trained values for each family."""
    for family in OF_CURVE:
        of = [r for r in records if r["family"] == family and "score" in r]
        if not of:
            continue
        yield from ("", f"{family}, floor {short(of[0]['floor'])}:")
        columns = [(n, d) for n in NUMBERS for d in (EVEN, SUGGESTED) if (n, d) != (2, SUGGESTED)]
        rows = []
        for method in dict.fromkeys(r["method"] for r in of):
            cells = [method]
            for n, design in columns:
                values = [
                    r["score"] for r in of
                    if (r["method"], r["n_trained"], r["design"]) == (method, n, design)
                ]  # fmt: skip
                error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else None
                text = f"{short(np.mean(values))}" if values else "–"
                cells.append(text + ("" if error is None else f" ± {short(error)}"))
            rows.append(cells)
        yield from table(["method", *(f"{n} {d}" for n, d in columns)], rows)


def body(records):
    """Yield the lines of the page."""
    of_protocol = [r for r in records if (r["design"], r["n_trained"]) == ("protocol", 3)]
    results = Results(of_protocol)
    seconds = sum(r["cpu"] + r["cpu_answer"] * r["n_asked"] for r in records if "cpu" in r)
    yield from TOP.format(
        hours=seconds / 3600, n=len(results.families), n_fits=sum("cpu" in r for r in records)
    ).splitlines()
    yield from table(
        ["you have", "take", "error over that of ours, networks asked", "ahead of ours in"],
        decisions(results),
    )
    yield from ("", *FIRST.splitlines())
    yield from table(
        [
            "among methods that see",
            "ours first alone",
            "ours first or shared",
            "ours within ±",
            "next: alone / shared",
        ],
        firsts(results),
    )
    head = [
        "family",
        "first, of outputs alone",
        "over the floor",
        "first of all",
        "over the floor",
    ]
    yield from table(head, who_is_first(results))
    yield from ("", *CONDITIONED.splitlines())
    of_both = [f"{words}, {who}" for words in ("loss", "CPU s") for who in ("ours", "conditioned")]
    head = ["family", "ours, networks asked", "conditioned", "ratio", *of_both[:2]]
    yield from table([*head, "gradient steps", *of_both[2:]], conditioned(results))
    yield from ("", *SCORES.splitlines())
    yield from table(["family (pairs)", "floor", *results.methods], scores(results))
    yield from ("", *LOSSES.splitlines())
    yield from table(["family", "retrained", *results.methods], losses(results))
    yield from ("", *PRICES.splitlines())
    yield from table(
        [
            "method",
            "needs",
            "families (fits)",
            "error over that of ours, networks asked",
            "ahead in",
            "CPU s, fit",
            "CPU s, one lambda",
        ],
        prices(results),
    )
    yield from ("", *REFUSED.splitlines())
    yield from _refusals(of_protocol)
    yield from ("", *CURVE.splitlines())
    yield from curve_tables([r for r in records if r["design"] != "protocol"])


def _refusals(records):
    """Yield a point for every reason that a method has no answer, with the families."""
    families = {}
    for r in records:
        if "refused" in r:
            families.setdefault((r["method"], r["refused"]), set()).add(r["family"])
    for (method, reason), names in sorted(families.items()):
        text = f"* {method}: {reason}. Families: {', '.join(sorted(names))}."
        yield from wrap(text, 100, subsequent_indent="  ", break_on_hyphens=False)


def write(records, path):
    """Write the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = chain(body(records))
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n")


TOP = """# The arena

{n} families of real, small networks at three trained values. Every method that applies answers at
values between them, on its own terms: with outputs alone, with the networks to ask, with their
weights, or with labels and the training code. The networks seen are those of one seed, and the
truth are those of another, trained at the value asked. Methods are told what any user would tell:
bounds of outputs, categories, and, those that take it, that outputs are probabilities.

```sh
pip install -e ".[arena]"
python -m benchmarks.arena             # appends to arena.jsonl; goes on after a stop
python -m benchmarks.arena --curve     # over the number of trained values
python -m benchmarks.arena --report --results benchmarks/results/arena.jsonl   # this page
```

The {n_fits} fits of this page took {hours:.1f} CPU hours, without the training of networks.

## What to take
"""
FIRST = """The ratio is the geometric mean, over the families where the method applies, of its
error over that of ours when the networks are asked. A method is listed for a row if it applies to
at least half of the families that any method of its row does.

## Who is first where

A method shares the first place if it is within one standard error of the best: that of the
difference over pairs of networks. *Within ±* uses the standard error that is printed beside the
best. Methods with fewer pairs than others have in a family are left out there. "Ours" are both
forms, with and without networks to ask. Errors over the floor: 1 is what networks of two seeds
differ by; near it nothing is left to gain.
"""
CONDITIONED = """## One network that reads λ

It is trained on labels, with λ drawn over the range, for as many gradient steps as the three
trained values took together; how λ enters, the width, the learning rate and the decay are chosen
on a fifth of the labels. *Loss* is that on labels of test rows at the held-out values, above the
retrained network's: below zero is better than training anew. CPU seconds of ours leave out the
training of the three networks, which were there before; those of the conditioned network hold the
choice of its form.
"""
SCORES = """## Distance to the retrained network

Mean squared errors of deterministic networks, exact W² of others; mean ± standard error over pairs
of networks. First or shared in bold. The floor is the distance of networks of two seeds.
"""
LOSSES = """## Loss at λ

On labels of test rows, above that of the retrained network: pinball and expectile losses, the
smoothed cross-entropy, log loss, squared errors of forecasts, minus the reward. The terms of a
penalty on weights or of an entropy are left out, as outputs do not have them.
"""
PRICES = """## What each needs and costs

The ratio is again a geometric mean over families, of the same pairs of networks. CPU seconds are
means over fits; the training of trained values is not counted. Quantile forests,
BoTorch, OTP-FM, torchcfm and Treeffuser come with the extra `arena`. Treeffuser pins
scikit-learn 1.5.0 and numpy 1, which are too old here; beside newer ones it runs if installed
without its pins: `pip install --no-deps treeffuser lightgbm einops jaxtyping ml-collections
wadler-lindig`. torchcfm brings torchvision, which pins torch; `-c constraints.txt` keeps both.
"""
REFUSED = """## Where a method has no answer
"""
CURVE = """## How many values to train

Networks at 33 values, even on the scale that the range suggests; every other one is held out.
*Even* designs are even on that scale, *suggested* ones begin with the ends and take what
`sklearn_hti.design.suggest_lam` says, one by one. The conditioned network takes the gradient steps
of so many trainings.
"""
