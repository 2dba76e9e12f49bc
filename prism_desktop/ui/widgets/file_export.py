"""File export: figures as SVG, PDF or PNG and tables as CSV, written off the window's thread."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.files import text_file, write_named
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.formula_guard import CsvWriter
from prism_desktop.ui.context import AppContext

_KINDS = "SVG (*.svg);;PDF (*.pdf);;PNG (*.png)"
Events = Iterator[Event[Path]]
_ENDINGS = (".svg", ".pdf", ".png")  # the first is the one proposed


def save_figure(
    parent: QWidget, context: AppContext, name: str, draw: Callable[[Path], object]
) -> None:
    """Ask where and let `draw` write the figure there; the file's ending is its format."""
    chosen, kind = QFileDialog.getSaveFileName(
        parent, "Export figure", f"{plain(name)}.svg", _KINDS
    )
    if not chosen:
        return
    path = chosen_path(Path(chosen), kind)
    job = context.run(drawing(draw, path), f"Drawing {path.name}", owner=parent)

    def ended(cancelled: bool) -> None:
        if not cancelled:
            context.message(f"Exported {path.name}.", "good")

    job.ended.connect(ended)


def chosen_path(path: Path, kind: str) -> Path:
    """The file that was meant: Qt's own dialog leaves the
    name's ending as it is when another kind is chosen."""
    ending = f".{kind[:3].lower()}"
    if path.suffix.lower() not in _ENDINGS:
        path = path.with_name(f"{path.name}{ending}")
    elif path.suffix.lower() == _ENDINGS[0] and ending in _ENDINGS[1:]:
        path = path.with_suffix(ending)
    else:
        return path  # as the dialog showed it, so it asked before replacing a file
    number, free = 2, path
    while free.exists():
        free, number = path.with_stem(f"{path.stem} {number}"), number + 1
    return free


def plain(name: str) -> str:
    """A name that every system takes as one file's: labelers'
    names and typed attributes may hold anything."""
    return "".join("-" if sign in '/\\:*?"<>|' or not sign.isprintable() else sign for sign in name)


def drawing(draw: Callable[[Path], object], path: Path) -> Iterator[Event[Path]]:
    """Draw a figure to a file; the last event is `Done[Path]`."""
    yield Progress(0, None, "Drawing the figure")
    draw(path)
    yield Done(path)


def save_report(parent: QWidget, context: AppContext, make: Callable[[Path], Events]) -> None:
    """Ask where and let `make` write a report about a failure there."""
    chosen, _ = QFileDialog.getSaveFileName(
        parent, "Save a report", "prism-desktop-report.zip", "ZIP (*.zip)"
    )
    if not chosen:
        return
    path = Path(chosen)
    job = context.run(make(path), f"Writing {path.name}", owner=parent)

    def ended(cancelled: bool) -> None:
        if not cancelled:
            context.message(f"Wrote {path.name}; look through it before you give it away.", "good")

    job.ended.connect(ended)


def save_table(
    parent: QWidget,
    context: AppContext,
    name: str,
    head: Sequence[str],
    body: Iterable[Sequence[object]],
) -> None:
    """Ask where and write the table there, off the window's thread."""
    path, _ = QFileDialog.getSaveFileName(
        parent, "Export table", f"{plain(name)}.csv", "CSV (*.csv)"
    )
    if not path:
        return
    lines = [list(line) for line in body]
    context.ask(
        lambda: write_csv(Path(path), head, lines),
        lambda _: context.message(
            f"Exported {counted(len(lines), 'row')} to {Path(path).name}.", "good"
        ),
        owner=parent,
        what="Exporting the table",
    )


def write_csv(path: Path, head: Sequence[str], body: Iterable[Sequence[object]]) -> None:
    """UTF-8 with a byte order mark, so that Excel reads accents.

    Cells that look like formulas are defused.
    """
    write_named(path, partial(_fill, head, body))


def _fill(head: Sequence[str], body: Iterable[Sequence[object]], beside: Path) -> None:
    with text_file(beside, "utf-8-sig") as file:
        writer = CsvWriter(file)
        for line in (head, *body):
            writer.row(line)
