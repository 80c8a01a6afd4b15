"""One HTML page with a lambda slider that moves the output distribution."""

import base64
import html
import json
import os
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from .._utils.files import replacing
from .._utils.text import printable
from ..data.arrays import take
from .chart import make_chart
from .labels import (
    enter,
    final_step,
    lam_scale,
    name_lambda,
    name_outputs,
    name_rows,
    require,
    spaced_lambdas,
)
from .page_points import choose_points, describe
from .query import check_grid, check_n_samples

_GRID = 61
_NUMBERS = 300_000  # of a page, 2.7 bytes each
_ROWS = 50
_FEWEST = 50  # draws of a row, before rows are left out
_OUTPUTS = 100
_LEVELS = 2**16 - 1
_SCRIPTS = ("page_common.js", "page_family.js", "page.js")
_SCRIPTS_OF_SEVERAL = ("page_common.js", "page_space.js", "page_several.js")
_SLIDERS = '<div id="sliders"></div>'


def write_page(
    estimator,
    path,
    X=None,
    *,
    lam_grid=None,
    n_samples=200,
    output_names=None,
    labels=None,
    lam_name=None,
    title=None,
    random_state=None,
):
    """Write the page; see `BaseSurrogate.to_html`."""
    surrogate = final_step(estimator, "to_html")
    plotly = require("plotly.offline", "to_html").get_plotlyjs()
    chart = make_chart(surrogate, lam_name)
    if chart is None:
        lam, about = _along(surrogate, lam_grid, lam_name)
        asked = surrogate._state.lam_space.decode(lam)
        title = f"Outputs along {about['lam_name']}" if title is None else str(title)
    else:
        asked, about = _between(surrogate, chart, lam_grid)
        title = f"Outputs by {', '.join(chart.names)}" if title is None else str(title)
    X_seen = enter(estimator, X)
    n_given = 1 if X is None else len(X_seen)
    names = name_outputs(output_names, surrogate._state.outputs.n_outputs)
    names = names[: max(1, min(_OUTPUTS, _NUMBERS // len(about["lam"])))]
    rows, n_draws = _fitting(surrogate, n_given, n_samples, len(about["lam"]) * len(names))
    labels = name_rows(surrogate, X, n_given, labels)
    part = None if X is None else take(_as_rows(X_seen), rows)
    draws = surrogate.trajectory(part, asked, n_samples=n_draws, random_state=random_state)
    draws = surrogate._state.outputs.flat(np.asarray(draws))[..., : len(names)]
    draws = np.moveaxis(draws, 1, 2)  # rows before draws
    content = {
        "title": printable(title),
        **about,
        "outputs": [*map(printable, names)],
        "labels": [printable(labels[row]) for row in rows],
        "given": n_given,
        "draws": n_draws > 1,
        "common": surrogate.output_scaling == "common",
        "shape": draws.shape,
        **_rounded(draws),
    }
    page = Template(_read("page.html")).substitute(
        title=html.escape(printable(title)),
        plotly=plotly,
        data=json.dumps(content).replace("<", "\\u003c"),  # no tag may end the script
        sliders=_read("page_slider.html").rstrip("\n") if chart is None else _SLIDERS,
        script="".join(map(_read, _SCRIPTS if chart is None else _SCRIPTS_OF_SEVERAL)),
    )
    with replacing(path) as fresh:
        fresh.write_text(page, encoding="utf-8")
    return Path(os.fsdecode(path))


def _fitting(surrogate, n_rows, n_samples, n_answers):
    """Return which rows a page holds, and how many draws of each.

    Rows are left out before draws are fewer than a part of those asked for.
    """
    check_n_samples(n_samples)
    n_draws = n_samples if surrogate._state.has_draws else 1
    room = max(1, _NUMBERS // n_answers)  # draws of all rows
    n_kept = min(n_rows, _ROWS, max(1, room // min(n_draws, _FEWEST)))
    rows = np.linspace(0, n_rows - 1, n_kept).round().astype(int)
    return rows, min(n_draws, max(1, room // n_kept))


def _as_rows(X):
    """Return X, of which rows can be taken."""
    return np.asarray(X) if isinstance(X, list | tuple) else X


def _rounded(draws):
    """Return draws (..., D) as 65,536 even levels of each output, and what these stand for."""
    axes = tuple(range(draws.ndim - 1))
    low = draws.min(axis=axes)
    step = (draws.max(axis=axes) - low) / _LEVELS
    levels = np.divide(draws - low, step, out=np.zeros_like(draws), where=step > 0)
    values = levels.round().astype("<u2").tobytes()
    return {
        "low": low.tolist(),
        "step": step.tolist(),
        "values": base64.b64encode(values).decode("ascii"),
    }


def _along(surrogate, lam_grid, lam_name):
    """Return the lambdas of a page of one hyperparameter, and what it says of them."""
    lam = spaced_lambdas(surrogate, lam_grid, _GRID)
    if len(lam) < 2:
        raise ValueError(f"`lam_grid` must hold at least two lambdas; got {lam.tolist()}.")
    anchors = surrogate._state.anchors
    return lam, {
        "lam": lam.tolist(),
        "lam_name": printable(name_lambda(surrogate, lam_name)),
        "log": lam_scale(surrogate) == "log",
        "anchors": anchors[(anchors >= lam[0]) & (anchors <= lam[-1])].tolist(),
    }


def _between(surrogate, chart, lam_grid):
    """Return the lambdas of a page of several hyperparameters, and what it says of them."""
    if lam_grid is not None:
        check_grid(surrogate, lam_grid)
        lam_grid = chart.space.encode(lam_grid, chart.space.count_rows(lam_grid))
    lam, regions = choose_points(chart, lam_grid)
    hypers = describe(chart)
    for one in hypers:
        one["name"] = printable(one["name"])
        one["levels"] = None if one["levels"] is None else [*map(printable, one["levels"])]
    return chart.space.decode(lam), {
        "lam": lam.tolist(),
        "places": chart.place(lam).tolist(),
        "codes": lam[:, chart.categories].astype(int).tolist(),
        "trained": len(chart.lams),
        "hypers": hypers,
        "regions": regions,
    }


def _read(name):
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
