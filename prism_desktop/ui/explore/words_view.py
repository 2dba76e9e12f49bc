"""The words view: any words as every labeler's model ranks faces by them, and how far such words
were right."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtWidgets import QStackedWidget, QWidget

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.experiments.word_report import (
    WordArguments,
    WordReport,
    told_check,
    told_words,
    words_in_worker,
)
from prism_desktop.engine.runs.estimates import told_accuracy
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.face_findings import FaceFindings
from prism_desktop.ui.explore.operations import thumbnail_paths
from prism_desktop.ui.explore.ranked_faces import area_options
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.unlabeled import score_words
from prism_desktop.ui.explore.view import ExportTable, LazyRows, View, captioned, picker, settle
from prism_desktop.ui.job import Job
from prism_desktop.ui.widgets.basics import GRID, button, chip, columns, label, rows
from prism_desktop.ui.widgets.cards import side_by_side
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.face_columns import FaceColumn, FaceColumnTable, OrderedFace
from prism_desktop.ui.widgets.fields import HintedLine
from prism_desktop.ui.widgets.pickers import PickMany
from prism_desktop.ui.widgets.possible import allow
from prism_desktop.ui.widgets.reading_table import ReadingTable
from prism_desktop.ui.widgets.text_picture import Sources

_ENDS = 5  # faces at either end
_HEADS = ("Attribute", "Goes with it", "Answers foretold", "By its word, left out", "Trained",
          "Less", "Untrained backbone")  # fmt: skip
_GIVE_WAY = (6, 4, 2, 5)
_OF_WORDS = (1, 2)  # columns of words that were asked
_ASK = "Type any words, such as “kind” or “{}”, and every labeler's model ranks the faces by them."
_COLUMNS = (
    "Goes with it: rank correlation of the labelers' scores by the words with those of the "
    "attribute, over held-out faces. Answers foretold: held-out answers on the attribute that the "
    "words tell. Chance is 50%."
)


class WordsView(View):
    """The words above, labelers' columns of faces on the left, what is known of words on the
    right."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._reports: dict[tuple[str, str], WordReport] = {}  # by run and words
        self._job: Job | None = None
        self._asked: tuple[str, str] | None = None
        self._checking: Job | None = None  # trains, whatever words are looked at meanwhile
        self.findings = FaceFindings(context, self)
        self.findings.came.connect(self._show_faces)
        self.findings.failed.connect(context.message)
        self._make()
        self._lay_out()

    def _make(self) -> None:
        self.typed = HintedLine("")
        self.typed.returnPressed.connect(self._score)
        self._go = button("Rank faces", self._score, tip="Rank all faces by what you typed")
        self.words, self._words = picker("Asked", self._choose)
        self.labelers = PickMany("labelers")
        self.labelers.changed.connect(self._tick)
        self.mark = chip("Nobody labeled this", "warn")
        self.told = label("", wrap=True)
        self.faces = FaceColumnTable(
            self.context.theme, lambda key: thumbnail_paths(self.data, key)
        )
        self.faces.setAccessibleName("Faces ranked by words, a column for each labeler")
        self.faces.opened.connect(self.face_wanted)
        self.check = label("", wrap=True)
        self.table_ = ReadingTable("What the words go with", _HEADS, 0, _GIVE_WAY)
        self.notes = label("", "small", wrap=True)
        self.measure = button(
            "Check the words…", self._check,
            tip="Train the run again without each attribute in turn, and ask it by its word",
        )  # fmt: skip
        # why, and the way to a run that does, stand below the view
        self.none = EmptyState(
            self.context.theme, "search", "This run reads no words",
            "Words that nobody labeled are asked of each labeler's model, and how far such words "
            "were right where that could be checked is said.",
        )  # fmt: skip
        self.limits = self.none.text

    def _lay_out(self) -> None:
        bar = columns(captioned("Words", self.typed), gap=GRID + 4)
        bar.addLayout(rows(None, self._go, gap=0))
        bar.addWidget(self._words)
        bar.addWidget(captioned("Labelers", self.labelers))
        bar.setStretch(0, 1)
        head = columns(self.mark, self.told, gap=GRID)
        head.setStretch(1, 1)
        left = rows(head, self.faces, gap=GRID)
        left.setStretch(1, 1)
        right = rows(
            label("How far are such words right?", "strong"), self.check, self.table_, self.notes,
            columns(self.measure, None), gap=GRID,
        )  # fmt: skip
        right.setStretch(2, 1)
        split = side_by_side(left, right, (700, 500))
        top = QWidget()
        top.setLayout(bar)
        self._pages = QStackedWidget()
        for page in (split, self.none):
            self._pages.addWidget(page)
        whole = rows(top, self._pages, gap=GRID)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def show_data(self, data: RunData | None) -> None:
        if self.data is not None and data is not self.data:  # the run may have been trained further
            here = "" if data is None else str(data.folder)
            self._reports = {key: one for key, one in self._reports.items() if key[0] != here}
            if self._checking is not None and here != self._folder():
                self._checking.cancel()
                self._checking = None
        super().show_data(data)
        self._stop()
        self.faces.thumbnails.clear()
        reason = "" if data is None else data.obstacles.words
        allow(reason, self.typed, self._go, self.labelers, self.measure, told=self.limits)
        self._pages.setCurrentIndex(int(bool(reason)))
        self.typed.setPlaceholderText(f"Any words, e.g. {self._example()}")
        names = {} if data is None else {code: data.names[code] for code in data.labelers}
        self.labelers.blockSignals(True)  # nobody ticked
        self.labelers.offer(names)
        self.labelers.blockSignals(False)
        self._offer()
        self._show()

    def _files(self, key: str) -> Sources:
        return thumbnail_paths(self.data, key)

    def idle(self) -> bool:
        busy = bool(self._job or self._checking or self.findings.busy)
        return not busy and self.faces.thumbnails.idle()

    def show_selection(self) -> None:
        """Words may have been asked in another view, and other faces be brushed there."""
        before, moved = (self.words.key, self.labelers.picked()), self.brush_changed()
        self._offer()
        if self.words.key != before[0]:
            self._show()
        elif moved or self.labelers.picked() != before[1]:
            self._show_faces()

    def table(self) -> ExportTable | None:
        """Every labeler's percentile of every face, or of the brushed ones, by the words that are
        shown; percentiles are among all faces."""
        data, words = self.data, self.words.key
        if data is None or not words:
            return None
        brush = self.brush()
        listed = range(len(data.images)) if brush is None else np.flatnonzero(brush).tolist()

        def made() -> list[tuple[object, ...]]:
            found: list[tuple[object, ...]] = []
            for code in data.labelers:
                scores, shares = data.score(code, words), data.share(code, words)
                found += [
                    (code, data.names[code], words, data.image_names[row], data.images[row],
                     float(scores[row]), float(shares[row]))
                    for row in listed
                ]  # fmt: skip
            return found

        head = ("labeler", "labeler_name", "words", "name", "image", "score", "percentile")
        return ExportTable(f"{data.words.many} by {words}", data.words.headed(head), LazyRows(made))

    @property
    def has_table(self) -> bool:
        return self.data is not None and bool(self.words.key)

    def command(self) -> list[str] | None:
        data = self.data
        if data is None or data.obstacles.words:
            return None
        chosen = [self.words.key, "--faces", str(_ENDS)] if self.words.key else []
        area = area_options(self.selection.area) if chosen and self.brush() is not None else []
        return ["words", str(data.folder), *chosen, *area, "--json", "words.json"]

    def _folder(self) -> str:
        return "" if self.data is None else str(self.data.folder)

    def _report(self) -> WordReport | None:
        """What is known of the words that are shown, or of this run's words at all."""
        if self.data is None:
            return None
        folder = str(self.data.folder)
        return self._reports.get((folder, self.words.key)) or self._reports.get((folder, ""))

    def _offer(self) -> None:
        data = self.data
        typed = (
            [] if data is None else [name for name in data.attributes if name not in data.trained]
        )
        self.words.offer([(name, name) for name in typed])
        settle(self.words, self.selection.words)
        self._words.setVisible(bool(self.words.key))
        ticked = self.selection.ticked
        known = None if ticked is None else [code for code in ticked if self.labelers.has(code)]
        self.labelers.blockSignals(True)  # nobody ticked
        self.labelers.tick(known or (None if ticked else ticked))
        self.labelers.blockSignals(False)

    def _tick(self) -> None:
        """Somebody chose whose columns are seen."""
        self.selection.ticked = self.labelers.picked()
        self._show_faces()

    def _score(self) -> None:
        """Rank by what was typed."""
        words, data = " ".join(self.typed.text().split()), self.data
        if not words or data is None:
            return
        if words in data.trained:
            self.context.message(f"Somebody labeled {words}: see Faces for it.", "warn")
            return

        def show() -> None:
            if data is self.data:
                self.typed.clear()
                self._offer()
                settle(self.words, words)
                self._choose()

        score_words(self.context, data, words, self, show)

    def _choose(self) -> None:
        self.selection.words = self.words.key
        self._show()

    def _show(self) -> None:
        self._show_faces()
        self._ask()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job, self._asked = None, None

    def _ask(self) -> None:
        """Ask for what is known of the words that are shown, unless it is known already."""
        data, words = self.data, self.words.key
        if data is None or data.obstacles.words:
            self._show_report()
            return
        key = (str(data.folder), words)
        self._show_report()
        if self._asked == key or key in self._reports:
            return
        self._stop()
        self._asked = key

        def on_events(events: list[Any]) -> None:
            found = operations.result(events)
            if isinstance(found, WordReport) and data is self.data:
                self._reports[key] = found
                self._show_report()

        def failed(error: Exception) -> None:
            if self._job is job:
                self.check.setText(str(error))

        def done() -> None:
            if self._job is job:
                self._job, self._asked = None, None

        asked = WordArguments(run=Path(data.folder), words=(words,) if words else ())
        self._job = job = self.context.jobs.start(
            words_in_worker(asked), "Asking by words", quiet=True, owner=self, events=on_events
        )
        job.failed.connect(failed)
        job.finished.connect(done)

    def _check(self) -> None:
        """Train what lacks; each training is as long as the run's own, and goes on while other
        words are looked at."""
        data, words = self.data, self.words.key
        if data is None or self._checking is not None:
            return

        def on_events(events: list[Any]) -> None:
            found = operations.result(events)
            if isinstance(found, WordReport) and self._folder() == str(data.folder):
                self._reports = {(str(data.folder), words): found}
                self._show_report()

        def done() -> None:
            if self._checking is job:
                self._checking = None
                self._stop()  # an answer without what was trained now
                self._ask()

        asked = WordArguments(run=Path(data.folder), words=(words,) if words else (), train=True)
        self._checking = job = self.context.run(
            words_in_worker(asked), "Checking the words", owner=self, events=on_events
        )
        job.finished.connect(done)

    def _show_faces(self) -> None:
        """A column for each labeler: the faces that are most and least so."""
        data, words = self.data, self.words.key
        self.mark.setVisible(bool(words))
        if data is None or not words:
            self.faces.show_columns((), 0)
            self.told.setText(self._invitation())
            return
        if not data.ordered(words):
            self.faces.show_columns((), 0)
            self.told.setText(self.words_for("Ranking the faces…"))
            self.findings.want((id(data), words), lambda: _rank(data, words))
            return
        self.findings.forget()
        who = self.labelers.picked() or data.labelers
        found = [self._column(data, code, words) for code in who if code in data.labelers]
        self.faces.show_columns(found, _ENDS)
        ends = {tuple(face.row for face in column.faces) for column in found}
        among = "" if self.brush() is None else self.words_for("Of the brushed faces: ")
        if among and not any(column.faces for column in found):
            self.told.setText(self.words_for("None of the brushed faces has a score."))
            return
        alike = ""
        if data.ignores_labelers:
            alike = " All labelers rank alike, for the run is one model of all."
        # of a few brushed faces, the same are first and last whatever the models say
        elif len(found) > 1 and len(ends) == 1 and not among:
            alike = (
                " All labelers' models put the same faces there: by these words they differ little."
            )
        told = (
            f"“{words}”: {among}above the faces that each labeler's model puts first, "
            f"{_ENDS} at most, below the last. The model reads the words alone.{alike} It says "
            "something about the labeler's model, nothing about the person shown."
        )
        self.told.setText(self.words_for(told))

    def _example(self) -> str:
        return f"{self.context.words.senses} like a leader"

    def _invitation(self) -> str:
        """What stands in place of ranked faces: to type words, or why none are used."""
        if self.data is None or self.data.obstacles.words:
            return ""
        report = self._report()
        return (report and report.refused) or self.words_for(_ASK.format(self._example()))

    def _column(self, data: RunData, code: str, words: str) -> FaceColumn:
        order, brush = data.order(code, words), self.brush()
        order = order if brush is None else order[brush[order]]
        kept = order if len(order) <= 2 * _ENDS else np.r_[order[:_ENDS], order[-_ENDS:]]
        share = data.share(code, words)
        faces = tuple(
            OrderedFace(
                int(row), data.images[row],
                f"{Path(data.image_names[row]).stem}, above {share[row]:.0%} of the "
                f"{self.context.words.many}",
            )
            for row in kept
        )  # fmt: skip
        return FaceColumn(data.names[code], faces)

    def _show_report(self) -> None:
        """The check in a sentence, then a line for each labeled attribute."""
        report = self._report()
        data = self.data
        if data is not None and not data.obstacles.words:
            allow("" if report is None else report.refused, self.typed, self._go)
        if not self.words.key:
            self.told.setText(self._invitation())
        self.measure.setVisible(report is not None and bool(report.unchecked))
        if report is None:
            self.check.setText("")
            self.notes.setText("")
            self.table_.show_lines([])
            return
        self.check.setText(told_words(report))
        links = {link.attribute: link for link in report.links}
        lines, few = [], []
        for each in report.checks:
            link, told = links.get(each.attribute), told_check(each)
            goes = "–" if link is None or link.rho is None else f"{link.rho:+.2f}"
            answers = "–" if link is None else told_accuracy(link.answers).line
            by_word, trained, less, frozen = (one.line for one in told)
            lines.append((each.attribute, goes, answers, by_word, trained, less, frozen))
            few.append(told[0].few)
        self.table_.leave_out(() if report.links else _OF_WORDS)
        self.table_.show_lines(lines, [" · ".join(line) for line in lines], few)
        self.notes.setText(" ".join((self.words_for(_COLUMNS), *report.notes)))


def _rank(data: RunData, words: str) -> Iterator[Event[None]]:
    """Rank all faces by words for every labeler, once; a brush takes of that what it wants."""
    for place, code in enumerate(data.labelers):
        data.order(code, words)
        data.share(code, words)
        yield Progress(place + 1, len(data.labelers), "Ranking the faces")
    yield Done(None)
