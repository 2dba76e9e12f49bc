"""The heat map: a face with a relevance map laid over it."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.analysis.map_scale import MapScale
from prism_desktop.ui.plain import draw_text
from prism_desktop.ui.qt_images import fitted
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, sized
from prism_desktop.ui.widgets.text_picture import Sources, WrittenCard, large_card

_LARGEST = 1600  # px; a camera's image is decoded no larger than it is shown
# Lightness rises evenly and blue to yellow is told apart by everyone (after matplotlib's inferno).
_RAMP = ((0, 0, 4), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164))
# shares of the strongest relevance: see-through below, wholly painted above
_WEAK, _FULL = (0.08, 0.6)
UNREADABLE = "This face's picture cannot be read."
_KEY = QSizeF(168, 24)  # px, of what says which colour means what
_COLD, _WARM = (33, 102, 172), (178, 24, 43)  # against and for, for signed maps


class Heat(Painted):
    """The image as large as fits, on the neutral grey that
    faces sit on, the map over it at a chosen opacity."""

    def __init__(
        self,
        theme: Theme,
        ends: tuple[str, str] = ("against", "for"),
        parent: QWidget | None = None,
    ) -> None:
        """`ends` are what the two colours of a signed scale mean."""
        super().__init__(theme, parent)
        self._ends = ends
        self._image = QImage()
        self._map = QImage()
        self._area = QRectF(0, 0, 1, 1)
        self._opacity = 0.6
        self._signed = False  # whether the scale has colours for and against
        self._words = ""  # in place of a face
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_image(self, image: QImage, words: str = "") -> None:
        """Show a face without a map; `words` say why there is none."""
        self._image, self._map, self._words = image, QImage(), words
        self.setAccessibleDescription(words)
        self.update()

    def show_map(
        self,
        values: NDArray[np.float32] | None,
        area: QRectF | None = None,
        scale: MapScale | None = None,
    ) -> None:
        """Lay (rows, columns) float32 over the image; None takes the map away.

        Args:
            values: relevance; negative ones (evidence against) are painted blue.
            area: the part of the image that the model saw, in shares of its width and height; all
                if None.
            scale: of all maps that are seen beside this one; its own if None.
        """
        scale = scale or MapScale.of([] if values is None else [values])
        self._map = QImage() if values is None else coloured(values, scale=scale)
        self._signed = scale.signed
        self._area = area or QRectF(0, 0, 1, 1)
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """Of the map, 0 to 1."""
        self._opacity = opacity
        self.update()

    @property
    def has_map(self) -> bool:
        return not self._map.isNull()

    def sizeHint(self) -> QSize:
        return QSize(420, 420)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 200)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = self.painter()
        round_ = QPainterPath()
        round_.addRoundedRect(QRectF(self.rect()), 12, 12)
        painter.setClipPath(round_)
        painter.fillRect(self.rect(), QColor(self.tokens.stage))
        if self._image.isNull():
            tell_in(painter, QRectF(self.rect()), self._words, self.tokens.on_stage)
        else:
            size = self._image.size().scaled(self.size() * 0.96, Qt.AspectRatioMode.KeepAspectRatio)
            box = QRectF(0, 0, size.width(), size.height())
            box.moveCenter(QRectF(self.rect()).center())
            painter.drawImage(box, self._image)
            if self.has_map:
                area = QRectF(
                    box.left() + self._area.left() * box.width(),
                    box.top() + self._area.top() * box.height(),
                    self._area.width() * box.width(),
                    self._area.height() * box.height(),
                )
                painter.setOpacity(self._opacity)
                painter.drawImage(area, self._map)
                painter.setOpacity(1.0)
                painter.setPen(QPen(faded("#ffffff", 0.5), 1, Qt.PenStyle.DashLine))
                painter.drawRect(area)
                # beside the face where there is room, so that nothing of it is covered
                outside = self.width() - box.right() >= _KEY.width() + 16
                left = box.right() + 8 if outside else box.right() - _KEY.width() - 8
                corner = QPointF(left, box.bottom() - _KEY.height() - 8)
                self._key(painter, QRectF(corner, _KEY))
        painter.end()

    def _key(self, painter: QPainter, chip: QRectF) -> None:
        """Which colour means what."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(12, 12, 14, 170))
        painter.drawRoundedRect(chip, 6, 6)
        level = np.linspace(-1 if self._signed else 0, 1, 128, dtype=np.float32)[None, :]
        bar = _inked(level, self._signed)
        if not self._signed:
            bar[..., 3] = 255  # see-through on the face, but here the colour itself is meant
        picture = QImage(bar.data, 128, 1, 4 * 128, QImage.Format.Format_RGBA8888)
        painter.drawImage(chip.adjusted(60, 8, -60, -8), picture)
        painter.setPen(QColor("#ffffff"))
        painter.setFont(sized(self.font(), 0.82))
        low, high = self._ends if self._signed else ("weak", "strong")
        middle = Qt.AlignmentFlag.AlignVCenter
        draw_text(
            painter, chip.adjusted(8, 0, -116, 0), int(Qt.AlignmentFlag.AlignRight | middle), low
        )
        draw_text(
            painter, chip.adjusted(116, 0, -8, 0), int(Qt.AlignmentFlag.AlignLeft | middle), high
        )


def tell_in(painter: QPainter, box: QRectF, words: str, colour: str) -> None:
    """Say in the place of a face why there is none."""
    painter.setPen(QColor(colour))
    flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
    draw_text(painter, box.adjusted(4, 4, -4, -4), flags, words)


def coloured(values: NDArray[np.float32], side: int = 256, scale: MapScale | None = None) -> QImage:
    """A map as a smooth picture whose weak parts are see-through; (rows, columns) float32.

    What is as strong as the scale's strongest is painted wholly, and what is against in the other
    colour if the scale has one; `scale` is that of all maps shown side by side, the map's own if
    None.
    """
    scale = scale or MapScale.of([values])
    shares = scale.shares(values)
    peak = float(np.abs(shares).max())
    smooth = _spline(shares.shape[0], side) @ shares @ _spline(shares.shape[1], side).T
    level = np.asarray(smooth, np.float32)
    level *= np.float32(peak / max(float(np.abs(level).max()), 1e-6))  # smoothing lowers peaks
    picture = _inked(level, scale.signed)
    return QImage(picture.data, side, side, 4 * side, QImage.Format.Format_RGBA8888).copy()


def _inked(level: NDArray[np.float32], signed: bool) -> NDArray[np.uint8]:
    """(rows, columns) in [-1, 1] as (rows, columns, 4) uint8 RGBA.

    Nothing is painted where next to nothing is.
    """
    picture = np.zeros((*level.shape, 4), np.uint8)
    if signed:
        picture[..., :3] = np.where(
            level[..., None] > 0, np.array(_WARM, np.uint8), np.array(_COLD, np.uint8)
        )
    else:
        stops = np.linspace(0, 1, len(_RAMP))
        for channel in range(3):
            picture[..., channel] = np.interp(level, stops, [colour[channel] for colour in _RAMP])
    rise = ((np.abs(level) - _WEAK) / (_FULL - _WEAK)).clip(0, 1)
    picture[..., 3] = (rise * rise * (3 - 2 * rise) * 255).astype(np.uint8)
    return picture


def _spline(count: int, side: int) -> NDArray[np.float32]:
    """(side, count) weights of a cubic B-spline: smooth in
    both slopes, so that patches leave no stars or edges."""
    at = (np.arange(side) + 0.5) / side * count - 0.5
    weights = np.zeros((side, count), np.float32)
    for step in range(-1, 3):
        place = np.floor(at).astype(int) + step
        far = np.abs(at - place)
        near = 2 / 3 - far**2 + far**3 / 2
        weight = np.where(far < 1, near, (2 - far).clip(0) ** 3 / 6)
        np.add.at(weights, (np.arange(side), place.clip(0, count - 1)), weight)
    return weights


def mean_face(pixels: NDArray[np.uint8]) -> QImage:
    """(S, S, 3) RGB as a picture."""
    whole = np.ascontiguousarray(pixels)
    side = len(whole)
    return QImage(whole.data, side, side, 3 * side, QImage.Format.Format_RGB888).copy()


def read_image(sources: Sources) -> QImage:
    """The first readable of files, turned as its EXIF says and no larger than it can be shown; of a
    text its card."""
    for source in sources:
        if isinstance(source, WrittenCard):
            return large_card(source)
        image = fitted(source, (_LARGEST, _LARGEST))
        if not image.isNull():
            return image
    return QImage()
