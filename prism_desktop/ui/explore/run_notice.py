"""A sentence about the run that is shown, with the button for it."""

from collections.abc import Callable

from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.ui.plain import literal
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, Icon, button, columns, label

ROOM = 36  # px: two lines of small text, or a button


class RunNotice(QWidget):
    """Stands below the view, in a line whose room is always there: a run may have been read while
    somebody looks on, and nothing moves."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.text = label("", "small", wrap=True)
        self.action = button("", self._act, "quiet")
        self._do: Callable[[], object] = lambda: None
        inside = columns(Icon(theme, "warning", 18, "warn"), self.text, self.action, gap=GRID)
        inside.setStretch(1, 1)
        self.setLayout(inside)
        self.setFixedHeight(ROOM)
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
        self.setFixedHeight(ROOM)
        self.offer("", "")

    def offer(self, path: str, told: str) -> None:
        """Offer the run at a path; nothing if that is empty."""
        self.path = path
        self.text.setText(told)
        self.take.setVisible(bool(path))
        self.setVisible(bool(path))
