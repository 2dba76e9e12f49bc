"""Captions that were written for faces, in the words for what the open study holds."""

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QTableWidget, QWidget

from prism_desktop.engine.stimulus_words import TEXTS, StimulusWords
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import literal, one_line, put_tip

_WRITTEN: Final = "captionAsWritten"  # a property of the widget


class Captions:
    """The captions of a page as its code wrote them.

    They are looked up while the page knows no study, so that nothing of a study is among them. One
    that the page has changed since is its own business, and left alone.
    """

    def __init__(self, page: QWidget, context: AppContext) -> None:
        """Looks up texts, tool tips, hints and names for screen readers that speak of faces."""
        self._context = context
        self._kept = [
            (read, write, written, [written])
            for part in _parts(page)
            for read, write in _sinks(part)
            if (written := read()) and TEXTS.told(written) != written
        ]
        context.worded.connect(self.speak)
        self.speak()

    def speak(self) -> None:
        """Word them for what the open study holds."""
        words = self._context.words
        for read, write, written, said in self._kept:
            now = read()
            if now in (written, said[0]):
                said[0] = words.told(written)
                if said[0] != now:
                    write(said[0])


def _parts(page: QWidget) -> list[QWidget | QAction]:
    return [page, *page.findChildren(QWidget), *page.findChildren(QAction)]


_Sink = tuple[Callable[[], str], Callable[[str], object]]


def _sinks(part: QWidget | QAction) -> list[_Sink]:
    """What of a part is read by people: how to get it, and how to set it."""
    if isinstance(part, QAction):
        return [(part.text, lambda text: part.setText(one_line(text)))]
    # a tip was made of its words before
    found: list[_Sink] = [(part.toolTip, partial(put_tip, part))]
    found.append((part.accessibleName, lambda text: part.setAccessibleName(one_line(text))))
    if isinstance(part, QLabel):
        found.append((part.text, part.setText))
    elif isinstance(part, QAbstractButton):
        found.append((part.text, lambda text: part.setText(one_line(text))))
    elif isinstance(part, QLineEdit):
        found.append((part.placeholderText, lambda text: part.setPlaceholderText(one_line(text))))
    elif isinstance(part, QTableWidget):
        # by their places: a table deletes its items without telling whoever holds one
        found += [
            (partial(_heading, part, place), partial(_set_heading, part, place))
            for place in range(part.columnCount())
        ]
    elif isinstance(part, QComboBox):
        found += [
            (partial(part.itemText, place), partial(part.setItemText, place))
            for place in range(part.count())
        ]
    return found


def _heading(table: QTableWidget, place: int) -> str:
    head = table.horizontalHeaderItem(place)
    return "" if head is None else head.text()


def _set_heading(table: QTableWidget, place: int, text: str) -> None:
    head = table.horizontalHeaderItem(place)
    if head is not None:
        head.setText(text)


def speak_of(page: QWidget, words: StimulusWords) -> None:
    """Word the captions of a page; for pages whose captions never change otherwise.

    Args:
        page: its labels, check boxes and names for screen readers are worded.
        words: for what the study holds.
    """
    for part in page.findChildren(QWidget):
        name, tip = part.accessibleName(), part.toolTip()
        text = part.text() if isinstance(part, QLabel | QAbstractButton) else ""
        if not (name or text or tip):
            continue
        written = part.property(_WRITTEN)
        if written is None:
            written = [text, name, tip]
            part.setProperty(_WRITTEN, written)
        said, called, hint = (words.told(each) for each in written)
        if hint != tip:
            put_tip(part, hint)  # it was made of its words before
        if called != name:
            part.setAccessibleName(one_line(called))
        if said != text and isinstance(part, QLabel):
            part.setText(said)
        elif said != text and isinstance(part, QAbstractButton):
            part.setText(literal(said))
