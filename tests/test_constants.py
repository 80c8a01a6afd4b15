"""The page of constants: every number of the package is on it, and every name of it exists."""

import ast
import re
from pathlib import Path

import sklearn_hti

PACKAGE = Path(sklearn_hti.__file__).parent
PAGE = (Path(__file__).parents[1] / "docs" / "constants.md").read_text(encoding="utf-8")
FOLDERS = [
    "answers",
    "assessment",
    "clocks",
    "data",
    "field",
    "flow_map",
    "lagrangian",
    "nn",
    "paths",
    "samplers",
    "stats",
]
# named on the page by their file, or by its class
BY_FILE = {"inference", "quality", "diagnostics", "budget"}
NO_NUMBERS = {"_MAX_SEED", "_WARPS"}  # a bound of seeds, a table of functions
# of the default solver
SOLVERS = ["affine", "coupling", "discrete", "few_draws"]
MOST_ROWS = 45


def rows():
    """Return the first cells of the table."""
    table = PAGE[: PAGE.index("Not counted are")]
    return [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]


def files():
    """Return the files whose constants are counted."""
    found = [file for folder in FOLDERS for file in sorted((PACKAGE / folder).glob("*.py"))]
    return found + [PACKAGE / "solvers" / f"{name}.py" for name in SOLVERS]


def constants(file):
    """Return the names of constants of a file: numbers, or tuples, grids and products of them."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.Assign):
            continue
        values = [leaf.value for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant)]
        if any(isinstance(value, (int, float)) for value in values):
            for target in node.targets:
                for leaf in ast.walk(target):
                    if isinstance(leaf, ast.Name) and leaf.id.isupper():
                        yield leaf.id


def test_the_table_is_short():
    assert 0 < len(rows()) <= MOST_ROWS


def test_every_constant_is_on_the_page():
    named = set(re.findall(r"`([^`]+)`", PAGE))
    found = {
        f"{file.stem}.{name}"
        for file in files()
        if file.stem not in BY_FILE
        for name in constants(file)
        if name not in NO_NUMBERS
    }
    missing = sorted(found - named)
    assert not missing


def test_every_name_of_the_page_exists():
    known = {f"{file.stem}.{name}" for file in files() for name in constants(file)}
    named = {name for cell in rows() for name in re.findall(r"`([a-z_]+\._?[A-Z_]+)`", cell)}
    assert named - known <= {"spread.ROUGH_FRACTIONS"}  # of another constant of the page


def test_every_command_exists():
    for module in re.findall(r"python -m (benchmarks[.\w]*)", PAGE):
        path = Path(*module.split("."))
        assert (PACKAGE.parent / path).is_dir() or (PACKAGE.parent / path).with_suffix(
            ".py"
        ).exists()
