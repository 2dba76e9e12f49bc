"""The labeler-pair view: every face as a point, and
the faces on which the models of two labelers disagree most."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from prism_desktop.engine.analysis.face_figures import draw_compared
from prism_desktop.engine.analysis.face_ranking import NOWHERE
from prism_desktop.engine.analysis.score_agreement import DisputedPair
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.run_choice import run_name
from prism_desktop.engine.runs.run_list import RunSummary
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.compared_labelers import (
    ComparedModels,
    PairQuestion,
    compare,
    drawn,
    head_of,
    table,
)
from prism_desktop.ui.explore.face_findings import FaceFindings
from prism_desktop.ui.explore.pair_pages import PairPages
from prism_desktop.ui.explore.ranked_faces import CONSENSUS
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_reading import read_rest, read_run, take_rest
from prism_desktop.ui.explore.selection import FACES, PAIRS, FaceOrder
from prism_desktop.ui.explore.view import (
    ExportFigure,
    ExportTable,
    LazyRows,
    View,
    labeler_choices,
    picker,
    settle,
)
from prism_desktop.ui.widgets.basics import GRID, columns, label, restyle, rows
from prism_desktop.ui.widgets.cards import SteadyScroll, side_by_side
from prism_desktop.ui.widgets.disputed_pairs import DisputedPairs, ShownPair
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.gallery import FaceGallery
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.scatter import Scatter

_MARKED = 12  # most-disputed faces that stand out in the plot
_BRUSHED = "Listed are brushed faces alone; correlations and percentiles are of all. "


class LabelerPairView(View):
    """Scatter on the left, most-disputed faces on the right.

    Where a labeler that is asked for is not part of the run, a sentence says so instead."""

    run_wanted = Signal(str)  # path of the run to show in place of this one

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self.one, one = picker("Labeler", self._choose_one)
        self.other, other = picker("Compared with", self._choose_other)
        self.of, self._of = picker("In run", self._choose_run)
        self.attribute, attribute = picker("Attribute", self._choose_attribute)
        self.figures = label("", "heading")
        self.meaning = label("", "small", wrap=True)
        self.scatter = Scatter(context.theme)
        self.hint = label("", "small")
        self.gallery = FaceGallery(
            context.theme, lambda key: operations.thumbnail_paths(self.data, key), cell=116
        )
        self.gallery.setProperty("role", "gallery")
        self.setFocusProxy(self.gallery)
        self.gallery.setAccessibleName("Most disputed faces")
        self._runs: tuple[RunSummary, ...] = ()
        self._wanted: tuple[str, str] | None = None  # two labelers who were not shown yet
        self._wanted_names: Mapping[str, str] = {}
        self._refused: RunData | None = None  # the run that was found not to have both
        self._compared: tuple[str, str] | None = None  # the two that are shown
        self.found: ComparedModels | None = None  # what is shown
        self._second: RunData | None = None  # the other run, where one is compared with
        self._second_path = ""
        self.findings = FaceFindings(context, self)
        self.findings.came.connect(self._compare)
        self.findings.failed.connect(context.message)
        self.pairs = DisputedPairs(
            context.theme, lambda key: operations.thumbnail_paths(self.data, key)
        )
        self.pairs.opened.connect(self.face_wanted)
        self.kind = Segments({FACES: "Most disputed faces", PAIRS: "Pairs"})
        self.kind.picked.connect(self._show_kind)
        self.scatter.clicked.connect(lambda point: self.face_wanted.emit(self._row(point)))
        self.scatter.hovered.connect(self._name)
        self.gallery.opened.connect(self.face_wanted)
        self.gallery.chosen.connect(self._ring)
        self.gallery.chosen.connect(self.choose_face)
        context.theme.changed.connect(self._recolour)
        self._lay_out(one, other, attribute)

    def _lay_out(self, one: QWidget, other: QWidget, attribute: QWidget) -> None:
        """The pickers with the correlation beside them, and below them plot and gallery, halved.

        All of it is one page of a stack, so that the sentence about a missing labeler can take its
        whole place.
        """
        told = rows(self.figures, self.meaning, gap=2)
        bar = columns(one, other, self._of, attribute, 2 * GRID, told, gap=GRID + 4)
        bar.setStretch(5, 1)
        for holder in (one, other, self._of, attribute):  # long words beside them part nothing
            bar.setAlignment(holder, Qt.AlignmentFlag.AlignTop)
        left = rows(
            label("Predicted scores of every face", "strong"), self.scatter, self.hint, gap=GRID
        )
        scroll = SteadyScroll()
        inner = QWidget()
        inner.setLayout(rows(self.pairs, None))
        scroll.setWidget(inner)
        self._kinds = QStackedWidget()
        self._kinds.addWidget(self.gallery)
        self._kinds.addWidget(scroll)
        right = rows(columns(self.kind, None), self._kinds, gap=GRID)
        for layout in (left, right):
            layout.setStretch(1, 1)
        split = side_by_side(left, right, (600, 600))
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        whole = rows(bar, split, gap=2 * GRID)
        whole.setStretch(1, 1)
        compared = QWidget()
        compared.setLayout(whole)
        self._pages = PairPages(self.context, compared)
        self._pages.run_wanted.connect(self.run_wanted)
        self._pages.others_wanted.connect(self._give_up)
        self.setLayout(rows(self._pages, gap=0))

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        self.gallery.thumbnails.clear()
        self.gallery.faces.words = self.context.words
        self.pairs.thumbnails.clear()
        self.offer_runs(self._runs)
        self.offer()
        self._settle()
        self._compare()
        self._show_wanted()

    def show_selection(self) -> None:
        moved = self.brush_changed()
        if self._settle() or moved:
            self._compare()
        row = self.data.row.get(self.selection.face) if self.data is not None else None
        if row is not None:
            self.gallery.go(row)

    def _settle(self) -> bool:
        """Bring the pickers to what is chosen, and never compare somebody with themselves."""
        data, chosen = self.data, self.selection
        self.kind.settle(chosen.disputes)
        self._show_kind(chosen.disputes)
        changed = [settle(self.of, chosen.other_run if self.of.has(chosen.other_run) else "")]
        if changed[0]:
            self._open_second()
        changed += [
            settle(self.one, chosen.labeler),
            settle(self.other, chosen.other),
            settle(self.attribute, chosen.attribute),
        ]
        same = self.one.key == self.other.key and not self.of.key
        if data is not None and len(data.labelers) > 1 and same:
            first, second = data.labelers[:2]
            self.other.settle(second if self.one.key != second else first)
            changed.append(True)
        return any(changed)

    def _choose_one(self) -> None:
        """Both pickers, for what was not chosen by hand is shown beside what was."""
        self.selection.labeler, self.selection.other = self._compared or ("", "")
        self.selection.choose_labeler(self.one.key)
        self._settle()
        self._compare()

    def _choose_other(self) -> None:
        self.selection.labeler, self.selection.other = self._compared or ("", "")
        self.selection.choose_other(self.other.key)
        self._settle()
        self._compare()

    def _choose_run(self) -> None:
        """The other run's model of the same labeler comes first."""
        self.selection.other_run = self.of.key
        if self.of.key:
            self.selection.other = self.one.key
        self._open_second()
        self._settle()
        self._compare()

    def offer_runs(self, runs: Sequence[RunSummary]) -> None:
        """Offer the study's other runs to compare with."""
        self._runs = tuple(runs)
        own = "" if self.data is None else str(self.data.folder)
        others = [(str(run.path), run_name(run)) for run in runs if str(run.path) != own]
        before = self.of.key
        self.of.offer([("", "This run"), *others])
        self._of.setVisible(bool(others))
        if self.of.key != before:
            self._open_second()

    def _open_second(self) -> None:
        """Read the run that is compared with, unless it is there."""
        path, names = self.of.key, {} if self.data is None else self.data.names
        if path == self._second_path:
            return
        self._second, self._second_path = None, path
        self.offer()
        if not path:
            self.findings.forget()
            return

        def work() -> Iterator[Event[RunData]]:
            data = None
            for event in read_run(Path(path), names):
                data = event.value if isinstance(event, Done) else data
                yield event
            if data is not None and data.unread:
                for rest in read_rest(data):
                    yield Progress(0, None, "Checking the predictions")
                    if isinstance(rest, Done):
                        take_rest(data, rest.value)
            if path == self._second_path:
                self._second = data

        self.findings.want(path, work)

    def _show_kind(self, name: str) -> None:
        self.selection.disputes = name
        self._kinds.setCurrentIndex((FACES, PAIRS).index(name))

    def _choose_attribute(self) -> None:
        self.selection.attribute = self.attribute.key
        self._compare()

    def order(self) -> FaceOrder:
        """The faces from the most disputed on, for who goes through them one by one."""
        if self.data is None:
            return FaceOrder()
        first, second = self._names()
        shown, brushed = (
            self.gallery.faces,
            self.words_for(", brushed faces") if self.brush() is not None else "",
        )
        rows_ = tuple(shown.face(place) for place in range(shown.rowCount()))
        return FaceOrder.of(
            rows_,
            f"most disputed first between {first} and {second}, {self.attribute.key}{brushed}",
        )

    def offer(self) -> None:
        """Offer what the run has, also after an attribute was added."""
        self.one.offer(*labeler_choices(self))
        choices, icons = labeler_choices(self, self._second)
        if (self._second or self.data) is not None:
            choices.append((CONSENSUS, "Consensus"))
            icons.append(self.context.theme.icon("people"))
        self.other.offer(choices, icons)
        self.attribute.offer(
            [(name, name) for name in self.data.attributes] if self.data is not None else []
        )

    def compare(self, one: str, other: str, names: Mapping[str, str]) -> None:
        """Show two labelers of the study, by code, as soon as a run is there.

        `names` says what to call those who are not part of the run.
        """
        self._wanted, self._wanted_names, self._refused = (one, other), names, None
        self.selection.labeler, self.selection.other = one, other
        self._show_wanted()

    def _show_wanted(self) -> None:
        """Show the two labelers that were asked for, or say who is not part of the run."""
        data, wanted = self.data, self._wanted
        if data is not None and self._pages.hindered(data, self.personal):
            return
        if wanted is None:
            self._pages.show_compared()
        if data is None or wanted is None:
            return
        lacking = [code for code in wanted if not self.one.has(code)]
        if lacking and self._refused in (None, data):
            self._refused = data
            self._pages.miss(wanted, lacking, self._wanted_names)
            return
        # Both are here, or another run was chosen by hand since.
        self._wanted = self._refused = None
        self._pages.show_compared()
        if not lacking:
            self._settle()
            self._compare()

    def _give_up(self) -> None:
        self._wanted = self._refused = None
        self._pages.show_compared()
        self.gallery.setFocus()

    @property
    def missing(self) -> EmptyState | None:
        """What is said in place of the comparison."""
        return self._pages.missing

    @property
    def has_table(self) -> bool:
        return self._compares and self.found is not None and bool(len(self.found.listed))

    @property
    def _compares(self) -> bool:
        """Whether two models are compared."""
        return self.missing is None and self.found is not None and bool(len(self.found.rows))

    def idle(self) -> bool:
        pairs = not self.pairs.isVisible() or self.pairs.thumbnails.idle()
        return self.gallery.idle() and pairs and not self.findings.busy

    def table(self) -> ExportTable | None:
        """The faces that both models score, brushed ones alone, the most disputed first, with
        scores and percentiles."""
        data, found = self.data, self.found
        if data is None or found is None or not self.has_table:
            return None
        first, second = self._names()
        name = f"{first} and {second} {self.attribute.key}"
        return ExportTable(
            name, data.words.headed(head_of(found)), LazyRows(lambda: table(data, found))
        )

    def command(self) -> list[str] | None:
        data = self.data
        if data is None or not self._compares or self.attribute.key not in data.trained:
            return None
        return ["two-labelers", str(data.folder), *self.question().options(), "--figure", "two.svg"]

    def figure(self) -> ExportFigure | None:
        found = self.found
        if found is None or not self._compares:
            return None
        first, second = self._names()
        attribute = self.attribute.key
        told = drawn(found, attribute)
        return ExportFigure(
            f"{first} and {second} {attribute}", lambda path: draw_compared(path, **told)
        )

    def question(self) -> PairQuestion:
        """What is compared."""
        area = NOWHERE if self.brush() is None else self.selection.area
        return PairQuestion(self.one.key, self.other.key, self.attribute.key, self.of.key, area)

    def _names(self) -> tuple[str, str]:
        pickers, named = (self.one, self.other), self.data.names if self.data is not None else {}
        one, other = (named.get(each.key, each.currentText()) for each in pickers)
        return one, f"{other} in {self.of.currentText()}" if self.of.key else other

    def _row(self, point: int) -> int:
        assert self.found is not None
        return int(self.found.rows[point])

    def _compare(self) -> None:
        """Show the faces that both models score, the most disputed first in the gallery.

        The dispute is the gap between percentiles, because the scores of two models need not lie on
        the same scale. The plot shows the scores and marks the first few of the gallery.
        """
        data = self.data
        if self.of.key and self._second is not None and not self.other.has(self.selection.other):
            self.offer()
            settle(self.other, self.selection.other or self.one.key)
        self._compared = (self.one.key, self.other.key)
        second, attribute = self._second, self.attribute.key
        waiting = (bool(self.of.key) and second is None) or self._average(second or data)
        lacking = second is not None and attribute not in second.attributes
        if data is None or not attribute or not self.other.key or waiting or lacking:
            self._show_nothing("Reading…" if waiting else "")
            if lacking:
                self._show_nothing(f"The other run has no attribute {attribute}")
            return
        brush = self.brush()
        try:
            found = self.found = compare(data, self.question(), second, brush)
        except UnreadableError as error:
            self._show_nothing("")
            self.meaning.setText(str(error))
            return
        place = {int(row): point for point, row in enumerate(found.rows)}
        marked = tuple(place[int(row)] for row in found.disputed[:_MARKED])
        names = tuple(f"{name}'s model" for name in self._names())
        self.scatter.show_points(
            found.x[found.rows], found.y[found.rows], (names[0], names[1]), marked,
            None if brush is None else brush[found.rows],
        )  # fmt: skip
        self.gallery.faces.show(data.images, data.image_names, found.disputed, *found.shares)
        self.pairs.show_pairs([self._pair(data, found, each) for each in found.pairs])
        self._recolour()
        self._show_correlation(found)

    def _average(self, data: RunData | None) -> bool:
        """Whether the labelers' mean is still to be found out, which stands for a consensus model
        that the run has not."""
        attribute = self.attribute.key
        if data is None or self.other.key != CONSENSUS or data.consensus is not None:
            return False
        if attribute in data.standings or attribute not in data.attributes:
            return False

        def work() -> Iterator[Event[None]]:
            data.standing(attribute)
            yield Done(None)

        self.findings.want((id(data), attribute), work)
        return True

    def _show_nothing(self, why: str) -> None:
        self.found = None
        empty = np.zeros(0, np.float32)
        self.scatter.show_points(empty, empty, ("", ""))
        self.gallery.faces.show((), (), np.zeros(0, np.int64))
        self.pairs.show_pairs(())
        self.figures.setText(why)
        self.meaning.setText("")

    def _pair(self, data: RunData, found: ComparedModels, pair: DisputedPair) -> ShownPair:
        """A pair as it is shown: what either model says of both faces."""
        rows_ = pair.first, pair.second
        lines = [
            f"{name}: {' : '.join(f'{100 * share[row]:.0f}' for row in rows_)}"
            for name, share in zip(self._names(), found.shares, strict=True)
        ]
        keys, names = ([of[row] for row in rows_] for of in (data.images, data.image_names))
        return ShownPair(rows_, (keys[0], keys[1]), (names[0], names[1]), tuple(lines))

    def _recolour(self) -> None:
        if self.data is not None and self.one.key and self.other.key:
            known = self.other.key in self.data.labelers and not self.of.key
            self.gallery.set_bar(
                self.colour(self.one.key), self.colour(self.other.key) if known else None
            )

    def _note(self, row: int) -> str:
        assert self.found is not None
        one, other = self.found.shares
        return f"{100 * one[row]:.0f} : {100 * other[row]:.0f}"

    def _show_correlation(self, found: ComparedModels) -> None:
        words = self.context.words
        first, second = self._names()
        if found.linear is None:
            self.figures.setText(self.words_for("Too few faces to correlate"))
            self.meaning.setText("")
            return
        if found.same:
            self.figures.setText("Nothing to compare")
            self.meaning.setText(
                f"{first}'s and {second}'s models put all {words.many} in the same order: this run "
                "tells them apart in nothing. Choose others, or another run."
            )
            return
        self.figures.setText(found.headline())
        restyle(self.figures, kind="unsure" if found.few else "")
        self.meaning.setText(
            f"Of the models' predictions for {counted(len(found.rows), words.one)}; 95% "
            f"intervals, over {words.many}. Beside each disputed {words.one}: its percentile for "
            f"{first} : for {second}. {words.told(_BRUSHED) if self.brush() is not None else ''}"
            f"{found.trust()}".strip()
        )

    def _name(self, point: int) -> None:
        data = self.data
        if data is None or point < 0:
            self.hint.setText(self.words_for("Point at a face for its name, click to open it."))
            return
        row = self._row(point)
        self.hint.setText(f"{data.image_names[row]}   {self._note(row)}")

    def _ring(self, row: int) -> None:
        if self.found is None:
            return
        found = np.flatnonzero(self.found.rows == row)
        self.scatter.ring(int(found[0]) if len(found) else -1)
