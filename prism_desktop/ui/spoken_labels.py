"""Captions that were written for faces, in the words for what the open study holds."""

from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from prism_desktop.engine.stimulus_words import StimulusWords
from prism_desktop.ui.plain import literal, one_line

_WRITTEN = "captionAsWritten"  # a property of the widget


def speak_of(page: QWidget, words: StimulusWords) -> None:
    """Word the captions of a page; for pages whose captions never change otherwise.

    Args:
        page: its labels, check boxes and names for screen readers are worded.
        words: for what the study holds.
    """
    for part in page.findChildren(QWidget):
        name = part.accessibleName()
        text = part.text() if isinstance(part, QLabel | QAbstractButton) else ""
        if not (name or text):
            continue
        written = part.property(_WRITTEN)
        if written is None:
            written = [text, name]
            part.setProperty(_WRITTEN, written)
        said, called = (words.told(each) for each in written)
        if called != name:
            part.setAccessibleName(one_line(called))
        if said != text and isinstance(part, QLabel):
            part.setText(said)
        elif said != text and isinstance(part, QAbstractButton):
            part.setText(literal(said))
