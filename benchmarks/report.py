"""Tables of judged methods, for the terminal and for the docs."""

import numpy as np

BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
FIXED = ("floor", "not moving", "nearest network", "straight line", "straight line of logits")


def _rows(records):
    """Return names of tasks, and {row: {task: (mean, sd, mean CPU, number of seeds)}}."""
    tasks = list(dict.fromkeys(r["task"] for r in records))
    rows = {}
    for name in FIXED:
        rows[name] = {}
        for task in tasks:
            # one value per seed, whatever the method
            values = {r["seed"]: r[name] for r in records if r["task"] == task and name in r}
            if values and np.isfinite(list(values.values())).all():
                values = list(values.values())
                rows[name][task] = (np.mean(values), np.std(values), np.nan, len(values))
    for method in dict.fromkeys(r["method"] for r in records):
        rows[method] = {}
        for task in tasks:
            of = [r for r in records if r["task"] == task and r["method"] == method]
            if of:
                scores, cpu = ([r[k] for r in of] for k in ("score", "cpu"))
                rows[method][task] = (np.mean(scores), np.std(scores), np.mean(cpu), len(of))
    return tasks, rows


def tables(records):
    """Return the lines of two Markdown tables: scores, and CPU seconds of a fit."""
    tasks, rows = _rows(records)
    head = ["| | " + " | ".join(tasks) + " |", "| --- |" + " --- |" * len(tasks)]
    scores, seconds = list(head), list(head)
    best = {t: min(r[t][0] for n, r in rows.items() if t in r and n not in FIXED) for t in tasks}
    for name, row in rows.items():
        if not row:
            continue  # an answer that no task knows
        cells = []
        for task in tasks:
            if task not in row:
                cells.append("–")
                continue
            mean, sd, _, n = row[task]
            text = short(mean) + (f" ± {short(sd)}" if n > 1 else "")
            cells.append(f"**{text}**" if name not in FIXED and mean == best[task] else text)
        scores.append(f"| {name} | " + " | ".join(cells) + " |")
        if name not in FIXED:
            cpu = [f"{row[task][2]:.1f}" if task in row else "–" for task in tasks]
            seconds.append(f"| {name} | " + " | ".join(cpu) + " |")
    return scores, seconds


def short(value):
    """Return three significant digits, and the point where it is."""
    return f"{value:#.3g}".rstrip(".") if value else "0"


def print_table(records):
    """Print both tables."""
    scores, seconds = tables(records)
    print("\nMean over seeds ± standard deviation: W2^2 or MSE at held-out lambdas")
    print("\n".join(scores))
    print("\nCPU seconds of a fit")
    print("\n".join(seconds))


def write_page(records, path):
    """Write the tables between the marks of a page."""
    scores, seconds = tables(records)
    n_seeds = max(r["seed"] for r in records) + 1
    body = [
        BEGIN,
        "",
        "Exact W² per condition (ett_quantiles: mean squared error) at held-out λ, "
        + (f"mean over {n_seeds} seeds ± standard deviation" if n_seeds > 1 else "one seed")
        + "; the best of each column in bold.",
        "",
        *scores,
        "",
        "CPU seconds of one fit:",
        "",
        *seconds,
        "",
        END,
    ]
    text = path.read_text()
    before, rest = text.split(BEGIN)
    path.write_text(before + "\n".join(body) + rest.split(END)[1])
