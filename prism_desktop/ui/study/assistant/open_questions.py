"""What an import asks, as cards with a button for each way to decide, and what it doubts."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.importing.doubts import Decision, DecisionChoice, Doubt
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.ui.plain import literal, set_tip
from prism_desktop.ui.study.assistant.answer_fields import (
    CodingEditor,
    NameField,
    ScaleField,
    column_box,
    judgment_column,
    scale_of,
    with_column,
)
from prism_desktop.ui.study.doubt_words import DoubtGroup, grouped, told
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, Icon, button, columns, label, rows
from prism_desktop.ui.widgets.flow import FlowBox

_CHIP = 120  # characters of a doubt on its chip; the line below the table has all
_LISTED = 60  # doubts of one kind in their menu
_ENTRY = 120  # characters of a doubt there
_CODED = ("coding", "wording", "outcome-name")
FEW, MANY = 3, 8  # doubts shown at first, in a narrow and a wide window


class DecisionCard(QFrame):
    """One question: its sentence, where it comes from, and the ways to decide it."""

    decided = Signal(object)  # what it changes in the recipe
    shown_wanted = Signal()
    grown = Signal()  # it needs another height

    def __init__(self, theme: Theme, decision: Decision, plan: ImportPlan) -> None:
        super().__init__()
        self.decision = decision
        self.setProperty("role", "failure")
        self.setProperty("kind", "warn")
        words = told(decision.text).removesuffix(" Nothing was imported.")
        self.setAccessibleName(f"To decide: {words}")
        self.buttons: list[QPushButton] = []
        self._ways = FlowBox()
        for choice in decision.choices:
            if decision.kind != "rater" or "rater" not in choice.change:  # a name is typed
                self._ways.flow.addWidget(self._button(choice))
        self._add_fields(plan)
        self.coding = self._coding()
        if decision.column or decision.rows:
            where = f"Show {_rows(decision.count)}" if decision.rows else "Show the column"
            self._ways.flow.addWidget(button(literal(where), self.shown_wanted.emit, "quiet"))
        icon = rows(Icon(theme, "warning", 18, "warn"), None)
        parts: list[QWidget] = [label(words, "", wrap=True), self._ways]
        if self.coding is not None:
            parts.append(self.coding)
        layout = columns(icon, rows(*parts), gap=GRID + 4)
        layout.setStretch(1, 1)
        layout.setContentsMargins(GRID + 4, GRID, GRID, GRID)
        self.setLayout(layout)
        if self.coding is not None:  # it has a parent now, or it would be a window
            self.coding.setVisible(not self.buttons)

    def focus(self) -> None:
        """Give the focus to the first way to decide."""
        first = self.buttons[0] if self.buttons else self.nextInFocusChain()
        if first is not None:
            first.setFocus(Qt.FocusReason.OtherFocusReason)

    def _button(self, choice: DecisionChoice) -> QPushButton:
        text = choice.label[:1].upper() + choice.label[1:]
        made = button(literal(text), partial(self._decide, choice.change))
        set_tip(made, f"On the command line: {choice.option}" if choice.option else "")
        self.buttons.append(made)
        return made

    def _add_fields(self, plan: ImportPlan) -> None:
        """Fields for what no button names: a person, an attribute, a scale, a column."""
        decision, add = self.decision, self._ways.flow.addWidget
        if decision.kind == "rater":
            usual = decision.table.rpartition(", sheet ")[0] or decision.table
            usual = usual.rsplit(".", 1)[0]
            name = NameField("Name of who judged", usual, "One person of this name judged all")
            name.said.connect(lambda text: self._decide({"rater": text}))
            add(name)
        if decision.kind == "attribute":
            name = NameField("Name of the attribute", "", "This is what was judged")
            name.editor.setPlaceholderText("another attribute")
            column = judgment_column(decision)
            name.said.connect(lambda text: self._decide({"judgments": {column: text}}))
            add(name)
        attribute = scale_of(decision, plan)
        if attribute:
            scale = ScaleField()
            scale.said.connect(lambda text: self._decide({"scales": {attribute: text}}))
            add(scale)
        others = column_box(decision, plan)
        if others is not None:
            others.activated.connect(
                lambda _: (
                    self._decide(with_column(decision, str(others.currentData())))
                    if others.currentData()
                    else None
                )
            )
            add(others)

    def _coding(self) -> CodingEditor | None:
        """A row for each value that is asked about; folded where there are buttons."""
        decision = self.decision
        if decision.kind not in _CODED or not decision.values:
            return None
        editor = CodingEditor(decision.values, numbers=decision.kind == "wording")
        editor.said.connect(lambda meanings: self._decide({"coding": meanings}))
        if self.buttons:
            self._ways.flow.addWidget(button("Say it value by value…", self._unfold))
        return editor

    def _unfold(self) -> None:
        """Show a row for each value in place of the ready-made meanings."""
        if self.coding is not None:
            self.coding.show()
            self._ways.hide()
            self.grown.emit()

    def _decide(self, change: Mapping[str, object]) -> None:
        for each in self.findChildren(QPushButton):
            each.setEnabled(False)
        self.decided.emit(change)


class DecisionList(QScrollArea):
    """All open questions; hidden while there are none."""

    decided = Signal(object)
    shown_wanted = Signal(object)  # Decision

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.cards: list[DecisionCard] = []
        self.room = 200  # px that they may take before they scroll
        self._holder = QWidget()
        self._layout = QVBoxLayout(self._holder)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.setWidget(self._holder)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def show_plan(self, plan: ImportPlan) -> None:
        """Ask what a plan leaves open; buttons of what is asked again can be pressed again."""
        for card in self.cards:
            self._layout.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []
        for decision in plan.decisions:
            card = DecisionCard(self._theme, decision, plan)
            card.decided.connect(self.decided)
            card.grown.connect(self._fit)
            card.shown_wanted.connect(partial(self.shown_wanted.emit, decision))
            self._layout.addWidget(card)
            card.show()  # at once, not later, or it would have no height yet
            self.cards.append(card)
        self.setVisible(bool(plan.decisions))
        self._fit()

    def give_room(self, room: int) -> None:
        """How high they may be before they scroll, px."""
        self.room = room
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        wide = self.viewport().width()
        high = self._layout.totalHeightForWidth(wide) if self.cards else 0
        self._holder.setFixedHeight(max(high, 1))
        self.setFixedHeight(min(self.room, max(high, 1)))


class DoubtChips(QWidget):
    """A chip for each doubt, which leads to its first row, or for many of one kind, which lists
    them."""

    chosen = Signal(object)  # Doubt

    def __init__(self) -> None:
        super().__init__()
        self._doubts: tuple[Doubt, ...] = ()
        self._groups: list[DoubtGroup] = []
        self._all, self._few = False, FEW
        self.box = FlowBox(gap=6)
        self.chips: list[QPushButton] = []
        self.setLayout(rows(self.box))
        self.setAccessibleName("Doubts")
        self.hide()

    def show_doubts(self, doubts: tuple[Doubt, ...]) -> None:
        """Show these, the first few unless all were asked for."""
        if doubts == self._doubts:
            return
        self._doubts = doubts
        self._groups = grouped(list(enumerate(doubts)))
        self._fill()

    def give_room(self, *, wide: bool) -> None:
        """Show more of them at first where the window is wide."""
        few = MANY if wide else FEW
        if few != self._few:
            self._few = few
            self._fill()

    def _fill(self) -> None:
        self.box.flow.clear()
        shown = self._groups if self._all else self._groups[: self._few]
        self.chips = [self._chip(group) for group in shown]
        for made in self.chips:
            self.box.flow.addWidget(made)
        if len(self._groups) > self._few:
            text = (
                "Show fewer" if self._all else counted(len(self._groups) - self._few, "more doubt")
            )
            self.box.flow.addWidget(button(literal(text), self._toggle, "more"))
        self.setVisible(bool(self._doubts))
        self.box.updateGeometry()
        self.updateGeometry()

    def _toggle(self) -> None:
        self._all = not self._all
        self._fill()

    def _chip(self, group: DoubtGroup) -> QPushButton:
        text = group.text.rstrip(".")
        count = f" · {_rows(group.rows)}" if group.rows and len(group.members) == 1 else ""
        several = len(group.members) > 1
        tip = "Press to list them" if several else group.text
        made = button(
            f"{literal(text, _CHIP)}{literal(count)}{'  ▾' if several else ''}",
            variant="doubt",
            tip=tip,
        )
        made.setAccessibleName(f"Doubt: {group.text}")
        if several:
            made.clicked.connect(lambda _=False: self._list(group, made))
        else:
            made.clicked.connect(lambda _=False: self.chosen.emit(group.members[0][1]))
        return made

    def _list(self, group: DoubtGroup, under: QPushButton) -> QMenu:
        """All doubts of a kind in a menu; choosing one leads to its first row."""
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        for _, doubt in group.members[:_LISTED]:
            entry = menu.addAction(literal(told(doubt.text), _ENTRY))
            entry.triggered.connect(partial(self.chosen.emit, doubt))
        if len(group.members) > _LISTED:
            menu.addAction(f"and {len(group.members) - _LISTED:,} more").setEnabled(False)
        menu.popup(under.mapToGlobal(under.rect().bottomLeft()))
        return menu


def _rows(count: int) -> str:
    return counted(count, "row")
