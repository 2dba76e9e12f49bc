"""The agreement view: who agrees with whom on the comparisons that both answered, as a matrix
and a network."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSlider

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import agreement_operations, agreement_shown
from prism_desktop.ui.explore.agreement_operations import Agreement, StudyAnswers
from prism_desktop.ui.explore.agreement_pickers import ANSWERS, RUN, AgreementPickers
from prism_desktop.ui.explore.latest_job import LatestJob
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import ALL
from prism_desktop.ui.explore.view import (
    ExportFigure,
    ExportTable,
    View,
    is_found,
    settle,
    settle_text,
)
from prism_desktop.ui.widgets.basics import GRID, columns, label, rows
from prism_desktop.ui.widgets.cards import side_by_side
from prism_desktop.ui.widgets.matrix import Matrix
from prism_desktop.ui.widgets.matrix_cells import MatrixCells
from prism_desktop.ui.widgets.network_view import AccuracyKey, NetworkLine, NetworkNode, NetworkView


class AgreementView(View):
    """Matrix on the left, network on the right, one attribute or all."""

    answers_read = Signal()  # what labelers answered is known

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._found: Agreement | None = None
        self._answers: StudyAnswers | None = None
        self._reading = False
        self._job = LatestJob(context, self)
        self.pickers = AgreementPickers(
            {
                "attribute": self._choose_attribute,
                "labelers": self._choose_labelers,
                "answers": self._choose_answers,
                "order": self._choose_order,
                "colours": self._choose_colour,
                "fewest": self._choose_fewest,
                "search": self._find,
                "measure": self._choose_measure,
                "predict": self._choose_predict,
            }
        )
        offered = self.pickers
        self.attribute, self.labelers, self.answers = (
            offered.attribute, offered.labelers, offered.answers,
        )  # fmt: skip
        self.order, self.colours, self.fewest = offered.order, offered.colours, offered.fewest
        self.search, self.measure = offered.search, offered.measure
        self.explanation = label("", "small", wrap=True)
        self.matrix = Matrix(context.theme)
        self.matrix.chosen.connect(self._open_cell)
        self.network, self.key = NetworkView(context.theme), AccuracyKey(context.theme)
        self.network.chosen.connect(self._open)
        self.network.pins_changed.connect(self._keep_pins)
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
        self.foretold = label("", "small", wrap=True)
        self._lay_out()

    def _lay_out(self) -> None:
        """Pickers and the explanation above; matrix and network in a splitter below."""
        for widget in (self.groups, self.foretold, self.key):
            widget.hide()
        self.heading = label("Agreement between labelers, %", "strong")
        measured = (self.pickers.predict, self.measure)
        over = columns(self.heading, None, *measured, gap=GRID)
        left = rows(over, self.matrix, self.foretold, gap=GRID)
        head = columns(label("Network", "strong"), None, self.links, self.threshold, gap=GRID)
        told = columns(self.key, self.groups, gap=2 * GRID)
        told.setStretch(1, 1)
        right = rows(head, self.network, told, gap=GRID)
        for layout in (left, right):
            layout.setStretch(1, 1)
        split = side_by_side(left, right, (620, 620))
        whole = rows(self.pickers, self.explanation, split, gap=GRID)
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
                self.answers_read.emit()

        def failed(error: Exception) -> None:
            take(None)
            self.context.report(error)

        # Closing a study waits for what was asked of it before, so that this reads it whole.
        self.context.ask(
            lambda: agreement_operations.answered(study),
            take,
            owner=self,
            what="Reading the answers",
            topic="answers",
            failed=failed,
        )

    def _keep_pins(self) -> None:
        """Who is pinned in the network stays there whatever is asked next."""
        if self._found is not None:
            codes = self._found.found.labelers
            others = (pin for pin in self.selection.pins if pin[0] not in codes)
            pinned = ((codes[row], *place) for row, place in self.network.pinned().items())
            self.selection.pins = (*others, *pinned)

    def _pins(self, found: Agreement) -> dict[int, tuple[float, float]]:
        """Where those are who are pinned, by row."""
        row = {code: place for place, code in enumerate(found.found.labelers)}
        return {row[code]: (x, y) for code, x, y in self.selection.pins if code in row}

    def show_selection(self) -> None:
        found = self._found
        if found is not None and self.network.pinned() != self._pins(found):
            self._show(found)
        self._settle_look()
        if settle(self.attribute, self.selection.about):
            self._ask()
        else:
            self._mark()

    def _choose_attribute(self) -> None:
        self.selection.choose_about(self.attribute.key)
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

    def _choose_measure(self) -> None:
        self.selection.measure = self.measure.key
        self.selection.least = None  # of another scale
        self._ask()

    def _choose_predict(self) -> None:
        self.selection.predicted = self.pickers.predict.isChecked()
        self._ask()

    def _choose_colour(self) -> None:
        self.selection.colour = self.colours.key
        if self._found is not None:
            self._colour(self._found)

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
        settle_text(self.search, chosen.find if suits.order == "alike" else "")
        for holder in (self.pickers.fewest_held, self.pickers.search_held):
            holder.setVisible(suits.order == "alike")  # there are many

    @property
    def given(self) -> StudyAnswers | None:
        """The study's answers, once they were read."""
        return self._answers

    @property
    def source(self) -> str:
        """The kind of answers that agreement is of."""
        if self._found is not None:
            return self._found.found.source
        return "comparisons" if self._answers is None or len(self._answers.compared) else "ratings"

    @property
    def has_table(self) -> bool:
        return self._found is not None

    def idle(self) -> bool:
        return not self._job.busy and not self._reading

    def table(self) -> ExportTable | None:
        found = self._found
        if found is None:
            return None
        return agreement_shown.table(found, self.attribute.key)

    def figure(self) -> ExportFigure | None:
        found = self._found
        if found is None:
            return None
        look = found.chosen_look(
            self.order.key, self.colours.key, self.threshold.value(), int(self.fewest.key)
        )
        codes = found.found.labelers
        places = {codes[row]: place for row, place in self.network.places().items()}
        models = found.models
        everybody = self._answers.everybody if self._answers is not None else ()
        about = "all attributes" if self.attribute.key == ALL else self.attribute.key
        title = f"{found.found.coefficient.title} on {about}, {counted(len(codes), 'labeler')}"

        def draw(path: Path) -> None:
            from prism_desktop.engine.analysis.agreement_look import OfModels, draw_agreement

            names, said = with_codes(found.names), models or OfModels()
            draw_agreement(path, found.found, names, everybody, title, look, places, said)

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
        if self.measure.key != "alike":
            words += ["--measure", self.measure.key]
        if self._foretelling():
            words += ["--predict"]
        if self.data is not None and (self._foretelling() or self.colours.key == "accuracy"):
            words += ["--run", str(self.data.folder)]
        words += ["--colours", self.colours.key, "--least", str(self.threshold.value())]
        return [*words, "--fewest", self.fewest.key, "--figure", "agreement.svg"]

    def _ask(self) -> None:
        """Compare the chosen labelers anew, on the chosen attribute.

        A newer question replaces the one before.
        """
        answers, self._found = self._answers, None
        self._job.stop()
        if answers is None:
            self._clear("Comparing labelers…" if self._reading else "")
            return
        self.attribute.offer(
            [(ALL, "All attributes"), *((name, name) for name in answers.attributes)]
        )
        settle(self.attribute, self.selection.about)
        labelers = self._chosen(answers)
        if not answers.attributes:
            self._clear("Nobody has answered yet, so there is no agreement to show.")
            return
        self._clear("Comparing labelers…")
        attribute = None if self.attribute.key == ALL else self.attribute.key

        def failed(error: Exception) -> None:
            self._clear("")
            self.context.report(error)

        work = agreement_operations.agreement(
            answers, attribute, labelers, self._source(answers), self._measure(), self.data,
            self._foretelling(),
        )  # fmt: skip
        self._job.start(work, "Agreement", self._show, failed)

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
        self.pickers.labelers_held.setVisible(differ)
        return run if self.labelers.key == RUN else everybody

    def _source(self, answers: StudyAnswers) -> str:
        """The kind of answers asked for; a choice only where labelers gave both."""
        both = len(answers.compared) > 0 and len(answers.rated) > 0
        self.answers.offer(list(ANSWERS.items()) if both else [])
        settle(self.answers, self.selection.answers)
        self.pickers.answers_held.setVisible(both)
        return self.selection.answers if both else ""

    def _measure(self) -> str:
        settle(self.measure, self.selection.measure or "alike")
        return self.measure.key

    def _foretelling(self) -> bool:
        """Whether blank cells are to be foretold, and this run can."""
        return self.selection.predicted and agreement_operations.foretells(self.data)

    def _clear(self, told: str) -> None:
        """Show no numbers: old ones under a new heading would be taken for its own."""
        self.matrix.show_matrix(MatrixCells())
        self.network.show_network((), {})
        self.links.setText("")
        self.groups.setText("")
        self.foretold.hide()
        self.key.hide()
        self.explanation.setText(told)

    def _show(self, found: Agreement) -> None:
        self._found = found
        settle(self.answers, found.found.source)
        about = found.found.coefficient
        plain = about.key == "agreement"
        self.heading.setText("Agreement between labelers, %" if plain else about.title)
        self._settle_look()
        self._show_matrix()
        self.network.show_network(self._nodes(found), found.places, about, self._pins(found))
        self._filter()
        self._colour(found)
        self._tell_foretold(found)
        self._explain(found)
        self._mark()

    def _show_matrix(self) -> None:
        """The cells, in the order chosen."""
        found = self._found
        if found is None:
            return
        self.matrix.show_matrix(agreement_shown.cells(found, self._rows(found)))
        self._mark()

    def _rows(self, found: Agreement) -> list[int]:
        """The labelers in the order of the cells."""
        return list(found.orders[self.order.key])  # type: ignore[index]

    def _nodes(self, found: Agreement) -> list[NetworkNode]:
        everybody = self._answers.everybody if self._answers is not None else ()
        dark = self.context.theme.tokens.dark
        return agreement_shown.nodes(found, everybody, self.colours.key, dark=dark)

    def _colour(self, found: Agreement) -> None:
        """Colours of the network, and what they tell."""
        chosen = self.colours.key
        self.network.recolour(self._nodes(found))
        self.key.setVisible(chosen == "accuracy")
        self.groups.setVisible(chosen in ("group", "accuracy"))
        if chosen == "group":
            self.groups.setText(found.groups.told())
        elif chosen == "accuracy":
            from prism_desktop.engine.analysis.agreement_look import OfModels, accuracy_told

            self.groups.setText(accuracy_told(found.models or OfModels(), found.found.labelers))

    def _tell_foretold(self, found: Agreement) -> None:
        """Offer to foretell blank cells where there are any, and say how far that is right."""
        blank = found.shared()[1] > 0 and agreement_operations.foretells(self.data)
        self.pickers.predict.setVisible(blank)
        self.pickers.predict.blockSignals(True)  # nobody chose it
        self.pickers.predict.setChecked(self.selection.predicted)
        self.pickers.predict.blockSignals(False)
        said = None if found.models is None else found.models.predicted
        told = "" if said is None else said.told()
        self.foretold.setVisible(bool(told))
        self.foretold.setText(told)

    def _find(self) -> None:
        self.selection.find = self.search.text()
        self._mark()

    def _mark(self) -> None:
        """Let the labelers stand out whose name or code is searched."""
        found, asked = self._found, self.search.text().strip()
        if found is None:
            return
        rows = [
            row
            for row, code in enumerate(found.found.labelers)
            if asked and is_found(asked, code, found.names[code])
        ]
        self.network.mark(rows)
        place = {row: at for at, row in enumerate(self._rows(found))}
        self.matrix.mark([place[row] for row in rows])

    def _explain(self, found: Agreement) -> None:
        """Say what the cells are, and where a click on them leads."""
        self.explanation.setText(agreement_shown.explained(found))

    def _filter(self) -> None:
        found, value = self._found, self.threshold.value()
        if found is None:
            return
        row = {code: place for place, code in enumerate(found.found.labelers)}
        shown = found.links(value / 100, int(self.fewest.key))
        self.network.show_lines(
            [
                NetworkLine(row[e.labeler], row[e.other], e.agreement, e.count, e.low, e.high)
                for e in shown
            ]
        )
        least = found.found.coefficient.number(value / 100)
        told = f"{counted(len(shown), 'link')} of at least {least}"
        self.links.setText(
            told if len(shown) < agreement_operations.MOST_LINKS else f"strongest {told}"
        )

    def _open_cell(self, one: int, other: int) -> None:
        if self._found is not None:
            order = self._rows(self._found)
            self._open(order[one], order[other])

    def _open(self, one: int, other: int) -> None:
        if self._found is not None:
            codes = self._found.found.labelers
            self.pair_wanted.emit(codes[one], codes[other])
