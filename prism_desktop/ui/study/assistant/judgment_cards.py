"""The attributes that come in: their values, their scale, which can be said otherwise."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.plan import AttributePlan
from prism_desktop.ui.study.assistant.recipe_edits import number, scale_words
from prism_desktop.ui.study.assistant.value_plots import OutcomeBars, ScalePlot
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, chip, columns, label, rows
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import Field

_NONE = "No column is taken for a judgment."
_WAITS = "What was judged is shown when the questions are answered."
SHOWN = 40  # attributes with a plot; the rest are counted


class JudgmentView(QWidget):
    """One attribute: name and count, plot, scale."""

    scale_said = Signal(str, str)  # attribute, LOW-HIGH or "" for as found

    def __init__(self, theme: Theme, plan: AttributePlan) -> None:
        super().__init__()
        self._plan = plan
        self.name = label("", "strong", wrap=True)
        self.count = label("", "small")
        self.new = chip("new attribute", "accent")
        self.plot: ScalePlot | OutcomeBars
        self.plot = (ScalePlot if plan.kind == "rating" else OutcomeBars)(theme)
        self.found = label("", "small", wrap=True)
        self.scale = QLineEdit()
        self.scale.setPlaceholderText("LOW-HIGH")
        self.scale.setMaximumWidth(110)
        self.scale.setAcceptDrops(False)
        self.field = Field("Scale", self.scale)
        self.scale.editingFinished.connect(self._said)
        head = columns(self.name, self.new, None, self.count)
        scale = columns(self.field, self.found, gap=2 * GRID)
        scale.setStretch(1, 1)
        self.setLayout(rows(head, self.plot, scale, gap=GRID // 2))
        for part in (self.field, self.found):  # they have a parent now, or they would be windows
            part.setVisible(plan.kind == "rating")
        self.show_plan(plan, Recipe())

    def show_plan(self, plan: AttributePlan, given: Recipe) -> None:
        """Show the attribute as a newer plan has it; a scale that is being typed stays."""
        self._plan = plan
        self.name.setText(plan.name)
        what = "comparison" if plan.kind == "comparison" else "rating"
        self.count.setText(counted(plan.answers, what))
        self.new.setVisible(plan.new)
        self.plot.show_attribute(plan)
        self.scale.setAccessibleName(f"Scale of {plan.name}, LOW-HIGH")
        if not self.scale.isModified():
            self.scale.setText(self._usual())
        said = plan.name in given.scales or bool(given.scale)
        how = "Said by you" if said else f"Found: {plan.found}" if plan.found else "Not known"
        lines = " The lines part it into the study's steps 1 to 4." if plan.cuts else ""
        self.found.setText(f"{how}.{lines}")

    def _usual(self) -> str:
        if self._plan.low is None or self._plan.high is None:
            return ""
        return f"{number(self._plan.low)}-{number(self._plan.high)}"

    def _said(self) -> None:
        if not self.scale.isModified():
            return
        words = scale_words(self.scale.text())
        self.field.say("" if words is not None else "A scale is like 1-7.", bad=words is None)
        if words is not None:
            self.scale.setModified(False)
            if words != self._usual():
                self.scale_said.emit(self._plan.name, words)


class JudgmentsCard(Card):
    """All attributes, below each other."""

    scale_said = Signal(str, str)

    def __init__(self, theme: Theme) -> None:
        super().__init__("What was judged")
        self._theme = theme
        self.views: dict[tuple[str, str], JudgmentView] = {}
        self._frames = QVBoxLayout()
        self._frames.setSpacing(2 * GRID)
        self.none = label(_NONE, "muted", wrap=True)
        self.more = label("", "small")
        for part in (self.none, self.more):
            self.body.addWidget(part)
        self.body.insertLayout(0, self._frames)

    def show_plans(
        self, plans: tuple[AttributePlan, ...], given: Recipe, *, waiting: bool = False
    ) -> None:
        """Show attributes; views of the same ones stay, and what is typed in them.

        Args:
            waiting: a question must be answered before there can be any.
        """
        shown: dict[tuple[str, str], AttributePlan] = {
            (plan.name, plan.kind): plan for plan in plans[:SHOWN]
        }
        if list(shown) != list(self.views):
            self._make(shown)
        for key, plan in shown.items():
            self.views[key].show_plan(plan, given)
        self.none.setVisible(not plans)
        self.none.setText(_WAITS if waiting else _NONE)
        self.more.setText(f"and {counted(len(plans) - SHOWN, 'more attribute')}")
        self.more.setVisible(len(plans) > SHOWN)

    def _make(self, shown: dict[tuple[str, str], AttributePlan]) -> None:
        while (item := self._frames.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.views = {}
        for key, plan in shown.items():
            view = self.views[key] = JudgmentView(self._theme, plan)
            view.scale_said.connect(self.scale_said)
            self._frames.addWidget(view)
