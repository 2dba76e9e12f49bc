"""What a comparison of methods that write compares, and with which settings. Needs no torch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods.writing_methods import (
    RETRIEVALS,
    UNIFIED,
    WRITING_METHODS,
    writing_method,
)
from prism_desktop.engine.names import checked_name
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.writing_files import FailedWriting
from prism_desktop.engine.settings import settings_of, stated
from prism_desktop.engine.writing.writing_config import (
    WritingConfig,
    refused_members,
    unified_settings,
)

if TYPE_CHECKING:
    from prism_desktop.engine.writing.own_text_data import OwnTexts

_EARLIER: Final = re.compile(r"[^a-z0-9-]+")  # what earlier versions wrote as a hyphen in names
_UNTOLD: Final = frozenset({"backbone", "device", "people"})  # or told in other words


def _in_turn(name: str) -> tuple[bool, int]:
    """Where a method stands in a comparison: combinations behind what they combine."""
    return WRITING_METHODS[name].combines, list(WRITING_METHODS).index(name)


def with_references(names: Sequence[str]) -> list[str]:
    """Methods in the order in which they are trained, with those that all are compared with: the
    unified model and, where no retrieval is named, the first one."""
    found = {UNIFIED, *(writing_method(name).name for name in names)}
    if not found & set(RETRIEVALS):
        found.add(RETRIEVALS[0])
    return sorted(found, key=_in_turn)


@dataclass(frozen=True, slots=True)
class WritingPlan:
    """What is compared.

    Attributes:
        methods: names or aliases; "all" for every one.
        options: settings that every method gets, by key.
        settings: more of them as "key=value".
        name: of the comparison's folder; empty for one that follows from the rest.
    """

    study: Path
    methods: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Sequence[str] = ()
    name: str = ""

    def configs(self) -> dict[str, WritingConfig]:
        """The settings of every method; the unified model and one retrieval are always there.

        Raises:
            InputError: a method or a setting is unknown.
        """
        wanted = list(WRITING_METHODS) if "all" in self.methods else list(self.methods)
        if not wanted:
            raise InputError("Name at least one method, or all, with --methods.")
        ordered = with_references(wanted)
        if "members" in self._given() and not any(WRITING_METHODS[one].combines for one in ordered):
            raise refused_members("none of the methods compared does")
        found = {name: self._config(name, ordered) for name in ordered}
        # as the methods ask for it that stand on it, so that it is trained once
        return found | {UNIFIED: unified_settings(found[UNIFIED], UNIFIED)}

    def _config(self, name: str, compared: Sequence[str]) -> WritingConfig:
        given = self._given()
        if not WRITING_METHODS[name].combines:  # they are for those that do
            given.pop("members", None)
        config = WritingConfig.of(name, given)
        singles = tuple(one for one in compared if not WRITING_METHODS[one].combines)
        weighing = WRITING_METHODS[name].weighing
        if weighing not in ("alike", "each") or config.members or len(singles) < 2:
            return config
        return config.model_copy(update={"members": singles})

    def _given(self) -> dict[str, Any]:
        """The settings that were given, by key."""
        return stated(self.options, self.settings, settings_of(WritingConfig))

    def folder(self, texts: OwnTexts) -> Path:
        """Where it is kept: the same methods and settings on the same texts have one place, whoever
        asks. One that an earlier version spelled otherwise, "my-board" for "My_Board", stays there.

        Raises:
            InputError: its name could not be a folder's.
        """
        configs = [one.digest() for one in self.configs().values()]
        digest = hashlib.sha256("|".join([texts.meta.fingerprint, *configs]).encode()).hexdigest()
        name = checked_name(self.name or f"writing-{digest[:8]}", "a comparison")
        found = self.study / layout.WRITING_COMPARISONS / name
        earlier = found.with_name(_EARLIER.sub("-", name.lower()).strip("-"))
        return earlier if earlier.is_dir() and not found.exists() else found

    @property
    def told_settings(self) -> tuple[str, ...]:
        """What the comparison's settings differ from the usual in, as "key=value", for a reader."""
        given = [f"{key}={value}" for key, value in self.options.items() if key not in _UNTOLD]
        return (*given, *self.settings)


class BoardArguments(BaseModel):
    """What the service `writing-board` is told.

    Attributes:
        path: the comparison's folder.
        runs: by method, finished ones.
        compared: methods of the whole comparison.
        failed: those without results.
        finished: whether no other follows.
        settings: "key=value" that tell this comparison from others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    runs: dict[str, Path]
    compared: tuple[str, ...]
    failed: tuple[FailedWriting, ...] = ()
    finished: bool = False
    settings: tuple[str, ...] = ()
