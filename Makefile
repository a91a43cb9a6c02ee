# The two commands of this repository: "make demo" and "make test".
# Both set up all that they need, in .venv and .nox, with Python 3.11 or newer and the PyPI.

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The tools write into a home of their own, so that the user's stays as it is.
NOX := PYENV_ROOT=$${PYENV_ROOT:-$$HOME/.pyenv} HOME=$(CURDIR)/.cache/home $(BIN)/nox --no-error-on-missing-interpreters
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --upgrade
SESSIONS := ruff mypy ansible-lint unit sanity integration oldest docs package importer

.DEFAULT_GOAL := help
.PHONY: help demo test units others $(SESSIONS) matrix archive changelog release lint fuzz soak bench scale screenshots schema lock clean

help: ## Show the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 13
	@echo 'Parts of the tests, as in "make unit": $(SESSIONS)' | fold -s -w 79

demo: .venv/run.stamp ## Look images up, in the built-in emulator of the service
	$(BIN)/python tests/utils/demo.py

test: .venv/dev.stamp ## Run all tests and checks
	mkdir -p .cache/home
	$(NOX) --stop-on-first-error --session ruff mypy ansible-lint
	$(MAKE) --jobs=2 --output-sync=target units others

# The long parts, in two lanes. Each lane prints its output when it ends.
units:
	$(NOX) --stop-on-first-error --session unit

others:
	$(NOX) --stop-on-first-error --session sanity oldest docs package

$(SESSIONS): .venv/dev.stamp
	mkdir -p .cache/home
	$(NOX) --stop-on-first-error --session $@

matrix: .venv/dev.stamp ## Test all ansible-cores and Pythons; ONLY=core-2.18-py3.11 some
	mkdir -p .cache/home
	$(NOX) $(if $(ONLY),--session $(ONLY),--tags matrix)

archive: .venv/run.stamp ## Build the archive in .cache/dist, with the same bytes each time
	$(BIN)/python tests/utils/release.py archive

changelog: .venv/dev.stamp ## Turn the fragments into the changelog of galaxy.yml's version
	$(BIN)/antsibull-changelog release

release: .venv/dev.stamp ## Build the release of the last commit, which CI has tested
	$(BIN)/python tests/utils/release.py release

lint: ruff mypy ansible-lint ## Run the three linters

fuzz: .venv/dev.stamp ## Feed 10,000 made-up replies, files and options to each test
	FUZZ_EXAMPLES=10000 $(BIN)/pytest --quiet --numprocesses=2 tests/unit/test_fuzz.py

soak: .venv/dev.stamp ## Make 10,000 calls through a service that fails
	$(BIN)/python tests/utils/soak.py

bench: .cache/bench/venv.stamp ## Measure speed beside others, for the guide; QUICK=1 tries it
	PYTHONPATH=tests .cache/bench/venv/bin/python -m bench $(if $(QUICK),--quick)

scale: .venv/dev.stamp ## Measure 9,000 images and 5,000 hosts, for the guide
	PYTHONPATH=tests $(BIN)/python -m bench.scale

screenshots: .venv/dev.stamp ## Take the pictures of the report's page, with Chromium
	$(BIN)/python tests/utils/report_screenshots.py

schema: .venv/dev.stamp ## Write the schema of the report's JSON from model.py
	mkdir -p .cache/collections/ansible_collections/alicloud
	ln -sfn ../../../.. .cache/collections/ansible_collections/alicloud/compute
	PYTHONPATH=.cache/collections $(BIN)/python tests/utils/report_schema.py

lock: .venv/run.stamp ## Lock the newest versions of the development tools
	$(INSTALL) uv
	$(LOCK) requirements-dev.in -o requirements-dev.txt
	$(LOCK) --constraint requirements-dev.txt tests/bench/requirements.in -o tests/bench/requirements.txt

clean: ## Remove all that the other targets made
	rm -rf .venv .nox .cache
	find plugins roles tests -name __pycache__ -prune -exec rm -rf {} +

.cache/bench/venv.stamp: tests/bench/requirements.txt | .venv/run.stamp
	@echo "Setting up .cache/bench, once: about a minute."
	$(BIN)/python -m venv --clear .cache/bench/venv
	.cache/bench/venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.venv/run.stamp: requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	@echo "Setting up .venv, once: about 15 seconds."
	$(PYTHON) -m venv --clear .venv
	$(INSTALL) --constraint requirements-dev.txt ansible-core requests
	touch $@

.venv/dev.stamp: .venv/run.stamp
	$(INSTALL) --requirement requirements-dev.txt
	touch $@
