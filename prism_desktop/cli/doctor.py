"""`prism-desktop doctor`: what is installed, and what this machine offers."""

import importlib.metadata
import os
import platform
import sqlite3
from typing import Annotated

import typer

from prism_desktop import __version__, qt_libraries
from prism_desktop.cli.console import Json, say, write_json
from prism_desktop.engine import paths
from prism_desktop.engine.grammar import counted

_PACKAGES = (
    "torch", "torchvision", "open_clip_torch", "peft", "safetensors", "PySide6-Essentials",
    "pyqtgraph", "SQLAlchemy", "alembic", "numpy", "scipy", "pandas", "pyarrow", "openpyxl",
    "pillow", "matplotlib", "networkx", "scikit-learn", "typer", "rich", "pydantic", "platformdirs",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(doctor)


def doctor(
    timing: Annotated[
        bool,
        typer.Option("--timing", help="Measure screen and keys; kept for the sessions to come."),
    ] = False,
    photodiode: Annotated[
        bool,
        typer.Option("--photodiode", help="With --timing: a corner that flickers each frame."),
    ] = False,
    json: Json = None,
) -> None:
    """Versions of everything, the torch build, the GPU seen, SQLite and Qt's platform."""
    if timing or photodiode:
        _timing(photodiode, json)
        return
    value = {
        "prism-desktop": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        **_device(),
        **_qt(),
        **_fonts(),
        "embedded backbone": str(paths.resources() / "prism-mini"),
        "backbone cache": str(paths.cache()),
        "rescued answers": str(paths.rescued()),
        "settings and log": str(paths.config()),
        "packages": {name: _version(name) for name in _PACKAGES},
    }
    write_json(value, json)
    for key, item in value.items():
        if isinstance(item, dict):
            for name, version in item.items():
                say(f"  {name} {version or 'missing'}", json)
        else:
            say(f"{key}: {item}", json)


def _timing(patch: bool, json: str | None) -> None:
    """Measure in a window of its own; where that cannot be, say so and print no figure."""
    from prism_desktop.engine.labeling.timing import keep_report, now_report

    screen = qt_libraries.display_available() or os.environ.get("QT_QPA_PLATFORM") == "offscreen"
    missing = qt_libraries.missing_packages(window=qt_libraries.display_available())
    if missing or not screen:
        why = qt_libraries.sentence(missing) if missing else "no display was found"
        report = now_report("none", "none", 0.0, why)
    else:
        from PySide6.QtWidgets import QApplication

        from prism_desktop.ui.app import make_application
        from prism_desktop.ui.timing_probe import measure_timing

        application = QApplication.instance() or make_application(["prism-desktop"])
        report = measure_timing(patch)
        del application
    keep_report(report)
    write_json(report.model_dump(mode="json"), json)
    for line in report.lines():
        say(line, json)


def _device() -> dict[str, str]:
    import torch

    from prism_desktop.engine.device import choose_device

    device = choose_device("auto")
    return {
        "torch build": f"{torch.__version__}, CUDA {torch.version.cuda or 'none'}, "
        f"{counted(torch.get_num_threads(), 'thread')}",
        "device": f"{device.kind}: {device.name} ({device.why})",
    }


def _qt() -> dict[str, str]:
    missing = qt_libraries.missing_packages(window=qt_libraries.display_available())
    if missing:
        return {"qt": qt_libraries.sentence(missing)}
    from PySide6.QtCore import qVersion

    display = (
        "a display was found"
        if qt_libraries.display_available()
        else "no display: commands and pictures only"
    )
    return {"qt": f"{qVersion()}, {display}"}


def _fonts() -> dict[str, str]:
    """Whether texts are seen here as people wrote them: emoji, and letters of other scripts."""
    if qt_libraries.missing_packages(window=False):
        return {}
    from PySide6.QtWidgets import QApplication

    from prism_desktop.ui.app import make_application
    from prism_desktop.ui.shown_signs import fonts_told

    hidden = ["prism-desktop", "-platform", "offscreen"]
    application = QApplication.instance() or make_application(hidden)
    told = fonts_told()
    del application
    return told


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
