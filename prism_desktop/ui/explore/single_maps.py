"""The single maps of a mean map: those plain that pass their own test, the others faint."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Signal
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.operations import FAINT, OPACITY
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.widgets.basics import label, rows
from prism_desktop.ui.widgets.heat import UNREADABLE
from prism_desktop.ui.widgets.map_strip import MapStrip
from prism_desktop.ui.widgets.text_picture import Sources
from prism_desktop.ui.widgets.thumbnails import Thumbnails

if TYPE_CHECKING:
    from prism_desktop.engine.analysis.mean_relevance import MeanRelevance

_SIDE = 72  # px of a face
_MOST = 60  # faces that are shown


class SingleMaps(QWidget):
    """A strip of faces with their maps; a click is a wish to see one large."""

    chosen = Signal(str)  # the key of a face

    def __init__(self, context: AppContext, files: Callable[[str], Sources]) -> None:
        """`files(key)` lists where the picture of a face may lie."""
        super().__init__()
        self._shown: MeanRelevance | None = None
        self.told = label("", "small", wrap=True)
        self.tiles = MapStrip(context.theme, "Single maps", _SIDE)
        self.tiles.chosen.connect(self.chosen)
        self.pictures = Thumbnails(files, self)
        self.pictures.resize(2 * _SIDE)
        self.pictures.arrived.connect(self._arrived)
        self.setLayout(rows(self.told, self.tiles, gap=2))
        self.hide()

    def show_maps(self, data: RunData | None, found: "MeanRelevance | None") -> None:
        """Show those of a mean map; none for None."""
        self.setVisible(data is not None and found is not None)
        if found is self._shown:
            return
        self._shown = found
        if data is None or found is None:
            self.tiles.offer((), OPACITY)
            return
        whole = QRectF(0, 0, 1, 1)  # a picture is the central square, which is what a model sees
        faces = [key for key in found.faces if key in data.row][:_MOST]
        names = {key: Path(data.image_names[data.row[key]]).stem for key in faces}
        self.tiles.offer([(key, names[key], None) for key in faces], OPACITY)
        for place, key in enumerate(found.faces):
            tile = self.tiles.tile(key)
            if tile is None:
                continue
            passed = bool(found.passed[place])
            tile.set_opacity(OPACITY * (1 if passed else FAINT))
            tile.show_map([(found.grids[place], whole)], passed, found.single_told(place))
        self.tiles.settle_scale()
        self.told.setText(self._words(found, len(faces)))
        self._arrived(set(faces))

    def idle(self) -> bool:
        """Whether every picture is there."""
        return self.pictures.idle()

    def _words(self, found: "MeanRelevance", shown: int) -> str:
        first = f"The first {shown} single maps" if shown < len(found.faces) else "Single maps"
        passed = f"{found.test.passed} of {counted(len(found.faces), 'map')} pass their own test"
        colours = "Red is for, blue against. " if self.tiles.scale.signed else ""
        return f"{first}; {passed}, the others are faint. {colours}A click opens the face."

    def _arrived(self, keys: set[str]) -> None:
        for key in keys:
            tile = self.tiles.tile(key)
            picture = None if tile is None else self.pictures.get(key)
            if tile is not None and picture is not None:
                tile.show_image(picture.toImage(), words=UNREADABLE if picture.isNull() else "")
