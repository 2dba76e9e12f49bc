"""The page on which trials are answered."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QWidget

from prism_desktop.engine.study.records import AttributeRecord
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label import wording
from prism_desktop.ui.label.answer_buttons import AnswerRow, AttributeTrack
from prism_desktop.ui.label.controller import Sitting
from prism_desktop.ui.label.keys import Keys
from prism_desktop.ui.label.prefetch import Ring
from prism_desktop.ui.label.skip_page import SkipMenu
from prism_desktop.ui.label.stimulus_view import Stage
from prism_desktop.ui.label.trial_queue import Deck, Slot
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
_SETTLE = 120  # ms after a change of size before faces are decoded anew


class TrialPage(QWidget):
    """Question above, faces in the middle, answers below; everything by key."""

    paused = Signal()
    reached = Signal()  # as many trials were done as are asked for
    practised = Signal()  # the practice came to its end

    def __init__(self, context: AppContext, ring: Ring) -> None:
        super().__init__()
        self._context = context
        self.setProperty("role", "stage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.keys = Keys(context.settings.keys)
        self.sitting: Sitting | None = None
        self._attributes: dict[str, AttributeRecord] = {}
        self._shown: Slot | None = None
        self._done = 0  # trials when the page was refreshed last
        theme = context.theme
        self.who = label("", "strong")
        self.count = label("")
        self.question = label("", "question")
        self.question.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.track = AttributeTrack(theme)
        self.stage = Stage(ring, theme.tokens)
        self.answers = AnswerRow(theme)
        self.skipping = SkipMenu(theme)
        self.stuck = QFrame()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE)
        self._lay_out()
        self._connect()

    def begin(self, sitting: Sitting, attributes: dict[str, AttributeRecord], who: str) -> None:
        """Label in `sitting`, which is ready."""
        self.end()
        self.sitting, self._attributes = sitting, attributes
        practice = " · practice, nothing is kept" if sitting.practice else ""
        self.who.setText(f"{who} · {wording.task(sitting.kind)}{practice}")
        self._hints["pause"].text.setText("End practice" if sitting.practice else "Pause")
        self._done = sitting.deck.done if sitting.deck is not None else 0
        sitting.moved.connect(self.refresh)
        sitting.stuck.connect(self._show_stuck)
        sitting.freed.connect(self._freed)
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
        """Let go of the sitting."""
        if self.sitting is not None:
            self.sitting.end()
        self.sitting = self._shown = None
        self.stage.show_images(())

    def refresh(self) -> None:
        """Show the deck as it is."""
        sitting = self.sitting
        deck = sitting.deck if sitting is not None else None
        if sitting is None or deck is None:
            return
        self.count.setText(
            wording.progress(deck.now, deck.done, deck.target, practice=sitting.practice)
        )
        if self._done < deck.done == deck.target and not sitting.practice:
            self.reached.emit()
        self._done = deck.done
        slot = deck.current
        if slot is not None:
            self._show_slot(slot, sitting, deck)
        elif sitting.practice and not deck.waiting:
            self.practised.emit()
        elif not deck.waiting:
            # a skip, undo or redo takes a moment of the disk; the faces stay until then
            self._show_nothing(sitting)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat() or self.sitting is None:
            return
        if self.skipping.isVisible() and self.skipping.take_key(event):
            return
        action = self.keys.action(event)
        if action is None or not self.act(action):
            super().keyPressEvent(event)

    def act(self, action: str) -> bool:
        """Do what a key or button says; False if it means nothing here."""
        sitting = self.sitting
        if sitting is None:
            return False
        # a click beside the card only puts it away
        if action in _ANSWERS and self.skipping.isVisible():
            self.skipping.hide()
            return True
        if action in _ANSWERS:
            return self._answer(action, sitting)
        doing = {
            "undo": sitting.undo,
            "redo": sitting.redo,
            "skip": self.skipping.pop_up,
            "pause": self.paused.emit,
        }
        do = doing.get(action)
        if do is not None:
            self.skipping.hide()
            do()
        return do is not None

    def _answer(self, action: str, sitting: Sitting) -> bool:
        rating = action.startswith("rate")
        slot = sitting.deck.current if sitting.deck is not None else None
        if rating != (sitting.kind == "rating") or slot is None:
            return False
        if slot.onset is not None:  # not before the faces were seen
            sitting.answer(_ANSWERS[action])
        return True

    def _show_slot(self, slot: Slot, sitting: Sitting, deck: Deck) -> None:
        name = deck.attribute or deck.attributes[-1]
        attribute = self._attributes.get(name, AttributeRecord(name))
        self.question.setText(wording.question(attribute, sitting.kind))
        done = {key: _MARKS.get(str(value), str(value)) for key, value in slot.answers.items()}
        self.track.show_track(deck.attributes, done, name)
        self.answers.show_answers(self._choices(attribute, sitting.kind))
        if slot is self._shown:
            return
        self._shown, shown = slot, slot.shown
        self.stage.show_images((shown.left,) if shown.right is None else (shown.left, shown.right))
        sitting.look_ahead(self.stage.box())

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

    def _show_nothing(self, sitting: Sitting) -> None:
        self._shown = None
        self.stage.show_images(())
        self.track.show_track((), {}, None)
        self.answers.show_answers([])
        self.question.setText(
            "One moment…" if sitting.unsaved else "That was the last one. Thank you."
        )

    def _show_stuck(self, error: Exception) -> None:
        sitting = self.sitting
        count = sitting.unsaved if sitting is not None else 0
        what = "One key press" if count == 1 else f"{count} key presses"
        self._stuck_text.setText(
            f"{what} could not be saved yet and will be kept here until then. {error}"
        )
        self.stuck.show()

    def _freed(self) -> None:
        if not self.stuck.isHidden():
            self.stuck.hide()
            self.setFocus()  # the message bar may have had it

    def _connect(self) -> None:
        self.stage.painted.connect(
            lambda *frame: self.sitting.painted(*frame) if self.sitting is not None else None
        )
        self.stage.resized.connect(self._settle.start)
        # not while painting
        self.stage.placed.connect(self.answers.set_centres, Qt.ConnectionType.QueuedConnection)
        self.stage.chosen.connect(self.act)
        self.answers.chosen.connect(self.act)
        self.skipping.chosen.connect(
            lambda reason: self.sitting.skip(reason) if self.sitting is not None else None
        )
        self._settle.timeout.connect(self._decode_anew)

    def _decode_anew(self) -> None:
        if self.sitting is not None:
            self.sitting.look_ahead(self.stage.box())

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
            lambda: self.sitting.save_again() if self.sitting is not None else None,
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
            self.stuck,
            self.question,
            self.track,
            GRID // 2,
            self.stage,
            GRID // 2,
            self.answers,
            hints,
        )
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setStretch(5, 1)
        self.setLayout(layout)
        self.skipping.setParent(self)


_HINTS = (("skip", "Skip"), ("undo", "Undo"), ("redo", "Redo"), ("pause", "Pause"))
