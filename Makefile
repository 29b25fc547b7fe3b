# The commands of this tree; each takes PYTHON= (default: python3; 3.11 or newer).
#
#   make build     the environment with the package in it, importable
#   make run       the pandas tour in the VM, then its native share and time
#   make test      all tests (PYTEST= adds arguments)
#   make bench     the benches against plain CPython, in the profiled build (BENCH= adds arguments)
#   make gate      pyforge's benches against Django and others; fails below their floors
#   make check     formats, lint, types, layers, generated files
#   make asan      the VM's tests under address and undefined-behaviour sanitizers
#   make tsan      threads in the VM side by side, under the thread sanitizer
#   make hostile   the tests in the build that makes everything rare happen always
#   make profiled  the tests in the build that is compiled by how often each branch was taken
#   make asan-conformance, hostile-conformance   CPython's own quick tests in those builds
#   make clean     removes what the others made

VENV   ?= .venv
# without PYTHON=, an environment that is there stays as it is
PYTHON ?= $(or $(wildcard $(VENV)/bin/python),python3)
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
# a file's tests stay together: they share what their module sets up
WORKERS ?= -n 2 --dist loadfile
PIP    := $(PY) -m pip --disable-pip-version-check --quiet

.PHONY: build run test bench gate check asan tsan hostile profiled asan-conformance hostile-conformance clean sources FORCE
.DEFAULT_GOAL := build

# Remade before anything else is looked at: an included file that changed makes
# make start over, so a replaced environment is seen as the empty one it is.
ifneq ($(MAKECMDGOALS),clean)
include $(VENV)/.interpreter
endif
$(VENV)/.interpreter: FORCE
	@tools/prepare.sh "$(PYTHON)" "$(VENV)"

build: sources

# setup.py decides which extensions are out of date.
sources: $(STAMP)-package
	@$(PY) setup.py --quiet build_ext --inplace

# no extension here: `sources` compiles them, once
$(STAMP)-package: pyproject.toml setup.py $(STAMP)-build
	PYFORGE_PACKAGES=none $(PIP) install --no-build-isolation -e .
	@touch $@

$(STAMP)-%: requirements/%.txt
	$(PIP) install -r $<
	@touch $@

run: build $(STAMP)-run
	@$(PY) tools/tour.py examples/pandas_tour.py

test: build $(STAMP)-test
	@$(PY) -m pytest -m "not network and not long" $(WORKERS) $(PYTEST)

bench: build $(STAMP)-bench
	@$(PY) tools/variants.py profiled bench/pyrs/run.py $(BENCH)
	@$(PY) tools/variants.py profiled bench/pyrs/costs.py

gate: build $(STAMP)-test $(STAMP)-gate
	@$(PY) bench/pyforge/run.py --gate

check: build $(STAMP)-test $(STAMP)-check
	@$(PY) tools/check.py

asan hostile profiled: build $(STAMP)-test
	@$(PY) tools/check.py $@ $(WORKERS) $(PYTEST)

tsan: build $(STAMP)-test
	@$(PY) tools/check.py $@ tests/pyrs/foundations/test_segments.py -k beside $(PYTEST)

# CPython's own quick tests in one of those builds
asan-conformance hostile-conformance: %-conformance: build $(STAMP)-test
	@$(PY) tools/check.py $* $(WORKERS:loadfile=load) -m long -k another_build tests/pyrs/conformance/test_conformance.py $(PYTEST)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf python/*.egg-info
	find python -name '*.so' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
