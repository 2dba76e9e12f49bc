"""A sentence about the run that is shown, with the button for it."""

from collections.abc import Callable

from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.ui.plain import literal
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows


class RunNotice(QWidget):
    """Stands where the eye begins; it changes with the run or the view, never by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.text = label("", "", wrap=True)
        self.action = button("", self._act)
        self._do: Callable[[], object] = lambda: None
        inside = columns(self.text, self.action, gap=2 * GRID)
        inside.setContentsMargins(2 * GRID, GRID, GRID, GRID)
        inside.setStretch(0, 1)
        self.setLayout(rows(frame("inset", inside), gap=0))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def tell(self, text: str, action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Say this, with a button if there is something to do about it; nothing hides it."""
        self.text.setText(text)
        self.action.setVisible(action is not None)
        if action is not None:
            self.action.setText(literal(action[0], 60))
            self._do = action[1]
        self.setVisible(bool(text))

    def _act(self) -> None:
        self._do()


class RunOffer(QWidget):
    """Offers a better run below the views, in a line whose room is always there: it may come while
    somebody works, and nothing moves."""

    def __init__(self, show: Callable[[str], object]) -> None:
        """`show` is given the path of the run."""
        super().__init__()
        self.text = label("", "small")
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.take = button("Show it", lambda: show(self.path), "quiet")
        self.path = ""
        inside = columns(self.text, self.take, gap=GRID)
        inside.setStretch(0, 1)
        self.setLayout(inside)
        self.setFixedHeight(32)
        self.offer("", "")

    def offer(self, path: str, told: str) -> None:
        """Offer the run at a path; nothing if that is empty."""
        self.path = path
        self.text.setText(told)
        self.take.setVisible(bool(path))
