"""The faces that are like one face: by what the model sees, and to one labeler."""

from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.events import Done, Event
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.face_findings import FaceFindings
from prism_desktop.ui.explore.face_sheet import alike_to
from prism_desktop.ui.explore.operations import thumbnail_paths
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.widgets.basics import label, rows
from prism_desktop.ui.widgets.face_row import FaceRow


class AlikeFaces(QWidget):
    """Two rows of faces; looked for only while it is seen."""

    opened = Signal(int)  # row of a face

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._data: RunData | None = None
        self._asked: tuple[int, str, str] | None = None
        self._told: tuple[tuple[int, ...], tuple[int, ...], str] | None = None
        self.findings = FaceFindings(context, self)
        self.findings.came.connect(self._show)
        self.findings.failed.connect(self._fail)
        self.features, self.taste = (
            FaceRow(context.theme, lambda key: thumbnail_paths(self._data, key)) for _ in range(2)
        )
        self.features.setAccessibleName("Faces alike in what the model sees")
        self.taste.setAccessibleName("Faces alike to the labeler")
        self._by_features, self._by_taste = (label("", "small", wrap=True) for _ in range(2))
        for each in (self.features, self.taste):
            each.opened.connect(self.opened)
        self.setLayout(
            rows(self._by_features, self.features, self._by_taste, self.taste, None, gap=4)
        )

    def ask(self, data: RunData | None, face: int, labeler: str, attribute: str) -> None:
        """Look for the faces like this one, as soon as they are seen."""
        if data is not self._data:
            for each in (self.features, self.taste):
                each.thumbnails.clear()
        self._data, self._asked = data, (face, labeler, attribute)
        self._look()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look()

    def idle(self) -> bool:
        """Whether everything asked for has been shown."""
        strips = self.features, self.taste
        return not self.isVisible() or (
            not self.findings.busy and all(each.thumbnails.idle() for each in strips)
        )

    def _look(self) -> None:
        data, asked = self._data, self._asked
        if data is None or asked is None or not self.isVisible():
            self.findings.forget()
            return
        face, labeler, attribute = asked
        if not data.images or face >= len(data.images):
            return

        def ask() -> Iterator[Event[dict[str, Any]]]:
            return data.model().faces("alike", labeler, attribute, data.images[face])

        def work() -> Iterator[Event[Any]]:
            for event in alike_to(data, face, labeler, attribute, ask):
                if isinstance(event, Done):
                    self._told = event.value
                yield event

        self.findings.want((id(data), asked), work)

    def _show(self) -> None:
        data, told, asked = self._data, self._told, self._asked
        if data is None or told is None or asked is None:
            return
        features, taste, how = told
        for strip, found in ((self.features, features), (self.taste, taste)):
            strip.setVisible(bool(found))
            strip.show_faces([(row, data.images[row], data.image_names[row]) for row in found])
        self._by_features.setText(
            "Nearest in what the model sees"
            if features
            else data.words.told(
                "This run does not keep what its model sees, so it cannot tell which faces look "
                "alike to it."
            )
        )
        who = data.names.get(asked[1], asked[1])
        self._by_taste.setText(f"Alike to {who} as {asked[2]}: {how}" if taste else "")

    def _fail(self, why: str) -> None:
        for strip in (self.features, self.taste):
            strip.show_faces([])
        self._by_features.setText(why)
        self._by_taste.setText("")
