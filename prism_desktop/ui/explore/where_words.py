"""Where, of a run on texts: which words matter to a labeler's model over many texts, the texts with
their words shaded, and whether that is to be believed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from prism_desktop.engine.analysis.word_shades import FAINT, shade, strength_of
from prism_desktop.engine.analysis.word_units import words_of
from prism_desktop.engine.grammar import counted
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.operations import ManyWordMaps
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import OTHERS
from prism_desktop.ui.explore.view import ExportFigure, ExportTable, picker
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows
from prism_desktop.ui.widgets.read_text import ReadText, ShadedPart
from prism_desktop.ui.widgets.reading_table import ReadingTable
from prism_desktop.ui.widgets.shade_legend import ShadeLegend

if TYPE_CHECKING:
    from prism_desktop.engine.analysis.mean_word_relevance import MeanWordRelevance

_MOST = 60  # texts that are shown
_HEADS = ("Word", "Texts", "Does to the score", "Interval")
_HEAD = ("word", "texts", "relevance", "low", "high")
_INVITE = (
    "Maps of many texts, each tested by taking its words away: the most relevant against random "
    "ones, the least relevant ones and those of a random taste. It takes a minute or more for each "
    "labeler and is kept."
)


class WordPage(QWidget):
    """The shaded texts at the left, the words and what they are worth at the right."""

    labeler_chosen = Signal(str)
    wanted, stopped = Signal(), Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.labeler, self._labeler = picker("Labeler", self._choose, 120)
        self.invite = button("Show which words matter", self.wanted.emit)
        self.stop = button("Stop", self.stopped.emit, "quiet")
        self.progress = label("", "small")
        self.answer, self.doubts = label("", "heading", wrap=True), label("", "small", wrap=True)
        for each in (self.answer, self.doubts):
            each.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.told = label("", "small", wrap=True)
        self.texts = ReadText()
        self.texts.setAccessibleName("Texts with their words shaded")
        self.legend = ShadeLegend(context.theme)
        self.table_ = ReadingTable("Words of several texts", _HEADS, 0)
        self._lay_out()

    def _lay_out(self) -> None:
        head = columns(self._labeler, self.progress, None, self.stop, self.invite, gap=GRID)
        head.addStrut(28)
        left = rows(self.told, self.texts, self.legend, gap=GRID)
        left.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, GRID + 4)
        left.setStretch(1, 1)
        inside = QWidget()
        inside.setLayout(rows(self.answer, self.doubts, None, gap=GRID + 4))
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setProperty("role", "reach")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        right = rows(scroll, self.table_, gap=GRID)
        right.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, GRID + 4)
        right.setStretch(0, 1)
        right.setStretch(1, 2)
        self._shaded = frame("card", left)
        body = columns(self._shaded, frame("card", right), gap=2 * GRID)
        body.setStretch(0, 1)
        body.setStretch(1, 1)
        whole = rows(head, body, gap=GRID)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def offer(self, names: Mapping[str, str]) -> None:
        """Labelers by code."""
        self.labeler.offer(list(names.items()))

    def _choose(self) -> None:
        self.labeler_chosen.emit(self.labeler.key)

    def show_maps(
        self, data: RunData, found: "MeanWordRelevance | None", who: str, *, busy: bool, why: str
    ) -> None:
        """Show maps, or say why there are none.

        Args:
            data: the run's.
            found: the maps; None for none.
            who: the labeler's name.
            busy: whether they are being made.
            why: they could not be made.
        """
        self.stop.setVisible(busy)
        self.invite.setVisible(not busy and found is None)
        for each in (self._shaded, self.table_):
            each.setVisible(found is not None)
        if not busy:
            self.progress.setText("")
        if found is None:
            self.answer.setText(f"No maps: {why}" if why else "Which words matter?")
            self.doubts.setText("Looking…" if busy else _INVITE)
            return
        self.answer.setText(found.answer(who))
        self.doubts.setText("\n".join(found.doubts(who)))
        self.table_.show_lines(
            [
                (w.word, f"{w.texts:,}", f"{w.mean:+.2f}", f"[{w.low:+.2f}, {w.high:+.2f}]")
                for w in found.common
            ],
            dim=[not each.stands_out for each in found.common],
        )
        most = float(np.nanmax(np.abs(found.relevance), initial=0.0))
        self.legend.show_scale(most, strength_of(found.supported))
        shown = min(_MOST, len(found.texts))
        first = f"The first {shown} texts" if shown < len(found.texts) else "Texts"
        passed = counted(int(found.passed.sum()), "map passes its", "maps pass their")
        self.told.setText(
            f"{first} with the words that raise (red) or lower (blue) the score; {passed} own test "
            "(✓), the others are faint."
        )
        self.texts.show_text(None, "")
        self.texts.show_shaded(None, _parts(data, found, most))

    def figure(self, found: "MeanWordRelevance", who: str) -> ExportFigure:
        """The words as a figure."""

        def draw(target: Path) -> None:
            from prism_desktop.engine.analysis.plotting import save_figure
            from prism_desktop.engine.analysis.word_figures import mean_word_figure

            save_figure(mean_word_figure(found, who), target)

        return ExportFigure(f"words {found.labeler} {found.attribute}", draw)

    def table(self, found: "MeanWordRelevance") -> ExportTable:
        """The words as a table."""
        body = [(w.word, w.texts, w.mean, w.low, w.high) for w in found.common]
        return ExportTable(f"words {found.labeler} {found.attribute}", _HEAD, body)


def who_of(found: ManyWordMaps, names: Mapping[str, str]) -> str:
    """The labeler that maps are of, and whose score is taken off; `names` by code."""
    who, other = (names.get(code, code) for code in (found.labeler, found.against))
    return f"{who} less {'the others' if other == OTHERS else other}" if other else who


def _parts(data: RunData, found: "MeanWordRelevance", most: float) -> list[ShadedPart]:
    """Texts below each other, each behind its name and whether its map passes its test."""
    parts: list[ShadedPart] = []
    for number, key in enumerate(found.texts[:_MOST]):
        if key not in data.texts:
            continue
        passed, text = bool(found.passed[number]), data.texts[key][1]
        mark = "✓" if passed else "✗"
        parts.append((f"{mark} {Path(data.image_names[data.row[key]]).stem}\n", None, ""))
        place, values = 0, found.of(number)
        strength = strength_of(found.supported) * (1.0 if passed else FAINT)
        for word, each in zip(words_of(text), values, strict=True):
            if word.start > place:
                parts.append((text[place : word.start], None, ""))
            known = not np.isnan(each) and most > 0
            colour = QColor(*shade(float(each) / most, strength)) if known else None
            parts.append((word.text, colour, f"{word.text}: {each:+.3f} logits"))
            place = word.end
        parts.append((f"{text[place:]}\n\n", None, ""))
    return parts
