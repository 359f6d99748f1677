# make demo: install and run the main job.   make test: every check.   make help: the rest.

# The first Python >= 3.11 that runs; override with `make PYTHON=/path/to/python demo`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# CPU builds of torch from another index: make test TORCH_ARGS="--index-url URL"
TORCH ?= torch==2.13.0
TORCH_ARGS ?=
OUT ?= demo-report
# make olfaction: the data set, the seeds of the models, and where the report goes.
OLFACTION_DATA ?= $(or $(COFIRE_DATA),../shared)/data/larval_olfaction
SEEDS ?= 42
OLFACTION_OUT ?= olfaction-report
JOBS ?= 2

SANITIZE := build/sanitize
# With the shared data missing, tests that need them skip; .ci/run makes that an error where they should be.
SOURCES := $(shell git ls-files 'cpp/*.cpp' 'cpp/*.hpp' 2>/dev/null)

.PHONY: help demo olfaction olfaction-data test install install-test dev lint format types stubs stub-check sanitize suite \
  doctest bench-pass bench package clean-copy nightly clean

help:  ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: install  ## Make .venv, build, install, run the main job on a generated recording.
	$(BIN)/cofire demo --overwrite --out $(OUT)
	@echo "The report is at $(abspath $(OUT))/report.html"

olfaction: olfaction-data $(BIN)/python  ## Install with PyTorch, train the larva's olfactory network for one seed, show its report.
	$(PIP) install --quiet $(TORCH_ARGS) "$(TORCH)"
	$(PIP) install --quiet ".[torch]"
	$(BIN)/cofire olfaction train --data "$(OLFACTION_DATA)" --seeds $(SEEDS) --out "$(OLFACTION_OUT)"
	@echo "The report is at $(abspath $(OLFACTION_OUT))/report.html"

olfaction-data:
	@test -d "$(OLFACTION_DATA)" || { \
	  echo "No data at $(OLFACTION_DATA)."; \
	  echo "Set COFIRE_DATA to the folder that holds data/larval_olfaction, or OLFACTION_DATA to that folder itself."; \
	  echo "data/registry.toml says where the data set larval_olfaction comes from."; exit 2; }

test: install-test lint types stub-check suite doctest bench-pass sanitize package clean-copy  ## Make .venv with the test extra and run every check.
	@echo "All checks passed."

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with the venv module found; set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

install: $(BIN)/python  ## Build and install cofire into .venv.
	$(PIP) install --quiet .

install-test: $(BIN)/python
	$(PIP) install --quiet $(TORCH_ARGS) "$(TORCH)"
	$(PIP) install --quiet ".[test]" --config-settings=cmake.define.COFIRE_WERROR=ON

dev: $(BIN)/python  ## Editable install; Python edits are live, run again after a C++ edit.
	$(PIP) install --quiet "scikit-build-core>=1.0" "pybind11>=3.1"
	$(PIP) install --quiet --no-build-isolation -e ".[test]" --config-settings=build-dir=build/dev --config-settings=cmake.define.COFIRE_WERROR=ON

lint:  ## Ruff and clang-format, without changing anything.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(SOURCES)

format:  ## Format Python and C++ in place.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(SOURCES)

types:  ## mypy --strict on the package.
	$(BIN)/mypy

stubs:  ## Regenerate python/cofire/_core.pyi from the installed module.
	$(BIN)/python -m pybind11_stubgen cofire._core -o build/stubs --numpy-array-use-type-var
	sed '/^__all__/d' build/stubs/cofire/_core.pyi > python/cofire/_core.pyi

stub-check:  ## The committed stub against the compiled module.
	MYPYPATH=python $(BIN)/python -m mypy.stubtest cofire._core --allowlist tests/stubtest_allowlist.txt

suite:  ## The test suite.
	$(BIN)/cofire warmup >/dev/null  # once, not in every process of the suite
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile -p no:benchmark

doctest:  ## The examples in docstrings.
	$(BIN)/python -m pytest -q -p no:benchmark -p no:cacheprovider --doctest-modules --pyargs cofire

bench-pass:  ## Every benchmark once, small and untimed: its equality with the peers is asserted.
	$(BIN)/python -m pytest -q bench -n $(JOBS) --benchmark-disable -o python_files='bench_*.py'

bench:  ## Benchmarks at full size, written to bench/RESULTS.md (needs the bench extra: pip install ".[bench]").
	$(BIN)/python bench/report.py

sanitize:  ## Kernel tests under the address and undefined-behaviour sanitizers.
	$(PIP) install --quiet . --no-deps --upgrade --target $(SANITIZE)/site \
	  --config-settings=build-dir=$(SANITIZE)/build --config-settings=install.strip=false \
	  --config-settings=cmake.define.COFIRE_SANITIZE=ON --config-settings=cmake.define.COFIRE_CPP_TESTS=ON
	$(SANITIZE)/build/cofire_cpp_tests
	LD_PRELOAD="$$($${CXX:-c++} -print-file-name=libasan.so) $$($${CXX:-c++} -print-file-name=libstdc++.so)" \
	  ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH=$(SANITIZE)/site \
	  HYPOTHESIS_PROFILE=sanitize $(BIN)/python -m pytest -q -p no:benchmark -p no:cacheprovider -m kernel

package:  ## Source archive, wheel from it, and the wheel in an empty environment without a compiler.
	bash .ci/check_package "$(BIN)/python"

clean-copy:  ## The README's commands in a clean copy of the last commit.
	bash .ci/check_clean_copy "$(BIN)/python"

nightly:  ## At least 10,000 Hypothesis examples for each kernel.
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -q -n $(JOBS) -p no:benchmark -m "kernel and hypothesis"

clean:  ## Remove everything that was built.
	rm -rf $(VENV) build dist demo-report olfaction-report .pytest_cache .mypy_cache .ruff_cache .hypothesis
