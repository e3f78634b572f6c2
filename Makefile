# Everything happens in a virtual environment, .venv, that these rules make and keep up to date.

PYTHON ?= python3
# Tests run the GPU path on torch's CPU device. On Linux a plain `torch` brings gigabytes of CUDA;
# give another version, or the address of a CPU-only wheel, with `make test TORCH=...`.
TORCH ?= torch==2.13.0

# Tests run beside each other; more than four at a time wait for each other's threads.
WORKERS ?= -n auto --maxprocesses 4

BIN := .venv/bin
DEMO := build/demo
SAMPLE ?= sample_images/dahlia.tif
PICTURES ?= sample_images

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test test-kernels format lint types check bench speed samples table paper training weights survival build clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-12s %s\n", $$1, $$2 }'

install: .venv/.package  ## put the gamut command into .venv/bin

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "gamutcli needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.package: pyproject.toml | .venv/.python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/.dev: pyproject.toml | .venv/.python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ .venv/.package

.venv/.torch: | .venv/.dev
	$(BIN)/python -m pip install --quiet '$(TORCH)'
	@touch $@

demo: .venv/.package  ## reduce, expand and judge one sample picture (results in build/demo)
	@mkdir -p $(DEMO)
	$(BIN)/gamut reduce $(SAMPLE) $(DEMO)/reduced.jpg --overwrite
	$(BIN)/gamut info $(DEMO)/reduced.jpg
	$(BIN)/gamut expand $(DEMO)/reduced.jpg $(DEMO)/restored.tif --overwrite
	$(BIN)/gamut eval $(DEMO)/reduced.jpg --gt $(SAMPLE) --map $(DEMO)/map.png --overwrite

test: .venv/.dev .venv/.torch  ## run the tests (about three minutes on two cores)
	$(BIN)/python -m pytest $(WORKERS)

test-kernels: .venv/.dev .venv/.torch  ## test what fits are worth with every BLAS kernel, on three seeds (ARGS=--quick)
	$(BIN)/python tests/kernels.py $(WORKERS) $(ARGS)

format: .venv/.dev  ## format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: .venv/.dev  ## check format, style and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: .venv/.dev  ## check the types (mypy, strict)
	$(BIN)/mypy

check: lint types test  ## all that a change must pass

bench: .venv/.package  ## set presets beside the paper's recipe and AVIF (IMAGES='path/*.tif' ARGS='--json FILE')
	$(BIN)/python bench/quality.py $(ARGS) $(IMAGES)

speed: .venv/.package  ## time whole commands on a sample picture
	$(BIN)/python bench/speed.py $(ARGS) $(firstword $(IMAGES))

table: .venv/.package  ## measure the table of quality in the README
	$(BIN)/python bench/table.py

paper: .venv/.dev  ## all experiments of the paper, into results/ (PICTURES=folder; hours; ARGS='--steps-scale 0.05')
	for experiment in table maps size why steps; do \
	  $(BIN)/gamut experiment $$experiment $(PICTURES) -o results $(ARGS) || exit; \
	done

training: .venv/.dev  ## make pictures to pretrain on, in build/training
	$(BIN)/python sample_images/make_training.py build/training

weights: training  ## learn the weights in gamutcli/weights/ again
	for model in 11kb 23kb 53kb 137kb; do \
	  $(BIN)/gamut pretrain build/training -o gamutcli/weights/paper-$$model.safetensors --model $$model --overwrite \
	    || exit; \
	done

samples: .venv/.dev  ## make sample_images/ again
	$(BIN)/python sample_images/make_samples.py

survival: .venv/.dev  ## see what other tools do to the payload; as root it installs them (about five minutes)
	$(BIN)/python -m tests.survival install
	$(BIN)/python -m pytest -m survival tests/survival
	$(BIN)/python -m tests.survival

build: .venv/.dev  ## build the wheel and the source archive into dist/
	$(BIN)/python -m build

clean:  ## remove everything that make made
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
