"""What can be chosen of agreement: of whom, on what, how it is measured and how it looks."""

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from prism_desktop.engine.runs.estimates import ENOUGH
from prism_desktop.ui.explore.selection import ALL
from prism_desktop.ui.explore.view import captioned, picker
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import GRID, columns
from prism_desktop.ui.widgets.pickers import Picker

RUN = "(run)"
ANSWERS = {"comparisons": "Comparisons", "ratings": "Ratings"}
MEASURES = {"alike": "Share alike", "corrected": "Beyond chance"}
ORDERS = {"listed": "As listed", "alike": "Alike together", "mean": "By mean agreement"}
COLOURS = {
    "labeler": "Each labeler",
    "group": "Groups",
    "accuracy": "Model accuracy",
    "none": "None",
}
FEWEST = {1: "Any", ENOUGH: f"{ENOUGH} or more", 200: "200 or more"}


class AgreementPickers(QWidget):
    """A row of pickers; what there is nothing to choose of is hidden by the view."""

    def __init__(self, changed: dict[str, Callable[[], Any]]) -> None:
        """`changed` says what to call when each was chosen."""
        super().__init__()
        self.attribute, attribute = picker("Attribute", changed["attribute"])
        self.attribute.offer([(ALL, "All attributes")])
        self.labelers, self.labelers_held = picker("Labelers", changed["labelers"])
        self.answers, self.answers_held = picker("Answers", changed["answers"], 130)
        self.order, order = picker("Order", changed["order"])
        self.order.offer(list(ORDERS.items()))
        self.colours, colours = picker("Colours", changed["colours"])
        self.colours.offer(list(COLOURS.items()))
        self.fewest, self.fewest_held = picker("Shared answers of a link", changed["fewest"])
        self.fewest.offer([(str(least), told) for least, told in FEWEST.items()])
        self.search = QLineEdit()
        self.search.setPlaceholderText("Name or code")
        self.search.setAccessibleName("Find a labeler")
        self.search.setMinimumWidth(120)
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(changed["search"])
        self.search_held = captioned("Find a labeler", self.search)
        for holder in (self.answers_held, self.fewest_held, self.search_held):
            holder.hide()  # until it is known that there is something to choose
        pickers = (attribute, self.labelers_held, self.answers_held, order, colours)
        self.bar = columns(*pickers, self.fewest_held, self.search_held, None, gap=GRID + 4)
        self.setLayout(self.bar)

        # beside the matrix
        self.measure = Picker()
        self.measure.setAccessibleName("Measure")
        self.measure.setSizeAdjustPolicy(Picker.SizeAdjustPolicy.AdjustToContents)
        self.measure.currentIndexChanged.connect(lambda _: changed["measure"]())
        self.measure.offer(list(MEASURES.items()))
        set_tip(
            self.measure,
            "The share answered alike, or how far it goes beyond chance: Cohen's kappa of "
            "comparisons, Krippendorff's alpha of ratings",
        )
        self.predict = QCheckBox("Predict blanks")
        set_tip(
            self.predict,
            "Where two labelers share nothing, what this run's models let be expected, hatched",
        )
        self.predict.toggled.connect(lambda _: changed["predict"]())
        self.predict.hide()
