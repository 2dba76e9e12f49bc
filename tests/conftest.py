"""What every test shares: an offscreen Qt, a private cache
and configuration, and the fixtures of the parts."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

# No property is about time.
hypothesis_settings.register_profile("suite", deadline=None)
hypothesis_settings.load_profile("suite")
# Before any Qt import, so that no test ever needs a display.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
# Processes of long work may be asked for work of the tests.
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
# Every process of a training imports thousands of modules; compiling them anew in each would cost
# most of the suite's time.
os.environ["PYTHONDONTWRITEBYTECODE"] = ""
sys.dont_write_bytecode = False
# Before numpy and torch: the suite runs in several processes, and tiny models and tables gain
# nothing from threads.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# Where there is room for it, what tests write stays in memory: every answer is written through to
# the disk, and waiting for that is a tenth of the suite's time.
IN_MEMORY = Path("/dev/shm")
if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > 4e9:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))

pytest_plugins = [
    "tests.fixtures.leaks",
    "tests.fixtures.study",
    "tests.fixtures.laboratory_study",
    "tests.fixtures.backbone",
    "tests.fixtures.language_model",
    "tests.fixtures.writers",
    "tests.fixtures.runs",
    "tests.fixtures.text_runs",
]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    """What a test printed may hold bytes that are no text, which no report can be sent with."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def private_folders(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Settings, logs and downloads of a test stay in its own temporary folder."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("PRISM_CACHE", str(folder / "cache"))
    monkeypatch.setenv("PRISM_CONFIG", str(folder / "config"))
    monkeypatch.setenv("PRISM_DATA", str(folder / "data"))
    return folder
