# What a newcomer, a developer and an operator type. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# Any Python from 3.11 on; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
# Debian and Ubuntu: what is missing is installed, as root or with sudo. Elsewhere it is said.
APT = command -v apt-get >/dev/null && { test "$$(id -u)" = 0 && sudo= || sudo=$$(command -v sudo); } && \
	$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends
BERKA ?= ../shared/data/berka

.PHONY: help run berka test lint types check setup java chromium airflow notebooks faults evaluate bench docs audit \
	cluster-test clean

help:  ## this list
	@awk -F ':.*##  *' '/^[a-z-]+:.*##/ {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup  ## from nothing to worklists: installs what is missing, then the whole job on real purchases (repeat: no download)
	@$(BIN)/kehu demo

berka: setup  ## the same job on a real Czech bank (BERKA=DIR says where its files are)
	@$(BIN)/kehu demo --berka $(BERKA) --dir demo-berka

test: setup chromium  ## all tests, about 20 minutes on two slow cores
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 20

check: lint types  ## what CI asks besides the tests

lint: setup  ## ruff and the one direction of imports
	@$(BIN)/ruff check . && $(BIN)/lint-imports

types: setup  ## mypy
	@$(BIN)/mypy

# Each stamp is newer than what it was made from, so that a second time does nothing.
setup: java $(VENV)/.jars

$(VENV)/.locked: requirements.lock
	@test -n "$(PYTHON)" || { echo "kehu: Python 3.11 or newer is needed and was not found; install it or say PYTHON=…" >&2; exit 69; }
	@test -x $(BIN)/pip || { echo "making $(VENV) with $(PYTHON)"; $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
		|| { $(APT) python3-venv >/dev/null && $(PYTHON) -m venv --clear $(VENV); }; }
	@echo "installing the locked packages (once, about two minutes)"
	@if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock; \
	else PYTHONUNBUFFERED=1 $(BIN)/pip install --require-hashes -r requirements.lock 2>&1 | awk '\
		/^Collecting/ {if (++n % 40 == 0) {print "  " n " packages found"; fflush()}} \
		/^(Building|Installing)/ {print "  " substr($$0, 1, 60); fflush()} \
		/^ERROR/ {print > "/dev/stderr"}'; fi
	@touch $@

$(VENV)/.kehu: $(VENV)/.locked pyproject.toml
	@$(BIN)/pip install -q --no-deps -e . && touch $@

java: $(VENV)/.kehu
	@$(BIN)/python -m jobs.session >/dev/null 2>&1 || { echo "installing Java"; \
		{ $(APT) openjdk-17-jre-headless || $(APT) openjdk-21-jre-headless; } >/dev/null 2>&1; $(BIN)/python -m jobs.session; }

$(VENV)/.jars: $(VENV)/.kehu jobs/jars.lock | java
	@$(BIN)/python -m jobs.jars && touch $@

# Some tests look at a worklist in a browser; without one they say so and are skipped.
chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { echo "installing Chromium for the worklist tests"; \
		$(APT) chromium >/dev/null 2>&1 || echo "no Chromium: the tests that need one are skipped"; }

notebooks: setup  ## run the notebooks on the demo and keep what they show in build/notebooks/
	@$(BIN)/python -m notebooks.execute

docs: setup  ## write docs/tables.md and docs/features.md anew from what declares them
	@$(BIN)/python -m jobs.document > docs/tables.md
	@$(BIN)/python -m features.page > docs/features.md

faults: setup  ## kills, contested starts, full disks and damaged state, each compared with an undisturbed run; writes docs/faults.md
	@$(BIN)/python -m tests.campaigns.faults --report docs/faults.md

evaluate: setup  ## how well flows, offers and life events are found, on worlds whose truth is known; writes docs/evaluation.md
	@$(BIN)/python -m benchmarks.evaluate_flows
	@$(BIN)/python -m benchmarks.evaluate_offers
	@$(BIN)/python -m benchmarks.evaluate_campaigns
	@$(BIN)/python -m benchmarks.evaluate_life_events
	@$(BIN)/python -m benchmarks.calibrate $(BERKA)

bench: setup  ## timings: a day at growing history and size, beside plain recomputation, on a cluster; writes three parts of docs/benchmarks.md
	@$(BIN)/pip install -q -e '.[bench]'
	@$(BIN)/python -m benchmarks.bench history
	@$(BIN)/python -m benchmarks.bench size
	@$(MAKE) -s cluster-test

airflow: setup  ## the day as an Airflow 3 DAG, once, in Airflow's own environment, on a small simulated bank
	@PYTHON=$(PYTHON) dags/try_once

cluster-test: setup  ## one day on a Spark cluster of this machine, and the same day locally: the same rows; writes its part of docs/benchmarks.md
	@$(BIN)/python -m benchmarks.cluster_day

audit: setup  ## a bill of materials in build/sbom.json, and known vulnerabilities; what cannot be looked up fails
	@mkdir -p build && $(BIN)/python -m jobs.materials > build/sbom.json
	@$(BIN)/pip-audit --require-hashes --disable-pip --strict -r requirements.lock

clean:  ## remove what was made here: environment, demo, caches
	@rm -rf $(VENV) build dist demo demo-berka *.egg-info .*_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +
