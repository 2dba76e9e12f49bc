"""Runs that another version of this program trained: told
apart from damaged ones, since only training again helps."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from prism_desktop.engine.errors import RunError

T = TypeVar("T")


def made_by_earlier_version(run: Path, lacks: str) -> RunError:
    """The error of a run whose files lack something that this version keeps."""
    return RunError(
        f"{run.name} was trained by an earlier version, which did not keep {lacks}; train it again."
    )


def record(kind: type[T], said: Mapping[str, Any], run: Path) -> T:
    """What a model's file says of itself, as a dataclass.

    Raises:
        RunError: an earlier or a later version wrote it, or it is damaged.
    """
    known: Any = fields(kind)  # type: ignore[arg-type]
    wanted = {
        field.name
        for field in known
        if field.default is MISSING and field.default_factory is MISSING
    }
    if missing := sorted(wanted - said.keys()):
        raise made_by_earlier_version(run, f"its {', '.join(missing)}")
    if said.keys() - {field.name for field in known}:
        raise RunError(
            f"{run.name} was trained by a later version of PRISM Desktop; bring this one up to "
            "date."
        )
    try:
        return TypeAdapter(kind).validate_json(json.dumps(said), strict=True)
    except ValueError as error:
        raise RunError(
            f"The model file of {run.name} is damaged (what it says of itself is odd); train again."
        ) from error
