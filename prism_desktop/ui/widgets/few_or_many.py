"""A choice of one: buttons side by side where they are few and short, else a list."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.ui.plain import literal
from prism_desktop.ui.widgets.basics import columns
from prism_desktop.ui.widgets.pickers import Picker, Segments

_BUTTONS, _LETTERS = 7, 70  # at most, of all captions together


class FewOrMany(QWidget):
    """Thirty attributes take no more room than three."""

    picked = Signal(str)

    def __init__(self, name: str, choices: Mapping[str, str]) -> None:
        """Args:
        name: for screen readers.
        choices: key to caption, in order; the first is chosen.
        """
        super().__init__()
        few = len(choices) <= _BUTTONS and sum(map(len, choices.values())) <= _LETTERS
        self._shown: Segments | Picker
        if few:
            self._shown = buttons = Segments({key: literal(told) for key, told in choices.items()})
            buttons.picked.connect(self.picked)
        else:
            self._shown = listed = Picker()
            listed.setSizeAdjustPolicy(Picker.SizeAdjustPolicy.AdjustToContents)
            listed.setAccessibleName(name)
            listed.offer(list(choices.items()))
            listed.currentIndexChanged.connect(lambda _: self.picked.emit(listed.key))
        self.setLayout(columns(self._shown))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def current(self) -> str:
        """The key that is chosen."""
        return self._shown.key if isinstance(self._shown, Picker) else self._shown.current

    def has(self, key: str) -> bool:
        """Whether this key is offered."""
        return self._shown.has(key)

    def pick(self, key: str) -> None:
        """Choose by key, as if by hand; KeyError if it is not offered."""
        self._shown.pick(key)

    def settle(self, key: str) -> None:
        """Choose by key without any signal; KeyError if it is not offered."""
        self._shown.settle(key)
