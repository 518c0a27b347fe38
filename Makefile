# Two commands are the whole set-up: `make demo` and `make test`. Each makes .venv from the lock if it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo-case

.PHONY: help demo test check lint types docs examples clean

help:
	@echo "make demo    build the example case, score it, write its report (in $(DEMO)/)"
	@echo "make test    lint, types, tests"
	@echo "make docs    write the generated pages of docs/ anew"
	@echo "make clean   remove .venv, caches and the example case"

$(VENV)/.made: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "qorgan needs Python 3.11 or later; name one with make PYTHON=python3.12 ..."; exit 1; }
	@echo "making $(VENV) from requirements.lock (a minute or two, only the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(VENV)/.made
	@echo "building the example case in $(DEMO)/ (invented people)"
	@$(BIN)/qorgan demo $(DEMO)

test: lint types check

lint: $(VENV)/.made
	@echo "ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .

types: $(VENV)/.made
	@echo "mypy --strict"
	@$(BIN)/mypy

check: $(VENV)/.made
	@echo "pytest"
	@$(BIN)/python -m pytest -n auto -rs

docs: $(VENV)/.made
	@$(BIN)/python -m tools.make_docs

examples: $(VENV)/.made
	@$(BIN)/python -m tools.make_examples

clean:
	rm -rf $(VENV) $(DEMO) .pytest_cache .mypy_cache .ruff_cache .hypothesis
