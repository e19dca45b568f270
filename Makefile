# Everything a newcomer types. Needs Python 3.11 or newer, make and a network; nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

WORKERS ?= 2
# Tests start hundreds of processes: each would compile the engine anew.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help demo up test lint style types contracts format drill fuzz bench docs lock schema clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements/development.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Groat needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing the locked dependencies into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements/installer.txt
	@$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/development.txt \
	  || { echo "The fast installer could not; pip takes about a minute ..."; \
	       $(PIP) --no-deps --require-hashes -r requirements/development.txt; }
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## Payments through two providers, then the books checked; leaves nothing running
	$(BIN)/groat demo

up: $(READY) ## Everything on this machine until Ctrl-C: servers, API, worker, simulators
	$(BIN)/groat up

test: $(READY) ## Every test, on real PostgreSQL and Valkey; with CI=true also their coverage
ifdef CI
	rm -f .coverage .coverage.*
	$(BIN)/coverage run $(PYTEST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
else
	$(BIN)/python $(PYTEST)
endif

lint: style types contracts ## Style, types and the layer contracts

style: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

format: $(READY) ## Put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

drill: $(READY) ## The long form of the crash tests: hundreds of processes killed at every step
	GROAT_CRASH_ROUNDS=10 $(BIN)/python -m pytest tests/integration/payments/test_crashes.py
	GROAT_DRILL_PAYMENTS=500 GROAT_DRILL_KILLS=100 $(BIN)/python -m pytest tests/faults/test_events_drill.py
	GROAT_DRILL_EVENTS=10000 GROAT_DRILL_PER_SECOND=500 $(BIN)/python -m pytest -rP tests/faults/test_webhook_drill.py

fuzz: $(READY) ## The long form of the contract test: thousands of requests made from the OpenAPI document
	GROAT_FUZZ_EXAMPLES=200 $(BIN)/python -m pytest tests/stories/test_contract.py

bench: $(READY) ## Measure on this machine; figures are for comparing
	$(BIN)/python -m benchmarks ledger --output docs/benchmarks
	$(BIN)/python -m benchmarks payments
	$(BIN)/python -m benchmarks events
	$(BIN)/python -m benchmarks settlement
	$(BIN)/python -m benchmarks webhooks --output docs/benchmarks

docs: $(READY) ## Write the generated pages and pictures of docs anew
	$(BIN)/python -m tests.tidy.reference_pages
	$(BIN)/python -m tests.tidy.rooms_picture

lock: $(READY) ## Resolve the dependencies anew, with hashes
	$(LOCK) pyproject.toml -o requirements/runtime.txt
	$(LOCK) pyproject.toml --all-extras --group development -o requirements/development.txt
	$(LOCK) --group installer -o requirements/installer.txt

schema: $(READY) ## Write docs/reference/schema.sql anew from the migrations
	$(BIN)/python -m tests.integration.platform.dump_schema

clean: ## Remove what was built (your data in .groat/ stays)
	rm -rf $(VENV) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
