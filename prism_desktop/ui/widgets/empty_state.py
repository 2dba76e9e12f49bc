"""The empty state of a panel: what to do next, with the button for it."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from prism_desktop.ui.plain import literal
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, Icon, button, columns, label, rows
from prism_desktop.ui.widgets.possible import allow


class EmptyState(QWidget):
    """An icon, a title, a sentence, and up to a few buttons; the first is the one to press."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        title: str,
        text: str,
        actions: tuple[tuple[str, Callable[[], object]], ...] = (),
    ) -> None:
        """Everything in a column in the middle; the first button is the primary one.

        The sentence has a fixed width, at which it wraps into lines that are easy to read.
        """
        super().__init__()
        self._says = text
        self._icon = Icon(theme, icon, 40, "faint")
        self.title = label(title, "title")
        self.text = label(text, "muted", wrap=True)
        self.text.setFixedWidth(440)
        for each in (self.title, self.text):
            each.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.buttons = [
            button(name, act, "" if number else "primary")
            for number, (name, act) in enumerate(actions)
        ]
        self.way = button("", self._go, "primary")
        self.way.hide()
        self._act: Callable[[], object] | None = None
        middle = rows(
            None,
            columns(None, self._icon, None),
            GRID,
            self.title,
            columns(None, self.text, None),
            GRID,
            columns(None, *self.buttons, self.way, None),
            None,
        )
        self.setLayout(middle)

    def block(self, why: str, way: tuple[str, Callable[[], object]] | None = None) -> None:
        """Say why the first button can do nothing now, in place of the sentence, or that it can.

        Args:
            why: a sentence, or nothing.
            way: the button that leads out, what it says and does.
        """
        self.text.setText(why or self._says)
        allow(why, self.buttons[0])
        self._offer(way if why else None)

    def tell(
        self, title: str, why: str, way: tuple[str, Callable[[], object]] | None, icon: str = ""
    ) -> None:
        """Say something else, with the button for it in place of the page's own if there is one;
        `icon` is shown in place of the last one, if it is named."""
        if icon:
            self._icon.show_other(icon)
        self.title.setText(title)
        self.text.setText(why)
        for each in self.buttons:
            each.setVisible(way is None)
        self._offer(way)

    def _offer(self, way: tuple[str, Callable[[], object]] | None) -> None:
        caption, self._act = way or ("", None)
        self.way.setText(literal(caption))
        self.way.setVisible(way is not None)

    def _go(self) -> None:
        if self._act is not None:
            self._act()
