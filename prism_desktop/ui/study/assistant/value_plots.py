"""What was answered: ratings on their scale, outcomes as bars."""

from collections.abc import Mapping
from itertools import pairwise

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.importing.plan import AttributePlan
from prism_desktop.ui.plain import draw_text, show_tip
from prism_desktop.ui.study.assistant.recipe_edits import number
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, sized

_SIDE, _TOP, _FOOT = 14, 22, 22  # px around the bars
_OUTCOMES = {"left": "First image won", "tie": "Tie", "right": "Second image won"}


class ScalePlot(Painted):
    """A bar for each value, the ends of the scale, and the limits of the study's four steps.

    Values outside the scale stand out, for they are what a wrong scale shows by."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._plan: AttributePlan | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_attribute(self, plan: AttributePlan) -> None:
        """Show an attribute's ratings."""
        self._plan = plan
        self.setAccessibleName(f"Values of {plan.name}")
        self.setAccessibleDescription(words(plan))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 122)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The scale's ground and limits first, the bars over them, then the numbers."""
        plan = self._plan
        if plan is None or not plan.values:
            return
        painter, tokens = self.painter(), self.tokens
        base = self.height() - _FOOT
        if plan.low is not None and plan.high is not None:
            left, right = self._at(plan.low), self._at(plan.high)
            ground = QRectF(left - 7, _TOP - 2, right - left + 14, base - _TOP + 2)
            painter.fillRect(ground, QColor(tokens.hover))
            self._steps(painter, plan)
        most = max(count for _, count in plan.values)
        wide = self._bar_width()
        for value, count in plan.values:
            high = max(2.0, (base - _TOP - 8) * count / most)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.warn if _outside(plan, value) else tokens.accent))
            bar = QRectF(self._at(value) - wide / 2, base - high, wide, high)
            painter.drawRoundedRect(bar, min(2.0, wide / 2), min(2.0, wide / 2))
        painter.setPen(QPen(QColor(tokens.border_strong), 1))
        painter.drawLine(QPointF(_SIDE / 2, base), QPointF(self.width() - _SIDE / 2, base))
        self._numbers(painter, plan, base)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ToolTip
            and isinstance(event, QHelpEvent)
            and self._plan is not None
            and self._plan.values
        ):
            near = min(self._plan.values, key=lambda pair: abs(self._at(pair[0]) - event.x()))
            outside = ", outside the scale" if _outside(self._plan, near[0]) else ""
            told = f"{number(near[0])}: {counted(near[1], 'time')}{outside}"
            show_tip(event.globalPos(), told, self)
            return True
        return super().event(event)

    def _range(self) -> tuple[float, float]:
        assert self._plan is not None
        ends = [value for value, _ in self._plan.values]
        ends += [end for end in (self._plan.low, self._plan.high) if end is not None]
        low, high = min(ends), max(ends)
        return (low, high) if high > low else (low - 1, high + 1)

    def _at(self, value: float) -> float:
        low, high = self._range()
        return _SIDE + (self.width() - 2 * _SIDE) * (value - low) / (high - low)

    def _bar_width(self) -> float:
        assert self._plan is not None
        places = [self._at(value) for value, _ in self._plan.values]
        gaps = [b - a for a, b in pairwise(places)]
        return max(2.0, min([18.0, *(0.7 * gap for gap in gaps)]))

    def _steps(self, painter: QPainter, plan: AttributePlan) -> None:
        """Dashed limits, and between them the study's steps, 1 to 4, where there is room."""
        tokens = self.tokens
        painter.setPen(QPen(QColor(tokens.faint), 1, Qt.PenStyle.DashLine))
        for cut in plan.cuts:
            painter.drawLine(
                QPointF(self._at(cut), _TOP - 2), QPointF(self._at(cut), self.height() - _FOOT)
            )
        ends = [end for end in (plan.low, *plan.cuts, plan.high) if end is not None]
        painter.setFont(sized(self.font(), 0.8))
        painter.setPen(QColor(tokens.muted))
        for step, (low, high) in enumerate(pairwise(ends), start=1):
            middle = (self._at(low) + self._at(high)) / 2
            if plan.cuts and self._at(high) - self._at(low) > 9:
                box = QRectF(middle - 20, 0, 40, _TOP - 4)
                draw_text(painter, box, int(Qt.AlignmentFlag.AlignCenter), str(step))

    def _numbers(self, painter: QPainter, plan: AttributePlan, base: float) -> None:
        """The scale's ends in bold, the outermost values where they lie outside it."""
        low, high = self._range()
        marks = {low: False, high: False}
        marks |= {end: True for end in (plan.low, plan.high) if end is not None}
        taken: list[float] = []
        for value, scale in sorted(marks.items(), key=lambda pair: not pair[1]):
            x = self._at(value)
            if any(abs(x - other) < 26 for other in taken):
                continue
            taken.append(x)
            painter.setFont(sized(self.font(), 0.85, bold=scale))
            painter.setPen(QColor(self.tokens.text if scale else self.tokens.warn))
            wide = painter.fontMetrics().horizontalAdvance(number(value)) + 2
            left = min(max(0.0, x - wide / 2), self.width() - wide)
            box = QRectF(left, base + 3, wide, _FOOT - 4)
            draw_text(painter, box, int(Qt.AlignmentFlag.AlignCenter), number(value))


class OutcomeBars(Painted):
    """How often the first image won, the second, and neither."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._outcomes: Mapping[str, int] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_attribute(self, plan: AttributePlan) -> None:
        """Show an attribute's outcomes."""
        self._outcomes = {name: plan.outcomes.get(name, 0) for name in _OUTCOMES}
        self._outcomes |= dict(plan.outcomes)
        self.setAccessibleName(f"Outcomes of {plan.name}")
        self.setAccessibleDescription(words(plan))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 26 * len(self._outcomes) + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter, tokens = self.painter(), self.tokens
        most, all_of_them = max(self._outcomes.values(), default=0), sum(self._outcomes.values())
        left, right = 122.0, 84.0
        for place, (name, count) in enumerate(self._outcomes.items()):
            y = place * 26.0
            painter.setFont(sized(self.font(), 0.92))
            painter.setPen(QColor(tokens.text))
            middle = Qt.AlignmentFlag.AlignVCenter
            draw_text(painter, QRectF(0, y, left, 26), int(middle), _OUTCOMES.get(name, name))
            room = self.width() - left - right
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(tokens.track, 0.7))
            painter.drawRoundedRect(QRectF(left, y + 8, room, 10), 3, 3)
            painter.setBrush(QColor(tokens.faint if name == "tie" else tokens.accent))
            if count:
                painter.drawRoundedRect(QRectF(left, y + 8, room * count / most, 10), 3, 3)
            painter.setPen(QColor(tokens.muted))
            told = f"{count:,} ({count / all_of_them:.0%})" if all_of_them else "0"
            box = QRectF(self.width() - right, y, right, 26)
            draw_text(painter, box, int(Qt.AlignmentFlag.AlignRight | middle), told)
        painter.end()


def words(plan: AttributePlan) -> str:
    """An attribute's answers in words, for screen readers."""
    if plan.kind == "comparison":
        return ", ".join(f"{_OUTCOMES.get(n, n)}: {c:,}" for n, c in plan.outcomes.items())
    return ", ".join(f"{number(value)}: {count:,}" for value, count in plan.values[:40])


def _outside(plan: AttributePlan, value: float) -> bool:
    low, high = plan.low, plan.high
    return (low is not None and value < low) or (high is not None and value > high)
