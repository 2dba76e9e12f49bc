"""What every test shares: an offscreen Qt, a private cache and configuration, and the fixtures of the parts."""

import importlib.util
import os

# Before any Qt import, so that no test ever needs a display.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from pathlib import Path

import pytest

pytest_plugins = [
    name for name in ("tests.fixtures.study", "tests.fixtures.backbone") if importlib.util.find_spec(name) is not None
]


@pytest.fixture(autouse=True)
def private_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, logs and downloads of a test stay in its own temporary folder."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("PRISM_CACHE", str(folder / "cache"))
    monkeypatch.setenv("PRISM_CONFIG", str(folder / "config"))
    return folder
