"""The form of a new run: what most people choose in view, everything else folded away below."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QComboBox, QFileDialog, QFrame, QGridLayout, QLineEdit, QPushButton, QScrollArea, QWidget

from prism_desktop.engine.config import SOURCE_RECIPE, TrainConfig, settings
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods import METHODS
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.fields import SettingField, grouped, problem_of, still
from prism_desktop.ui.widgets.basics import GRID, button, frame, label, rows
from prism_desktop.ui.widgets.pick import PickMany

APART = frozenset({"method", "backbone", "labelers", "attributes", "split.kind", "seed", "device"})
BACKBONES = {
    "prism-mini": "prism-mini (embedded, fast)",
    "ViT-B-32-quickgelu:openai": "CLIP ViT-B/32 (OpenAI)",
    "ViT-B-16-quickgelu:openai": "CLIP ViT-B/16 (OpenAI)",
    "ViT-L-14-quickgelu:openai": "CLIP ViT-L/14 (OpenAI)",
}
SPLITS = {
    "image": "Unseen images (headline)",
    "pair": "Unseen pairs",
    "labeler": "Unseen labelers",
    "time": "Later answers",
    "label": "Random answers (leaks)",
}
_LOCAL = "Local weights file…"
_DEVICES = {"auto": "Automatic", "cuda": "GPU (CUDA)", "mps": "GPU (Apple)", "cpu": "CPU"}


class RunForm(QFrame):
    """Everything a training run can be told; `config()` is the whole of it."""

    started = Signal(object)  # TrainConfig

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "side")
        self.setFixedWidth(324)
        self._theme = theme
        self._make_fields()
        self.fold = QPushButton("Advanced settings")
        self.fold.setProperty("variant", "fold")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self._unfold)
        self.fields: dict[str, SettingField] = {}
        self._advanced = self._make_advanced()
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        self.start = button("Start training", self._start, "primary", tip="Start training (Ctrl+Return)")
        self.start.setShortcut("Ctrl+Return")
        theme.changed.connect(self._draw_fold)
        self._draw_fold()
        self._lay_out()
        self._describe()

    def offer(
        self, labelers: Mapping[str, str], attributes: tuple[str, ...], *, simulated: bool, fresh: bool = True
    ) -> None:
        """What the study has: labelers as code to name.

        `fresh` is for another study: everything is ticked, and a simulated one suggests the embedded backbone.
        Otherwise what was chosen stays chosen."""
        self.labelers.offer(labelers)
        self.attributes.offer({name: name for name in attributes})
        if fresh:
            self.labelers.tick(None)
            self.attributes.tick(None)
            self.set_backbone("prism-mini" if simulated else TrainConfig().backbone)
        self._check()

    def show_device(self, name: str) -> None:
        """Say which device "automatic" means on this machine."""
        self.device.setItemText(0, f"Automatic: {name}" if name else "Automatic")
        self.device.setToolTip(self.device.itemText(0))

    def set_backbone(self, name: str) -> None:
        """Choose a backbone, known or not."""
        place = self.backbone.findData(name)
        if place < 0:
            place = self.backbone.count() - 1
            self.backbone.insertItem(place, name, name)
        self.backbone.setCurrentIndex(place)

    def config(self) -> TrainConfig:
        """What the form says.

        Raises:
            InputError: a sentence, if something does not fit.
        """
        # A recipe moves the defaults: what stands in a field that it fills is said even if it is the plain default.
        filled = SOURCE_RECIPE if self.fields["recipe"].text() == "source" else {}
        changed = [f"{k}={field.text()}" for k, field in self.fields.items() if k in filled or not field.is_default()]
        # The recipe comes first: it moves the others' starting values.
        changed.sort(key=lambda text: not text.startswith("recipe="))
        for noun, picker in (("labeler", self.labelers), ("attribute", self.attributes)):
            if picker.picked() == ():
                raise InputError(f"Choose at least one {noun}.")
        plain = {
            "method": self.method.currentData(),
            "backbone": self.backbone.currentData(),
            "labelers": ",".join(self.labelers.picked() or ()),
            "attributes": ",".join(self.attributes.picked() or ()),
            "split.kind": self.split.currentData(),
            "seed": self.seed.text() or "0",
            "device": self.device.currentData(),
        }
        return TrainConfig().with_settings([*(f"{key}={value}" for key, value in plain.items()), *changed])

    def _make_fields(self) -> None:
        self.method, self.backbone, self.split, self.device = (QComboBox() for _ in range(4))
        for name, method in METHODS.items():
            self.method.addItem(method.title, name)
        self.method.setCurrentIndex(self.method.findData(TrainConfig().method))
        for key, name in BACKBONES.items():
            self.backbone.addItem(name, key)
        self.backbone.addItem(_LOCAL, _LOCAL)
        self._backbone_before = 0
        self.backbone.activated.connect(self._pick_file)
        for key, name in SPLITS.items():
            self.split.addItem(name, key)
        for key, name in _DEVICES.items():
            self.device.addItem(name, key)
        for box in (self.method, self.backbone, self.split, self.device):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
            still(box)
            box.currentIndexChanged.connect(self._describe)
        self.labelers, self.attributes = PickMany("labelers"), PickMany("attributes")
        self.labelers.changed.connect(self._check)
        self.attributes.changed.connect(self._check)
        self.seed = QLineEdit("0")
        self.seed.setValidator(QIntValidator(0, 999_999_999, self.seed))
        self.seed.textEdited.connect(self._check)

    def _make_advanced(self) -> QWidget:
        groups = []
        for title, found in grouped(settings(), APART).items():
            fields = [SettingField(setting) for setting in found]
            for field in fields:
                self.fields[field.setting.key] = field
                field.changed.connect(lambda field=field: self._changed(field))
            groups.append(rows(label(title, "strong"), _in_pairs(fields), gap=GRID + 2))
        holder = QWidget()
        holder.setLayout(rows(*groups, gap=2 * GRID))
        holder.hide()
        return holder

    def _lay_out(self) -> None:
        self._method_note, self._split_note = (label("", "small", wrap=True) for _ in range(2))
        named = (
            ("Method", self.method, self._method_note),
            ("Backbone", self.backbone, None),
            ("Labelers", self.labelers, None),
            ("Attributes", self.attributes, None),
            ("Held out for the test", self.split, self._split_note),
            ("Seed", self.seed, None),
            ("Device", self.device, None),
        )
        fields = []
        for title, editor, note in named:
            editor.setAccessibleName(title)
            caption = label(title, "field")
            caption.setBuddy(editor)
            fields.append(rows(caption, editor, *((note,) if note else ()), gap=5))
        inside = QWidget()
        body = rows(label("New run", "heading"), *fields, self.fold, self._advanced, None, gap=2 * GRID - 2)
        body.setContentsMargins(3 * GRID, 3 * GRID, 2 * GRID, 2 * GRID)
        inside.setLayout(body)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        foot = frame("side-foot")
        buttons = rows(self._problem, self.start)
        buttons.setContentsMargins(3 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        foot.setLayout(buttons)
        whole = rows(scroll, foot, gap=0)
        whole.setStretch(0, 1)
        self.setLayout(whole)

    def _describe(self) -> None:
        if not hasattr(self, "_split_note"):
            return
        method = METHODS[self.method.currentData()]
        self._method_note.setText(method.summary)
        kind = self.split.currentData()
        warned = "Another attribute of the same pair may be in training: these numbers flatter the model."
        self._split_note.setText(warned if kind == "label" else "")
        self._split_note.setVisible(kind == "label")

    def _unfold(self, opened: bool) -> None:
        self._advanced.setVisible(opened)
        self._draw_fold()

    def _draw_fold(self) -> None:
        name = "chevron-down" if self.fold.isChecked() else "chevron-right"
        self.fold.setIcon(self._theme.icon(name if name != "chevron-down" else "chevron-down-grey"))

    def _changed(self, field: SettingField) -> None:
        if field.setting.key == "recipe":
            recipe = TrainConfig().with_settings([f"recipe={field.text()}"])
            for key, each in self.fields.items():
                if "." not in key and key != "recipe":
                    each.put(getattr(recipe, key))
        field.complain(problem_of(field.setting.key, field.text()))
        self._check()

    def _check(self) -> None:
        problem = ""
        try:
            self.config()
        except InputError as error:
            problem = str(error)
        # A field's own trouble already stands below it.
        elsewhere = any(problem_of(key, f.text()) for key, f in self.fields.items() if not f.is_default())
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem) and not (elsewhere and self.fold.isChecked()))
        self.start.setEnabled(not problem)

    def _start(self) -> None:
        self.started.emit(self.config())

    def _pick_file(self, place: int) -> None:
        if self.backbone.itemData(place) != _LOCAL:
            self._backbone_before = place
            return
        self.backbone.setCurrentIndex(self._backbone_before)
        files = "Weights (*.safetensors *.pt *.bin)"
        path, _ = QFileDialog.getOpenFileName(self, "CLIP weights, ViT-B/32 unless the name says otherwise", "", files)
        if path:
            self.set_backbone(f"{architecture(Path(path).name)}:{path}")
            self._backbone_before = self.backbone.currentIndex()


def _in_pairs(fields: list[SettingField]) -> QWidget:
    """Short fields two abreast; a tick box has a line of its own."""
    holder = QWidget()
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(GRID + 4)
    grid.setVerticalSpacing(GRID + 2)
    for column in (0, 1):
        grid.setColumnStretch(column, 1)
    row = column = 0
    for field in fields:
        wide = field.setting.kind == "bool"
        if wide and column:
            row, column = row + 1, 0
        grid.addWidget(field, row, column, 1, 2 if wide else 1, Qt.AlignmentFlag.AlignTop)
        row, column = (row, 1) if not wide and column == 0 else (row + 1, 0)
    return holder


def architecture(file: str) -> str:
    """The open_clip model that a weights file's name speaks of; ViT-B/32 if it says nothing."""
    name = file.lower().replace("_", "-").replace("/", "-")
    for mark, model in (("l-14", "ViT-L-14"), ("b-16", "ViT-B-16"), ("b-32", "ViT-B-32"), ("h-14", "ViT-H-14")):
        if mark in name or mark.replace("-", "") in name:
            return model + ("-quickgelu" if "openai" in name or "quickgelu" in name else "")
    return "ViT-B-32-quickgelu"
