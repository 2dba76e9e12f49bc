"""The where view: where a labeler's model looks over many faces, and whether that is to be
believed."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.engine.series_colours import labeler_place
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations, view_figures
from prism_desktop.ui.explore.attention_pickers import AttentionPickers
from prism_desktop.ui.explore.operations import MAPS, WORD_MAPS, ManyMaps, ManyWordMaps, MapsRequest
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import MAPPED, OTHERS
from prism_desktop.ui.explore.single_maps import SingleMaps
from prism_desktop.ui.explore.view import ExportFigure, ExportTable, View, captioned, picker, settle
from prism_desktop.ui.explore.where_words import WordPage, who_of
from prism_desktop.ui.job import Job
from prism_desktop.ui.plain import literal
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows
from prism_desktop.ui.widgets.cards import LowScroll
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.flow import FlowBox
from prism_desktop.ui.widgets.heat import Heat, mean_face
from prism_desktop.ui.widgets.map_strip import MapStrip
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.possible import allow
from prism_desktop.ui.widgets.region_bars import RegionBar, RegionBars
from prism_desktop.ui.widgets.text_picture import Sources

_COUNTS = {str(count): counted(count, "face") for count in MAPPED}
_NOBODY = ""
_LEAST = 250  # px, the height below which the view scrolls; with single maps that of the next
_LEAST_MAPPED = 430
_SEGMENTS = 4  # attributes that have a button each; more are in a list
_INVITE = (
    "Maps of many faces, each tested against random attribution and the centre prior. "
    "It takes about a minute for each labeler and is kept."
)
_MEAN = "Mean map over the mean of the faces"
_KEY = (
    "Bar: share of the maps' mass, with its interval. Tick: its share of the area. Ring: what "
    "random tastes have there on average."
)
_HEAD = ("region", "mass", "low", "high", "area", "times area", "p")


class WhereView(View):
    """The mean map at the left, what it says and what that is worth at the right, every labeler
    below."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._kept: dict[MapsRequest, ManyMaps | ManyWordMaps] = {}  # the run's
        self._names: dict[str, str] = {}
        self._job: Job | None = None
        self._asked: MapsRequest | None = None  # what is being computed
        self._problem = ""
        self._make()
        self._lay_out()

    def _make(self) -> None:
        theme = self.context.theme
        self._choice = Segments({"": ""})
        self.attribute, self._listed = picker("Attribute", self._choose_attribute, 96)
        self.kind, self._kind = picker("Relevance map", self._choose_kind, 96)
        self.kind.offer(list(MAPS.items()))
        self.attention = AttentionPickers(self._choose_kind)
        self.faces, self._faces = picker("Faces", self._choose_many, 84)
        self.faces.offer(list(_COUNTS.items()))
        self.against, self._against = picker("Compare with", self._choose_against, 96)
        self.heat, self.more = (Heat(theme, ("less", "more")) for _ in range(2))
        self.answer = label("", "heading", wrap=True)
        self.compared = label("", "strong", wrap=True)
        self.doubts = label("", "small", wrap=True)
        for each in (self.answer, self.compared, self.doubts):
            each.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bars = RegionBars(theme)
        self.key = label(_KEY, "small", wrap=True)
        self.singles = SingleMaps(self.context, self._files)
        self.singles.chosen.connect(self._open_face)
        self.tiles = MapStrip(theme, "Every labeler's map")
        self.tiles.chosen.connect(self._choose_labeler)
        self.invite = button("Show where each model looks", self._begin)
        self.stop = button("Stop", self._halt, "quiet")
        self.progress = label("", "small")
        self.words = WordPage(self.context)
        self.words.labeler_chosen.connect(self._choose_labeler)
        self.words.wanted.connect(self._begin)
        self.words.stopped.connect(self._halt)

    def _lay_out(self) -> None:
        """What maps are of on top, the map and its meaning in two cards, the labelers below."""
        tools = FlowBox(GRID + 4)
        self._attributes = captioned("Attribute", self._choice)
        for each in (
            self._attributes, self._listed, self._kind, *self.attention.holders, self._faces,
            self._against,
        ):  # fmt: skip
            tools.flow.addWidget(each)
        body = columns(frame("card", self._lay_out_maps()), self._lay_out_meaning(), gap=2 * GRID)
        body.setStretch(0, 9)
        body.setStretch(1, 11)
        head = columns(
            label("Every labeler", "strong"), self.progress, None, self.stop, self.invite, gap=GRID
        )
        head.addStrut(28)
        self._body = LowScroll(body, _LEAST)
        maps = QWidget()
        parts = rows(self._body, rows(head, self.tiles, gap=4), gap=2 * GRID)
        parts.setStretch(0, 1)
        maps.setLayout(parts)
        # why, and the way to a run that has some, stand below the view
        self.none = EmptyState(
            self.context.theme, "image", "This run has no maps",
            "Over many faces, maps show where each labeler's model looks, and whether that is to "
            "be believed.",
        )  # fmt: skip
        self._pages = QStackedWidget()
        for page in (maps, self.none, self.words):
            self._pages.addWidget(page)
        whole = rows(tools, self._pages, gap=2 * GRID)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def _lay_out_maps(self) -> QVBoxLayout:
        """The mean map, and beside it what it has more of than somebody else's."""
        self._caption = label(_MEAN, "small", wrap=True)
        self._more_caption = label("", "small", wrap=True)
        one, two = QWidget(), QWidget()
        for holder, heat, caption in (
            (one, self.heat, self._caption),
            (two, self.more, self._more_caption),
        ):
            inside = rows(heat, caption, gap=4)
            inside.setStretch(0, 1)
            holder.setLayout(inside)
        self._beside = two
        layout = rows(columns(one, two, gap=GRID), self.singles, gap=GRID)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, GRID + 4)
        layout.setStretch(0, 1)
        return layout

    def _lay_out_meaning(self) -> QWidget:
        inside = QWidget()
        inside.setLayout(
            rows(self.answer, self.compared, self.bars, self.key, self.doubts, None, gap=GRID + 4)
        )
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setProperty("role", "reach")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = rows(scroll, gap=0)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, GRID + 4)
        return frame("card", layout)

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        self._end()
        self._kept.clear()
        self._problem = ""
        reason = "" if data is None else data.obstacles.maps
        allow(reason, self.invite, self.kind, self.faces, self.against)
        texts = data is not None and bool(data.texts)
        self._pages.setCurrentIndex(1 if reason else 2 if texts else 0)
        kinds = WORD_MAPS if texts else MAPS
        self.kind.offer(list(kinds.items()))
        self.kind.settle(next(iter(kinds)))  # unless this study's selection says another
        self.attention.offer(*((0, 0) if data is None else data.attention))
        late = () if data is None else data.adapted_labelers
        self._names = (
            {}
            if data is None
            else {data.labelers[0]: "Everybody"}
            if data.ignores_labelers
            else {code: data.names[code] for code in data.labelers if code not in late}
        )
        everybody = data.everybody if data is not None else ()
        self.words.offer(self._names)
        shown = {} if texts else self._names
        self.tiles.offer(
            [(code, name, labeler_place(everybody, code)) for code, name in shown.items()], 0.6
        )
        self._offer()
        self._settle()
        self._look()
        self._show()

    @property
    def _of_texts(self) -> bool:
        return self.data is not None and bool(self.data.texts)

    @property
    def _looking(self) -> bool:
        """Whether somebody asked for maps of this run."""
        return self.data is not None and self.selection.mapped == str(self.data.folder)

    def _offer(self) -> None:
        """The run's attributes, as buttons where they are few, and whom to compare with."""
        names = [] if self.data is None else list(self.data.attributes)
        few = 0 < len(names) <= _SEGMENTS
        fresh = Segments({name: literal(name) for name in names} if few else {"": ""})
        fresh.picked.connect(self._pick_attribute)
        place = self._attributes.layout()
        assert place is not None
        place.replaceWidget(self._choice, fresh)
        self._choice.deleteLater()
        self._choice = fresh
        self._attributes.setVisible(few)
        self._listed.setVisible(bool(names) and not few)
        self.attribute.offer([(name, name) for name in names])
        others = [] if len(self._names) < 2 else list(self._names.items())
        mean = [(OTHERS, "The others' mean")] if others else []
        self.against.offer([(_NOBODY, "Nobody"), *mean, *others])

    def show_selection(self) -> None:
        if self._settle():
            self._look()
        self._show()

    def _settle(self) -> bool:
        """Bring the controls to what is chosen; whether that is something else than before."""
        chosen = self.selection
        if self.data is not None and self._names:
            if chosen.labeler not in self._names:
                chosen.labeler = next(iter(self._names))
            if chosen.attribute not in self.data.attributes:
                chosen.attribute = self.data.attributes[0]
        if self._choice.has(chosen.attribute):
            self._choice.settle(chosen.attribute)
        moved = settle(self.attribute, chosen.attribute)
        if chosen.map and self.kind.has(chosen.map.split(":")[0]):
            self.kind.settle(self.attention.settle(chosen.map))
        self.faces.settle(str(chosen.many))
        known = self.against.has(chosen.against)
        self.against.settle(chosen.against if known else _NOBODY)
        self.tiles.check(chosen.labeler)
        settle(self.words.labeler, chosen.labeler)
        return moved or self._request() != self._asked

    def _pick_attribute(self, name: str) -> None:
        self.attribute.settle(name)
        self._choose_attribute()

    def _choose_attribute(self) -> None:
        self.selection.attribute = self.attribute.key
        if self._choice.has(self.attribute.key):
            self._choice.settle(self.attribute.key)
        self._choose()

    def _choose_labeler(self, code: str) -> None:
        """A click on a labeler asks for their map; of texts they are chosen from a list."""
        self.selection.choose_labeler(code)
        if self._of_texts and not self._looking:
            self._choose()
        else:
            self._begin()

    def _choose_kind(self) -> None:
        self.selection.map = self.attention.whole(self.kind.key)
        self._choose()

    def _choose_many(self) -> None:
        self.selection.many = int(self.faces.key)
        self._choose()

    def _choose_against(self) -> None:
        self.selection.against = self.against.key
        self._choose()

    def _choose(self) -> None:
        self._problem = ""
        self.attention.show_for(self.kind.key)
        self._look()
        self._show()

    def _begin(self) -> None:
        if self.data is not None:
            self.selection.mapped = str(self.data.folder)
        self._choose()

    def _halt(self) -> None:
        self.selection.mapped = ""
        self._end()
        self._show()

    def _request(self, labeler: str = "") -> MapsRequest | None:
        """What the controls stand at, of this labeler or the chosen one."""
        code = labeler or self.selection.labeler
        if self.data is None or code not in self._names or not self.attribute.key:
            return None
        against = self.against.key if self.against.key != code else _NOBODY
        kind = self.attention.whole(self.kind.key)
        return MapsRequest(code, self.attribute.key, int(self.faces.key or 100), kind, against)

    def _look(self) -> None:
        """Compute what is chosen, if it is not there and maps are wanted."""
        asked = self._request()
        if asked == self._asked and self._job is not None:
            return
        self._end()
        data = self.data
        if not self._looking or asked is None or data is None or asked in self._kept:
            return
        if data.obstacles.maps:
            return

        def on_events(events: list[Any]) -> None:
            for event in events:
                if self._job is not job:  # it was stopped
                    return
                if isinstance(event, ManyMaps | ManyWordMaps):
                    self._kept[asked] = event
                elif hasattr(event, "what"):
                    self._tell(event)

        def failed(error: Exception) -> None:
            if self._job is job:
                self._problem = str(error)

        def done() -> None:
            if self._job is job:
                self._job = self._asked = None
                self._show()

        work = operations.many_maps(data, asked)
        self._asked = asked
        self._job = job = self.context.jobs.start(
            work, "Maps of many faces", quiet=True, events=on_events, owner=self
        )
        job.failed.connect(failed)
        job.finished.connect(done)

    def _end(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = self._asked = None

    def _tell(self, event: Any) -> None:
        told = self.words.progress if self._of_texts else self.progress
        share = f", {100 * event.done / event.total:.0f}%" if event.total else ""
        told.setText(f"{event.what}{share}")

    def idle(self) -> bool:
        return self._job is None and self.singles.idle()

    def _files(self, key: str) -> Sources:
        """Where the picture of a face may lie."""
        return operations.thumbnail_paths(self.data, key)

    def _open_face(self, key: str) -> None:
        """One face, with the same kind of map of the same labeler."""
        if self.data is not None and key in self.data.row:
            self.selection.map = self.attention.whole(self.kind.key)
            self.face_wanted.emit(self.data.row[key])

    def _found(self) -> ManyMaps | None:
        found = self._kept.get(asked) if (asked := self._request()) else None
        return found if isinstance(found, ManyMaps) else None

    def _words_found(self) -> ManyWordMaps | None:
        """The same of a run on texts."""
        found = self._kept.get(asked) if (asked := self._request()) else None
        return found if isinstance(found, ManyWordMaps) else None

    def _show(self) -> None:
        """Show what is there, or say why nothing is."""
        if self.data is not None and self.data.texts:
            there, busy = self._words_found(), self._job is not None
            maps, who = (None, "") if there is None else (there.maps, who_of(there, self._names))
            self.words.show_maps(self.data, maps, who, busy=busy, why=self._problem)
            return
        found = self._found()
        self.tiles.check(self.selection.labeler)
        for code in self._names:
            self._show_tile(code)
        self.tiles.settle_scale(
            [] if found is None or found.maps.more is None else [found.maps.more]
        )
        self._show_maps(found)
        busy = self._job is not None
        self.stop.setVisible(busy)
        self.invite.setVisible(not busy and found is None)
        if not busy:
            self.progress.setText("A tick or a cross: whether the maps' own test supports them")
        self.key.setVisible(found is not None)
        self.bars.setVisible(found is not None)
        if found is None:
            self._tell_nothing(busy)
            return
        who, other = (self._names.get(code, code) for code in (found.labeler, found.against))
        self.answer.setText(found.maps.answer(who))
        self.compared.setText(found.maps.compared(who, other))
        self.doubts.setText("\n".join(found.maps.doubts(who)))
        self.bars.show_bars(
            [
                RegionBar(
                    each.region,
                    each.mass,
                    each.low,
                    each.high,
                    each.area,
                    each.random,
                    each.stands_out,
                )
                for each in found.maps.regions
            ]
        )

    def _tell_nothing(self, busy: bool) -> None:
        """Say why there is no map; what hinders all maps stands above the view, with a way out."""
        hindered = self.data is not None and bool(self.data.obstacles.maps)
        problem = self._problem
        self.answer.setText(f"No maps: {problem}" if problem else "Where does the model look?")
        self.doubts.setText("" if hindered else "Looking…" if busy else _INVITE)
        self.compared.setText("")

    def _show_maps(self, found: ManyMaps | None) -> None:
        """The mean face and the maps over it, faint where their test does not support them."""
        self.compared.setVisible(found is not None and bool(found.maps.differences))
        self._beside.setVisible(found is not None and found.maps.more is not None)
        self.singles.show_maps(self.data, None if found is None else found.maps)
        self._body.need(_LEAST if found is None else _LEAST_MAPPED)
        face = QImage() if found is None else mean_face(found.maps.picture)
        for heat in (self.heat, self.more):
            heat.show_image(face)
        if found is None:
            return
        whole, scale = QRectF(0, 0, 1, 1), self.tiles.scale
        self.heat.show_map(found.maps.grid, whole, scale)
        self.heat.set_opacity(found.opacity)
        compared = found.maps.more is not None
        self._caption.setText(_MEAN + (", on the scale of the difference" if compared else ""))
        if found.maps.more is not None:
            self.more.show_map(found.maps.more, whole, scale)
            self.more.set_opacity(found.opacity)
            other = self._names.get(found.against, "the others' mean")
            self._more_caption.setText(f"Red: more than {other}; blue: less")

    def _show_tile(self, code: str) -> None:
        tile, asked = self.tiles.tile(code), self._request(code)
        found = None if asked is None else self._kept.get(asked)
        if tile is None or isinstance(found, ManyWordMaps):
            return
        if found is None:
            tile.show_image(QImage(), words="A click computes it")
            tile.wait("Not computed yet; a click does.")
            return
        tile.show_image(mean_face(found.maps.picture))
        tile.set_opacity(found.opacity)
        whole = found.maps.grid, QRectF(0, 0, 1, 1)
        tile.show_map([whole], found.maps.supported, found.maps.answer(self._names[code]))

    def table(self) -> ExportTable | None:
        if (words := self._words_found()) is not None:
            return self.words.table(words.maps)
        found = self._found()
        if found is None:
            return None
        body = [
            (each.region, each.mass, each.low, each.high, each.area, each.ratio, each.p)
            for each in found.maps.regions
        ]
        return ExportTable(f"where {found.labeler} {found.maps.attribute}", _HEAD, body)

    @property
    def has_table(self) -> bool:
        return bool(self._found() or self._words_found())

    def figure(self) -> ExportFigure | None:
        if (words := self._words_found()) is not None:
            return self.words.figure(words.maps, who_of(words, self._names))
        found, data = self._found(), self.data
        if found is None or data is None:
            return None
        people: Mapping[str, str] = with_codes(data.names)
        who, other = (people.get(code, code) for code in (found.labeler, found.against))
        return ExportFigure(
            f"where {found.labeler} {found.maps.attribute}",
            lambda target: view_figures.draw_where(target, found.maps, who, other),
        )

    def command(self) -> list[str] | None:
        asked, data = self._request(), self.data
        if data is None or asked is None or not self.has_table:
            return None
        chosen = ["--labeler", asked.labeler, "--attribute", asked.attribute]
        many = "--texts" if data.texts else "--faces"
        chosen += [many, str(asked.faces), "--kind", asked.kind]
        chosen += ["--against", asked.against] if asked.against else []
        return ["relevance", str(data.folder), *chosen, "--figure", "where.svg"]
