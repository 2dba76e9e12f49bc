"""Saving figures as SVG, PDF or PNG, drawn off the window's thread."""

from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.ui.context import AppContext

_KINDS = "SVG (*.svg);;PDF (*.pdf);;PNG (*.png)"


def save_figure(parent: QWidget, context: AppContext, name: str, draw: Callable[[Path], object]) -> None:
    """Ask where and let `draw` write the figure there; the file's ending is its format."""
    chosen, kind = QFileDialog.getSaveFileName(parent, "Export figure", f"{name}.svg", _KINDS)
    if not chosen:
        return
    path = Path(chosen)
    if path.suffix.lower() not in (".svg", ".pdf", ".png"):
        path = path.with_name(f"{path.name}.{kind[:3].lower()}")
    job = context.run(drawing(draw, path), f"Drawing {path.name}")
    job.ended.connect(lambda _: context.message(f"Exported {path.name}.", "good"))


def drawing(draw: Callable[[Path], object], path: Path) -> Iterator[Event[Path]]:
    """Draw a figure to a file; the last event is `Done[Path]`."""
    yield Progress(0, None, "Drawing the figure")
    draw(path)
    yield Done(path)
