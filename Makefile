# alertrouter. `make run` needs python3 (3.11 or later, with venv) and nothing else.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
# The policy and templates lie beside the package; --no-build-isolation takes hatchling from the lock, hashed like the rest.
SELF := $(PIP) --no-deps --no-build-isolation --editable .
COMPILE := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra standalone --extra otel --extra ical
PLATFORMS := x86_64-manylinux_2_28 aarch64-manylinux_2_28 x86_64-apple-darwin aarch64-apple-darwin

.PHONY: help run demo test soak bench guard profile lock screenshots docs rules dashboards format clean tools
.DEFAULT_GOAL := help

help:
	@echo "make run     install into $(VENV) and start alertrouter, all in one (Ctrl-C stops it)"
	@echo "make demo    send the running alertrouter a short story of alerts and show what came of each"
	@echo "make test    lint, types, floors and all tests"
	@echo "make soak    the kill test and other long ones, for minutes"
	@echo "make bench   measure beside Alertmanager (bench/README.md); make guard: half a minute of it"
	@echo "make profile where the time goes"
	@echo "make format  put the source in form"
	@echo "make rules   write the alerting rules anew from monitoring/prometheus/ (source, overrides.yml)"
	@echo "make dashboards  the same, and Grafana's dashboards from monitoring/dashboards/"
	@echo "make docs    write docs/settings.md from the source"
	@echo "make screenshots  write docs/images anew, with chromium"
	@echo "make lock    write requirements*.lock anew (make lock UPGRADE=--upgrade for newer versions)"
	@echo "make clean   remove $(VENV) and what the tools left"

run: $(RUNTIME)
	@set -a; if [ -f .env.monitoring ]; then . ./.env.monitoring; fi; set +a; exec $(BIN)/alertrouter up

demo: $(RUNTIME)
	@exec $(BIN)/alertrouter demo

test: tools $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 4 --dist worksteal  # more than the cores of a small machine: journeys mostly wait
	@[ "$${CI:-}" != true ] || $(MAKE) --no-print-directory guard  # for information; on a machine that does nothing else

soak: tools $(DEV)
	$(BIN)/pytest -n 0 -m soak --timeout 3600 -s

bench: $(RUNTIME)
	@exec $(BIN)/python -m bench

guard: $(RUNTIME)
	@timeout --foreground 90 $(BIN)/python -m bench --guard || echo "guard: no figures; why stands above"

profile: $(RUNTIME)
	@exec $(BIN)/python -m bench.profile

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: $(DEV)
	$(BIN)/python -m tests.screenshots

docs: $(DEV)
	$(BIN)/python -m alertrouter.settings_table > docs/settings.md

rules: $(RUNTIME)
	@exec $(BIN)/python -m rulebook

dashboards: $(DEV) rules  # their thresholds are the rules'
	@exec $(BIN)/python -m dashboards

# Hashes are of every file that the registry has of a version; the installs prove that each platform has its wheels.
lock: $(DEV)
	$(BIN)/uv pip compile $(UPGRADE) $(COMPILE) --group build pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile $(UPGRADE) $(COMPILE) --group dev --constraint requirements.lock pyproject.toml \
	  --output-file requirements-dev.lock
	@for platform in $(PLATFORMS); do for version in 3.11 3.13; do \
	  target="$$(mktemp -d)"; trap 'rm -rf "$$target"' EXIT; \
	  $(BIN)/uv pip install --quiet --target "$$target" --require-hashes --only-binary :all: \
	    --python-platform $$platform --python-version $$version --requirement requirements-dev.lock || exit 1; \
	  rm -rf "$$target"; echo "requirements-dev.lock installs on $$platform with Python $$version"; \
	done; done

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

tools:
	@.ci/tools

$(RUNTIME): requirements.lock pyproject.toml | $(VENV)/bin/pip
	@echo "Installing alertrouter into $(VENV) (once)…"
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(SELF)
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml | $(VENV)/bin/pip
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@$(SELF)
	@touch $@

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "alertrouter needs Python 3.11 or later; try: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) \
	  || { rm -rf $(VENV); echo "Python's venv is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
