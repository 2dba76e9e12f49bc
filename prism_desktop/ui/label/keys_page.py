"""The keys page: a field for each key that labeling uses."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QGridLayout, QKeySequenceEdit, QLabel, QVBoxLayout, QWidget

from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label.keys import DEFAULTS, Keys, names_for
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.cards import Card, ScrollPage


class KeysPage(QWidget):
    """A field for each action; press the key it is to have."""

    left = Signal()

    def __init__(self, context: AppContext) -> None:
        """A card with a line per action, what is wrong with the keys below them, and the buttons.

        A field takes one key and not a sequence, since each action is to be a single press.
        """
        super().__init__()
        self._context = context
        self.fields: dict[str, QKeySequenceEdit] = {}
        self._names = names_for(FACES)
        self._labels: dict[str, QLabel] = {}
        self.trouble = label("", "bad", wrap=True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * GRID)
        grid.setVerticalSpacing(GRID)
        for row, (action, name) in enumerate(self._names.items()):
            field = QKeySequenceEdit()
            field.setMaximumSequenceLength(1)
            field.setAccessibleName(name)
            field.keySequenceChanged.connect(self._check)
            self.fields[action] = field
            self._labels[action] = label(name)
            grid.addWidget(self._labels[action], row, 0)
            grid.addWidget(field, row, 1)
        self.done = button("Save keys", self._save, "primary")
        card = Card()
        card.body.addLayout(grid)
        card.body.addWidget(self.trouble)
        card.body.addSpacing(GRID)
        defaults = button("Defaults", lambda: self._fill(DEFAULTS))
        card.body.addLayout(columns(self.done, button("Cancel", self.left.emit), None, defaults))
        how = label(
            "Choose a field and press the key that it is to have. They hold for this computer.",
            "muted",
        )
        content = rows(label("Keys while labeling", "title"), how, GRID, card, None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ScrollPage(content, 560))
        self.setFocusProxy(self.fields["rate 1"])
        self.reset()

    def use_words(self, words: StimulusWords) -> None:
        """Call the actions by what the study holds."""
        self._names = names_for(words)
        for action, name in self._names.items():
            self._labels[action].setText(name)
            self.fields[action].setAccessibleName(name)

    def reset(self) -> None:
        """Show the keys in force."""
        self._fill(Keys(self._context.settings.keys).by_action)

    def _chosen(self) -> Keys:
        form = QKeySequence.SequenceFormat.PortableText
        return Keys(
            {action: field.keySequence().toString(form) for action, field in self.fields.items()}
        )

    def _fill(self, keys: Mapping[str, str]) -> None:
        for action, field in self.fields.items():
            field.setKeySequence(QKeySequence(keys[action]))
        self._check()

    def _check(self) -> None:
        chosen = self._chosen()
        clashes, missing = chosen.clashes(), chosen.missing()
        named = self._names.items()
        troubles = [
            f"{what}: {', '.join(name for action, name in named if action in actions)}."
            for what, actions in (("The same key twice", clashes), ("No key yet", missing))
            if actions
        ]
        self.trouble.setText(" ".join(troubles))
        self.done.setEnabled(not troubles)

    def _save(self) -> None:
        self._context.settings.keys = self._chosen().changes()
        self.left.emit()
