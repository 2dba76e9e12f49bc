"""Setting fields: one editor per setting, its gloss as tool tip, its errors below it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLineEdit, QSizePolicy, QWidget

from prism_desktop.engine.config import Setting, TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import GRID, label, restyle, rows

_GROUPS = {
    "Method": (
        "strength",
        "experts",
        "clustering",
        "clusters",
        "delta",
        "members",
        "retrieval.neighbours",
        "retrieval.kind",
        "decoder.vector",
        "decoder.activation",
        "decoder.dropout",
        "decoder.glu",
        "decoder.batch_norm",
    ),
    "Split": ("split.fold", "split.seed", "split.train", "split.val", "split.shots"),
    "Pairs": ("pairs.use", "pairs.ties", "pairs.min_difference", "pairs.cap_per_image"),
    "Length": ("epochs", "patience", "batch", "max_steps"),
    "Learning": (
        "recipe",
        "schedule",
        "lora_lr",
        "token_lr",
        "rates_at_width",
        "weight_decay",
        "temperature",
        "start",
        "learn_temperature",
        "flips",
    ),
    "Size": ("rank", "alpha", "lora_std", "tokens", "token_std", "trunk"),
    "Machine": ("precision", "threads", "checkpoint_seconds", "compare", "baselines"),
}
_CAPTIONS = {
    "split.fold": "Test fold",
    "split.seed": "Split seed",
    "split.shots": "Shots per labeler",
    "pairs.use": "Learn from",
    "pairs.min_difference": "Least difference",
    "pairs.cap_per_image": "Pairs per image",
    "epochs": "Most epochs",
    "batch": "Answers per step",
    "max_steps": "Most steps",
    "rates_at_width": "Rates for width",
    "start": "Start from",
    "learn_temperature": "Learn the temperature",
    "flips": "Mirror images at random",
    "rank": "LoRA rank",
    "alpha": "LoRA alpha",
    "tokens": "Tokens per labeler",
    "trunk": "Blocks before tokens",
    "checkpoint_seconds": "Checkpoint every (s)",
    "compare": "Train the consensus model too",
    "strength": "Strength of the added term",
    "experts": "Sets of adapters",
    "clustering": "Group labelers by",
    "clusters": "Groups",
    "delta": "A deviation for each labeler",
    "retrieval.neighbours": "Comparisons that vote",
    "retrieval.kind": "Which vote",
    "decoder.vector": "Numbers per labeler",
    "decoder.activation": "Activation",
    "decoder.dropout": "Dropout",
    "decoder.glu": "Gate each layer (GLU)",
    "decoder.batch_norm": "Normalise over the batch",
}
# else "none"
_EMPTY = {
    "epochs": "automatic",
    "max_steps": "no limit",
    "threads": "all",
    "lora_std": "PEFT's own",
}
_EMPTY |= {
    "retrieval.neighbours": "by validation",
    "clusters": "best silhouette",
    "members": "its own choice",
    "examples": "by validation",
}
_SHORT = {
    "lr": "learning rate",
    "lora": "LoRA",
    "std": "spread",
    "val": "validation share",
    "train": "training share",
}


class SettingField(QWidget):
    """One setting: its name, its editor and, when the value does not fit, a sentence below."""

    changed = Signal()

    def __init__(
        self, setting: Setting, wrong: Callable[[str, str], str] | None = None, name: str = ""
    ) -> None:
        """`wrong` says what is wrong with a key's text; None for a run that judges. `name` is its
        own for a reader; empty for that of `caption`."""
        super().__init__()
        self.setting = setting
        self.name = name or caption(setting.key)
        self._wrong = wrong or problem_of
        # what it is unless something is changed; methods and recipes move it
        self.start: Any = setting.default
        self.relevant = True  # whether the chosen method heeds it
        self.editor = self._make()
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        set_tip(self, f"{setting.description}.\nOn the command line: --set {setting.key}=…")
        self.editor.setAccessibleName(self.name)
        self.editor.setAccessibleDescription(setting.description)
        top = () if setting.kind == "bool" else (label(self.name, "field"),)
        self.editor.setMinimumWidth(0)
        # columns of one width
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setLayout(rows(*top, self.editor, self._problem, gap=4))

    def text(self) -> str:
        """The value as `--set key=value` takes it."""
        editor = self.editor
        if isinstance(editor, QCheckBox):
            return str(editor.isChecked()).lower()
        if isinstance(editor, QComboBox):
            return editor.currentText()
        assert isinstance(editor, QLineEdit)
        return editor.text().strip()

    def put(self, value: Any) -> None:
        """Show a value.

        Raises:
            ValueError: if it is none of the setting's choices.
        """
        editor = self.editor
        if isinstance(editor, QCheckBox):
            editor.setChecked(bool(value))
        elif isinstance(editor, QComboBox):
            if editor.findText(str(value)) < 0:
                raise ValueError(f"{value} is no choice of {self.setting.key}")
            editor.setCurrentText(str(value))
        elif isinstance(editor, QLineEdit):
            editor.setText(written(value))

    def is_default(self) -> bool:
        """Whether the field says what the setting is anyway."""
        return self.text() == (str(self.start).lower() if self._is_bool else written(self.start))

    def rebase(self, start: Any) -> None:
        """Another starting value: the field shows it
        unless something else was chosen on purpose."""
        untouched = self.is_default()
        self.start = start
        if untouched:
            self.put(start)

    def show_if(self, relevant: bool) -> None:
        """Show the field only where the chosen method heeds it."""
        self.relevant = relevant
        self.setVisible(relevant)

    def problem(self) -> str:
        """What is wrong with the value, in a few words; empty if nothing is."""
        return (
            ""
            if self.is_default() or not self.relevant
            else self._wrong(self.setting.key, self.text())
        )

    def check(self) -> None:
        """Show what is wrong below the field."""
        problem = self.problem()
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        restyle(self.editor, bad="true" if problem else "false")

    @property
    def _is_bool(self) -> bool:
        return self.setting.kind == "bool"

    def _make(self) -> QWidget:
        """A tick box, a list of choices or a line, after the kind of the setting."""
        setting = self.setting
        if self._is_bool:
            box = QCheckBox(caption(setting.key))
            box.setChecked(bool(setting.default))
            box.toggled.connect(self.changed)
            return box
        if setting.kind == "choice":
            choice = QComboBox()
            choice.addItems(setting.choices)
            choice.setCurrentText(str(setting.default))
            choice.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            choice.currentIndexChanged.connect(self.changed)
            still(choice)
            return choice
        text = QLineEdit(written(setting.default))
        if setting.optional:
            text.setPlaceholderText(_EMPTY.get(setting.key, "none"))
        text.textEdited.connect(self.changed)
        return text


class _Still(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent):
            event.ignore()
            return True
        return False


def still(widget: QWidget) -> None:
    """A wheel over a form scrolls the form: it neither
    changes the field it passes nor gives it the focus."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_Still(widget))


def written(value: Any) -> str:
    """A value as a field shows it."""
    if value is None:
        return ""
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def caption(key: str) -> str:
    """A setting's name for a reader: "lora_lr" becomes "LoRA learning rate"."""
    if key in _CAPTIONS:
        return _CAPTIONS[key]
    words = [_SHORT.get(word, word) for word in key.rpartition(".")[2].split("_")]
    text = " ".join(words)
    return text[0].upper() + text[1:]


def grouped(settings: Iterable[Setting], apart: frozenset[str]) -> dict[str, list[Setting]]:
    """Settings under their headings, without those in `apart`; a new one of no group comes last."""
    by_key = {setting.key: setting for setting in settings if setting.key not in apart}
    groups = {
        title: [by_key.pop(key) for key in keys if key in by_key] for title, keys in _GROUPS.items()
    }
    if by_key:
        groups["More"] = list(by_key.values())
    return {title: group for title, group in groups.items() if group}


def problem_of(key: str, text: str) -> str:
    """What is wrong with one setting's text, for a place beside its name; empty if nothing is."""
    try:
        TrainConfig().with_settings([f"{key}={text}"])
    except InputError as error:
        # the setting's key and the text stand there already
        _, named, why = str(error).partition("”: it ")
        return f"{why[0].upper()}{why[1:]}" if named else str(error)
    return ""


class SettingGroup(QWidget):
    """Settings under a heading: short fields two abreast, a tick box on a line of its own.

    Hidden without any.
    """

    def __init__(self, title: str, fields: Sequence[SettingField]) -> None:
        super().__init__()
        self._fields = tuple(fields)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GRID + 4)
        self._grid.setVerticalSpacing(GRID + 2)
        for column in (0, 1):
            self._grid.setColumnStretch(column, 1)
        self.setLayout(rows(label(title, "strong"), self._grid, gap=GRID + 2))
        self._place()

    def lay_out(self) -> None:
        """Place the fields that apply; the others are out of the way."""
        self._place()
        self.setVisible(any(field.relevant for field in self._fields))

    def _place(self) -> None:
        for field in self._fields:
            self._grid.removeWidget(field)
        row = column = 0
        shown = [field for field in self._fields if field.relevant]
        for field in shown:
            wide = field.setting.kind == "bool"
            if wide and column:
                row, column = row + 1, 0
            self._grid.addWidget(field, row, column, 1, 2 if wide else 1, Qt.AlignmentFlag.AlignTop)
            row, column = (row, 1) if not wide and column == 0 else (row + 1, 0)
