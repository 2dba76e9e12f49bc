"""A report as PDF: pages of text and tables, and a page for each figure, all of it vectors with the
font in the file."""

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prism_desktop.engine.analysis.plotting import GREY, INK, drawn, figure_book
from prism_desktop.engine.experiments.report_blocks import (
    Paragraph,
    Points,
    Report,
    ReportFigure,
    ReportTable,
    SectionHeading,
)
from prism_desktop.engine.plain_text import one_line

# All in mm; a page of A4.
_WIDE, _HIGH, _EDGE = 210.0, 297.0, 20.0
_LINE, _LETTER = 5.0, 1.95  # of text of 9 points
_SMALL, _SMALL_LETTER = 3.7, 1.42  # of a table's, 6.5 points
_ROOM: Final = _WIDE - 2 * _EDGE
_WORD: Final = 18  # letters of a word that is not broken
_LONGEST: Final = 4000  # letters of a paragraph


class _Pages:
    """Text that flows from page to page."""

    def __init__(self, add: Callable[[Figure], None]) -> None:
        self._add = add
        self._number = 0
        self._figure: Figure | None = None
        self._axes: Axes | None = None
        self._down = 0.0

    def line(
        self, text: str, size: float, high: float, *, x: float = 0.0, ink: str = INK,
        bold: bool = False, new: bool = True,
    ) -> None:  # fmt: skip
        """One line; `new` moves down first, to the next page where there is no room."""
        if new:
            self.room(high)
            self._down += high
        assert self._axes is not None
        weight = "bold" if bold else "normal"
        self._axes.text(
            _EDGE + x, self._down, drawn(text, 500), fontsize=size, color=ink, weight=weight,
            va="baseline",
        )  # fmt: skip

    def space(self, high: float) -> None:
        self._down += high

    def room(self, high: float) -> None:
        """Begin a page where so much does not fit any more."""
        if self._axes is None or self._down + high > _HIGH - _EDGE:
            self.end_page()
            self._number += 1
            self._figure = Figure(figsize=(_WIDE / 25.4, _HIGH / 25.4))
            self._axes = self._figure.add_axes((0, 0, 1, 1))
            self._axes.axis("off")
            self._axes.set(xlim=(0, _WIDE), ylim=(_HIGH, 0))
            self._axes.text(
                _WIDE / 2, _HIGH - _EDGE / 2, drawn(str(self._number)), fontsize=7, color=GREY,
                ha="center",
            )  # fmt: skip
            self._down = _EDGE

    def end_page(self) -> None:
        if self._figure is not None:
            self._add(self._figure)
        self._figure = self._axes = None

    def whole(self, figure: Figure) -> None:
        """A figure on a page of its own size."""
        self.end_page()
        self._number += 1
        self._add(figure)


def write_pdf(report: Report, beside: Path) -> None:
    """Write it; the same report, drawn anew, gives the same file."""
    with figure_book(beside, report.title) as add:
        pages = _Pages(add)
        for line in textwrap.wrap(one_line(report.title, 300), 50):
            pages.line(line, 16, 8.0, bold=True)
        pages.space(3)
        number = 0
        for block in report.blocks:
            match block:
                case SectionHeading(text):
                    pages.space(4)
                    pages.room(3 * _LINE)
                    pages.line(text, 11, 1.3 * _LINE, bold=True)
                    pages.space(1)
                case Paragraph(text, warning):
                    _text(pages, text, bold=warning)
                case Points(texts):
                    for text in texts:
                        _text(pages, f"• {text}", gap=0.5)
                    pages.space(1.5)
                case ReportTable():
                    _table(pages, block)
                case ReportFigure(figure, title, caption):
                    number += 1
                    _text(pages, f"Figure {number}, on the next page. {title}. {caption}")
                    pages.whole(figure)
        pages.end_page()


def _text(pages: _Pages, text: str, *, bold: bool = False, gap: float = 2.0) -> None:
    for line in textwrap.wrap(one_line(text, _LONGEST), int(_ROOM / _LETTER)):
        pages.line(line, 9, _LINE, bold=bold)
    pages.space(gap)


def _table(pages: _Pages, table: ReportTable) -> None:
    rows = [table.head, *table.rows]
    widths = _widths(rows)
    lefts = [0.0]
    for width in widths:
        lefts.append(lefts[-1] + _SMALL_LETTER * (width + 2))
    for at, row in enumerate(rows):
        _row(pages, row, widths, lefts, bold=at == 0)
    pages.space(1)
    for line in textwrap.wrap(one_line(table.caption, _LONGEST), int(_ROOM / _SMALL_LETTER)):
        pages.line(line, 6.5, _SMALL, ink=GREY)
    pages.space(3)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Of each column in letters: its longest word's, and of what is left what its cells need."""
    columns = [[one_line(row[place]) for row in rows] for place in range(len(rows[0]))]
    whole = [min(max(map(len, cells)), 34) for cells in columns]
    words = [max(len(word) for cell in cells for word in cell.split(" ")) for cells in columns]
    least = [max(4, min(*pair, _WORD)) for pair in zip(whole, words, strict=True)]
    room = int(_ROOM / _SMALL_LETTER) - 2 * len(columns)
    if sum(least) >= room:
        return [max(4, count * room // sum(least)) for count in least]
    wanted = [max(0, one - other) for one, other in zip(whole, least, strict=True)]
    share = min(1.0, (room - sum(least)) / max(1, sum(wanted)))
    return [one + int(share * more) for one, more in zip(least, wanted, strict=True)]


def _row(
    pages: _Pages, row: Sequence[str], widths: Sequence[int], lefts: Sequence[float], *, bold: bool
) -> None:
    cells = [
        textwrap.wrap(one_line(cell, 400), width) or [""]
        for cell, width in zip(row, widths, strict=True)
    ]
    pages.room(_SMALL * max(map(len, cells)))
    for number in range(max(map(len, cells))):
        for place, lines in enumerate(cells):
            told = lines[number] if number < len(lines) else ""
            pages.line(told, 6.5, _SMALL, x=lefts[place], bold=bold, new=place == 0)
    pages.space(0.8)
