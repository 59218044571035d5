# `make demo`, `make test`, `make lint`, `make format`: each makes .venv first, with what
# requirements.txt pins, if it is missing or out of date; from the package index alone.
# `make clean` removes .venv and caches. PYTHON=/path/to/python3.11 chooses the
# interpreter a new .venv is made with.

SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

VOICE := voices/slt
OUTPUT := demo.wav
TEXT ?= Hello. Nobody ever said this sentence; a diffusion model made it up from noise.
# Processes that pytest shares the tests among; 0: itself.
WORKERS := 2

TF_CPP_MIN_LOG_LEVEL ?= 3

export TEXT TF_CPP_MIN_LOG_LEVEL

.PHONY: demo test lint format clean

demo: $(INSTALLED)
	@$(BIN)/python -m wg2.synthesize --voice $(VOICE) --text "$$TEXT" --output $(OUTPUT)
	@echo "Listen to $(abspath $(OUTPUT))"

test: lint
	$(BIN)/python -m pytest -n $(WORKERS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache $(OUTPUT)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# 3.11 first: the only version for which every pin exists. A name on the PATH is not
# enough: version managers leave stubs there, and some systems ship Python without venv.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3.11 python3.12 python3.10 python3 python)
SUPPORTED := import sys, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))

$(INSTALLED): requirements.txt
	@set -e; \
	if ! { $(BIN)/python -c "$(SUPPORTED)" && $(BIN)/python -m pip -V; } &>/dev/null; then \
	    for python in $(CANDIDATES) ""; do \
	        "$$python" -c "$(SUPPORTED)" &>/dev/null && break; \
	    done; \
	    if [ -z "$$python" ]; then \
	        echo "make: no Python 3.10, 3.11 or 3.12 with venv among: $(CANDIDATES)." \
	            "Name one: make PYTHON=/path/to/python3.11" >&2; \
	        exit 2; \
	    fi; \
	    rm -rf $(VENV); \
	    "$$python" -m venv $(VENV); \
	fi; \
	echo "Installing requirements.txt into $(VENV): minutes and 2.5 GB the first time" >&2; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt; \
	touch $@
