# sandik's targets; `make help` lists them. Everything is set up in .venv from the pinned constraints.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2
PYTEST_WORKERS ?= 4
SEEDS ?= 1000
FIRST ?= 0
INPUTS ?= 1000000
DOCS_STAMP := $(VENV)/.docs-installed
SEED ?= 1
OUTAGES ?= 10
KILLS ?= 100
STACKS ?= 2
NODE := tests/node
NODE_STAMP := $(NODE)/node_modules/.installed
NPM_BIN := $(NODE)/node_modules/.bin

.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "sandik needs Python 3.11 or newer; say which with: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV): a minute or two, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade -c constraints/dev.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/dev.txt --editable . --group dev
	@touch $@

$(NODE_STAMP): $(NODE)/package.json $(NODE)/package-lock.json
	npm ci --silent --prefix $(NODE)
	@touch $@

setup: $(STAMP)  ## set up .venv

node:  ## set up what JavaScript's checks and some tests ask of npm; without npm they skip
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE_STAMP); \
	elif [ "$$CI" = true ]; then echo "No npm: install Debian's package npm."; exit 1; \
	else echo "No npm: the checks of JavaScript and the tests that need it will skip."; fi

demo: $(STAMP)  ## a simulated night end to end, the board at http://localhost:8765
	$(BIN)/sandik demo

test: $(STAMP) node  ## the whole test suite
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal

coverage: $(STAMP)  ## every branch of the pure modules, by tests that need nothing else
	$(BIN)/python -m pytest -n $(JOBS) -p tests.pure --hypothesis-profile=steady -m "not kafka and not browser and not data and not slow" --cov --cov-report=
	$(BIN)/coverage report --fail-under=100 --skip-covered --include="$$($(BIN)/python -m tests.pure)"

simulate: $(STAMP)  ## nights of faults in virtual time; SEEDS=10000 for that many, FIRST=... from which on
	$(BIN)/python -m tests.simulation.seeded --seeds $(SEEDS) --first $(FIRST) --jobs $(JOBS)

chaos: $(STAMP)  ## outages and kill -9 on three Kafka brokers; SEED=7 OUTAGES=200 KILLS=1000 STACKS=3 for others, and more
	$(BIN)/python -m tests.chaos --seed $(SEED) --outages $(OUTAGES) --kills $(KILLS) --stacks $(STACKS)

fuzz: $(STAMP)  ## mutated inputs at every place where bytes enter; INPUTS=100000 for that many, SEED=... for others
	$(BIN)/python -m tests.fuzz --inputs $(INPUTS) --seed $(SEED) --jobs $(JOBS)

check: $(STAMP) node  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -e $(NODE_STAMP) ]; then $(MAKE) --no-print-directory check-js; else echo "No npm: JavaScript is not checked."; fi

check-js: node  ## the same of JavaScript
	$(NPM_BIN)/biome check --error-on-warnings .
	$(NPM_BIN)/tsc --project $(NODE)/tsconfig.pages.json
	$(NPM_BIN)/tsc --project $(NODE)/tsconfig.tests.json
	$(NPM_BIN)/tsc --project $(NODE)/tsconfig.json

format: $(STAMP) node  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .
	@if [ -e $(NODE_STAMP) ]; then $(NPM_BIN)/biome check --write .; fi

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/dev.txt --group docs
	@touch $@

docs: $(DOCS_STAMP)  ## the documentation as a site in build/docs, with every link checked
	$(BIN)/python -m tools.cli_reference
	$(BIN)/zensical build --strict
	$(BIN)/python -m tools.site_check build/docs

docs-serve: docs  ## the same, at http://localhost:8080
	$(BIN)/python -m http.server --directory build/docs --bind 127.0.0.1 8080

pictures: $(STAMP)  ## the pictures of the README and the documentation, drawn anew with Chromium
	$(BIN)/python -m tools.pictures

bench: $(STAMP)  ## the README's figures
	$(BIN)/python -m benchmarks

bench-gateway: $(STAMP)  ## the gateway beside its peers; a quarter of an hour
	$(BIN)/python -m benchmarks gateway

clean:  ## remove what was set up and what tests left
	rm -rf $(VENV) $(NODE)/node_modules .cache var .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build

.PHONY: help setup node demo test coverage simulate chaos fuzz check check-js format docs docs-serve pictures bench bench-gateway clean
