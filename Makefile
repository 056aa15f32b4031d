# `make` lists the targets. Only `setup` changes the machine, and makes .venv; everything else needs Rust and a C compiler
# and builds what it wants inside target/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup tour server test check bindings-python api bench load sim insight-eval

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
# The version the checks were written for.
CARGO_DENY_VERSION := 0.20.2
# What makes requests of the description of the server's pages, for its tests: schemathesis, in .venv.
API_TOOLS := sync-server/tests/api/requirements.txt
# What builds and checks the package for Python; both are in .venv, which has what .venv/requirements.txt says.
PYTHON_TOOLS := bindings/python/requirements.txt
HAS_VENV = cat $(API_TOOLS) $(PYTHON_TOOLS) | cmp --silent - .venv/requirements.txt
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
	if ! $(HAS_VENV); then \
	  python3 -m venv --clear .venv && \
	    .venv/bin/pip install --quiet --no-input --requirement $(API_TOOLS) --requirement $(PYTHON_TOOLS) && \
	    cat $(API_TOOLS) $(PYTHON_TOOLS) > .venv/requirements.txt; \
	fi

tour: ## the whole system in one command; your own export: make tour CSV=path
	$(CARGO) build --quiet --release -p outlay-tour -p outlay-server
	$(TARGET)/release/outlay-tour $(if $(CSV),"$(CSV)")

server: ## a sync server to try things with, for this machine only
	$(CARGO) build --quiet --release -p outlay-server
	exec $(TARGET)/release/outlay-server serve --dev --data "$(DATA)" --listen "$(LISTEN)"

test: check ## everything that must pass: check, then all tests
	$(CARGO) test --workspace
	if $(HAS_VENV); then \
	  OUTLAY_SCHEMATHESIS="$(CURDIR)/.venv/bin/st" $(CARGO) test --workspace --test server conformance -- --ignored; \
	elif [[ "$${CI:-}" == true ]]; then \
	  echo "FAILED: schemathesis is not installed; make setup installs it" >&2; exit 1; \
	else \
	  echo "SKIPPED: requests made of docs/openapi.json: schemathesis is not installed (make setup installs it)" >&2; \
	fi

# `make test` does not run this. The package is built as it is published, into a wheel, and tested from there with the server of this tree. All that the
# library exports has to be called by a test.
bindings-python: ## the Python package: built, its types checked, its tests run
	if ! $(HAS_VENV); then \
	  if [[ "$${CI:-}" == true ]]; then echo "FAILED: maturin is not installed; make setup installs it" >&2; exit 1; fi; \
	  echo "SKIPPED: the package for Python: maturin is not installed (make setup installs it)" >&2; exit 0; \
	fi; \
	python="$(CURDIR)/.venv/bin"; out="$(abspath $(TARGET))/bindings-python"; \
	rm -rf "$$out" && mkdir -p "$$out" && \
	$(CARGO) test --quiet --workspace --no-run && $(CARGO) build --quiet -p outlay-ffi && \
	(cd bindings/python && PATH="$$python:$$PATH" maturin build --quiet --strip --profile dev --compatibility linux --out "$$out") && \
	"$$python/pip" install --quiet --no-input --no-index --no-deps --force-reinstall "$$out"/*.whl && \
	$(CARGO) run --quiet --bin uniffi-bindgen calls $(TARGET)/debug/liboutlay.so > "$$out/calls" && \
	$(CARGO) run --quiet --bin uniffi-bindgen errors $(TARGET)/debug/liboutlay.so > "$$out/errors" && \
	export PYTHONDONTWRITEBYTECODE=1 MYPY_CACHE_DIR="$$out/mypy" && \
	cd bindings/python && "$$python/mypy" -p outlay && "$$python/mypy" tests && \
	export OUTLAY_CALLS="$$out/calls" OUTLAY_ERRORS="$$out/errors" COVERAGE_FILE="$$out/coverage" && \
	export OUTLAY_SERVER="$(abspath $(TARGET))/debug/outlay-server" && \
	"$$python/coverage" run -m pytest --quiet && "$$python/coverage" report

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
