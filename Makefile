# Each target works in a fresh clone with nothing prepared but git, make and Python 3.11 or newer.
# The first interpreter that runs and is new enough (a version manager may leave names that do not run).
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
DEPS := pyproject.toml sdk/pyproject.toml constraints.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test check lint bench detection mutants faults faults-short clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.run ## install, then show the whole loop: failure, incident, approved restart, recovery
	@$(BIN)/sra demo --yes

test: $(VENV)/.dev ## install, then run the tests; those whose service is missing skip and say how to get it
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(PYTEST_ARGS)

lint: $(VENV)/.dev ## ruff, mypy strict, import floors
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

check: lint test ## lint and test

mutants: $(VENV)/.dev ## remove each safety guard in turn; the named test must fail
	@$(BIN)/python tests/mutants.py

faults: $(VENV)/.dev ## the fault tests in their long form (bounded by SRA_FAULTS_SECONDS); writes docs/faults.md
	@$(BIN)/python -m tests.faults.report $(PYTEST_ARGS)

faults-short: $(VENV)/.dev ## the fault tests in their short form, as in continuous integration, with their figures
	@$(BIN)/python -m tests.faults.report --short $(PYTEST_ARGS)

bench: $(VENV)/.dev ## the benchmarks of this version
	@$(BIN)/python bench/analyze.py
	@$(BIN)/python bench/agent.py
	@$(BIN)/python bench/idle.py

detection: $(VENV)/.dev ## what detection finds, names and keeps quiet about; fails where a goal is missed
	@$(BIN)/python bench/detection/incidents.py --check
	@$(BIN)/python bench/detection/noise.py --check
	@$(BIN)/python bench/detection/nab.py --check

clean: ## remove what the targets made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "SRA needs Python 3.11 or newer, and none was found. Name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "This Python has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv $(VENV)

$(VENV)/.run: $(BIN)/python $(DEPS)
	@echo "Installing SRA (one to two minutes the first time)"
	@$(PIP) install -c constraints.txt -e './sdk[api,metrics]'
	@$(PIP) install -c constraints.txt -e '.[agent,server]'
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "Installing the tools that the tests need"
	@$(PIP) install -c constraints.txt -e '.[agent,server,dev]'
	@touch $@
