"""The form of a protocol: a field for each of its rules, a row for each block and gap."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from prism_desktop.engine.labeling.protocol import BlockRules, GapRule, Protocol, limits
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.ui.plain import literal, set_tip
from prism_desktop.ui.spoken_labels import speak_of
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import (
    GRID,
    IconButton,
    button,
    clear,
    columns,
    frame,
    label,
    rows,
)
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import PERCENT, CountField, Field
from prism_desktop.ui.widgets.pickers import Picker

KINDS: Final = (("comparison", "Comparisons"), ("rating", "Ratings"))
ORDERS: Final = (
    ("random", "At random"), ("sorted", "By sorting"), ("telling", "Most telling"),
    ("unsure", "Least sure"),
)  # fmt: skip
AFTER: Final = (
    ("go on", "go on"), ("instructions", "instructions again"),
    ("repeat the block", "the block again"), ("ask", "ask the labeler"),
)  # fmt: skip
FAILED: Final = (("go on", "the session goes on"), ("stop", "the session ends"))
_HUNDRED: Final = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """A number of the protocol, and how it is shown."""

    path: str  # in the TOML, dotted
    caption: str
    unit: str = ""
    none: str = ""  # what 0 is called
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A yes or no of the protocol."""

    path: str
    caption: str
    tip: str = ""


PRACTICE: Final = (
    Rule("practice.trials", "Trials of practice", none="none",
         tip="Before the first block of each kind. They are stored, and no analysis counts them."),
    Rule("practice.least_right", "Practice right, at least", PERCENT, "no criterion",
         tip="Of answers about faces of which it is known where they stand."),
    Rule("practice.most_rounds", "Rounds of practice, at most"),
)  # fmt: skip
WITHIN: Final = (
    Rule("repeats.share", "Trials that are repeated", PERCENT, "none"),
    Rule("repeats.lag", "Trials before a repeat, at least"),
    Rule("breaks.every", "A break after every", " trials", "none"),
    Rule("breaks.least_seconds", "A break takes at least", " s", "as long as one likes"),
    Rule("checks.every", "An attention check about every", " trials", "none",
         tip="Faces of which everybody's answers, or the protocol, say where they stand."),
    Rule("spacing.trials", "No face comes again within", " trials", "any time"),
)  # fmt: skip
SHOWING: Final = (
    Rule("exposure.fixation_milliseconds", "A cross before the faces for", " ms", "none"),
    Rule("exposure.milliseconds", "Faces are seen for", " ms", "until the answer"),
)  # fmt: skip
SHOWN: Final = (Mark("exposure.mask", "A mask after the faces"),)
LABELER: Final = (
    Mark("blinded", "Blinded", "No predictions and no one else's answers during a session."),
    Mark("undo", "Answers may be taken back"),
    Mark("strength", "Strength of preference by Shift"),
    Mark("pause_on_focus_loss", "Wait where the window loses the labeler"),
    Mark("shuffle_blocks", "Blocks in an order of the labeler's own"),
)


def count_field() -> CountField:
    """A number that begins where texts do."""
    made = CountField()
    made.lineEdit().setTextMargins(GRID, 0, 0, 0)
    return made


def untouched(
    before: Mapping[str, Any], shown: Mapping[str, Any], read: Mapping[str, Any]
) -> dict[str, Any]:
    """What fields say, by name; one that was not touched means what it was given, though a field
    shows less of it.

    Args:
        before: what the fields were given.
        shown: what they said then.
        read: what they say now.
    """
    return {name: before[name] if read[name] == shown[name] else read[name] for name in read}


def _named(names: Sequence[str]) -> str:
    """Names with commas between them; one with a comma of its own in quotation marks."""
    odd = re.compile(r'[,"]')
    return ", ".join(
        '"' + name.replace('"', '""') + '"' if odd.search(name) else name for name in names
    )


def _names(text: str) -> list[str]:
    """The other way round."""
    found = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in found if name.strip()]


class BlockRow(QWidget):
    """One block."""

    changed = Signal()
    removed = Signal(object)

    def __init__(self, theme: Theme, values: Mapping[str, Any]) -> None:
        super().__init__()
        self.name = QLineEdit(str(values["name"]))
        self.kind, self.order = Picker(), Picker()
        self.kind.offer(KINDS)
        self.order.offer(ORDERS)
        self.trials = count_field()
        self.trials.setRange(*limits(BlockRules, "trials"))
        self.attributes = QLineEdit(_named(values["attributes"]))
        self.attributes.setPlaceholderText("all attributes")
        self.alone = QCheckBox("One attribute at a time")
        self.same_prompt = QCheckBox("Same prompt only")
        set_tip(self.same_prompt, "Only texts that answer the same prompt are compared")
        self._texts = False
        self.instructions = QLineEdit(str(values["instructions"]))
        self.instructions.setPlaceholderText("What is read before it")
        self.kind.setCurrentIndex(max(0, self.kind.findData(values["kind"])))
        self.order.setCurrentIndex(max(0, self.order.findData(values["order"])))
        self.trials.setValue(int(values["trials"]))
        self.alone.setChecked(bool(values["one_attribute_at_a_time"]))
        self.same_prompt.setChecked(bool(values.get("same_prompt")))
        self.cross = IconButton(
            theme, "close", "Remove this block", lambda: self.removed.emit(self)
        )
        self._before, self._said = dict(values), self._read()
        self._lay_out()
        for text in (self.name, self.attributes, self.instructions):
            text.textChanged.connect(self.changed)
        self.trials.valueChanged.connect(self.changed)
        for mark in (self.alone, self.same_prompt):
            mark.toggled.connect(self.changed)
        self.kind.currentIndexChanged.connect(self._offer)
        for picker in (self.kind, self.order):
            picker.currentIndexChanged.connect(self.changed)

    def use_words(self, words: StimulusWords) -> None:
        """Offer what suits what the study holds."""
        self._texts = words is not FACES
        self._offer()

    def _offer(self) -> None:
        """Two replies of one prompt meet in comparisons alone."""
        offered = self._texts and self.kind.currentData() == "comparison"
        self.same_prompt.setVisible(offered)
        if not offered:
            self.same_prompt.setChecked(False)

    def values(self) -> dict[str, Any]:
        """The block as the protocol has it."""
        return untouched(self._before, self._said, self._read())

    def _read(self) -> dict[str, Any]:
        return {
            "name": self.name.text(), "kind": self.kind.currentData(),
            "trials": self.trials.value(), "attributes": _names(self.attributes.text()),
            "one_attribute_at_a_time": self.alone.isChecked(),
            "order": self.order.currentData(), "instructions": self.instructions.text(),
            "same_prompt": self.same_prompt.isChecked(),
        }  # fmt: skip

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID)
        parts = (
            ("Name", self.name, 0, 0), ("Task", self.kind, 0, 1), ("Trials", self.trials, 0, 2),
            ("Order", self.order, 0, 3), ("Attributes", self.attributes, 1, 0),
            ("Instructions", self.instructions, 1, 1),
        )  # fmt: skip
        for name, editor, row, column in parts:
            wide = 2 if editor is self.instructions else 1
            top = Qt.AlignmentFlag.AlignTop
            grid.addWidget(Field(name, editor), row, column, 1, wide, top)
        alone = rows(None, self.same_prompt, self.alone)
        grid.addLayout(alone, 1, 3)
        for column, share in enumerate((3, 2, 2, 2)):
            grid.setColumnStretch(column, share)
        inside = columns(grid, rows(self.cross, None), gap=GRID, margin=2 * GRID)
        inside.setStretch(0, 1)
        self.setLayout(rows(frame("inset", inside)))


class GapRow(QWidget):
    """What becomes of work that was left for some time."""

    changed = Signal()
    removed = Signal(object)

    def __init__(self, theme: Theme, values: Mapping[str, Any]) -> None:
        super().__init__()
        self.after = count_field()
        self.after.setRange(*limits(GapRule, "after_minutes"))
        self.after.setSuffix(" min")
        self.after.setAccessibleName("Minutes away")
        self.after.setValue(round(float(values["after_minutes"])))
        self.then = Picker()
        self.then.offer(AFTER)
        self.then.setAccessibleName("What comes then")
        self.then.setCurrentIndex(max(0, self.then.findData(values["then"])))
        self._before, self._said = dict(values), self._read()
        self.cross = IconButton(theme, "close", "Remove this rule", lambda: self.removed.emit(self))
        self.after.valueChanged.connect(self.changed)
        self.then.currentIndexChanged.connect(self.changed)
        self.setLayout(
            columns(label("Away for"), self.after, label("or more:"), self.then, self.cross, None)
        )

    def values(self) -> dict[str, Any]:
        """The rule as the protocol has it."""
        return untouched(self._before, self._said, self._read())

    def _read(self) -> dict[str, Any]:
        return {"after_minutes": float(self.after.value()), "then": self.then.currentData()}


class ProtocolForm(QWidget):
    """All of a protocol but the faces known for checks and the PIN, which it keeps as they are."""

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._values: dict[str, Any] = {}
        self._before: dict[str, Any] = {}  # by path
        self._said: dict[str, Any] = {}
        self._filling = False
        self.numbers: dict[str, CountField] = {}
        self.marks: dict[str, QCheckBox] = {}
        self.title = QLineEdit()
        self.instructions = QPlainTextEdit()
        self.instructions.setTabChangesFocus(True)
        self.instructions.setFixedHeight(112)
        self.instructions.setPlaceholderText("Empty: the program's own words. An empty line begins "
                                             "a paragraph.")  # fmt: skip
        self.failed, self.alike = Picker(), Picker()
        self.failed.offer(FAILED)
        self._words = FACES
        self.blocks: list[BlockRow] = []
        self.gaps: list[GapRow] = []
        self._block_rows, self._gap_rows = QVBoxLayout(), QVBoxLayout()
        self._lay_out()
        self.title.textChanged.connect(self._tell)
        self.instructions.textChanged.connect(self._tell)
        for picker in (self.failed, self.alike):
            picker.currentIndexChanged.connect(self._tell)

    def offer(self, embeddings: Sequence[str], words: StimulusWords = FACES) -> None:
        """By what faces can be told to be alike in this study; `words` are for what it holds."""
        speak_of(self, words)
        self._words = words
        for row in self.blocks:
            row.use_words(words)
        sets = [(name, f"the embeddings {name}") for name in embeddings]
        seen = [("statistics", "light and colour")] if words is FACES else []
        self.alike.offer([("", f"the same {words.one} only"), *seen, *sets])

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Fill the form; `values` are those of `Protocol.model_dump`."""
        self._filling = True
        self._values = dict(values)
        self.title.setText(values["title"])
        self.instructions.setPlainText(values["instructions"])
        for path, number in self.numbers.items():
            found = _at(values, path)
            number.setValue(round(found * _HUNDRED) if isinstance(found, float) else found)
        for path, mark in self.marks.items():
            mark.setChecked(bool(_at(values, path)))
        self.failed.setCurrentIndex(max(0, self.failed.findData(values["practice"]["if_failed"])))
        by = values["spacing"]["similar_by"]
        if self.alike.findData(by) < 0:
            self.alike.addItem(one_line(f"the embeddings {by}, which are not here"), by)
        self.alike.setCurrentIndex(self.alike.findData(by))
        self._said = self._read()
        self._before = {path: _at(values, path) for path in self._said}
        for row in (*self.blocks, *self.gaps):
            row.hide()
        clear(self._block_rows)
        clear(self._gap_rows)
        self.blocks, self.gaps = [], []
        for block in values["blocks"]:
            self._put_block(block)
        for gap in values["gaps"]:
            self._put_gap(gap)
        self._filling = False

    def values(self) -> dict[str, Any]:
        """What the form says, with what it does not show as it was."""
        made: dict[str, Any] = {
            key: dict(value) if isinstance(value, Mapping) else value
            for key, value in self._values.items()
        }
        for path, value in untouched(self._before, self._said, self._read()).items():
            _put(made, path, value)
        made["blocks"] = [row.values() for row in self.blocks]
        made["gaps"] = [row.values() for row in self.gaps]
        return made

    def _read(self) -> dict[str, Any]:
        """What the fields say, by path; blocks and gaps say it themselves."""
        read: dict[str, Any] = {
            "title": self.title.text().strip(), "instructions": self.instructions.toPlainText(),
            "practice.if_failed": self.failed.currentData(),
            "spacing.similar_by": self.alike.currentData(),
        }  # fmt: skip
        for path, number in self.numbers.items():
            share = number.suffix() == PERCENT
            read[path] = number.value() / _HUNDRED if share else number.value()
        return read | {path: mark.isChecked() for path, mark in self.marks.items()}

    def add_block(self) -> None:
        """Another block, to be filled in."""
        number = len(self.blocks) + 1
        self._put_block(
            {"name": f"Block {number}", "kind": "comparison", "trials": 60, "attributes": [],
             "one_attribute_at_a_time": False, "order": "random", "instructions": "",
             "same_prompt": False}
        )  # fmt: skip
        self._tell()

    def add_gap(self) -> None:
        """Another rule about time away."""
        self._put_gap({"after_minutes": 60, "then": "ask"})
        self._tell()

    def _put_block(self, values: Mapping[str, Any]) -> None:
        row = BlockRow(self._theme, values)
        row.use_words(self._words)
        row.changed.connect(self._tell)
        row.removed.connect(self._remove)
        self.blocks.append(row)
        self._block_rows.addWidget(row)
        self._check_crosses()

    def _put_gap(self, values: Mapping[str, Any]) -> None:
        row = GapRow(self._theme, values)
        row.changed.connect(self._tell)
        row.removed.connect(self._remove)
        self.gaps.append(row)
        self._gap_rows.addWidget(row)

    def _remove(self, row: QWidget) -> None:
        for rows_, layout in ((self.blocks, self._block_rows), (self.gaps, self._gap_rows)):
            if row in rows_:
                rows_.remove(row)  # type: ignore[arg-type]
                layout.removeWidget(row)
                row.hide()
                row.deleteLater()
        self._check_crosses()
        self._tell()

    def _check_crosses(self) -> None:
        """The last block stays: a protocol has one at least."""
        for row in self.blocks:
            row.cross.setVisible(len(self.blocks) > 1)

    def _tell(self) -> None:
        if not self._filling:
            self.changed.emit()

    def _lay_out(self) -> None:
        self._block_rows.setSpacing(GRID)
        more = button("Add a block", self.add_block)
        longer = button("Add a rule", self.add_gap)
        before, blocks = Card("Before the first trial"), Card("Blocks", more)
        before.body.addWidget(Field("Title", self.title))
        before.body.addWidget(Field("Instructions", self.instructions))
        before.body.addLayout(
            self._grid(PRACTICE, Field("After the last round without success", self.failed))
        )
        blocks.body.addLayout(self._block_rows)
        within, showing = Card("Within a block"), Card("How faces are shown")
        within.body.addLayout(self._grid(WITHIN, Field("Faces are alike by", self.alike)))
        showing.body.addLayout(self._grid(SHOWING))
        showing.body.addLayout(columns(*map(self._mark, SHOWN), None))
        labeler, away = Card("The labeler"), Card("After a time away", longer)
        for mark in LABELER:
            labeler.body.addWidget(self._mark(mark))
        away.body.addLayout(self._gap_rows)
        self.setLayout(rows(before, blocks, within, showing, labeler, away, gap=2 * GRID))

    def _grid(self, rules: Sequence[Rule], *more: QWidget) -> QGridLayout:
        """Fields beside each other, three to a row; no caption needs the one before it."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * GRID)
        grid.setVerticalSpacing(GRID)
        fields = [*map(self._number, rules), *more]
        for place, field in enumerate(fields):
            grid.addWidget(field, place // 3, place % 3, Qt.AlignmentFlag.AlignTop)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        if len(fields) < 3:  # as wide as in the other cards
            grid.addWidget(QWidget(), 0, 2)
        return grid

    def _number(self, rule: Rule) -> Field:
        made = count_field()
        low, high = limits(Protocol, rule.path)
        share = _HUNDRED if rule.unit == PERCENT else 1
        made.setRange(int(low * share), int(high * share))
        made.setSuffix(rule.unit)
        made.setSpecialValueText(rule.none)
        made.valueChanged.connect(self._tell)
        self.numbers[rule.path] = made
        field = Field(rule.caption, made)
        if rule.tip:
            set_tip(made, rule.tip)
        return field

    def _mark(self, mark: Mark) -> QCheckBox:
        made = QCheckBox(literal(mark.caption))
        made.toggled.connect(self._tell)
        if mark.tip:
            set_tip(made, mark.tip)
        self.marks[mark.path] = made
        return made


def _at(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values
    for part in path.split("."):
        found = found[part]
    return found


def _put(values: dict[str, Any], path: str, value: object) -> None:
    *above, last = path.split(".")
    for part in above:
        values = values[part]
    values[last] = value
