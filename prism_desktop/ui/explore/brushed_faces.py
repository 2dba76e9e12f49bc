"""The faces that are brushed on their map, for all views: how many, and the way back to all."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.analysis.face_ranking import NOWHERE
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.face_findings import FaceFindings
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import AXIS, BRUSHED, Selection
from prism_desktop.ui.plain import literal, set_tip
from prism_desktop.ui.widgets.basics import button, columns, label


class BrushedFaces(QWidget):
    """Stands beside the views' names: how many faces are brushed, or that what is shown is of all.

    It finds the map of the faces out where a brush comes without one, from a named view.
    """

    changed = Signal()  # another brush, or it is known now which faces it holds

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context, self._selection = context, Selection()
        self._data: RunData | None = None
        self.told = label("", "small")
        self.clear = button("Show all faces", self._clear, "quiet")
        set_tip(self.clear, "Brush none of the faces any more, in any view")
        self.setLayout(columns(self.told, self.clear, gap=4))
        self.findings = FaceFindings(context, self)
        self.findings.came.connect(self.changed)
        self.findings.failed.connect(self._fail)
        self._unknown = ""
        self.hide()

    @property
    def busy(self) -> bool:
        """Whether it is still being found out which faces are brushed."""
        return self.findings.busy

    def look(self, selection: Selection, data: RunData | None) -> None:
        """Say how many faces are brushed, or that the view is of all faces nevertheless."""
        if data is not self._data:
            self.findings.forget()
            self._unknown = ""
        self._selection, self._data = selection, data
        brushed = selection.area != NOWHERE
        self.setVisible(brushed and data is not None and data.knows_faces)
        if not brushed or data is None or not data.knows_faces:
            return
        found = data.brushed(selection.area)
        if not follows(selection):
            those = "those" if found is None else f"the {np.count_nonzero(found):,}"
            self.told.setText(data.words.told(f"Of all faces, not of {those} brushed"))
            return
        if found is None:
            self.told.setText(
                literal(self._unknown or data.words.told("Finding the brushed faces…"))
            )
            if selection.view != "faces" and not self._unknown:  # Faces asks for its map itself
                self.findings.want(id(data), lambda: _find_map(data))
            return
        count = int(np.count_nonzero(found))
        are = word_for(count, "is", "are")
        self.told.setText(f"{counted(count, data.words.one)} {are} brushed")

    def leave(self, selection: Selection, run: str) -> None:
        """Brush no face any more where another run is chosen, which lays them out in its own way;
        called before the selection changes."""
        if selection.area != NOWHERE and run != selection.run:
            selection.area = NOWHERE
            told = "All faces are shown: the brush was of the map of the run before."
            self._context.message(self._context.words.told(told), "info")

    def _clear(self) -> None:
        self._selection.area = NOWHERE
        self.changed.emit()

    def _fail(self, why: str) -> None:
        which = self._context.words.told("Not known which faces are brushed")
        self._unknown = f"{which}: {why}"
        self.changed.emit()


def follows(selection: Selection) -> bool:
    """Whether what is shown lists faces, which brushed ones are; statistics are of all faces."""
    profile = selection.view == "taste" and selection.taste != AXIS
    return selection.view in BRUSHED and not profile


def _find_map(data: RunData) -> Iterator[Event[Any]]:
    """Find out where the faces lie on their map."""
    for event in data.model().faces("plane"):
        if isinstance(event, Done):
            data.plane = event.value["at"]
        yield event
