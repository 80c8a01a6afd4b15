# Every target makes and reuses one virtual environment, with the versions of constraints.txt.
PYTHON ?= python3
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-slow pytest lint style clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(INSTALLED)  ## show on a small problem what the package does
	@$(PY) examples/demo.py

test: lint pytest  ## all checks: style, spelling, docstrings, tests and doctests

test-slow: $(INSTALLED)  ## the tests marked slow
	@echo "== pytest: the slow tests"
	@$(PY) -m pytest -m slow $(PYTEST_ARGS)

pytest: $(INSTALLED)  ## the tests and doctests alone, with PYTEST_ARGS="..."
	@echo "== pytest: the tests and the examples in docstrings"
	@$(PY) -m pytest $(PYTEST_ARGS)

lint: $(INSTALLED) style  ## the style, spelling and docstring checks alone

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

clean:  ## remove the virtual environment and what the tools left
	rm -rf $(VENV) .nox build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
