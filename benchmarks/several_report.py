"""Tables of families of several hyperparameters, for the terminal and for the docs."""

import numpy as np

from .simplices import TRIVIAL

BEGIN, END = "<!-- several: begin -->", "<!-- several: end -->"


def table(head, rows):
    """Return the lines of a table."""
    return [f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] * len(head), *rows)]


def grouped(records):
    """Return {(family, design): {method: its records}}."""
    groups = {}
    for record in records:
        of_design = groups.setdefault((record["family"], record["design"]), {})
        of_design.setdefault(record["method"], []).append(record)
    return groups


def trivial_table(records):
    """Return the lines of the floor and of the errors of the trivial answers."""
    names = ("floor", *TRIVIAL)
    rows = []
    for key, methods in grouped(records).items():
        [of_seeds, *_] = methods.values()  # the same in every method
        means = [f"{np.mean([record[name] for record in of_seeds]):.3g}" for name in names]
        value, error = np.mean([record["avoidable"] for record in of_seeds], axis=0)
        rows.append([*key, of_seeds[0]["n_anchors"], *means, f"{value:.3g} ± {error:.2g}"])
    return table(("family", "design", "anchors", *names, "avoidable"), rows)


def share_table(records, methods):
    """Return the lines of the shares of the avoidable error that methods remove."""
    shares = {
        key: [_mean(r.get("share") for r in of_design[name]) for name in methods]
        for key, of_design in grouped(records).items()
    }
    rows = [[*key, *map(_cell, of_row)] for key, of_row in shares.items()]
    for design in dict.fromkeys(design for _, design in shares):
        here = zip(*(of_row for (_, of), of_row in shares.items() if of == design), strict=True)
        rows.append(["**mean**", design, *(_cell(_mean(column)) for column in here)])
    return table(("family", "design", *methods), rows)


def ratio_table(records, methods):
    """Return the lines of errors as multiples of the floor, trivial answers first."""
    rows = []
    for key, of_design in grouped(records).items():
        [of_seeds, *_] = of_design.values()
        floor = np.mean([record["floor"] for record in of_seeds])
        scores = [_mean(record[name] for record in of_seeds) for name in TRIVIAL]
        scores += [_mean(record.get("score") for record in of_design[name]) for name in methods]
        ratios = (score if score is None else score / floor for score in scores)
        rows.append([*key, of_seeds[0]["n_anchors"], f"{floor:.3g}", *map(_cell, ratios)])
    return table(("family", "design", "anchors", "floor", *TRIVIAL, *methods), rows)


def _mean(values):
    """Return the mean; None if a value is missing."""
    values = list(values)
    return None if None in values else float(np.mean(values))


def _cell(share):
    return "–" if share is None else f"{share:.2f}"


def refusals(records):
    """Return a line for every method that refused a family, with its first reason."""
    reasons = {}
    for record in records:
        if "refused" in record:
            reasons.setdefault(record["method"], record["refused"])
    return [f"{name} refused: {reason}" for name, reason in reasons.items()]


def several_tables(records, methods):
    """Return the lines of all tables."""
    return [
        "Mean squared errors of deterministic models, exact W² of others:",
        "",
        *trivial_table(records),
        "",
        "Share of the avoidable error removed:",
        "",
        *share_table(records, methods),
        *(line for reason in refusals(records) for line in ("", reason)),
    ]


def write_page(records, methods, path):
    """Write the tables between the marks of a page."""
    before, rest = path.read_text().split(BEGIN)
    body = "\n".join([BEGIN, "", *several_tables(records, methods), "", END])
    path.write_text(before + body + rest.split(END)[1])
