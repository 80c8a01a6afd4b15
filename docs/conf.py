"""How Sphinx builds the documentation: `make docs`."""

import re
from pathlib import Path

from docutils.nodes import SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging
from sphinx_gallery.sorting import ExplicitOrder

import sklearn_hti
from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_semicircles

HERE = Path(__file__).parent

project = "sklearn-hti"
author = "sklearn-hti developers"
version = release = sklearn_hti.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

# Every reference leads somewhere, but for those to other libraries: a build needs no network.
nitpicky = True
nitpick_ignore_regex = [
    (
        "py:.*",
        r"(dask|joblib|matplotlib|numpy|onnx|ot|pandas|plotly|scipy|sklearn|skops|skorch"
        r"|stable_baselines3|torch)(\..*)?",
    ),
    ("py:obj", r"[a-z_]+"),  # `base`, a parameter here, is the name of a module, too
]
default_role = "autolink"  # `name` is a link where the name is documented

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
numpydoc_show_class_members = False
autodoc_typehints = "none"  # docstrings tell them, with shapes

# pages of tables
WIDE = ("comparison", "choices", "conditioning", "semicircles", "routing", "zoo")
html_theme = "pydata_sphinx_theme"
toc_object_entries_show_parents = "hide"
html_title = f"sklearn-hti {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_sidebars = {"changes": [], "contributing": [], "comparison": [], "quickstart": []}
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "show_toc_level": 3,
    "secondary_sidebar_items": {"**": ["page-toc"]} | {page: [] for page in WIDE},
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}
copyright = author
html_math_renderer = "mathml"

FIRST = ("quickstart", "idea", "ridge_strength", "dropout_rate", "forecaster", "categories")
LAST = ("obstacle", "gaussians", "rivals")
sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"[\\/]plot_",
    "ignore_pattern": r"demo\.py|__init__\.py",
    "within_subsection_order": ExplicitOrder(
        [*(f"plot_{name}.py" for name in FIRST), "*", *(f"plot_{name}.py" for name in LAST)]
    ),
    "abort_on_example_error": True,
    "capture_repr": ("_repr_html_",),  # tables and estimators, no addresses of objects
    "backreferences_dir": "api/backreferences",
    "doc_module": ("sklearn_hti",),
    "reference_url": {"sklearn_hti": None},
    "download_all_examples": False,
    "show_memory": False,
}


def setup(app):
    """Connect what is ours: formulas as MathML, without scripts from the network; a live page."""
    app.connect("build-finished", _write_live_page)
    app.add_html_math_renderer("mathml", (_inline_math, None), (_block_math, None))
    app.connect("autodoc-skip-member", _skip_foreign)


def _write_live_page(app, exception):
    """Write the page with a slider that the first page shows, of a surrogate fitted here."""
    if exception is not None or app.builder.format != "html":
        return
    data = make_semicircles(n_samples=60, random_state=0)
    surrogate = HyperparameterTrajectoryRegressor(
        lam_transform=None, categorical_features=[0], max_iter=400, random_state=0
    ).fit(data.X, data.y, data.lam)
    surrogate.to_html(
        Path(app.outdir, "live.html"),
        [[0], [1], [2], [3]],
        n_samples=60,
        labels=[f"arc {k}" for k in range(1, 5)],
        output_names=["across", "up"],
        title="Points that were seen at λ = 0, 0.5 and 1 alone",
        random_state=0,
    )


def _skip_foreign(app, what, name, obj, skip, options):
    """Leave out members that come from scikit-learn and torch."""
    module = getattr(obj, "__module__", None) or "sklearn_hti"
    return None if module.startswith("sklearn_hti") else True


def _inline_math(self, node):
    self.body.append(_to_mathml(node))
    raise SkipNode


def _block_math(self, node):
    self.body.append(f'<div class="formula">{_to_mathml(node, as_block=True)}</div>\n')
    raise SkipNode


def _to_mathml(node, **options):
    """Return a formula as MathML, in which brackets grow by themselves."""
    tex = node.astext().replace(r"\dots", r"\ldots")
    tex = re.sub(r"\\[bB]igg?[lrm]?(?![A-Za-z])", "", tex)
    tex = re.sub(r"\\([dt]?frac)(\w)\s*(\w)", r"\\\1{\2}{\3}", tex)  # one digit each, as in TeX
    try:
        return tex2mathml(tex, **options)
    except MathError as error:
        logging.getLogger(__name__).warning("in a formula: %s", error, location=node)
        return f"<code>{tex}</code>"
