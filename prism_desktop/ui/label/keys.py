"""The labeling keys: which key does what; the user may change all of them."""

from collections.abc import Mapping

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from prism_desktop.engine.stimulus_words import StimulusWords

DEFAULTS: Mapping[str, str] = {
    "rate 1": "1",
    "rate 2": "2",
    "rate 3": "3",
    "rate 4": "4",
    "left": "Left",
    "right": "Right",
    "tie": "Down",
    "skip": "S",
    "skip rest": "Shift+S",
    "undo": "Ctrl+Z",
    "undo too": "Backspace",
    "redo": "Ctrl+Shift+Z",
    "pause": "Escape",
}
# {one} stands for what the study holds
NAMES: Mapping[str, str] = {
    "rate 1": "Rate 1, very low",
    "rate 2": "Rate 2, low",
    "rate 3": "Rate 3, high",
    "rate 4": "Rate 4, very high",
    "left": "The left {one}",
    "right": "The right {one}",
    "tie": "Tie",
    "skip": "Skip the question",
    "skip rest": "Skip the rest of the {one} or pair",
    "undo": "Undo",
    "undo too": "Undo, second key",
    "redo": "Redo",
    "pause": "Pause",
}


def names_for(words: StimulusWords) -> dict[str, str]:
    """What each action is called."""
    return {action: name.format(one=words.one) for action, name in NAMES.items()}


def written(event: QKeyEvent) -> str:
    """The key pressed, as `QKeySequence` writes it: "Ctrl+Z".

    The number pad counts as the digits.
    """
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return QKeySequence(QKeyCombination(modifiers, Qt.Key(event.key()))).toString(
        QKeySequence.SequenceFormat.PortableText
    )


class Keys:
    """The keys in force: the defaults with the user's changes."""

    def __init__(self, changed: Mapping[str, str] | None = None) -> None:
        self.by_action = {
            **DEFAULTS,
            **{key: value for key, value in (changed or {}).items() if key in DEFAULTS},
        }
        self._by_key = {
            _normal(sequence): action for action, sequence in self.by_action.items() if sequence
        }

    def __getitem__(self, action: str) -> str:
        return self.by_action[action]

    def action(self, event: QKeyEvent) -> str | None:
        """What the pressed key does, if anything."""
        action = self._by_key.get(written(event))
        return "undo" if action == "undo too" else action

    def strongly(self, event: QKeyEvent) -> str | None:
        """What the pressed key would do without Shift, if it does nothing with it."""
        pressed = written(event)
        plain = pressed.removeprefix("Shift+")
        return self._by_key.get(plain) if plain != pressed and pressed not in self._by_key else None

    def clashes(self) -> set[str]:
        """Actions that share a key with another."""
        keys = [_normal(sequence) for sequence in self.by_action.values()]
        return {
            action for action, key in self.by_action.items() if key and keys.count(_normal(key)) > 1
        }

    def missing(self) -> set[str]:
        """Actions without a key that need one; undo has a second."""
        return {
            action for action, key in self.by_action.items() if not key and action != "undo too"
        }

    def changes(self) -> dict[str, str]:
        """What differs from the defaults."""
        return {action: key for action, key in self.by_action.items() if key != DEFAULTS[action]}


def _normal(sequence: str) -> str:
    return QKeySequence(sequence).toString(QKeySequence.SequenceFormat.PortableText)
