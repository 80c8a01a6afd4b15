"""The API page lists every public name and nothing else; links lead somewhere; code runs."""

import importlib
import inspect
import pkgutil
import re
import runpy
from pathlib import Path

import pytest

import sklearn_hti

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "api" / "index.rst"


def public_names(module):
    """Return the names that a module exports: `__all__`, or what it defines without underscore."""
    if hasattr(module, "__all__"):
        return set(module.__all__)
    own = {
        name
        for name, value in inspect.getmembers(module)
        if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    }
    return own


def exported():
    """Return the full names of all exports of the package and its public modules."""
    names = {f"sklearn_hti.{name}" for name in sklearn_hti.__all__}
    for info in pkgutil.iter_modules(sklearn_hti.__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"sklearn_hti.{info.name}")
            names |= {f"sklearn_hti.{info.name}.{name}" for name in public_names(module)}
    return names


def listed(text):
    """Return the full names in the autosummary tables and the inline names of a page."""
    names = set(re.findall(r"(?:``|data:: |  )(sklearn_hti(?:\.\w+)+)", text))
    module = None
    for line in text.splitlines():
        if line.startswith(".. currentmodule::"):
            module = line.split()[-1]
        elif re.fullmatch(r"   [A-Za-z_]\w*", line):
            names.add(f"{module}.{line.strip()}")
    return names


def test_every_export_is_on_the_api_page():
    missing = exported() - listed(PAGE.read_text(encoding="utf-8"))
    assert not missing, f"not in {PAGE.name}: {sorted(missing)}"


def test_the_api_page_lists_exports_alone():
    modules = {f"sklearn_hti.{info.name}" for info in pkgutil.iter_modules(sklearn_hti.__path__)}
    unknown = listed(PAGE.read_text(encoding="utf-8")) - exported() - modules
    assert not unknown


def test_equations_that_code_cites_exist():
    text = (DOCS / "method.md").read_text(encoding="utf-8")
    numbers = [int(n) for n in re.findall(r"\\qquad \((\d+)\)", text)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    sections = {int(n) for n in re.findall(r"^## (\d+) ", text, flags=re.MULTILINE)}
    for file in Path(sklearn_hti.__file__).parent.rglob("*.py"):
        cited = re.findall(
            r"method\.md,\s+(equation|section)s? (\d+(?:(?:, | to |, and | and )\d+)*)",
            file.read_text(encoding="utf-8"),
        )
        for kind, listed in cited:
            known = sections if kind == "section" else set(numbers)
            assert known.issuperset(map(int, re.findall(r"\d+", listed))), file.name


def test_broken_links_are_found(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.html").write_text('<h1 id="there">x</h1><a href="../a.html">x</a>')
    good = ["sub/other.html#there", "sub/other.html", "#here", "https://example.org/#no"]
    bad = ["sub/other.html#gone", "gone.html", "#gone"]
    links = "".join(f'<a href="{link}">x</a>' for link in good + bad)
    (tmp_path / "a.html").write_text(f'<p id="here">{links}</p>')
    broken_links = runpy.run_path(str(DOCS / "check_links.py"))["broken_links"]
    assert {link for _, link in broken_links(tmp_path)} == set(bad)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", ["../README.md", "quickstart.md", "guide/idea.md", "guide/pipelines.md"]
)
def test_code_of_a_page_runs(page, monkeypatch, tmp_path):
    """Of the pages whose code is complete."""
    monkeypatch.chdir(tmp_path)
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    (tmp_path / "page.py").write_text("\n".join(blocks), encoding="utf-8")
    runpy.run_path("page.py")
