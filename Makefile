# `make demo` and `make test` need Python 3.11 or newer, make and the package index; nothing else.
PYTHON ?= python3
# Tests wait for servers as often as they compute: two workers serve one core as well.
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test check lock wheel clean

help:            ## This list
	@sed -n 's/^\([a-z-]*\): *\([a-z.-]* \)*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: .venv/.run ## Make .venv from pinned, hashed requirements
setup-dev: .venv/.dev ## The same with everything that tests and checks need

.venv/.base:
	@$(PYTHON) -c 'import sys; sys.exit("digest needs Python 3.11 or newer, this is %d.%d: make PYTHON=python3.12 ..." % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: .venv/.base requirements.txt pyproject.toml
	$(PIP) -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@

demo: .venv/.run ## One week, end to end, on sample sites of our own; leaves its results in demo/
	$(BIN)/digest demo --out demo

test: .venv/.dev ## All tests: real PostgreSQL, SMTP and HTTP servers on loopback
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

check: .venv/.dev ## Lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock:            ## Pin the requirements again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --group build -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --extra fast-signing --group dev -c requirements.txt -o requirements-dev.txt

wheel: .venv/.dev ## Build the wheel into dist/
	$(BIN)/python -m build --quiet --wheel --no-isolation

clean:           ## Remove what the other targets made
	rm -rf .venv dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
