"""The agreement view: who agrees with whom on the comparisons that both answered, as a matrix
and a network."""

from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider, QSplitter, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.engine.runs.estimates import ENOUGH, too_few
from prism_desktop.engine.series_colours import labeler_place
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations, view_figures
from prism_desktop.ui.explore.operations import Agreement, StudyAnswers
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.view import ExportFigure, ExportTable, View, picker, settle
from prism_desktop.ui.job import Job
from prism_desktop.ui.widgets.basics import GRID, columns, frame, label, rows
from prism_desktop.ui.widgets.matrix import Matrix
from prism_desktop.ui.widgets.network_view import NetworkLine, NetworkView

ALL, RUN = "(all)", "(run)"
_NO_RUN = "A cell leads to the models of its two labelers once a model is trained, in Train."
_DENSE = 200  # links in all, beyond which they are drawn faintly


class AgreementView(View):
    """Matrix on the left, network on the right, one attribute or all."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._found: Agreement | None = None
        self._answers: StudyAnswers | None = None
        self._reading = False
        self._comparable = False  # whether a click on two labelers has a run to show them in
        self._job: Job | None = None
        self.attribute, attribute = picker("Attribute", self._choose_attribute)
        self.attribute.offer([(ALL, "All attributes")])
        self.labelers, self._labelers = picker("Labelers", self._choose_labelers)
        self.explanation = label("", "small", wrap=True)
        self.matrix = Matrix(context.theme)
        self.matrix.chosen.connect(self._open)
        self.network = NetworkView(context.theme)
        self.network.chosen.connect(self._open)
        self.threshold = QSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0, 100)
        self.threshold.setValue(60)
        self.threshold.setFixedWidth(160)
        self.threshold.setAccessibleName("Least agreement of a link")
        self.threshold.valueChanged.connect(self._filter)
        self.links = label("", "small")
        self.links.setMinimumWidth(160)
        self.links.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.explanation.setAlignment(Qt.AlignmentFlag.AlignBottom)
        self._lay_out(attribute)

    def _lay_out(self, attribute: QWidget) -> None:
        """Pickers and the explanation above; matrix and network in a splitter below."""
        bar = columns(attribute, self._labelers, self.explanation, gap=GRID + 4)
        bar.setStretch(2, 1)
        left = rows(label("Agreement between labelers, %", "strong"), self.matrix, gap=GRID)
        head = columns(label("Network", "strong"), None, self.links, self.threshold, gap=GRID)
        right = rows(head, self.network, gap=GRID)
        for layout in (left, right):
            layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
            layout.setStretch(1, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(2 * GRID)
        split.addWidget(frame("card", left))
        split.addWidget(frame("card", right))
        split.setSizes([620, 620])
        split.setChildrenCollapsible(False)
        whole = rows(bar, split, gap=2 * GRID)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def show_data(self, data: RunData | None) -> None:
        """Read the study's answers anew.

        What a run learned from is only a part of them, and older.
        """
        super().show_data(data)
        study = self.context.study
        self._answers, self._reading = None, study is not None
        self._ask()
        if study is None:
            return

        def take(answers: StudyAnswers | None) -> None:
            self._reading = False
            if self.context.study is study:
                self._answers = answers
                self._ask()

        def failed(error: Exception) -> None:
            take(None)
            self.context.report(error)

        # Closing a study waits for what was asked of it before, so that this reads it whole.
        self.context.ask(
            lambda: operations.answered(study),
            take,
            owner=self,
            what="Reading the answers",
            topic="answers",
            failed=failed,
        )

    def show_selection(self) -> None:
        if self.threshold.value() != self.selection.least:
            self.threshold.setValue(self.selection.least)
        if settle(self.attribute, self._wanted()):
            self._ask()

    def _wanted(self) -> str:
        return ALL if self.selection.every else self.selection.attribute

    def _choose_attribute(self) -> None:
        self.selection.every = self.attribute.key == ALL
        if not self.selection.every:
            self.selection.attribute = self.attribute.key
        self._ask()

    def _choose_labelers(self) -> None:
        self.selection.everybody = self.labelers.key == ALL
        self._ask()

    def set_comparable(self, comparable: bool) -> None:
        """Whether there are runs, so that a click on two labelers leads to their models."""
        if comparable != self._comparable:
            self._comparable = comparable
            if self._found is not None:
                self._explain(self._found)

    @property
    def has_table(self) -> bool:
        return self._found is not None

    def idle(self) -> bool:
        return self._job is None and not self._reading

    def table(self) -> ExportTable | None:
        found = self._found
        if found is None:
            return None
        table, people = found.found.frame(repeats=True), found.names
        # What was never shared stays empty: it is unknown, not zero.
        cells = table.astype(object).where(table.notna(), None).itertuples(index=False, name=None)
        body = [
            (people[one], people[other], self.attribute.key, *rest, one, other)
            for one, other, *rest in cells
        ]
        head = (
            "labeler",
            "other",
            "attribute",
            "agreement",
            "low",
            "high",
            "shared answers",
            "source",
            "labeler_code",
            "other_code",
        )
        return ExportTable("agreement", head, body)

    def figure(self) -> ExportFigure | None:
        found = self._found
        if found is None:
            return None
        threshold = self.threshold.value() / 100
        everybody = self._answers.everybody if self._answers is not None else ()
        about = "all attributes" if self.attribute.key == ALL else self.attribute.key
        title = f"Agreement on {about}, {counted(len(found.found.labelers), 'labeler')}"
        return ExportFigure(
            "agreement",
            lambda path: view_figures.draw_agreement(
                path, found, with_codes(found.names), threshold, everybody, title
            ),
        )

    def _ask(self) -> None:
        """Compare the chosen labelers anew, on the chosen attribute.

        A newer question replaces the one before. Each answer is shown only while its own job is the
        present one, since events of a cancelled job may still arrive.
        """
        answers, self._found = self._answers, None
        if self._job is not None:
            self._job.cancel()
        self._job = None
        if answers is None:
            self._clear("Comparing labelers…" if self._reading else "")
            return
        self.attribute.offer(
            [(ALL, "All attributes"), *((name, name) for name in answers.attributes)]
        )
        settle(self.attribute, self._wanted())
        labelers = self._chosen(answers)
        if not answers.attributes:
            self._clear("Nobody has answered yet, so there is no agreement to show.")
            return
        self._clear("Comparing labelers…")
        attribute = None if self.attribute.key == ALL else self.attribute.key

        def on_events(events: list[Any]) -> None:
            found = operations.result(events)
            if isinstance(found, Agreement) and self._job is job:
                self._show(found)

        def failed(error: Exception) -> None:
            if self._job is job:
                self._clear("")
                self.context.report(error)

        def done() -> None:
            if self._job is job:
                self._job = None

        work = operations.agreement(answers, attribute, labelers)
        self._job = job = self.context.jobs.start(
            work, "Agreement", quiet=True, events=on_events, owner=self
        )
        job.failed.connect(failed)
        job.finished.connect(done)

    def _chosen(self, answers: StudyAnswers) -> tuple[str, ...]:
        """The run's labelers, or all of the study; a choice only where they differ."""
        everybody = tuple(answers.names)
        run = tuple(
            code for code in everybody if self.data is not None and code in self.data.labelers
        )
        choices = [(RUN, f"The run's {len(run)}"), (ALL, f"All {len(everybody)}")]
        differ = bool(run) and run != everybody
        self.labelers.offer(choices if differ else [])
        settle(self.labelers, ALL if self.selection.everybody else RUN)
        self._labelers.setVisible(differ)
        return run if self.labelers.key == RUN else everybody

    def _clear(self, told: str) -> None:
        """Show no numbers: old ones under a new heading would be taken for its own."""
        self.matrix.show_matrix((), np.zeros((0, 0)), np.zeros((0, 0), np.int64))
        self.network.show_network((), {})
        self.links.setText("")
        self.explanation.setText(told)

    def _show(self, found: Agreement) -> None:
        self._found = found
        values, counts = found.found.matrix, found.found.counts
        names = [found.names[code] for code in found.found.labelers]
        self.matrix.show_matrix(names, values, counts)
        everybody = self._answers.everybody if self._answers is not None else ()
        self.network.show_network(
            names,
            found.places,
            dense=len(found.links()) > _DENSE,
            colours=[labeler_place(everybody, code) for code in found.found.labelers],
        )
        self._filter()
        self._explain(found)

    def _explain(self, found: Agreement) -> None:
        """Say what the cells are, and where a click on them leads."""
        count = len(found.found.labelers)
        pairs = count * (count - 1) // 2
        blank = pairs - len(found.links())
        source = found.found.source
        told = {
            "comparisons": "Share of shared comparisons answered alike; a tie against a choice "
            "counts half.",
            "ratings": "Share of pairs of faces that both labelers' ratings put in the same order.",
        }[source]
        told += " On the diagonal, each labeler with themselves on repeats."
        if self._comparable:
            told += " Click a cell to compare two models."
        else:
            told += f" {_NO_RUN}"
        told = " ".join(filter(None, (told, found.left_out)))
        few = sum(too_few(link.count) for link in found.links())
        if few:
            told = (
                f"Too few to tell for {few:,} of {counted(pairs, 'pair of labelers')}: they share "
                f"fewer than {counted(ENOUGH, 'answer')}. {told}"
            )
        if blank:
            told += (
                f" {blank:,} of {counted(pairs, 'pair of labelers')} share nothing: their cells "
                f"are "
                "blank."
            )
        self.explanation.setText(told)

    def _filter(self) -> None:
        found, value = self._found, self.threshold.value()
        self.selection.least = value
        if found is None:
            return
        row = {code: place for place, code in enumerate(found.found.labelers)}
        lines = [
            NetworkLine(row[link.labeler], row[link.other], link.agreement, link.count)
            for link in found.links(value / 100)
        ]
        self.network.show_lines(lines)
        self.links.setText(f"{counted(len(lines), 'link')} of at least {value}%")

    def _open(self, one: int, other: int) -> None:
        if not self._comparable:  # said beside the matrix already
            self.context.message(
                _NO_RUN, "info", ("Go to Train", lambda: self.context.panel_wanted.emit("train"))
            )
        elif self._found is not None:
            codes = self._found.found.labelers
            self.pair_wanted.emit(codes[one], codes[other])
