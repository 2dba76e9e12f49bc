"""The labeler-pair view: every face as a point, and
the faces on which the models of two labelers disagree most."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.names import with_codes
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.runs.folder import RunSummary
from prism_desktop.engine.runs.run_choice import ignoring, run_name
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations, view_figures
from prism_desktop.ui.explore.face_shares import percentiles
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import FaceOrder
from prism_desktop.ui.explore.view import (
    ExportFigure,
    ExportTable,
    View,
    labeler_choices,
    picker,
    settle,
    title,
)
from prism_desktop.ui.widgets.basics import GRID, columns, frame, label, restyle, rows
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.gallery import FaceGallery
from prism_desktop.ui.widgets.scatter import Scatter

_MARKED = 12  # most-disputed faces that stand out in the plot


def one_labeler(data: RunData) -> str:
    """Why two labelers cannot be compared."""
    who = " and ".join(data.names.values()) or "nobody"
    return (
        f"This run knows {who} alone, so there are no two labelers to compare. Train a run with "
        "more labelers, or add one to this run."
    )


def _correlation(value: float) -> str:
    """With two decimals that neither claim a perfect agreement nor say "-0.00"."""
    if abs(value) >= 0.995:
        return "> 0.99" if value > 0 else "< -0.99"
    return f"= {round(value, 2) + 0.0:.2f}"


class LabelerPairView(View):
    """Scatter on the left, most-disputed faces on the right.

    Where a labeler that is asked for is not part of the run, a sentence says so instead."""

    run_wanted = Signal(str)  # path of the run to show in place of this one

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self.one, one = picker("Labeler", self._choose_one)
        self.other, other = picker("Compared with", self._choose_other)
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
        self.missing: EmptyState | None = None  # says who is not part of the run
        self._wanted: tuple[str, str] | None = None  # two labelers who were not shown yet
        self._wanted_names: Mapping[str, str] = {}
        self._refused: RunData | None = None  # the run that was found not to have both
        self._compared: tuple[str, str] | None = None  # the two that are shown
        self._rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]] = np.zeros(0, np.int64)
        self._shares: tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], ...] = ()
        self.scatter.clicked.connect(lambda point: self.face_wanted.emit(int(self._rows[point])))
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
        bar = columns(one, other, attribute, 2 * GRID, told, gap=GRID + 4)
        bar.setStretch(4, 1)
        left = rows(
            label("Predicted scores of every face", "strong"), self.scatter, self.hint, gap=GRID
        )
        right = rows(label("Most disputed faces", "strong"), self.gallery, gap=GRID)
        for layout in (left, right):
            layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
            layout.setStretch(1, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(2 * GRID)
        split.addWidget(frame("card", left))
        split.addWidget(frame("card", right))
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        split.setSizes([600, 600])
        split.setChildrenCollapsible(False)
        whole = rows(bar, split, gap=2 * GRID)
        whole.setStretch(1, 1)
        compared = QWidget()
        compared.setLayout(whole)
        self._pages = QStackedWidget()
        self._pages.addWidget(compared)
        self.setLayout(rows(self._pages, gap=0))

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        self.gallery.thumbnails.clear()
        self.offer()
        self._settle()
        self._compare()
        self._show_wanted()

    def show_selection(self) -> None:
        if self._settle():
            self._compare()
        row = self.data.row.get(self.selection.face) if self.data is not None else None
        if row is not None:
            self.gallery.go(row)

    def _settle(self) -> bool:
        """Bring the pickers to what is chosen, and never compare somebody with themselves."""
        data, chosen = self.data, self.selection
        changed = [
            settle(self.one, chosen.labeler),
            settle(self.other, chosen.other),
            settle(self.attribute, chosen.attribute),
        ]
        if data is not None and len(data.labelers) > 1 and self.one.key == self.other.key:
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

    def _choose_attribute(self) -> None:
        self.selection.attribute = self.attribute.key
        self._compare()

    def order(self) -> FaceOrder:
        """The faces from the most disputed on, for who goes through them one by one."""
        if self.data is None:
            return FaceOrder()
        first, second = self._names()
        shown = self.gallery.faces
        rows_ = tuple(shown.face(place) for place in range(shown.rowCount()))
        return FaceOrder.of(
            rows_, f"most disputed first between {first} and {second}, {self.attribute.key}"
        )

    def offer(self) -> None:
        """Offer what the run has, also after an attribute was added."""
        for each in (self.one, self.other):
            each.offer(*labeler_choices(self))
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
        if data is not None and (told := self._nothing_to_compare(data)):
            self._show_page(*told)
            return
        if wanted is None:
            self._close_missing()
        if data is None or wanted is None:
            return
        lacking = [code for code in wanted if not self.one.has(code)]
        if lacking and self._refused in (None, data):
            self._refused = data
            self._show_missing(lacking)
            return
        # Both are here, or another run was chosen by hand since.
        self._wanted = self._refused = None
        self._close_missing()
        if not lacking:
            self._settle()
            self._compare()

    def _show_missing(self, lacking: Sequence[str]) -> None:
        """Say who is not part of the run, and look for one that has both."""
        wanted, study = self._wanted, self.context.study
        if wanted is None or study is None:
            return
        self._say_missing(lacking, None)
        path = Path(study.path)

        def take(run: RunSummary | None) -> None:
            if self._wanted == wanted and self.missing is not None:
                self._say_missing(lacking, run)

        self.context.ask(
            lambda: operations.run_with(operations.explorable(path), wanted),
            take,
            owner=self,
            what="Looking for a run with both",
            topic="run with both",
        )

    def _say_missing(self, lacking: Sequence[str], run: RunSummary | None) -> None:
        """Say who is not part of the run and offer a way on: `run` if it has both, or training.

        Whatever was said before is replaced, for the other run is found only after the first
        saying.
        """
        names = [self._wanted_names.get(code, code) for code in lacking]
        verb = word_for(len(names), "is", "are")
        back = ("Compare others in this run", self._give_up)
        actions: tuple[tuple[str, Callable[[], object]], ...]
        if run is not None:
            text = f"The run {title(run)} has both labelers."
            actions = (("Show that run", lambda: self.run_wanted.emit(str(run.path))), back)
        else:
            whom = word_for(len(names), names[0], "them")
            text = (
                f"No finished run of this study has both labelers. Add {whom} to this run with "
                "“Add a labeler” above, or train a run with both."
            )
            actions = (("Go to Train", lambda: self.context.panel_wanted.emit("train")), back)
        heading = f"{' and '.join(names)} {verb} not part of this run"
        self._show_page(heading, text, actions)

    def _show_page(
        self, heading: str, text: str, actions: tuple[tuple[str, Callable[[], object]], ...]
    ) -> None:
        """A sentence in place of the comparison."""
        self._close_missing()
        self.missing = EmptyState(self.context.theme, "people", heading, text, actions)
        self._pages.addWidget(self.missing)
        self._pages.setCurrentWidget(self.missing)

    def _nothing_to_compare(
        self, data: RunData
    ) -> tuple[str, str, tuple[tuple[str, Callable[[], object]], ...]] | None:
        """Why no two labelers can be compared by this run, with the way out; None if they can."""
        train = ("Train a personal run", lambda: self.context.panel_wanted.emit("train"))
        if len(data.labelers) < 2:
            return "One labeler", one_labeler(data), (train,)
        if not data.ignores_labelers:
            return None
        best = self.personal
        if best is None:
            return "Nothing to compare", ignoring(data.title), (train,)
        show = (f"Show {run_name(best)}", lambda: self.run_wanted.emit(str(best.path)))
        return "Nothing to compare", ignoring(data.title), (show,)

    def _give_up(self) -> None:
        self._wanted = self._refused = None
        self._close_missing()
        self.gallery.setFocus()

    def _close_missing(self) -> None:
        if self.missing is not None:
            self._pages.removeWidget(self.missing)
            self.missing.deleteLater()
            self.missing = None
        self._pages.setCurrentIndex(0)

    @property
    def has_table(self) -> bool:
        return self.missing is None and bool(len(self._rows))

    def idle(self) -> bool:
        return self.gallery.thumbnails.idle()

    def table(self) -> ExportTable | None:
        """The faces that both models score, in the run's own order, with scores and percentiles."""
        data = self.data
        if data is None or not self.has_table:
            return None
        first, second = self._names()
        people = with_codes(data.names)
        one_, other_ = people.get(self.one.key, first), people.get(self.other.key, second)
        scores = [data.score(key, self.attribute.key) for key in (self.one.key, self.other.key)]
        head = (
            "name",
            "image",
            *(f"{what} {who}" for what in ("score", "percentile") for who in (one_, other_)),
        )
        one, other = self._shares
        body = [
            (
                data.image_names[r],
                data.images[r],
                *(float(values[r]) for values in (*scores, one, other)),
            )
            for r in self._rows
        ]
        return ExportTable(f"{first} and {second} {self.attribute.key}", head, body)

    def figure(self) -> ExportFigure | None:
        data = self.data
        if data is None or not self.has_table:
            return None
        x, y = (
            data.score(key, self.attribute.key)[self._rows]
            for key in (self.one.key, self.other.key)
        )
        first, second = self._names()
        people, attribute = with_codes(data.names), self.attribute.key
        names = people.get(self.one.key, first), people.get(self.other.key, second)
        title = f"{attribute}: {self.figures.text()}"
        note = f"{counted(len(x), 'face')}, a dot each. {self._trust(names)}"
        return ExportFigure(
            f"{first} and {second} {attribute}",
            lambda path: view_figures.draw_scatter(path, x, y, names, title, note),
        )

    def _names(self) -> tuple[str, str]:
        pickers, named = (self.one, self.other), self.data.names if self.data is not None else {}
        one, other = (named.get(each.key, each.currentText()) for each in pickers)
        return one, other

    def _compare(self) -> None:
        """Show the faces that both models score, the most disputed first in the gallery.

        The dispute is the gap between percentiles, because the scores of two models need not lie on
        the same scale. The plot shows the scores and marks the first few of the gallery.
        """
        data = self.data
        self._compared = (self.one.key, self.other.key)
        if data is None or not self.attribute.key or not self.other.key:
            self._rows = np.zeros(0, np.int64)
            empty = np.zeros(0, np.float32)
            self.scatter.show_points(empty, empty, ("", ""))
            self.gallery.faces.show((), (), self._rows)
            self.figures.setText("")
            self.meaning.setText("")
            return
        x, y = (
            data.score(self.one.key, self.attribute.key),
            data.score(self.other.key, self.attribute.key),
        )
        self._rows = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
        self._shares = percentiles(x), percentiles(y)
        gap = np.abs(self._shares[0] - self._shares[1])
        order = self._rows[np.argsort(-gap[self._rows], kind="stable")]
        # a face that both put at the same percentile is not disputed
        one, other = (np.rint(100 * share[order]) for share in self._shares)
        order = order[one != other]
        place = {int(row): point for point, row in enumerate(self._rows)}
        marked = tuple(place[int(row)] for row in order[:_MARKED])
        first, second = self._names()
        self.scatter.show_points(
            x[self._rows], y[self._rows], (f"{first}'s model", f"{second}'s model"), marked
        )
        self.gallery.faces.show(data.images, data.image_names, order, *self._shares)
        self._recolour()
        self._show_correlation(x[self._rows], y[self._rows])

    def _recolour(self) -> None:
        if self.data is not None and self.one.key and self.other.key:
            self.gallery.set_bar(self.colour(self.one.key), self.colour(self.other.key))

    def _note(self, row: int) -> str:
        one, other = self._shares
        return f"{100 * one[row]:.0f} : {100 * other[row]:.0f}"

    def _show_correlation(
        self,
        x: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
        y: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    ) -> None:
        first, second = self._names()
        if len(x) < 3 or not x.std() or not y.std():
            self.figures.setText("Too few faces to correlate")
            self.meaning.setText("")
            return
        if np.array_equal(self._shares[0][self._rows], self._shares[1][self._rows]):
            self.figures.setText("Nothing to compare")
            self.meaning.setText(
                f"{first}'s and {second}'s models put all faces in the same order: this run tells "
                "them apart in nothing. Choose others, or another run."
            )
            return
        one, other = self._shares[0][self._rows], self._shares[1][self._rows]
        straight, ranked = float(np.corrcoef(x, y)[0, 1]), float(np.corrcoef(one, other)[0, 1])
        few = self.data is not None and any(
            self.data.unsure(each.key) for each in (self.one, self.other)
        )
        told = (
            f"r {_correlation(straight)}, rank correlation "
            f"{_correlation(ranked).removeprefix('= ')}"
        )
        self.figures.setText(f"{TOO_FEW.capitalize()}: {told}" if few else told)
        restyle(self.figures, role="unsure" if few else "heading")
        self.meaning.setText(
            f"Of the models' predictions for {counted(len(x), 'face')}. Beside each disputed face: "
            f"its percentile for {first} : for {second}. {self._trust((first, second))}".strip()
        )

    def _trust(self, names: tuple[str, str]) -> str:
        """How far either model can be trusted."""
        assert self.data is not None
        told = (
            (name, self.data.trust(picker_.key))
            for name, picker_ in zip(names, (self.one, self.other), strict=True)
        )
        return " ".join(f"{name}: {trust[0].lower()}{trust[1:]}" for name, trust in told if trust)

    def _name(self, point: int) -> None:
        data = self.data
        if data is None or point < 0:
            self.hint.setText("Point at a face for its name, click to open it.")
            return
        row = int(self._rows[point])
        self.hint.setText(f"{data.image_names[row]}   {self._note(row)}")

    def _ring(self, row: int) -> None:
        found = np.flatnonzero(self._rows == row)
        self.scatter.ring(int(found[0]) if len(found) else -1)
