"""Commands that need Qt: open the window, and draw every panel into pictures."""

import os
from pathlib import Path
from typing import Annotated

import typer

from prism_desktop import qt_libraries
from prism_desktop.cli.console import say
from prism_desktop.cli.study import open_existing
from prism_desktop.engine import files, unheld_objects
from prism_desktop.engine.errors import InputError


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("open")(open_window)
    app.command("screenshot")(screenshot)


def open_window(
    study: Annotated[Path | None, typer.Argument(help="The study to open.")] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Look only: nothing can be changed in the window.")
    ] = False,
) -> None:
    """Open the window, on a study if one is given."""
    if study is not None and not study.is_dir():
        raise InputError(
            f"There is no study at {study}, and no command of that name; see prism-desktop --help."
        )
    offscreen = os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal")
    if not offscreen and not qt_libraries.display_available():
        raise InputError(
            "No display was found, so no window can open; the commands work without one, "
            "and `prism-desktop screenshot STUDY --out DIR` draws the panels into pictures."
        )
    _require_libraries(window=not offscreen)
    from prism_desktop.ui.app import main

    unheld_objects.look_as_usual()
    raise typer.Exit(main(study, read_only=read_only))


def screenshot(
    study: Annotated[Path, typer.Argument(help="The study whose panels are drawn.")],
    out: Annotated[Path, typer.Option(help="The folder for the pictures.")],
    theme: Annotated[str, typer.Option(help="light, dark or both.")] = "light",
) -> None:
    """Draw every panel offscreen into PNG files."""
    for path in draw_panels(study, out, theme):
        say(str(path))


def draw_panels(study: Path, out: Path, theme: str) -> list[Path]:
    """Render every panel of the window on a study without a display.

    Returns the pictures' paths.
    """
    if theme not in ("light", "dark", "both"):
        raise InputError(f"The theme is light, dark or both, not {theme}.")
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    _require_libraries(window=False)
    if out.exists():
        make_folder(out)  # refuses what is none
    open_existing(study, read_only=True).close()  # else a folder would be made for nothing
    make_folder(out)
    from prism_desktop.ui.screenshot import render_all

    return list(render_all(study, out, theme=theme))


def make_folder(out: Path) -> None:
    """Make the folder that pictures go to, before any long work.

    Raises:
        InputError: if it cannot be made.
    """
    try:
        files.make_folder(out)
    except OSError as problem:
        raise InputError(
            f"The folder {out} for the pictures cannot be made: {problem.strerror}."
        ) from problem


def _require_libraries(*, window: bool) -> None:
    packages = qt_libraries.missing_packages(window=window)
    if packages:
        raise InputError(qt_libraries.sentence(packages))
