"""A gallery of faces that stays smooth at 70,000: nothing
is decoded or painted before it is about to be seen."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QListView, QWidget

from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.face_cell import FaceDelegate
from prism_desktop.ui.widgets.face_model import FaceModel
from prism_desktop.ui.widgets.thumbnails import Thumbnails


class FaceGallery(QListView):
    """The view: cells of one size that fill the width,
    arrows move, Enter or a double click opens."""

    opened = Signal(int)  # the table's row of the face
    chosen = Signal(int)  # the table's row of the face that is now current

    def __init__(
        self,
        theme: Theme,
        find: Callable[[str], Sequence[Path]],
        parent: QWidget | None = None,
        cell: int = 132,
    ) -> None:
        """`find(key)` lists the files that may hold the image of
        `key`; `cell` is the least width of a cell in px."""
        super().__init__(parent)
        self.theme = theme
        self.bar: QColor | None = None  # of the percentiles; None for the accent
        self.other_bar: QColor | None = None  # of the percentiles that those are set against
        self._cell = cell
        self.thumbnails = Thumbnails(find, self)
        self.thumbnails.arrived.connect(self._repaint)
        self.faces = FaceModel(self)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(500)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setSelectionRectVisible(False)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setModel(self.faces)
        self._delegate = FaceDelegate(self.thumbnails, self)
        self.setItemDelegate(self._delegate)
        theme.changed.connect(self._renew)
        self.faces.modelReset.connect(self._renew)
        self.activated.connect(lambda index: self.opened.emit(self.faces.face(index.row())))
        self.selectionModel().currentChanged.connect(self._choose)

    def set_bar(self, colour: QColor | None, other: QColor | None = None) -> None:
        """Paint the percentiles in a labeler's colour, those they are set against in another's."""
        self.bar, self.other_bar = colour, other
        self._renew()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        """Stretch the cells so that a whole number of them fills the width."""
        width = self.viewport().width() - 2
        columns = max(1, width // self._cell)
        side = width // columns
        picture = side - 2 * FaceDelegate.MARGIN
        if side == self.gridSize().width():
            return
        self.setGridSize(QSize(side, picture + FaceDelegate.FOOT + 2 * FaceDelegate.MARGIN))
        self.verticalScrollBar().setSingleStep(self.gridSize().height() // 3)
        self.thumbnails.resize(max(16, round(picture * self.devicePixelRatioF())))

        self._delegate.forget()

    def _renew(self) -> None:
        self._delegate.forget()
        self.viewport().update()

    def _repaint(self, _came: set[str]) -> None:
        # One repaint of what is in view costs less than finding out which cells changed.
        self.viewport().update()

    def _choose(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self.faces.face(current.row()))
