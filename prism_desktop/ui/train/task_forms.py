"""The forms of a new run: of one that judges and, in a study of people who wrote, of one that
writes."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.form import RunForm
from prism_desktop.ui.train.operations import StudyChoices
from prism_desktop.ui.train.run_starts import Waiting
from prism_desktop.ui.train.writer_form import WriterForm
from prism_desktop.ui.widgets.basics import GRID, columns, frame, rows
from prism_desktop.ui.widgets.pickers import Segments

_COMPARING: Final = ("compare", "shots", "curve", "writing-compare")  # views of comparisons


class TaskForms(QWidget):
    """One form at a time, and above them, where there is a choice, the task."""

    started = Signal(object)  # what a form describes: a run, or a comparison
    moved = Signal(int, int)  # of what waits: number, places down
    removed = Signal(int)  # the same: number
    switched = Signal()  # another task is chosen
    turned = Signal()  # one run is asked for, or a comparison

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.form = RunForm(theme)
        self.writer = WriterForm(theme, self.form.width())
        self.task = Segments({"judging": "Judging", "writing": "Writing"})
        self.task.picked.connect(lambda _: self._switch())
        self.form.started.connect(self.started)
        self.form.compared.connect(self.started)
        self.writer.started.connect(self.started)
        self.form.turned.connect(lambda _: self.turned.emit())
        self.writer.turned.connect(lambda _: self.turned.emit())
        for queue in (self.form.queue, self.writer.queue):
            queue.moved.connect(self.moved)
            queue.removed.connect(self.removed)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.form)
        self._stack.addWidget(self.writer)
        self._stack.setFixedWidth(self.form.width())
        bar = columns(self.task, None)
        self._bar = frame("side", bar)
        bar.setContentsMargins(3 * GRID, 2 * GRID, 2 * GRID, 0)
        whole = rows(self._bar, self._stack, gap=0)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def views(self, *, compared: bool) -> tuple[str, ...]:
        """What can be shown of the task writing; its leaderboard if there is one."""
        if self._bar.isHidden():
            return ()
        return ("writing", "writing-compare") if compared else ("writing",)

    def show_view(self, name: str) -> None:
        """Turn the form of the task that is chosen to a view, or that of writing to one of its."""
        if name in self.views(compared=True) and not self.writes:
            self.task.pick("writing")
        form = self.writer if self.writes else self.form
        form.mode.pick("compare" if name in _COMPARING else "run")
        form.fold.setChecked(name == "advanced")

    @property
    def writes(self) -> bool:
        """Whether runs that write are asked for."""
        return self.task.current == "writing"

    @property
    def comparing(self) -> bool:
        """Whether a comparison is asked for."""
        return (self.writer if self.writes else self.form).comparing

    def show_study(self, found: StudyChoices, *, fresh: bool) -> None:
        """Offer what a study has; `fresh` forgets what was chosen for another."""
        self.form.show_study(found, fresh=fresh)
        self.writer.show_study(found, fresh=fresh)
        self._bar.setVisible(bool(found.writers))
        if (fresh or not found.writers) and self.writes:
            self.task.settle("judging")
            self._switch()

    def begin(self) -> None:
        """Something is asked for: forget why what was asked for before could not be started."""
        self.form.refuse("")
        self.writer.refuse("")

    def refuse(self, problem: str) -> None:
        """Say above the button why it could not be started."""
        (self.writer if self.writes else self.form).refuse(problem)

    def press_start(self) -> None:
        """As the button of the form that is shown."""
        (self.writer if self.writes else self.form).start.click()

    def show_queue(self, waiting: Sequence[Waiting], *, busy: bool, held: bool) -> None:
        """Show what waits, and say on the buttons whether what is started now waits too.

        Args:
            waiting: the next first.
            busy: something goes on that a start waits for.
            held: a run is being prepared.
        """
        for each in (self.form, self.writer):
            each.queue.show_waiting(waiting)
            each.show_busy(busy, held=held)

    def show_start(self, shown: bool) -> None:
        """Whether the forms have their buttons, or a hint beside them has the only one."""
        self.form.show_start(shown)
        self.writer.show_start(shown)

    def _switch(self) -> None:
        self._stack.setCurrentIndex(int(self.writes))
        self.switched.emit()
