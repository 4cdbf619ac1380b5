# Every target stands alone: on a bare machine with Python 3.11 it makes .venv, installs and goes on.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3.11
BIN := .venv/bin
INSTALLED := .venv/installed
GPU ?=
IMAGE ?= gpt2-tfx:latest
DEBIAN := $(shell sed 's/\#.*//' requirements/debian.txt)

.PHONY: help setup run test test-full lint docs bench lock image debian clean

help: ## what can be done here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(INSTALLED) $(if $(GPU),$(INSTALLED)-gpu) ## the environment; GPU=1 adds what a CUDA machine needs

$(BIN)/python:
	$(PYTHON) -m venv .venv

# Bytecode is made once: where Python is told to write none, an import of TFX takes 13 s of CPU time and not 5.
unexport PYTHONDONTWRITEBYTECODE

# The bootstrap lock holds uv alone, which installs the flat lock in parallel; pip does it too, slower.
$(INSTALLED): requirements/bootstrap.lock requirements/cpu.lock pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --require-hashes -r requirements/bootstrap.lock
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --no-deps --require-hashes -r requirements/cpu.lock \
	  || $(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/cpu.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(INSTALLED)-gpu: requirements/gpu.lock $(INSTALLED)
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --no-deps --require-hashes -r requirements/gpu.lock
	touch $@

run: $(INSTALLED) ## the whole pipeline on the corpus that ships, to a pushed model
	$(BIN)/gpt2-tfx run

test: $(INSTALLED) ## the test suite
	$(BIN)/python -m pytest -n $(or $(WORKERS),2) --dist loadfile --no-loadscope-reorder -m "not long"

test-full: $(INSTALLED) ## the long tests too, beside the peers' libraries
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m pytest

lint: $(INSTALLED) ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(INSTALLED) ## what is made of the configuration's options: its page, its schema, the comments of pipeline.yaml
	$(BIN)/python -m pipeline.config_reference

bench: $(INSTALLED) ## the benchmarks; ONLY=name runs one
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY))

bench-gpu: $(INSTALLED)-gpu ## the engine on this machine's GPU; BUDGET=seconds for all of it, TORCH=a Python with PyTorch
	$(BIN)/python -m benchmarks.gpu --budget $(or $(BUDGET),900) $(if $(TORCH),--torch-python $(TORCH))

lock: $(INSTALLED) ## make the requirement locks again
	requirements/lock.sh

image: ## the container image; GPU=1 adds CUDA, IMAGE=name:tag names it
	docker build -f deploy/Dockerfile --build-arg GPU=$(GPU) -t $(IMAGE) \
	  --build-arg COMMIT=$$(git describe --always --abbrev=40 --exclude='*' --dirty=+changes) .

debian: ## (root) the Debian parts that some tests use
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(DEBIAN)

clean: ## remove the workspace and caches, not the environment
	rm -rf workspace .pytest_cache .mypy_cache .ruff_cache .hypothesis
