"""The form of a new run or of a comparison; advanced settings are folded away."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QWidget,
)

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import word_for
from prism_desktop.engine.methods import STARTERS, default_method, ignores_labelers
from prism_desktop.engine.runs.default_backbone import download_needed, embedded_doubt
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.shortcuts import press_by
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.advanced_settings import APART, AdvancedSettings
from prism_desktop.ui.train.availability import MethodAvailability, method_availability
from prism_desktop.ui.train.backbone_box import BackboneBox
from prism_desktop.ui.train.control_options import ControlOptions
from prism_desktop.ui.train.grid_options import CrossFitBox, GridLine
from prism_desktop.ui.train.method_box import MethodBox, MethodsBox
from prism_desktop.ui.train.operations import ComparisonRequest, StudyChoices
from prism_desktop.ui.train.queue_card import QueueCard
from prism_desktop.ui.train.setting_fields import still
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows
from prism_desktop.ui.widgets.cards import SteadyScroll, bring_up
from prism_desktop.ui.widgets.pickers import PickMany, Segments
from prism_desktop.ui.widgets.possible import allow, tip_if_possible

__all__ = ["APART", "MODES", "RunForm"]

SPLITS = {
    "image": "Unseen images (headline)",
    "pair": "Unseen pairs",
    "labeler": "Unseen labelers",
    "time": "Later answers",
    "label": "Random answers (leaks)",
}
SPLIT_NOTES = {
    "image": "The test's faces are never seen in training. The number to report.",
    "pair": "The test's pairs are new, but their faces may be in training with others.",
    "labeler": "The test's labelers give training only the few answers set below.",
    "time": "Each labeler's later answers are predicted from the earlier ones.",
    "label": "Another attribute of the same pair may be in training: these numbers flatter the "
    "model.",
}
DEVICES = {"auto": "Automatic", "cuda": "GPU (CUDA)", "mps": "GPU (Apple)", "cpu": "CPU"}
_WIDTH = 324  # px
_SHRINKS = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
_SEED, _SEEDS = "0", "3"  # to begin with
MODES = {"run": "One run", "compare": "Compare methods"}


class RunForm(QFrame):
    """Everything a training run or a comparison can be told; `config()` is the whole of it."""

    started = Signal(object)  # TrainConfig
    compared = Signal(object)  # operations.ComparisonRequest
    # why nothing can be started, or nothing, and the Lack of the study that it is about, if any
    blocked = Signal(str, object)
    turned = Signal(str)  # "run" or "compare"

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "side")
        self.setFixedWidth(_WIDTH)
        self._theme = theme
        self._filling = True  # the form is made or filled, and checked once after that
        self._available: tuple[Any, ...] = ()  # what the methods on offer follow from, and these
        self._study = StudyChoices()
        self._counts: Mapping[tuple[str, str], int] = {}
        self._make_fields()
        self.fold = QPushButton("Advanced settings")
        self.fold.setProperty("variant", "fold")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self._unfold)
        self.queue = QueueCard(theme, _WIDTH - 5 * GRID)
        self._busy = False  # whether what is started waits for something that goes on
        self._held = False  # whether nothing can be started for a moment
        self._refused = ""  # why the last start came to nothing, until something is changed
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        self.start = button("Start training", self._start, "primary", tip="Start (Ctrl+Return)")
        press_by(self.start, "start training")
        theme.changed.connect(self._draw_fold)
        self._draw_fold()
        self._lay_out()
        self._filling = False
        self._turn("run")
        self.mode.picked.connect(self._turn)

    @property
    def comparing(self) -> bool:
        """Whether several methods are asked for."""
        return self.mode.current == "compare"

    def show_study(self, found: StudyChoices, *, fresh: bool = True) -> None:
        """What the study has.

        `fresh` is for another study: nothing of what was chosen for the one before is kept.
        Otherwise what was chosen stays chosen.
        """
        gone = [] if fresh else self._gone(found)
        self._study, self._filling = found, True
        self.labelers.offer(found.labelers)
        self.attributes.offer({name: name for name in found.learned})
        gone.append(self.backbone.show_study(found.kind, found.embeddings))
        if fresh:
            self._begin_anew(found)
        self._filling = False
        self._check()
        if not fresh and any(gone):
            self.refuse(" ".join(filter(None, gone)))

    def _begin_anew(self, found: StudyChoices) -> None:
        """Every field as for a study that nobody has trained on here."""
        self.labelers.tick(None)
        self.attributes.tick(None)
        self._backbone_why = found.backbone.why
        self.set_backbone(found.backbone.backbone)
        self._show_methods()
        self.mode.pick("run")
        self._method_instead, self._method_why = default_method(
            embeddings=self.backbone.embeddings,
            labelers=len(found.answered),
            texts=found.kind == "text",
        )
        self.method.pick(self._method_instead)
        self.several.pick(STARTERS)
        self.advanced.to_defaults()
        for box in (self.split, self.device):
            box.setCurrentIndex(0)
        for tick in (self.controls.swapped, self.controls.shuffled, self.fold):
            tick.setChecked(False)
        self.cross_fit.reset()
        self.grid.clear()
        self.seed.setText(_SEED)
        self.seeds.setText(_SEEDS)

    def _gone(self, found: StudyChoices) -> list[str]:
        """A sentence for each labeler and attribute that was ticked and that the study has lost.

        Only where some were ticked one by one; who ticked all goes on with all.
        """
        labelers, attributes = self.labelers.picked() or (), self.attributes.picked() or ()
        gone = [self._study.labelers[code] for code in labelers if code not in found.labelers]
        gone += [name for name in attributes if name not in found.attributes]
        bare = [name for name in attributes if name in found.attributes]
        return [f"{name} is no longer in the study." for name in gone] + [
            f"Nobody has answered about {name} any more."
            for name in bare
            if name not in found.learned
        ]

    def show_parameter_counts(self, counts: Mapping[tuple[str, str], int]) -> None:
        """How many parameters a method on a backbone trained in this study's runs."""
        if counts != self._counts:
            self._counts = dict(counts)
            self._show_methods()

    def show_device(self, name: str, why: str = "") -> None:
        """Say which device "automatic" means on this machine, and why."""
        self.device.setItemText(0, f"Automatic: {name}" if name else "Automatic")
        set_tip(self.device, self.device.itemText(0))
        self._device_why = why
        self._describe()

    def refuse(self, problem: str) -> None:
        """Say above the button why the run could not be started."""
        self._refused = problem
        self._tell()

    def set_backbone(self, name: str) -> None:
        """Choose a backbone, known or not."""
        self.backbone.pick(name)

    def methods(self) -> tuple[str, ...]:
        """The chosen method, or those to be compared."""
        return self.several.picked() if self.comparing else (self.method.name,)

    def config(self) -> TrainConfig:
        """What the form says; of a comparison, what its methods have in common.

        Raises:
            InputError: a sentence, if something does not fit.
        """
        for noun, picker in (("labeler", self.labelers), ("attribute", self.attributes)):
            if picker.picked() == ():
                raise InputError(f"Choose at least one {noun}.")
        methods = self.methods()
        if self.comparing and all(map(ignores_labelers, methods)):
            raise InputError("Choose at least one method to compare with the consensus.")
        for each in self._availability():
            if each.method.name in methods and each.obstacle:
                raise InputError(each.obstacle)
        own = {} if self.comparing else {"method": methods[0], "seed": self.seed.text() or "0"}
        config = TrainConfig().with_options({**self._plain(), **own}, self.advanced.texts())
        if self.comparing:
            self.grid.check([config.with_options({"method": name}) for name in methods])
        return config

    def comparison_request(self) -> ComparisonRequest:
        """The comparison that the form describes.

        Raises:
            InputError: a sentence, if the grid cannot be read.
        """
        plain = {key: value for key, value in self._plain().items() if value is not None}
        controls = self.controls.swapped.isChecked(), self.controls.shuffled.isChecked()
        return ComparisonRequest(
            self.methods(),
            plain,
            tuple(self.advanced.texts()),
            int(self.seeds.text() or 1),
            *controls,
            cross_fit=self.cross_fit.wanted,
            grid=self.grid.grid(),
        )

    def _plain(self) -> dict[str, Any]:
        """What stands in the fields above the fold, apart from methods and seeds."""
        return {
            "backbone": self.backbone.name,
            "labelers": self.labelers.picked(),
            "attributes": self.attributes.picked(),
            "split": self.split.currentData(),
            "device": self.device.currentData(),
        }

    def _make_fields(self) -> None:
        """The editors; whatever changes in one of them is checked at once."""
        self.mode = Segments(MODES)
        self.method, self.several = MethodBox(self._theme), MethodsBox(self._theme)
        self.backbone, self.split, self.device = BackboneBox(), QComboBox(), QComboBox()
        for box, choices in ((self.split, SPLITS), (self.device, DEVICES)):
            for key, name in choices.items():
                box.addItem(name, key)
        self.advanced = AdvancedSettings()
        self.fields = self.advanced.fields
        self.advanced.hide()
        self.controls = ControlOptions()
        self.cross_fit, self.grid = CrossFitBox(), GridLine()
        self.grid.setAccessibleName("Grid")
        self.labelers, self.attributes = PickMany("labelers"), PickMany("attributes")
        self._device_why = self._backbone_why = self._method_why = self._method_instead = ""
        self.seed, self.seeds = QLineEdit(_SEED), QLineEdit(_SEEDS)
        for line, least, most in ((self.seed, 0, 999_999_999), (self.seeds, 1, 20)):
            line.setValidator(QIntValidator(least, most, line))
            line.textEdited.connect(self._check)
        for box in (self.method, self.several, self.backbone, self.split, self.device):
            box.setSizeAdjustPolicy(_SHRINKS)
            box.setMinimumContentsLength(12)
            still(box)
            if box is not self.several:
                box.currentIndexChanged.connect(self._check)
        for picker in (self.several, self.labelers, self.attributes, self.advanced, self.controls):
            picker.changed.connect(self._check)
        self.grid.changed.connect(self._check)

    def _lay_out(self) -> None:
        """The fields in a column that scrolls, advanced settings last; Start and the problem above
        it stand below, always in sight."""
        self._method_note, self._split_note, self._device_note, self._backbone_note = (
            label("", "small", wrap=True) for _ in range(4)
        )
        self._mode_fields()
        method = QWidget()
        method.setLayout(rows(self._one[0], self._many[0], self._method_note, gap=5))
        fields = (
            method,
            _field("&Backbone", self.backbone, self._backbone_note),
            _field("&Labelers", self.labelers),
            _field("&Attributes", self.attributes),
            _field("&Held out for the test", self.split, self._split_note),
            self._one[1],
            *self._many[1:],
            _field("De&vice", self.device, self._device_note),
        )
        inside = QWidget()
        body = rows(
            columns(self.mode, None), *fields, self.fold, self.advanced, None, gap=2 * GRID - 2
        )
        body.setContentsMargins(3 * GRID, 2 * GRID + 4, 2 * GRID, 2 * GRID)
        inside.setLayout(body)
        self._foot = foot = frame("side-foot")
        buttons = rows(self.queue, self._problem, self.start)
        buttons.setContentsMargins(3 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        foot.setLayout(buttons)
        self._scroll = _scrolled(inside)
        whole = rows(self._scroll, foot, gap=0)
        whole.setStretch(0, 1)
        self.setLayout(whole)

    def _mode_fields(self) -> None:
        """The fields that stand only in the form of one run, and only in that of a comparison."""
        self._seeds_note = label(
            "Each method is trained once per seed; answers are averaged. Closed forms have no "
            "seed and are trained once.",
            "small",
            wrap=True,
        )
        self._one = (_field("&Method", self.method), _field("S&eed", self.seed))
        self._many = (
            _field("&Methods", self.several),
            _field("Cross-fitting", self.cross_fit),
            _field("S&eeds", self.seeds, self._seeds_note),
            _field("&Grid", self.grid),
            _field("Controls", self.controls),
        )
        self._ways = (
            *((field, "run") for field in self._one),
            *((field, "compare") for field in self._many),
        )

    def _turn(self, mode: str) -> None:
        for field, of in self._ways:
            field.setVisible(of == mode)
        self._name_start()
        self._check()
        self.turned.emit(mode)

    def show_busy(self, busy: bool, *, held: bool = False) -> None:
        """Say on the button whether what is started waits for its turn.

        `held` is for the moment in which something is just being started.
        """
        if (busy, held) != (self._busy, self._held):
            self._busy, self._held = busy, held
            self._name_start()

    def show_start(self, shown: bool) -> None:
        """Show the button that starts, unless another one that does stands elsewhere."""
        self.start.setVisible(shown)
        self._fill_foot()

    def _fill_foot(self) -> None:
        """What the study lacks is said beside the hint's own Start, where that is the only one."""
        said = self._study.lack is not None and self.start.isHidden()
        self._problem.setVisible(bool(self._problem.text()) and not said)
        parts = (self.queue, self._problem, self.start)
        self._foot.setVisible(not all(part.isHidden() for part in parts))

    def _name_start(self) -> None:
        now = "Start the comparison" if self.comparing else "Start training"
        busy = "Starting…" if self._held else "Add to the queue"
        self.start.setText(busy if self._busy else now)
        press_by(self.start, "start training")  # a new text takes it away
        tip = "Starts when what goes on has ended (Ctrl+Return)" if self._busy else ""
        tip_if_possible(self.start, tip or "Start (Ctrl+Return)")

    def _availability(self) -> list[MethodAvailability]:
        picked = self.labelers.picked(), self.attributes.picked()
        asked = self._study, self.backbone.name, *picked, self._counts
        if self._available[:1] != (asked,):
            self._available = asked, method_availability(*asked)
        return list(self._available[1])

    def _show_methods(self) -> None:
        found = self._availability()
        self.method.show_methods(found)
        self.several.blockSignals(True)
        self.several.show_methods(found)
        self.several.blockSignals(False)

    def _describe(self) -> None:
        names = self.methods()
        said = {each.method.name: each.method for each in self._availability()}
        note = (
            self._study.words.told(said[names[0]].summary)
            if not self.comparing
            else ", ".join(said[name].title for name in names)
        )
        note += "." if self.comparing and names else ""
        if self._method_why and names == (self._method_instead,):
            note = f"{note} {self._method_why}"
        self._method_note.setText(note)
        chosen = self.backbone.name
        known = self._backbone_why if chosen == self._study.backbone.backbone else ""
        doubt = embedded_doubt(chosen, simulated=self._study.simulated)
        why = download_needed(chosen) or known or doubt
        self._backbone_note.setText(why)
        self._backbone_note.setVisible(bool(why))
        self.cross_fit.setEnabled(self.split.currentData() == "image")
        if self.comparing:
            crossed = operations.crossed(names, self._plain(), self.advanced.texts())
            self.cross_fit.follow(crossed)
        note = SPLIT_NOTES.get(self.split.currentData(), "")
        self._split_note.setText(self._study.words.told(note))
        why = self._device_why if self.device.currentData() == "auto" else ""
        self._device_note.setText(why)
        self._device_note.setVisible(bool(why))

    def _unfold(self, opened: bool) -> None:
        self.advanced.setVisible(opened)
        self._draw_fold()
        if opened:
            bring_up(self._scroll, self.fold)

    def _draw_fold(self) -> None:
        name = "chevron-down" if self.fold.isChecked() else "chevron-right"
        self.fold.setIcon(self._theme.icon(name if name != "chevron-down" else "chevron-down-grey"))

    def _check(self) -> None:
        if self._filling:
            return
        self._refused = ""
        self._show_methods()
        self.advanced.blockSignals(True)
        self.advanced.suit(self.methods())
        self.advanced.blockSignals(False)
        changed = self.advanced.count()
        self.fold.setText(
            f"Advanced settings, {changed} changed" if changed else "Advanced settings"
        )
        self._describe()
        self._tell()

    def _tell(self) -> None:
        problem = self._refused
        if wrong := self.advanced.wrong():
            named = ", ".join(field.name for field in wrong)
            problem = f"{word_for(len(wrong), 'This does', 'These do')} not fit: {named}."
        elif not problem:
            try:
                self.config()
            except InputError as error:
                problem = self._impossible() or str(error)
            else:
                problem = self._impossible()
        self._problem.setText(problem)
        self._fill_foot()
        impossible = self._impossible()
        allow(impossible, self.start)
        self.blocked.emit(impossible, self._study.lack)

    def _impossible(self) -> str:
        """Why what is chosen cannot be trained on this study, whatever else is set.

        A wrong value is another matter: there Start leads to its field.
        """
        methods = self.methods()
        if (lack := self._study.lack) is not None:
            return lack.why
        if () in (self.labelers.picked(), self.attributes.picked()):
            return ""
        return next(
            (each.obstacle for each in self._availability() if each.method.name in methods), ""
        )

    def _start(self) -> None:
        if self._held:  # a second click on what is being started
            return
        if wrong := self.advanced.wrong():
            self.fold.setChecked(True)
            wrong[0].editor.setFocus(Qt.FocusReason.OtherFocusReason)
            # once it is laid out
            QTimer.singleShot(0, wrong[0], lambda: self._scroll.ensureWidgetVisible(wrong[0]))
            return
        try:
            config = self.config()
        except InputError:  # said above the button
            empty = next(
                (each for each in (self.labelers, self.attributes) if each.picked() == ()), None
            )
            many = self.grid if self.grid.wrong else self.several
            (empty or (many if self.comparing else self.method)).setFocus()
            return
        if self.comparing:
            self.compared.emit(self.comparison_request())
        else:
            self.started.emit(config)


def _field(title: str, editor: QWidget, note: QLabel | None = None) -> QWidget:
    """An editor below its name, with a line of help."""
    editor.setAccessibleName(title.replace("&", ""))
    name = label(title, "field")
    name.setBuddy(editor)
    holder = QWidget()
    holder.setLayout(rows(name, editor, *((note,) if note else ()), gap=5))
    return holder


def _scrolled(inside: QWidget) -> QScrollArea:
    """A frameless area that scrolls up and down only."""
    scroll = SteadyScroll()
    scroll.setWidget(inside)
    scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the fields that have it
    return scroll
