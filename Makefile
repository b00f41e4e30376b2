# `make demo` and `make test` work on a fresh machine: they set everything up first.
VENV ?= .venv
BIN := $(VENV)/bin
export VENV

# no target is a file
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(MAKEFILE_LIST))

help:                ## this list
	@grep -E '^[a-z-]+: *.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup:               ## make .venv: mmfan and what segmentation needs, a minute; enter it with: source .venv/bin/activate
	@bash .ci/setup.sh

operators:          ## and what detection needs: mmcv's compiled operators and mmdet, two minutes more on 2 cores, once
	@bash .ci/setup.sh operators

dev:                 ## and what the tests and checks need
	@bash .ci/setup.sh dev

demo: setup          ## draw the miniature set, train FAN-T-Hybrid on it, test it, show pictures
	@bash .ci/demo.sh

# As many files at a time as there are cores, up to four (each takes up to 2 GB); a file is whole in one process, so that
# what it prepares is prepared once; in the order of tests/conftest.py. ARGS="-n 0" for one after the other.
PARALLEL := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: dev            ## the whole test suite
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-fast: dev       ## what needs neither processes nor trainings: a minute and a half on 2 cores
	@$(BIN)/python -m pytest -m "not slow and not process" $(ARGS)

# In any environment, torch or not: CI runs it on the oldest and the newest Python.
LIGHT := tests/utils tests/picture_files tests/corruptions tests/evaluation/judging tests/evaluation/function \
  tests/evaluation/results tests/evaluation/summary tests/evaluation/report tests/evaluation/test_protocol.py \
  tests/evaluation/metrics/test_labels.py tests/evaluation/metrics/test_objects.py tests/evaluation/metrics/test_flips.py \
  tests/evaluation/metrics/test_classification.py tests/evaluation/metrics/test_cue_conflict.py \
  tests/datasets/corrupted tests/datasets/prepare tests/datasets/miniature tests/datasets/test_label_files.py tests/adapters \
  tests/visualization tests/test_walls.py mmfan/utils mmfan/picture_files mmfan/corruptions
PYTHON ?= $(BIN)/python

test-light:          ## the same for the rooms without torch, with PYTHON=...
	@$(PYTHON) -m pytest -m "not slow and not process" $(LIGHT) $(ARGS)

test-classic:        ## torch 2.1, NumPy 1, the original packages, in .venv-classic: suites, miniatures; needs Python 3.11
	@VENV=.venv-classic bash .ci/classic.sh $(STEP)

TRIALS ?= 10000
SEED ?= 0
fuzz: dev            ## damaged files, configs and names through every door; ARGS="--target weights --trial 41" for one
	@PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python -m fuzz --trials $(TRIALS) --seed $(SEED) $(ARGS)

coverage: dev      ## lines of mmfan/ that the fast tests reach, in work_dirs/coverage; SELECT= for the whole suite
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(SELECT) $(ARGS)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage html -q
	@$(BIN)/coverage report --skip-covered | tee work_dirs/coverage/report.txt
coverage: SELECT = -m "not slow and not process"

test-mim: setup      ## mim search|train|test|run mmfan, with openmim and onedl-mim from the package index
	@bash .ci/mim.sh

test-adapters: dev   ## adapters of judge with the packages themselves (ONNX Runtime, OpenVINO, transformers, ...)
	@bash .ci/adapters.sh

test-cls: dev        ## classifiers with mmpretrain itself: the ImageNet recipes, its models under the judge
	@bash .ci/cls.sh

docker:              ## an image to run, mmfan:cpu; CUDA=1 ARCH="8.0;9.0" for mmfan:cuda with operators for these GPUs
	@CUDA="$(CUDA)" ARCH="$(ARCH)" .ci/docker/build.sh $(ARGS)

test-docker:         ## what the Dockerfile does, without Docker: its scripts, packages and libraries, in a temporary place
	@.ci/docker/check.sh

lint-project: dev  ## the files around the code: workflows, forms, metadata, spelling, addresses
	@.ci/lint_project.sh

lint: dev lint-project  ## format check, lint rules, types, and lint-project
	@$(BIN)/ruff format --check mmfan tools tests configs docs .ci
	@$(BIN)/ruff check mmfan tools tests configs docs .ci
	@$(BIN)/mypy

format: dev          ## apply the formatter and the safe fixes
	@$(BIN)/ruff check --fix mmfan tools tests configs docs .ci
	@$(BIN)/ruff format mmfan tools tests configs docs .ci

addresses: dev     ## write the addresses of pyproject.toml wherever they are needed, and say which are open
	@$(BIN)/python .ci/addresses.py

dist:                ## wheel and source archive, in dist/, with PYTHON=... that has hatchling
	@rm -rf dist
	@$(PYTHON) -m hatchling build

FAMILY ?= judge
test-package:        ## build wheel and archive, use them in clean environments: FAMILY=judge, onedl, openmmlab or several
	@$(or $(shell command -v $(PYTHON)),python3) .ci/check_package.py $(FAMILY)

release-check:       ## whether this tree is what TAG=v1.2.3 names
	@$(PYTHON) .ci/release.py $(TAG)

metafiles: dev     ## model-index.yml and the metafiles of configs/, from configs/index.json
	@PYTHONPATH=tests $(BIN)/python -m helpers.metafiles

docs:                ## the documentation site, in docs/_build/html; a warning is an error
	@bash .ci/setup.sh docs
	@$(BIN)/python -m sphinx -q -b html -n -W --keep-going -d docs/_build/doctrees docs docs/_build/html
	@echo "docs/_build/html/index.html"

tutorials: dev       ## run the commands of the pages, in scratch folders; ARGS=docs/tutorials/X.md for one page
	@PYTHONPATH=tests $(BIN)/python -m page_runs $(ARGS)

benchmark: dev       ## time and memory against the plain form, with this machine's floor
	@$(BIN)/mmfan bench

clean:               ## remove the environment and everything the tools wrote here
	rm -rf $(VENV) .venv-classic .venv-adapters .venv-cls work_dirs data/mini_cityscapes docs/_build docs/project docs/reference
	rm -rf .pytest_cache .ruff_cache .mypy_cache
