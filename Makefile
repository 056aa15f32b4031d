# `make` lists the targets. Only `setup` changes the machine, and makes .venv; everything else needs Rust and a C compiler
# and builds what it wants inside target/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup tour server test check size bindings bindings-kotlin bindings-swift bindings-python wheel api bench bench-bindings load sim insight-eval

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
# The version the checks were written for.
CARGO_DENY_VERSION := 0.20.2
# What makes requests of the description of the server's pages, for its tests: schemathesis, in .venv.
API_TOOLS := sync-server/tests/api/requirements.txt
# What checks the package for Python; both are in .venv, which has what .venv/requirements.txt says.
PYTHON_TOOLS := bindings/python/requirements.txt
HAS_VENV = cat $(API_TOOLS) $(PYTHON_TOOLS) | cmp --silent - .venv/requirements.txt
# What builds the package for Kotlin: all that Maven needs, in .maven, which has what the poms say.
POMS := bindings/kotlin/pom.xml examples/kotlin/pom.xml
HAS_MAVEN = cat $(POMS) | cmp --silent - .maven/poms
MVN = mvn --batch-mode --quiet -Dmaven.repo.local="$(CURDIR)/.maven" -Doutlay.target="$(abspath $(TARGET))"
# What builds the package for Swift: the compiler of a newer Debian, in .swift.
HAS_SWIFT = [[ -s .swift/etc/outlay-swift ]]
SWIFT = bindings/swift/toolchain run .swift
# Where what is made of the library is, and how the suites of all languages find it and the server.
BINDINGS = $(abspath $(TARGET))/bindings
SUITES = OUTLAY_CALLS="$(BINDINGS)/calls" OUTLAY_ERRORS="$(BINDINGS)/errors" OUTLAY_SERVER="$(abspath $(TARGET))/debug/outlay-server"
LIBRARY = $(TARGET)/debug/liboutlay.so
# Where the library is looked for in a jar on this kind of processor: linux-x86-64.
NATIVES = natives/linux-$(subst _,-,$(shell uname -m))
GENERATE = $(TARGET)/debug/uniffi-bindgen generate --no-format $(LIBRARY) --language
# What uniffi writes for Swift, where its package looks for it.
SWIFT_GENERATED = made=bindings/swift/Generated; rm -rf "$$made" && \
  $(GENERATE) swift --out-dir "$$made/OutlayNative" && mkdir "$$made/OutlayFFI" && \
  mv "$$made"/OutlayNative/OutlayFFI.h "$$made/OutlayFFI/" && \
  mv "$$made"/OutlayNative/OutlayFFI.modulemap "$$made/OutlayFFI/module.modulemap"
MATURIN = PATH="$(CURDIR)/.venv/bin:$$PATH" maturin build --locked
# Says that a package is not tested, and why; where CI is true that is a failure.
WITHOUT = if [[ "$${CI:-}" == true ]]; then echo "FAILED: $(1) is not installed; make setup installs it" >&2; exit 1; fi; \
  echo "SKIPPED: $(2): $(1) is not installed (make setup installs it)" >&2
# Where `make server` keeps its data, and where it listens.
DATA ?= outlay-server-data
LISTEN ?= 127.0.0.1:8787

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 14

setup: ## install what the suites want (root, Debian); may be repeated
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends gcc libc6-dev make pkg-config git strace \
	  python3 python3-venv maven openjdk-17-jdk-headless debootstrap
	if [[ "$$($(CARGO) deny --version 2>/dev/null)" != "cargo-deny $(CARGO_DENY_VERSION)" ]]; then \
	  $(CARGO) install cargo-deny --version $(CARGO_DENY_VERSION) --locked; \
	fi
	if ! $(HAS_VENV); then \
	  python3 -m venv --clear .venv && \
	    .venv/bin/pip install --quiet --no-input --requirement $(API_TOOLS) --requirement $(PYTHON_TOOLS) && \
	    cat $(API_TOOLS) $(PYTHON_TOOLS) > .venv/requirements.txt; \
	fi
	bindings/swift/toolchain install .swift
	if ! $(HAS_MAVEN); then bindings/kotlin/dependencies "$(CURDIR)/.maven" && cat $(POMS) > .maven/poms; fi

tour: ## the whole system in one command; your own export: make tour CSV=path
	$(CARGO) build --quiet --release -p outlay-tour -p outlay-server
	$(TARGET)/release/outlay-tour $(if $(CSV),"$(CSV)")

server: ## a sync server to try things with, for this machine only
	$(CARGO) build --quiet --release -p outlay-server
	exec $(TARGET)/release/outlay-server serve --dev --data "$(DATA)" --listen "$(LISTEN)"

test: check ## everything that must pass: check, all tests, the size of the library, and the packages for other languages
	$(CARGO) test --workspace
	if $(HAS_VENV); then \
	  OUTLAY_SCHEMATHESIS="$(CURDIR)/.venv/bin/st" $(CARGO) test --workspace --test server conformance -- --ignored; \
	elif [[ "$${CI:-}" == true ]]; then \
	  echo "FAILED: schemathesis is not installed; make setup installs it" >&2; exit 1; \
	else \
	  echo "SKIPPED: requests made of docs/openapi.json: schemathesis is not installed (make setup installs it)" >&2; \
	fi
	$(MAKE) --no-print-directory size bindings

# One library for all languages, built as `cargo test` builds it. What it says of itself is read before it is stripped.
$(BINDINGS)/errors: FORCE
	$(CARGO) build --quiet --workspace --all-targets
	mkdir -p "$(BINDINGS)"
	$(TARGET)/debug/uniffi-bindgen calls $(LIBRARY) > "$(BINDINGS)/calls"
	$(TARGET)/debug/uniffi-bindgen errors $(LIBRARY) > "$(BINDINGS)/errors"

FORCE:

bindings: bindings-kotlin bindings-swift bindings-python ## the packages for Kotlin, Swift and Python, and their story

bindings-kotlin: $(BINDINGS)/errors ## the Kotlin package: built, its tests run, and its example with a server
	if ! $(HAS_MAVEN); then $(call WITHOUT,what Maven needs,the package for Kotlin); exit 0; fi; \
	out="$(BINDINGS)/kotlin"; rm -rf "$$out" && mkdir -p "$$out/$(NATIVES)" && \
	$(GENERATE) kotlin --out-dir "$$out/generated" && \
	strip --strip-debug -o "$$out/$(NATIVES)/liboutlay.so" $(LIBRARY) && \
	$(SUITES) $(MVN) --offline --file bindings/kotlin/pom.xml install && \
	python3 bindings/called.py "$(BINDINGS)/calls" "$$out/generated/app/outlay/ffi/outlay.kt" "$$out/site/jacoco/jacoco.xml" && \
	$(MVN) --offline --file examples/kotlin/pom.xml package && \
	$(SUITES) python3 examples/story.py examples/kotlin/outlay-kotlin examples/kotlin/outlay-kotlin

bindings-swift: $(BINDINGS)/errors ## the Swift package: built, its tests run, and its example with a server
	if ! $(HAS_SWIFT); then $(call WITHOUT,the Swift compiler,the package for Swift); exit 0; fi; \
	out="$(BINDINGS)/swift"; rm -rf "$$out" && mkdir -p "$$out" && \
	$(SWIFT_GENERATED) && \
	$(SUITES) $(SWIFT) bindings/swift/verify "$$out" "$(abspath $(TARGET))/debug" && \
	python3 bindings/called.py "$(BINDINGS)/calls" "$$made/OutlayNative/OutlayNative.swift" "$$out/coverage.lcov" && \
	$(SUITES) python3 examples/story.py examples/swift/outlay-swift examples/swift/outlay-swift && \
	if $(HAS_MAVEN); then $(SUITES) python3 examples/story.py examples/kotlin/outlay-kotlin examples/swift/outlay-swift; fi

bindings-python: $(BINDINGS)/errors ## the Python package: its wheel built and installed, its types checked, its tests run
	if ! $(HAS_VENV); then $(call WITHOUT,what .venv holds,the package for Python); exit 0; fi; \
	python="$(CURDIR)/.venv/bin"; out="$(BINDINGS)/python"; rm -rf "$$out" && cd bindings/python && \
	$(MATURIN) --quiet --compatibility linux --out "$$out" && \
	"$$python/pip" install --quiet --no-input --no-index --no-deps --target "$$out/site" "$$out"/*.whl && \
	export PYTHONPATH="$$out/site" MYPYPATH="$$out/site" PYTHONDONTWRITEBYTECODE=1 MYPY_CACHE_DIR="$$out/mypy" && \
	"$$python/mypy" -p outlay && "$$python/mypy" tests && \
	export $(SUITES) COVERAGE_FILE="$$out/coverage" && \
	"$$python/coverage" run -m pytest --quiet && "$$python/coverage" report

wheel: ## the Python package as it is published, into the folder of cargo
	if ! $(HAS_VENV); then echo "FAILED: what .venv holds is not installed; make setup installs it" >&2; exit 1; fi; \
	cd bindings/python && $(MATURIN) --release --out "$(abspath $(TARGET))/wheel"

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

size: ## the library as a phone carries it: its size beside the recorded one, which RECORD=1 writes anew
	ffi/phone $(CARGO) rustc --quiet --profile phone -p outlay-ffi --lib --crate-type cdylib -- -C link-arg=-Wl,-z,pack-relative-relocs
	ffi/size $(TARGET)/phone/liboutlay.so $(if $(RECORD),--record)

api: ## write docs/openapi.json, the description of the server's pages, as the code says it
	$(CARGO) run --quiet -p outlay-server -- openapi > $(TARGET)/openapi.json
	mv $(TARGET)/openapi.json docs/openapi.json

sim: ## the simulator for more seeds: make sim SEEDS=2000 [FROM=1]; one seed with every line: SEEDS=1 FROM=n
	$(CARGO) run --quiet --release -p outlay-testkit --bin outlay-sim -- --seeds $(or $(SEEDS),100) --from $(or $(FROM),1)

bench: ## measure beside plain SQLite and through the server; a table and JSON; one part: make bench ONLY=sync
	$(CARGO) build --quiet --release -p outlay-bench -p outlay-server
	$(TARGET)/release/bench $(if $(ONLY),--only "$(ONLY)") $(TARGET)/bench.json

# The same library and programs as `bindings`, made for speed and without the tests.
BENCHED = $(abspath $(TARGET))/bench-bindings
bench-bindings: LIBRARY = $(TARGET)/release/liboutlay.so
bench-bindings: ## measure what calls cost from Kotlin and Swift, beside Rust; a table and JSON
	if ! $(HAS_MAVEN); then echo "FAILED: what Maven needs is not installed; make setup installs it" >&2; exit 1; fi
	if ! $(HAS_SWIFT); then echo "FAILED: the Swift compiler is not installed; make setup installs it" >&2; exit 1; fi
	$(CARGO) build --quiet -p outlay-bindgen
	$(CARGO) rustc --quiet --release -p outlay-ffi --lib --crate-type cdylib
	$(CARGO) build --quiet --release -p outlay-bench --bin bindings
	rm -rf "$(BENCHED)/kotlin" && mkdir -p "$(BENCHED)/kotlin/$(NATIVES)"
	$(GENERATE) kotlin --out-dir "$(BENCHED)/kotlin/generated"
	cp $(LIBRARY) "$(BENCHED)/kotlin/$(NATIVES)/"
	$(MVN) --offline --file bindings/kotlin/pom.xml -Doutlay.build="$(BENCHED)/kotlin" test-compile \
	  org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
	$(SWIFT_GENERATED)
	$(SWIFT) swift build --package-path bindings/swift --scratch-path "$(BENCHED)/swift" --configuration release \
	  -Xswiftc -enable-testing --product OutlayBenchmark \
	  -Xlinker "-L$(abspath $(TARGET))/release" -Xlinker -rpath -Xlinker "$(abspath $(TARGET))/release"
	$(TARGET)/release/bindings $(TARGET)/bindings.json

load: ## drive the server with thousands of sockets; a table, JSON and an SVG of latency; longer: make load FOR=seconds
	$(CARGO) build --quiet --release -p outlay-bench -p outlay-server
	$(TARGET)/release/load $(if $(FOR),--seconds $(FOR)) $(TARGET)/load.json

insight-eval: ## what the insights find in a household: make insight-eval CSV=path OUT=dir [MAP=columns] [TASKS=dir]
	$(CARGO) build --quiet --release -p outlay-bench --bin insight-eval
	$(TARGET)/release/insight-eval "$(CSV)" "$(OUT)" $(if $(MAP),--map "$(MAP)") $(if $(TASKS),--tasks "$(TASKS)")
