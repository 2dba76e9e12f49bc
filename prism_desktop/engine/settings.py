"""Settings as forms and command lines know them: found in a
model's fields, read from text, refused in a sentence."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticKnownError

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.misfit_words import wanted
from prism_desktop.engine.named_lists import listed_names
from prism_desktop.engine.plain_text import few, shortened

MOST: Final = 2**53  # of any number of a setting, as of numbers in records
_SHOWN = 60  # letters of what somebody wrote, in a sentence about it


class SettingsModel(BaseModel):
    """What somebody sets: unknown names and numbers that nothing could count to are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    @field_validator("*")
    @classmethod
    def _in_reach(cls, value: Any) -> Any:
        if isinstance(value, int | float) and value > MOST:
            raise PydanticKnownError("less_than_equal", {"le": MOST})
        return value


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as a form shows it."""

    key: str  # dotted, as `--set` takes it
    description: str  # one line
    kind: str  # "choice", "bool", "int", "float", "text" or "list"
    default: Any  # None where empty is meant
    choices: tuple[str, ...]  # only of a "choice"
    optional: bool  # may be left empty


@cache
def settings_of(model: type[BaseModel], prefix: str = "") -> tuple[Setting, ...]:
    """Every setting with its dotted key, in the order of a form."""
    found: list[Setting] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += settings_of(kind, f"{prefix}{name}.")
        else:
            found.append(_setting(f"{prefix}{name}", field))
    return tuple(found)


def _setting(key: str, field: FieldInfo) -> Setting:
    whole = not get_args(field.annotation) or get_origin(field.annotation) is tuple
    parts = (field.annotation,) if whole else get_args(field.annotation)
    kinds = [kind for kind in parts if kind is not type(None)]
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    # An optional or annotated number's own type is the first argument of the union or of
    # `Annotated`.
    kind = get_args(kinds[0])[0] if get_origin(kinds[0]) is Annotated else kinds[0]
    name = (
        "choice"
        if choices
        else {bool: "bool", int: "int", float: "float", str: "text"}.get(kind, "list")
    )
    optional = type(None) in get_args(field.annotation)
    return Setting(
        key,
        field.description or "",
        name,
        field.get_default(call_default_factory=True),
        choices,
        optional,
    )


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid over `base`, group by group."""
    out = dict(base)
    for key, value in over.items():
        below = out.get(key)
        out[key] = (
            merged(below, value)
            if isinstance(below, Mapping) and isinstance(value, Mapping)
            else value
        )
    return out


def without(values: Mapping[str, Any], starting: Mapping[str, Any]) -> dict[str, Any]:
    """`values` without those that are as they started."""
    out: dict[str, Any] = {}
    for key, value in values.items():
        start = starting.get(key)
        if isinstance(value, Mapping):
            out[key] = without(value, start if isinstance(start, Mapping) else {})
        elif key not in starting or value != start:
            out[key] = value
    return out


def parse(text: str, choices: Sequence[Setting]) -> tuple[str, Any]:
    """A key and its value from "key=value".

    Raises:
        InputError: one sentence, if there is no value or the key is unknown, with near ones.
    """
    key, equals, value = text.partition("=")
    key, value = key.strip(), value.strip()
    known = {setting.key: setting for setting in choices}
    if not equals:
        raise InputError(
            f"The setting “{shortened(text, _SHOWN)}” has no value: write key=value, for example "
            "epochs=10."
        )
    if key not in known:
        ends: dict[str, list[str]] = {}
        for name in known:
            ends.setdefault(name.rpartition(".")[2], []).append(name)
        near = difflib.get_close_matches(key, [*known, *ends], n=3, cutoff=0.6)
        names = list(dict.fromkeys(whole for name in near for whole in ends.get(name, [name])))
        hint = (
            f"near it are {', '.join(names)}"
            if names
            else f"the settings are {few(list(known), 12)}"
        )
        raise InputError(f"There is no setting “{shortened(key, _SHOWN)}”; {hint}.")
    setting = known[key]
    if setting.optional and value.lower() in ("", "none", "all", "null"):
        return key, None
    if setting.kind == "list":
        return key, listed_names(value)
    return key, value


def stated(
    options: Mapping[str, Any], texts: Sequence[str], choices: Sequence[Setting]
) -> dict[str, Any]:
    """What options and "key=value" texts say together, by dotted key.

    Args:
        options: values by dotted key.
        texts: what `--set` was given.
        choices: the settings that there are.

    Raises:
        InputError: one sentence, if a text cannot be read, or a setting has two values.
    """
    found, by_texts = dict(options), set[str]()
    for text in texts:
        key, value = parse(text, choices)
        if key in found and _plainly(found[key]) != _plainly(value):
            one, other = _shown(found[key]), _shown(value)
            where = ("by --set, as", "as") if key in by_texts else ("as", "by --set as")
            raise InputError(
                f"The setting {key} is given twice, {where[0]} {one} and {where[1]} {other}; give "
                "it once."
            )
        found[key] = value
        by_texts.add(key)
    return found


def _plainly(value: Any) -> Any:
    """A value so that 2, "2" and "2.0" are one."""
    if isinstance(value, tuple | list):
        return tuple(map(str, value))
    try:
        return float(value)
    except (TypeError, ValueError):
        return value if value is None else str(value)


def _shown(value: Any) -> str:
    """A value as `--set` takes it."""
    if value is None:
        return "none"
    told = ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return shortened(told, _SHOWN)


def sentence(error: ValidationError, choices: Sequence[Setting]) -> str:
    """What does not fit, for a reader."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"] if isinstance(part, str)) or "configuration"
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, [setting.key for setting in choices], n=3)
        return f"There is no setting “{key}”" + (
            f"; near it are {', '.join(near)}." if near else "."
        )
    what = wanted(first)
    if first["type"] != "value_error":
        what = f"it must be {what}"
    if first["type"] == "string_pattern_mismatch":
        what = "it must be auto, cuda, mps or cpu"  # the device is the only setting with a pattern
    if isinstance(first["input"], Mapping):
        return f"The settings of {key} do not fit together: {what}."
    given = first["input"]
    shown = ", ".join(map(str, given)) if isinstance(given, tuple | list) else str(given)
    return f"The setting {key} cannot be “{shortened(shown, _SHOWN)}”: {what}."
