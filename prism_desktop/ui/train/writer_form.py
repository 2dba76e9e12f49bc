"""The form of a new run of the task writing, or of a comparison: methods, language model, people,
settings."""

from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QPushButton, QWidget

from prism_desktop.engine.backbone_names import MINI_LM
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods.writing_methods import (
    UNIFIED,
    WRITING_METHODS,
    WRITING_STARTERS,
    writing_method,
)
from prism_desktop.engine.runs.default_backbone import download_needed, embedded_doubt
from prism_desktop.engine.settings import settings_of, stated
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_plan import with_references
from prism_desktop.ui.shortcuts import press_by
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.backbone_box import BackboneBox
from prism_desktop.ui.train.form import MODES
from prism_desktop.ui.train.operations import StudyChoices, WritingRequest
from prism_desktop.ui.train.queue_card import QueueCard
from prism_desktop.ui.train.setting_fields import SettingField, SettingGroup, still
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows
from prism_desktop.ui.widgets.cards import SteadyScroll, bring_up
from prism_desktop.ui.widgets.pickers import PickMany, Segments
from prism_desktop.ui.widgets.possible import allow, tip_if_possible

# with a field of their own, or none to choose
APART: Final = frozenset({"task", "method", "backbone", "people", "device", "members_take"})
_COMPARED: Final = (
    "Each is trained once, one after another. The unified LoRA and one retrieval are always there, "
    "as gains are over these. What stays as it is below has each method's own value."
)
# where those of runs that judge say something else
NAMES: Final = {
    "answers": "Texts written for each",
    "answer_tokens": "Most tokens of a text",
    "batch": "Texts per step",
    "clustering": "Group people by",
    "compared_by": "Compare texts by",
    "context_form": "Own texts told as",
    "examples": "Own texts read",
    "held_out": "Held-out people",
    "prefix": "Soft tokens",
    "prefix_lr": "Token learning rate",
    "prefix_start": "Soft tokens start",
    "reads": "A network reads",
    "strength": "Weight of the term",
    "target": "Varied texts of each",
}
_DEVICES: Final = {
    "auto": "Automatic", "cuda": "GPU (CUDA)", "mps": "GPU (Apple)", "cpu": "CPU"
}  # fmt: skip


def wrong(key: str, text: str) -> str:
    """What is wrong with one setting's text; empty if nothing is."""
    try:
        given = stated({}, [f"{key}={text}"], settings_of(WritingConfig))
        for one in WritingConfig.checked(given).members or ():
            writing_method(one)
    except InputError as error:
        _, named, why = str(error).partition("”: it ")
        return f"{why[0].upper()}{why[1:]}" if named else str(error)
    return ""


class WriterForm(QFrame):
    """Everything such a run or comparison can be told; `asked()` is the whole of it."""

    started = Signal(object)  # WritingConfig or WritingRequest
    turned = Signal(str)  # "run" or "compare"

    def __init__(self, theme: Theme, width: int) -> None:
        super().__init__()
        self.setProperty("role", "side")
        self.setFixedWidth(width)
        self._theme = theme
        self._refused = ""
        self._busy = self._held = self._simulated = False
        self.queue = QueueCard(theme, width - 5 * GRID)
        self._make_fields()
        self._lay_out()
        theme.changed.connect(self._draw_fold)
        self._draw_fold()
        self.mode.picked.connect(self._turn)
        self._turn("run")

    @property
    def comparing(self) -> bool:
        """Whether several methods are asked for."""
        return self.mode.current == "compare"

    def show_study(self, found: StudyChoices, *, fresh: bool = True) -> None:
        """Offer a study's people who wrote; `fresh` forgets what was chosen for another."""
        self._simulated = found.simulated
        self.people.blockSignals(True)
        self.people.offer(found.writers)
        if fresh:
            self.people.tick(None)
            self.method.setCurrentIndex(self.method.findData(UNIFIED))
            self.several.tick(WRITING_STARTERS)
            self._put_back()
        self.people.blockSignals(False)
        if found.kind == "text":
            self.backbone.show_study("text", ())
        if fresh:
            self.backbone.pick(MINI_LM)
            self.mode.pick("run")
        self._check()

    def refuse(self, problem: str) -> None:
        """Say above the button why the run could not be started."""
        self._refused = problem
        self._tell()

    def show_busy(self, busy: bool, *, held: bool = False) -> None:
        """Say on the button whether what is started waits for its turn."""
        self._busy, self._held = busy, held
        self._name_start()

    def show_start(self, shown: bool) -> None:
        """Show the button that starts, unless another one that does stands elsewhere."""
        self.start.setVisible(shown)
        self._fill_foot()

    def _fill_foot(self) -> None:
        parts = (self.queue, self._problem, self.start)
        self._foot.setVisible(not all(part.isHidden() for part in parts))

    def asked(self) -> WritingConfig | WritingRequest:
        """What the form says: one run, or a comparison.

        Raises:
            InputError: a sentence, if something does not fit.
        """
        if self.people.picked() == ():
            raise InputError("Choose at least two people.")
        if not self.methods():
            raise InputError("Choose at least one method.")
        options: dict[str, Any] = {
            "backbone": self.backbone.name,
            "people": self.people.picked(),
            "device": self.device.currentData(),
        }
        changed = [
            f"{key}={field.text()}"
            for key, field in self.fields.items()
            if field.relevant and not field.is_default()
        ]
        if not self.comparing:
            return WritingConfig.of(self.methods()[0], options, changed)
        request = WritingRequest(self.methods(), options, tuple(changed))
        request.plan().configs()  # whether every method can be told these
        return request

    def methods(self) -> tuple[str, ...]:
        """The chosen method, or those to be compared."""
        if not self.comparing:
            return (str(self.method.currentData()),)
        picked = self.several.picked()
        return tuple(WRITING_METHODS) if picked is None else picked

    def _make_fields(self) -> None:
        self.mode, self.several = Segments(MODES), PickMany("methods")
        self.several.offer({one.name: one.title for one in WRITING_METHODS.values()})
        self.method, self.backbone, self.device = QComboBox(), BackboneBox(), QComboBox()
        for one in WRITING_METHODS.values():
            self.method.addItem(one.title, one.name)
        for key, name in _DEVICES.items():
            self.device.addItem(name, key)
        self.backbone.show_study("text", ())
        self.people = PickMany("people")
        self.people.changed.connect(self._check)
        for box in (self.method, self.backbone, self.device):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(12)
            still(box)
        self.method.currentIndexChanged.connect(self._suit)
        self.several.changed.connect(self._suit)
        self.backbone.currentIndexChanged.connect(self._check)
        self.fields = {
            setting.key: SettingField(setting, wrong, NAMES.get(setting.key, ""))
            for setting in settings_of(WritingConfig)
            if setting.key not in APART
        }
        for field in self.fields.values():
            field.changed.connect(self._changed(field))
        self.advanced = SettingGroup("Settings", list(self.fields.values()))
        self.advanced.hide()
        self.fold = QPushButton("Advanced settings")
        self.fold.setProperty("variant", "fold")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self._unfold)
        self._method_note, self._backbone_note = (label("", "small", wrap=True) for _ in range(2))
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        self.start = button("Start training", self._start, "primary")
        press_by(self.start, "start training")

    def _lay_out(self) -> None:
        inside, method = QWidget(), QWidget()
        self._one, self._many = _field("&Method", self.method), _field("&Methods", self.several)
        method.setLayout(rows(self._one, self._many, self._method_note, gap=5))
        body = rows(
            columns(self.mode, None),
            method,
            _field("&Language model", self.backbone, self._backbone_note),
            _field("&People", self.people),
            _field("De&vice", self.device),
            self.fold, self.advanced, None, gap=2 * GRID - 2,
        )  # fmt: skip
        body.setContentsMargins(3 * GRID, 2 * GRID + 4, 2 * GRID, 2 * GRID)
        inside.setLayout(body)
        scroll = self._scroll = SteadyScroll()
        scroll.setWidget(inside)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._foot = foot = frame("side-foot")
        buttons = rows(self.queue, self._problem, self.start)
        buttons.setContentsMargins(3 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        foot.setLayout(buttons)
        whole = rows(scroll, foot, gap=0)
        whole.setStretch(0, 1)
        self.setLayout(whole)

    def _changed(self, field: SettingField) -> Callable[[], None]:
        def check() -> None:
            field.check()
            self._check()

        return check

    def _turn(self, mode: str) -> None:
        self._one.setVisible(mode == "run")
        self._many.setVisible(mode == "compare")
        self._suit()
        self.turned.emit(mode)

    def _suit(self) -> None:
        """Other methods: their note, their settings, their starting values."""
        if not hasattr(self, "_many"):
            return
        names = self.methods()
        heeded = with_references(names) if self.comparing else names
        start = WritingConfig() if self.comparing else WritingConfig.of(names[0], {})
        for key, field in self.fields.items():
            field.show_if(any(WRITING_METHODS[name].reads(key) for name in heeded))
            field.rebase(getattr(start, key))
        self.advanced.lay_out()
        self.advanced.setVisible(self.fold.isChecked())
        self._method_note.setText(_COMPARED if self.comparing else _about(names[0]))
        self._check()

    def _put_back(self) -> None:
        for field in self.fields.values():
            field.put(field.start)
            field.check()

    def _check(self) -> None:
        if not hasattr(self, "start"):
            return
        self._refused = ""
        chosen = self.backbone.name
        doubt = embedded_doubt(chosen, simulated=self._simulated)
        self._backbone_note.setText(download_needed(chosen) or doubt)
        self._backbone_note.setVisible(bool(self._backbone_note.text()))
        self._tell()

    def _tell(self) -> None:
        problem = self._refused
        if not problem:
            try:
                self.asked()
            except InputError as error:
                problem = str(error)
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        self._fill_foot()
        allow("" if self._refused else problem, self.start)
        self._name_start()

    def _name_start(self) -> None:
        now = "Start the comparison" if self.comparing else "Start training"
        busy = "Starting…" if self._held else "Add to the queue"
        self.start.setText(busy if self._busy else now)
        press_by(self.start, "start training")  # a new text takes it away
        tip = "Starts when what goes on has ended (Ctrl+Return)" if self._busy else ""
        tip_if_possible(self.start, tip or "Start (Ctrl+Return)")

    def _unfold(self, opened: bool) -> None:
        self.advanced.setVisible(opened)
        self._draw_fold()
        if opened:
            bring_up(self._scroll, self.fold)

    def _draw_fold(self) -> None:
        name = "chevron-down-grey" if self.fold.isChecked() else "chevron-right"
        self.fold.setIcon(self._theme.icon(name))

    def _start(self) -> None:
        if self._held:  # a second click on what is being started
            return
        try:
            asked = self.asked()
        except InputError:  # said above the button
            return
        self.started.emit(asked)


def _about(name: str) -> str:
    """What a method does, and what else it trains."""
    writer = writing_method(name)
    first = " It trains the unified LoRA first, once for all." if writer.starts_from else ""
    return f"{writer.summary}{first}"


def _field(title: str, editor: QWidget, *notes: QWidget) -> QWidget:
    """An editor below its name, with a line of help."""
    editor.setAccessibleName(title.replace("&", ""))
    name = label(title, "field")
    name.setBuddy(editor)
    holder = QWidget()
    holder.setLayout(rows(name, editor, *notes, gap=5))
    return holder
