# Trenza: `make demo` to explore it, `make test` to check it, `make help` for the rest.
# Settings: PORT and DATA of the demo, PYTHON to install with, WORKERS for the processes that test,
# ARGS for pytest and the benchmark, SAYS for what a migration is about.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

BIN := .venv/bin
WORKERS ?= 2
# A copied or moved folder brings a .venv that still points to where it was made.
PLACE := $(shell cat .venv/place 2>/dev/null)
INSTALL := PYTHON='$(PYTHON)' .ci/install
MIGRATIONS := src/trenza/storage/migrations/versions
BUILD_EXPLORER := PYTHON='$(PYTHON)' .ci/explorer

ifneq ($(PLACE),$(CURDIR))
.PHONY: .venv/installed .venv/installed-dev .venv/installed-bench
endif

.PHONY: demo
demo: .venv/installed  ## explore a living workspace on http://127.0.0.1:8000
	@$(BUILD_EXPLORER) || echo 'trenza: going on without GraphiQL'
	@exec $(BIN)/trenza demo $(if $(PORT),--port '$(PORT)') $(if $(DATA),--data '$(DATA)')

.PHONY: test
test: .venv/installed-dev explorer  ## check everything: style, types, layers, schema, behaviour
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/trenza schema check
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

.PHONY: test-long
test-long: export TRENZA_TEST_SCALE := full
test-long: test  ## the same at full size; takes hours

.PHONY: bench
bench: .venv/installed-bench  ## measure it beside what one would write by hand; Linux, 40 minutes
	@$(BIN)/python -m tests.benchmarks $(ARGS)

.PHONY: explorer
explorer: .venv/installed  ## build the GraphiQL page, where its sources changed
	@$(BUILD_EXPLORER)

.PHONY: schema
schema: .venv/installed  ## print the schema, and the rules of the credit, into schema/
	@$(BIN)/trenza schema print > schema/schema.graphql.new
	@mv schema/schema.graphql.new schema/schema.graphql
	@$(BIN)/python -m tests.documents.interactionz > schema/interactionz.md.new
	@mv schema/interactionz.md.new schema/interactionz.md

.PHONY: migration
migration: .venv/installed-dev  ## write the next migration, to the tables as declared: SAYS="..."
	$(if $(SAYS),,$(error say what it is about, as in SAYS="Contacts have nicknames."))
	@$(BIN)/python -c 'import sys; from trenza.storage import migrate; migrate.draft(sys.argv[1])' \
	    "$$SAYS"
	@$(BIN)/ruff check --quiet --fix $(MIGRATIONS)
	@$(BIN)/ruff format --quiet $(MIGRATIONS)

.PHONY: constraints
constraints:  ## pin the newest versions of everything that is installed (needs uv)
	@uv lock --quiet --upgrade
	@uv export --quiet --all-extras --no-hashes --no-emit-project --no-annotate --no-header \
	    > constraints.txt

.PHONY: clean
clean:  ## remove what was installed and built; the demo's data stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	rm -rf src/trenza/web/static/graphiql frontend_examples/*/node_modules
	rm -rf tests/benchmarks/postgraphile/node_modules
	find src tests seed -name __pycache__ -type d -exec rm -rf {} +

.PHONY: help
help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1|/p' Makefile | awk -F'|' '{ printf "make %-12s %s\n", $$1, $$2 }'

.venv/installed: pyproject.toml constraints.txt
	@$(INSTALL)

.venv/installed-dev: pyproject.toml constraints.txt
	@$(INSTALL) dev

.venv/installed-bench: pyproject.toml constraints.txt
	@$(INSTALL) bench
