"""Saving tables as CSV, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.figure_export import plain


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
        lambda _: context.message(f"Exported {len(lines):,} rows to {Path(path).name}.", "good"),
        owner=parent,
    )


def write_csv(path: Path, head: Sequence[str], body: Iterable[Sequence[object]]) -> None:
    """UTF-8 with a byte order mark, so that Excel reads accents.

    Cells that look like formulas are defused.
    """
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows([safe(cell) for cell in line] for line in body)


def safe(cell: object) -> object:
    """Text that a spreadsheet would compute is kept as text; numbers stay numbers."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + cell
    return cell
