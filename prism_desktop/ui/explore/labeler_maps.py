"""The labeler maps: every labeler's relevance map of one face, side by side,
computed one after another and shown as they come."""

from collections.abc import Collection, Iterable

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.analysis.map_scale import MapScale
from prism_desktop.engine.methods import CONSENSUS
from prism_desktop.engine.series_colours import labeler_place
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.operations import FaceRelevance
from prism_desktop.ui.explore.relevance_maps import MapRequest, RelevanceMaps
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.map_strip import MapStrip
from prism_desktop.ui.widgets.possible import allow

_WHAT = "Relevance maps, one per labeler, each tested. The first takes some seconds."


class LabelerMaps(QWidget):
    """The tiles with how far they are and a way to stop; an invitation while no maps are wanted."""

    chosen = Signal(str)  # labeler, to be shown large
    changed = Signal()  # a map came, or no more will
    wanted = Signal()  # maps, of whatever kind

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._names: dict[str, str] = {}
        # who entered after the training: the model that makes maps does not know them
        self._late: set[str] = set()
        self._wanted: tuple[str, ...] = ()  # whose maps are shown, the large one's too
        self._opacity = 0.6
        self.problem = ""  # why no more maps come
        self.maps = RelevanceMaps(context, self)
        self.maps.came.connect(self._came)
        self.maps.moved.connect(self._moved)
        self.maps.failed.connect(self._failed)
        self.tiles = MapStrip(context.theme, "Every labeler's map")
        self.tiles.chosen.connect(self.chosen)
        self.progress = label("", "small")
        self.stop = button("Stop", self._toggle, "quiet")
        self.stop.setFixedHeight(28)
        self._title = label("Every labeler's map", "strong")
        head = columns(self._title, self.progress, None, self.stop, gap=GRID)
        head.addStrut(28)  # with and without the button
        self._tiled = QWidget()
        self._tiled.setLayout(rows(head, self.tiles, gap=4))
        self.invite = button("Show where each model looks", self.wanted.emit)
        self.why = label(_WHAT, "small", wrap=True)
        self._bare = QWidget()
        self._bare.setLayout(rows(columns(self.invite, None), self.why, gap=4))
        self._tiled.hide()
        self.setLayout(rows(self._bare, self._tiled, gap=0))

    def show_run(
        self, data: RunData | None, only: Collection[str] | None = None, faces: int = 1
    ) -> None:
        """Another run: its labelers, of them some alone where wanted, none of their maps; of one
        face each, or of a pair."""
        self.maps.forget()
        self.setVisible(data is None or not data.texts)
        reason = "" if data is None else data.obstacles.maps
        allow(reason, self.invite)
        self.why.setText(reason or _WHAT)
        self._names, self._late = {}, set() if data is None else set(data.adapted_labelers)
        # whose maps are all the same
        if data is not None and data.summary.method != CONSENSUS:
            self._names = {
                code: data.names[code]
                for code in data.labelers
                if code not in data.adapted_labelers and (only is None or code in only)
            }
        self._title.setText("Every labeler's map" if only is None else "Where their models look")
        everybody = data.everybody if data is not None else ()
        tiles = [(code, name, labeler_place(everybody, code)) for code, name in self._names.items()]
        self.tiles.offer(tiles, self._opacity, faces)

    def show_image(self, image: QImage, which: int = 0, words: str = "") -> None:
        """The face behind the maps, or `words` on why there is none; `which` of a pair."""
        self.tiles.show_image(image, which, words)

    def show_maps(self, data: RunData | None, asked: MapRequest | None, labeler: str) -> None:
        """Show every labeler's map, this one's first; None for none."""
        self.problem = ""
        self._bare.setVisible(asked is None)
        self._tiled.setVisible(asked is not None and bool(self._names))
        first = [] if labeler in self._late else [labeler]
        self._wanted = (*first, *(code for code in self._names if code != labeler))
        self.maps.want(data, asked, self._wanted)
        self.tiles.check(labeler)

    def first(self, labeler: str) -> None:
        """This labeler's map is wanted large."""
        self.problem = ""
        self.tiles.check(labeler)
        if labeler not in self._late:
            self.maps.first(labeler)

    def focus(self, labeler: str) -> None:
        """Put the keyboard on a labeler's tile."""
        tile = self.tiles.tile(labeler)
        if tile is not None:
            tile.setFocus()

    def found(self, labeler: str) -> FaceRelevance | None:
        """A labeler's map, if it is there."""
        return self.maps.found(labeler)

    def set_opacity(self, opacity: float) -> None:
        """Of all maps, 0 to 1."""
        self._opacity = opacity
        for code in self._names:
            tile, found = self.tiles.tile(code), self.maps.found(code)
            if tile is not None:
                tile.set_opacity(opacity * (1 if found is None else found.opacity))

    @property
    def scale(self) -> MapScale:
        """Of every labeler's map, so that the one shown large has the colours of the small ones."""
        return self.tiles.scale

    def _came(self, labeler: str) -> None:
        self._show((labeler,))

    def _failed(self, why: str) -> None:
        self.problem = why

    def _moved(self) -> None:
        self._show(self._names)

    def _show(self, codes: Iterable[str]) -> None:
        """What is there of these labelers' maps, all maps on one scale."""
        for code in codes:
            self._fill(code)
        there = (self.maps.found(code) for code in self._wanted)
        self.tiles.settle_scale(grid for each in there if each is not None for grid in each.grids)
        self._show_progress()
        self.changed.emit()

    def _fill(self, code: str) -> None:
        tile, found = self.tiles.tile(code), self.maps.found(code)
        if tile is None:
            return
        if found is None:
            tile.wait("It is being computed." if self.maps.busy else "Not computed yet.")
        else:
            tile.set_opacity(self._opacity * found.opacity)
            both = [found] if found.second is None else [found, found.second]
            maps = [(each.values, QRectF(*each.area)) for each in both]
            tile.show_map(maps, found.passed, found.verdict)

    def _show_progress(self) -> None:
        count, left = len(self._names), len(self.maps.missing(tuple(self._names)))
        done = f"{count - left} of {count}"
        whole = "All on one colour scale; a tick or a cross: its own test"
        self.progress.setText(
            f"computing, {done}" if self.maps.busy else f"{done}, stopped" if left else whole
        )
        self.stop.setText("Stop" if self.maps.busy else "Try again" if self.problem else "Go on")
        self.stop.setAccessibleName(
            "Stop computing maps" if self.maps.busy else "Compute the missing maps"
        )
        self.stop.setVisible(bool(left))

    def _toggle(self) -> None:
        if self.maps.busy:
            self.maps.stop()
        else:
            self.problem = ""
            self.maps.go_on()
