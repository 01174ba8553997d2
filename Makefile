# The two commands: `make demo` shows what it does, `make test` runs every test. Both install or check what is missing first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test chaos check bench fmt setup-build setup-python setup-bench setup-postgres setup-sqlite setup-deny

VENV_PYTHON := $(CURDIR)/.venv/bin/python
TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
# For `make bench`: files of the inventory, small CSV files, rows of batches, megabytes of the large CSV file of the one for PostgreSQL, and of CSV and JSON lines for SQL plugins.
FILES ?= 200000
CSV ?= 10000
ROWS ?= 5000000
BIG_MB ?= 2048
TABLE_MB ?= 512
READ_MB ?= 1024
# For `make chaos`.
CHAOS ?= --files 3000 --seconds 60 --workers 3 --changes 30

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: setup-build setup-python ## build, run over each tree of examples/, show what came out, ask a question of it
	cargo build --locked -p casparian
	$(VENV_PYTHON) examples/demo.py --casparian $(TARGET)/debug/casparian

test: export CASPARIAN_TEST_PYTHON := $(VENV_PYTHON)
test: setup-build setup-python setup-postgres setup-sqlite ## every test, Rust and Python, on SQLite and on PostgreSQL
	.ci/with-postgres $$(command -v cargo-nextest >/dev/null && echo cargo nextest run || echo cargo test) --locked --workspace
	cd python && $(VENV_PYTHON) -m pytest -q
	$(VENV_PYTHON) tests/chaos/chaos.py --casparian $(TARGET)/debug/casparian
	.ci/with-postgres bash -c '$(VENV_PYTHON) tests/chaos/chaos.py --casparian $(TARGET)/debug/casparian --catalog "$$CASPARIAN_TEST_POSTGRES"'
	$(VENV_PYTHON) tests/chaos/sequences.py --casparian $(TARGET)/debug/casparian
	.ci/with-postgres bash -c '$(VENV_PYTHON) tests/chaos/sequences.py --casparian $(TARGET)/debug/casparian --catalog "$$CASPARIAN_TEST_POSTGRES"'

chaos: export CASPARIAN_TEST_PYTHON := $(VENV_PYTHON)
chaos: setup-build setup-python setup-postgres ## kill and pause real processes for longer: CHAOS="--seconds 120 --seed 7"; CHAOS=--help has the rest
	cargo build --locked -p casparian
	.ci/with-postgres cargo test --locked -p casparian --test it -- --include-ignored crashes
	$(VENV_PYTHON) tests/chaos/chaos.py --casparian $(TARGET)/debug/casparian $(CHAOS)
	.ci/with-postgres bash -c '$(VENV_PYTHON) tests/chaos/chaos.py --casparian $(TARGET)/debug/casparian --catalog "$$CASPARIAN_TEST_POSTGRES" $(CHAOS)'
	$(VENV_PYTHON) tests/chaos/sequences.py --casparian $(TARGET)/debug/casparian --seconds 60
	.ci/with-postgres bash -c '$(VENV_PYTHON) tests/chaos/sequences.py --casparian $(TARGET)/debug/casparian --catalog "$$CASPARIAN_TEST_POSTGRES" --seconds 60'

check: setup-build setup-python setup-deny ## formatting, lints, licences, documentation, types
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo deny --log-level error check bans licenses sources
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	cd python && $(VENV_PYTHON) -m mypy casparian_flow

bench: setup-build setup-python setup-bench setup-postgres setup-sqlite ## measure beside peers: FILES=200000 CSV=10000 ROWS=5000000 BIG_MB=2048 TABLE_MB=512 READ_MB=1024
	cargo build --locked --release -p casparian
	.ci/with-postgres $(VENV_PYTHON) bench/run.py --casparian $(TARGET)/release/casparian --files $(FILES) --csv $(CSV) \
	  --rows $(ROWS) --big-mb $(BIG_MB) --table-mb $(TABLE_MB) --read-mb $(READ_MB)

fmt: ## format Rust
	cargo fmt --all

setup-build:
	@.ci/setup build

setup-python:
	@.ci/setup python

setup-bench:
	@.ci/setup bench

setup-postgres:
	@.ci/setup postgres

setup-sqlite:
	@.ci/setup sqlite

setup-deny:
	@.ci/setup deny
