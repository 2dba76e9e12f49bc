"""The split view: what two labelers answered differently, and where both their models look."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import doubted
from prism_desktop.engine.series_colours import labeler_place
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.agreement_operations import StudyAnswers, TwoLabelers, split
from prism_desktop.ui.explore.labeler_maps import LabelerMaps
from prism_desktop.ui.explore.operations import MAPS
from prism_desktop.ui.explore.relevance_maps import MapRequest
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.view import ExportTable, View
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.cards import side_by_side
from prism_desktop.ui.widgets.dispute_list import DisputeList, DisputeRow
from prism_desktop.ui.widgets.heat import UNREADABLE, read_image
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.possible import allow
from prism_desktop.ui.widgets.text_picture import Sources

if TYPE_CHECKING:
    from prism_desktop.engine.analysis.disputes import Dispute

ONE, OVER = "face", "pair"
_NO_MODELS = "Their models can be compared once a model is trained."
_MOST = 300  # disputes that are listed
_HEAD = ("attribute", "left", "right", "first labeler", "second labeler", "left_name", "right_name")


class SplitView(View):
    """Disputes on the left, the face that is chosen and both maps on the right."""

    back_wanted = Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._pair = "", ""
        self._shown: object = None  # what `show_pair` was asked last
        self._names: dict[str, str] = {}
        self._answers: StudyAnswers | None = None
        self._about: tuple[str | None, str] = None, ""
        self._face, self._reading = "", False
        self._mapped = False  # whether maps were asked for
        self.found: TwoLabelers | None = None
        self.back = button("Back to all labelers", self.back_wanted.emit, "quiet")
        self.heading = label("", "strong")
        self.models = button("Compare their models", self._compare)
        self.told = label("", "small", wrap=True)
        self.disputes = DisputeList(context.theme, self._files)
        self.disputes.chosen.connect(self._choose)
        self.name = label("", "strong")
        self.open_face = button("Open this face", self._open_face, "quiet")
        self.of = Segments({ONE: "This face", OVER: "One over the other"})
        self.of.picked.connect(self._turn)
        self.maps = LabelerMaps(context)
        self.maps.wanted.connect(self._want_maps)
        self.why = label("", "small", wrap=True)
        self._lay_out()

    def _lay_out(self) -> None:
        bar = columns(self.back, self.heading, None, self.models, gap=GRID + 4)
        left = rows(label("What they answered differently", "strong"), self.disputes, gap=GRID)
        head = columns(self.name, None, self.open_face, gap=GRID)
        self.key = label("", "small", wrap=True)
        right = rows(head, self.of, self.maps, self.key, self.why, None, gap=GRID)
        left.setStretch(1, 1)
        halves = side_by_side(left, right, (700, 460))
        whole = rows(bar, self.told, halves, gap=GRID)
        whole.setStretch(2, 1)
        self.setLayout(whole)

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        allow("" if data is not None else _NO_MODELS, self.models)
        self._offer_maps()

    def show_selection(self) -> None:
        """What may have been chosen in another place."""
        if self.found is not None:
            self._settle()

    def show_pair(
        self,
        one: str,
        other: str,
        answers: StudyAnswers,
        attribute: str | None,
        source: str,
    ) -> None:
        """Show what splits two labelers, on one attribute or all."""
        study, now = self.context.study, (one, other, answers, attribute, source)
        if now == self._shown:
            return
        self._shown = now
        self._pair, self._names, self._answers = (one, other), answers.names, answers
        self._about, self._mapped, self.found = (attribute, source), False, None
        first, second = (answers.names.get(code, code) for code in self._pair)
        self.heading.setText(f"{first} and {second}")
        self.told.setText("Looking for what splits them…")
        self.disputes.thumbnails.clear()
        self.disputes.show_rows(())
        self._choose("")
        if study is None:
            return
        asked, self._reading = self._pair, True

        def take(found: TwoLabelers | None) -> None:
            self._reading = False
            if found is not None and asked == self._pair:
                self._show(found)

        def failed(error: Exception) -> None:
            take(None)
            self._shown = None
            self.told.setText("")
            self.context.report(error)

        self.context.ask(
            lambda: split(study, answers, one, other, attribute, source),
            take,
            owner=self,
            what="Looking for what splits two labelers",
            topic="split",
            failed=failed,
        )

    def idle(self) -> bool:
        return not self._reading and not self.maps.maps.busy and self.disputes.thumbnails.idle()

    @property
    def has_table(self) -> bool:
        return self.found is not None and bool(self.found.found.found)

    def table(self) -> ExportTable | None:
        if self.found is None:
            return None
        names, body = self.found.names, []
        for each in self.found.found.found:
            left, right = each.images[0], each.images[1] if len(each.images) > 1 else ""
            called = names.get(left, ""), names.get(right, "")
            body.append((each.attribute, left, right, each.one, each.other, *called))
        first, second = (self._names.get(code, code) for code in self._pair)
        return ExportTable(f"{first} and {second} differ", _HEAD, body)

    def _show(self, found: TwoLabelers) -> None:
        self.found = found
        disputes, shown = found.found, found.found.found[:_MOST]
        first, second = (self._names.get(code, code) for code in self._pair)
        opposed = sum(each.gap == 1 for each in disputes.found)
        attribute = self._about[0] or "all attributes"
        if not disputes.shared:
            told = (
                f"{first} and {second} answered nothing in common on {attribute}, so no answers "
                "split them; their models can be compared."
            )
        elif disputes.source == "ratings":
            number = counted(len(disputes.found), self.context.words.one)
            told = (
                f"On {attribute} {first} and {second} rated {number} of {disputes.shared:,} "
                "differently, the furthest apart first."
            )
            told = doubted(told, disputes.shared, opens=True)
        else:
            ties = counted(len(disputes.found) - opposed, "time")
            number = counted(disputes.shared, "shared comparison")
            told = (
                f"On {attribute} {first} and {second} answered {opposed:,} of {number} oppositely, "
                f"and called a tie against a choice {ties}. The bar under a "
                f"{self.context.words.one} is the colour of who chose it."
            )
            told = doubted(told, disputes.shared, opens=True)
        if len(disputes.found) > _MOST:
            told += f" The first {_MOST} are listed; a table has all."
        self.told.setText(told)
        wanted, face = self.selection.dispute, self.selection.face
        self.disputes.show_rows([self._row(each, found.names) for each in shown])
        self.selection.dispute, self.selection.face = wanted, face  # the first row was not chosen
        if not self._settle():
            self._keep()
        self._offer_maps()

    def _settle(self) -> bool:
        """Bring the list to the dispute and the face that are chosen; whether it has them."""
        chosen = self.selection
        attribute, *images = chosen.dispute
        face, wanted = chosen.face, tuple(filter(None, images))
        if self.of.current != (of := OVER if chosen.over else ONE):
            self.of.settle(of)
            self._offer_maps()
        for place, row in enumerate(self.disputes.disputes.rows):
            if (row.heading, row.images) == (attribute, wanted):
                self.disputes.setCurrentIndex(self.disputes.disputes.index(place))
                if face in wanted:
                    self._choose(face)
                return True
        return False

    def _turn(self, of: str) -> None:
        self.selection.over = of == OVER
        self._offer_maps()

    def _keep(self) -> None:
        """The dispute and the face that are looked at are chosen now."""
        index = self.disputes.currentIndex()
        if index.isValid() and self._face:
            row = self.disputes.disputes.rows[index.row()]
            left, right = (*row.images, "")[:2]
            self.selection.dispute = row.heading, left, right
        if self.data is not None and self._face in self.data.row:
            self.selection.face = self._face

    def _row(self, each: "Dispute", names: dict[str, str]) -> DisputeRow:
        everybody = () if self._answers is None else self._answers.everybody
        colours = [labeler_place(everybody, code) for code in self._pair]
        first, second = (self._names.get(code, code) for code in self._pair)
        called = tuple(names.get(image, "") for image in each.images)
        said = each.one, each.other
        if len(each.images) == 1:
            told = f"{first}: {each.one}, {second}: {each.other}. {called[0]}"
            return DisputeRow(each.images, called, each.attribute, ((),), told)
        chose = tuple(
            tuple(colour for colour, choice in zip(colours, said, strict=True) if choice == side)
            for side in ("left", "right")
        )
        words = {"left": called[0], "right": called[1], "tie": "a tie"}
        told = f"{first}: {words[each.one]}. {second}: {words[each.other]}."
        return DisputeRow(each.images, called, each.attribute, chose, told)

    def _files(self, key: str) -> Sources:
        study = self.context.study
        if self.data is not None and key in self.data.row:
            return operations.thumbnail_paths(self.data, key)
        return () if study is None else operations.study_thumbnail(Path(study.path), key)

    def _choose(self, image: str) -> None:
        """Another face: maps of it, where maps were asked for."""
        if image == self._face and image:
            return
        self._face = image
        self._keep()
        names = {} if self.found is None else self.found.names
        self.name.setText(names.get(image, ""))
        self._offer_maps()

    def _offer_maps(self) -> None:
        """The maps, or why there are none."""
        data = self.data
        self.models.setVisible(data is not None)
        row = None if data is None else data.row.get(self._face)
        self.open_face.setVisible(row is not None)
        known = data is not None and all(code in data.labelers for code in self._pair)
        self.maps.setVisible(known and row is not None)
        if data is None:
            self.why.setText("Where their models look is shown once a model is trained, in Train.")
        elif not known:
            self.why.setText("The run above does not know both, so it has no maps of them.")
        else:
            self.why.setText(
                ""
                if row is not None or not self._face
                else self.words_for("The run lacks this face.")
            )
        pair = self._faces()
        texts = data is not None and bool(data.texts)  # whose words are shaded one text at a time
        self.of.setVisible(known and not texts and len(self._asked_about()) > 1)
        self.key.setText(self._key(pair))
        if data is None or row is None or not known:
            self.maps.show_maps(None, None, "")
            return
        self.maps.show_run(data, self._pair, len(pair))
        for which, key in enumerate(pair):
            self._show_image(data, key, which)
        if self._mapped:
            self._want_maps()

    def _show_image(self, data: RunData, key: str, which: int) -> None:
        """The face behind the maps, or the second of a pair, once it is read; until then none, so
        that no other face stands there."""
        pair = self._faces()
        sources = operations.whole_image(data, key)

        def show(image: QImage) -> None:
            if pair == self._faces():  # else another face or pair was chosen since
                self.maps.show_image(image, which, UNREADABLE if image.isNull() else "")

        self.context.ask(
            lambda: read_image(sources),
            show,
            owner=self,
            what=self.words_for("Reading the image"),
            topic=f"image {which}",
        )

    def _asked_about(self) -> tuple[str, ...]:
        """The faces of the dispute that is chosen, as far as the run has them."""
        index, data = self.disputes.currentIndex(), self.data
        if data is None or not index.isValid():
            return ()
        images = self.disputes.disputes.rows[index.row()].images
        return images if all(each in data.row for each in images) else ()

    def _faces(self) -> tuple[str, ...]:
        """Whose maps are shown: the chosen face, or it and the one that it was compared with."""
        both = self._asked_about()
        if self.of.current == ONE or len(both) < 2 or self._face not in both:
            return (self._face,)
        return self._face, both[1 - both.index(self._face)]

    def _key(self, pair: tuple[str, ...]) -> str:
        """What the colours of a pair's maps mean."""
        if len(pair) < 2 or self.found is None:
            return ""
        one, other = (self.found.names.get(key, "") for key in pair)
        return (
            f"What makes each model's score of {one} higher than that of {other}: red in either "
            f"face speaks for {one}, blue for {other}. Both faces' maps are equally strong where "
            "they are as relevant."
        )

    def _want_maps(self) -> None:
        data, row = self.data, None if self.data is None else self.data.row.get(self._face)
        if data is None or row is None:
            return
        self._mapped = True
        attribute = self._about[0] or self._asked() or data.attributes[0]
        second = [data.row[key] for key in self._faces()[1:]]
        request = MapRequest(row, attribute, next(iter(MAPS)), *second)
        self.maps.show_maps(data, request, self._pair[0])

    def _asked(self) -> str:
        """What was asked of the dispute that is chosen."""
        index = self.disputes.currentIndex()
        return self.disputes.disputes.rows[index.row()].heading if index.isValid() else ""

    def _compare(self) -> None:
        self.pair_wanted.emit(*self._pair)

    def _open_face(self) -> None:
        if self.data is not None and self._face in self.data.row:
            self.face_wanted.emit(self.data.row[self._face])
