"""The quality view: are the labels good? Labelers and attributes, and answers that contradict each
other with their faces."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QLabel, QMenu, QStackedWidget, QToolButton, QWidget

from prism_desktop.engine.events import Progress
from prism_desktop.engine.files import put_text, write_named
from prism_desktop.engine.labeling.exclusion_rules import USUAL, ExclusionRules, read_rules
from prism_desktop.engine.runs.estimates import TOO_FEW, WHY_TOO_FEW
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.latest_job import LatestJob
from prism_desktop.ui.explore.quality_page import (
    SHORT,
    SORTS,
    ExampleLine,
    LabelerLine,
    MeasureLine,
    QualityInput,
    QualityPage,
    label_quality,
    quality_input,
    state_of,
    trials_in_words,
)
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import CONTRADICTIONS, MEASURES
from prism_desktop.ui.explore.view import ExportTable, View
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import GRID, columns, label, rows
from prism_desktop.ui.widgets.cards import side_by_side
from prism_desktop.ui.widgets.fields import choose_files, choose_new_file
from prism_desktop.ui.widgets.file_export import save_table
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.reading_table import ReadingTable
from prism_desktop.ui.widgets.text_picture import Sources
from prism_desktop.ui.widgets.thumbnails import Thumbnails
from prism_desktop.ui.widgets.whole_table import WholeTable

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study

_GIVE_WAY = (7, 4, 6, 5)  # columns of the table of labelers that a narrow window leaves out
_MAY_GO = (3,)  # of the table of attributes
_LEAST = 4  # rows of each table that are shown in any case
_FACE = 112  # px
_FACES = 3  # of an example at most
_NOTHING = "Nobody has answered yet, so there is nothing to look at."
_LOOKING = "Looking at the answers…"
_FEW = f"{TOO_FEW[0].upper()}{TOO_FEW[1:]}"


class QualityView(View):
    """All labelers and attributes on the left, the chosen one on the right."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._page: QualityPage | None = None
        self._state: tuple[str, object] | None = None  # of the study that the page is about
        self._rules = USUAL
        self._job = LatestJob(context, self)
        self._asking = False
        self._examples: Sequence[ExampleLine] = ()
        self._meanings: Sequence[str] = ()
        self._shown: ExampleLine | None = None
        self._chosen = ""  # the labeler who was chosen when this was looked at last
        self._make()
        self._lay_out()
        self.labelers.row_chosen.connect(self._choose_labeler)
        self.attributes.row_chosen.connect(self._choose_attribute)
        self.examples.row_chosen.connect(self._choose_example)
        self.measures.row_chosen.connect(self._explain)
        self.part.picked.connect(self._turn)
        self.thumbnails.arrived.connect(lambda _: self._paint_faces())

    def _make(self) -> None:
        heads = ("Labeler", "Flags", *SHORT.values())
        self.notes = label("", "small", wrap=True)
        self.rules = QToolButton()
        self.rules.setText("Exclusion rules")
        self.rules.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.rules)
        menu.addAction("Follow rules from a file…", self._choose_rules)
        menu.addAction("Save these rules…", self._save_rules)
        self._list = menu.addAction("List what is left out…", self._save_marks)
        self.rules.setMenu(menu)
        self.labelers = ReadingTable("Quality of each labeler's answers", heads, 1, _GIVE_WAY)
        heads = ("Attribute", "Answers", "Labelers", "Faces", "Alpha", "Shared taste")
        self.attributes = ReadingTable("Reliability of each attribute", heads, 0, _MAY_GO)
        self.who, self.headline = label("", "heading"), label("", wrap=True)
        self.measures = ReadingTable("Measures", ("", ""), 1)
        self.measures.horizontalHeader().hide()
        self.meaning = label("", "small", wrap=True)
        self.part = Segments({MEASURES: "Measures", CONTRADICTIONS: "Contradictions"})
        self.examples = ReadingTable(
            "Answers that contradict each other", ("What", "Attribute", "Answers"), 2
        )
        self.faces: list[QLabel] = []
        for number in range(_FACES):
            face = label("")
            face.setFixedSize(QSize(_FACE, _FACE))
            face.setAccessibleName(f"Face {number + 1}")
            self.faces.append(face)
        self.trials = label("", "small", wrap=True)
        self.trials.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.thumbnails = Thumbnails(self._files, self)

    def _lay_out(self) -> None:
        """Tables on the left; on the right what is chosen there, in two parts."""
        left = rows(
            label("Labelers", "strong"), WholeTable(self.labelers, _LEAST), GRID,
            label("Attributes", "strong"), WholeTable(self.attributes, _LEAST), None, gap=GRID,
        )  # fmt: skip
        self._faces = QWidget()
        self._faces.setLayout(columns(*self.faces, None, gap=GRID))
        self._parts = QStackedWidget()
        for each in (
            rows(WholeTable(self.measures), self.meaning, gap=GRID),
            rows(self.examples, self._faces, self.trials, gap=GRID),
        ):
            each.setStretch(0, 1)
            part = QWidget()
            part.setLayout(each)
            self._parts.addWidget(part)
        head = columns(self.who, None, self.part, gap=GRID)
        right = rows(head, self.headline, self._parts, gap=GRID)
        right.setStretch(2, 1)
        split = side_by_side(left, right, (730, 510))
        top = columns(self.notes, self.rules, gap=2 * GRID)
        top.setStretch(0, 1)
        whole = rows(top, split, gap=GRID + 4)
        whole.setStretch(1, 1)
        self.setLayout(whole)
        self._clear("")
        set_tip(self.rules, f"Rules {self._rules.digest}:\n{self._rules.toml()}")

    def show_data(self, data: RunData | None) -> None:
        """Look at the study's answers, unless that was done and nothing has changed since.

        What a run learned from says nothing here.
        """
        super().show_data(data)
        study = self.context.study
        if study is None:
            self._state = None
            self._job.stop()
            self._clear("")
            return
        if self._state is not None and self._state[0] != str(study.path):
            self._clear(_LOOKING)
        self._asking = True

        def take(state: object) -> None:
            self._asking = False
            now = (str(study.path), (state, self._rules))
            if self.context.study is study and now != self._state:
                self._state = now
                self._read(study)

        self.context.ask(
            lambda: state_of(study), take, owner=self, what="Reading the answers",
            topic="quality", failed=self._failed,
        )  # fmt: skip

    def idle(self) -> bool:
        return not self._job.busy and not self._asking and self.thumbnails.idle()

    @property
    def has_table(self) -> bool:
        return self._page is not None and bool(self._page.labelers)

    def table(self) -> ExportTable | None:
        """Every measure of every labeler in words, and of every attribute."""
        page = self._page
        if page is None:
            return None
        body: list[tuple[object, ...]] = [
            (who.name, who.code, "", measure.title, measure.told)
            for who in page.labelers
            for measure in who.measures
        ]
        body += [
            ("", "", each.title, measure.title, measure.told)
            for each in page.attributes
            for measure in each.measures
        ]
        head = ("labeler", "labeler_code", "attribute", "measure", "found")
        return ExportTable("label-quality", head, body)

    def command(self) -> list[str] | None:
        study = self.context.study
        if study is None or self._rules != USUAL:  # of other rules nobody knows the file
            return None
        return ["quality", str(study.path), "--json", "quality.json"]

    def follow(self, rules: ExclusionRules) -> None:
        """Flag and leave out by other rules from now on."""
        self._rules = rules
        set_tip(self.rules, f"Rules {rules.digest}:\n{rules.toml()}")
        self.show_data(self.data)

    def _choose_rules(self) -> None:
        def take(files: list[Path]) -> None:
            self.context.ask(
                lambda: read_rules(files[0]), self.follow, owner=self, what="Reading the rules"
            )

        choose_files(self, "Exclusion rules", "Rules (*.toml)", take)

    def _save_rules(self) -> None:
        text = self._rules.toml()

        def save(path: Path) -> None:
            self.context.ask(
                lambda: write_named(path, lambda beside: put_text(beside, text)),
                lambda _: self.context.message(f"Saved {path.name}.", "good"),
                owner=self, what="Saving the rules",
            )  # fmt: skip

        choose_new_file(self, "Save the rules", "exclusion-rules.toml", "Rules (*.toml)", save)

    def _save_marks(self) -> None:
        if self._page is not None:
            head = ("trial", "labeler", "attribute", "reason")
            save_table(self, self.context, "answers-left-out", head, self._page.marks)

    def _read(self, study: "Study") -> None:
        """Read the answers anew; the page before is not shown meanwhile, for it is of others."""
        self._job.stop()
        self._clear(_LOOKING)
        self._asking = True

        def take(given: QualityInput) -> None:
            self._asking = False
            if self.context.study is study:
                self._look(given)

        self.context.ask(
            lambda: quality_input(study), take, owner=self, what="Reading the answers",
            topic="answers for quality", failed=self._failed,
        )  # fmt: skip

    def _failed(self, error: Exception) -> None:
        self._asking, self._state = False, None
        self._clear("")
        self.context.report(error)

    def _look(self, given: QualityInput) -> None:
        """Measure what was read, while the window goes on."""
        work = label_quality(given, self._rules)
        self._job.start(work, "Label quality", self._show, self._failed, self._tell)

    def _tell(self, event: Progress) -> None:
        """How far it is; hundreds of labelers take a while."""
        share = f" {event.done / event.total:.0%}" if event.total else ""
        self.notes.setText(f"{_LOOKING}{share}")

    def _clear(self, told: str) -> None:
        self._page = None
        self.notes.setText(told)
        self.labelers.show_lines([])
        self.attributes.show_lines([])
        self._detail("", "", (), ())

    def _show(self, page: QualityPage) -> None:
        self._page = page
        self._list.setEnabled(bool(page.marks))
        if not page.labelers:
            self._clear(_NOTHING)
            return
        self.notes.setText(" ".join(page.notes))
        self.labelers.show_lines(
            [(who.name, ", ".join(who.flags) or "none", *who.cells) for who in page.labelers],
            [who.headline for who in page.labelers],
        )
        self.attributes.show_lines(
            [
                (each.name, each.kind, each.who, f"{each.faces:,}", *_cells(each.measures))
                for each in page.attributes
            ],
            [self.words_for(each.title) for each in page.attributes],
        )
        worst = next((row for row, who in enumerate(page.labelers) if who.flags), 0)
        self._go_to(next(self._rows_of(self.selection.labeler), worst))

    def show_selection(self) -> None:
        """Whoever was chosen in another view since."""
        self._settle_part()
        if self.selection.labeler != self._chosen:
            for row in self._rows_of(self.selection.labeler):
                self._go_to(row)

    def _rows_of(self, code: str) -> Iterator[int]:
        lines = () if self._page is None else self._page.labelers
        return (row for row, who in enumerate(lines) if who.code == code)

    def _go_to(self, row: int) -> None:
        """Show a labeler whom nobody chose here."""
        self.labelers.blockSignals(True)
        self.labelers.setCurrentCell(row, 0)
        self.labelers.blockSignals(False)
        self._chosen = self.selection.labeler
        self._show_labeler(row)

    def _choose_labeler(self, row: int) -> None:
        if self._page is not None and row < len(self._page.labelers):
            self._chosen = self._page.labelers[row].code
            self.selection.choose_labeler(self._chosen)
            self._show_labeler(row)

    def _show_labeler(self, row: int) -> None:
        if self._page is None or row >= len(self._page.labelers):
            return
        self.attributes.clearSelection()
        who: LabelerLine = self._page.labelers[row]
        self._detail(who.name, who.headline, who.measures, who.examples)

    def _choose_attribute(self, row: int) -> None:
        if self._page is None or row >= len(self._page.attributes):
            return
        self.labelers.clearSelection()
        each = self._page.attributes[row]
        self._detail(self.words_for(each.title), each.enough, each.measures, ())

    def _detail(
        self,
        who: str,
        headline: str,
        lines: Sequence[MeasureLine],
        examples: Sequence[ExampleLine],
    ) -> None:
        """What is shown of one labeler or attribute: first what can be told, then the rest."""
        self.who.setText(who)
        self.headline.setText(headline)
        shown = [each for each in lines if not each.few]
        if few := [each for each in lines if each.few]:
            shown += [MeasureLine(_FEW, "", False, WHY_TOO_FEW), *few]
        self.measures.show_lines(
            [(each.title, each.found) for each in shown],
            [each.meaning for each in shown],
            [each.few for each in shown],
        )
        self._meanings = [f"{each.title}: {each.meaning}" for each in shown]
        self.meaning.setText("Choose a measure to read what it means." if lines else "")
        self._examples = examples
        self.part.setVisible(bool(examples))
        self._settle_part()
        self.examples.show_lines(
            [(SORTS[each.sort], each.attribute, each.text) for each in examples],
            [each.text for each in examples],
        )
        self._shown = None
        self.trials.setText("")
        self._paint_faces()

    def _turn(self, part: str) -> None:
        self.selection.part = part
        self._settle_part()

    def _settle_part(self) -> None:
        """The part that was chosen; of who contradicts themselves nowhere, the measures."""
        part = self.selection.part if self._examples else MEASURES
        self.part.settle(part)
        self._parts.setCurrentIndex(int(part != MEASURES))

    def _explain(self, row: int) -> None:
        if row < len(self._meanings):
            self.meaning.setText(self._meanings[row])

    def _choose_example(self, row: int) -> None:
        """Show the faces, and look up the trials."""
        study = self.context.study
        if study is None or row >= len(self._examples):
            return
        example = self._shown = self._examples[row]
        self._paint_faces()

        def take(lines: tuple[str, ...]) -> None:
            if self._shown is example:
                self.trials.setText("\n".join((example.text, *lines)))

        self.context.ask(
            lambda: trials_in_words(study, example), take, owner=self,
            what="Reading the trials", topic="trials of an example",
        )  # fmt: skip

    def _files(self, image: str) -> Sources:
        return () if self._page is None else self._page.files.get(image, ())

    def _paint_faces(self) -> None:
        images = () if self._shown is None else self._shown.images
        ratio = self.devicePixelRatioF()
        self.thumbnails.resize(round(_FACE * ratio), ratio)
        self._faces.setVisible(bool(images))
        for number, face in enumerate(self.faces):
            face.setVisible(number < len(images))
            found = self.thumbnails.get(images[number]) if number < len(images) else None
            pixmap = QPixmap() if found is None else QPixmap(found)
            pixmap.setDevicePixelRatio(ratio)
            face.setPixmap(pixmap)


def _cells(measures: Sequence[MeasureLine]) -> list[str]:
    found = {each.title: TOO_FEW if each.few else each.told for each in measures}
    return [found.get(title, "") for title in ("Krippendorff's alpha", "Shared taste")]
