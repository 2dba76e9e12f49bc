"""Where files of the program and of the user live."""

import os
from pathlib import Path

import platformdirs

APP = "prism-desktop"
_PACKAGE = Path(__file__).resolve().parents[1]


def resources() -> Path:
    """Icons, styles, fonts and the embedded backbone.

    Inside the package when installed, beside it in a checkout.
    """
    return _shipped("resources")


def data() -> Path:
    """The demo study's faces, labelers and tastes as YAML."""
    return _shipped("data")


def cache() -> Path:
    """Downloaded backbone weights; `PRISM_CACHE` moves it."""
    return Path(os.environ.get("PRISM_CACHE") or platformdirs.user_cache_dir(APP, appauthor=False))


def config() -> Path:
    """Settings of the window and the log; `PRISM_CONFIG` moves it."""
    return Path(
        os.environ.get("PRISM_CONFIG") or platformdirs.user_config_dir(APP, appauthor=False)
    )


def rescued() -> Path:
    """Answers that could not be kept in their study; `PRISM_DATA` moves the folder above it."""
    folder = os.environ.get("PRISM_DATA") or platformdirs.user_data_dir(APP, appauthor=False)
    return Path(folder) / "rescued"


def typed(path: Path | str) -> Path:
    """A path as a person types it: a leading ~ is the home folder; of a user whom the system does
    not know, it is a name like any other, where `Path.expanduser` raises RuntimeError."""
    return Path(os.path.expanduser(path))  # noqa: PTH111


def _shipped(name: str) -> Path:
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name
