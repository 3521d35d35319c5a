# SPDX-License-Identifier: Apache-2.0
# A thin front for cmake, ninja and ctest. `make help` says what there is.

BUILD := build
export JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
export CTEST_PARALLEL_LEVEL ?= $(JOBS)

# Suites whose tests run more than one thread: TSan has nothing to find in the others. The sweeps of IngestFaults, which
# have the same threads, would take as long as all of them together.
THREADED = ^(Ingest|Corpus/IngestPaths|BadInput|Cli|Buffer|Stop|File|Source|Pipeline|PageSink|FreshDatabase|TargetLock|DatabaseBuilder|KeyMerge|ImportScope|Live|Rotation)

CTEST = ctest --output-on-failure --no-tests=error

.PHONY: all help setup demo test torture bench fuzz check format install asan tsan clean

all: setup ## build/sluice, after fetching what is missing
	@scripts/build release sluice
	@echo "build/sluice is ready: build/sluice --help, or make demo"

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' Makefile

setup: ## what the build needs: Debian packages and SQLite's source
	@scripts/setup

demo: setup ## a generated log becomes a database and answers a question
	@scripts/build release sluice sse_generate
	@scripts/demo

test: setup ## all tests but the long sweeps; minutes
	@scripts/build release all
	@$(CTEST) --test-dir $(BUILD) -LE torture

torture: setup ## the long sweeps; TORTURE=short for a short form
	@scripts/build release sluice sluice_tests
	@$(CTEST) --test-dir $(BUILD) -L torture

bench: setup ## sluice beside its peers: build/bench/report.html
	@scripts/build release sluice sluice_through_sqlite sse_generate wide_generate sse_reference sse_checksum disk_limit
	@bench/run $(BENCH_FLAGS)

fuzz: setup-developer ## each fuzzer for FUZZ_SECONDS (60)
	@scripts/build dev fuzzers
	@scripts/fuzz $(FUZZ_SECONDS)

check: setup-developer ## style: format, architecture, house rules
	@scripts/check

format: setup-developer ## clang-format over all sources
	@git ls-files -co --exclude-standard '*.h' '*.cc' '*.hpp' | xargs clang-format -i

install: all ## into PREFIX (/usr/local)
	@cmake --install $(BUILD) --prefix $(PREFIX)

asan: setup-developer ## the tests under ASan and UBSan
	@scripts/build dev sluice sluice_tests
	@SLUICE_PAGEBUILD_CASES=300 $(CTEST) --test-dir build-dev -LE torture

tsan: setup-developer ## the tests that have threads, under TSan
	@scripts/build tsan sluice sluice_tests
	@SLUICE_PAGEBUILD_CASES=100 $(CTEST) --test-dir build-tsan -LE torture -R '$(THREADED)' -E '^IngestFaults'

clean: ## removes the build folders
	@rm -rf build build-dev build-tsan

.PHONY: setup-developer
setup-developer:
	@scripts/setup --developer
