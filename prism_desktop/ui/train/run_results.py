"""The results of a run that has no curves: how right its model is, dot by dot with intervals."""

from collections.abc import Mapping

from PySide6.QtWidgets import QWidget

from prism_desktop.engine.methods import method_title
from prism_desktop.engine.runs.estimates import told_blocks
from prism_desktop.engine.runs.stopping import has_checkpoints
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.accuracy_rows import attribute_rows, labeler_rows
from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.widgets.basics import GRID, columns, frame, label, rows
from prism_desktop.ui.widgets.dumbbell import DumbbellKey, Dumbbells


class RunResults(QWidget):
    """A sentence on why there are no curves, and the accuracies on the held-out answers, if any."""

    def __init__(self, theme: Theme) -> None:
        """A card of labelers and one of attributes, below the sentence."""
        super().__init__()
        self._theme = theme
        self.sentence = label("", "muted", wrap=True)
        key = DumbbellKey(theme)
        self.labelers, self.attributes = Dumbbells(theme, key), Dumbbells(theme)
        self._cards = tuple(
            _card(f"Test accuracy per {noun}", *inside)
            for noun, *inside in (
                ("labeler", key, self.labelers),
                ("attribute", self.attributes),
            )
        )
        self.blocks = label("", "muted", wrap=True)
        self.setLayout(rows(self.sentence, self.blocks, *self._cards, gap=GRID + 4))

    def show_run(self, row: RunRow, names: Mapping[str, str]) -> None:
        """Show a run's results; `names` says what to call each labeler."""
        tokens = self._theme.tokens
        labelers = labeler_rows(row.test, row.consensus, names, tokens, row.gained)
        attributes = attribute_rows(row.test, row.consensus, tokens, row.gained)
        self.sentence.setText(why_no_curves(row))
        told = [f"Optional block {line}" for line in told_blocks(row.blocks)]
        self.blocks.setText("\n".join(told))
        self.blocks.setVisible(bool(told))
        for card, view, found in zip(
            self._cards, (self.labelers, self.attributes), (labelers, attributes), strict=True
        ):
            view.show_rows(found)
            card.setVisible(bool(found))


def why_no_curves(row: RunRow) -> str:
    """Why a run has no curves, and what there is, or will be, instead."""
    run, tested = row.run, row.test.macro.accuracy is not None
    steps = has_checkpoints(run.method, features=run.features)
    title = method_title(run.method, run.backbone)
    if row.live:
        return (
            "Curves are drawn from the first step on."
            if steps
            else f"{title} is fitted in one go, so it draws no curves; its accuracies stand here "
            "as soon as it is tested."
        )
    if not tested:
        return "This run ended before there was anything to draw."
    if steps:
        return "This run has no curves; these are its accuracies on the held-out answers."
    return (
        f"{title} is fitted in one go, so it has no curves; these are its accuracies on the "
        "held-out answers."
    )


def _card(title: str, *inside: QWidget) -> QWidget:
    layout = rows(columns(label(title, "strong"), None), *inside, gap=GRID)
    layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
    return frame("card", layout)
