"""The agreement view: who agrees with whom on the comparisons that both answered, as a matrix
and a network."""

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QSlider, QSplitter, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.engine.runs.estimates import ENOUGH
from prism_desktop.engine.series_colours import labeler_place
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.operations import Agreement, StudyAnswers
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.view import (
    ExportFigure,
    ExportTable,
    View,
    captioned,
    picker,
    settle,
)
from prism_desktop.ui.job import Job
from prism_desktop.ui.widgets.basics import GRID, columns, frame, label, rows
from prism_desktop.ui.widgets.matrix import Matrix
from prism_desktop.ui.widgets.network_view import NetworkLine, NetworkNode, NetworkView

ALL, RUN = "(all)", "(run)"
_ANSWERS = {"comparisons": "Comparisons", "ratings": "Ratings"}
_ORDERS = {"listed": "As listed", "alike": "Alike together", "mean": "By mean agreement"}
_COLOURS = {"labeler": "Each labeler", "group": "Groups", "none": "None"}
_FEWEST = {1: "Any", ENOUGH: f"{ENOUGH} or more", 200: "200 or more"}
_NO_RUN = "A cell leads to the models of its two labelers once a model is trained, in Train."


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
        self.answers, self._kind = picker("Answers", self._choose_answers)
        self.order, self._order = picker("Order", self._choose_order)
        self.order.offer(list(_ORDERS.items()))
        self.colours, self._colouring = picker("Colours", self._choose_colour)
        self.colours.offer(list(_COLOURS.items()))
        self.fewest, self._fewest = picker("Shared answers of a link", self._choose_fewest)
        self.fewest.offer([(str(least), told) for least, told in _FEWEST.items()])
        self.search = QLineEdit()
        self.search.setPlaceholderText("Name or code")
        self.search.setAccessibleName("Find a labeler")
        self.search.setMinimumWidth(120)
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._mark)
        self._search = captioned("Find a labeler", self.search)
        self.explanation = label("", "small", wrap=True)
        self.matrix = Matrix(context.theme)
        self.matrix.chosen.connect(self._open_cell)
        self.network = NetworkView(context.theme)
        self.network.chosen.connect(self._open)
        self.threshold = QSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0, 100)
        self.threshold.setValue(60)
        self.threshold.setFixedWidth(140)
        self.threshold.setAccessibleName("Least agreement of a link")
        self.threshold.valueChanged.connect(self._choose_least)
        self.links = label("", "small")
        self.links.setMinimumWidth(160)
        self.links.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.groups = label("", "small", wrap=True)
        self._lay_out(attribute)

    def _lay_out(self, attribute: QWidget) -> None:
        """Pickers and the explanation above; matrix and network in a splitter below."""
        for holder in (self._kind, self._fewest, self._search, self.groups):
            holder.hide()  # until it is known that there is something to choose or tell
        looks = (self._order, self._colouring, self._fewest)
        bar = columns(
            attribute, self._labelers, self._kind, *looks, self._search, None, gap=GRID + 4
        )
        left = rows(label("Agreement between labelers, %", "strong"), self.matrix, gap=GRID)
        head = columns(label("Network", "strong"), None, self.links, self.threshold, gap=GRID)
        right = rows(head, self.network, self.groups, gap=GRID)
        for layout in (left, right):
            layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
            layout.setStretch(1, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(2 * GRID)
        split.addWidget(frame("card", left))
        split.addWidget(frame("card", right))
        split.setSizes([620, 620])
        split.setChildrenCollapsible(False)
        whole = rows(bar, self.explanation, split, gap=GRID)
        whole.setStretch(2, 1)
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
        self._settle_look()
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

    def _choose_answers(self) -> None:
        self.selection.answers = self.answers.key
        self._ask()

    def _choose_order(self) -> None:
        self.selection.order = self.order.key
        self._show_matrix()

    def _choose_colour(self) -> None:
        self.selection.colour = self.colours.key
        if self._found is not None:
            self.network.recolour(self._nodes(self._found))
            self._tell_groups(self._found)

    def _choose_fewest(self) -> None:
        self.selection.fewest = int(self.fewest.key)
        self._filter()

    def _choose_least(self) -> None:
        self.selection.least = self.threshold.value()
        self._filter()

    def _settle_look(self) -> None:
        """Bring order, colours and threshold to what was chosen, else to what suits."""
        if self._found is None:
            return
        chosen, suits = self.selection, self._found.look
        settle(self.order, chosen.order or suits.order or "")
        settle(self.colours, chosen.colour or suits.colours or "")
        settle(self.fewest, str(chosen.fewest or suits.fewest))
        least = chosen.least if chosen.least is not None else round(100 * (suits.threshold or 0))
        self.threshold.blockSignals(True)  # nobody chose it
        self.threshold.setValue(least)
        self.threshold.blockSignals(False)
        for holder in (self._fewest, self._search):
            holder.setVisible(suits.order == "alike")  # there are many

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
        look = found.chosen_look(
            self.order.key, self.colours.key, self.threshold.value(), int(self.fewest.key)
        )
        codes = found.found.labelers
        places = {codes[row]: place for row, place in self.network.places().items()}
        everybody = self._answers.everybody if self._answers is not None else ()
        about = "all attributes" if self.attribute.key == ALL else self.attribute.key
        title = f"Agreement on {about}, {counted(len(codes), 'labeler')}"

        def draw(path: Path) -> None:
            from prism_desktop.engine.analysis.agreement_look import draw_agreement

            names = with_codes(found.names)
            draw_agreement(path, found.found, names, everybody, title, look, places)

        return ExportFigure("agreement", draw)

    def command(self) -> list[str] | None:
        found, study = self._found, self.context.study
        if found is None or study is None:
            return None
        words = ["agreement", str(study.path)]
        if self.attribute.key != ALL:
            words += ["--attribute", self.attribute.key]
        if found.found.labelers != tuple(found.names):
            if any("," in code for code in found.found.labelers):  # a list of them parts there
                return None
            words += ["--labelers", ",".join(found.found.labelers)]
        words += ["--answers", found.found.source, "--order", self.order.key]
        words += ["--colours", self.colours.key, "--least", str(self.threshold.value())]
        return [*words, "--fewest", self.fewest.key, "--figure", "agreement.svg"]

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

        work = operations.agreement(answers, attribute, labelers, self._source(answers))
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

    def _source(self, answers: StudyAnswers) -> str:
        """The kind of answers asked for; a choice only where labelers gave both."""
        both = len(answers.compared) > 0 and len(answers.rated) > 0
        self.answers.offer(list(_ANSWERS.items()) if both else [])
        settle(self.answers, self.selection.answers)
        self._kind.setVisible(both)
        return self.selection.answers if both else ""

    def _clear(self, told: str) -> None:
        """Show no numbers: old ones under a new heading would be taken for its own."""
        self.matrix.show_matrix((), np.zeros((0, 0)), np.zeros((0, 0), np.int64))
        self.network.show_network((), {})
        self.links.setText("")
        self.groups.setText("")
        self.explanation.setText(told)

    def _show(self, found: Agreement) -> None:
        self._found = found
        settle(self.answers, found.found.source)
        self._settle_look()
        self._show_matrix()
        self.network.show_network(self._nodes(found), found.places)
        self._filter()
        self._tell_groups(found)
        self._explain(found)
        self._mark()

    def _show_matrix(self) -> None:
        """The cells, in the order chosen."""
        found = self._found
        if found is None:
            return
        order = self._rows(found)
        names = [found.names[found.found.labelers[row]] for row in order]
        cells = np.ix_(order, order)
        self.matrix.show_matrix(names, found.found.matrix[cells], found.found.counts[cells])
        self._mark()

    def _rows(self, found: Agreement) -> list[int]:
        """The labelers in the order of the cells."""
        return list(found.orders[self.order.key])  # type: ignore[index]

    def _nodes(self, found: Agreement) -> list[NetworkNode]:
        """The network's labelers; a disc's area grows with their answers."""
        everybody = self._answers.everybody if self._answers is not None else ()
        typical = float(np.median(found.answers)) if found.answers else 0.0
        nodes = []
        for code, number in zip(found.found.labelers, found.answers, strict=True):
            group = found.groups.of(code)
            colour = {"labeler": labeler_place(everybody, code), "group": group, "none": None}
            told = [counted(number, "answer")]
            if group is not None:
                told.append(f"group {group + 1}")
            size = min(max((number / typical) ** 0.5, 0.6), 1.5) if typical else 1.0
            nodes.append(
                NetworkNode(found.names[code], colour[self.colours.key], ", ".join(told), size)
            )
        return nodes

    def _tell_groups(self, found: Agreement) -> None:
        """Whether the labelers fall into groups, where that was asked."""
        self.groups.setVisible(self.colours.key == "group")
        self.groups.setText(found.groups.told())

    def _mark(self) -> None:
        """Let the labelers stand out whose name or code is searched."""
        found, asked = self._found, self.search.text().strip().casefold()
        if found is None:
            return
        rows = [
            row
            for row, code in enumerate(found.found.labelers)
            if asked and (asked in code.casefold() or asked in found.names[code].casefold())
        ]
        self.network.mark(rows)
        place = {row: at for at, row in enumerate(self._rows(found))}
        self.matrix.mark([place[row] for row in rows])

    def _explain(self, found: Agreement) -> None:
        """Say what the cells are, and where a click on them leads."""
        pairs, blank, few = found.shared()
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
        if found is None:
            return
        row = {code: place for place, code in enumerate(found.found.labelers)}
        shown = found.links(value / 100, int(self.fewest.key))
        self.network.show_lines(
            [
                NetworkLine(row[link.labeler], row[link.other], link.agreement, link.count)
                for link in shown
            ]
        )
        told = f"{counted(len(shown), 'link')} of at least {value}%"
        self.links.setText(told if len(shown) < operations.MOST_LINKS else f"strongest {told}")

    def _open_cell(self, one: int, other: int) -> None:
        if self._found is not None:
            order = self._rows(self._found)
            self._open(order[one], order[other])

    def _open(self, one: int, other: int) -> None:
        if not self._comparable:  # said beside the matrix already
            self.context.message(
                _NO_RUN, "info", ("Go to Train", lambda: self.context.panel_wanted.emit("train"))
            )
        elif self._found is not None:
            codes = self._found.found.labelers
            self.pair_wanted.emit(codes[one], codes[other])
