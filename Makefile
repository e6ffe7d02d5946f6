.DEFAULT_GOAL := help
VENV := .venv
JOBS := 2
BIN := $(VENV)/bin
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)

.PHONY: help setup demo test test-cluster fuzz check lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed  ## create .venv from requirements.lock

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: requirements.lock pyproject.toml | $(UV)
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	$(UV) pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements.lock
	$(UV) pip install --quiet --no-deps --python $(BIN)/python --editable .
	touch $@

demo: setup  ## run a slice of the grid on real images and print the answer
	$(BIN)/sweep run quick --store results/demo

test: setup  ## run the tests
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup --no-loadscope-reorder

test-cluster: setup  ## run the tests on several hosts (root, Debian packages)
	scripts/install-cluster-test-packages
	$(BIN)/python -m pytest -m cluster tests/cluster --timeout 900

fuzz: setup  ## try random inputs until one fails, or those of SEED=...
	$(BIN)/python -m tests.fuzz $(SEED)

check: setup  ## lint and type-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

lock: | $(UV)  ## renew requirements.lock
	$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 --upgrade --generate-hashes \
		--no-emit-index-url --no-header --quiet --output-file requirements.lock

clean:  ## remove the environment and caches, keep results
	rm -rf $(VENV) .uv .pytest_cache .ruff_cache
