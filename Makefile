# Everything that one types here. Needs python3 (3.11 or newer, with venv) and make; the rest is installed into .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input
OUT    ?= demo-out
ARGS   ?=

# The build tools are locked like everything else, so nothing is built with what happens to be newest.
LOCKED := $(PIP) install --quiet --constraint constraints.txt

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo app test verify check docs bench lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## install, simulate the reference month, say where the report is
	@# Byte code is written here, because PYTHONDONTWRITEBYTECODE keeps Python from doing so and every start would compile anew.
	@$(BIN)/python -m compileall -q workbench
	$(BIN)/workbench run scenarios/medianest/baseline.yaml --out $(OUT) --force
	@echo
	@echo "report   file://$(abspath $(OUT))/report.html"
	@echo "app      make app"
	@echo "yours    $(BIN)/workbench init my-slos"

app: $(VENV)/.runtime ## open the app in a browser
	$(BIN)/workbench app $(ARGS)

test: $(VENV)/.dev ## install, run all tests but the slow ones; ARGS="-k budget" picks some
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

verify: $(VENV)/.dev ## run the slow statistical suites
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow $(ARGS)

check: $(VENV)/.dev ## lint, format, types, imports between rooms, generated docs in step
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python docs/generate.py --check

docs: $(VENV)/.dev ## write the generated pages anew
	$(BIN)/python docs/generate.py

bench: $(VENV)/.dev ## measure speed
	@set -e; for script in $(sort $(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python $$script; done

lock: ## resolve all dependencies anew and write constraints.txt; use the oldest Python supported
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check install --quiet '.[dev]'
	@{ echo '# Every version that is installed, direct and transitive. `make lock` writes this file.'; \
	   build/lock/bin/python -m pip list --format freeze --exclude pip --exclude setuptools --exclude slo-workbench \
	   | LC_ALL=C sort --ignore-case --field-separator== --key=1,1; } > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean: ## remove everything that make and the tools made
	rm -rf $(VENV) build dist $(OUT) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: an environment is made once, and installed into again only when what is to be installed has changed.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed, and $(PYTHON) is not. Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
	  || { echo "$(PYTHON) comes without venv. On Debian: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing locked dependencies into $(VENV) ..."
	@$(LOCKED) hatchling editables
	@$(LOCKED) --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@echo "Installing what tests and checks need into $(VENV) ..."
	@$(LOCKED) --no-build-isolation --editable '.[dev]'
	@touch $@
