"""The faces view: all faces in the order in which a labeler's model would put them."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import view_figures
from prism_desktop.ui.explore.new_images import NewImagesButton
from prism_desktop.ui.explore.operations import tested, thumbnail_paths
from prism_desktop.ui.explore.run_data import RunData, percentiles
from prism_desktop.ui.explore.selection import FaceOrder
from prism_desktop.ui.explore.view import (
    ExportFigure,
    ExportTable,
    View,
    captioned,
    labeler_choices,
    picker,
    settle,
)
from prism_desktop.ui.explore.view_figures import RankedFace
from prism_desktop.ui.shortcuts import bind
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.cards import Turning
from prism_desktop.ui.widgets.fields import HintedLine
from prism_desktop.ui.widgets.gallery import FaceGallery
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.possible import allow

CONSENSUS = "(consensus)"
_CONSENSUS_MODEL = "the consensus model"
_FIGURED = 16  # faces from either end of the ranking that an exported figure shows


class FacesView(View):
    """The gallery with its order, its search and the attribute that the user types."""

    attribute_wanted = Signal(str)  # typed by the user, to be scored by the model

    def __init__(self, context: AppContext) -> None:
        """What to rank and how on one line, the count below it, and the gallery in the rest.

        The search waits until typing pauses, since each ranking goes through all faces. The buttons
        without a caption are pushed down to stand level with the captioned editors.
        """
        super().__init__(context)
        self.labeler, labeler = picker("Labeler", self._choose_labeler)
        self.attribute, attribute = picker("Attribute", self._choose_attribute)
        self.typed = HintedLine("Any other, e.g. friendly")
        self.typed.returnPressed.connect(self._ask)
        self._go = button(
            "Score", self._ask, tip="Score all faces on what you typed, which nobody labeled"
        )
        self.direction = Segments({"high": "Highest first", "low": "Lowest first"})
        self.direction.picked.connect(self._turn)
        self.search = HintedLine("Find by name")
        self.search.setClearButtonEnabled(True)
        self._typing = QTimer(self, interval=150, singleShot=True)
        self._typing.timeout.connect(self._order)
        self.search.textChanged.connect(self._search)
        bind(self, "find face", self.search.setFocus)
        self.count, self.new_images = label("", "small", wrap=True), NewImagesButton(context)
        self.gallery = FaceGallery(context.theme, lambda key: thumbnail_paths(self.data, key))
        self.gallery.setProperty("role", "gallery")
        self.setFocusProxy(self.gallery)
        self.gallery.setAccessibleName("Faces, ranked")
        self.gallery.opened.connect(self.face_wanted)
        self.gallery.chosen.connect(self.choose_face)
        context.theme.changed.connect(self._recolour)
        typed = captioned("Typed attribute", self.typed)
        chosen, ordered = QWidget(), QWidget()
        first = columns(labeler, attribute, columns(typed, gap=GRID), gap=GRID + 4)
        first.addLayout(rows(None, self._go, gap=0))
        chosen.setLayout(first)
        second = columns(gap=GRID + 4)
        second.addLayout(rows(None, self.direction, gap=0))
        second.addWidget(captioned("Search", self.search))
        ordered.setLayout(second)
        bar = Turning(chosen, ordered, GRID + 4)
        self.limits = label("", "small", wrap=True)
        self.limits.hide()
        told = columns(self.count, self.new_images)
        layout = rows(bar, self.limits, told, self.gallery, gap=GRID)
        layout.setStretch(3, 1)
        self.setLayout(layout)

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        self.gallery.thumbnails.clear()
        reason = "" if data is None else data.obstacles.words
        allow(reason, self.typed, self._go, told=self.limits)
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
        chosen = self.selection
        changed = [
            settle(self.labeler, CONSENSUS if chosen.consensus else chosen.labeler),
            settle(self.attribute, chosen.attribute),
            self.direction.current != chosen.direction,
            self.search.text() != chosen.search,
        ]
        self.direction.settle(chosen.direction)
        self.search.blockSignals(True)  # what was typed for another study is no search of this one
        self.search.setText(chosen.search)
        self.search.blockSignals(False)
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

    def _turn(self, direction: str) -> None:
        self.selection.direction = direction
        self._order()

    def _search(self, text: str) -> None:
        self.selection.search = text
        self._typing.start()

    def order(self) -> FaceOrder:
        """The ranking as it is shown, for who goes through it face by face."""
        data = self.data
        if data is None or not self.attribute.key or not self.labeler.key:
            return FaceOrder()
        rows, text = self._ranking(data), self.search.text().strip()
        told = f"{self._kind()} {self.attribute.key} first, {self._whose(data)}"
        return FaceOrder.of(tuple(map(int, rows)), f"{told}, names with “{text}”" if text else told)

    def offer(self) -> None:
        """Offer what the run has, also after an attribute was added."""
        choices, icons = labeler_choices(self)
        data = self.data
        if data is not None and data.consensus is not None:
            choices.append((CONSENSUS, "Consensus model"))
            icons.append(self.context.theme.icon("people"))
        self.labeler.offer(choices, icons)
        self.attribute.offer([(name, name) for name in data.attributes] if data is not None else [])

    def idle(self) -> bool:
        return self.gallery.thumbnails.idle() and not self._typing.isActive()

    def table(self) -> ExportTable | None:
        """The ranking as it is shown, searched and ordered; percentiles are among all faces."""
        data = self.data
        if data is None or not self.attribute.key:
            return None
        scores, shares = self._scores(data), percentiles(self._scores(data))
        order = self._ranking(data)
        body = [
            (
                place + 1,
                data.image_names[row],
                data.images[row],
                float(scores[row]),
                float(shares[row]),
            )
            for place, row in enumerate(order)
        ]
        name = f"faces {self._who()} {self.attribute.key}"
        return ExportTable(name, ("rank", "name", "image", "score", "percentile"), body)

    def command(self) -> list[str] | None:
        data = self.data
        if data is None or not self.attribute.key or self.labeler.key not in data.labelers:
            return None
        chosen = ["--labeler", self.labeler.key, "--attribute", self.attribute.key]
        return ["predict", str(data.folder), *chosen, "--csv", "faces.csv"]

    def figure(self) -> ExportFigure | None:
        """Both ends of the ranking, or all of it where it is short enough for one page."""
        data = self.data
        if data is None or not self.attribute.key or not len(order := self._ranking(data)):
            return None
        shares = percentiles(self._scores(data))
        faces = [
            RankedFace(
                thumbnail_paths(data, data.images[row]),
                place + 1,
                Path(data.image_names[row]).stem,
                float(shares[row]),
            )
            for place, row in enumerate(order)
            if place < _FIGURED or place >= len(order) - _FIGURED
        ]
        who, attribute = self._who(), self.attribute.key
        named = with_codes(data.names).get(self.labeler.key, who)
        ends = ("Highest", "Lowest") if self.direction.current == "high" else ("Lowest", "Highest")
        if len(order) <= 2 * _FIGURED:
            blocks = {f"{ends[0]} first": faces}
        else:
            blocks = {ends[0]: faces[:_FIGURED], ends[1]: faces[_FIGURED:]}
        whose = named if self.labeler.key == CONSENSUS else f"{named}'s model"
        title = f"{whose}, {attribute}: {counted(len(order), 'face')}"
        note = f"Below each: its rank, its name, its percentile. {data.trust(self.labeler.key)}"
        return ExportFigure(
            f"faces {who} {attribute}",
            lambda path: view_figures.draw_faces(path, blocks, title, note.strip()),
        )

    def _who(self) -> str:
        """Whose model is shown, by name alone."""
        assert self.data is not None
        return self.data.names.get(self.labeler.key, self.labeler.currentText())

    def _kind(self) -> str:
        return "most" if self.direction.current == "high" else "least"

    def _whose(self, data: RunData) -> str:
        """Whose model ranks."""
        alike = self.labeler.key == CONSENSUS or data.is_consensus
        return _CONSENSUS_MODEL if alike else f"{self._who()}'s model"

    def _scores(self, data: RunData) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        if self.labeler.key == CONSENSUS and data.consensus is not None:
            found: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = data.consensus[
                data.attributes.index(self.attribute.key)
            ]
            return found
        return data.score(self.labeler.key, self.attribute.key)

    def _ranking(self, data: RunData) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """Rows from first to last, those without a score left out, those not searched for too."""
        scores = self._scores(data)
        order = np.argsort(-scores if self.direction.current == "high" else scores, kind="stable")
        order = order[~np.isnan(scores[order])]
        text = self.search.text().strip().casefold()
        if text:
            found = np.fromiter(
                (text in name.casefold() for name in data.image_names), bool, len(data.image_names)
            )
            order = order[found[order]]
        return order

    def _order(self) -> None:
        """Rank the faces and say in a line how many there are, by whose model, from which end.

        Where the labeler's model scored none, the line says why and what to do instead.
        """
        data = self.data
        if data is None or not self.attribute.key or not self.labeler.key:
            self.gallery.faces.show((), (), np.zeros(0, np.int64))
            self.count.setText("")
            return
        order = self._ranking(data)
        self.gallery.faces.show(
            data.images, data.image_names, order, percentiles(self._scores(data))
        )
        self._recolour()
        self.count.setText(self._summary(data, order))
        if len(order) or self.search.text().strip():
            self.gallery.scrollToTop()

    def _summary(
        self, data: RunData, order: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    ) -> str:
        """How many faces are shown in which order, or why there are none."""
        who, text = self._who(), self.search.text().strip()
        whose = self._whose(data)
        whose = whose[:1].upper() + whose[1:] if whose == _CONSENSUS_MODEL else whose
        shown = (
            counted(len(order), "face")
            if len(order) == len(data.images)
            else f"{len(order):,} of {len(data.images):,}"
        )
        if text and not len(order):
            return f"No face's name contains “{text}”. Clear the search to see all faces."
        if text:
            shown += f" whose names contain “{text}”"
        kind = self._kind()
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
        told = f"{shown}, {kind} {self.attribute.key} first. {whose}; the bar is the percentile."
        trust = data.trust(self.labeler.key)
        words = (trust, told) if data.unsure(self.labeler.key) else (told, trust)
        return " ".join(filter(None, words)) + how

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
