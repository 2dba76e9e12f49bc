"""Small relevance maps side by side, one per labeler or face, of which one is chosen; all of them
have one colour scale."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QScrollArea,
    QSizePolicy,
    QWidget,
)

from prism_desktop.engine.analysis.map_scale import MapScale
from prism_desktop.engine.plain_text import one_line
from prism_desktop.ui.plain import draw_text, elided, literal, set_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import columns
from prism_desktop.ui.widgets.heat import coloured, tell_in
from prism_desktop.ui.widgets.painted import faded, series_colour, sized

# px: the picture, the name below it, room for the ring around the chosen one
_SIDE, _FOOT, _EDGE = (84, 20, 4)
_BAR = 10  # px for the scroll bar below
_BETWEEN = 2  # px between the two faces of a pair
Map = tuple[NDArray[np.float32], QRectF]  # (rows, columns), and the part of the image it is of


class MapTile(QAbstractButton):
    """A small map: the face, the map once it is there, the name, a tick or a cross for its test; of
    a pair two faces with their maps."""

    def __init__(
        self, theme: Theme, name: str, place: int | None, side: int = _SIDE, faces: int = 1
    ) -> None:
        """`place` of a labeler in the study gives the colour; None: it is no labeler's."""
        super().__init__()
        self._theme, self._place, self._side = theme, place, side
        self._images = [QImage() for _ in range(faces)]
        self._faces_lack = [""] * faces  # why there is no image
        self._maps: list[Map] = []  # of each face
        self._scale = MapScale.of([])
        self._painted: list[QImage] = []  # the maps in colours; made when they are seen
        self._opacity = 0.6
        self._passed: bool | None = None
        self._name = one_line(name)
        self.setText(literal(name))
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        wide = faces * side + (faces - 1) * _BETWEEN
        self.setFixedSize(wide + 2 * _EDGE, side + _FOOT + 2 * _EDGE)
        self.wait("Not computed yet.")
        theme.changed.connect(self.update)

    @property
    def has_map(self) -> bool:
        return bool(self._maps)

    @property
    def grids(self) -> list[NDArray[np.float32]]:
        """The maps that are laid over the faces."""
        return [values for values, _ in self._maps]

    def show_image(self, image: QImage, which: int = 0, words: str = "") -> None:
        """The face, already small, or `words` on why there is none; `which` of a pair."""
        if which < len(self._images):
            self._images[which], self._faces_lack[which] = image, words
            self.update()

    def wait(self, words: str) -> None:
        """There is no map; `words` say why."""
        self._maps, self._painted, self._passed = [], [], None
        self._tell(words)

    def show_map(self, maps: Sequence[Map], passed: bool | None, words: str) -> None:
        """Lay a map over each face, on its area (in shares); `words` tell how far they can be
        trusted. Until the strip gives all its tiles a scale, the tile has its own."""
        self._maps, self._painted, self._passed = list(maps), [], passed
        self._scale = MapScale.of(self.grids)
        self._tell(words)

    def set_scale(self, scale: MapScale) -> None:
        """Which colours stand for which relevance."""
        if scale != self._scale:
            self._scale, self._painted = scale, []
            self.update()

    def set_opacity(self, opacity: float) -> None:
        self._opacity = opacity
        self.update()

    def _tell(self, words: str) -> None:
        self.setAccessibleName(f"{self._name}'s map. {words}")
        set_tip(self, f"{self._name}: {words}")
        self.update()

    def sizeHint(self) -> QSize:
        return self.size()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The pictures clipped to a rounded box, then the ring around it, then the caption.

        The clip is taken back before the ring, which lies outside the square.
        """
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        side = self._side
        box = QRectF(_EDGE, _EDGE, self.width() - 2 * _EDGE, side)
        painter.save()
        round_ = QPainterPath()
        round_.addRoundedRect(box, 8, 8)
        painter.setClipPath(round_)
        painter.fillRect(box, QColor(self._theme.tokens.stage))
        if len(self._painted) != len(self._maps):
            self._painted = [coloured(each, 96, self._scale) for each in self.grids]
        for which in range(len(self._images)):
            self._picture(
                painter, QRectF(_EDGE + which * (side + _BETWEEN), _EDGE, side, side), which
            )
        painter.restore()
        self._ring(painter, box)
        self._caption(painter, QRectF(_EDGE, box.bottom() + 3, box.width(), _FOOT))
        painter.end()

    def _picture(self, painter: QPainter, box: QRectF, which: int) -> None:
        """The whole face fitted into the box, pale until there is a map, and the map over it.

        The map covers only the area that the model saw of the image.
        """
        image = self._images[which]
        if image.isNull():
            painter.setFont(sized(self.font(), 0.82))
            tell_in(painter, box, self._faces_lack[which], self._theme.tokens.on_stage)
            return
        size = image.size().scaled(box.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        inner = QRectF(0, 0, size.width(), size.height())
        inner.moveCenter(box.center())
        painter.setOpacity(1.0 if self.has_map else 0.35)
        painter.drawImage(inner, image)
        if which < len(self._maps):
            area = self._maps[which][1]
            painter.setOpacity(self._opacity)
            left, top = (
                inner.left() + area.left() * size.width(),
                inner.top() + area.top() * size.height(),
            )
            whole = QRectF(left, top, area.width() * size.width(), area.height() * size.height())
            painter.drawImage(whole, self._painted[which])
        painter.setOpacity(1.0)

    def _ring(self, painter: QPainter, box: QRectF) -> None:
        tokens = self._theme.tokens
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.isChecked() or self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent if self.hasFocus() else tokens.text), 2.2))
            painter.drawRoundedRect(box.adjusted(-2.4, -2.4, 2.4, 2.4), 10, 10)
        elif self.underMouse():
            painter.setPen(QPen(faded(tokens.text, 0.35), 2))
            painter.drawRoundedRect(box.adjusted(-2, -2, 2, 2), 10, 10)

    def _caption(self, painter: QPainter, line: QRectF) -> None:
        tokens = self._theme.tokens
        if self._place is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(series_colour(tokens, self._place))
            painter.drawEllipse(QPointF(line.left() + 5, line.center().y()), 4, 4)
        painter.setPen(QColor(tokens.text if self.isChecked() else tokens.muted))
        painter.setFont(sized(self.font(), 0.88, bold=self.isChecked()))
        left = 2 if self._place is None else 14
        room = line.adjusted(left, 0, 0 if self._passed is None else -14, 0)
        name = elided(painter.fontMetrics(), self._name, int(room.width()))
        draw_text(painter, room, int(Qt.AlignmentFlag.AlignVCenter), name)
        if self._passed is None:
            return
        # A tick or a cross, so that the colour is not all that tells them apart.
        painter.setPen(QPen(QColor(tokens.good if self._passed else tokens.bad), 1.8))
        x, y = line.right() - 6, line.center().y()
        lines = (
            ((-4, 0, -1, 3), (-1, 3, 4, -4)) if self._passed else ((-3, -3, 3, 3), (-3, 3, 3, -3))
        )
        for x0, y0, x1, y1 in lines:
            painter.drawLine(QPointF(x + x0, y + y0), QPointF(x + x1, y + y1))


class MapStrip(QScrollArea):
    """The tiles in a row that scrolls sideways; the arrow keys move from one to the next."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, title: str, side: int = _SIDE) -> None:
        """`title` for a reader of the screen, `side` of a picture in px."""
        super().__init__()
        self._theme, self._side = theme, side
        self.scale = MapScale.of([])
        self._tiles: dict[str, MapTile] = {}
        self._group = QButtonGroup(self)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedHeight(side + _FOOT + 2 * _EDGE + _BAR)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)
        self.offer((), 0.6)

    def offer(
        self, labelers: Sequence[tuple[str, str, int | None]], opacity: float, faces: int = 1
    ) -> None:
        """Show a tile for each (key, name, place of its colour or None), all still waiting for
        their maps and for so many faces each."""
        old = self.takeWidget()
        if old is not None:
            old.deleteLater()
        self._group = QButtonGroup(self)
        self._tiles = {}
        for key, name, place in labelers:
            tile = self._tiles[key] = MapTile(self._theme, name, place, self._side, faces)
            tile.set_opacity(opacity)
            tile.clicked.connect(lambda _=False, key=key: self.chosen.emit(key))
            self._group.addButton(tile)
        inside = QWidget()
        row = columns(*self._tiles.values(), None, gap=4)
        row.setAlignment(Qt.AlignmentFlag.AlignTop)
        inside.setLayout(row)
        self.setWidget(inside)

    def tile(self, key: str) -> MapTile | None:
        return self._tiles.get(key)

    def settle_scale(self, also: Iterable[NDArray[np.float32]] = ()) -> None:
        """Give all maps one scale, and with them those shown beside the strip (rows, columns)."""
        inside = (grid for tile in self._tiles.values() for grid in tile.grids)
        self.scale = MapScale.of([*inside, *also])
        for tile in self._tiles.values():
            tile.set_scale(self.scale)

    def show_image(self, image: QImage, which: int = 0, words: str = "") -> None:
        """The face behind all maps, or `words` on why there is none; `which` of a pair."""
        side = 2 * self._side
        keep, smooth = (
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        small = QImage() if image.isNull() else image.scaled(side, side, keep, smooth)
        for tile in self._tiles.values():
            tile.show_image(small, which, words)

    def set_opacity(self, opacity: float) -> None:
        for tile in self._tiles.values():
            tile.set_opacity(opacity)

    def check(self, key: str) -> None:
        """Mark the labeler whose map is shown large, and bring the tile into view.

        Nobody's without a tile.
        """
        tile, before = self._tiles.get(key), self._group.checkedButton()
        if tile is None and before is not None:
            self._group.setExclusive(False)
            before.setChecked(False)
            self._group.setExclusive(True)
        if tile is not None:
            tile.setChecked(True)
            self.ensureWidgetVisible(tile, _EDGE, 0)
