# Everything a fresh machine needs beyond Python, make and the usual build basics is installed from here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= demo.prism

.PHONY: demo test lint bench soak lock clean

# The environment is complete when this stamp is newer than the lock and the project file.
$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock \
	  || $(BIN)/python -m pip install --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: $(VENV)
$(VENV): $(VENV)/installed
