"""The start page of labeling: who labels, and which task."""

import logging
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QLineEdit, QVBoxLayout, QWidget

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done
from prism_desktop.engine.labeling.protocol import parse_protocol
from prism_desktop.engine.labeling.protocol_words import protocol_words
from prism_desktop.engine.methods import POSTERIOR, method_title
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.records import Kind, Order, StudyInfo
from prism_desktop.ui import operations, text_operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job
from prism_desktop.ui.label import operations as labeling
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import GRID, button, chip, columns, frame, label, rows
from prism_desktop.ui.widgets.cards import ScrollPage
from prism_desktop.ui.widgets.fields import CountField
from prism_desktop.ui.widgets.labeler_list import LabelerList, labeler_lines
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.possible import allow
from prism_desktop.ui.widgets.tile import Tile

_SHOWN = 6  # labelers, before one scrolls
FOLLOW = "label growth"  # the setting of whether a model is shown that learns
ORDERS = {
    "random": "At random",
    "sorted": "By sorting",
    "telling": "Most telling",
    "unsure": "Least sure",
}
_OF_PAIRS = ("sorted", "unsure")


_log = logging.getLogger(__name__)


class StartPage(QWidget):
    """The list of labelers, tiles for the tasks, and the button to begin.

    Simulated labelers are not offered: their answers follow a planted taste that no person should
    mix with."""

    begun = Signal(str, str)  # labeler, kind
    keys_wanted = Signal()
    plan_wanted = Signal(str)  # how much is enough of a kind?
    history_wanted = Signal(str)  # what a labeler answered
    protocol_wanted = Signal()  # to be written or changed

    def __init__(self, context: AppContext) -> None:
        """The controls, which `_lay_out` places.

        Comparison is chosen at first and the focus goes to Start, so that a session can begin
        without another choice.
        """
        super().__init__()
        self._context = context
        self.labelers = LabelerList(context.theme, _SHOWN)
        self.labelers.chosen.connect(lambda _: self._check())
        self.labelers.opened.connect(lambda _: self._begin())
        self._expected = ""
        # at which texts, for signs without a font, and at which now
        self._looked: tuple[object, ...] = ()
        self._looking: tuple[object, ...] = ()
        self._search: Job | None = None
        self._writable = True
        theme = context.theme
        self.comparison = Tile(theme, "comparison", "Comparison", "Two faces: which one, or a tie.")
        self.rating = Tile(theme, "rating", "Rating", "One face at a time, from 1 to 4.")
        self._tasks = QButtonGroup(self)
        for tile in (self.comparison, self.rating):
            tile.setCheckable(True)
            self._tasks.addButton(tile)
        self.comparison.setChecked(True)
        self.target = CountField()
        self.suggested = button("", self._want_suggested, "quiet")
        self.order = Segments(ORDERS)
        self.order.setAccessibleName("Order of the trials of this task")
        self._overview: operations.Overview | None = None
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name or code of a new labeler")
        self.name.setAccessibleName("Name or code of a new labeler")
        self.name.returnPressed.connect(self._add)
        self.add = button("Add &labeler", self._add)
        self.simulated = label("", "small")
        self.foretold = label("", "small")
        self.read_only = label(
            "This study is open read-only, so nothing can be labeled here.", "bad"
        )
        self.signs, self._doubt = label("", wrap=True), QWidget()
        self._doubt.hide()
        self.follow = QCheckBox("Show how well a model foretells the answers")
        set_tip(
            self.follow,
            "Above the question, while somebody labels: a model learns from each answer, and is "
            "told by how many it expected before. Labelers who see it are not blind to the model.",
        )
        self.follow.setChecked(context.settings.get(FOLLOW, False) is True)
        self.follow.toggled.connect(lambda on: context.settings.put(FOLLOW, on))
        self.start = button("&Start", self._begin, "primary")
        self.protocol = button("", self.protocol_wanted.emit, "quiet")
        self.rules = label("", wrap=True)
        self.version = label("", "heading")
        self._lay_out()
        context.guard.add(self.start, self.add, self.name, self.target, self.suggested, self.order)
        self.setFocusProxy(self.start)

    @property
    def labeler(self) -> str | None:
        """The chosen labeler's code."""
        return self.labelers.code

    @property
    def kind(self) -> Kind:
        return "rating" if self.rating.isChecked() else "comparison"

    def choose(self, labeler: str, kind: str) -> None:
        """Preselect what was done last."""
        self.labelers.choose(labeler)
        (self.rating if kind == "rating" else self.comparison).setChecked(True)
        self._show_asked()
        self._check()

    def expect(self, labeler: str) -> None:
        """Choose this labeler, now or when it comes."""
        self._expected = labeler
        self.name.clear()

    def begin_anew(self) -> None:
        """Another study is open: nothing that was typed or chosen goes on into it."""
        self.name.clear()
        self.labelers.begin_anew()

    def _use_words(self, words: StimulusWords) -> None:
        """Speak of what the study holds."""
        one, many = words.one, words.many
        self.comparison.set_text(f"Two {many}: which one, or a tie.")
        self.rating.set_text(f"One {one} at a time, from 1 to 4.")
        set_tip(
            self.order,
            f"At random: every {one} equally often. By sorting: what puts the {many} in order "
            "soonest. Most telling: what a trained model, or what was said so far, leaves most "
            f"open. Least sure: which {one} wins is hardest to foretell. One in five trials is "
            "drawn at random anyway. Nobody sees what is predicted.",
        )

    def show_study(self, overview: operations.Overview) -> None:
        """Offer the study's labelers; the choice made before is kept."""
        info, labelers = overview.info, overview.labelers
        self._use_words(info.words)
        self._overview = overview
        people = [labeler for labeler in labelers if not labeler.simulated]
        chosen, self._expected = self._expected, ""
        self.labelers.show_lines(labeler_lines(people, info.progress), overview.targets)
        self._list.setVisible(bool(people))
        if not self.labelers.choose(chosen) and self.labeler is None and people:
            self.labelers.choose(people[0].code)
        left_out = len(labelers) - len(people)
        self.simulated.setText(
            "Simulated labelers are not offered; add yourself." if left_out else ""
        )
        self.simulated.setVisible(bool(left_out))
        self.setFocusProxy(self.start if people else self.name)
        self._writable = not info.read_only
        self.read_only.setVisible(info.read_only)
        self._show_asked()
        self._show_protocol(overview)
        self._look_at_signs(info)
        self._check()

    def _look_at_signs(self, info: StudyInfo) -> None:
        """Tell which signs of the texts this computer cannot show, once for as many texts."""
        study = self._context.study
        wanted = (None if study is None else study.path, info.kind, info.images)
        if wanted in (self._looked, self._looking):
            return
        if self._search is not None:
            self._search.cancel()
        self._looking, self._search = wanted, None
        self._doubt.hide()
        if study is None or info.kind != "text":
            self._looked, self._looking = wanted, ()
            return

        def take(events: list[Any]) -> None:
            for event in events:
                if isinstance(event, Done) and wanted == self._looking:
                    self._looked = wanted
                    self.signs.setText(event.value.told(info.words.one, info.words.many))
                    self._doubt.setVisible(bool(event.value.signs))

        def end() -> None:
            if wanted == self._looking:  # without an answer it is asked again
                self._looking, self._search = (), None

        self._search = job = self._context.jobs.start(
            text_operations.signs_without_font(study), "Looking for fonts of all signs",
            quiet=True, events=take, owner=self,
        )  # fmt: skip
        job.failed.connect(lambda error: _log.warning("No fonts were looked for: %s", error))
        job.finished.connect(end)

    def _lay_out(self) -> None:
        """Labelers in a grid, the tasks below, on a page that scrolls."""
        self.name.setMinimumWidth(280)
        self._list = frame("card", rows(self.labelers, margin=GRID))
        doubt = columns(chip("No font", "warn"), self.signs, gap=GRID)
        doubt.setStretch(1, 1)
        self._doubt.setLayout(doubt)
        self._free, self._led = self._choices(), frame("inset")
        self._led.setLayout(rows(self.version, self.rules, margin=2 * GRID))
        given = self.given = button("A&nswers given…", self._show_history, "quiet")
        self.enough = button(
            "How much is enough?…", lambda: self.plan_wanted.emit(self.kind), "quiet"
        )
        keys = button("Change &keys…", self.keys_wanted.emit, "quiet")
        content = rows(
            label("Label", "title"),
            label(
                "Answers are stored the moment the key is pressed. You may stop at any time.",
                "muted",
            ),
            self._doubt,
            GRID,
            label("Who labels?", "heading"),
            self._list,
            columns(self.name, self.add, GRID, self.simulated, None),
            2 * GRID,
            frame("line"),
            GRID,
            self._free,
            self._led,
            GRID,
            self.follow,
            2 * GRID,
            columns(self.start, given, keys, self.protocol, self.enough, self.read_only, None),
            None,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ScrollPage(content, 880))

    def _choices(self) -> QWidget:
        """What is chosen where no protocol leads: the task, how many trials and their order."""
        self._set_up_target()
        self._set_up_order()
        self._tasks.buttonClicked.connect(lambda _: self._show_asked())
        asked = label("Trials asked of each labeler", "muted")
        free = QWidget()
        free.setLayout(
            rows(
                label("Which task?", "heading"),
                columns(self.comparison, self.rating, gap=2 * GRID),
                columns(asked, GRID // 2, self.target, self.suggested, None),
                columns(label("Order", "muted"), GRID // 2, self.order, self.foretold, None),
            )
        )
        return free

    def _check_follow(self, overview: operations.Overview, *, blinded: bool) -> None:
        """Whether a model may be shown that learns while somebody labels."""
        reason = ""
        if blinded:
            reason = "The protocol keeps labelers blind to predictions; change that first."
        elif not overview.can_grow:
            title = method_title(POSTERIOR)
            reason = f"No run of this study learns so; train {title} first."
        allow(reason, self.follow)

    def _show_protocol(self, overview: operations.Overview) -> None:
        """What leads the labelers, in place of the choice of a task."""
        record = overview.protocol
        self._free.setVisible(record is None)
        self._led.setVisible(record is not None)
        self.protocol.setText("Write a &protocol…" if record is None else "Change &protocol…")
        if record is None:
            self._check_follow(overview, blinded=False)
            return
        try:
            rules = parse_protocol(record.text)
        except InputError as error:
            self._check_follow(overview, blinded=True)
            self.version.setText(f"Protocol, version {record.version}")
            self.rules.setText(str(error))
            return
        self._check_follow(overview, blinded=rules.blinded)
        title = f": {rules.title}" if rules.title else ""
        self.version.setText(f"Protocol, version {record.version}{title}")
        self.rules.setText("\n".join(protocol_words(rules, overview.info.words)))

    def _set_up_target(self) -> None:
        """How many trials are asked for: a number, typed or stepped."""
        self.target.setRange(1, 100_000)
        self.target.setSingleStep(10)
        self.target.setMinimumWidth(120)
        self.target.lineEdit().setTextMargins(GRID, 0, 0, 0)
        self.target.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.target.setKeyboardTracking(False)  # not at each digit
        self.target.setAccessibleName("Trials asked of each labeler for this task")
        set_tip(self.target, "For this task, in this study.")
        self.target.valueChanged.connect(self._want)

    def _set_up_order(self) -> None:
        """Whether trials come at random, or those first that tell most."""
        self._use_words(FACES)
        self.order.picked.connect(lambda order: self.set_order(self.kind, order))

    def _show_order(self, overview: operations.Overview) -> None:
        """Which order the chosen task has, and what could choose."""
        compared, chosen = self.kind == "comparison", overview.orders[self.kind]
        for key in _OF_PAIRS:
            self.order.button(key).setVisible(compared or chosen == key)
        self.order.settle(chosen)
        possible = compared or overview.foretold or chosen != "random"
        self.order.setEnabled(possible and not overview.info.read_only)
        title = method_title(POSTERIOR)
        self.foretold.setText(
            f"Train {title} to choose by each labeler's own taste."
            if compared
            else f"Train {title} to choose what tells most."
        )
        self.foretold.setVisible(not overview.foretold)

    def _show_asked(self) -> None:
        """What is asked for of the chosen task, and in which order."""
        overview = self._overview
        if overview is None:
            return
        suited, wanted = overview.suited[self.kind], overview.targets[self.kind]
        self.target.blockSignals(True)
        self.target.setValue(wanted)
        self.target.blockSignals(False)
        self.suggested.setText(f"Suggested: {suited:,}")
        self.suggested.setVisible(wanted != suited and not overview.info.read_only)
        self.target.setEnabled(not overview.info.read_only)
        self._show_order(overview)

    def _want(self, count: int) -> None:
        if self._overview is not None:
            self._set_target(self.kind, 0 if count == self._overview.suited[self.kind] else count)

    def _want_suggested(self) -> None:
        if self._overview is not None:
            self.target.setValue(self._overview.suited[self.kind])

    def _check(self) -> None:
        nobody = (
            "Nobody is chosen yet; choose one of the list or add a labeler."
            if self.labeler is None
            else ""
        )
        allow(nobody if self._writable else self.read_only.text(), self.start)

    def _add(self) -> None:
        if self.name.text().strip():
            self._add_labeler(self.name.text().strip())

    def _add_labeler(self, name: str) -> None:
        study = self._context.study
        if study is not None:
            self._context.write(
                lambda: operations.add_labeler(study, name, "", ""),
                lambda _: self.expect(name),
                owner=self,
                what=f"Adding {name}",
            )

    def _set_target(self, kind: Kind, count: int) -> None:
        study = self._context.study
        if study is not None:
            self._context.write(
                lambda: labeling.set_target(study, kind, count or None),
                owner=self,
                what="Saving the target",
            )

    def set_order(self, kind: Kind, order: Order) -> None:
        study = self._context.study
        if study is not None:
            self._context.write(
                lambda: labeling.set_order(study, kind, order),
                owner=self,
                what="Saving the order",
            )

    def _show_history(self) -> None:
        if self.labeler is not None:
            self.history_wanted.emit(self.labeler)

    def _begin(self) -> None:
        if self.labeler is not None and self.start.isEnabled():
            self.begun.emit(self.labeler, self.kind)
