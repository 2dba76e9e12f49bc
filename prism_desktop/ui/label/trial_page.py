"""The trial page: question, faces, answers, and skipping with a reason."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from prism_desktop.engine.grammar import comparative, counted
from prism_desktop.engine.study.records import AttributeRecord, Kind
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label.answer_buttons import SKIPPED, AnswerBar, AttributeTrack
from prism_desktop.ui.label.controller import LabelingController
from prism_desktop.ui.label.keys import Keys
from prism_desktop.ui.label.prefetch import ImagePrefetch
from prism_desktop.ui.label.stimulus_view import StimulusView
from prism_desktop.ui.label.trial_queue import Slot, TrialQueue
from prism_desktop.ui.plain import literal
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.keycap import KeyCap, KeyHint


class SkipMenu(QFrame):
    """A small card over the stage: a reason by its number, Escape to go back."""

    chosen = Signal(str, bool)  # why; whether all questions that are left are skipped
    shown = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._rest = False
        self.title = label("", "heading")
        self.setProperty("role", "popover")
        lines = QGridLayout()
        lines.setColumnStretch(1, 1)
        choices = [(str(n), each) for n, each in enumerate(SKIP_REASONS, start=1)]
        for row, (key, text) in enumerate([*choices, ("Escape", "Back")]):
            back = key == "Escape"
            act = self.hide if back else partial(self._choose, text)
            choice = button(literal(text), act, "quiet")
            choice.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            lines.addWidget(KeyCap(theme, key), row, 0)
            lines.addWidget(choice, row, 1, Qt.AlignmentFlag.AlignLeft)
        layout = rows(self.title, lines, margin=2 * GRID)
        self.setLayout(layout)
        self.hide()

    def pop_up(self, *, rest: str = "") -> None:
        """Show in the middle of the page; `rest` is what is left out as a whole, "pair"."""
        self._rest = bool(rest)
        what = f"the rest of this {rest}" if rest else "this question"
        self.title.setText(f"Skip {what}, because…")
        parent = self.parentWidget()
        self.adjustSize()
        if isinstance(parent, QWidget):
            self.move((parent.width() - self.width()) // 2, (parent.height() - self.height()) // 2)
        self.show()
        self.raise_()

    def take_key(self, event: QKeyEvent) -> bool:
        """Choose by number or go back.

        Other keys are swallowed, so that nothing is answered by mistake.
        """
        number = event.key() - int(Qt.Key.Key_1)
        if 0 <= number < len(SKIP_REASONS):
            self._choose(SKIP_REASONS[number])
        elif event.key() == Qt.Key.Key_Escape:
            self.hide()
        return True

    def _choose(self, reason: str) -> None:
        self.hide()
        self.chosen.emit(reason, self._rest)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.shown.emit(False)


_MARKS = {"left": "A", "right": "B", "tie": "="}
_ANSWERS: dict[str, int | str] = {
    "left": "left",
    "right": "right",
    "tie": "tie",
    "rate 1": 1,
    "rate 2": 2,
    "rate 3": 3,
    "rate 4": 4,
}
_SETTLE = 120  # ms after a change of size before faces are decoded anew


class TrialPage(QWidget):
    """Question above, faces in the middle, answers below; everything by key."""

    paused = Signal()
    reached = Signal()  # as many trials were done as are asked for
    practised = Signal()  # the practice came to its end

    def __init__(self, context: AppContext, prefetch: ImagePrefetch) -> None:
        super().__init__()
        self._context = context
        self.setProperty("role", "stage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.keys = Keys(context.settings.keys)
        self.controller: LabelingController | None = None
        self._attributes: dict[str, AttributeRecord] = {}
        self._shown: Slot | None = None
        self._left = False  # the labeler cannot see the trial
        self._done = 0  # trials when the page was refreshed last
        theme = context.theme
        self.who = label("", "strong")
        self.count = label("")
        self.question = label("", "question")
        self.question.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.track = AttributeTrack(theme)
        self.stimulus = StimulusView(prefetch, theme.tokens)
        self.answers = AnswerBar(theme, context.guard)
        self.skipping = SkipMenu(theme)
        self.stuck = QFrame()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE)
        self._lay_out()
        self._connect()

    def begin(
        self, controller: LabelingController, attributes: dict[str, AttributeRecord], who: str
    ) -> None:
        """Label in `controller`, which is ready."""
        self.end()
        self.controller, self._attributes = controller, attributes
        practice = " · practice, nothing is kept" if controller.practice else ""
        self.who.setText(f"{who} · {task(controller.kind)}{practice}")
        self._hints["pause"].text.setText("End practice" if controller.practice else "Pause")
        self._done = controller.queue.done if controller.queue is not None else 0
        controller.moved.connect(self.refresh)
        controller.stuck.connect(self._show_stuck)
        controller.freed.connect(self._freed)
        self.stuck.hide()
        self.skipping.hide()
        self.refresh()
        self.setFocus()

    def use_keys(self, keys: Keys) -> None:
        """From now on these keys are in force, and shown."""
        self.keys = keys
        for action, hint in self._hints.items():
            hint.cap.set_sequence(keys[action])

    def end(self) -> None:
        """End the session that is shown."""
        if self.controller is not None:
            self.controller.end()
        self.controller = self._shown = None
        self.stimulus.show_images(())

    def refresh(self) -> None:
        """Show the queue as it is."""
        controller = self.controller
        queue = controller.queue if controller is not None else None
        if controller is None or queue is None:
            return
        self.count.setText(
            progress(queue.now, queue.done, queue.target, practice=controller.practice)
        )
        if self._done < queue.done == queue.target and not controller.practice:
            self.reached.emit()
        self._done = queue.done
        slot = queue.current
        if slot is not None:
            self._show_slot(slot, controller, queue)
        elif controller.practice and not queue.waiting:
            self.practised.emit()
        elif not queue.waiting:
            # a skip, undo or redo takes a moment of the disk; the faces stay until then
            self._show_nothing(controller)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat() or self.controller is None:
            return
        self._attend()  # whoever presses keys is there
        if self.skipping.isVisible() and self.skipping.take_key(event):
            return
        action = self.keys.action(event)
        if action is None or not self.act(action):
            super().keyPressEvent(event)

    def act(self, action: str) -> bool:
        """Do what a key or button says; False if it means nothing here."""
        self._attend()
        controller = self.controller
        if controller is None:
            return False
        # a click beside the card only puts it away
        if action in _ANSWERS and self.skipping.isVisible():
            self.skipping.hide()
            return True
        if action != "pause" and controller.study.read_only and not controller.practice:
            self._context.message(controller.study.read_only_reason, "warn")
            return True
        if action in _ANSWERS:
            return self._answer(action, controller)
        doing: dict[str, Callable[[], object]] = {
            "undo": controller.undo,
            "redo": controller.redo,
            "skip": self.skipping.pop_up,
            "skip rest": partial(self.skipping.pop_up, rest=thing(controller.kind)),
            "pause": self.paused.emit,
        }
        do = doing.get(action)
        if do is not None:
            self.skipping.hide()
            do()
        return do is not None

    def _answer(self, action: str, controller: LabelingController) -> bool:
        rating = action.startswith("rate")
        slot = controller.queue.current if controller.queue is not None else None
        if rating != (controller.kind == "rating") or slot is None:
            return False
        if slot.seen:  # not before the faces were seen
            controller.answer(_ANSWERS[action])
        return True

    def _show_slot(self, slot: Slot, controller: LabelingController, queue: TrialQueue) -> None:
        name = queue.attribute or queue.attributes[-1]
        attribute = self._attributes.get(name, AttributeRecord(name))
        self.question.setText(question(attribute, controller.kind))
        done = {key: _MARKS.get(str(value), str(value)) for key, value in slot.answers.items()}
        done |= dict.fromkeys(slot.skips, SKIPPED)
        self.track.show_track(queue.attributes, done, name)
        self.answers.show_answers(self._choices(attribute, controller.kind))
        if slot is self._shown:
            return
        self._shown, shown = slot, slot.shown
        self.stimulus.show_images(
            (shown.left,) if shown.right is None else (shown.left, shown.right)
        )
        controller.look_ahead(self.stimulus.box())

    def _choices(self, attribute: AttributeRecord, kind: str) -> list[tuple[str, str, str]]:
        if kind == "rating":
            return [
                (f"rate {n}", self.keys[f"rate {n}"], attribute.scale_labels[n - 1])
                for n in (1, 2, 3, 4)
            ]
        return [
            ("left", self.keys["left"], "A"),
            ("tie", self.keys["tie"], "Tie"),
            ("right", self.keys["right"], "B"),
        ]

    def _show_nothing(self, controller: LabelingController) -> None:
        self._shown = None
        self.stimulus.show_images(())
        self.track.show_track((), {}, None)
        self.answers.show_answers([])
        self.question.setText(
            "One moment…" if controller.unsaved else "That was the last one. Thank you."
        )

    def _show_stuck(self, error: Exception) -> None:
        controller = self.controller
        count = controller.unsaved if controller is not None else 0
        what = counted(count, "key press")
        self._stuck_text.setText(
            f"{what} could not be saved yet and will be kept here until then. {error}"
        )
        self._place_stuck()
        self.stuck.show()
        self.stuck.raise_()

    def _place_stuck(self) -> None:
        """Over the top of the page: while it is there nobody can answer."""
        wide = self.width() - 4 * GRID
        high = max(self.stuck.heightForWidth(wide), self.stuck.sizeHint().height())
        self.stuck.setGeometry(2 * GRID, GRID, wide, high)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_stuck()

    def _freed(self) -> None:
        if not self.stuck.isHidden():
            self.stuck.hide()
            self.setFocus()  # the message bar may have had it

    def _connect(self) -> None:
        self.stimulus.painted.connect(
            lambda *frame: self.controller.painted(*frame) if self.controller is not None else None
        )
        self.stimulus.resized.connect(self._settle.start)
        # not while painting
        self.stimulus.placed.connect(self.answers.set_centres, Qt.ConnectionType.QueuedConnection)
        self.stimulus.chosen.connect(self.act)
        self.answers.chosen.connect(self.act)
        self.track.painted.connect(
            lambda when: (
                self.controller.question_painted(when) if self.controller is not None else None
            )
        )
        self.skipping.chosen.connect(self._skip)
        self.skipping.shown.connect(self._covered)
        self._settle.timeout.connect(self._decode_anew)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.applicationStateChanged.connect(self._application_changed)

    def _skip(self, reason: str, rest: bool) -> None:
        if self.controller is not None:
            self.controller.skip(reason, rest=rest)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._attend()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._leave()

    def event(self, event: QEvent) -> bool:
        """The whole window tells each of its widgets that it comes to the front or goes."""
        if event.type() == QEvent.Type.WindowDeactivate:
            self._leave()
        elif event.type() == QEvent.Type.WindowActivate:
            self._attend()
        return super().event(event)

    def _application_changed(self, state: Qt.ApplicationState) -> None:
        """Where the system says that another program is in front, or that the screen is off."""
        if state != Qt.ApplicationState.ApplicationActive:
            self._leave()
        elif self.isActiveWindow():
            self._attend()

    def _leave(self) -> None:
        self._left = True
        if self.controller is not None:
            self.controller.leave()

    def _attend(self) -> None:
        if self._left and self.isVisible():
            self._left = False
            self._covered(self.skipping.isVisible())

    def _covered(self, covered: bool) -> None:
        """The card covers the faces, or not any more: the time that it took is not the answer's."""
        if self.controller is None or self._left:
            return
        if covered:
            self.controller.hold()
        else:
            self.controller.go_on()

    def _decode_anew(self) -> None:
        if self.controller is not None:
            self.controller.look_ahead(self.stimulus.box())

    def _lay_out(self) -> None:
        theme = self._context.theme
        self._hints = {
            action: KeyHint(theme, self.keys[action], text, stage=True) for action, text in _HINTS
        }
        hints = columns(*self._hints.values(), None, gap=2 * GRID)
        top = columns(self.who, None, self.count)
        self._stuck_text = label("", wrap=True)
        again = button(
            "Try again",
            lambda: self.controller.save_again() if self.controller is not None else None,
            "primary",
        )
        again.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys stay with the trial
        self.stuck.setProperty("role", "message")
        self.stuck.setProperty("kind", "bad")
        stuck = columns(self._stuck_text, again, gap=2 * GRID, margin=GRID + 4)
        stuck.setStretch(0, 1)
        self.stuck.setLayout(stuck)
        self.stuck.hide()
        layout = rows(
            top,
            self.question,
            self.track,
            GRID // 2,
            self.stimulus,
            GRID // 2,
            self.answers,
            hints,
        )
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setStretch(4, 1)
        self.setLayout(layout)
        self.skipping.setParent(self)
        self.stuck.setParent(self)  # above the question, so that nothing moves for it


_HINTS = (
    ("skip", "Skip question"),
    ("skip rest", "Skip the rest"),
    ("undo", "Undo"),
    ("redo", "Redo"),
    ("pause", "Pause"),
)


SKIP_REASONS = ("I know this person", "The image is bad", "I cannot judge this")


def question(attribute: AttributeRecord, kind: Kind) -> str:
    """The question put for an attribute: the study's own
    wording where it has one that suits the task."""
    other = ("who ", "which ") if kind == "rating" else ("how ",)
    if attribute.question and not attribute.question.lower().startswith(other):
        return attribute.question
    if kind == "rating":
        return f"How {attribute.name} does this person look?"
    return f"Who looks {comparative(attribute.name, attribute.question)}?"


def thing(kind: Kind) -> str:
    """What one trial shows."""
    return "face" if kind == "rating" else "pair"


def task(kind: Kind) -> str:
    return "Rating" if kind == "rating" else "Comparison"


def progress(now: int, done: int, target: int, *, practice: bool) -> str:
    """How far the labeler is: trials judged in this session,
    in all sessions, and how many are asked for."""
    if practice:
        return f"{min(done + 1, target):,} of {target:,}"
    of = f"of {target:,}" if done <= target else "in all"
    return f"{now:,} now · {done:,} {of}"
