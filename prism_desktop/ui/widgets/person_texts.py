"""What somebody wrote, and what a model wrote as they might: cards side by side, never mixed up.

A generated text carries its mark wherever it goes: it stands before the text, and a copy of any
part of it begins with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from PySide6.QtCore import QEvent, QMimeData, Qt
from PySide6.QtGui import QColor, QFont, QResizeEvent, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from prism_desktop.ui.plain import write, written
from prism_desktop.ui.widgets.basics import GRID, chip, columns, label, restyle, rows
from prism_desktop.ui.widgets.cards import SteadyScroll
from prism_desktop.ui.widgets.copied_text import CopiedText
from prism_desktop.ui.widgets.text_picture import INK, PAPER, PROMPT_INK

_LETTERS: Final = 15  # px
_MARK: Final = 12  # px, letters of the mark
_LOW, _HIGH = 64, 240  # px, the text of a card; a longer one scrolls
_NARROW: Final = 186  # px, the least width of a card


class MarkedText(CopiedText):
    """A text to be read and copied: as it stands, and never as HTML; behind its mark if it has
    one."""

    def __init__(self) -> None:
        super().__init__()
        self._mark = ""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("role", "paper")
        palette = self.palette()
        palette.setColor(palette.ColorRole.Base, PAPER)
        palette.setColor(palette.ColorRole.Text, INK)
        self.setPalette(palette)
        self.document().setDocumentMargin(GRID)
        option = QTextOption(Qt.AlignmentFlag.AlignLeft)
        option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document().setDefaultTextOption(option)

    def show_text(self, text: str, mark: str = "") -> None:
        """Show a text, or nothing."""
        self.clear()
        self._mark = mark
        cursor = QTextCursor(self.document())
        if mark:
            write(cursor, f"{mark}\n", _form(_MARK, PROMPT_INK))
        write(cursor, text, _form(_LETTERS, INK))
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self._fit()

    def createMimeDataFromSelection(self) -> QMimeData:
        """What is copied or dragged away, as plain text behind its mark."""
        cursor = self.textCursor()
        chosen = written(cursor)
        whole = cursor.selectionStart() == 0 and chosen.startswith(self._mark)
        data = QMimeData()
        data.setText(chosen if whole or not self._mark else f"{self._mark}\n{chosen}")
        return data

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self) -> None:
        """As high as the text, up to a limit."""
        around = max(0, self.height() - self.viewport().height())
        high = ceil(self.document().size().height()) + around
        self.setFixedHeight(max(_LOW, min(_HIGH, high)))


def _form(letters: int, ink: QColor) -> QTextCharFormat:
    font, form = QFont(), QTextCharFormat()
    font.setPixelSize(letters)
    form.setFont(font)
    form.setForeground(ink)
    return form


@dataclass(frozen=True, slots=True)
class ShownText:
    """A card.

    Attributes:
        title: whose text, or by which method.
        kind: the chip beside it, such as "own text" or "generated".
        text: empty where there is none.
        mark: of a generated text, which stands before it.
        foot: a sentence below.
        generated: whether no person wrote it.
        instead: what is said in place of a text.
    """

    title: str
    kind: str
    text: str = ""
    mark: str = ""
    foot: str = ""
    generated: bool = False
    instead: str = ""


class PersonTextCard(QFrame):
    """One text with what it is."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.setMinimumWidth(_NARROW)
        self.title, self.kind = label("", "strong", wrap=True), chip("")
        self.text, self.instead = MarkedText(), label("", "muted", wrap=True)
        self.foot = label("", "small", wrap=True)
        head = columns(self.title, self.kind, gap=GRID)
        head.setStretch(0, 1)
        head.setAlignment(self.kind, Qt.AlignmentFlag.AlignTop)
        inside = rows(head, self.text, self.instead, self.foot, None, gap=GRID)
        inside.setContentsMargins(GRID + 4, GRID, GRID + 4, GRID)
        self.setLayout(inside)

    def tell(self, shown: ShownText) -> None:
        """Show a text, or what there is in its place."""
        self.title.setText(shown.title)
        self.kind.setText(shown.kind)
        self.kind.setVisible(bool(shown.kind))
        kind = "warn" if shown.generated else ""
        if self.kind.property("kind") != kind:
            restyle(self.kind, kind=kind)
        self.text.setVisible(bool(shown.text or shown.mark))
        self.text.show_text(shown.text, shown.mark)
        self.text.setAccessibleName(f"{shown.title}: {shown.kind}")
        self.instead.setText(shown.instead)
        self.instead.setVisible(bool(shown.instead))
        self.foot.setText(shown.foot)
        self.foot.setVisible(bool(shown.foot))


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody with the cards of their texts, all rows in the same order."""

    name: str
    about: str  # who they are, such as their profile
    cards: Sequence[ShownText]


class _Rows(QWidget):
    """Never lower than its rows need at its width, which no scroll area asks of wrapped text."""

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            layout = self.layout()
            high = 0 if layout is None else layout.totalHeightForWidth(self.width())
            if high > 0 and high != self.minimumHeight():
                self.setMinimumHeight(high)
        return done


class PersonTexts(SteadyScroll):
    """People below each other; beside each other what each wrote, and what models wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setAccessibleName("Own and generated texts")
        self.cards: list[list[PersonTextCard]] = []
        self._shape: tuple[int, int] = (0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the arrows scroll it

    def show_rows(self, shown: Sequence[PersonRow]) -> None:
        """Show these; the same shape keeps its cards, so that nothing moves while texts come."""
        shape = (len(shown), len(shown[0].cards) if shown else 0)
        if shape != self._shape or not self.cards:
            self._build(*shape)
        for place, row in enumerate(shown):
            self._names[place].setText(row.name)
            self._about[place].setText(row.about)
            self._about[place].setVisible(bool(row.about))
            for card, text in zip(self.cards[place], row.cards, strict=True):
                card.tell(text)

    def _build(self, count: int, width: int) -> None:
        self._shape = count, width
        inside, grid = _Rows(), QGridLayout()
        grid.setSpacing(GRID)
        grid.setContentsMargins(0, 0, GRID, 0)
        self.cards = [[PersonTextCard() for _ in range(width)] for _ in range(count)]
        self._names = [label("", "heading") for _ in range(count)]
        self._about = [label("", "small", wrap=True) for _ in range(count)]
        for place, cards in enumerate(self.cards):
            head = QWidget()
            told = columns(self._names[place], self._about[place], gap=2 * GRID)
            told.setStretch(1, 1)
            head.setLayout(told)
            grid.addWidget(head, 2 * place, 0, 1, max(1, width))
            for column, card in enumerate(cards):
                grid.addWidget(card, 2 * place + 1, column)
        for column in range(width):
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(2 * count, 1)
        inside.setLayout(grid)
        self.setWidget(inside)
