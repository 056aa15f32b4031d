# `make` lists the targets. Only `setup` changes the machine, and makes .venv; everything else needs Rust and a C compiler
# and builds what it wants inside target/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup tour server test check api bench load sim insight-eval

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
# The version the checks were written for.
CARGO_DENY_VERSION := 0.20.2
# What makes requests of the description of the server's pages, for its tests: schemathesis, in .venv.
API_TOOLS := sync-server/tests/api/requirements.txt
# Where `make server` keeps its data, and where it listens.
DATA ?= outlay-server-data
LISTEN ?= 127.0.0.1:8787

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 14

setup: ## install what the suites want (root, Debian); may be repeated
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends gcc libc6-dev make pkg-config git strace \
	  python3 python3-venv
	if [[ "$$($(CARGO) deny --version 2>/dev/null)" != "cargo-deny $(CARGO_DENY_VERSION)" ]]; then \
	  $(CARGO) install cargo-deny --version $(CARGO_DENY_VERSION) --locked; \
	fi
	if ! cmp --silent $(API_TOOLS) .venv/requirements.txt; then \
	  python3 -m venv --clear .venv && .venv/bin/pip install --quiet --no-input --requirement $(API_TOOLS) && \
	    cp $(API_TOOLS) .venv/requirements.txt; \
	fi

tour: ## the whole system in one command; your own export: make tour CSV=path
	$(CARGO) build --quiet --release -p outlay-tour -p outlay-server
	$(TARGET)/release/outlay-tour $(if $(CSV),"$(CSV)")

server: ## a sync server to try things with, for this machine only
	$(CARGO) build --quiet --release -p outlay-server
	exec $(TARGET)/release/outlay-server serve --dev --data "$(DATA)" --listen "$(LISTEN)"

test: check ## everything that must pass: check, then all tests
	$(CARGO) test --workspace
	if cmp --silent $(API_TOOLS) .venv/requirements.txt; then \
	  OUTLAY_SCHEMATHESIS="$(CURDIR)/.venv/bin/st" $(CARGO) test --workspace --test server conformance -- --ignored; \
	elif [[ "$${CI:-}" == true ]]; then \
	  echo "FAILED: schemathesis is not installed; make setup installs it" >&2; exit 1; \
	else \
	  echo "SKIPPED: requests made of docs/openapi.json: schemathesis is not installed (make setup installs it)" >&2; \
	fi

check: ## format, lints, features, licences, files: all but the tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy -p outlay-core -- -D warnings
	$(CARGO) clippy -p outlay-core --no-default-features --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet
	if $(CARGO) deny --version >/dev/null 2>&1; then \
	  $(CARGO) deny --log-level error check licenses bans sources; \
	elif [[ "$${CI:-}" == true ]]; then \
	  echo "FAILED: cargo-deny is not installed; make setup installs it" >&2; exit 1; \
	else \
	  echo "SKIPPED: licences, bans and sources of dependencies: cargo-deny is not installed (make setup installs it)" >&2; \
	fi

api: ## write docs/openapi.json, the description of the server's pages, as the code says it
	$(CARGO) run --quiet -p outlay-server -- openapi > $(TARGET)/openapi.json
	mv $(TARGET)/openapi.json docs/openapi.json

sim: ## the simulator for more seeds: make sim SEEDS=2000 [FROM=1]; one seed with every line: SEEDS=1 FROM=n
	$(CARGO) run --quiet --release -p outlay-testkit --bin outlay-sim -- --seeds $(or $(SEEDS),100) --from $(or $(FROM),1)

bench: ## measure beside plain SQLite and through the server; a table and JSON; one part: make bench ONLY=sync
	$(CARGO) build --quiet --release -p outlay-bench -p outlay-server
	$(TARGET)/release/bench $(if $(ONLY),--only "$(ONLY)") $(TARGET)/bench.json

load: ## drive the server with thousands of sockets; a table, JSON and an SVG of latency; longer: make load FOR=seconds
	$(CARGO) build --quiet --release -p outlay-bench -p outlay-server
	$(TARGET)/release/load $(if $(FOR),--seconds $(FOR)) $(TARGET)/load.json

insight-eval: ## what the insights find in a household: make insight-eval CSV=path OUT=dir [MAP=columns] [TASKS=dir]
	$(CARGO) build --quiet --release -p outlay-bench --bin insight-eval
	$(TARGET)/release/insight-eval "$(CSV)" "$(OUT)" $(if $(MAP),--map "$(MAP)") $(if $(TASKS),--tasks "$(TASKS)")
