"""The walls of the package: who may import whom, read off the source."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sklearn_hti"

# A folder or module imports only what stands above it.
ORDER = (
    *("_utils", "metrics", "data", "stats", "nn", "lagrangian", "paths", "solvers", "clocks"),
    *("field", "flow_map", "samplers", "answers", "assessment", "inspection", "io"),
    *("callbacks", "model_selection", "pipeline", "policies"),
    *("_surrogate", "_regressor", "_classifier", "_sweep", "baselines", "datasets"),
    "design",
    "__init__",
)
LEAVES = {"exceptions", "_version"}  # import nothing, and may be imported by all
MAX_TOP_LEVEL = 12


def find_modules(package):
    """Return the modules of a package, by dotted name below it, and their files."""
    modules = {}
    for file in package.rglob("*.py"):
        parts = file.relative_to(package).with_suffix("").parts
        modules[".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)] = (
            file
        )
    return modules


def imports_of(file, package, modules):
    """Yield the modules of the package that a file imports, at its top or inside functions."""
    here = (package.name, *file.relative_to(package).parts[:-1])
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            base = ".".join((*base, *filter(None, [node.module])))
            found = [f"{base}.{alias.name}" for alias in node.names]
            found = [name if _below(name, package) in modules else base for name in found]
        else:
            continue
        for name in found:
            if name == package.name or name.startswith(f"{package.name}."):
                yield _below(name, package)


def _below(name, package):
    """Return the name of a module below the package; the package itself is its `__init__`."""
    return name.removeprefix(package.name).lstrip(".") or "__init__"


def graph_of(package):
    """Return the modules that every module imports."""
    modules = find_modules(package)
    return {name: set(imports_of(file, package, modules)) for name, file in modules.items()}


def faults_of_order(graph, order, leaves):
    """Return who imports what does not stand above it."""
    ranks = {name: rank for rank, name in enumerate(order)} | dict.fromkeys(leaves, -1)
    faults = []
    for name, imported in graph.items():
        room = name.split(".")[0]
        if room not in ranks:
            faults.append(f"{name} has no place in the order")
            continue
        for other in imported:
            above = ranks.get(other.split(".")[0], len(order))
            same_folder = other.split(".")[0] == room and "." in name + other
            if above >= ranks[room] and not same_folder:
                faults.append(f"{name} imports {other}")
    return faults


def circle_in(graph):
    """Return a circle of modules, or None."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def test_folders_import_only_those_above():
    assert not faults_of_order(graph_of(PACKAGE), ORDER, LEAVES)


def test_no_circles():
    circle = circle_in(graph_of(PACKAGE))
    assert circle is None, " <- ".join(circle)


def test_few_modules_at_the_top():
    names = sorted(file.name for file in PACKAGE.glob("*.py"))
    assert len(names) <= MAX_TOP_LEVEL, names


def test_every_place_in_the_order_is_taken():
    rooms = {name.split(".")[0] for name in find_modules(PACKAGE)}
    assert rooms == {*ORDER, *LEAVES}


# ---------------------------------------------------------------- the test itself


@pytest.fixture
def tree(tmp_path):
    """Return a function that writes files into a package `house`, and returns its graph."""

    def write(**files):
        for name, text in {"__init__": "", **files}.items():
            path = tmp_path / "house" / f"{name.replace('__in__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return graph_of(tmp_path / "house")

    return write


ROOMS = ("cellar", "attic", "__init__")


@pytest.mark.parametrize(
    "text",
    [
        "from ..attic import roof",
        "from ..attic.roof import tile",
        "from .. import attic",
        "import house.attic.roof",
        "from house.attic import roof",
        "def f():\n    from ..attic import roof",
        "class A:\n    def f(self):\n        import house.attic as up",
        "from house import anything",
    ],
)
def test_what_is_not_above_is_found(tree, text):
    files = {"attic__in____init__": "", "attic__in__roof": "tile = 1", "cellar__in__box": text}
    graph = tree(**files)
    assert len(faults_of_order(graph, ROOMS, ())) == 1
    assert not faults_of_order(graph, ("attic", "__init__", "cellar"), ())


def test_modules_without_a_place_are_found(tree):
    assert faults_of_order(tree(shed="import os"), ROOMS, ()) == ["shed has no place in the order"]


def test_leaves_import_nothing(tree):
    graph = tree(leaf="from .cellar import box", cellar="from . import leaf")
    assert faults_of_order(graph, ROOMS, {"leaf"}) == ["leaf imports cellar"]


def test_circles_are_found(tree):
    """Within a folder, and through functions."""
    graph = tree(cellar__in__a="from .b import x", cellar__in__b="def f():\n    from . import a")
    assert not faults_of_order(graph, ROOMS, ())
    assert set(circle_in(graph)) == {"cellar.a", "cellar.b"}
    assert circle_in(tree(cellar__in__b="import os")) is None
