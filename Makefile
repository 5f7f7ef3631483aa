# Commands for contributors.  `make demo` and `make test` need only Python 3.11 to 3.14: they set
# up their environment, and update it when the pins change.

PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
ARGS ?=
JOBS ?= auto

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv seisbench demo test lint audit docs reference format bench faults page image image-test pins check-pins clean

help: ## Show this list
	@echo "Usage: make COMMAND, where COMMAND is one of"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'
	@echo "PYTHON=... selects the interpreter, ARGS='...' adds arguments for pytest, JOBS=... sets its processes."

venv: $(STAMP) ## Set up .venv with the pinned versions (other commands do this when needed)

define CHECK_PYTHON
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null || { \
		echo "epicat needs Python 3.11 to 3.14." >&2; \
		echo "Tried: $(or $(PYTHON),python3.11 to python3.14 and python3 on the PATH)." >&2; \
		echo "Install one of them, or give its path: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
		exit 2; }
endef

$(STAMP): pyproject.toml constraints.txt
	$(CHECK_PYTHON)
	@echo "Setting up $(VENV) with $(PYTHON); the first time takes some minutes ..."
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[example,plot,query,mongo,view]' --group dev
	@rm -f $(VENV)/.seisbench
	@touch $@

# PyTorch first, and its CPU build where pip's index has it: the default for Linux brings CUDA.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

$(VENV)/.seisbench: $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt --index-url $(TORCH_INDEX) torch || \
		$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[seisbench]'
	@touch $@

seisbench: $(VENV)/.seisbench ## Add SeisBench and PyTorch to .venv, for the tests that compare with them

# The demo needs neither PyTorch nor SeisBench: without .venv it gets a separate, small environment.
DEMO := $(if $(wildcard $(STAMP)),$(VENV),.venv-demo)

.venv-demo/.stamp: pyproject.toml constraints.txt
	$(CHECK_PYTHON)
	@echo "Setting up .venv-demo with $(PYTHON); the first time takes a minute or two ..."
	"$(PYTHON)" -m venv .venv-demo
	.venv-demo/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-demo/bin/python -m pip install --quiet -c constraints.txt -e '.[plot]'
	@touch $@

demo: $(DEMO)/.stamp ## Build a catalog of synthetic earthquakes in demo/ and score it
	$(DEMO)/bin/epicat demo demo

test: $(STAMP) ## Run the tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

lint: $(STAMP) ## Check style, formatting, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

audit: $(STAMP) ## Scan the code (bandit) and the pinned dependencies (pip-audit) for vulnerabilities
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src tools
	$(BIN)/python tools/audit.py

# Documentation tools have a separate environment: tests do not need them.
.venv-docs/.stamp: pyproject.toml constraints-docs.txt
	$(CHECK_PYTHON)
	"$(PYTHON)" -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-docs/bin/python -m pip install --quiet -c constraints-docs.txt --group docs
	@touch $@

docs: .venv-docs/.stamp ## Build the documentation in site/, in strict mode
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

reference: $(STAMP) ## Update the generated reference pages and charts
	$(BIN)/python tools/command_reference.py
	$(BIN)/python tools/campaign_reference.py
	$(BIN)/python tools/doc_charts.py

format: $(STAMP) ## Format the code and apply safe fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(STAMP) ## Run the benchmarks and print their tables
	$(BIN)/python -m benchmarks

faults: $(STAMP) ## Run the one-hour fault-injection suite and update docs/design/reliability.md
	PYTHONPATH=tests $(BIN)/python -m faults --form long --jobs 2 --write docs/design/reliability.md

page: ## Build the page of `epicat report` from web/ (needs Node.js and npm)
	cd web && npm ci --ignore-scripts && npm run check && npm run build

image: ## Build the container image epicat:worker, with docker or podman
	@tools/image.sh build worker

image-test: $(STAMP) image ## Build the container image and test it
	@PYTHON=$(BIN)/python tools/image.sh test $(ARGS)

pins: $(STAMP) ## Update the package lists of the image, docker/*.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt uv
	PATH=$(BIN):$$PATH tools/pins.sh

check-pins: $(STAMP) ## Check that the pins resolve on the oldest and the newest Python admitted
	$(BIN)/python -m pip install --quiet -c constraints.txt uv
	$(BIN)/python tools/check_pins.py

clean: ## Remove everything these commands created, including .venv
	rm -rf $(VENV) .venv-demo .venv-docs .venv-snakemake demo site build dist .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find src tests benchmarks training -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
