"""What was fitted, in a few lines: for the notebook."""

import html

import numpy as np

from .._utils.text import printable
from ..answers.chart import make_chart
from ..data.lam_space import shown

_LISTED = 8  # trained values, and classes
_SIMPLE = {
    "no_transport": "outputs of the first trained value, unmoved",
    "nearest_anchor": "copies of the nearest trained value",
    "straight_line": "straight lines between trained values",
    "straight_line_in_clock": "straight lines between trained values, at the speed of the outputs",
}
_TABLE = '<table class="hti-fitted"><caption>What was fitted</caption><tbody>{}</tbody></table>'
_ROW = '<tr><th scope="row">{}</th><td>{}</td></tr>'
_STYLE = """<style>
.hti-fitted { margin: .4em 0 0; border-collapse: collapse; font-size: 90%; text-align: left; }
.hti-fitted caption { text-align: left; font-weight: bold; caption-side: top; }
.hti-fitted th, .hti-fitted td { padding: .15em .8em .15em 0; text-align: left !important;
  vertical-align: top; background: none; border: 0; }
.hti-fitted th { font-weight: normal; opacity: .7; white-space: nowrap; }
</style>"""


def summary_as_html(surrogate):
    """Return the facts of a fitted surrogate as a table of HTML; nothing before `fit`."""
    if surrogate._state is None:
        return ""
    facts = summarise(surrogate)
    rows = (_ROW.format(name, html.escape(printable(text))) for name, text in facts.items())
    return _STYLE + _TABLE.format("".join(rows))


def summarise(surrogate):
    """Return the facts of a fitted surrogate: text by name."""
    state = surrogate._state
    facts = {
        "Trained values": _trained_values(surrogate),
        "λ scale": _scale(surrogate),
        "Rows": "" if state.n_rows is None else f"{state.n_rows}",
        "Outputs": _outputs(surrogate),
        "Answers": _answers(state),
        "Left-out values": _left_out(state),
        "Warnings": " ".join(state.warnings),
    }
    return {name: text for name, text in facts.items() if text}


def _trained_values(surrogate):
    chart = make_chart(surrogate)
    if chart is None:
        values = surrogate._state.anchors
        listed = ", ".join(map(shown, values))
        if len(values) > _LISTED:
            listed = f"{len(values)} from {shown(values[0])} to {shown(values[-1])}"
        names = surrogate._state.lam_space.names
        kept = surrogate._state.lam_space.kept_names
        return f"{kept[0]}: {listed}" if names else listed
    parts = []
    for name, level, of in zip(chart.names, chart.space.kept_levels, chart.lams.T, strict=True):
        ends = ", ".join(map(str, level or ())) or f"{shown(of.min())} to {shown(of.max())}"
        parts.append(f"{name} {ends}")
    return f"{len(chart.lams)} of {len(parts)} hyperparameters: {'; '.join(parts)}"


def _scale(surrogate):
    chart = make_chart(surrogate)
    if chart is None:
        clock = getattr(surrogate, "lam_transform_", None)
        reason = getattr(clock, "reason", "")
        return f"{clock.name} ({reason})" if reason else ""
    kinds = np.where(chart.logarithmic, "log", "linear")
    return ", ".join(f"{chart.names[j]} {kinds[j]}" for j in chart.numbers)


def _outputs(surrogate):
    if hasattr(surrogate, "classes_"):
        names = [str(name) for name in surrogate.classes_[:_LISTED]]
        more = ", …" if len(surrogate.classes_) > _LISTED else ""
        return f"probabilities of {len(surrogate.classes_)} classes: {', '.join(names)}{more}"
    trailing = surrogate._state.outputs.trailing
    return f"{' × '.join(map(str, trailing)) or '1'} per row"


def _answers(state):
    simple = getattr(state.particle_field, "simple", "")
    if simple:
        chosen = state.validation is not None
        return _SIMPLE[simple] + (", nearer to left-out values than curves" if chosen else "")
    if state.networks is not None:
        return "the trained networks are asked, and the particle field is between them"
    if state.regresses:
        return (
            f"from x, by a regression of the outputs at all trained values ({state.base.reason})"
        )
    name = getattr(state.base, "name", None)
    return f"draws at the base ({name}), moved along λ" if name else ""


def _left_out(state):
    """Return how large errors at trained values left out are, beside those of the straight line.

    Root mean squared distances, the noise floor subtracted.
    """
    if state.validation is None:
        return ""
    known = state.validation[["interpolate", "straight_line", "floor"]].dropna()
    if not len(known):
        return ""
    own, line = (
        max(0.0, float((known[name] - known["floor"]).mean()))
        for name in ("interpolate", "straight_line")
    )
    if line <= np.finfo(float).eps:  # of scaled outputs
        return f"{len(known)}; the straight line has no error above the noise floor"
    return f"{len(known)}; error {np.sqrt(own / line):.2g} times that of the straight line"
