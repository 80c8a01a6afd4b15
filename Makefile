# Every target makes and reuses one virtual environment, with the versions of constraints.txt.
PYTHON ?= python3
PYTEST_ARGS ?= -n 2

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
INSTALLED := $(VENV)/.installed
INSTALLED_DOCS := $(VENV)/.installed-docs
INSTALLED_RELEASE := $(VENV)/.installed-release
TRIED := build/tried

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help bench coverage demo dist docs files test test-slow pytest lint style types wheel clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(INSTALLED)  ## show on a small problem what the package does
	@$(PY) examples/demo.py

docs: $(INSTALLED_DOCS)  ## build the documentation in docs/_build/html; runs the examples
	@echo "== sphinx: pages, examples and API; a warning is an error"
	@$(PY) -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@$(PY) docs/check_links.py docs/_build/html
	@echo "Open docs/_build/html/index.html"

bench: $(INSTALLED)  ## judge surrogate and rivals on the zoo, in about ten minutes; goes on in zoo.jsonl
	@$(PY) -m benchmarks --results zoo.jsonl

test: lint wheel pytest  ## all checks: style, types, spelling, docstrings, the wheel, tests and doctests

test-slow: $(INSTALLED)  ## the tests marked slow
	@echo "== pytest: the slow tests"
	@$(PY) -m pytest -m slow $(PYTEST_ARGS)

pytest: $(INSTALLED)  ## the tests and doctests alone, with PYTEST_ARGS="..."
	@echo "== pytest: the tests and the examples in docstrings"
	@$(PY) -m pytest $(PYTEST_ARGS)

coverage: $(INSTALLED)  ## the tests with the lines that they run; fails below 95 %
	@echo "== pytest: the tests, and the lines that they run"
	@$(PY) -m pytest $(PYTEST_ARGS) --cov --cov-report=term:skip-covered

# The wheel in an environment of its own, with the dependencies of $(VENV): seconds.
wheel: files  ## build the wheel, check it, and try it outside of the source
	@$(PY) -m venv --without-pip $(TRIED)
	@$(PY) -c "import sysconfig; print(sysconfig.get_path('purelib'))" > $$($(TRIED)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/dependencies.pth
	@$(PY) -m pip --python $(TRIED)/bin/python install --quiet --disable-pip-version-check --no-deps --no-index --ignore-installed dist/*.whl
	@cd $(TRIED) && bin/python -I $(CURDIR)/.ci/smoke.py

# The same with dependencies of its own: minutes.
dist: files  ## build wheel and sdist, check them, and try the wheel in a clean environment
	@$(PYTHON) -m venv $(TRIED)
	@$(TRIED)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "$$(ls dist/*.whl)[plot]"
	@cd $(TRIED) && bin/python -I $(CURDIR)/.ci/smoke.py

files: $(INSTALLED_RELEASE)
	@echo "== build and twine: sdist and wheel, in dist"
	@rm -rf build dist
	@$(PY) -m build --no-isolation > /dev/null
	@$(PY) -m twine check --strict dist/*

lint: $(INSTALLED) style types  ## the style, spelling, docstring and type checks alone

types: $(INSTALLED)
	@echo "== mypy: the types of public signatures"
	@$(PY) -m mypy

# No prerequisite: nox runs these with the tools in its own BIN.
style:
	@echo "== ruff check: errors and bad style"
	@$(BIN)/ruff check
	@echo "== ruff format: layout"
	@$(BIN)/ruff format --check
	@echo "== codespell: spelling"
	@$(BIN)/codespell
	@echo "== numpydoc: public docstrings"
	@find sklearn_hti -name '*.py' -exec $(BIN)/numpydoc lint {} +

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "sklearn-hti needs Python 3.11 or newer, and $(PYTHON) is: $$($(PYTHON) --version 2>/dev/null || echo missing)."; \
	  echo "Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; } >&2
	@echo "== install into $(VENV), once"
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[plot,test]"
	@touch $@

$(INSTALLED_DOCS): $(INSTALLED)
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	@touch $@

$(INSTALLED_RELEASE): $(INSTALLED)
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[release]"
	@touch $@

clean:  ## remove the virtual environment and what the tools left
	rm -rf $(VENV) .nox build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .coverage htmlcov
	rm -rf docs/_build docs/gallery docs/api/generated docs/api/backreferences docs/sg_execution_times.rst
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
