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

_GRID = 61


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
    lam = spaced_lambdas(surrogate, lam_grid, _GRID)
    if len(lam) < 2:
        raise ValueError(f"`lam_grid` must hold two lambdas at least; got {lam.tolist()}.")
    X_seen = enter(estimator, X)
    draws = surrogate.trajectory(X_seen, lam, n_samples=n_samples, random_state=random_state)
    draws = np.asarray(draws)
    space = surrogate._state.outputs
    draws = np.moveaxis(space.flat(draws), 1, 2)  # rows before draws
    scaler = space.scaler  # single precision holds scaled outputs of any unit
    if space.coordinates is not None:  # which the page does not know
        scaler = OutputScaler().fit(draws.reshape(-1, space.n_outputs), surrogate.output_scaling)
    scaled = scaler.encode(draws).astype("<f4")
    lam_name = name_lambda(surrogate, lam_name)
    anchors = surrogate.anchors_
    title = f"Outputs along {lam_name}" if title is None else str(title)
    content = {
        "title": printable(title),
        "lam": lam.tolist(),
        "lam_name": printable(lam_name),
        "log": lam_scale(surrogate) == "log",
        "anchors": anchors[(anchors >= lam[0]) & (anchors <= lam[-1])].tolist(),
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
        script=_read("page_family.js") + _read("page.js"),
    )
    with replacing(path) as fresh:
        fresh.write_text(page, encoding="utf-8")
    return Path(os.fsdecode(path))


def _read(name):
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
