"""Every public signature tells its types; mypy checks that they hold, in `make lint`."""

import importlib
import inspect
import pkgutil
from importlib.resources import files

import pytest

import sklearn_hti


def public():
    """Yield the functions, and methods of classes, that the package exports, by name."""
    modules = [sklearn_hti]
    for info in pkgutil.iter_modules(sklearn_hti.__path__):
        if not info.name.startswith("_"):
            modules.append(importlib.import_module(f"sklearn_hti.{info.name}"))
    for module in modules:
        for name in getattr(module, "__all__", ()):
            found = getattr(module, name)
            if inspect.isfunction(found):
                yield f"{module.__name__}.{name}", found
            elif inspect.isclass(found):
                for member in dir(found):
                    function = inspect.getattr_static(found, member)
                    function = getattr(function, "__func__", function)
                    shown = member in ("__init__", "__call__") or not member.startswith("_")
                    if shown and inspect.isfunction(function):
                        yield f"{module.__name__}.{name}.{member}", function


CASES = {name: f for name, f in public() if f.__module__.startswith("sklearn_hti")}


def test_there_are_public_signatures():
    assert len(CASES) > 150
    assert files(sklearn_hti).joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", CASES)
def test_all_parameters_have_types(name):
    signature = inspect.signature(CASES[name])
    missing = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.name not in ("self", "cls") and parameter.annotation is parameter.empty
    ]
    assert not missing
    assert signature.return_annotation is not signature.empty
