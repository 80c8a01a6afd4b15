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
from ..data.encoding import OutputScaler
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
from .query import check_grid

_GRID = 61
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
    draws = surrogate.trajectory(X_seen, asked, n_samples=n_samples, random_state=random_state)
    draws = np.asarray(draws)
    space = surrogate._state.outputs
    draws = np.moveaxis(space.flat(draws), 1, 2)  # rows before draws
    scaler = space.scaler  # single precision holds scaled outputs of any unit
    if not space.as_they_are:  # which the page does not know
        scaler = OutputScaler().fit(draws.reshape(-1, space.n_outputs), surrogate.output_scaling)
    scaled = scaler.encode(draws).astype("<f4")
    content = {
        "title": printable(title),
        **about,
        "outputs": [*map(printable, name_outputs(output_names, draws.shape[3]))],
        "labels": [*map(printable, name_rows(surrogate, X, draws.shape[1], labels))],
        "common": surrogate.output_scaling == "common",
        "shape": draws.shape,
        "center": scaler.center_.tolist(),
        "scale": scaler.scale_.tolist(),
        "values": base64.b64encode(scaled.tobytes()).decode("ascii"),
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


def _along(surrogate, lam_grid, lam_name):
    """Return the lambdas of a page of one hyperparameter, and what it says of them."""
    lam = spaced_lambdas(surrogate, lam_grid, _GRID)
    if len(lam) < 2:
        raise ValueError(f"`lam_grid` must hold two lambdas at least; got {lam.tolist()}.")
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
