# Two commands matter: `make run` and `make test`. Everything they need comes from the package index.
PYTHON ?= python3
FILES ?= examples
RESULTS ?= out
# Of the tests: they wait for processes more than they compute.
PROCESSES ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run setup test test-again test-system lint format types contract deploy-lint lock parity chaos clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## read examples/ through the queue into out/; or: make run FILES="a.pdf b.png" RESULTS=dir
	$(BIN)/pageline run $(FILES) --results $(RESULTS)

setup: $(VENV)/.test ## .venv with the runtime, the local stack and the tests

test: $(VENV)/.test ## every test that needs Python packages only
	$(BIN)/python -m pytest -m "not system" --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

test-again: $(VENV)/.test ## what failed last time, one test after the other
	$(BIN)/python -m pytest -m "not system" --last-failed --last-failed-no-failures none

test-system: $(VENV)/.test ## tests that need more than Python packages (an image builder, a browser); see CONTRIBUTING.md
	$(BIN)/python -m pytest -m system

lint: $(VENV)/.lint ## style rules and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.lint ## put the code into the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/.lint ## strict types on all four packages
	$(BIN)/mypy

contract: $(VENV)/.lint ## imports go down only
	$(BIN)/lint-imports

deploy-lint: $(VENV)/deploy/.done ## the field's validators on every deployment file, in an environment of their own
	$(VENV)/deploy/bin/python .ci/deploy_lint.py

parity: $(VENV)/.test ## compare with PaddleX, in its own environment (make parity DATA=folder/with/images)
	$(BIN)/python benchmarks/parity.py $(DATA)

chaos: $(VENV)/.test ## kill everything while documents are read, and count them (make chaos CHAOS="--seeds 1-20")
	$(BIN)/python benchmarks/chaos.py $(CHAOS)

lock: $(VENV)/.runtime ## raise the locked versions in requirements/
	$(PIP) "uv>=0.5"
	sh requirements/lock.sh $(BIN)/uv

clean: ## remove the environment and everything made
	rm -rf $(VENV) out dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# Each stamp adds to the one before it, so that `make run` never waits for what only tests need.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Pageline needs Python 3.11 or newer; name one with PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "Setting up: runtime and local stack (once; about a minute)"
	$(PIP) --require-hashes -r requirements/runtime.txt
	$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.runtime
	@echo "Setting up: tests and the other engines (once; about two minutes)"
	$(PIP) --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/.lint: requirements/lint.txt $(VENV)/.test
	$(PIP) --require-hashes -r requirements/lint.txt
	@touch $@

# The validators ask for other versions than the program does, so they share nothing with it.
$(VENV)/deploy/.done: requirements/deploy.txt | $(VENV)/bin/python
	@echo "Setting up: validators of deployment files (once; about a minute)"
	$(PYTHON) -m venv $(VENV)/deploy
	$(VENV)/deploy/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/deploy.txt
	@touch $@
