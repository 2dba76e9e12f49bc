"""The stages of a run, from left to right."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.methods import ignores_labelers
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.runs.run_list import RunSummary
from prism_desktop.ui.plain import draw_text
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.run_progress import STAGES
from prism_desktop.ui.widgets.painted import Painted, sized

_DOT = 5.0  # px


class StageStrip(Painted):
    """Stages from left to right; the present one is filled, a failed one is marked."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._names: tuple[str, ...] = STAGES
        self._stage, self._state, self._done = "", "", False
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def show_stage(
        self, stage: str, state: str, *, names: tuple[str, ...], done: bool = False
    ) -> None:
        """Show where a run is, or ended; `names` are its stages, `done` ones went all the way."""
        told_before = self._stage, self._state, self._names, self._done
        if (stage, state, names, done) != told_before:
            self._stage, self._state, self._names, self._done = stage, state, names, done
            told = (stage,) if state in ("preparing", "training") else (stage, state)
            self.setAccessibleName(f"Stage: {', '.join(told)}")
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(sum(metrics.horizontalAdvance(name) + 41 for name in self._names) - 20, 28)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A dot and a name per stage, joined by lines; what is done is filled."""
        painter, tokens = self.painter(), self.tokens
        names = self._names
        now = names.index(self._stage) if self._stage in names else 0
        now = len(names) if self._done else now
        x, y = 8.0, self.height() / 2
        for place, name in enumerate(names):
            done, here = place < now, place == now
            bad = here and self._state in ("failed", "interrupted", "stopped")
            colour = QColor(
                tokens.bad if bad else tokens.accent if done or here else tokens.border_strong
            )
            painter.setPen(QPen(colour, 1.6))
            painter.setBrush(colour if done or here else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, y), _DOT, _DOT)
            painter.setFont(sized(self.font(), 0.92, bold=here))
            painter.setPen(QColor(tokens.bad if bad else tokens.text if here else tokens.muted))
            width = painter.fontMetrics().horizontalAdvance(name)
            draw_text(
                painter,
                QRectF(x + 10, 0, width + 4, self.height()),
                int(Qt.AlignmentFlag.AlignVCenter),
                name,
            )
            x += width + 16
            if place < len(names) - 1:
                painter.setPen(QPen(QColor(tokens.accent if done else tokens.border_strong), 1.4))
                painter.drawLine(QPointF(x, y), QPointF(x + 14, y))
                x += 25
        painter.end()


def stages_of(run: RunSummary) -> tuple[str, ...]:
    """The stages that a run passes through."""
    writer, left_out = WRITING_METHODS.get(run.method), {"consensus"}
    if run.task != "writing":
        left_out = left_out if ignores_labelers(run.method) else set()
    elif writer is not None:
        left_out = {"predicting"} if writer.starts_from else {"predicting", "consensus"}
        left_out |= set() if writer.trained else {"training"}
    return tuple(name for name in STAGES if name not in left_out)
