"""The filters of the gallery of faces: which faces are shown, and how large."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from prism_desktop.engine.analysis.face_ranking import KINDS, NOWHERE, FaceFilter
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import Selection
from prism_desktop.ui.explore.view import captioned, picker, settle
from prism_desktop.ui.plain import literal, set_tip
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.fields import CountField
from prism_desktop.ui.widgets.flow import FlowBox
from prism_desktop.ui.widgets.pickers import Segments

_MOST_VALUES = 60  # of a fact that are offered; a name or a number for each face groups nothing
CELLS = {"s": 96, "m": 132, "l": 208}  # least width of a card in px
_BETWEEN = "\x1f"


def filter_of(selection: Selection) -> FaceFilter:
    """The filter that is chosen."""
    return FaceFilter(
        selection.search,
        selection.kind,
        *selection.fact,
        selection.disputed,
        selection.low,
        selection.high,
        selection.area,
    )


class FaceFilters(FlowBox):
    """Which faces are shown; it writes into the selection and says that something changed."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__(GRID + 4)
        self.selection = Selection()
        self.kind, kind = picker("Show", self._choose)
        self.kind.offer(list(KINDS.items()))
        self.fact, self._fact = picker("Group", self._choose)
        self.disputed = QCheckBox(literal("Disputed only"))
        set_tip(self.disputed, "The tenth of the faces in which the labelers' models differ most")
        self.disputed.toggled.connect(lambda _: self._choose())
        self.low, self.high = _share("Least percentile"), _share("Greatest percentile")
        for each in (self.low, self.high):
            each.valueChanged.connect(lambda _: self._choose())
        ranged = QWidget()
        ranged.setLayout(columns(self.low, self.high, gap=4))
        self.none = button("Show all faces", self._clear, "quiet")
        for made in (
            kind, self._fact, captioned("Percentile", ranged), _level(self.disputed),
            _level(self.none),
        ):  # fmt: skip
            self.flow.addWidget(made)

    def offer(self, data: RunData | None) -> None:
        """Offer the groups that the run's facts about images make."""
        choices = [("", "All")]
        for name, known in data.facts.items() if data is not None else ():
            values = sorted(set(known.values()))
            if len(values) <= _MOST_VALUES:
                choices += [(name + _BETWEEN + value, f"{name}: {value}") for value in values]
        self.fact.offer(choices)
        self._fact.setVisible(len(choices) > 1)
        several = data is not None and len(data.labelers) > 1
        self.disputed.setVisible(several)

    def settle(self) -> bool:
        """Bring the controls to what is chosen; whether that changed anything."""
        chosen = self.selection
        fact = _BETWEEN.join(chosen.fact) if chosen.fact[0] else ""
        changed = [settle(self.kind, chosen.kind), settle(self.fact, fact)]
        for control, value in (
            (self.low, chosen.low), (self.high, chosen.high), (self.disputed, chosen.disputed),
        ):  # fmt: skip
            control.blockSignals(True)
            if isinstance(control, QCheckBox):
                changed.append(control.isChecked() != value)
                control.setChecked(bool(value))
            else:
                changed.append(control.value() != value)
                control.setValue(int(value))
            control.blockSignals(False)
        self.none.setEnabled(bool(filter_of(chosen).count))
        return any(changed)

    def _choose(self) -> None:
        chosen, fact = self.selection, self.fact.key
        chosen.kind, chosen.disputed = self.kind.key, self.disputed.isChecked()
        name, _, value = fact.partition(_BETWEEN)
        chosen.fact = (name, value)
        chosen.low, chosen.high = self.low.value(), max(self.low.value(), self.high.value())
        self.settle()
        self.changed.emit()

    def _clear(self) -> None:
        chosen = self.selection
        chosen.kind, chosen.fact, chosen.disputed = "", ("", ""), False
        chosen.low, chosen.high, chosen.area = 0, 100, NOWHERE
        self.settle()
        self.changed.emit()


def _level(control: QWidget) -> QWidget:
    """Level with editors that have a caption above them."""
    holder = QWidget()
    holder.setLayout(rows(label("", "field"), control, gap=4))
    return holder


def _share(name: str) -> CountField:
    field = CountField()
    field.setRange(0, 100)
    field.setKeyboardTracking(False)  # a number that is half typed is none
    field.setAccessibleName(name)
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    return field


def size_buttons() -> Segments:
    """How large the thumbnails are."""
    made = Segments({"s": "S", "m": "M", "l": "L"})
    for key, words in (("s", "Small"), ("m", "Medium"), ("l", "Large")):
        set_tip(made.button(key), f"{words} thumbnails")
        made.button(key).setAccessibleName(f"{words} thumbnails")
    return made
