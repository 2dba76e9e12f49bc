"""The face view: one face in detail, what each labeler's model predicts,
what was labeled, and where the model looks."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QSizePolicy, QSlider, QStackedWidget, QVBoxLayout, QWidget

from prism_desktop.engine.analysis.face_figures import draw_strip
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations, view_figures
from prism_desktop.ui.explore.alike_faces import AlikeFaces
from prism_desktop.ui.explore.attention_pickers import AttentionPickers
from prism_desktop.ui.explore.face_answers import AnswerTable
from prism_desktop.ui.explore.face_predictions import FacePredictions
from prism_desktop.ui.explore.face_sheet import HEAD, sheet_at, strip_of, table
from prism_desktop.ui.explore.labeler_maps import LabelerMaps
from prism_desktop.ui.explore.operations import FACE_MAPS, MAPS, TEXT_MAPS, FaceRelevance
from prism_desktop.ui.explore.relevance_maps import MapRequest
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import ALIKE, ANSWERS, FaceOrder
from prism_desktop.ui.explore.view import (
    ExportFigure,
    ExportTable,
    LazyRows,
    View,
    labeler_choices,
    picker,
    settle,
)
from prism_desktop.ui.explore.word_shading import WordRequest, WordShading
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.shortcuts import bind, press_by
from prism_desktop.ui.widgets.basics import (
    GRID,
    IconButton,
    button,
    columns,
    frame,
    label,
    restyle,
    rows,
)
from prism_desktop.ui.widgets.cards import LowScroll
from prism_desktop.ui.widgets.fields import HintedLine
from prism_desktop.ui.widgets.flow import FlowBox
from prism_desktop.ui.widgets.heat import UNREADABLE, Heat, read_image
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.possible import allow
from prism_desktop.ui.widgets.read_text import ReadText

NO_MAP = ""
_LEAST = 500  # px, the height below which a face and its numbers scroll; with a map the next
_LEAST_MAPPED = 620
_LEAST_TEXT = 455  # a text scrolls in the room that it has


class FaceView(View):
    """The face on the left, numbers and answers on the right."""

    back_wanted = Signal()  # to where the face was chosen

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self.face, self._place, self._order = 0, 0, FaceOrder()
        self._relevance: FaceRelevance | None = None
        self._image, self._reading, self._texts = QImage(), False, False
        self._make()
        self._lay_out()

    def _make(self) -> None:
        theme = self.context.theme
        self.name = label("", "heading")
        self.place = label("", "small")
        self.place.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.place.setAccessibleName("Place in the order that Next and Previous follow")
        self.before = IconButton(
            theme, "chevron-left", "Previous face (Alt+Left)", lambda: self._step(-1)
        )
        self.after = IconButton(
            theme, "chevron-right", "Next face (Alt+Right)", lambda: self._step(1)
        )
        press_by(self.before, "face before")
        press_by(self.after, "face after")
        self.back = button(
            "Back", self.back_wanted.emit, "quiet", tip="Back to where the face was chosen (Esc)"
        )
        inside = Qt.ShortcutContext.WidgetWithChildrenShortcut
        bind(self, "face back", self.back_wanted.emit, inside)
        self.setFocusProxy(self.after)  # Space goes to the next face
        self.search = HintedLine("Go to a face by name")
        self.search.setMaximumWidth(220)
        self.search.returnPressed.connect(self._go)
        self._make_maps()
        self.predictions = FacePredictions(self.context)
        self.predictions.chosen.connect(self._choose)
        self.answers = AnswerTable()
        self.alike = AlikeFaces(self.context)
        for each in (self.answers, self.alike):
            each.opened.connect(lambda row: self.show_face(row))
        self.below = Segments({ANSWERS: "What was labeled", ALIKE: "Faces alike"})
        self.below.picked.connect(self._show_below)

    def _make_maps(self) -> None:
        """The face with its map, what the map is of, and every labeler's small one."""
        self.heat, self.text = Heat(self.context.theme), ReadText()
        self.shading = WordShading(self.context, self.text)
        self.shading.wanted.connect(self._map)
        self.stage = QStackedWidget()
        for each in (self.heat, self.text):
            self.stage.addWidget(each)
        self.labeler, self._labeler = picker("Labeler", self._choose_labeler, 84)
        self.attribute, self._attribute = picker("Attribute", self._choose_attribute, 84)
        self.kind, self._kind = picker("Relevance map", self._choose_map, 96)
        self.kind.offer([(NO_MAP, "None"), *FACE_MAPS.items()])
        self.attention = AttentionPickers(self._choose_map)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(60)
        self.opacity.setMinimumWidth(60)
        self.opacity.setAccessibleName("Opacity of the map")
        set_tip(self.opacity, "Opacity of the map")
        self.labeler_maps = LabelerMaps(self.context)
        self.labeler_maps.chosen.connect(self.labeler.pick)
        self.labeler_maps.changed.connect(self._lay_map)
        self.labeler_maps.wanted.connect(self._map)
        self.opacity.valueChanged.connect(self._fade)
        self.verdict = label("", "small", wrap=True)
        self.verdict.hide()
        self.verdict.setMinimumHeight(34)  # two lines, so that nothing jumps when the map comes
        self.verdict.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.own_token = label("", "small", wrap=True)
        self.own_token.hide()

    def _lay_out(self) -> None:
        """A bar on top, the face with its maps at the left, the numbers at the right."""
        top = columns(
            self.back,
            self.name,
            self.place,
            self.search,
            self.before,
            self.after,
            gap=GRID + 4,
        )
        top.setStretch(2, 1)
        body = columns(frame("card", self._lay_out_maps()), self._lay_out_numbers(), gap=2 * GRID)
        body.setStretch(0, 11)
        body.setStretch(1, 9)
        self._body = LowScroll(body, _LEAST)
        whole = rows(top, self._body, gap=2 * GRID)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def _lay_out_maps(self) -> QVBoxLayout:
        """The face, its tools, the verdict on the map, and the small maps below each other."""
        held = columns(self.opacity)
        held.setContentsMargins(0, 4, 0, 4)  # a slider is less tall than the pickers beside it
        last = QWidget()
        last.setLayout(rows(label("Opacity", "field"), held, gap=4))
        self._opacity = last
        tools = FlowBox(GRID + 4)
        for each in (
            self._labeler, self._attribute, self._kind, *self.attention.holders, last,
        ):  # fmt: skip
            tools.flow.addWidget(each)
        told = rows(self.verdict, self.own_token, gap=4)
        left = rows(self.stage, tools, told, self.labeler_maps, self.shading, gap=GRID + 4)
        left.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, GRID + 4)
        left.setStretch(0, 1)
        return left

    def _lay_out_numbers(self) -> QVBoxLayout:
        """The predictions above what was labeled, each in a card."""
        self._below = QStackedWidget()
        for each in (self.answers, self.alike):
            self._below.addWidget(each)
        labeled = rows(columns(self.below, None), self._below, gap=GRID)
        labeled.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        labeled.setStretch(1, 1)
        right = rows(self.predictions, frame("card", labeled), gap=2 * GRID)
        right.setStretch(0, 9)
        right.setStretch(1, 3)
        return right

    def _show_below(self, name: str) -> None:
        self.selection.below = name
        self._below.setCurrentIndex((ANSWERS, ALIKE).index(name))

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        self.predictions.forget()
        self.labeler_maps.show_run(data)
        self.shading.show_run(data)
        self._turn_to_kind(data)
        self.attention.offer(*((0, 0) if data is None else data.attention))
        self.offer()
        self._settle()
        known = data.row.get(self.selection.face) if data is not None else None
        self.show_face(0 if known is None else known, chosen=False)

    def show_answers(self, data: RunData) -> None:
        self.answers.show_answers(data, self.face)

    def _turn_to_kind(self, data: RunData | None) -> None:
        """A face with its maps, or a text with its words shaded."""
        texts = self._texts = data is not None and bool(data.texts)
        self.stage.setCurrentWidget(self.text if texts else self.heat)
        self.kind.offer([(NO_MAP, "None"), *(TEXT_MAPS if texts else FACE_MAPS).items()])
        self._opacity.setVisible(not texts)
        self.labeler_maps.setVisible(not texts)
        self.shading.setVisible(texts)
        allow("" if data is None else data.obstacles.maps, self.kind, self.opacity)

    def show_selection(self) -> None:
        changed = self._settle()
        row = self.data.row.get(self.selection.face) if self.data is not None else None
        if row is not None and row != self.face:
            self.show_face(row)
        elif changed:
            self._changed()

    def follow(self, order: FaceOrder) -> None:
        """Let Next and Previous go through these faces; the first is shown if none was chosen."""
        self._order, self._place = order, 0
        data = self.data
        if data is not None and order.rows and self.selection.face not in data.row:
            self.show_face(order.rows[0], chosen=not self.selection.face)
        self._tell_place()

    def _settle(self) -> bool:
        chosen = self.selection
        self.below.settle(chosen.below)
        self._show_below(chosen.below)
        kind = NO_MAP if self.data is not None and self.data.obstacles.maps else chosen.map
        kind = kind if self.kind.has(kind.split(":")[0]) else NO_MAP  # faces have more of them
        changed = [
            settle(self.labeler, chosen.labeler),
            settle(self.attribute, chosen.attribute),
            self._rule() != kind,
        ]
        self.kind.settle(self.attention.settle(kind))
        return any(changed)

    def _rule(self) -> str:
        """The kind of map, of raw attention with its block and head; empty for none."""
        return self.attention.whole(self.kind.key)

    def _choose_labeler(self) -> None:
        self.selection.choose_labeler(self.labeler.key)
        self._whose()

    def _choose_attribute(self) -> None:
        self.selection.attribute = self.attribute.key
        self._changed()

    def _choose_map(self) -> None:
        self.attention.show_for(self.kind.key)
        self.selection.map = self._rule()
        self._changed()

    def offer(self) -> None:
        """Offer what the run has, also after an attribute was added."""
        self.labeler.offer(*labeler_choices(self))
        self.attribute.offer(
            [(name, name) for name in self.data.attributes] if self.data is not None else []
        )
        self._show_dots()

    def show_face(self, row: int, *, chosen: bool = True) -> None:
        """Show the face in this row of the run's images; `chosen` if somebody chose it."""
        data = self.data
        self.face = row
        if chosen:
            self.choose_face(row)
        self._image, self._reading = QImage(), data is not None and bool(data.images)
        self._show_image()  # the face before must not stand under this one's name
        if data is None or not data.images:
            self.name.setText("")
            self.place.setText("")
            self._changed()
            return
        self.name.setText(data.image_names[row])
        self._tell_place()
        sources = operations.whole_image(data, data.images[row])
        told = data.texts.get(data.images[row])
        if told is not None:
            self.text.show_text(*told)
        self.context.ask(
            lambda: read_image(sources),
            self._shown(row),
            owner=self,
            what=self.words_for("Reading the image"),
            topic="image",
        )
        self.answers.show_answers(data, row)
        self._changed()

    def idle(self) -> bool:
        asking = self.labeler_maps.maps.busy or self.predictions.busy or not self.alike.idle()
        return not asking and not self._reading and self.shading.idle()

    def table(self) -> ExportTable | None:
        data = self.data
        if data is None:
            return None
        if (of_words := self.shading.table()) is not None:
            return of_words
        name = f"{data.words.one} {Path(data.image_names[self.face]).stem}"
        face = self.face
        body = LazyRows(lambda: table(data, face, sheet_at(data, face)))
        return ExportTable(name, data.words.headed(HEAD), body)

    def command(self) -> list[str] | None:
        data = self.data
        if data is None or not data.images:
            return None
        if (of_words := self.shading.command()) is not None:
            return of_words
        if self._relevance is None:
            name = data.image_names[self.face]
            known = data.image_names.count(name) == 1 and self.face < data.given
            which = "--text" if data.texts else "--image", name if known else data.images[self.face]
            told = ["face", str(data.folder), *which, "--figure", "face.svg"]
            return told if self.face < data.given else None
        chosen = ["--labeler", self.labeler.key, "--attribute", self.attribute.key]
        kind, _, against = operations.map_rule(self._rule())
        chosen += ["--image", data.paths[self.face], "--kind", kind]
        chosen += ["--against", against] if against else []
        return ["relevance", str(data.folder), *chosen, "--figure", "map.svg"]

    def figure(self) -> ExportFigure | None:
        """The relevance map if one is shown, else the predictions."""
        data, found = self.data, self._relevance
        if data is None:
            return None
        name = Path(data.image_names[self.face]).stem
        if self.shading.found is not None:
            who, kind = with_codes(data.names)[self.labeler.key], self._rule()
            title = f"{who}, {self.attribute.key}, {name}: {operations.map_title(kind).lower()}"
            return self.shading.figure(title)
        path = Path(data.paths[self.face])
        if found is not None and found.whole is not None:
            whole = found.whole
            who, attribute = with_codes(data.names)[self.labeler.key], self.attribute.key
            title = f"{who}, {attribute}: {operations.map_title(self._rule()).lower()}"
            return ExportFigure(
                f"{name} map",
                lambda target: view_figures.draw_relevance(target, path, whole, title),
            )
        if self.predictions.sheet is None:
            return None
        sheet = strip_of(data, self.face, self.predictions.sheet)
        return ExportFigure(f"{name} predictions", lambda target: draw_strip(target, sheet))

    def _show_dots(self) -> None:
        chosen = self.labeler.key, self.attribute.key
        self.predictions.show_face(self.data, self.face, *chosen)

    def _shown(self, row: int) -> Callable[[QImage], None]:
        def show(image: QImage) -> None:
            if row == self.face:
                self._image, self._reading = image, False
                self._show_image()
                self._lay_map()

        return show

    def _show_image(self) -> None:
        known = self.data is not None and bool(self.data.images)
        words = UNREADABLE if known and not self._reading and self._image.isNull() else ""
        self.heat.show_image(self._image, words)
        self.labeler_maps.show_image(self._image, words=words)

    def _changed(self) -> None:
        """Another face, attribute or kind of map: old maps must not be taken for new ones."""
        self._show_dots()
        self.predictions.look_into()
        data, attribute = self.data, self.attribute.key
        self.alike.ask(data, self.face, self.labeler.key, attribute)
        mapped = (
            data is not None and self.kind.key != NO_MAP and bool(self.labeler.key and attribute)
        )
        seen = mapped and not self._texts
        asked = MapRequest(self.face, attribute, self._rule()) if seen else None
        self._body.need(_LEAST_TEXT if self._texts else _LEAST_MAPPED if mapped else _LEAST)
        self.labeler_maps.show_maps(data, asked, self.labeler.key)
        self._shade_words()
        self._lay_map()

    def _shade_words(self) -> None:
        """Shade the words of a text for the chosen labeler, if a map is wanted."""
        kind, who, what = self._rule(), self.labeler.key, self.attribute.key
        wanted = self._texts and kind != NO_MAP and bool(who and what)
        self.shading.ask(WordRequest(self.face, who, what, kind) if wanted else None)

    def _whose(self) -> None:
        """Another labeler: what was computed for all stays."""
        self._show_dots()
        self.alike.ask(self.data, self.face, self.labeler.key, self.attribute.key)
        self.labeler_maps.first(self.labeler.key)
        self._shade_words()
        self._lay_map()

    def _map(self) -> None:
        self.kind.pick(next(iter(MAPS)))
        # the button that was pressed is gone
        if self._texts:
            self.text.setFocus()
        else:
            self.labeler_maps.focus(self.labeler.key)

    def _lay_map(self) -> None:
        """Lay the chosen labeler's map over the face, or say why there is none."""
        found = self._relevance = self.labeler_maps.found(self.labeler.key)
        if found is None or self._image.isNull():
            self.heat.show_map(None)
        else:
            self.heat.show_map(found.values, QRectF(*found.area), self.labeler_maps.scale)
        self._fade()
        self.own_token.setText("" if found is None else found.attention)
        self.own_token.setVisible(bool(self.own_token.text()))
        if found is not None:
            self._verdict(
                found.verdict, "" if found.passed is None else "good" if found.passed else "bad"
            )
        elif self.kind.key == NO_MAP or self.data is None:
            self._verdict("", "")
        elif self.labeler_maps.problem:
            self._verdict(f"No map: {self.labeler_maps.problem}", "bad")
        elif self.labeler.key in self.data.adapted_labelers:
            who = self.data.names[self.labeler.key]
            self._verdict(
                f"No map: {who} was added after the training, and maps are made of trained models "
                "alone.",
                "",
            )
        else:
            self._verdict(
                "Computing the map…"
                if self.labeler_maps.maps.busy
                else "Stopped before this map was made.",
                "",
            )

    def _fade(self) -> None:
        """Lay maps as opaque as the slider says, and fainter what its own test does not support."""
        chosen = self.opacity.value() / 100
        self.labeler_maps.set_opacity(chosen)
        self.heat.set_opacity(chosen * (1 if self._relevance is None else self._relevance.opacity))

    def _verdict(self, text: str, kind: str) -> None:
        self.verdict.setText(text)
        self.verdict.setVisible(self.kind.key != NO_MAP and not self._texts)
        restyle(self.verdict, role=kind or "small")

    def _choose(self, labeler: str, attribute: str) -> None:
        self.attribute.pick(attribute)
        self.labeler.pick(labeler)

    def _step(self, by: int) -> None:
        """To the next face of the order; from one that is not in it, to where it was left."""
        rows_ = self._order.rows or (range(len(self.data.images)) if self.data is not None else ())
        if rows_:
            self._place = (self._order.place.get(self.face, self._place) + by) % len(rows_)
            self.show_face(rows_[self._place])

    def _tell_place(self) -> None:
        """Where the face stands in which order, a search included, so that nobody takes a part of
        the faces for all."""
        data, order = self.data, self._order
        if data is None or not data.images:
            self.place.setText("")
            return
        place = order.place.get(self.face)
        if place is not None:
            told = f"{place + 1:,} of {len(order.rows):,}: {order.told}"
        elif order.rows:
            told = f"not among the {counted(len(order.rows), data.words.one)}: {order.told}"
        else:
            told = f"{self.face + 1:,} of {len(data.images):,}"
        self.place.setText(told)
        set_tip(self.place, told)

    def _go(self) -> None:
        text = self.search.text().strip().casefold()
        names = self.data.image_names if self.data is not None else ()
        found = next(
            (row for row, name in enumerate(names) if text and text in name.casefold()), None
        )
        if found is None:
            typed = self.search.text().strip()
            self.context.message(self.words_for(f"No face's name contains “{typed}”."), "info")
        else:
            self.search.clear()
            self.show_face(found)
