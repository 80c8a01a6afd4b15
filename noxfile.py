"""The tests on the newest and on the oldest supported dependencies, and the style checks."""

import tomllib
from pathlib import Path

import nox
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads(Path("pyproject.toml").read_text())["project"]

nox.options.sessions = ["lint", "tests_latest", "tests_oldest"]


def _oldest(tested):
    """Return the tested pins with every dependency but torch at its lower bound."""
    pins = {canonicalize_name(Requirement(line).name): line for line in tested}
    for text in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["plot"]]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name != "torch":
            (bound,) = requirement.specifier
            pins[name] = f"{name}=={bound.version}"
    return sorted(pins.values())


@nox.session
def tests_latest(session):
    """Run the tests on the newest releases of the dependencies."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def tests_oldest(session):
    """Run the tests on the lower bounds in pyproject.toml, torch at its tested pin."""
    tested = Path("constraints.txt").read_text().splitlines()
    pins = Path(session.create_tmp(), "oldest.txt")
    pins.write_text("\n".join(_oldest(tested)) + "\n")
    session.install("-c", str(pins), "-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session):
    """Run the style, spelling and docstring checks of the Makefile."""
    session.install("-c", "constraints.txt", "codespell", "numpydoc", "ruff")
    session.run("make", "style", f"BIN={session.bin}", external=True)
