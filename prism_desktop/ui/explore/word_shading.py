"""Which words of a text matter to a labeler's model: shades behind its words, their legend, and
what the map is worth; each map is kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.analysis.word_shades import shade, strength_of
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.view import ExportFigure, ExportTable
from prism_desktop.ui.job import Job
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, restyle, rows
from prism_desktop.ui.widgets.possible import allow
from prism_desktop.ui.widgets.read_text import ReadText, ShadedPart
from prism_desktop.ui.widgets.shade_legend import ShadeLegend

if TYPE_CHECKING:
    from prism_desktop.engine.analysis.word_relevance import WordRelevance

_WHAT = "Shades behind the words that matter, tested by taking them away. It takes some seconds."
_HEAD = ("word", "start", "end", "relevance")


@dataclass(frozen=True, slots=True)
class WordRequest:
    """What a map is of."""

    face: int  # row of the text
    labeler: str
    attribute: str
    kind: str


class WordShading(QWidget):
    """What stands below a text: an invitation, or the legend of its shades and their worth."""

    wanted = Signal()  # a map, of whatever kind

    def __init__(self, context: AppContext, text: ReadText) -> None:
        """`text` is what is shaded."""
        super().__init__()
        self._context, self._text = context, text
        self._data: RunData | None = None
        self._asked: WordRequest | None = None
        self._kept: dict[WordRequest, WordRelevance] = {}  # the run's
        self._job: Job | None = None
        self._problem = ""
        self.legend = ShadeLegend(context.theme)
        self.verdict, self.limits = label("", "small", wrap=True), label("", "small", wrap=True)
        self.invite = button("Show which words matter", self.wanted.emit)
        self.why = label(_WHAT, "small", wrap=True)
        self._bare = QWidget()
        self._bare.setLayout(rows(columns(self.invite, None), self.why, gap=4))
        self.legend.hide()
        self.setLayout(rows(self._bare, self.legend, self.verdict, self.limits, gap=GRID))

    def show_run(self, data: RunData | None) -> None:
        """Another run: none of its maps is known."""
        self._end()
        self._kept.clear()
        self._data, self._asked = data, None
        reason = "" if data is None else data.obstacles.maps
        allow(reason, self.invite)
        self.why.setText(reason or _WHAT)

    def ask(self, asked: WordRequest | None) -> None:
        """Show a map, and make it where it is not there; None for none."""
        data = self._data
        self._bare.setVisible(asked is None)
        if asked != self._asked:
            self._end()
            self._problem = ""
        self._asked = asked
        late = data is not None and asked is not None and asked.labeler in data.adapted_labelers
        if data is not None and asked is not None and not late and not data.obstacles.maps:
            if asked not in self._kept and self._job is None and not self._problem:
                self._compute(data, asked)
        elif late and data is not None and asked is not None:
            who = data.names[asked.labeler]
            self._problem = f"{who} was added after the training"
        self._show()

    def idle(self) -> bool:
        """Whether everything asked for has been shown."""
        return self._job is None

    @property
    def found(self) -> "WordRelevance | None":
        """The map that is shown."""
        return None if self._asked is None else self._kept.get(self._asked)

    def figure(self, title: str) -> ExportFigure | None:
        """The map as a figure; None where none is shown."""
        found = self.found
        if found is None:
            return None

        def draw(target: Path) -> None:
            from prism_desktop.engine.analysis.plotting import save_figure
            from prism_desktop.engine.analysis.word_figures import word_figure

            save_figure(word_figure(found, title), target)

        return ExportFigure(f"{found.name} words", draw)

    def table(self) -> ExportTable | None:
        """The words in their order; None where no map is shown."""
        found = self.found
        if found is None:
            return None
        body = [
            (word.text, word.start, word.end, "" if np.isnan(each) else float(each))
            for word, each in zip(found.words, found.relevance, strict=True)
        ]
        return ExportTable(f"{found.name} words", _HEAD, body)

    def command(self) -> list[str] | None:
        """What to type for the same map."""
        asked, data, found = self._asked, self._data, self.found
        if asked is None or data is None or found is None:
            return None
        whose = ["--labeler", asked.labeler, "--attribute", asked.attribute]
        whose += ["--text", data.images[asked.face], "--kind", found.kind]
        whose += ["--against", found.against] if found.against else []
        return ["relevance", str(data.folder), *whose, "--figure", "words.svg"]

    def _end(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = None

    def _compute(self, data: RunData, asked: WordRequest) -> None:
        def on_events(events: list[Any]) -> None:
            found = operations.result(events)
            if found is not None and data is self._data:
                self._kept[asked] = found

        def failed(error: Exception) -> None:
            if self._job is job:
                self._problem = str(error)

        def done() -> None:
            if self._job is job:
                self._job = None
                self._show()

        work = operations.word_map(data, asked.face, asked.labeler, asked.attribute, asked.kind)
        self._job = job = self._context.jobs.start(
            work, "Words that matter", quiet=True, events=on_events, owner=self
        )
        job.failed.connect(failed)
        job.finished.connect(done)

    def _show(self) -> None:
        """The shades, or why there are none."""
        found = self.found
        self.legend.setVisible(found is not None)
        self.limits.setVisible(found is not None)
        self.verdict.setVisible(self._asked is not None)
        self._shade(found)
        if found is None:
            busy = "Looking which words matter…" if self._job is not None else ""
            told = f"No map: {self._problem.rstrip('.')}." if self._problem else busy
            self.verdict.setText(told)
            restyle(self.verdict, role="bad" if self._problem else "small")
            return
        self.legend.show_scale(found.strongest, strength_of(found.supported))
        self.verdict.setText(found.verdict())
        kind = "small" if found.supported is None else "good" if found.supported else "bad"
        restyle(self.verdict, role=kind)
        self.limits.setText(found.limits())

    def _shade(self, found: "WordRelevance | None") -> None:
        if found is None:
            self._text.show_plain()
        else:
            self._text.show_shaded(found.prompt or None, shaded_parts(found))


def shaded_parts(found: "WordRelevance") -> list[ShadedPart]:
    """A text part by part with the colours of its map, each word with its number as a tip."""
    strength, most = strength_of(found.supported), found.strongest
    parts: list[ShadedPart] = []
    place = 0
    for word, each in zip(found.words, found.relevance, strict=True):
        if word.start > place:
            parts.append((found.text[place : word.start], None, ""))
        known = not np.isnan(each) and most > 0
        colour = QColor(*shade(float(each) / most, strength)) if known else None
        parts.append((word.text, colour, f"{word.text}: {each:+.3f} logits"))
        place = word.end
    parts.append((found.text[place:], None, ""))
    return parts
