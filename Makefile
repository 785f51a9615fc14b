# Everything this project can do, as targets. Nothing needs to be installed but Python 3.11+, make and git; what runs
# a Kubernetes node on this machine (test, test-cluster, test-gateway, demo, bench) needs root on Debian 12 or 13 as well.

PYTHON ?= python3
STACK ?= local
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.requirements

# Compiling the SDKs takes longer than running what uses them; whatever the shell says, it is done once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup ready ahead check format settings test test-unit test-engine test-settings test-cluster test-gateway demo demo-down bench clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## the virtual environment with everything in it

$(STAMP): requirements.txt requirements-dev.txt
	@sh lab/bootstrap.sh "$(PYTHON)" "$(VENV)"
	@touch $@

# What takes a build can begin it while one core installs packages.
ready:
	@$(MAKE) --silent --no-print-directory --jobs=2 $(STAMP) ahead

ahead:
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then $(PYTHON) -m lab.ahead; fi

check: $(STAMP) ## format, lint and types
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyright

format: $(STAMP) ## put the sources into their form
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

settings: $(STAMP) ## renew the table of settings in the README
	@$(RUN) -m docs.settings --write README.md

test: ready test-unit test-engine ## unit tests, then the real engine on a control plane whose pods are simulated

test-unit: $(STAMP) ## unit tests alone
	$(RUN) -m pytest tests/unit --numprocesses 2

test-engine: ready ## engine tests alone
	@$(RUN) -m lab build
	$(RUN) -m pytest tests/engine -m "not each_setting"

test-settings: ready ## every setting changed alone: what the engine would do for it
	@$(RUN) -m lab build
	$(RUN) -m pytest tests/engine -m each_setting

test-cluster: ready ## Airflow on a real node, with each executor
	@$(RUN) -m lab build --all
	$(RUN) -m pytest tests/cluster -m "not gateway"

test-gateway: ready ## Airflow exposed by a Gateway with HTTPS, on a real node and a simulated Azure
	@$(RUN) -m lab build --gateway
	$(RUN) -m pytest tests/cluster -m gateway

demo: ready ## a node on this machine, and Airflow on it: STACK=local
	@$(RUN) -m lab demo --stack $(STACK) $(if $(KEEP),--keep)

demo-down: $(STAMP) ## end the demonstration; nothing of it stays
	@$(RUN) -m lab demo-down --stack $(STACK)

bench: ready ## measure Airflow on the node; prints a table and writes bench.json
	@$(RUN) -m lab bench

clean: demo-down ## the demonstration and the virtual environment
	rm -rf $(VENV)
