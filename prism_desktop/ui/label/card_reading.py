"""Reading texts while labeling: keys that move them, and letters of the labeler's own size."""

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label.controller import LabelingController
from prism_desktop.ui.label.keys import written
from prism_desktop.ui.label.stimulus_view import StimulusView
from prism_desktop.ui.label.text_cards import USUAL, TextCards
from prism_desktop.ui.widgets.keycap import KeyHint

LETTERS: Final = "letters"  # in the settings: labeler -> px of the letters
_KEYPAD: Final = Qt.KeyboardModifier.KeypadModifier
_SIZES: Final = ((QKeySequence.StandardKey.ZoomIn, 1), (QKeySequence.StandardKey.ZoomOut, -1))
_LARGER: Final = ("Ctrl+=", "Ctrl+Shift+=", "Ctrl+Shift++")  # where + has no key of its own
_ALL: Final = 1e6  # pages, more than any text has
# Pages and lines that keys move both texts by, where they have nothing else to do.
_MOVES: Final[dict[Qt.Key, tuple[float, int]]] = {
    Qt.Key.Key_PageUp: (-1.0, 0),
    Qt.Key.Key_PageDown: (1.0, 0),
    Qt.Key.Key_Up: (0.0, -2),
    Qt.Key.Key_Down: (0.0, 2),
    Qt.Key.Key_Home: (-_ALL, 0),
    Qt.Key.Key_End: (_ALL, 0),
}


class CardReading:
    """What a trial page does more where its trials show texts."""

    def __init__(self, context: AppContext, view: StimulusView) -> None:
        self._context, self._view = context, view
        self.cards = TextCards()
        self._labeler = ""
        scroll = KeyHint(context.theme, "PgUp+PgDown", "Scroll", stage=True)
        scroll.pressed.connect(self._turn_page)
        letters = KeyHint(context.theme, "Ctrl", "with + or −: letter size", stage=True)
        self.hints = (scroll, letters)
        for hint in self.hints:
            hint.hide()

    def begin(self, controller: LabelingController, words: StimulusWords) -> None:
        """Show texts in the letters that the labeler chose last, or faces."""
        texts = words is not FACES
        self._labeler = controller.labeler if texts else ""
        for hint in self.hints:
            hint.setVisible(texts)
        if texts:
            size = self._sizes().get(controller.labeler)
            self.cards.set_size(size if isinstance(size, int) else USUAL)
            self.cards.texts = controller.texts
        self._view.use_cards(self.cards if texts else None)

    def take_key(self, event: QKeyEvent) -> bool:
        """Move the texts or change their letters; whether the key says so."""
        if not self._labeler:
            return False
        steps = next((steps for key, steps in _SIZES if event.matches(key)), 0)
        if steps or written(event) in _LARGER:
            if self.cards.enlarge(steps or 1):
                sizes = {**self._sizes(), self._labeler: self.cards.size}
                self._context.settings.put(LETTERS, sizes)
        elif event.key() in _MOVES and not event.modifiers() & ~_KEYPAD:
            self.cards.scroll(*_MOVES[Qt.Key(event.key())])
        else:
            return False
        self._view.update()
        return True

    def _turn_page(self) -> None:
        """By touch or mouse: down a page, and from the end to the beginning."""
        if not self.cards.scroll(1.0):
            self.cards.scroll(-_ALL)
        self._view.update()

    def _sizes(self) -> dict[str, object]:
        found = self._context.settings.get(LETTERS, {})
        return dict(found) if isinstance(found, dict) else {}
