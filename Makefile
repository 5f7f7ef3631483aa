# Everything a contributor runs.  `make demo` and `make test` need nothing but Python 3.11
# or 3.12: they set themselves up in .venv, and do so again when the pins change.

PYTHON ?= $(shell for python in python3.11 python3.12 python3; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test lint format bench clean

help: ## Show this list
	@echo "make COMMAND, where COMMAND is one of"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-9s %s\n", $$1, $$2 }'
	@echo "PYTHON=... chooses the interpreter, ARGS='...' adds arguments to pytest."

venv: $(STAMP) ## Set up .venv with the pinned versions (the commands below do it themselves)

$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null || { \
		echo "epicat needs Python 3.11 or 3.12." >&2; \
		echo "Looked at: $(or $(PYTHON),python3.11 python3.12 python3 on the PATH)." >&2; \
		echo "Install one of them, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
		exit 2; }
	@echo "Setting up $(VENV) with $(PYTHON); the first time takes some minutes ..."
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[seisbench,plot,query,mongo]' --group dev
	@touch $@

demo: $(STAMP) ## Make a catalog from ten minutes of real data beside the project, in demo/
	@bash tools/demo.sh

test: $(STAMP) ## Run the tests
	$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP) ## Check style, formatting, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code and mend what can be mended safely
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(STAMP) ## Run the benchmarks and print their table
	$(BIN)/python -m benchmarks

clean: ## Remove all that these commands have made, .venv included
	rm -rf $(VENV) demo build dist .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
