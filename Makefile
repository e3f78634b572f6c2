# Everything happens in a virtual environment, .venv, that these rules make and keep up to date.

# Windows has other names for the interpreter and its folder; there, run make where sh is found, as in Git's bash.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif

# Tests run the GPU path on torch's CPU device. On Linux a plain `torch` brings gigabytes of CUDA;
# give another version, or the address of a CPU-only wheel, with `make test TORCH=...`, or another command.
TORCH ?= torch==2.13.0
INSTALL_TORCH ?= $(BIN)/python -m pip install --quiet '$(TORCH)'
# Tests run beside each other; more than four at a time wait for each other's threads.
WORKERS ?= -n auto --maxprocesses 4 --dist worksteal

DEMO := build/demo
# Environments with other versions of libraries and of Python, for tests only.
VERSIONS := build/versions
RAY ?= ray
PYTHONS ?= $(foreach minor,11 12 13 14,$(if $(shell python3.$(minor) --version 2>/dev/null),python3.$(minor)))
SAMPLE ?= sample_images/dahlia.tif
# Of `make gpu`: another torch is used only where one is named.
GPU := .venv-gpu
GPU_TORCH := $(if $(filter file,$(origin TORCH)),,$(TORCH))
OUT ?= build/gpu
PICTURES ?= sample_images

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test fuzz faults coverage mutants audit-deps test-kernels test-lowest test-pythons test-ray format lint types check table drift kernels public results speed bench bench-release bench-batch picture figures samples paper training weights survival docs man classic gpu build test-sdist clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-12s %s\n", $$1, $$2 }'

install: .venv/.package  ## put the gamut command into .venv/bin

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "gamutcli needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

# Compiled, as pip does it for what is not editable: where Python may write no bytecode, every start would compile anew.
.venv/.package: pyproject.toml | .venv/.python
	$(BIN)/python -m pip install --quiet --editable .
	@$(BIN)/python -m compileall -q gamutcli
	@touch $@

.venv/.dev: pyproject.toml | .venv/.python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@$(BIN)/python -m compileall -q gamutcli
	@touch $@ .venv/.package

.venv/.torch: | .venv/.dev
	$(INSTALL_TORCH)
	@touch $@

.venv/.publish: | .venv/.dev
	$(BIN)/python -m pip install --quiet --editable '.[dev,publish]'
	@touch $@

demo: .venv/.package  ## reduce, expand and judge one sample picture (results in build/demo)
	@mkdir -p $(DEMO)
	$(BIN)/gamut reduce $(SAMPLE) $(DEMO)/reduced.jpg --overwrite
	$(BIN)/gamut info $(DEMO)/reduced.jpg
	$(BIN)/gamut expand $(DEMO)/reduced.jpg $(DEMO)/restored.tif --overwrite
	$(BIN)/gamut eval $(DEMO)/reduced.jpg --gt $(SAMPLE) --map $(DEMO)/map.png --overwrite

test: .venv/.dev .venv/.torch  ## run the tests (about twelve minutes on two cores)
	$(BIN)/python -m pytest $(WORKERS)

test-kernels: .venv/.dev .venv/.torch  ## test what fits are worth with every BLAS kernel, on three seeds (ARGS=--quick)
	$(BIN)/python tests/kernels.py $(WORKERS) $(ARGS)

$(VERSIONS)/uv/bin/uv:
	$(PYTHON) -m venv $(VERSIONS)/uv
	$(VERSIONS)/uv/bin/python -m pip install --quiet uv

# Old libraries beside new ones of their own dependencies call what those have deprecated: told, no error.
test-lowest: $(VERSIONS)/uv/bin/uv .venv/.python  ## run the tests with the oldest libraries allowed, without torch
	$< venv --quiet --clear --python $(BIN)/python $(VERSIONS)/lowest
	$< pip install --quiet --python $(VERSIONS)/lowest --resolution lowest-direct --editable '.[test]'
	$< pip list --quiet --python $(VERSIONS)/lowest
	$(VERSIONS)/lowest/bin/python -m pytest $(WORKERS) -W default::DeprecationWarning $(ARGS)

test-pythons: $(VERSIONS)/uv/bin/uv  ## run the tests with each Python that is there, newest libraries, without torch
	@[ -n '$(PYTHONS)' ] || { echo "no python3.11 to python3.14 found; name some: make test-pythons PYTHONS=..." >&2; exit 1; }
	for python in $(PYTHONS); do \
	  environment=$(VERSIONS)/$$(basename $$python) && \
	  $< venv --quiet --clear --python $$(command -v $$python) $$environment && \
	  $< pip install --quiet --python $$environment --editable '.[test]' && \
	  $$environment/bin/python -m pytest $(WORKERS) $(ARGS) || exit; \
	done

# Ray is large, and a cluster takes both cores: these run one after the other.
test-ray:  ## run the tests of `gamut batch --engine ray`, which needs 240 MB of Ray (RAY='ray==2.55.0')
	$(PYTHON) -m venv $(VERSIONS)/ray
	$(VERSIONS)/ray/bin/python -m pip install --quiet --editable '.[test,ray]' '$(RAY)'
	$(VERSIONS)/ray/bin/python -m pytest -n 0 tests/batch/test_nodes.py tests/cli/test_engines.py tests/cli/test_ray.py $(ARGS)

fuzz: .venv/.dev  ## mutants of files, children under limits (ten minutes; ARGS='--seconds 60'; findings in build/fuzz)
	$(BIN)/python -m tests.fuzz $(ARGS)

faults: .venv/.dev  ## kills, signals, full disks, racing writers, batches (about twenty minutes; ARGS='--moments 100')
	$(BIN)/python -m tests.faults $(ARGS)

coverage: .venv/.dev .venv/.torch  ## run the tests and show which lines of the core none of them reaches; below 95 % is an error
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest $(WORKERS) $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

.venv/.mutants: | .venv/.dev
	$(BIN)/python -m pip install --quiet --editable '.[dev,mutants]'
	@touch $@

mutants: .venv/.mutants  ## change the code of payload and storage, and see what tests notice (hours; ARGS='--each 5')
	$(BIN)/python tests/mutants.py build/mutants $(ARGS)

# What is known of holes comes from a server; where that cannot be reached, nothing has been audited, and that is said.
audit-deps: .venv/.package  ## look for known holes in what is installed, where a server can be asked
	$(PYTHON) -m venv $(VERSIONS)/audit
	$(VERSIONS)/audit/bin/python -m pip install --quiet pip-audit
	$(BIN)/python -m pip freeze --exclude-editable > $(VERSIONS)/audit/installed.txt
	@$(VERSIONS)/audit/bin/pip-audit --no-deps --disable-pip --requirement $(VERSIONS)/audit/installed.txt \
	  > $(VERSIONS)/audit/said.txt 2>&1; code=$$?; cat $(VERSIONS)/audit/said.txt; \
	if grep -q -i -E 'could not be audited|connection|resolve|unreachable|timed out|Max retries' $(VERSIONS)/audit/said.txt; then \
	  echo "not all was audited: the data on known holes cannot be reached from here" >&2; exit 2; \
	fi; exit $$code

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

# WRITE=1 puts what these find into the README, between the comments that mark its figures.
PUBLIC := build/public
WRITTEN := $(if $(WRITE),--write)
METHODS ?= clip,soft,23kb,max-3000,fast,balanced,best,avif-3000,avif-14000,avif-23000

table: .venv/.package  ## measure the README's table of the sample pictures (one minute; WRITE=1 puts it there)
	$(BIN)/python bench/table.py $(WRITTEN) $(ARGS)

drift: .venv/.package  ## fail where the README's table of the sample pictures is not what is measured here
	$(BIN)/python bench/table.py --check

kernels: .venv/.package  ## measure how much the sample pictures' figures differ between processors (five minutes)
	$(BIN)/python bench/table.py --kernels $(WRITTEN)

public: .venv/.dev  ## make the public set, 14 pictures, in build/public
	test -f $(PUBLIC)/scene-3.tif || $(BIN)/python sample_images/make_public.py $(PUBLIC)

results: public  ## measure the README's main table on the public set (half an hour; WRITE=1 puts it there)
	$(BIN)/gamut experiment table $(PUBLIC) -o build/results --methods $(METHODS) $(ARGS)
	$(BIN)/python bench/results.py $(WRITTEN) build/results/table.json

speed: .venv/.package  ## time whole commands on 24 megapixels made from a sample (WRITE=1 puts them into the README)
	$(BIN)/python bench/speed.py $(WRITTEN) $(ARGS)

bench: .venv/.package  ## measure times, memory and quality, into build/bench.json (BASE=another checkout: both in turn, compared)
	$(BIN)/python bench/bench.py build/bench.json $(if $(BASE),--against '$(BASE)' build/bench-base.json) $(ARGS)
	$(if $(BASE),$(BIN)/python bench/compare.py build/bench-base.json build/bench.json)

bench-batch: .venv/.package  ## measure what is promised of many pictures (ten quiet minutes; ARGS='course --pictures 40')
	$(BIN)/python bench/batch.py $(ARGS)

# The figures of each release stay beside the code: what a later change costs can be told without the old version at hand.
RELEASES := bench/releases
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' gamutcli/__init__.py)

bench-release: .venv/.package  ## as bench, into bench/releases/VERSION.json, to be committed; compared with the release before
	$(BIN)/python bench/bench.py $(RELEASES)/$(VERSION).json $(ARGS)
	@former=$$(ls $(RELEASES)/*.json | grep -v -F '/$(VERSION).json' | sort -V | tail -n 1); \
	test -z "$$former" || $(BIN)/python bench/compare.py "$$former" $(RELEASES)/$(VERSION).json

picture: .venv/.dev  ## draw the README's picture again (WRITE=1 puts its caption there)
	$(BIN)/python bench/figure.py $(WRITTEN) docs/dahlia.jpg

figures: .venv/.dev  ## measure and write every figure of the README (about 45 quiet minutes)
	$(MAKE) speed table kernels picture WRITE=1 ARGS=
	$(MAKE) results WRITE=1 ARGS=--overwrite

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

man: .venv/.package  ## make the man pages in build/man
	$(BIN)/python -m gamutcli.cli.manual build/man

classic: .venv/.package  ## make the viewer's classic script again from its modules
	$(BIN)/python -m gamutcli.viewer.classic

gpu:  ## test and measure on a GPU, within eight minutes (OUT=folder, TORCH='torch==...'; see docs/GPU.md)
	@$(PYTHON) bench/gpu_environment.py $(GPU) --torch '$(GPU_TORCH)'
	@mkdir -p '$(OUT)'
	@failed=0; \
	$(GPU)/bin/python -m pytest -m gpu --require-gpu -q tests/gpu --junitxml='$(OUT)/tests.xml' || failed=1; \
	$(GPU)/bin/python bench/gpu.py --out '$(OUT)' $(ARGS) || failed=1; \
	exit $$failed

.venv/.docs: pyproject.toml | .venv/.package
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@ .venv/.package

docs: .venv/.docs  ## build the pages of docs/ into build/site; a warning is an error
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html -d build/doctrees docs build/site
	@echo build/site/index.html

build: .venv/.publish  ## build wheel and source archive into dist/, check them, and try the wheel where nothing else is
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(BIN)/python -m pytest -m package tests/test_archives.py tests/test_container.py

test-sdist: build  ## run `make demo test` in the unpacked source archive
	rm -rf build/sdist
	mkdir -p build/sdist
	tar xzf dist/*.tar.gz -C build/sdist --strip-components 1
	$(MAKE) -C build/sdist demo test

clean:  ## remove everything that make made
	rm -rf .venv .venv-gpu build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
