# One word per deed. Each target makes .venv and installs what it needs by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install demo test check docs bench bench-peers bench-quick clean

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
# Where the benchmark data lie, for those who have them; passed on only when set.
ifdef REGARD_DATA
export REGARD_DATA
endif

help:  ## say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
	  awk -F'\t' '{ printf "make %-11s %s\n", $$1, $$2 }'

install: .venv/.stamp-all  ## install Regard with all its extras into .venv

demo: .venv/.stamp-all  ## clean a dirty log, train, recommend and explain
	$(BIN)/regard demo

# Two workers with one thread each: more threads than cores make torch and Polars slower, not faster.
test: .venv/.stamp-dev  ## run all tests and measure their coverage
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --cov --cov-report=term --cov-fail-under=90

check: .venv/.stamp-dev  ## format, lint, types and the floors of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/.stamp-dev  ## run the examples of every page and follow its links
	$(BIN)/python -m pytest tests/test_documents.py tests/test_document_commands.py tests/test_page_tables.py

bench: .venv/.stamp-all  ## measure quality and speed on MovieLens-1M
	$(BIN)/python benchmarks/ml1m.py

# Each peer gets an environment of its own, in ~/.cache/regard-peers.
bench-peers: .venv/.stamp-all  ## measure Regard beside other libraries (7 GB, an hour, alone)
	$(BIN)/python benchmarks/peers/run.py
	$(BIN)/python benchmarks/tables.py

bench-quick: .venv/.stamp-all  ## compare the speed of the hot paths with the last tag
	$(BIN)/python benchmarks/quick.py --fail-above 1.25

clean:  ## remove .venv and all that the tools leave behind
	rm -rf .venv .*_cache .hypothesis .coverage* dist build
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The developers' extras contain all that a user needs, so that stamp satisfies both.
.venv/.stamp-dev: pyproject.toml constraints.txt | .venv/.stamp-python
	$(PIP) -e '.[dev]'
	@touch .venv/.stamp-all $@

.venv/.stamp-all: pyproject.toml constraints.txt | .venv/.stamp-python
	$(PIP) -e '.[all]'
	@touch $@

.venv/.stamp-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Regard needs Python 3.11 or newer, and '$(PYTHON)' is not:" \
	       "$$($(PYTHON) --version 2>&1). Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; \
	  exit 2; }
	@$(PYTHON) -m venv .venv || { \
	  echo "$(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv"; \
	  exit 2; }
	@touch $@
