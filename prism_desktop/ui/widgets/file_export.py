"""File export: figures as SVG, PDF or PNG and tables as CSV, written off the window's thread."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.files import write_named
from prism_desktop.engine.grammar import counted
from prism_desktop.ui.context import AppContext

FIGURE_KINDS = "SVG (*.svg);;PDF (*.pdf);;PNG (*.png)"
_TABLE_KINDS = "CSV (*.csv);;Excel (*.xlsx);;Parquet (*.parquet)"
TABLES = (".csv", ".xlsx", ".parquet")  # the first is the one proposed
Events = Iterator[Event[Path]]
_ENDINGS = (".svg", ".pdf", ".png")  # the first is the one proposed


def save_figure(
    parent: QWidget, context: AppContext, name: str, draw: Callable[[Path], object]
) -> None:
    """Ask where and let `draw` write the figure there; the file's ending is its format."""
    chosen, kind = QFileDialog.getSaveFileName(
        parent, "Export figure", f"{plain(name)}.svg", FIGURE_KINDS
    )
    if not chosen:
        return
    path = chosen_path(Path(chosen), kind)
    job = context.run(drawing(draw, path), f"Drawing {path.name}", owner=parent)

    def ended(cancelled: bool) -> None:
        if not cancelled:
            context.message(f"Exported {path.name}.", "good")

    job.ended.connect(ended)


def chosen_path(path: Path, kind: str, endings: Sequence[str] = _ENDINGS) -> Path:
    """The file that was meant: Qt's own dialog leaves the name's ending as it is when another kind
    is chosen.

    Args:
        path: as the dialog gave it.
        kind: that was chosen, such as "PNG (*.png)".
        endings: that there are, the one proposed first.
    """
    ending = kind.partition("(*")[2].rstrip(")") or endings[0]
    if path.suffix.lower() not in endings:
        path = path.with_name(f"{path.name}{ending}")
    elif path.suffix.lower() == endings[0] and ending in endings[1:]:
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
    chosen, kind = QFileDialog.getSaveFileName(
        parent, "Export table", f"{plain(name)}.csv", _TABLE_KINDS
    )
    if not chosen:
        return
    path = chosen_path(Path(chosen), kind, TABLES)

    def write() -> int:
        lines = [list(line) for line in body]
        write_rows(path, head, lines, name)
        return len(lines)

    context.ask(
        write,
        lambda count: context.message(f"Exported {counted(count, 'row')} to {path.name}.", "good"),
        owner=parent,
        what="Exporting the table",
    )


def write_rows(
    path: Path, head: Sequence[str], body: Sequence[Sequence[object]], name: str = "table"
) -> None:
    """Write a table as its file's name ends; cells that look like formulas are defused."""
    from prism_desktop.engine.study.exporting.table_files import write_table

    kind = path.suffix.lower()
    write_named(path, lambda beside: write_table(beside, kind, name, head, body))
