# Everything a contributor runs.  `make demo` and `make test` need nothing but Python 3.11
# or 3.12: they set themselves up in .venv, and do so again when the pins change.

PYTHON ?= $(shell for python in python3.11 python3.12 python3; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
ARGS ?=
JOBS ?= auto

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test lint audit docs reference format bench faults image image-test pins check-pins clean

help: ## Show this list
	@echo "make COMMAND, where COMMAND is one of"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-11s %s\n", $$1, $$2 }'
	@echo "PYTHON=... chooses the interpreter, ARGS='...' adds arguments to pytest, JOBS=... its processes."

venv: $(STAMP) ## Set up .venv with the pinned versions (the commands below do it themselves)

define CHECK_PYTHON
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null || { \
		echo "epicat needs Python 3.11 or 3.12." >&2; \
		echo "Looked at: $(or $(PYTHON),python3.11 python3.12 python3 on the PATH)." >&2; \
		echo "Install one of them, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
		exit 2; }
endef

$(STAMP): pyproject.toml constraints.txt
	$(CHECK_PYTHON)
	@echo "Setting up $(VENV) with $(PYTHON); the first time takes some minutes ..."
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[seisbench,plot,query,mongo]' --group dev
	@touch $@

# The demo needs neither PyTorch nor SeisBench; without .venv it gets a small one of its own.
DEMO := $(if $(wildcard $(STAMP)),$(VENV),.venv-demo)

.venv-demo/.stamp: pyproject.toml constraints.txt
	$(CHECK_PYTHON)
	@echo "Setting up .venv-demo with $(PYTHON); the first time takes a minute or two ..."
	"$(PYTHON)" -m venv .venv-demo
	.venv-demo/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-demo/bin/python -m pip install --quiet -c constraints.txt -e '.[plot]'
	@touch $@

demo: $(DEMO)/.stamp ## Make a catalog of known earthquakes in demo/, and say how good it is
	$(DEMO)/bin/epicat demo demo

test: $(STAMP) ## Run the tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

lint: $(STAMP) ## Check style, formatting, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

audit: $(STAMP) ## Look for holes in the code (bandit) and known ones in the pinned packages (pip-audit)
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src tools
	$(BIN)/python tools/audit.py

# The documentation's tools have their own environment: tests need none of them.
.venv-docs/.stamp: pyproject.toml constraints-docs.txt
	$(CHECK_PYTHON)
	"$(PYTHON)" -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-docs/bin/python -m pip install --quiet -c constraints-docs.txt --group docs
	@touch $@

docs: .venv-docs/.stamp ## Build the documentation's site, strictly, in site/
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

reference: $(STAMP) ## Write the pages that are made from the program itself
	$(BIN)/python tools/command_reference.py
	$(BIN)/python tools/campaign_reference.py

format: $(STAMP) ## Format the code and mend what can be mended safely
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(STAMP) ## Run the benchmarks and print their table
	$(BIN)/python -m benchmarks

faults: $(STAMP) ## Put faults to whole campaigns for an hour; renew the table of docs/reliability.md
	PYTHONPATH=tests $(BIN)/python -m faults --form long --jobs 2 --write docs/reliability.md

image: ## Build the container image epicat:worker, with docker or podman
	@tools/image.sh build worker

image-test: $(STAMP) image ## Build the container image and test it
	@PYTHON=$(BIN)/python tools/image.sh test $(ARGS)

pins: $(STAMP) ## Renew the image's lists of exact packages, docker/*.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt uv
	PATH=$(BIN):$$PATH tools/pins.sh

check-pins: $(STAMP) ## Check that the pins resolve on the oldest and the newest Python admitted
	$(BIN)/python -m pip install --quiet -c constraints.txt uv
	$(BIN)/python tools/check_pins.py

clean: ## Remove all that these commands have made, .venv included
	rm -rf $(VENV) .venv-demo .venv-docs demo site build dist .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find src tests benchmarks training -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
