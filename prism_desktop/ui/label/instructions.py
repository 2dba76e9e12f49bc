"""The instructions page: what to do, before the first trial and again after a long gap."""

from PySide6.QtCore import Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPushButton, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.labeling.protocol import Protocol
from prism_desktop.engine.labeling.protocol_parts import PartCard
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.records import Kind
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label.keys import Keys
from prism_desktop.ui.plain import literal
from prism_desktop.ui.widgets.basics import GRID, button, clear, columns, label, rows
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.keycap import KeyCap

_WIDE = 560  # px of the card
GAP = 4 * 3600.0  # seconds without labeling after which the instructions are shown again


class InstructionsPage(QWidget):
    """A card on the grey before the trials, after the practice, and when enough was done."""

    practice_wanted = Signal()
    begun = Signal()  # the trials that count
    left = Signal()
    decided = Signal(str)  # what becomes of the time away, an `AfterGap`
    _restart, _instruct = Signal(), Signal()  # two of the answers to that
    locked = Signal(bool)  # whether a study from elsewhere may lock the screen
    _lock, _leave_open = Signal(), Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self.setProperty("role", "stage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.card = Card()
        self.card.setFixedWidth(_WIDE)
        self.setLayout(rows(None, columns(None, self.card, None), None))
        self._by_key: dict[Qt.Key, SignalInstance] = {}
        self._choices: list[QPushButton] = []
        self.over = False  # nothing comes after what is shown
        self._words = FACES
        self._told: Kind | None = None  # the task whose keys were shown last
        self._rest = 0  # s that are to be rested still
        self._left_to_rest = label("", "muted")
        self._left_to_rest.setParent(self)
        self._left_to_rest.hide()
        self._tick = QTimer(self)
        self._tick.setInterval(1000)
        self._tick.timeout.connect(self._wait)
        self._lock.connect(lambda: self.locked.emit(True))
        self._leave_open.connect(lambda: self.locked.emit(False))
        self._restart.connect(lambda: self.decided.emit("repeat the block"))
        self._instruct.connect(lambda: self.decided.emit("instructions"))

    def use_words(self, words: StimulusWords) -> None:
        """Speak of what the study holds."""
        self._words = words

    def show_instructions(self, kind: Kind, keys: Keys) -> None:
        """Say how `kind` works with the keys in force, and offer to practise."""
        self._begin_card(
            f"Rate each {self._words.one}"
            if kind == "rating"
            else f"Compare two {self._words.many}",
            instructions(kind, self._words),
        )
        self._show_keys(kind, keys)
        self._end_card(
            ("Practise first", "Space", self.practice_wanted),
            ("No practice", "N", self.begun),
            ("Back", "Escape", self.left),
        )

    def show_protocol(self, rules: Protocol, kind: Kind, keys: Keys) -> None:
        """What the protocol says before its first trial, with the keys in force."""
        text = rules.instructions.strip()
        lines = tuple(text.split("\n\n")) if text else instructions(kind, self._words)
        self._begin_card(rules.title or "Welcome", lines)
        self._show_keys(kind, keys, rules)
        self._end_card(("Start", "Space", self.begun), ("Back", "Escape", self.left))

    def show_part(
        self, card: PartCard, kind: Kind, keys: Keys, rules: Protocol | None = None
    ) -> None:
        """What is read before a part of the protocol, or a rest in its midst."""
        title, lines = part_words(card)
        self._begin_card(title, lines)
        if card.kind in ("practice", "block") and kind != self._told:
            self._show_keys(kind, keys, rules)
        self._rest = card.least_seconds
        self._left_to_rest = label("", "muted")
        self.card.body.addWidget(self._left_to_rest)
        self._end_card(("Go on", "Space", self.begun), ("Stop here", "Escape", self.left))
        self._show_rest()
        if self._rest:
            self._tick.start()

    def show_lock(self) -> None:
        """A study that is new here wants the whole screen, which only its PIN gives back."""
        self._begin_card(
            "Lock the screen?",
            (
                "This study comes from elsewhere. Its protocol takes the whole screen, which only "
                "the PIN of whoever wrote it gives back.",
            ),
        )
        self._end_card(
            ("Lock the screen", "L", self._lock),
            ("Go on without the lock", "N", self._leave_open),
            ("Back", "Escape", self.left),
        )

    def show_gap(self, minutes: float) -> None:
        """The labeler comes back in the midst of the protocol and chooses how to go on."""
        self._begin_card(
            "Welcome back", (f"You were away for {long_ago(minutes)}. How do you want to go on?",)
        )
        self._end_card(
            ("Go on", "Space", self.begun),
            ("This block again", "B", self._restart),
            ("Read the instructions", "I", self._instruct),
            ("Back", "Escape", self.left),
        )

    def show_done(self, *, failed: bool) -> None:
        """The protocol is gone through, or the practice was failed."""
        if failed:
            text = "The practice was not passed. Please tell the person who leads this study."
            self._begin_card("Thank you", (text,))
        else:
            self._begin_card("All done, thank you", ("You have judged all that was asked for.",))
        self._end_card(("Close", "Space", self.left))
        self.over = True

    def _wait(self) -> None:
        self._rest -= 1
        self._show_rest()

    def _show_rest(self) -> None:
        resting = self._rest > 0
        self._left_to_rest.setVisible(resting)
        self._left_to_rest.setText(f"You can go on in {counted(self._rest, 'second')}.")
        first = self._choices[0] if self._choices else None
        if first is not None:
            first.setEnabled(not resting)
        if not resting:
            self._tick.stop()

    def _show_keys(self, kind: Kind, keys: Keys, rules: Protocol | None = None) -> None:
        """The keys in force and what they do, but for those that the protocol does not let; Shift
        where it says how strong a preference is."""
        theme, self._told = self._context.theme, kind
        undo, strength = rules is None or rules.undo, rules is not None and rules.strength
        for actions, text in _RATING if kind == "rating" else _comparison(self._words):
            if "undo" in actions and not undo:
                continue
            parts: list[QWidget | None] = []
            for action in actions:
                if action == "undo too" and keys[action]:  # a second key, not one of a chord
                    parts.append(label("or", "small"))
                parts += [KeyCap(theme, keys[action])] if keys[action] else []
            self._show_key(parts, text)
            if strength and kind == "comparison" and actions == _SIDES:
                self._show_key([KeyCap(theme, "Shift")], STRENGTH)

    def _show_key(self, caps: list[QWidget | None], text: str) -> None:
        line = columns(columns(*caps, None, gap=4), label(text, "muted"))
        line.setStretch(0, 2)
        line.setStretch(1, 5)
        self.card.body.addLayout(line)

    def show_ready(self) -> None:
        """After the practice."""
        self._begin_card("That was the practice", READY)
        self._end_card(
            ("Start", "Space", self.begun),
            ("Practise again", "P", self.practice_wanted),
            ("Back", "Escape", self.left),
        )

    def show_enough(self, target: int) -> None:
        """All that was asked for is done; more is welcome."""
        self._begin_card("All done, thank you", enough(target))
        self._end_card(("Stop here", "Space", self.left), ("Go on", "G", self.begun))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key.Key_Space if event.key() in _SPACES else event.key()
        if key not in self._by_key or event.isAutoRepeat():
            super().keyPressEvent(event)
            return
        if self._rest > 0 and key == Qt.Key.Key_Space:
            return
        self._by_key[Qt.Key(key)].emit()

    def _begin_card(self, title: str, lines: tuple[str, ...]) -> None:
        self._tick.stop()
        self._rest = 0
        self.over = False
        clear(self.card.body)
        self.card.body.setContentsMargins(GRID, 2 * GRID, GRID, GRID)
        self.card.body.addWidget(label(title, "title"))
        self.card.body.addSpacing(GRID)
        for text in lines:
            self.card.body.addWidget(label(text, wrap=True))
            self.card.body.addSpacing(GRID // 2)
        self.card.body.addSpacing(GRID)

    def _end_card(self, *choices: tuple[str, str, SignalInstance]) -> None:
        """Buttons with their keys; the first is what one mostly wants. All stand on one line, for
        which the card may have to be wider than usual."""
        self.card.body.addSpacing(2 * GRID)
        self._by_key = {Qt.Key[f"Key_{key}"]: chosen for _, key, chosen in choices}
        parts: list[QWidget | int | None] = []
        self._choices = []
        for number, (text, key, chosen) in enumerate(choices):
            choice = button(literal(text), chosen.emit, "quiet" if number else "primary")
            choice.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._choices.append(choice)
            if number == len(choices) - 1:
                parts.append(None)
            parts += [
                choice,
                KeyCap(self._context.theme, key),
                *([GRID] if number < len(choices) - 1 else []),
            ]
        self.card.body.addLayout(columns(*parts))
        for part in parts:
            if isinstance(part, QWidget):
                part.show()  # a layout leaves out what is not shown
                part.ensurePolished()
        layout = self.card.layout()
        assert layout is not None
        self.card.setFixedWidth(max(_WIDE, layout.totalMinimumSize().width()))


_SPACES = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
_SAME = (
    (("skip",), "skip the question, with a reason"),
    (("skip rest",), "skip all that is left of the trial"),
    (("undo", "undo too"), "take the last answer back"),
    (("pause",), "pause"),
)
_RATING = ((("rate 1", "rate 2", "rate 3", "rate 4"), "very low to very high"), *_SAME)
_SIDES = ("left", "right")
STRENGTH = "held down with either: strongly"


def _comparison(words: StimulusWords) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Actions of comparing, and what they do."""
    return (
        (_SIDES, f"the left or the right {words.one}"),
        (("tie",), "no difference"),
        *_SAME,
    )


READY = ("Nothing of it was kept. From now on every answer counts.",)


def part_words(card: PartCard) -> tuple[str, tuple[str, ...]]:
    """The title and the lines of a card of the protocol."""
    if card.kind == "practice":
        return "Practice", ("First some trials to learn the task. They do not count.",)
    if card.kind == "practice again":
        again = "Please try once more."
        right = f"{card.right:,} of {counted(card.asked, 'answer')} went as expected."
        return "Practice again", (right, again) if card.asked else (again,)
    if card.kind == "break":
        return "Take a break", ("Rest your eyes for a moment. Go on whenever you like.",)
    lines = tuple(card.text.strip().split("\n\n")) if card.text.strip() else ()
    title = f"Part {card.place} of {card.of}" if card.of > 1 else "Now it counts"
    return title, lines or ("From now on every answer counts.",)


def long_ago(minutes: float) -> str:
    """A time away in words."""
    if minutes < 100:
        return counted(max(1, round(minutes)), "minute")
    hours = round(minutes / 60)
    return counted(hours, "hour") if hours < 48 else counted(round(hours / 24), "day")


def enough(target: int) -> tuple[str, ...]:
    """What is said when as many trials were done as are asked for."""
    return (
        f"You have judged all {target:,} that were asked for.",
        "You may go on: every further answer helps.",
    )


def instructions(kind: Kind, words: StimulusWords = FACES) -> tuple[str, ...]:
    """What to do, in a few lines; keys are drawn beside them."""
    one, many, meet = words.one, words.many, words.meet
    if kind == "rating":
        return (
            f"You {meet} one {one} at a time and rate it from 1 (very low) to 4 (very high) for "
            "each question.",
            "Go by your first impression; there are no right answers.",
            f"A few {many} come back later, so that we learn how steady an impression is.",
        )
    whom = "whom" if words is FACES else "which"
    return (
        f"You {meet} two {many} and choose the one for {whom} the question holds more; a tie only "
        "if you see no difference.",
        "Go by your first impression; there are no right answers.",
        "A few pairs come back later, so that we learn how steady an impression is.",
    )
