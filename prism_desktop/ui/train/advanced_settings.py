"""The advanced settings: those that the chosen methods read, at their own starting values."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.config import TrainConfig, settings
from prism_desktop.engine.methods import METHODS, Method
from prism_desktop.engine.methods.read_settings import reads
from prism_desktop.ui.train.setting_fields import SettingField, SettingGroup, grouped
from prism_desktop.ui.widgets.basics import GRID, button, columns, rows

_ALWAYS = frozenset({"recipe", "seed", "device", "threads", "compare", "baselines"})


def is_relevant(method: Method, key: str) -> bool:
    """Whether a setting (dotted key) is shown for a method: what it reads, and how a run goes
    on."""
    if key == "checkpoint_seconds":
        return method.fitted in ("by steps", "by weighing")  # or a member is
    return key in _ALWAYS or reads(method, key)


APART = frozenset({"method", "backbone", "labelers", "attributes", "split.kind", "seed", "device"})


class AdvancedSettings(QWidget):
    """One field per setting that has no place of its own in the form."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, SettingField] = {}
        self._groups: list[SettingGroup] = []
        self._methods: tuple[str, ...] = ()
        for title, found in grouped(settings(), APART).items():
            fields = [SettingField(setting) for setting in found]
            for field in fields:
                self.fields[field.setting.key] = field
                field.changed.connect(lambda field=field: self._changed(field))
            self._groups.append(SettingGroup(title, fields))
        self.defaults = button("Back to the defaults", self.to_defaults, "quiet")
        self.defaults.setEnabled(False)
        self.setLayout(rows(*self._groups, columns(self.defaults, None), gap=2 * GRID))

    def suit(self, methods: Sequence[str]) -> None:
        """Show what these methods heed.

        The starting values are one method's own, or the plain ones for several.
        """
        if tuple(methods) == self._methods:
            return
        self._methods = tuple(methods)
        for key, field in self.fields.items():
            field.show_if(any(is_relevant(METHODS[name], key) for name in methods))
        for group in self._groups:
            group.lay_out()
        self._start()

    def count(self) -> int:
        """How many settings were changed."""
        return sum(field.relevant and not field.is_default() for field in self.fields.values())

    def wrong(self) -> list[SettingField]:
        """The fields whose values do not fit."""
        return [field for field in self.fields.values() if field.problem()]

    def texts(self) -> list[str]:
        """What was changed, as "key=value".

        The recipe first, for it moves the others' starting values.
        """
        found = [
            f"{k}={field.text()}"
            for k, field in self.fields.items()
            if field.relevant and not field.is_default()
        ]
        return sorted(found, key=lambda text: not text.startswith("recipe="))

    def _start(self) -> None:
        """Move untouched fields to the starting values of the method and the recipe."""
        options = {"method": self._methods[0]} if len(self._methods) == 1 else {}
        start = TrainConfig().with_options({**options, "recipe": self.fields["recipe"].text()})
        for key, field in self.fields.items():
            if key != "recipe":
                field.rebase(_value(start, key))
        self._told()

    def _changed(self, field: SettingField) -> None:
        if field.setting.key == "recipe":
            self._start()
        field.check()
        self._told()

    def _told(self) -> None:
        self.defaults.setEnabled(self.count() > 0)
        self.changed.emit()

    def to_defaults(self) -> None:
        """Undo every change."""
        recipe = self.fields["recipe"]
        recipe.put(recipe.start)
        for field in self.fields.values():
            field.put(field.start)
            field.check()
        self._told()


def _value(config: TrainConfig, key: str) -> Any:
    """A setting by its dotted key."""
    found: Any = config
    for part in key.split("."):
        found = getattr(found, part)
    return found
