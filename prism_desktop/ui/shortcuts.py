"""Every key of the window but those of labeling: F1 lists them, shortcuts are made of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QWidget


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key and what it does where."""

    keys: str  # as `QKeySequence` writes it
    does: str
    place: str


SHORTCUTS: Final[dict[str, KeyUse]] = {
    "palette": KeyUse("Ctrl+K", "Find and do anything", "Everywhere"),
    "keys": KeyUse("F1", "List all keys", "Everywhere"),
    "study": KeyUse("Ctrl+1", "Go to Study", "Everywhere"),
    "label": KeyUse("Ctrl+2", "Go to Label", "Everywhere"),
    "train": KeyUse("Ctrl+3", "Go to Train", "Everywhere"),
    "explore": KeyUse("Ctrl+4", "Go to Explore", "Everywhere"),
    "start training": KeyUse("Ctrl+Return", "Start training, or the comparison", "Train"),
    "view faces": KeyUse("Alt+1", "Faces", "Explore"),
    "view two": KeyUse("Alt+2", "Two labelers", "Explore"),
    "view face": KeyUse("Alt+3", "One face", "Explore"),
    "view agreement": KeyUse("Alt+4", "Agreement", "Explore"),
    "view accuracy": KeyUse("Alt+5", "Accuracy", "Explore"),
    "view quality": KeyUse("Alt+6", "Quality of the labels", "Explore"),
    "view where": KeyUse("Alt+7", "Where the model looks", "Explore"),
    "view taste": KeyUse("Alt+8", "Taste: what goes with choices", "Explore"),
    "view worth": KeyUse("Alt+9", "Would it pay to label more?", "Explore"),
    "view words": KeyUse("Alt+0", "Words that nobody labeled", "Explore"),
    "view replies": KeyUse("Alt+W", "Who writes how, of texts", "Explore"),
    "view people": KeyUse("Alt+Q", "People, as runs that write have them", "Explore"),
    "selection back": KeyUse("Ctrl+[", "Back to what was looked at before", "Explore"),
    "selection forward": KeyUse("Ctrl+]", "Forward again", "Explore"),
    "export": KeyUse("Ctrl+E", "Export what is shown", "Explore"),
    "find face": KeyUse("Ctrl+F", "Find a face by name", "Explore"),
    "face before": KeyUse("Alt+Left", "Previous face", "Explore, one face"),
    "face after": KeyUse("Alt+Right", "Next face", "Explore, one face"),
    "face back": KeyUse("Esc", "Back to where the face was chosen", "Explore, one face"),
}

# What single widgets do with keys by themselves.
IN_PLACE: Final = (
    KeyUse("Tab", "Next field or button; with Shift the one before", "Everywhere"),
    KeyUse("Alt", "With an underlined letter: press that button", "Everywhere"),
    KeyUse("Space", "Tick the chosen run, to compare its curves", "Train, table of runs"),
    KeyUse("Return", "Open the chosen face or pair", "Explore, galleries and matrix"),
    KeyUse("Left", "Arrow keys move between cells, faces and views", "Explore"),
)


def bind(
    owner: QWidget,
    name: str,
    act: Callable[[], object],
    context: Qt.ShortcutContext = Qt.ShortcutContext.WindowShortcut,
) -> QShortcut:
    """Let a key of the list do `act`."""
    return QShortcut(QKeySequence(SHORTCUTS[name].keys), owner, act, context=context)


def press_by(control: QAbstractButton, name: str) -> None:
    """Let a key of the list press a button; to be repeated where its text changes."""
    control.setShortcut(SHORTCUTS[name].keys)


def written_natively(keys: str) -> str:
    """A key as this system writes it."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
