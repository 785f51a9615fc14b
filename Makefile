# All commands of the project. They need Python 3.11+, make and git. Targets that run Kubernetes on this machine
# (test, test-cluster, test-gateway, test-sql-proxy, test-dags, test-services, demo, bench) also need root on Debian 12 or 13; `make demo CLUSTER=kind` does not.

PYTHON ?= python3
STACK ?= local
# kind, minikube, or a context of your kubeconfig, in place of the lab's node.
CLUSTER ?=
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.requirements
# Programs of the site, of the lock and of the bill of materials have an environment of their own: nothing else needs them.
TOOLS := build/tools
TOOLS_STAMP := $(TOOLS)/.requirements
RESOLVE := $(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
# The Python of Debian 13, which these images stand on; their packages are installed from wheels only.
RESOLVE_IMAGE := $(TOOLS)/bin/uv pip compile --quiet --python-version 3.13 --python-platform x86_64-manylinux_2_28 \
	--only-binary :all: --generate-hashes --no-annotate --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
URL ?= http://localhost:8080
AIRFLOW_USER ?= admin

# Compiling the SDKs takes longer than running them, so their bytecode is always kept, whatever the shell's setting.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup fit ready ahead check format settings test test-unit test-engine test-settings test-cluster test-gateway test-sql-proxy test-dags test-services demo demo-down doctor bench clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## create the virtual environment with all requirements

$(STAMP): requirements.txt requirements-dev.txt lab/requirements.txt
	@sh lab/bootstrap.sh "$(PYTHON)" "$(VENV)"
	@touch $@

# Before anything is installed: refuse a machine that cannot run the target.
fit:
	@$(if $(LAB_CLUSTER),:,sh lab/require.sh "$(PYTHON)" "$(CLUSTER)")

# Targets that need built programs start the build while one core installs packages.
ready: fit
	@$(MAKE) --silent --no-print-directory --jobs=2 $(STAMP) ahead

ahead:
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then $(PYTHON) -m lab.ahead; fi

check: $(STAMP) ## check format, lint and types
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyright
	@$(RUN) -m docs.schema --check
	@$(MAKE) --silent --no-print-directory check-workflows

check-workflows: $(STAMP) ## check workflows and pipelines: schema, and known weaknesses
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci docs/examples/gitlab-ci.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.azure-pipelines --data-transform azure-pipelines \
		--regex-variant nonunicode docs/examples/azure-pipelines.yml
	$(VENV)/bin/zizmor --offline --quiet .github/workflows

format: $(STAMP) ## format the sources and fix lint
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

settings: $(STAMP) ## write the pages of settings in docs/settings/
	@$(RUN) -m docs.settings

.PHONY: schema
schema: $(STAMP) ## write the JSON Schema of stack files, docs/stack.schema.json
	@$(RUN) -m docs.schema

.PHONY: diagrams site screenshots lock sbom
diagrams: $(STAMP) ## draw the resources of each shipped stack in docs/diagrams/
	@$(RUN) -m tests.diagrams

site: $(TOOLS_STAMP) ## build the site of docs/ into build/site
	@$(TOOLS)/bin/zensical build --clean --strict

screenshots: $(TOOLS_STAMP) ## take pictures of a running Airflow's UI: URL=http://localhost:8080 AIRFLOW_USER=admin PASSWORD=…
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get -q update >/dev/null && \
		apt-get -q install -y --no-install-recommends chromium >/dev/null; } || \
		{ echo "error: Chromium is missing. Install it, on Debian with: apt-get install chromium" >&2; exit 1; }
	@AIRFLOW_PASSWORD="$(PASSWORD)" $(TOOLS)/bin/python -m docs.screenshots --url "$(URL)" --user "$(AIRFLOW_USER)"

lock: $(TOOLS_STAMP) ## resolve the ranges of requirements*.in into versions with hashes: UPGRADE=1 for the newest
	@$(RESOLVE) requirements-dev.in --output-file requirements-dev.txt
	@$(RESOLVE) requirements.in --constraints requirements-dev.txt --output-file requirements.txt
	@$(RESOLVE) docs/requirements.in --output-file docs/requirements.txt
	@for image in pandas papermill; do \
		$(RESOLVE_IMAGE) images/$$image/requirements.in --output-file images/$$image/requirements.txt || exit 1; \
	done

sbom: $(TOOLS_STAMP) ## write the bill of materials of the locked packages, CycloneDX, to build/sbom.json
	@$(TOOLS)/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible \
		--output-format JSON --output-file build/sbom.json

$(TOOLS_STAMP): docs/requirements.txt
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement docs/requirements.txt
	@touch $@

test: ready test-unit test-engine ## run unit tests, then engine tests on a real control plane with simulated pods

test-unit: $(STAMP) ## run only the unit tests
	$(RUN) -m pytest tests/unit lab/tests/unit --numprocesses 2

test-engine: ready ## run only the engine tests
	@$(RUN) -m lab build
	$(RUN) -m pytest tests/engine lab/tests/engine -m "not each_setting and not services"

test-settings: ready ## change every setting alone and check the engine's preview
	@$(RUN) -m lab build
	$(RUN) -m pytest tests/engine -m each_setting

test-cluster: ready ## run Airflow on a real node, with each executor
	@$(RUN) -m lab build $(if $(LAB_CLUSTER),,--all)
	$(RUN) -m pytest tests/cluster lab/tests/cluster -m "not gateway and not sql_proxy and not dags and not services"

test-gateway: ready ## run Airflow behind a Gateway with HTTPS, on a real node and a simulated Azure
	@$(RUN) -m lab build --gateway
	$(RUN) -m pytest tests/cluster -m gateway

test-sql-proxy: ready ## run the Cloud SQL Auth Proxy against a simulated Cloud SQL, on a real node
	@$(RUN) -m lab build --all
	$(RUN) -m pytest tests/cluster -m sql_proxy

test-dags: ready ## run each source of DAG files, pods that DAG authors start, and projects, on a real node
	@$(RUN) -m lab build --all
	$(RUN) -m pytest tests/cluster -m dags

test-services: ready ## run accounts, logins, entries and mail: Airflow beside real directories, issuers and servers, then on a real node
	@$(RUN) -m lab build --all
	$(RUN) -m pytest tests/engine lab/tests/engine -m services
	$(RUN) -m pytest tests/cluster -m services

demo: $(if $(CLUSTER),fit setup,ready) ## start Airflow on this machine: STACK=local, or CLUSTER=kind|minikube|CONTEXT
	@$(RUN) -m lab demo --stack $(STACK) --cluster "$(CLUSTER)" $(if $(KEEP),--keep)

doctor: $(STAMP) ## check what this machine and its logins lack for a stack: STACK=dev
	@$(RUN) -m operations doctor --stack $(STACK)

demo-down: $(STAMP) ## end the demonstration and remove it completely
	@$(RUN) -m lab demo-down --stack $(STACK) --cluster "$(CLUSTER)"

bench: ready ## measure Airflow on the node; prints a table and writes bench.json
	@$(RUN) -m benchmarks

clean: demo-down ## remove the demonstration and the virtual environment
	rm -rf $(VENV)

.PHONY: policies
policies: $(STAMP) ## write the tables of rules in docs/policies.md
	@$(RUN) -m docs.policies
