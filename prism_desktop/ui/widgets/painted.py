"""The base of painted widgets: the theme's colours, type sizes, axis ticks."""

import math
from collections.abc import Iterable

from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.series_colours import labeler_place
from prism_desktop.ui.palette import Tokens
from prism_desktop.ui.theme import Theme


class Painted(QWidget):
    """A widget that paints itself in the theme's colours and again when the theme changes."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        theme.changed.connect(self.update)

    @property
    def tokens(self) -> Tokens:
        return self.theme.tokens

    def painter(self) -> QPainter:
        """A painter on this widget, smooth edges on."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        return painter


def mixed(one: str | QColor, other: str | QColor, share: float) -> QColor:
    """`share` of `other` in `one`, 0 to 1."""
    a, b = QColor(one), QColor(other)
    ends = ((a.redF(), b.redF()), (a.greenF(), b.greenF()), (a.blueF(), b.blueF()))
    return QColor.fromRgbF(*(start + (end - start) * share for start, end in ends))


def faded(colour: str | QColor, alpha: float) -> QColor:
    """`colour` at an opacity of 0 to 1."""
    result = QColor(colour)
    result.setAlphaF(alpha)
    return result


def sized(font: QFont, factor: float, *, bold: bool = False) -> QFont:
    """A copy of `font`, `factor` times its size."""
    result = QFont(font)
    if font.pixelSize() > 0:
        result.setPixelSize(max(8, round(font.pixelSize() * factor)))
    else:
        result.setPointSizeF(font.pointSizeF() * factor)
    if bold:
        result.setWeight(QFont.Weight.DemiBold)
    return result


def series_colour(tokens: Tokens, place: int) -> QColor:
    """The colour of the labeler or run at `place`; after the last the palette begins again."""
    return QColor(tokens.series[place % len(tokens.series)])


def labeler_colour(tokens: Tokens, everybody: Iterable[str], code: str) -> QColor:
    """A labeler's colour, the same wherever the labeler is shown; see `labeler_place`."""
    return series_colour(tokens, labeler_place(everybody, code))


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers from `low` to `high`, both within."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    raw = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(place * step, 10) for place in range(first, math.floor(high / step + 1e-9) + 1)]
