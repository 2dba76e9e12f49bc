"""The trial page: question, faces, answers, and skipping with a reason."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import (
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QFrame, QWidget

from prism_desktop.engine.adaptation.growth import Growth
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.labeling.answer_history import STRONGLY, with_strength
from prism_desktop.engine.labeling.protocol import ExposureRules, Protocol
from prism_desktop.engine.labeling.protocol_parts import PartCard
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.questions import question_for
from prism_desktop.engine.study.records import AttributeRecord, Kind
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label.answer_buttons import SKIPPED, AnswerBar, AttributeTrack
from prism_desktop.ui.label.card_reading import CardReading
from prism_desktop.ui.label.controller import LabelingController
from prism_desktop.ui.label.keys import Keys
from prism_desktop.ui.label.prefetch import ImagePrefetch
from prism_desktop.ui.label.stage_cards import SkipMenu, WaitingCard
from prism_desktop.ui.label.stimulus_view import StimulusView
from prism_desktop.ui.label.trial_queue import Slot, TrialQueue
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.keycap import KeyHint

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
_SIDES = ("left", "right")
_SETTLE = 120  # ms after a change of size before faces are decoded anew


class TrialPage(QWidget):
    """Question above, faces in the middle, answers below; everything by key."""

    paused = Signal()
    reached = Signal()  # as many trials were done as are asked for
    practised = Signal()  # the practice came to its end
    card_wanted = Signal(object)  # a PartCard of the protocol that is to be read now
    finished = Signal(bool)  # all that the protocol asks for was done, or its practice failed

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
        self._read: set[PartCard] = set()
        self._who = ""
        self._done = 0  # trials when the page was refreshed last
        theme = context.theme
        self.who = label("", "strong")
        self.count = label("")
        self.growth = label("", "small")
        self.question = label("", "question")
        self.question.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.track = AttributeTrack(theme)
        self.stimulus = StimulusView(prefetch, theme.tokens)
        self.reading = CardReading(context, self.stimulus)
        self._words = FACES
        self.answers = AnswerBar(theme, context.guard)
        self.skipping = SkipMenu(theme)
        self.waiting = WaitingCard(theme)
        self.stuck = QFrame()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE)
        self._lay_out()
        self._connect()

    def begin(
        self,
        controller: LabelingController,
        attributes: dict[str, AttributeRecord],
        who: str,
        words: StimulusWords = FACES,
    ) -> None:
        """Label in `controller`, which is ready; `words` are for what the study holds."""
        self.end()
        self.controller, self._attributes = controller, attributes
        self._who, self._words = who, words
        self.skipping.use_words(words)
        self.reading.begin(controller, words)
        self._hints["pause"].text.setText("End practice" if controller.practice else "Pause")
        self._follow(controller.rules)
        self._read.clear()
        self._done = controller.queue.done if controller.queue is not None else 0
        controller.moved.connect(self.refresh)
        controller.stuck.connect(self._show_stuck)
        controller.freed.connect(self._freed)
        controller.grown.connect(self._show_growth)
        self.growth.setText("")
        self.stuck.hide()
        self.skipping.hide()
        self.waiting.hide()
        self.refresh()
        self.setFocus()

    def read(self, card: PartCard) -> None:
        """The labeler has read a card: its trial is shown."""
        self._read.add(card)
        self.refresh()

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
        of_part = controller.practice or controller.rules is not None
        self.count.setText(progress(queue.now, queue.done, queue.target, of_part=of_part))
        free = not controller.practice and controller.rules is None
        if self._done < queue.done == queue.target and free:
            self.reached.emit()
        self._done = queue.done
        slot = queue.current
        if slot is not None:
            self._show_slot(slot, controller, queue)
        elif controller.practice and not queue.waiting:
            self.practised.emit()
        elif controller.rules is not None and not (queue.waiting or controller.unsaved):
            self._show_nothing(controller)
            self.finished.emit(queue.failed)
        elif not queue.waiting:
            # a skip, undo or redo takes a moment of the disk; the faces stay until then
            self._show_nothing(controller)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.controller is None:
            return
        if event.isAutoRepeat():  # a key that is held moves texts, and answers nothing
            if self.keys.action(event) is None and not self._is_covered():
                self.reading.take_key(event)
            return
        self._attend()  # whoever presses keys is there
        for card in (self.waiting, self.skipping):
            if card.isVisible() and card.take_key(event):
                return
        action, strong = self.keys.action(event), False
        if action is None and self._asks_strength():
            action, strong = self.keys.strongly(event), True
            action = action if action in _SIDES else None
        done = action is not None and self.act(action, strong=strong)
        if not done and not self.reading.take_key(event):
            super().keyPressEvent(event)

    def _is_covered(self) -> bool:
        return self.waiting.isVisible() or self.skipping.isVisible()

    def _asks_strength(self) -> bool:
        rules = None if self.controller is None else self.controller.rules
        return rules is not None and rules.strength

    def choose(self, action: str) -> None:
        """A click on a face or an answer; with Shift it is meant strongly where that is asked."""
        held = QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier
        self.act(action, strong=bool(held) and action in _SIDES)

    def act(self, action: str, *, strong: bool = False) -> bool:
        """Do what a key or button says; False if it means nothing here."""
        self._attend()
        controller = self.controller
        if controller is None or self.waiting.isVisible():
            return False
        # a click beside the card only puts it away
        if action in _ANSWERS and self.skipping.isVisible():
            self.skipping.hide()
            return True
        if action != "pause" and controller.study.read_only and not controller.practice:
            self._context.labeler_told.emit("warn", controller.study.read_only_reason)
            return True
        if action in _ANSWERS:
            return self._answer(action, controller, strong=strong)
        if action in ("undo", "redo") and not self._may_undo(controller):
            return True
        doing: dict[str, Callable[[], object]] = {
            "undo": controller.undo,
            "redo": controller.redo,
            "skip": self.skipping.pop_up,
            "skip rest": partial(self.skipping.pop_up, rest=thing(controller.kind, self._words)),
            "pause": self.paused.emit,
        }
        do = doing.get(action)
        if do is not None:
            self.skipping.hide()
            do()
        return do is not None

    def _may_undo(self, controller: LabelingController) -> bool:
        rules = controller.rules
        if rules is not None and not rules.undo:
            told = "The protocol of this study takes no answer back."
            self._context.labeler_told.emit("info", told)
            return False
        return True

    def _answer(self, action: str, controller: LabelingController, *, strong: bool) -> bool:
        rating = action.startswith("rate")
        slot = controller.queue.current if controller.queue is not None else None
        if rating != (controller.kind == "rating") or slot is None:
            return False
        if slot.seen:  # not before the faces were seen
            strength = None
            if self._asks_strength() and action in _SIDES:
                strength = STRONGLY if strong else 1
            controller.answer(_ANSWERS[action], strength)
        elif self.stimulus.unreadable:
            told = "A face of this trial cannot be read, so nothing can be said of it; skip it."
            self._context.labeler_told.emit("warn", told)
        return True

    def _show_slot(self, slot: Slot, controller: LabelingController, queue: TrialQueue) -> None:
        card = slot.shown.card
        if card is not None and not slot.seen and card not in self._read:
            self._shown = None
            self.stimulus.show_images(())
            controller.look_ahead(self.stimulus.box(1 if slot.shown.right is None else 2))
            self.card_wanted.emit(card)
            return
        self.who.setText(self._heading(controller, slot))
        name = queue.attribute or queue.attributes[-1]
        attribute = self._attributes.get(name, AttributeRecord(name))
        self.question.setText(question_for(attribute, controller.kind, self._words))
        done = {
            each.attribute: with_strength(
                _MARKS.get(str(each.value), str(each.value)), each.strength
            )
            for each in slot.replies
            if each.value is not None
        }
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

    def _heading(self, controller: LabelingController, slot: Slot) -> str:
        if controller.rules is not None:
            practised = "practice" in slot.shown.flags
            return f"{self._who} · {'Practice' if practised else slot.shown.block}"
        practice = " · practice, nothing is kept" if controller.practice else ""
        return f"{self._who} · {task(controller.kind)}{practice}"

    def _follow(self, rules: Protocol | None) -> None:
        """Show faces, and what can be done, as a protocol says."""
        shown = ExposureRules() if rules is None else rules.exposure
        self.stimulus.time_by(shown.fixation_milliseconds, shown.milliseconds, mask=shown.mask)
        for action in ("undo", "redo"):
            self._hints[action].setVisible(rules is None or rules.undo)
        self._strongly.setVisible(rules is not None and rules.strength)

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
        self.stimulus.masked.connect(
            lambda shown: self.controller.masked(shown) if self.controller is not None else None
        )
        self.stimulus.unseen.connect(self._leave)
        self.stimulus.chosen.connect(self.choose)
        self.answers.chosen.connect(self.choose)
        self.track.painted.connect(
            lambda when: (
                self.controller.question_painted(when) if self.controller is not None else None
            )
        )
        self.skipping.chosen.connect(self._skip)
        self.skipping.shown.connect(self._covered)
        self.waiting.shown.connect(self.stimulus.cover)
        self.waiting.shown.connect(self._covered)
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
        controller = self.controller
        if controller is None:
            return
        controller.leave()
        rules = controller.rules
        lost = self.isVisible() and self._shown is not None  # faces, or the cross before them
        if rules is not None and rules.pause_on_focus_loss and lost:
            self.waiting.rise()

    def _attend(self) -> None:
        if self._left and self.isVisible():
            self._left = False
            self._covered(self.skipping.isVisible() or self.waiting.isVisible())

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

    def _show_growth(self, growth: Growth) -> None:
        """What a model knows of the labeler by now, above the question: nothing moves for it."""
        self.growth.setText(growth.told())
        set_tip(self.growth, growth.explained())

    def _lay_out(self) -> None:
        theme = self._context.theme
        self._hints = {
            action: KeyHint(theme, self.keys[action], text, stage=True) for action, text in _HINTS
        }
        for action, hint in self._hints.items():
            hint.pressed.connect(partial(self.act, action))  # by touch or mouse
        self._strongly = KeyHint(theme, "Shift", "with a choice: strongly", stage=True)
        self._strongly.hide()
        hints = columns(
            *self._hints.values(), self._strongly, *self.reading.hints, None, gap=2 * GRID
        )
        top = columns(self.who, None, self.growth, None, self.count)
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
        self.waiting.setParent(self)
        self.stuck.setParent(self)  # above the question, so that nothing moves for it


_HINTS = (
    ("skip", "Skip question"),
    ("skip rest", "Skip the rest"),
    ("undo", "Undo"),
    ("redo", "Redo"),
    ("pause", "Pause"),
)


def thing(kind: Kind, words: StimulusWords = FACES) -> str:
    """What one trial shows."""
    return words.one if kind == "rating" else "pair"


def task(kind: Kind) -> str:
    return "Rating" if kind == "rating" else "Comparison"


def progress(now: int, done: int, target: int, *, of_part: bool) -> str:
    """How far the labeler is: trials judged in this session,
    in all sessions, and how many are asked for; of a practice or a block, which one is next."""
    if of_part:
        return f"{min(done + 1, target):,} of {target:,}"
    of = f"of {target:,}" if done <= target else "in all"
    return f"{now:,} now · {done:,} {of}"
