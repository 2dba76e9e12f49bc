"""Preferences: what the window remembers between two sessions."""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QByteArray, QSettings

from prism_desktop.engine import paths
from prism_desktop.engine.foreign_files import is_folder, real
from prism_desktop.engine.json_files import parse_json
from prism_desktop.ui.theme import Mode

RECENT = 8
_CHOICES = 100  # studies whose choices are kept


class Settings:
    """A typed face on one INI file in the program's configuration folder."""

    def __init__(self, file: Path | None = None) -> None:
        file = file or paths.config() / "window.ini"
        self._store = QSettings(str(file), QSettings.Format.IniFormat)

    def get(self, key: str, default: Any = None) -> Any:
        """A value kept by `put`, any JSON type."""
        text = self._store.value(key)
        if not isinstance(text, str):
            return default
        try:
            found = parse_json(text.encode())
        except ValueError:  # edited by hand
            return default
        # of what is a table here, anything else is edited by hand, too
        return found if isinstance(found, dict) or not isinstance(default, dict) else default

    def put(self, key: str, value: Any) -> None:
        self._store.setValue(key, json.dumps(value))

    @property
    def mode(self) -> Mode:
        mode = self.get("theme", "system")
        return cast(Mode, mode) if mode in ("system", "light", "dark") else "system"

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self.put("theme", mode)

    @property
    def recent(self) -> list[Path]:
        """Studies opened lately, newest first, those that are still there."""
        kept = self.get("recent", [])
        texts = [text for text in kept if isinstance(text, str)] if isinstance(kept, list) else []
        return [Path(text) for text in texts if is_folder(text)]

    def add_recent(self, path: Path) -> None:
        path = real(path)
        self.put(
            "recent",
            [str(each) for each in [path, *(p for p in self.recent if p != path)][:RECENT]],
        )

    def see(
        self, path: Path, images: int, labelers: int, answers: int, *, of_texts: bool = False
    ) -> None:
        """Remember what a study holds, and that it was looked at now."""
        kept = self.get("seen", {})
        known = {str(each): kept[str(each)] for each in self.recent if str(each) in kept}
        now = {"images": images, "labelers": labelers, "answers": answers, "when": time.time()}
        now |= {"of texts": 1} if of_texts else {}
        self.put("seen", {**known, str(real(path)): now})

    def seen(self, path: Path) -> Mapping[str, float]:
        """What `see` remembered: images, labelers, answers, when (unix s); empty if nothing."""
        found = self.get("seen", {})
        known = found.get(str(path))
        numbers = known.values() if isinstance(known, dict) else ()
        sound = numbers and all(isinstance(n, int | float) and math.isfinite(n) for n in numbers)
        return cast("Mapping[str, float]", known) if sound else {}

    def forget_recent(self, path: Path) -> None:
        self.put("recent", [str(each) for each in self.recent if each != path])

    def backbone(self, study: Path) -> str:
        """The backbone chosen last for a study; empty if none was."""
        chosen = self._backbones().get(str(real(study)))
        return chosen if isinstance(chosen, str) else ""

    def keep_backbone(self, study: Path, backbone: str) -> None:
        place = str(real(study))
        others = [(key, each) for key, each in self._backbones().items() if key != place]
        self.put("backbones", dict([*others, (place, backbone)][-_CHOICES:]))

    def _backbones(self) -> Mapping[str, Any]:
        found = self.get("backbones", {})
        return found if isinstance(found, dict) else {}

    @property
    def geometry(self) -> QByteArray | None:
        value = self._store.value("geometry")
        return value if isinstance(value, QByteArray) else None

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._store.setValue("geometry", value)

    @property
    def keys(self) -> Mapping[str, str]:
        """The labeling keys that the user changed: action to key, as `QKeySequence` writes it."""
        found = self.get("keys", {})
        return {key: each for key, each in found.items() if isinstance(each, str)}

    @keys.setter
    def keys(self, keys: Mapping[str, str]) -> None:
        self.put("keys", dict(keys))

    def sync(self) -> None:
        self._store.sync()
