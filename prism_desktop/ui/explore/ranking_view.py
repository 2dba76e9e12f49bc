"""The faces view: all faces in the order in which a labeler's model would put them."""

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QPushButton, QSplitter, QWidget

from prism_desktop.engine.analysis.face_figures import draw_faces
from prism_desktop.engine.analysis.face_ranking import NOWHERE, ORDERS, Area, chosen, within
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import POSTERIOR, method_title
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.face_filters import CELLS, FaceFilters, filter_of, size_buttons
from prism_desktop.ui.explore.face_findings import FaceFindings
from prism_desktop.ui.explore.new_images import NewImagesButton
from prism_desktop.ui.explore.operations import tested, thumbnail_paths
from prism_desktop.ui.explore.ranked_faces import (
    CONSENSUS,
    HEAD,
    FaceQuestion,
    RankedFaces,
    answer,
    find_out,
    missing,
    question_words,
    sheet_of,
    table,
)
from prism_desktop.ui.explore.run_data import UNREAD, RunData
from prism_desktop.ui.explore.selection import FaceOrder, Selection
from prism_desktop.ui.explore.view import (
    ExportFigure,
    ExportTable,
    LazyRows,
    View,
    captioned,
    labeler_choices,
    picker,
    settle,
    settle_text,
)
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.shortcuts import bind
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows
from prism_desktop.ui.widgets.cards import Turning
from prism_desktop.ui.widgets.face_marks import MarkLegend
from prism_desktop.ui.widgets.face_model import CardFacts
from prism_desktop.ui.widgets.fields import HintedLine
from prism_desktop.ui.widgets.gallery import FaceGallery
from prism_desktop.ui.widgets.point_map import PointMap
from prism_desktop.ui.widgets.possible import allow

_CONSENSUS_MODEL = "the consensus model"
_UNSEEN = (
    "This run does not keep what its model sees, so it has no map of the faces; a run of "
    f"{method_title(POSTERIOR)} has one."
)


class FacesView(View):
    """The gallery with its order, its filters and the attribute that the user types."""

    attribute_wanted = Signal(str)  # typed by the user, to be scored by the model

    def __init__(self, context: AppContext) -> None:
        """What to rank and how on one line, the filters and the count below it, and the gallery in
        the rest. The search waits until typing pauses, since each ranking goes through all faces.
        """
        super().__init__(context)
        self._found: RankedFaces | None = None
        self._make_choices()
        self._make_gallery()
        self._lay_out()

    def _make_choices(self) -> None:
        """Whose model, on what, in which order, and which of the faces."""
        self.labeler, self._labeler = picker("Labeler", self._choose_labeler)
        self.attribute, self._attribute = picker("Attribute", self._choose_attribute)
        self.typed = HintedLine("Any other, e.g. friendly")
        self.typed.returnPressed.connect(self._ask)
        self._go = button(
            "Score", self._ask, tip="Score all faces on what you typed, which nobody labeled"
        )
        self.direction, self._direction = picker("Order", self._turn)
        self.direction.offer(list(ORDERS.items()))
        self.search = HintedLine("Find by name")
        self.search.setClearButtonEnabled(True)
        self._typing = QTimer(self, interval=150, singleShot=True)
        self._typing.timeout.connect(self._order)
        self.search.textChanged.connect(self._search)
        bind(self, "find face", self.search.setFocus)
        self.filters = FaceFilters()
        self.filters.changed.connect(self._order)
        self.filters.hide()
        self.more: QPushButton = button("Filter", self._show_filters, "toggle")
        self.more.setCheckable(True)
        set_tip(self.more, "Choose which faces are shown: by what is known of them")
        self.map_: QPushButton = button("Map", self._turn_map, "toggle")
        self.map_.setCheckable(True)
        set_tip(self.map_, "Show all faces on a map by what the model sees; brush some of them")
        self.size_ = size_buttons()
        self.size_.picked.connect(self._size)
        self.findings = FaceFindings(self.context, self)
        self.findings.came.connect(self._learn)
        self.findings.failed.connect(self._fail)
        self._unknown = ""  # why the model's doubt is not known

    def _make_gallery(self) -> None:
        self.count, self.new_images = label("", "small", wrap=True), NewImagesButton(self.context)
        self.legend = MarkLegend(self.context.theme)
        self.gallery = FaceGallery(self.context.theme, lambda key: thumbnail_paths(self.data, key))
        self.gallery.set_cell(CELLS["m"], 1)
        self.gallery.setProperty("role", "gallery")
        self.setFocusProxy(self.gallery)
        self.gallery.setAccessibleName("Faces, ranked")
        self.gallery.opened.connect(self.face_wanted)
        self.gallery.chosen.connect(self.choose_face)
        self.context.theme.changed.connect(self._recolour)
        self.plane = PointMap(self.context.theme)
        self.plane.setAccessibleName("Map of the faces by what the model sees")
        self.plane.brushed.connect(self._brush)
        self._unbrushed = np.zeros(0, bool)  # faces that are shown whatever is brushed
        self._brushing = QTimer(self, interval=100, singleShot=True)
        self._brushing.timeout.connect(self._order)
        self.plane.clicked.connect(self._meet)
        self.gallery.chosen.connect(self.plane.ring)
        hint = (
            "Two principal components of the features; the stronger the colour, the higher the "
            "percentile. Drag to choose faces, Esc for all; wheel and right button move the map."
        )
        left = rows(self.plane, label(hint, "small", wrap=True), gap=4)
        left.setContentsMargins(GRID, GRID, GRID, GRID)
        left.setStretch(0, 1)
        self._mapped = frame("card", left)
        self._mapped.hide()

    def _lay_out(self) -> None:
        """The buttons without a caption are pushed down to stand level with the captioned
        editors."""
        typed = captioned("Typed attribute", self.typed)
        asked, ordered = QWidget(), QWidget()
        first = columns(self._labeler, self._attribute, columns(typed, gap=GRID), gap=GRID + 4)
        first.addLayout(rows(None, self._go, gap=0))
        asked.setLayout(first)
        second = columns(self._direction, captioned("Search", self.search), gap=GRID + 4)
        for each in (self.more, self.map_, self.size_):
            second.addLayout(rows(None, each, gap=0))
        ordered.setLayout(second)
        bar = Turning(asked, ordered, GRID + 4)
        self.limits = label("", "small", wrap=True)
        self.limits.hide()
        told = columns(self.count, self.new_images)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self._mapped)
        split.addWidget(self.gallery)
        split.setHandleWidth(2 * GRID)
        split.setChildrenCollapsible(False)
        split.setSizes([480, 520])
        layout = rows(bar, self.filters, self.limits, told, self.legend, split, gap=GRID)
        layout.setStretch(5, 1)
        self.setLayout(layout)

    def begin_anew(self, selection: Selection) -> None:
        super().begin_anew(selection)
        self.filters.selection = selection

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        self.findings.forget()
        self._unknown = ""
        self.gallery.thumbnails.clear()
        self.gallery.faces.words = self.context.words
        reason = "" if data is None else data.obstacles.words
        allow(reason, self.typed, self._go, told=self.limits)
        unseen = "" if data is None or data.knows_faces else self.words_for(_UNSEEN)
        allow(unseen, self.map_)
        self.offer()
        self._settle()
        self._order()
        self.new_images.look(data)

    def show_selection(self) -> None:
        if self._settle():
            self._order()
        row = self.data.row.get(self.selection.face) if self.data is not None else None
        if row is not None:
            self.gallery.go(row)

    def _settle(self) -> bool:
        """Bring the controls to what is chosen; whether that changed anything."""
        now = self.selection
        changed = [
            settle(
                self.labeler,
                CONSENSUS if now.consensus and self.labeler.has(CONSENSUS) else now.labeler,
            ),
            settle(self.attribute, now.attribute),
            settle(self.direction, now.direction),
            settle_text(self.search, now.search),
            self.filters.settle(),
        ]
        if self.size_.current != now.size:
            self.size_.settle(now.size)
            self.gallery.set_cell(CELLS[now.size], 1)
        changed.append(self.map_.isChecked() != now.plane and self.map_.isEnabled())
        changed.append(self.plane.area != now.area)
        self._show_map()
        self.plane.brush(now.area)
        if filter_of(now).count and not self.more.isChecked():
            self.more.setChecked(True)
            self._show_filters()
        return any(changed)

    def _choose_labeler(self) -> None:
        if self.labeler.key == CONSENSUS:
            self.selection.consensus = True
        else:
            self.selection.choose_labeler(self.labeler.key)
        self._order()

    def _choose_attribute(self) -> None:
        self.selection.attribute = self.attribute.key
        self._order()

    def _turn(self) -> None:
        self.selection.direction = self.direction.key
        self._order()

    def _search(self, text: str) -> None:
        self.selection.search = text
        self._typing.start()

    def _size(self, size: str) -> None:
        self.selection.size = size
        self.gallery.set_cell(CELLS[size], 1)

    def _turn_map(self) -> None:
        self.selection.plane = self.map_.isChecked()
        self._show_map()
        self._order()

    def _show_map(self) -> None:
        """Whether the map stands beside the gallery."""
        known = self.data is not None and self.data.knows_faces
        self.map_.setChecked(self.selection.plane and known)
        self._mapped.setVisible(self.selection.plane and known)

    def _brush(self, area: Area) -> None:
        """Only the faces of an area are shown: on the map at once, in the gallery once the pointer
        rests."""
        self.selection.area = area
        if self.data is not None and self.data.plane is not None:
            every = area == NOWHERE
            inside = self._unbrushed if every else within(self.data.plane, area) & self._unbrushed
            self.plane.stand_out(inside)
        self._brushing.start()

    def _meet(self, row: int) -> None:
        """A face of the map is chosen, in the gallery too."""
        self.choose_face(row)
        self.plane.ring(row)
        self.gallery.go(row)

    def _show_filters(self) -> None:
        self.filters.setVisible(self.more.isChecked())

    def question(self) -> FaceQuestion | None:
        """What is asked now; None where there is nothing to ask of."""
        if self.data is None or not self.attribute.key or not self.labeler.key:
            return None
        wanted = filter_of(self.selection)
        if not self.data.knows_faces:  # a brush that this run has no map for filters nothing
            wanted = replace(wanted, area=NOWHERE)
        return FaceQuestion(self.labeler.key, self.attribute.key, self.direction.key, wanted)

    def order(self) -> FaceOrder:
        """The ranking as it is shown, for who goes through it face by face."""
        data, asked = self.data, self.question()
        if data is None or asked is None:
            return FaceOrder()
        try:
            rows_ = answer(data, asked).rows
        except UnreadableError:  # the view says so
            return FaceOrder()
        text = self.search.text().strip()
        told = f"{question_words(asked)}, {self._whose(data)}"
        told = f"{told}, names with “{text}”" if text else told
        told = self.words_for(f"{told}, brushed faces") if self.brush() is not None else told
        return FaceOrder.of(tuple(map(int, rows_)), told)

    def offer(self) -> None:
        """Offer what the run has, also after an attribute was added."""
        choices, icons = labeler_choices(self)
        data = self.data
        if data is not None and data.consensus is not None:
            choices.append((CONSENSUS, "Consensus model"))
            icons.append(self.context.theme.icon("people"))
        self.labeler.offer(choices, icons)
        self.attribute.offer([(name, name) for name in data.attributes] if data is not None else [])
        self.filters.offer(data)

    def renew(self, data: RunData) -> None:
        """The gallery stays where it is."""
        self._learn()

    def idle(self) -> bool:
        return (
            self.gallery.idle()
            and not self._typing.isActive()
            and not self._brushing.isActive()
            and not self.findings.busy
        )

    @property
    def has_table(self) -> bool:
        return self._found is not None

    def table(self) -> ExportTable | None:
        """The ranking as it is shown, searched and ordered; percentiles are among all faces."""
        data, asked, found = self.data, self.question(), self._found
        if data is None or asked is None or found is None:
            return None
        name = f"{data.words.many} {self._who()} {self.attribute.key}"
        body = LazyRows(lambda: table(data, asked, found))
        return ExportTable(name, data.words.headed(HEAD), body)

    def command(self) -> list[str] | None:
        data, asked = self.data, self.question()
        if data is None or asked is None or asked.attribute not in data.trained:
            return None
        return ["faces", str(data.folder), *asked.options(), "--csv", "faces.csv"]

    def figure(self) -> ExportFigure | None:
        """Both ends of the ranking, or all of it where it is short enough for one page."""
        data, asked, found = self.data, self.question(), self._found
        if data is None or asked is None or found is None or data.texts or not len(found.rows):
            return None
        sheet = sheet_of(data, asked, found, lambda key: thumbnail_paths(data, key))
        name = f"{data.words.many} {self._who()} {self.attribute.key}"
        return ExportFigure(name, lambda path: draw_faces(path, sheet))

    def _who(self) -> str:
        """Whose model is shown, by name alone."""
        assert self.data is not None
        return self.data.names.get(self.labeler.key, self.labeler.currentText())

    def _whose(self, data: RunData) -> str:
        """Whose model ranks."""
        alike = self.labeler.key == CONSENSUS or data.is_consensus
        return _CONSENSUS_MODEL if alike else f"{self._who()}'s model"

    def _order(self) -> None:
        """Rank the faces and say in a line how many there are, by whose model, from which end.

        Where the labeler's model scored none, the line says why and what to do instead.
        """
        data, asked = self.data, self.question()
        if data is None or asked is None:
            self._show_nothing("")
            return
        self._look_into(data, asked)
        try:
            found = self._found = answer(data, asked)
        except UnreadableError as error:
            self._show_nothing(str(error))
            return
        self.gallery.faces.show(
            data.images, data.image_names, found.rows, found.columns.shares,
            facts=self._facts(data, asked, found),
        )  # fmt: skip
        self.legend.setVisible(not data.unread)
        self._recolour()
        self._show_points(data, found)
        self.brush_moved.emit()
        self.more.setText(f"Filter ({count})" if (count := asked.filter.count) else "Filter")
        self.filters.settle()
        self.count.setText(self._summary(data, asked, found))
        if len(found.rows) or self.search.text().strip():
            self.gallery.scrollToTop()

    def _show_nothing(self, why: str) -> None:
        self._found = None
        self.gallery.faces.show((), (), np.zeros(0, np.int64))
        self.count.setText(why)

    def _look_into(self, data: RunData, asked: FaceQuestion) -> None:
        """Find out what the cards cannot tell yet."""
        shown = self.selection.plane
        wanted = missing(data, asked, shown)
        self._unknown = "" if any(wanted) else self._unknown
        if not any(wanted):
            self.findings.forget()
            return
        key = id(data), asked.labeler, asked.attribute, wanted
        self.findings.want(key, lambda: find_out(data, asked, data.model().faces, shown))

    def _show_points(self, data: RunData, found: RankedFaces) -> None:
        """The map, with the faces that are shown standing out."""
        if data.plane is None or not self.selection.plane:
            return
        count = len(data.plane)
        whole = replace(filter_of(self.selection), area=NOWHERE)
        self._unbrushed = chosen(found.columns, whole, data.folded, data.facts)[:count]
        shown = np.zeros(len(data.images), bool)
        shown[found.rows] = True
        self.plane.show_points(data.plane, found.columns.shares[:count], shown[:count])
        self.plane.ring(data.row.get(self.selection.face, -1))

    def _learn(self) -> None:
        """What was looked into is known: the cards tell it, and the face that is chosen stays."""
        at = self.gallery.verticalScrollBar().value()
        self._order()
        self.gallery.verticalScrollBar().setValue(at)
        self.show_selection()

    def _fail(self, why: str) -> None:
        self._unknown = why
        if self.data is not None and (asked := self.question()) is not None and self._found:
            self.count.setText(self._summary(self.data, asked, self._found))

    def _facts(self, data: RunData, asked: FaceQuestion, found: RankedFaces) -> CardFacts:
        """What each card tells."""
        spread, own = found.spread, asked.labeler in data.labelers
        labels = data.labels(asked.labeler, asked.attribute) if own else None
        scores = found.columns.scores

        def line(row: int) -> tuple[str, str]:
            told = f"{scores[row]:+.2f}"
            if spread is not None and not np.isnan(spread.sd[row]):
                told += f" ± {spread.sd[row]:.2f}"
            return (labels.words(row) if labels is not None else ""), told

        low, high = (None, None) if spread is None else (spread.low, spread.high)
        return CardFacts(found.of, None if data.unread else found.columns.marks, low, high, line)

    def _summary(self, data: RunData, asked: FaceQuestion, found: RankedFaces) -> str:
        """How many faces are shown in which order, or why there are none."""
        who, text, order = self._who(), self.search.text().strip(), found.rows
        whose = self._whose(data)
        whose = whose[:1].upper() + whose[1:] if whose == _CONSENSUS_MODEL else whose
        shown = (
            counted(len(order), data.words.one)
            if len(order) == len(data.images)
            else f"{len(order):,} of {len(data.images):,}"
        )
        if data.unread and asked.filter.kind:
            return UNREAD
        if not len(order) and asked.filter.count:
            return self.words_for("No face is left. Change the filter, or show all faces.")
        if text and not len(order):
            return self.words_for(
                f"No face's name contains “{text}”. Clear the search to see all faces."
            )
        if text:
            shown += f" whose names contain “{text}”"
        if not len(order):
            late = (
                f"{who} was added after the training and is scored on the run's own attributes "
                "alone."
            )
            none = f"{whose} scores nothing as {self.attribute.key}. Choose a labeler instead."
            return late if self.labeler.key in data.adapted_labelers else none
        adapted = data.adapted_labelers.get(self.labeler.key)
        how = (
            f" Added from {counted(adapted.answers, 'answer')}. {tested(adapted)}"
            if adapted is not None
            else ""
        )
        told = f"{shown}, {question_words(asked)}. {whose}; the bar is the percentile."
        trust = data.trust(self.labeler.key)
        doubt = self._doubt(data, asked, found)
        words = (trust, told) if data.unsure(self.labeler.key) else (told, trust)
        return " ".join(filter(None, (*words, doubt, UNREAD if data.unread else ""))) + how

    def _doubt(self, data: RunData, asked: FaceQuestion, found: RankedFaces) -> str:
        """What the line over a bar means, or why there is none."""
        if (
            asked.order in ("apart", "unsure", "disputed")
            and found.columns.key(asked.order) is None
        ):
            if self.findings.busy:
                return "The order is still being found out; meanwhile the highest come first."
            return f"This order is not known here, so the highest come first. {self._unknown}"
        if found.spread is not None:
            return "The line over it is its 95% interval."
        return ""

    def _recolour(self) -> None:
        known = self.data is not None and self.labeler.key in self.data.labelers
        self.gallery.set_bar(self.colour(self.labeler.key) if known else None)

    def _ask(self) -> None:
        text = " ".join(self.typed.text().split())
        if text and self.data is not None:
            if text in self.data.attributes:
                self.attribute.pick(text)
            else:
                self.attribute_wanted.emit(text)
