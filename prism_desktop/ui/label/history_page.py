"""The history page: what a labeler answered, newest first, with every correction and undo."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from prism_desktop.engine.clocks import duration
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import dated
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.engine.study.texts import TextRecord
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label import operations
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.copied_text import CopiedText
from prism_desktop.ui.widgets.file_export import save_table
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.reading_table import ReadingTable
from prism_desktop.ui.widgets.thumbnails import Thumbnails
from prism_desktop.ui.widgets.whole_table import WholeTable

if TYPE_CHECKING:
    from prism_desktop.engine.labeling.answer_history import HistoryEntry

_FACE: Final = 160  # px
_HEADS: Final = ("", "When", "Task", "Answers", "What became of it")
LAST, ALL = "last", "all"


class HistoryPage(QWidget):
    """The list on the left, the chosen trial with its faces on the right."""

    left = Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._history: tuple[HistoryEntry, ...] = ()
        self._lines: Sequence[HistoryEntry] = ()
        self._files: dict[str, tuple[Path, ...]] = {}
        self._entry: HistoryEntry | None = None
        self.who, self.told = label("", "title"), label("", "muted", wrap=True)
        self.part = Segments({LAST: "Last session", ALL: "All"})
        self.part.picked.connect(lambda _: self._fill())
        self.export = button("Export &table", self._export, "quiet", tip="As CSV")
        self.table = ReadingTable("Answers, the newest first", _HEADS, 3)
        self.table.row_chosen.connect(self._choose)
        self.faces: list[QLabel] = []
        for number in range(2):
            face = label("")
            face.setFixedSize(QSize(_FACE, _FACE))
            face.setAccessibleName(f"Face {number + 1}")
            self.faces.append(face)
        self._texts: dict[str, TextRecord] = {}
        self._words = FACES
        self.said = CopiedText()
        self.said.setAccessibleName("What was shown")
        self.said.setMinimumHeight(2 * _FACE)
        self.one = label("", "strong", wrap=True)
        self.answers = label("", wrap=True)
        self.thumbnails = Thumbnails(lambda image: self._files.get(image, ()), self)
        self.thumbnails.arrived.connect(lambda _: self._paint())
        self._lay_out()
        self.setFocusProxy(self.table)

    def begin(self, labeler: str, name: str) -> None:
        """Show what a labeler answered."""
        self.begin_anew()
        study = self._context.study
        if study is None:
            return
        self.who.setText(f"Answers of {name}")
        self.told.setText("Reading the answers…")

        def take(found: operations.AnswersGiven) -> None:
            if self._context.study is study:
                self._history, self._files = found.entries, found.files
                self._texts, self._words = found.texts, found.words
                self._fill()

        self._context.ask(
            lambda: operations.history(study, labeler), take, owner=self,
            what="Reading the answers", topic="history",
        )  # fmt: skip

    def begin_anew(self) -> None:
        """Show nobody's answers."""
        self._history, self._files, self._texts = (), {}, {}
        self.part.settle(LAST)
        self.who.setText("")
        self._fill()

    def idle(self) -> bool:
        """Whether everything asked for is shown."""
        return self._context.idle() and self.thumbnails.idle()

    def _lay_out(self) -> None:
        chosen = Card()
        chosen.setFixedWidth(2 * _FACE + 8 * GRID)
        inside = rows(self.one, columns(*self.faces, None), self.said, self.answers)
        inside.setStretch(2, 1)
        chosen.body.addLayout(inside)
        top = columns(
            self.who, None, self.part, self.export, button("&Back", self.left.emit), gap=GRID
        )
        body = columns(
            frame("card", rows(WholeTable(self.table), margin=GRID)), chosen, gap=2 * GRID
        )
        body.setStretch(0, 1)
        whole = rows(top, self.told, body, gap=GRID + 4)
        whole.setStretch(2, 1)
        whole.setContentsMargins(4 * GRID, 3 * GRID, 4 * GRID, 3 * GRID)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(whole)

    def _fill(self) -> None:
        last = self.part.current == LAST
        newest = max((each.session for each in self._history), default=0)
        self._lines = [each for each in self._history if not last or each.session == newest]
        gone = sum(not each.stands for each in self._lines)
        if self._lines:
            self.told.setText(
                f"{counted(len(self._lines), 'trial')}, {gone:,} of them corrected or taken back. "
                "Nothing is deleted; undo and redo are in the trial itself."
            )
        else:
            self.told.setText("Nothing was answered yet.")
        self.table.show_lines(
            [self._cells(each) for each in self._lines], dim=[not e.stands for e in self._lines]
        )
        self._entry = None
        self._show()

    def _cells(self, entry: "HistoryEntry") -> tuple[str, ...]:
        when = "" if entry.onset is None else dated(entry.onset, "%d %b %H:%M:%S")
        given = {answer for _, answer in entry.answers}
        answers = ", ".join(f"{name}: {answer}" for name, answer in entry.answers)
        if len(given) == 1 and len(entry.answers) > 1:
            same = given.pop()
            answers = same if same.startswith("skipped") else f"all: {same}"
        return f"{entry.number:,}", when, entry.kind, answers, entry.fate

    def _choose(self, row: int) -> None:
        if row < len(self._lines):
            self._entry = self._lines[row]
            self._show()

    def _show(self) -> None:
        entry = self._entry
        if entry is None:
            self.one.setText(
                f"Choose a trial to see its {self._words.many}." if self._lines else ""
            )
            self.answers.setText("")
        else:
            self.one.setText(f"Trial {entry.number:,}: {entry.fate}")
            lines = [
                f"{name}: {answer}" + ("" if seconds is None else f" ({duration(seconds)})")
                for (name, answer), seconds in zip(entry.answers, entry.seconds, strict=True)
            ]
            self.answers.setText("\n".join(lines))
        self._paint()

    def _paint(self) -> None:
        images = () if self._entry is None else self._entry.images
        texts = [self._texts[image] for image in images if image in self._texts]
        self.said.setVisible(bool(texts))
        self.said.write_anew(said(texts))
        images = () if texts else images
        ratio = self.devicePixelRatioF()
        self.thumbnails.resize(round(_FACE * ratio), ratio)
        for number, face in enumerate(self.faces):
            face.setVisible(number < len(images))
            found = self.thumbnails.get(images[number]) if number < len(images) else None
            pixmap = QPixmap() if found is None else QPixmap(found)
            pixmap.setDevicePixelRatio(ratio)
            face.setPixmap(pixmap)

    def _export(self) -> None:
        head = ("number", "when", "task", "answers", "fate", "trial")
        body = [(*self._cells(each), each.trial) for each in self._lines]
        save_table(self, self._context, "answers-given", head, body)


def said(texts: Sequence[TextRecord]) -> str:
    """What a trial showed, each prompt once: of two texts with their letters."""
    prompts = {text.prompt for text in texts}
    parts = [prompts.pop() or ""] if len(prompts) == 1 else []
    for letter, text in zip("AB", texts, strict=False):
        before = text.prompt if text.prompt and not parts else ""
        named = text.text if len(texts) == 1 else f"{letter}  {text.text}"
        parts.append(f"{before}\n{named}" if before else named)
    return "\n\n".join(filter(None, parts))
