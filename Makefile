# `make` lists the targets. Only `setup` changes the machine; everything else needs Rust and a C compiler and builds
# what it wants inside target/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup tour test check bench

CARGO ?= cargo
# The version the checks were written for.
CARGO_DENY_VERSION := 0.20.2

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | expand -t 12

setup: ## install what the suites want (root, Debian); may be repeated
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends gcc libc6-dev make pkg-config git strace
	if [[ "$$($(CARGO) deny --version 2>/dev/null)" != "cargo-deny $(CARGO_DENY_VERSION)" ]]; then \
	  $(CARGO) install cargo-deny --version $(CARGO_DENY_VERSION) --locked; \
	fi

tour: ## the whole system in one command; your own export: make tour CSV=path
	$(CARGO) run --quiet --release -p outlay-tour -- $(if $(CSV),"$(CSV)")

test: check ## everything that must pass: check, then all tests
	$(CARGO) test --workspace

check: ## format, lints, features, licences, files: all but the tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet
	if $(CARGO) deny --version >/dev/null 2>&1; then \
	  $(CARGO) deny --log-level error check licenses bans sources; \
	elif [[ "$${CI:-}" == true ]]; then \
	  echo "FAILED: cargo-deny is not installed; make setup installs it" >&2; exit 1; \
	else \
	  echo "SKIPPED: licences, bans and sources of dependencies: cargo-deny is not installed (make setup installs it)" >&2; \
	fi

bench: ## measure beside plain SQLite at 1k, 100k and 1M expenses; a table and a JSON file
	$(CARGO) run --quiet --release -p outlay-bench
