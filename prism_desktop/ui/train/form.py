"""The form of a new run: what most people choose in view, everything else folded away below."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QComboBox, QFileDialog, QFrame, QLineEdit, QPushButton, QScrollArea, QWidget

from prism_desktop.engine.config import SOURCE_RECIPE, TrainConfig, settings
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods import METHODS
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.choices import BACKBONES, DEVICES, SPLIT_NOTES, SPLITS, architecture
from prism_desktop.ui.train.fields import SettingField, caption, grouped, in_pairs, still
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows
from prism_desktop.ui.widgets.pick import PickMany

_LOCAL = "Local weights file…"
APART = frozenset({"method", "backbone", "labelers", "attributes", "split.kind", "seed", "device"})


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
        self._refused = ""  # why the last start came to nothing, until something is changed
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

    def show_device(self, name: str, why: str = "") -> None:
        """Say which device "automatic" means on this machine, and why."""
        self.device.setItemText(0, f"Automatic: {name}" if name else "Automatic")
        self.device.setToolTip(self.device.itemText(0))
        self._device_why = why
        self._describe()

    def refuse(self, problem: str) -> None:
        """Say above the button why the run could not be started."""
        self._refused = problem
        self._tell()

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
        for key, name in DEVICES.items():
            self.device.addItem(name, key)
        for box in (self.method, self.backbone, self.split, self.device):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
            still(box)
            box.currentIndexChanged.connect(self._describe)
            box.currentIndexChanged.connect(self._check)
        self.labelers, self.attributes = PickMany("labelers"), PickMany("attributes")
        self._device_why = ""
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
            groups.append(rows(label(title, "strong"), in_pairs(fields), gap=GRID + 2))
        self.defaults = button("Back to the defaults", self._to_defaults, "quiet")
        self.defaults.setEnabled(False)
        holder = QWidget()
        holder.setLayout(rows(*groups, columns(self.defaults, None), gap=2 * GRID))
        holder.hide()
        return holder

    def _lay_out(self) -> None:
        self._method_note, self._split_note, self._device_note = (label("", "small", wrap=True) for _ in range(3))
        named = (
            ("&Method", self.method, self._method_note),
            ("&Backbone", self.backbone, None),
            ("&Labelers", self.labelers, None),
            ("&Attributes", self.attributes, None),
            ("&Held out for the test", self.split, self._split_note),
            ("S&eed", self.seed, None),
            ("De&vice", self.device, self._device_note),
        )
        fields = []
        for title, editor, note in named:
            editor.setAccessibleName(title.replace("&", ""))
            name = label(title, "field")
            name.setBuddy(editor)
            fields.append(rows(name, editor, *((note,) if note else ()), gap=5))
        inside = QWidget()
        body = rows(label("New run", "heading"), *fields, self.fold, self._advanced, None, gap=2 * GRID - 2)
        body.setContentsMargins(3 * GRID, 3 * GRID, 2 * GRID, 2 * GRID)
        inside.setLayout(body)
        self._scroll = scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the fields that have it
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
        self._split_note.setText(SPLIT_NOTES.get(self.split.currentData(), ""))
        why = self._device_why if self.device.currentData() == "auto" else ""
        self._device_note.setText(why)
        self._device_note.setVisible(bool(why))

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
        field.check()
        self._check()

    def _to_defaults(self) -> None:
        for field in self.fields.values():
            field.put(field.setting.default)
            field.check()
        self._check()

    def _check(self) -> None:
        self._refused = ""
        changed = sum(not field.is_default() for field in self.fields.values())
        self.fold.setText(f"Advanced settings, {changed} changed" if changed else "Advanced settings")
        self.defaults.setEnabled(changed > 0)
        self._tell()

    def _wrong(self) -> list[SettingField]:
        return [field for field in self.fields.values() if field.problem()]

    def _tell(self) -> None:
        problem = self._refused
        if wrong := self._wrong():
            named = ", ".join(caption(field.setting.key) for field in wrong)
            problem = f"{'This does' if len(wrong) == 1 else 'These do'} not fit: {named}."
        else:
            try:
                self.config()
            except InputError as error:
                problem = str(error)
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))

    def _start(self) -> None:
        if wrong := self._wrong():
            self.fold.setChecked(True)
            wrong[0].editor.setFocus(Qt.FocusReason.OtherFocusReason)
            QTimer.singleShot(0, wrong[0], lambda: self._scroll.ensureWidgetVisible(wrong[0]))  # once it is laid out
            return
        try:
            config = self.config()
        except InputError:  # said above the button
            (self.attributes if self.labelers.picked() != () else self.labelers).setFocus()
            return
        self.started.emit(config)

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
