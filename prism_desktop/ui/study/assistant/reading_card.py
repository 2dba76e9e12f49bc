"""How the files were read, and the fields that say it otherwise."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QVBoxLayout

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.named_lists import as_listed
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.ui.study.assistant.recipe_edits import listed, waits
from prism_desktop.ui.study.assistant.role_header import SteadyBox
from prism_desktop.ui.widgets.basics import GRID, columns, label
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import Field

ENCODINGS = (
    "utf-8", "cp1252", "utf-16", "iso-8859-15", "cp1250", "cp1251", "shift_jis", "gb18030",
)  # fmt: skip
_DELIMITERS = (("comma", ","), ("semicolon", ";"), ("tab", "\t"), ("bar", "|"))
_DECIMALS = (("point", "."), ("comma", ","))
_UNITS = (("seconds", "s"), ("milliseconds", "ms"))
_AGAIN = (("ask", "ask"), ("keep both", "keep"), ("skip", "skip"))
_LEFT_OUT = 12  # reasons listed
_UNMATCHED = "the study has no image"


class ReadingCard(Card):
    """Lines on how each table was read; below, fields that stay empty where it was found out."""

    said = Signal(str, object)  # field of the recipe, value

    def __init__(self) -> None:
        super().__init__("How it was read")
        self._lines = QVBoxLayout()
        self._lines.setSpacing(2)
        self.body.addLayout(self._lines)
        self.encoding = self._box("encoding", tuple((name, name) for name in ENCODINGS))
        self.delimiter = self._box("delimiter", _DELIMITERS)
        self.decimal = self._box("decimal", _DECIMALS)
        self.unit = self._box("rt_unit", _UNITS)
        self.again = self._box("again", _AGAIN, found=False)
        self.missing = self._line("missing", "-99, NA")
        self.rater = self._line("rater", "one name, or {file}")
        self.sheets = self._line("sheets", "all with answers")
        self._fields = {
            "encoding": Field("&Encoding", self.encoding),
            "delimiter": Field("&Delimiter", self.delimiter),
            "decimal": Field("Decimal si&gn", self.decimal),
            "rt_unit": Field("Response &times in", self.unit),
            "missing": Field("&Missing answers", self.missing),
            "again": Field("Given &again", self.again),
            "rater": Field("&Who judged", self.rater),
            "sheets": Field("&Sheets", self.sheets),
        }
        fields = list(self._fields.values())
        self.body.addSpacing(GRID)
        for one, other in zip(fields[::2], fields[1::2], strict=True):
            pair = columns(one, other, gap=GRID + 4)
            pair.setStretch(0, 1)
            pair.setStretch(1, 1)
            self.body.addLayout(pair)

    def show_plan(self, plan: ImportPlan, given: Recipe) -> None:
        """Show what was found; fields have what the user said, what is being typed stays."""
        self._tell(plan)
        found = plan.recipe
        for box, name in (
            (self.encoding, "encoding"),
            (self.delimiter, "delimiter"),
            (self.decimal, "decimal"),
            (self.unit, "rt_unit"),
        ):
            told = str(getattr(found, name) or "")
            words = next((text for text, key in _choices(box) if key == told), told)
            box.setItemText(0, f"{words} (found)" if words else "as found")
            _pick(box, getattr(given, name) or "")
        _pick(self.again, given.again)
        for editor, said, usual in (
            (self.missing, as_listed(given.missing), as_listed(found.missing)),
            (self.rater, given.rater, found.rater),
            (self.sheets, as_listed(given.sheets), as_listed(found.sheets)),
        ):
            if not editor.isModified():
                editor.setText(said)
            if usual and not said:
                editor.setPlaceholderText(f"{usual} (found)")
        roles = {column.role for table in plan.tables for column in table.columns}
        self._fields["rt_unit"].setVisible("seconds" in roles or given.rt_unit is not None)
        self._fields["rater"].setVisible("rater" not in roles or bool(given.rater))
        books = any(file.suffix.lower() in (".xlsx", ".xlsm", ".ods") for file in plan.files)
        self._fields["sheets"].setVisible(books or bool(given.sheets))
        text = any(file.suffix.lower() in (".csv", ".tsv", ".txt", "") for file in plan.files)
        for name in ("encoding", "delimiter", "decimal"):
            self._fields[name].setVisible(text or bool(getattr(given, name)))

    def _tell(self, plan: ImportPlan) -> None:
        while (item := self._lines.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        lines = []
        for table in plan.tables:
            name = f"{table.name}: " if len(plan.tables) > 1 else ""
            lines.append(f"{name}{table.shape}; {', '.join(table.reading)}")
        rows = (
            f"{plan.rows_kept:,} of {counted(plan.rows_read, 'row')} "
            f"{word_for(plan.rows_kept, 'is', 'are')} used."
        )
        if not waits(plan):
            lines += [rows, *_left_out(plan)]
        for text in lines:
            self._lines.addWidget(label(text, "small", wrap=True))

    def _box(
        self, name: str, choices: tuple[tuple[str, str], ...], *, found: bool = True
    ) -> QComboBox:
        box = SteadyBox()
        box.setProperty("role", "dense")
        box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        box.setMinimumContentsLength(6)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        if found:
            box.addItem("as found", "")
        for text, key in choices:
            box.addItem(text, key)
        box.activated.connect(lambda _: self.said.emit(name, self._value(name, box.currentData())))
        return box

    def _line(self, name: str, hint: str) -> QLineEdit:
        editor = QLineEdit()
        editor.setPlaceholderText(hint)
        editor.setAcceptDrops(False)

        def said() -> None:
            if editor.isModified():
                editor.setModified(False)
                text = editor.text().strip()
                self.said.emit(name, text if name == "rater" else listed(text))

        editor.editingFinished.connect(said)
        return editor

    @staticmethod
    def _value(name: str, key: Any) -> Any:
        return (key or None) if name == "rt_unit" else key


def _left_out(plan: ImportPlan) -> list[str]:
    """Why rows were left out; names without an image are listed with the images."""
    reasons = [each for each in plan.left_out if not each[0].startswith(_UNMATCHED)]
    lines = []
    for reason, numbers, count in reasons[:_LEFT_OUT]:
        where = f" (row {numbers[0]:,}{', …' if count > 1 else ''})" if numbers else ""
        lines.append(f"Left out, {count:,}: {reason}{where}")
    if len(reasons) > _LEFT_OUT:
        lines.append(f"and {counted(len(reasons) - _LEFT_OUT, 'more reason')}")
    return lines


def _choices(box: QComboBox) -> list[tuple[str, str]]:
    return [(box.itemText(row), str(box.itemData(row) or "")) for row in range(1, box.count())]


def _pick(box: QComboBox, key: str) -> None:
    row = box.findData(key)
    if row < 0:  # a recipe may name any encoding
        box.addItem(key, key)
        row = box.count() - 1
    box.setCurrentIndex(row)
