# make run          set up what is missing, start everything, print the address and the log-ins (DEMO=0: an empty portal)
# make test         set up what is missing, run every test
# make lint         the linters; each of its parts is a target too
# make messages     gather what is to be translated
# make lock         compile pyproject.toml to the requirement files, package.json to its lock file
# make clean        remove what the set-up made; var/, with all data, stays

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(if $(shell command -v $(name)),$(name))))
BIN := .venv/bin
SCRATCH := $(CURDIR)/.venv/lint-var
# Two workers: as many as the smallest machine we test on has cores.
TEST_PROCESSES ?= 2

.PHONY: run install install-dev test lint ruff floors templates messages migrations types lock clean

run: install
	@exec $(BIN)/python -m portal.embedded.supervisor --end-with-parent

install:
	@$(PYTHON) -I portal/embedded/install.py

install-dev:
	@$(PYTHON) -I portal/embedded/install.py --dev

test: install-dev
	@exec $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal -q $(ARGS)

lint: install-dev ruff floors templates migrations types

ruff:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

floors:
	@$(BIN)/lint-imports --no-cache

templates:
	@$(BIN)/djlint templates --lint --quiet

# The two that load the settings keep what those draw, keys and passwords, out of the installation's own var/.
# Gathers the texts of the portal in locale/*.po; needs the programs of GNU gettext, which nothing else does.
messages:
	@HEATLEDGER_VAR=$(SCRATCH) $(BIN)/python manage.py makemessages --all --no-location --no-obsolete \
		--ignore .venv --ignore node_modules --ignore var --ignore tests --ignore benchmarks

migrations:
	@HEATLEDGER_VAR=$(SCRATCH) $(BIN)/python -W ignore manage.py makemigrations --check --dry-run

types:
	@HEATLEDGER_VAR=$(SCRATCH) $(BIN)/mypy .

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock"

lock: install-dev
	$(COMPILE) pyproject.toml --output-file requirements.txt
	$(COMPILE) pyproject.toml --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --group npm --output-file requirements-npm.txt
	$(COMPILE) --group snmpsim --output-file requirements-snmpsim.txt
	npm install --package-lock-only
	npm install --package-lock-only --prefix tests/peers

clean:
	rm -rf .venv node_modules tests/peers/node_modules
