"""The answer bar: the answers as buttons with their keys, and the row
of attributes that shows how far the trial is."""

import time
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from prism_desktop.engine.plain_text import one_line
from prism_desktop.ui.plain import draw_text, literal, set_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, clear
from prism_desktop.ui.widgets.keycap import caps
from prism_desktop.ui.write_guard import WriteGuard

_CAP = 24
_FACE, _EDGE, _INK = "#f4f4f5", "#55555a", "#1c1c21"  # light on the grey stage in both themes


class AnswerButton(QAbstractButton):
    """A key cap and what it says, on the stage."""

    def __init__(self, theme: Theme, key: str, text: str) -> None:
        super().__init__()
        self._theme, self._cap = theme, " ".join(caps(key))
        self._text = one_line(text)
        self.setText(literal(text))
        set_tip(self, f"{text} ({key})")
        self.setAccessibleName(text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        # a focused button eats arrow keys; every answer has a key
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        cap, text = self._cap_width(), QFontMetrics(self._font()).horizontalAdvance(self._text)
        return QSize(max(132, cap + text + 5 * GRID), 48)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Key cap and text side by side, centred; lighter under the pointer."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(1.0 if self.isEnabled() else 0.5)
        whole = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        lit = self.isEnabled() and (self.underMouse() or self.isDown())
        painter.setPen(QPen(QColor("#6a6a6e"), 1))
        painter.setBrush(QColor("#9a9a9c" if self.isDown() else "#929294" if lit else "#8b8b8d"))
        painter.drawRoundedRect(whole, 10, 10)
        painter.setFont(self._font())
        text = QFontMetrics(self._font()).horizontalAdvance(self._text)
        cap = self._cap_width()
        x = whole.center().x() - (cap + 10 + text) / 2
        self._paint_cap(painter, QRectF(x, whole.center().y() - _CAP / 2 - 1, cap, _CAP))
        painter.setPen(QColor(self._theme.tokens.on_stage))
        place = QRectF(x + cap + 10, whole.y(), text + 4, whole.height())
        draw_text(
            painter, place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._text
        )
        painter.end()

    def _paint_cap(self, painter: QPainter, face: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(_EDGE))
        painter.drawRoundedRect(face.adjusted(0, 2, 0, 2), 5, 5)
        painter.setPen(QPen(QColor(_EDGE), 1))
        painter.setBrush(QColor(_FACE))
        painter.drawRoundedRect(face, 5, 5)
        painter.setPen(QColor(_INK))
        draw_text(painter, face, Qt.AlignmentFlag.AlignCenter, self._cap)

    def _cap_width(self) -> int:
        return max(_CAP, QFontMetrics(self._font()).horizontalAdvance(self._cap) + 12)

    def _font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(14)
        font.setWeight(QFont.Weight.DemiBold)
        return font


class AnswerBar(QWidget):
    """The possible answers, side by side."""

    chosen = Signal(str)  # the action, as in `keys.DEFAULTS`

    def __init__(self, theme: Theme, guard: WriteGuard) -> None:
        super().__init__()
        self._theme, self._guard = theme, guard
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(GRID + 4)
        self._shown: Sequence[tuple[str, str, str]] = ()
        self._apart = False
        self._buttons: list[AnswerButton] = []
        self._centres: tuple[int, int] | None = None

    def show_answers(self, answers: Sequence[tuple[str, str, str]]) -> None:
        """Show (action, key, text) for each answer; nothing happens if they are shown already."""
        if answers == self._shown:
            return
        self._shown = answers
        self._buttons = []
        clear(self._layout)
        self._layout.addStretch(1)
        # A below the left face, B below the right one
        self._apart = any(action == "tie" for action, _, _ in answers)
        for number, (action, key, text) in enumerate(answers):
            if self._apart and number:
                self._layout.addStretch(1)
            button = AnswerButton(self._theme, key, text)
            button.clicked.connect(lambda _=False, action=action: self.chosen.emit(action))
            self._guard.add(button)
            self._layout.addWidget(button)
            self._buttons.append(button)
        self._layout.addStretch(1)
        self._align()

    def set_centres(self, left: int, right: int) -> None:
        """Where the middles of the two faces are, in this row's pixels.

        The answers to them go below.
        """
        self._centres = left, right
        self._align()

    def _align(self) -> None:
        """Share the spare room out so that A and B stand on the
        centres, or as near as the tie between them allows."""
        if self._centres is None or not self._apart:
            return
        first, tie, last = (button.sizeHint().width() for button in self._buttons)
        left, right = self._centres
        between = right - left - (first + last) // 2 - tie - 2 * self._layout.spacing()
        push = max(0, -between) // 2
        outer = left - push - first // 2, self.width() - right - push - last // 2
        inner = max(0, between) // 2
        for place, room in zip((0, 2, 4, 6), (outer[0], inner, inner, outer[1]), strict=True):
            self._layout.setStretch(place, max(1, room))


SKIPPED = "–"  # the mark of a question that was skipped


class AttributeTrack(QWidget):
    """The attributes of a trial in order: done ones ticked, skipped ones struck out, the present
    one marked."""

    painted = Signal(float)  # once for each `show_track`: unix s

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._names: tuple[str, ...] = ()
        self._done: dict[str, str] = {}
        self._present: str | None = None
        self._announced = True
        self.setFixedHeight(28)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_track(self, names: tuple[str, ...], done: dict[str, str], present: str | None) -> None:
        """Show `names`; `done` has the mark of each that was judged or skipped."""
        self._names, self._done, self._present = names, done, present
        self._announced = False
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A pill per attribute from left to right in the trial's order, centred together.

        Each is as wide as its text, which ends in the mark where the attribute was judged.
        """
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(13)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        texts = [
            f"{name}  {self._done[name]}" if name in self._done else name for name in self._names
        ]
        widths = [metrics.horizontalAdvance(text) + 24 for text in texts]
        x = (self.width() - sum(widths) - GRID * (len(widths) - 1)) / 2
        for name, text, width in zip(self._names, texts, widths, strict=True):
            self._paint_pill(
                painter,
                QRectF(x, 1, width, 26),
                text,
                present=name == self._present,
                done=name in self._done,
                skipped=self._done.get(name) == SKIPPED,
            )
            x += width + GRID
        painter.end()
        if not self._announced:
            self._announced = True
            self.painted.emit(time.time())

    def _paint_pill(
        self,
        painter: QPainter,
        place: QRectF,
        text: str,
        *,
        present: bool,
        done: bool,
        skipped: bool,
    ) -> None:
        filled = present or (done and not skipped)
        line = Qt.PenStyle.DashLine if skipped else Qt.PenStyle.SolidLine
        painter.setPen(Qt.PenStyle.NoPen if filled else QPen(QColor("#646467"), 1, line))
        painter.setBrush(
            QColor("#1c1c21") if present else QColor("#a2a2a4") if filled else Qt.BrushStyle.NoBrush
        )
        painter.drawRoundedRect(place, 13, 13)
        painter.setPen(QColor("#ffffff" if present else "#0c0c0e" if done else "#2a2a2d"))
        draw_text(painter, place, Qt.AlignmentFlag.AlignCenter, text)
