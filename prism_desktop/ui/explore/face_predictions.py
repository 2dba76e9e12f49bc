"""The predictions of one face: a dot per labeler and attribute with its interval, beside the
consensus."""

from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.events import Event
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.face_findings import FaceFindings
from prism_desktop.ui.explore.face_sheet import (
    FacePlaces,
    doubt_of,
    find_strip,
    legend_of,
    sheet_at,
)
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.widgets.basics import GRID, label, rows
from prism_desktop.ui.widgets.dot_plot import Dot, DotGroup, Dots
from prism_desktop.ui.widgets.painted import labeler_colour


class FacePredictions(QFrame):
    """A card; what heads know beside scores, the intervals, is found out and then drawn too."""

    chosen = Signal(str, str)  # labeler, attribute

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._theme = context.theme
        self._data: RunData | None = None
        self._face, self._chosen = 0, ("", "")
        self.sheet: FacePlaces | None = None  # what is drawn
        self.dots = Dots(context.theme)
        self.dots.clicked.connect(self._choose)
        self.doubt = label("", "small", wrap=True)
        self._legend = label("", "small", wrap=True)
        self._findings = FaceFindings(context, self)
        self._findings.came.connect(self._show)
        self._findings.failed.connect(self._fail)
        inside = QWidget()
        inside.setLayout(rows(self.dots, None))
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setProperty("role", "reach")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        told = label("What each labeler's model predicts", "strong")
        layout = rows(told, self.doubt, self._legend, scroll, gap=GRID - 2)
        layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        layout.setStretch(3, 1)
        self.setLayout(layout)

    @property
    def busy(self) -> bool:
        """Whether intervals are still to come."""
        return self._findings.busy

    def forget(self) -> None:
        """Another run: what was found out of this one is void."""
        self._findings.forget()

    def show_face(self, data: RunData | None, face: int, labeler: str, attribute: str) -> None:
        """Show the face in this row of the run's images, with one labeler's dot lit."""
        self._data, self._face, self._chosen = data, face, (labeler, attribute)
        self._show()

    def look_into(self) -> None:
        """Find out how sure the models are of this face."""
        data, face = self._data, self._face
        if data is None or not data.images:
            self._findings.forget()
            return

        def ask() -> Iterator[Event[dict[str, Any]]]:
            return data.model().faces("strip", image=data.images[face])

        self._findings.want((id(data), face), lambda: find_strip(data, face, ask))

    def groups(self, data: RunData, sheet: FacePlaces) -> list[DotGroup]:
        """A group of dots per attribute, a dot per labeler, at the percentile of this face."""
        groups = []
        for column, attribute in enumerate(data.attributes):
            dots = tuple(
                Dot(
                    data.names[code],
                    float(sheet.shares[row, column]),
                    labeler_colour(self._theme.tokens, data.everybody, code),
                    data.trust(code) if data.unsure(code) else "",
                    float(sheet.low[row, column]),
                    float(sheet.high[row, column]),
                )
                for row, code in enumerate(data.labelers)
            )
            groups.append(DotGroup(attribute, dots, float(sheet.consensus[column])))
        return groups

    def _show(self) -> None:
        data, self.sheet = self._data, None
        if data is None or not data.images:
            self.dots.show_groups([])
            return
        lit, (labeler, attribute) = None, self._chosen
        if labeler in data.labelers and attribute in data.attributes:
            lit = (data.attributes.index(attribute), data.labelers.index(labeler))
        try:
            sheet = self.sheet = sheet_at(data, self._face)
        except UnreadableError as error:
            self.dots.show_groups([])
            self._fail(str(error))
            return
        self.dots.words = data.words
        self.dots.show_groups(self.groups(data, sheet), lit)
        # what is left is for the answers
        self.setMaximumHeight(self.dots.sizeHint().height() + 14 * GRID)
        self._legend.setText(legend_of(data, sheet))
        told = doubt_of(data)
        self.doubt.setText(told)
        self.doubt.setVisible(bool(told))

    def _fail(self, why: str) -> None:
        self.doubt.setText(why)
        self.doubt.show()

    def _choose(self, group: int, row: int) -> None:
        data = self._data
        if data is not None:
            self.chosen.emit(data.labelers[row], data.attributes[group])
