"""The labelers card: who they are and how far each is."""

import time
from collections.abc import Mapping
from datetime import datetime

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QPlainTextEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from prism_desktop.engine.clocks import is_ahead
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.records import Kind, LabelerProgress, LabelerRecord
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.basics import (
    GRID,
    IconButton,
    button,
    chip,
    clear,
    columns,
    label,
    line,
    rows,
)
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import Field, text_field

_WIDE = 900  # px, a card from which on there is room for longer bars


def ago(moment: float | None, now: float | None = None) -> str:
    """ "3 days ago"; a dash if never, and the date if a wrong clock wrote or shows it."""
    if moment is None:
        return "—"
    now = time.time() if now is None else now
    if is_ahead(moment, now):
        return f"dated {datetime.fromtimestamp(moment):%d %B %Y}"
    seconds = now - moment
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{counted(count, unit)} ago"
    return "just now"


def done_so_far(progress: LabelerProgress | None) -> str:
    """What a labeler did, on one line."""
    if progress is None or not progress.ratings + progress.comparisons:
        return "nothing labeled yet"
    counts = [(progress.comparisons, "comparison"), (progress.ratings, "rating")]
    parts = [counted(count, name) for count, name in counts if count]
    return " · ".join([*parts, *([ago(progress.last)] if progress.last is not None else [])])


class LabelerForm(QWidget):
    """A new labeler, or the changeable parts of one."""

    def __init__(self, card: "LabelersCard", record: LabelerRecord | None) -> None:
        """Code and name on one line, the profile, and the buttons.

        The code of a labeler who exists cannot be changed, so the focus goes to the name there.
        Return in either line saves.
        """
        super().__init__()
        self._card, self._record = card, record
        code_field, self.code = text_field(
            "C&ode", record.code if record else "", "L1", "Short, and fixed for good."
        )
        self.code.setEnabled(record is None)
        name_field, self.name = text_field(
            "Display na&me", record.display_name if record else "", "Ada", "Optional."
        )
        self.profile = QPlainTextEdit(record.profile if record else "")
        self.profile.setFixedHeight(72)
        self.profile.setTabChangesFocus(True)
        self.profile.setPlaceholderText(
            "Anything that methods may read about this person; optional."
        )
        self.save = button("Save" if record else "Add labeler", self._save, "primary")
        card.guard(self.save)
        top = columns(code_field, name_field, gap=2 * GRID)
        top.setStretch(1, 2)
        self.setLayout(
            rows(
                top,
                Field("Pro&file", self.profile),
                columns(self.save, button("Cancel", card.close_form), None),
                gap=12,
            )
        )
        (self.code if record is None else self.name).setFocus()
        for editor in (self.code, self.name):
            editor.returnPressed.connect(self._save)

    def _save(self) -> None:
        code, name, profile = (
            self.code.text().strip(),
            self.name.text().strip(),
            self.profile.toPlainText().strip(),
        )
        if not code:
            self.code.setFocus()
            return
        self._card.save(self._record is None, code, name, profile)


class LabelersCard(Card):
    """A row for each labeler; the form opens in place."""

    def __init__(self, context: AppContext) -> None:
        self.add = button("Add labeler", self.open_form)
        super().__init__("Labelers", self.add)
        self._context = context
        self.guard(self.add)
        self._form_holder = QVBoxLayout()
        self.body.addLayout(self._form_holder)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self.body.addLayout(self._rows)
        self.form: LabelerForm | None = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._size_bars()

    def _size_bars(self) -> None:
        """In a wide card the bars grow towards the names that they belong to."""
        wide = 96 if self.width() < _WIDE else round(self.width() * 0.45)
        for bar in self.findChildren(QProgressBar):
            bar.setFixedWidth(wide)

    def show_labelers(
        self,
        labelers: tuple[LabelerRecord, ...],
        progress: tuple[LabelerProgress, ...],
        targets: Mapping[Kind, int],
    ) -> None:
        """Fill the rows; `targets` has the trials of each task that a labeler is asked for."""
        clear(self._rows)
        by_code = {each.labeler: each for each in progress}
        if not labelers:
            self._rows.addWidget(
                label("No one yet. Add the first labeler, then label in the Label panel.", "muted")
            )
        for number, labeler in enumerate(labelers):
            if number:
                self._rows.addWidget(line())
            self._rows.addWidget(self._row(labeler, by_code.get(labeler.code), targets))
        self._size_bars()

    def open_form(self, record: LabelerRecord | None = None) -> None:
        """Open the form in place, for a new labeler or for `record`."""
        self.close_form()
        self.form = LabelerForm(self, record)
        self._form_holder.addWidget(self.form)

    def close_form(self) -> None:
        self.form = None
        clear(self._form_holder)
        self.add.setFocus()

    def guard(self, *controls: QWidget) -> None:
        """Disable these where the study may only be read."""
        self._context.guard.add(*controls)

    def save(self, new: bool, code: str, name: str, profile: str) -> None:
        """Write the form's content; the form closes when it is stored."""
        study = self._context.study
        if study is None:
            return
        operation = operations.add_labeler if new else operations.update_labeler
        self._context.write(
            lambda: operation(study, code, name, profile),
            lambda _: self.close_form(),
            owner=self,
            what="Saving the labeler",
        )

    def _row(
        self, labeler: LabelerRecord, progress: LabelerProgress | None, targets: Mapping[Kind, int]
    ) -> QFrame:
        """Who and since when at the left; at the right the progress at both tasks, and the pencil.

        The code stands beside the name only where there is another name to show.
        """
        row = QFrame()
        row.setProperty("role", "row")
        name = label(labeler.display_name or labeler.code, "strong")
        names = [name, *([label(labeler.code, "small")] if labeler.display_name else [])]
        if labeler.simulated:
            names.append(chip("simulated"))
        ratings, comparisons = (progress.ratings, progress.comparisons) if progress else (0, 0)
        bars = QGridLayout()
        bars.setHorizontalSpacing(GRID)
        bars.setVerticalSpacing(2)
        _add_bar(bars, "Comparisons", comparisons, targets["comparison"])
        _add_bar(bars, "Ratings", ratings, targets["rating"])
        when = label(
            ago(progress.last) if progress and ratings + comparisons else "nothing labeled yet",
            "small",
        )
        edit = IconButton(
            self._context.theme, "pencil", f"Edit {labeler.code}", lambda: self.open_form(labeler)
        )
        self.guard(edit)
        left = rows(columns(*names, None), when, gap=2)
        layout = columns(left, None, bars, edit, gap=2 * GRID)
        layout.setContentsMargins(0, GRID + 4, 0, GRID + 4)
        row.setLayout(layout)
        return row


def _add_bar(grid: QGridLayout, task: str, done: int, target: int) -> None:
    """A line of `grid`: how far a labeler is with a task, in the trial page's words."""
    text = f"{done:,} of {target:,}" if done <= target else f"{done:,} in all"
    bar = QProgressBar()
    bar.setTextVisible(False)
    bar.setRange(0, max(1, target))
    bar.setValue(min(done, target))
    bar.setAccessibleName(f"{task}: {text}")
    row = grid.rowCount()
    for column, part in enumerate((label(task, "small"), bar, label(text, "small"))):
        grid.addWidget(part, row, column)
    grid.setColumnMinimumWidth(2, 84)
