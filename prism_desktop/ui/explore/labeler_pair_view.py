"""Two labelers compared: every face as a point, and
the faces on which their models disagree most."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations, view_figures
from prism_desktop.ui.explore.run_data import RunData, percentiles
from prism_desktop.ui.explore.view import ExportFigure, ExportTable, View, labeler_choices, picker
from prism_desktop.ui.widgets.basics import GRID, columns, frame, label, rows
from prism_desktop.ui.widgets.gallery import FaceGallery
from prism_desktop.ui.widgets.scatter import Scatter

_MARKED = 12  # most-disputed faces that stand out in the plot


class LabelerPairView(View):
    """Scatter on the left, most-disputed faces on the right."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self.one, one = picker("Labeler", self._compare)
        self.other, other = picker("Compared with", self._compare)
        self.attribute, attribute = picker("Attribute", self._compare)
        self.figures = label("", "heading")
        self.meaning = label("", "small", wrap=True)
        self.scatter = Scatter(context.theme)
        self.hint = label("", "small")
        self.gallery = FaceGallery(
            context.theme, lambda key: operations.thumbnail_paths(self.data, key), cell=116
        )
        self.gallery.setProperty("role", "gallery")
        self.setFocusProxy(self.gallery)
        self.gallery.setAccessibleName("Most disputed faces")
        self._rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]] = np.zeros(0, np.int64)
        self._shares: tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], ...] = ()
        self.scatter.clicked.connect(lambda point: self.face_wanted.emit(int(self._rows[point])))
        self.scatter.hovered.connect(self._name)
        self.gallery.opened.connect(self.face_wanted)
        self.gallery.chosen.connect(self._ring)
        context.theme.changed.connect(self._recolour)
        self._lay_out(one, other, attribute)

    def _lay_out(self, one: QWidget, other: QWidget, attribute: QWidget) -> None:
        told = rows(self.figures, self.meaning, gap=2)
        bar = columns(one, other, attribute, 2 * GRID, told, gap=GRID + 4)
        bar.setStretch(4, 1)
        left = rows(
            label("Predicted scores of every face", "strong"), self.scatter, self.hint, gap=GRID
        )
        right = rows(label("Most disputed faces", "strong"), self.gallery, gap=GRID)
        for layout in (left, right):
            layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
            layout.setStretch(1, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(2 * GRID)
        split.addWidget(frame("card", left))
        split.addWidget(frame("card", right))
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        split.setSizes([600, 600])
        split.setChildrenCollapsible(False)
        whole = rows(bar, split, gap=2 * GRID)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        self.gallery.thumbnails.clear()
        self.offer()
        if data is not None and len(data.labelers) > 1 and self.one.key == self.other.key:
            self.other.settle(
                data.labelers[1] if self.one.key != data.labelers[1] else data.labelers[0]
            )
        self._compare()

    def offer(self) -> None:
        """Offer what the run has, also after an attribute was added."""
        for each in (self.one, self.other):
            each.offer(*labeler_choices(self))
        self.attribute.offer(
            [(name, name) for name in self.data.attributes] if self.data is not None else []
        )

    def compare(self, one: str, other: str) -> None:
        """Show two labelers."""
        self.one.pick(one)
        self.other.pick(other)

    def idle(self) -> bool:
        return self.gallery.thumbnails.idle()

    def table(self) -> ExportTable | None:
        data = self.data
        if data is None or not len(self._rows):
            return None
        first, second = self._names()
        scores = [data.score(key, self.attribute.key) for key in (self.one.key, self.other.key)]
        head = (
            "name",
            "image",
            f"score {first}",
            f"score {second}",
            f"percentile {first}",
            f"percentile {second}",
        )
        one, other = self._shares
        body = [
            (
                data.image_names[r],
                data.images[r],
                *(float(values[r]) for values in (*scores, one, other)),
            )
            for r in self._rows
        ]
        return ExportTable(f"{first} and {second} {self.attribute.key}", head, body)

    def figure(self) -> ExportFigure | None:
        data = self.data
        if data is None or not len(self._rows):
            return None
        x, y = (
            data.score(key, self.attribute.key)[self._rows]
            for key in (self.one.key, self.other.key)
        )
        names, attribute, told = self._names(), self.attribute.key, self.figures.text()
        return ExportFigure(
            f"{names[0]} and {names[1]} {attribute}",
            lambda path: view_figures.draw_scatter(path, x, y, names, f"{attribute}: {told}"),
        )

    def _names(self) -> tuple[str, str]:
        pickers, named = (self.one, self.other), self.data.names if self.data is not None else {}
        one, other = (named.get(each.key, each.currentText()) for each in pickers)
        return one, other

    def _compare(self) -> None:
        data = self.data
        if data is None or not self.attribute.key or not self.other.key:
            self._rows = np.zeros(0, np.int64)
            empty = np.zeros(0, np.float32)
            self.scatter.show_points(empty, empty, ("", ""))
            self.gallery.faces.show((), (), self._rows)
            self.figures.setText("")
            self.meaning.setText("")
            return
        x, y = (
            data.score(self.one.key, self.attribute.key),
            data.score(self.other.key, self.attribute.key),
        )
        self._rows = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
        self._shares = percentiles(x), percentiles(y)
        gap = np.abs(self._shares[0] - self._shares[1])
        order = self._rows[np.argsort(-gap[self._rows], kind="stable")]
        place = {int(row): point for point, row in enumerate(self._rows)}
        marked = tuple(place[int(row)] for row in order[:_MARKED])
        first, second = self._names()
        self.scatter.show_points(
            x[self._rows], y[self._rows], (f"{first}'s model", f"{second}'s model"), marked
        )
        self.gallery.faces.show(data.images, data.image_names, order, *self._shares)
        self._recolour()
        self._tell(x[self._rows], y[self._rows])

    def _recolour(self) -> None:
        if self.data is not None and self.one.key and self.other.key:
            self.gallery.set_bar(self.colour(self.one.key), self.colour(self.other.key))

    def _note(self, row: int) -> str:
        one, other = self._shares
        return f"{100 * one[row]:.0f} : {100 * other[row]:.0f}"

    def _tell(
        self,
        x: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
        y: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    ) -> None:
        if len(x) < 3 or not x.std() or not y.std():
            self.figures.setText("Too few faces to correlate")
            return
        one, other = self._shares[0][self._rows], self._shares[1][self._rows]
        straight, ranked = float(np.corrcoef(x, y)[0, 1]), float(np.corrcoef(one, other)[0, 1])
        straight, ranked = round(straight, 2) + 0.0, round(ranked, 2) + 0.0  # not "-0.00"
        self.figures.setText(f"r = {straight:.2f}, rank correlation {ranked:.2f}")
        first, second = self._names()
        self.meaning.setText(
            f"Of the models' predictions for {len(x):,} faces. Beside each disputed face: "
            f"its percentile for {first} : for {second}."
        )

    def _name(self, point: int) -> None:
        data = self.data
        if data is None or point < 0:
            self.hint.setText("Point at a face for its name, click to open it.")
            return
        row = int(self._rows[point])
        self.hint.setText(f"{data.image_names[row]}   {self._note(row)}")

    def _ring(self, row: int) -> None:
        found = np.flatnonzero(self._rows == row)
        self.scatter.ring(int(found[0]) if len(found) else -1)
