"""Fields that answer a question for which no button is enough: a name, a column, a scale, what
each value means."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.study.importing.doubts import Decision
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.ui.plain import literal, set_tip
from prism_desktop.ui.study.assistant.recipe_edits import scale_words
from prism_desktop.ui.study.assistant.role_header import SteadyBox
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows

MEANINGS = (
    ("what it means", None),
    ("the first image won", "left"),
    ("the second image won", "right"),
    ("a tie", "tie"),
    ("no answer", ""),
)
_ROLES = {"judgment": "judgment", "image": "image", "outcome": "outcome", "rater": "rater"}
_COLUMN_OF = {
    "judgment": "Another column holds the judgments…",
    "image": "The column that names the images…",
    "outcome": "Another column says which image won…",
    "rater": "Another column says who judged…",
}
_VALUES = 40  # values with a row of their own
_SCALED = ("scale", "missing-code", "far-value", "mixed-scales")


class NameField(QWidget):
    """A name that can be typed, and the button that says it."""

    said = Signal(str)

    def __init__(self, name: str, usual: str, words: str) -> None:
        super().__init__()
        self.editor = QLineEdit()
        self.editor.setPlaceholderText(usual)
        self.editor.setAccessibleName(name)
        self.editor.setAcceptDrops(False)
        self.editor.setMinimumWidth(150)
        self.editor.setMaximumWidth(220)
        self._usual = usual
        self.say = button(literal(words), self._said)
        self.editor.returnPressed.connect(self._said)
        self.editor.textChanged.connect(lambda _: self._check())
        self.setLayout(columns(self.editor, self.say))
        self._check()

    def _check(self) -> None:
        self.say.setEnabled(bool(self.editor.text().strip() or self._usual))

    def _said(self) -> None:
        text = self.editor.text().strip() or self._usual
        if text:
            self.said.emit(text)


class ScaleField(NameField):
    """A scale, LOW-HIGH."""

    def __init__(self) -> None:
        super().__init__("Scale, LOW-HIGH", "", "This is the scale")
        self.editor.setPlaceholderText("1-7")
        self.editor.setMinimumWidth(70)
        self.editor.setMaximumWidth(90)

    def _check(self) -> None:
        self.say.setEnabled(bool(scale_words(self.editor.text())))

    def _said(self) -> None:
        words = scale_words(self.editor.text())
        if words:
            self.said.emit(words)


class CodingEditor(QWidget):
    """A row for each value: which image won by it, or which number a word stands for."""

    said = Signal(object)  # value -> meaning, as a recipe has it

    def __init__(self, values: Sequence[tuple[str, int]], *, numbers: bool) -> None:
        super().__init__()
        self.fields: dict[str, QComboBox | QLineEdit] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        for place, (value, count) in enumerate(sorted(values, key=_order)[:_VALUES]):
            field = self._number(place) if numbers else self._meaning()
            field.setAccessibleName(f"What {value} means")
            name = label(value, "strong")
            set_tip(name, value)
            grid.addWidget(name, place, 0)
            grid.addWidget(label(counted(count, "row"), "small"), place, 1)
            grid.addWidget(field, place, 2)
            self.fields[value] = field
        grid.setColumnStretch(3, 1)
        words = "Use these numbers" if numbers else "Use these meanings"
        self.say = button(literal(words), lambda: self.said.emit(self.meanings()))
        self.setLayout(rows(grid, columns(self.say, None), gap=GRID))
        self._check()

    def meanings(self) -> dict[str, str]:
        """What was said of each value; values of which nothing was said are absent."""
        found = {}
        for value, field in self.fields.items():
            if isinstance(field, QLineEdit):
                text = field.text().strip().replace(",", ".")
                if _is_number(text):
                    found[value] = text
            elif field.currentData() is not None:
                found[value] = str(field.currentData())
        return found

    def _check(self) -> None:
        left = len(self.fields) - len(self.meanings())
        self.say.setEnabled(not left)
        set_tip(
            self.say, f"{counted(left, 'value is', 'values are')} to be said yet" if left else ""
        )

    def _meaning(self) -> QComboBox:
        box = SteadyBox()
        box.setProperty("role", "dense")
        for text, meaning in MEANINGS:
            box.addItem(text, meaning)
        box.currentIndexChanged.connect(lambda _: self._check())
        return box

    def _number(self, place: int) -> QLineEdit:
        editor = QLineEdit()
        editor.setPlaceholderText(str(place + 1))
        editor.setMaximumWidth(80)
        editor.setAcceptDrops(False)
        editor.textChanged.connect(lambda _: self._check())
        return editor


def column_box(decision: Decision, plan: ImportPlan) -> QComboBox | None:
    """The other columns of a question's table, where one of them is asked for."""
    table = next((table for table in plan.tables if table.name == decision.table), None)
    if decision.kind not in _ROLES or table is None:
        return None
    offered = {name for choice in decision.choices for name in _named(choice.change)}
    box = SteadyBox()
    box.addItem(_COLUMN_OF[decision.kind], "")
    for column in table.columns:
        if column.name not in offered:
            box.addItem(one_line(column.name), column.name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(len(_COLUMN_OF[decision.kind]) - 4)
    box.setAccessibleName(_COLUMN_OF[decision.kind].rstrip("…"))
    return box if box.count() > 1 else None


def with_column(decision: Decision, column: str) -> dict[str, Any]:
    """What a recipe says if a question is answered with a column."""
    if decision.kind != "judgment":
        return {"columns": {column: _ROLES[decision.kind]}}
    given = [choice.change.get("judgments") for choice in decision.choices]
    names = [name for said in given if isinstance(said, Mapping) for name in said.values()]
    return {"judgments": {column: names[0] if names else ""}}


def scale_of(decision: Decision, plan: ImportPlan) -> str:
    """The attribute whose scale a question is about; "" if it is about something else."""
    if decision.kind not in _SCALED:
        return ""
    for choice in decision.choices:
        said = choice.change.get("scales")
        if isinstance(said, Mapping) and said:
            return str(next(iter(said)))
    if any(attribute.name == decision.column for attribute in plan.attributes):
        return decision.column
    columns = [column for table in plan.tables for column in table.columns]
    return next((c.attribute for c in columns if c.name == decision.column), "")


def judgment_column(decision: Decision) -> str:
    """The column, or "*", whose attribute is asked for."""
    for choice in decision.choices:
        said = choice.change.get("judgments")
        if isinstance(said, Mapping) and said:
            return str(next(iter(said)))
    return decision.column


def _named(change: Mapping[str, object]) -> list[str]:
    return [str(name) for part in change.values() if isinstance(part, Mapping) for name in part]


def _order(value: tuple[str, int]) -> tuple[float, str]:
    """Numbers by their size, then words."""
    return (float(value[0]) if _is_number(value[0]) else float("inf"), value[0])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.lower() not in ("nan", "inf", "-inf", "infinity", "-infinity")
