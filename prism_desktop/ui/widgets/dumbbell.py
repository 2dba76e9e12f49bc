"""Accuracies as dumbbells: the consensus model, the personal
model with its interval, and the ceiling, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import (
    ABOVE_CEILING,
    TOO_FEW,
    UNKNOWN,
    ToldEstimate,
    told_accuracy,
    told_ceiling,
    told_gain,
    told_share,
    too_few,
)
from prism_desktop.engine.runs.result_files import Accuracy, Difference
from prism_desktop.ui.palette import Tokens
from prism_desktop.ui.plain import draw_text, elided, show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, sized, ticks

_ROW, _TOP, _FOOT = 40, 30, 30  # px
_EDGE = 10  # px between the last column and a scroll bar
_DOUBT = 0.92  # of the letters, for what is said below a name
_COLUMNS = (("Accuracy", 76), ("Gain", 70), ("Of ceiling", 84), ("n", 56))


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """One row; shares in [0, 1], None where unknown."""

    name: str
    colour: QColor
    accuracy: float
    low: float | None = None
    high: float | None = None
    count: int = 0
    consensus: float | None = None
    ceiling: float | None = None
    strong: bool = False  # the mean over the others
    # of the ceiling, where it is a mean of shares; otherwise it follows from the two
    share: float | None = None
    gained: Difference | None = None  # the gain with its interval, where it was tested
    cell: Accuracy | None = None  # as results hold it, with the ceiling's own interval

    @property
    def gain(self) -> float | None:
        return None if self.consensus is None else self.accuracy - self.consensus

    @property
    def few(self) -> bool:
        """Whether the row rests on too few answers to tell."""
        return too_few(self.count)

    def told(self) -> ToldEstimate:
        """The accuracy with its doubt."""
        return told_accuracy(self._accuracy())

    def told_gain(self) -> ToldEstimate:
        """The gain; without a tested interval it has no colour."""
        found = self.gained or Difference()
        return told_gain(self.gain, found.low, found.high, self.count)

    def told_share(self) -> ToldEstimate:
        """The share of the ceiling."""
        return told_share(self.of_ceiling, self._accuracy())

    def _accuracy(self) -> Accuracy:
        return Accuracy(accuracy=self.accuracy, low=self.low, high=self.high, n=self.count)

    @property
    def of_ceiling(self) -> float | None:
        if self.share is not None or not self.ceiling:
            return self.share
        return self.accuracy / self.ceiling

    def against(self) -> tuple[float | None, ...]:
        """Consensus, gain over it, ceiling, share of it."""
        return self.consensus, self.gain, self.ceiling, self.of_ceiling

    def words(self) -> str:
        """The row in a sentence."""
        few = f"{TOO_FEW}; " if self.few else ""
        right = f"{self.accuracy:.1%} right on {counted(self.count, 'held-out answer')}"
        parts = [f"{self.name}: {few}{right}"]
        if self.low is not None and self.high is not None:
            parts.append(f"95% interval {self.low:.1%} to {self.high:.1%}")
        if self.consensus is not None:
            gain = self.told_gain()
            parts.append(f"consensus {self.consensus:.1%}")
            parts.append(f"gain {gain.number} {gain.doubt}".strip())
        parts.append(f"ceiling {self._ceiling()}" if self.ceiling else "ceiling unknown")
        above = self.of_ceiling is not None and self.of_ceiling > 1
        return "; ".join(parts) + "." + (f" {ABOVE_CEILING}" if above else "")

    def _ceiling(self) -> str:
        if self.cell is not None and self.cell.ceiling == self.ceiling:
            return told_ceiling(self.cell).line
        return f"{self.ceiling:.1%}"


_KEY_LINE = 24  # px
_KEYS = (
    ("consensus", "consensus model"),
    ("personal", "personal model"),
    ("interval", "95% interval"),
    ("ceiling", "ceiling"),
)


class DumbbellKey(Painted):
    """What the marks of the dumbbells mean, on as many lines as there must be; marks that no row
    has are left out."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._keys: tuple[tuple[str, str], ...] = _KEYS
        self.setFixedHeight(_KEY_LINE)

    def show_rows(self, rows: Sequence[AccuracyRow]) -> None:
        """Explain the marks of these rows."""
        lacking = {
            "consensus": all(row.consensus is None for row in rows),
            "interval": all(row.low is None or row.high is None for row in rows),
            "ceiling": not any(row.ceiling for row in rows),
        }
        self._keys = tuple(key for key in _KEYS if not rows or not lacking.get(key[0]))
        self._fit()
        self.update()

    def words(self) -> str:
        """Everything that is explained."""
        return ", ".join(word for _, word in self._keys)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(_KEY_LINE * (1 + max(line for _, line in self._places())))

    def _places(self) -> list[tuple[float, int]]:
        """Where each mark begins: x in px, and the number of its line."""
        places: list[tuple[float, int]] = []
        metrics, x, line = QFontMetricsF(sized(self.font(), 0.92)), 8.0, 0
        for _, word in self._keys:
            wide = 22 + metrics.horizontalAdvance(word)
            if places and x + wide > self.width():
                x, line = 8.0, line + 1
            places.append((x, line))
            x += wide + 24
        return places

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Each mark with its word, from left to right.

        The accent colour stands for the labelers' own colours.
        """
        painter, tokens = self.painter(), self.tokens
        painter.setFont(sized(self.font(), 0.92))
        for (kind, word), (x, line) in zip(self._keys, self._places(), strict=True):
            y = (line + 0.5) * _KEY_LINE
            if kind == "consensus":
                painter.setPen(QPen(QColor(tokens.muted), 2))
                painter.setBrush(QColor(tokens.surface))
                painter.drawEllipse(QPointF(x + 6, y), 5, 5)
            elif kind == "personal":
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(tokens.accent))
                painter.drawEllipse(QPointF(x + 6, y), 6, 6)
            elif kind == "interval":
                painter.setPen(
                    QPen(
                        faded(tokens.accent, 0.35),
                        9,
                        Qt.PenStyle.SolidLine,
                        Qt.PenCapStyle.RoundCap,
                    )
                )
                painter.drawLine(QPointF(x, y), QPointF(x + 12, y))
            else:
                painter.setPen(QPen(QColor(tokens.text), 2.4))
                painter.drawLine(QPointF(x + 6, y - 8), QPointF(x + 6, y + 8))
            painter.setPen(QColor(tokens.muted))
            draw_text(painter, QPointF(x + 22, y + 4), word)
        painter.end()


class Dumbbells(Painted):
    """Rows on one scale, numbers at the right; `key` says what their marks mean."""

    def __init__(self, theme: Theme, key: DumbbellKey | None = None) -> None:
        super().__init__(theme)
        self._rows: tuple[AccuracyRow, ...] = ()
        self._key = key
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rows(self, rows: Sequence[AccuracyRow]) -> None:
        """Show these rows from top to bottom."""
        self._rows = tuple(rows)
        if self._key is not None:
            self._key.show_rows(rows)
        self.setAccessibleDescription(" ".join(row.words() for row in rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(640, _TOP + _ROW * len(self._rows) + _FOOT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Axis and chance line, then a row per labeler."""
        painter = self.painter()
        plot, low, high = self._plot(), *self._range()
        self._axes(painter, plot, low, high)
        for place, row in enumerate(self._rows):
            self._paint(painter, plot, row, _TOP + (place + 0.5) * _ROW, low, high)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = int((event.pos().y() - _TOP) // _ROW)
            if event.pos().y() >= _TOP and 0 <= place < len(self._rows):
                show_tip(event.globalPos(), self._rows[place].words(), self)
                return True
        return super().event(event)

    def _plot(self) -> QRectF:
        widest = max(
            (float(self.fontMetrics().horizontalAdvance(row.name)) for row in self._rows),
            default=40.0,
        )
        if any(row.few for row in self._rows):
            small = QFontMetricsF(sized(self.font(), _DOUBT))
            widest = max(widest, small.horizontalAdvance(TOO_FEW))
        left = min(170, widest + 34)
        right = sum(width for _, width in _COLUMNS) + 12 + _EDGE
        return QRectF(left, _TOP, max(80.0, self.width() - left - right), _ROW * len(self._rows))

    def _range(self) -> tuple[float, float]:
        values = [0.5]
        for row in self._rows:
            values += [
                v
                for v in (row.accuracy, row.low, row.high, row.consensus, row.ceiling)
                if v is not None
            ]
        return max(0.0, min(values) - 0.02), min(1.0, max(values) + 0.02)

    def _axes(self, painter: QPainter, plot: QRectF, low: float, high: float) -> None:
        tokens = self.tokens
        painter.setFont(sized(self.font(), 0.85))
        marks = ticks(low, high, 6)
        apart = [mark for mark in marks if abs(mark - 0.5) * plot.width() > 70 * (high - low)]
        # chance is always marked, and by itself
        for mark in [*apart, 0.5] if low <= 0.5 <= high else marks:
            x = plot.left() + plot.width() * (mark - low) / (high - low)
            chance = abs(mark - 0.5) < 1e-9
            style = Qt.PenStyle.DashLine if chance else Qt.PenStyle.SolidLine
            painter.setPen(QPen(QColor(tokens.faint if chance else tokens.border), 1, style))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom() + 4))
            painter.setPen(QColor(tokens.muted))
            word = f"{mark:.0%}" + (" chance" if chance else "")
            # a long list shows only one end at a time; the upper one lies level with the heads
            for y in (0.0, plot.bottom()):
                box = QRectF(x - 50, y, 100, _TOP - 6)
                draw_text(painter, box, int(Qt.AlignmentFlag.AlignCenter), word)
        x = plot.right() + 12
        for name, width in _COLUMNS:
            painter.setPen(QColor(tokens.muted))
            box = QRectF(x, 0, width, _TOP - 6)
            draw_text(
                painter, box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), name
            )
            x += width

    def _paint(
        self, painter: QPainter, plot: QRectF, row: AccuracyRow, y: float, low: float, high: float
    ) -> None:
        """A row from back to front: ceiling, interval, consensus, and the personal model's dot.

        The dot comes last, for it is the result and nothing may hide it. A rule above sets the mean
        apart from the labelers.
        """
        tokens = self.tokens

        def at(value: float) -> float:
            return plot.left() + plot.width() * (value - low) / (high - low)

        if row.strong:
            painter.setPen(QPen(QColor(tokens.border), 1))
            painter.drawLine(QPointF(0, y - _ROW / 2), QPointF(self.width(), y - _ROW / 2))
        self._name(painter, plot, row, y)
        if row.ceiling is not None:
            painter.setPen(QPen(QColor(tokens.border_strong), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(at(row.accuracy), y), QPointF(at(row.ceiling), y))
            painter.setPen(
                QPen(QColor(tokens.text), 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)
            )
            painter.drawLine(QPointF(at(row.ceiling), y - 8), QPointF(at(row.ceiling), y + 8))
        if row.low is not None and row.high is not None:
            painter.setPen(
                QPen(faded(row.colour, 0.3), 9, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
            )
            painter.drawLine(QPointF(at(row.low), y), QPointF(at(row.high), y))
        if row.consensus is not None:
            painter.setPen(QPen(row.colour, 2))
            painter.drawLine(QPointF(at(row.consensus), y), QPointF(at(row.accuracy), y))
            painter.setPen(QPen(QColor(tokens.muted), 2))
            painter.setBrush(QColor(tokens.surface))
            painter.drawEllipse(QPointF(at(row.consensus), y), 5, 5)
        painter.setPen(QPen(QColor(tokens.surface), 1.5))
        painter.setBrush(row.colour)
        painter.drawEllipse(QPointF(at(row.accuracy), y), 6.5, 6.5)
        self._numbers(painter, plot, row, y)

    def _name(self, painter: QPainter, plot: QRectF, row: AccuracyRow, y: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(row.colour)
        painter.drawEllipse(QPointF(8, y), 4, 4)
        painter.setFont(sized(self.font(), 1.0, bold=row.strong))
        painter.setPen(QColor(self.tokens.text))
        name = elided(painter.fontMetrics(), row.name, int(plot.left()) - 30)
        beside = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        wide, up = plot.left() - 24, 9 if row.few else 0
        draw_text(painter, QRectF(20, y - 12 - up, wide, 24), beside, name)
        if row.few:
            painter.setFont(sized(self.font(), _DOUBT))
            painter.setPen(QColor(self.tokens.muted))
            draw_text(painter, QRectF(20, y, wide, 18), beside, TOO_FEW)

    def _numbers(self, painter: QPainter, plot: QRectF, row: AccuracyRow, y: float) -> None:
        """The row's numbers in the columns whose heads `_axes` paints; a dash if unknown."""
        tokens = self.tokens
        gain, share = row.told_gain(), row.told_share()
        told = (
            (row.told().number, tokens.muted if row.few else tokens.text),
            (gain.number, tone_ink(gain, tokens)),
            (share.number, tokens.muted if share.few or share is UNKNOWN else tokens.text),
            (f"{row.count:,}", tokens.muted),
        )
        painter.setFont(sized(self.font(), 1.0, bold=row.strong and not row.few))
        x = plot.right() + 12
        for (word, colour), (_, width) in zip(told, _COLUMNS, strict=True):
            painter.setPen(QColor(str(colour)))
            box = QRectF(x, y - 12, width, 24)
            draw_text(
                painter, box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), word
            )
            x += width


def tone_ink(told: ToldEstimate, tokens: Tokens) -> str:
    """The colour of a gain: grey unless its interval excludes zero."""
    return tokens.muted if told.tone == "plain" else str(getattr(tokens, told.tone))
